"""Where the labs meet the sockets: what websockets sees goes to the grader, what the grader says goes out."""

import asyncio
import http
import re
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any, Protocol

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State

from chatkit.errors import BadMessage, LogUnavailable
from chatkit.labs.grader import Grader, HangUp, Say, student_of
from chatkit.labs.lab import Lab, common, labs
from chatkit.labs.seen import Closed, GaveUp, Message, Opened, Ping, Refused, Seen
from chatkit.labs.store import Store
from chatkit.limits import CLOSE_CODES, Bucket, Limits
from chatkit.texts import Sentence, say
from chatkit.wire.handshake import accept_key

__all__ = ["Labs", "Visit"]

# How many messages a client may send at once, and then each second. What comes faster waits in its socket.
PACE = Limits(burst=20, rate=10.0)


class Admission(Protocol):
    """What the door says of a handshake that it lets in."""

    @property
    def lab(self) -> int | None: ...
    @property
    def is_trusted(self) -> bool: ...


class Labs:
    """The labs of one server.

    store: where progress and receipts are kept. grader.on_tick: who hears of progress. visits: open connections.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.grader = Grader(store)
        self.numbers = count(1)
        self.visits: dict[int, Visit] = {}

    def close(self) -> None:
        self.store.close()

    async def knock(self, connection: ServerConnection, request: Request, answer: Response | None) -> Response | None:
        """Answer a handshake on a lab's path: None lets it in. answer: what the door says to it, None if it is welcome.

        Labs 6 and 10 refuse some, lab 11 takes its time; whatever is refused may be a step, and is remembered.
        """
        number, name = number_of(request.path), student_of(request.path)
        lab = self.grader.labs.get(number) if number is not None else None
        try:
            if lab is None:
                is_lost = number is not None and answer is not None and answer.status_code == 404
                return (
                    refusal(connection, 404, say("labs_no_such", value=number, last=max(labs()))) if is_lost else answer
                )
            if answer is not None and answer.status_code < 400:
                return upgrade_required(connection, lab.sentence("no_upgrade", target=f"/lab/{lab.number}?name=Mali"))
            if answer is None and name:
                answer = await self.lab_answer(connection, request, lab, name)
            if answer is not None and name:
                self.see(name, lab, Refused(*line_of(request), status=answer.status_code))
        except LogUnavailable as error:
            return refusal(connection, 503, error.said)
        return answer

    async def lab_answer(self, connection: ServerConnection, request: Request, lab: Lab, name: str) -> Response | None:
        """What the lab itself has to say to a handshake."""
        tried = Opened(*line_of(request))
        began = time.monotonic()
        slow = self.grader.slowness(lab, tried)
        if slow and await is_gone(connection, slow):
            self.see(name, lab, GaveUp(*line_of(request), waited=time.monotonic() - began))
            return None  # nobody is there to read an answer
        status = self.grader.answer_to(name, lab, tried)
        if status == 101:
            return None
        answer = refusal(connection, status, common()[f"refused_{status}"])
        if status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, 11.6.1
        return answer

    def visit(self, connection: ServerConnection, admission: Admission) -> "Visit":
        """One connection that the door let in on a lab's path: `run()` it."""
        assert admission.lab is not None
        assert connection.request is not None
        lab = self.grader.labs[admission.lab]
        return Visit(self, connection, connection.request, lab, next(self.numbers), admission.is_trusted)

    def see(self, name: str, lab: Lab, seen: Seen) -> list[HangUp]:
        """Let the grader see it, and say what it says, without waiting for slow readers. What is left is to hang up.

        Raises LogUnavailable where progress cannot be kept.
        """
        mine = getattr(seen, "connection", None)
        for number in list(self.grader.at(name, lab.number).here):
            visit = self.visits.get(number)
            if visit and number != mine and visit.connection.state is not State.OPEN:
                visit.end()  # who has left does not hear what comes next
        deeds = self.grader.see(name, lab.number, seen)
        for deed in deeds:
            if isinstance(deed, Say) and (visit := self.visits.get(deed.connection)):
                broadcast([visit.connection], deed.line)
        return [deed for deed in deeds if isinstance(deed, HangUp)]


