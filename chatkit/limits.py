"""The limits that a chat keeps, and how; the codes with which a connection ends. Each stands here once."""

import math
import os
import random
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

from websockets.asyncio.connection import Connection

RECENT = 50  # messages shown to a newcomer
BACKLOG = 1024  # connections that come in at once: a class
SPARE_FILES = 32  # files that a server needs beside its clients
MAX_MARKS = 4  # combining marks in a row; Thai needs two


SILENCE = 45.0  # seconds without any message, then the line counts as dead; a plain client hears no beat
ANSWER = 8.0  # seconds that a text waits for its answer, then the line counts as dead
STEADY = 10.0  # seconds that a line must have held before the next loss of it counts as the first


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server takes. A client reads all of it in `welcome.limits`.

    message_bytes: one message on the wire, bytes.
    text:          one text, code points.
    name:          one name, code points after normalising.
    id:            one message id, code points.
    burst, rate:   messages a client may send at once, and then each second; a rate of 0 is no limit.
    flood:         refused messages until a client is put out (1008); ten are forgiven for each good one.
    unread_bytes:  output that a client has not read yet, bytes.
    clients:       connections at once.
    hello_seconds: until hello has to come where a token is asked for.
    history:       messages kept in a room.
    beat_seconds:  between two signs of life.
    """

    message_bytes: int = 16 * 1024
    text: int = 4_000
    name: int = 32
    id: int = 128
    burst: int = 10
    rate: float = 2.0
    flood: int = 500
    unread_bytes: int = 256 * 1024
    clients: int = 2_000
    hello_seconds: float = 5.0
    history: int = 10_000
    beat_seconds: float = 15.0


LIMITS = Limits()


class Bucket:
    """How often somebody may speak: `burst` messages at once, then `rate` a second; a rate of 0 means always."""

    __slots__ = ("burst", "clock", "rate", "since", "tokens")

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self.clock = limits.rate, max(limits.burst, limits.rate), clock
        self.tokens, self.since = float(self.burst), clock()

    def wait(self) -> float:
        """Take one token; 0.0 if there was one, else the seconds until there is."""
        if not self.rate:
            return 0.0
        now = self.clock()
        self.tokens = min(self.burst, self.tokens + (now - self.since) * self.rate)
        self.since = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return 0.0


class Reaper:
    """Puts out the connections that do not read.

    websockets alone would keep them for ever: the keepalive waits in `drain()` before its own time-out starts. To abort
    one is safe, because its reader resumes where it stood.

    max_unread: bytes in the write buffer, at two looks in a row: a burst that is read within a second is no offence.
    patience:   seconds without the buffer getting smaller.
    """

    def __init__(self, max_unread: int, patience: float = 10.0) -> None:
        self.max_unread, self.patience = max_unread, patience
        self.seen: WeakKeyDictionary[Connection, tuple[int, float]] = WeakKeyDictionary()

    def reap(self, connections: Collection[Connection], now: float) -> None:
        """Abort who is over the limit; call it once a second with the loop's time."""
        for connection in connections:
            unread = connection.transport.get_write_buffer_size()
            if not unread:
                self.seen.pop(connection, None)
                continue
            last, since = self.seen.get(connection, (0, now))
            if unread < last:
                since = now
            self.seen[connection] = (unread, since)
            if min(unread, last) > self.max_unread or now - since >= self.patience:
                connection.transport.abort()


class CloseCode(NamedTuple):
    """A code in a close frame (RFC 6455, 7.4). is_final: the next try would end the same way."""

    code: int
    is_final: bool = False


# By the word that the nack before it carries. websockets itself sends 1000, 1001, 1007, 1009 and 1011.
CLOSE_CODES = {
    "binary": CloseCode(1003),
    "flood": CloseCode(1008, is_final=True),
    "replaced": CloseCode(4001, is_final=True),
    "removed": CloseCode(4003, is_final=True),
    "token": CloseCode(4401, is_final=True),
    "key": CloseCode(4403, is_final=True),
}
FINAL_STATUSES = (401, 403, 404)  # of a refused handshake (HTTP)


def is_final(code: int) -> bool:
    """Whether a refusal, by close code or HTTP status, is the answer that the next try would get, too."""
    return code in FINAL_STATUSES or any(code == each.code for each in CLOSE_CODES.values() if each.is_final)


def files_left() -> float:
    """How many more files this process may open, its limit raised as far as the system allows; each client is one."""
    if sys.platform in ("win32", "emscripten"):  # Windows, and a browser's Python, know no such limit
        return math.inf
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for higher in (hard, 10_240):  # macOS names a hard limit that it then refuses; it takes 10,240
        if soft != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or soft < higher <= hard):
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (higher, hard))
                soft = higher
    if soft == resource.RLIM_INFINITY:
        return math.inf
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    return soft - lowest_free


def room_for(clients: int) -> tuple[int, int]:
    """How many clients have room, and how many connections may be accepted in one go.

    Four goes are kept free for those who have to hear that it is full: a process without files left can say nothing.
    """
    files = files_left() - SPARE_FILES
    backlog = int(max(16, min(BACKLOG, files // 16)))
    return int(min(clients, max(1, files - 4 * backlog))), backlog


def backoff() -> Iterator[float]:
    """Seconds until the next try: at random up to 1, then 1.6 times as long each time, at most 15, give or take 30 %.

    The chance in it keeps 300 clients from coming back in the same instant.
    """
    yield random.random()
    delay = 1.0
    while True:
        delay = min(delay * 1.6, 15.0)
        yield delay * random.uniform(0.7, 1.3)
