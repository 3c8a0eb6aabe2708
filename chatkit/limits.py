"""The limits that a chat keeps, and the codes with which a connection ends: each stands here once."""

import math
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

RECENT = 50  # messages shown to a newcomer
MAX_MARKS = 4  # combining marks in a row; Thai needs two


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
    try:
        import resource
    except ImportError:  # Windows, and a browser's Python, know no such limit
        return math.inf
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