class Visit:
    """One connection to a lab, from its 101 to its end."""

    def __init__(
        self, labs: Labs, connection: ServerConnection, request: Request, lab: Lab, number: int, is_trusted: bool
    ) -> None:
        self.labs, self.connection, self.request, self.lab = labs, connection, request, lab
        self.number, self.is_trusted = number, is_trusted
        self.name = student_of(request.path)

    async def run(self) -> None:
        """Grade what comes, until the client leaves."""
        if not self.is_trusted:  # a lab knows no hello that could still bring the token
            await self.connection.close(CLOSE_CODES["token"].code, BadMessage("token").said.en)
            return
        self.labs.visits[self.number] = self
        self.connection.process_event = self.hears_pings(self.connection.process_event)  # type: ignore[method-assign]
        subprotocol, accept = self.connection.subprotocol, accept_of(self.request)
        try:
            await self.see(Opened(*line_of(self.request), self.number, subprotocol, accept))
            async for payload in paced(self.connection):
                await self.see(Message(time.time(), self.number, payload))
        except ConnectionClosed:
            pass  # however it ended, it ended
        finally:
            self.end()

    async def see(self, seen: Seen) -> None:
        try:
            for deed in self.labs.see(self.name, self.lab, seen):
                await self.connection.close(deed.code, deed.reason)
        except LogUnavailable as error:
            self.complain(error)

    def complain(self, error: LogUnavailable) -> None:
        for text in error.said:
            broadcast([self.connection], f"❌ {self.lab.number} {text}")

    def end(self) -> None:
        """Let the grader see the end of the connection, once."""
        if self.labs.visits.pop(self.number, None):
            try:
                self.labs.see(self.name, self.lab, Closed(time.time(), self.number, *codes_of(self.connection)))
            except LogUnavailable:
                pass  # nobody is there to be told

    def hears_pings(self, process: Callable[..., None]) -> Callable[..., None]:
        """websockets answers pings by itself, and tells nobody; this tells the grader."""

        def process_event(event: Any) -> None:
            process(event)
            if getattr(event, "opcode", None) is Opcode.PING and self.number in self.labs.visits:
                try:
                    self.labs.see(self.name, self.lab, Ping(time.time(), self.number, len(event.data)))
                except LogUnavailable as error:
                    self.complain(error)

        return process_event


def number_of(target: str) -> int | None:
    """The number of the lab whose path this is, or begins with, as `/lab/6/nowhere` does; None where it is no lab's."""
    found = re.search(r"/lab/(\d{1,3})(?:/|$)", target.partition("?")[0], re.ASCII)
    return int(found[1]) if found else None


def refusal(connection: ServerConnection, status: int, why: Sentence) -> Response:
    """The HTTP response that says no, in both languages."""
    return connection.respond(http.HTTPStatus(status), f"{why.en}\n{why.th}\n")


def upgrade_required(connection: ServerConnection, why: Sentence) -> Response:
    """The answer to a plain HTTP request; it has to name the protocol that is wanted (RFC 9110, 15.5.22)."""
    answer = refusal(connection, 426, why)
    answer.headers["Upgrade"] = "websocket"
    return answer


async def is_gone(connection: ServerConnection, seconds: float) -> bool:
    """Wait; True as soon as the client goes away before the time is over."""
    gone: Awaitable[None] = connection.wait_closed()
    try:
        async with asyncio.timeout(seconds):
            await gone
    except TimeoutError:
        return False
    return True


async def paced(connection: AsyncIterable[str | bytes]) -> AsyncIterator[str | bytes]:
    """The connection's messages, no faster than PACE allows."""
    bucket = Bucket(PACE)
    async for message in connection:
        while wait := bucket.wait():  # noqa: ASYNC110 -- it is a clock that is waited for
            await asyncio.sleep(wait)
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
