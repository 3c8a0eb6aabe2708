"""Where the labs meet the sockets: what websockets sees goes to the grader, what the grader says goes out."""

import asyncio
import http
import re
import time
from collections.abc import AsyncIterator
from itertools import count
from typing import Any, NamedTuple, Protocol

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State

from chatkit.errors import LogUnavailable
from chatkit.labs.grader import Grader, HangUp, Say, student_of
from chatkit.labs.seen import Closed, GaveUp, Message, Opened, Ping, Refused, Seen
from chatkit.labs.store import Store
from chatkit.wire.handshake import accept_key

__all__ = ["Labs", "lab_of", "run_lab"]

# A client may send this many messages at once, and then so many each second. What comes faster waits in its socket.
BURST, RATE = 20, 10.0


class Admission(Protocol):
    """What the door says of a handshake that it lets in."""

    @property
    def lab(self) -> int | None: ...


def lab_of(path: str) -> int | None:
    """The lab whose path this is, or begins with, as `/lab/6/nowhere` does; None where it is no lab's."""
    found = re.search(r"(?:^|/)lab/(\d{1,3})(?:/|$)", path, re.ASCII)
    return int(found[1]) if found else None


class Line(NamedTuple):
    """An open connection, and whose it is."""

    connection: ServerConnection
    name: str
    number: int


class Labs:
    """The labs of one server. store: where progress and receipts are kept; closed with `close()`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.grader = Grader(store)
        self.numbers = count(1)
        self.lines: dict[int, Line] = {}

    def close(self) -> None:
        self.store.close()

    async def knock(self, connection: ServerConnection, request: Request, number: int) -> Response | None:
        """Answer a handshake as the lab wants it: None lets it in; some labs refuse, or take their time."""
        name, tried = student_of(request.path), Opened(*line_of(request))
        if not name:
            return None
        if slow := self.grader.slowness(number, tried):
            began = time.monotonic()
            if await is_gone(connection, slow):
                waited = time.monotonic() - began
                self.see(name, number, GaveUp(*line_of(request), waited=waited))
                return None  # nobody is there to read an answer
        status = self.grader.answer_to(name, number, tried)
        if status == 101:
            return None
        self.refused(name, status, request)
        response = connection.respond(http.HTTPStatus(status), f"Lab {number}: {http.HTTPStatus(status).phrase}.\n")
        if status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def refused(self, name: str | None, status: int, request: Request) -> None:
        """A handshake on a lab's path was refused, by the door or by the lab: it may be a step."""
        number, name = lab_of(request.path.partition("?")[0]), student_of(request.path)
        if name and number in self.grader.labs:
            self.see(name, number, Refused(*line_of(request), status=status))

    async def run(self, connection: ServerConnection, number: int) -> None:
        """One connection, from its 101 to its end."""
        request = connection.request
        assert request is not None
        name, me = student_of(request.path), next(self.numbers)
        self.lines[me] = Line(connection, name, number)
        self.watch_pings(connection, name, number, me)
        try:
            opened = Opened(*line_of(request), me, connection.subprotocol, accept_of(request))
            self.see(name, number, opened)
            async for payload in paced(connection):
                for deed in self.see(name, number, Message(time.time(), me, payload)):
                    await connection.close(deed.code, deed.reason)
        except ConnectionClosed:
            pass  # however it ended, it ended
        finally:
            self.end(me)

    def end(self, me: int) -> None:
        """Let the grader see the end of a connection, once."""
        if line := self.lines.pop(me, None):
            self.see(line.name, line.number, Closed(time.time(), me, *codes_of(line.connection)))

    def see(self, name: str, number: int, seen: Seen) -> list[HangUp]:
        """Let the grader see it, and say what it says, without waiting for slow readers. What is left is to hang up."""
        for me in list(self.grader.at(name, number).here):
            line = self.lines.get(me)
            if line and line.connection.state is not State.OPEN and me != getattr(seen, "connection", None):
                self.end(me)  # who has left does not hear what comes next
        try:
            deeds = self.grader.see(name, number, seen)
        except LogUnavailable as error:
            here = getattr(seen, "connection", 0)
            deeds = [Say(here, f"❌ {number} {text}") for text in error.said.each().values()]
        for deed in deeds:
            if isinstance(deed, Say) and (line := self.lines.get(deed.connection)):
                broadcast([line.connection], deed.line)
        return [deed for deed in deeds if isinstance(deed, HangUp)]

    def watch_pings(self, connection: ServerConnection, name: str, number: int, me: int) -> None:
        """Hear of pings, too: websockets answers them by itself, and tells nobody."""
        process = connection.process_event

        def process_event(event: Any) -> None:
            process(event)
            if getattr(event, "opcode", None) is Opcode.PING:
                self.see(name, number, Ping(time.time(), me, len(event.data)))

        connection.process_event = process_event  # type: ignore[method-assign]


async def run_lab(connection: ServerConnection, admission: Admission, labs: Labs) -> None:
    """Grade one connection that the door let in on a lab's path."""
    assert admission.lab is not None
    await labs.run(connection, admission.lab)


async def is_gone(connection: ServerConnection, seconds: float) -> bool:
    """Wait; True as soon as the client goes away before the time is over."""
    try:
        async with asyncio.timeout(seconds):
            await connection.wait_closed()
    except TimeoutError:
        return False
    return True


async def paced(connection: ServerConnection) -> AsyncIterator[str | bytes]:
    """The connection's messages, no faster than BURST and RATE allow."""
    clock = asyncio.get_running_loop().time
    tokens, before = float(BURST), clock()
    async for message in connection:
        now = clock()
        tokens, before = min(float(BURST), tokens + (now - before) * RATE), now
        if tokens < 1:
            await asyncio.sleep((1 - tokens) / RATE)
        tokens -= 1
        yield message


def line_of(request: Request) -> tuple[float, str, dict[str, str]]:
    """When it came, the target and the headers of a request."""
    return time.time(), request.path, {key.lower(): value for key, value in request.headers.raw_items()}


def accept_of(request: Request) -> str:
    """What was answered to the client's key."""
    return accept_key(request.headers["Sec-WebSocket-Key"].strip())


def codes_of(connection: ServerConnection) -> tuple[int, int | None]:
    """The close code that came, and the one that was sent (RFC 6455, 7.1.5)."""
    received, sent = connection.protocol.close_rcvd, connection.protocol.close_sent
    return int(received.code) if received else 1006, int(sent.code) if sent else None
