"""The client: it remembers where it stands, so the server does not have to.

    async with connect(name="Mali") as chat:
        await chat.send("สวัสดี")
        async for event in chat:
            print(event.who.name, event.text)

It keeps three things: the epoch of the log, the last number it has shown, and an outbox. With these it can lose the
connection at any moment: it says hello with the last number, hears what it missed, and sends again, under the same
id, what nobody has acknowledged.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Literal, NoReturn, Self, cast
from urllib.parse import urlencode, urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websockets
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from chatkit.addresses import default_port
from chatkit.dialects import Json, dump, event_of, new_id, parse_object, room_of
from chatkit.errors import BadAddress, BadMessage, BadText, ChatError, NoDialect, NoServer, Refused
from chatkit.events import NOBODY, SERVER, Event, Who
from chatkit.limits import CLOSE_CODES, LIMITS
from chatkit.limits import is_final as is_final_code
from chatkit.spelling import check_text, clean_name
from chatkit.texts import LANGUAGES, Sentence, visible

__all__ = ["Chat", "Nack", "PlainChat", "State", "backoff", "connect"]

State = Literal["connecting", "open", "reconnecting", "closed"]

SILENCE = 45.0  # seconds without any frame, then a client connects again

logger = logging.getLogger("chatkit.client")
# websockets writes the request line and every frame at DEBUG, and both may hold a token.
logger.addFilter(lambda record: record.levelno > logging.DEBUG)


class Nack(BadMessage):
    """The server did not take a message, in its own words."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields["code"], id=fields.get("id", ""), retry_ms=fields.get("retry_ms"))
        self.words = Sentence(*(visible(fields["message"][lang]) for lang in LANGUAGES))

    @property
    def said(self) -> Sentence:
        return self.words


class Gap(Exception):
    """A number is missing: only the log can tell what it was, so connect again and ask."""


@dataclass(slots=True)
class Unsent:
    """A message in the outbox, until the server has answered for it."""

    id: str
    text: str
    seq: asyncio.Future[int]


class Chat:
    """One client in one room; made by `connect()`. Iterate over it for the events.

    state:    "connecting", "open", "reconnecting" (in `retry_in` seconds), or "closed" (`reason` says why).
    name:     as the others see it; you: the public id; room: the room's name.
    members:  who is here, by id.
    last:     the last number shown, None before the first; epoch: the log it belongs to.
    """

    silence: float | None = SILENCE  # seconds without a message, then the line counts as dead

    def __init__(
        self,
        uri: str,
        *,
        name: str | None,
        token: str | None,
        after: int | None,
        on_state: Callable[["Chat"], None] | None,
        create_connection: Callable[..., ClientConnection] | None,
    ) -> None:
        self.uri, self.asked_name, self.token, self.last = uri, name, token, after
        self.on_state, self.create_connection = on_state, create_connection
        self.name, self.you, self.room = name or NOBODY, "", "lobby"
        self.me: str | None = None
        self.epoch: str | None = None
        self.members: dict[str, Who] = {}
        self.state: State = "connecting"
        self.retry_in = 0.0
        self.reason: ChatError | None = None
        self.outbox: deque[Unsent] = deque()
        self.is_in_flight = False  # the first of the outbox is on its way
        self.pause = 0.0  # seconds that the server asked us to wait before the next message
        self.events: asyncio.Queue[Event | None] = asyncio.Queue()
        self.websocket: ClientConnection | None = None
        self.is_leaving = False
        self.delays = backoff()

    # The public verbs

    def send(self, text: str) -> asyncio.Future[int]:
        """Put a text into the outbox; await the result for its number in the room.

        Raises BadText at once where it is over the limits: in the outbox it would be refused for ever.
        """
        unsent = Unsent(new_id(), check_text(text), asyncio.get_running_loop().create_future())
        size = len(self.wire_form(unsent).encode())
        if size > LIMITS.message_bytes:
            raise BadText("too_big", limit=LIMITS.message_bytes, size=size)
        if self.state == "closed":
            raise self.reason or Refused(1000)
        unsent.seq.add_done_callback(lambda seq: seq.cancelled() or seq.exception())  # nobody has to await it
        self.outbox.append(unsent)
        self.wake.set()
        return unsent.seq

    async def __aiter__(self) -> AsyncIterator[Event]:
        """What happens, in order, until the chat is closed."""
        while (event := await self.events.get()) is not None:
            yield event
        self.events.put_nowait(None)

    async def close(self) -> None:
        """Leave (close code 1000). What is still in the outbox is not sent any more."""
        self.is_leaving = True
        if self.websocket:
            await self.websocket.close()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def __await__(self) -> Generator[Any, None, Self]:
        return self.open().__await__()

    async def __aenter__(self) -> Self:
        return await self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    # Connecting, again and again

    async def open(self) -> Self:
        """Connect and wait for the welcome. Raises NoServer, NoDialect, Refused or Nack."""
        loop = asyncio.get_running_loop()
        self.wake = asyncio.Event()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.task = loop.create_task(self.run())
        try:
            await self.opened
        except asyncio.CancelledError:
            await self.close()
            raise
        return self

    async def run(self) -> None:
        """Connect, and connect again whenever the line drops, until there is a reason not to."""
        try:
            while True:
                problem = await self.try_session()
                if self.is_leaving:
                    return
                if not self.opened.done() or is_final(problem):
                    self.reason = problem
                    return
                self.retry_in = next(self.delays)
                self.change("reconnecting")
                await asyncio.sleep(self.retry_in)
                self.change("connecting")
        finally:
            self.end()

    async def try_session(self) -> ChatError:
        """One connection, from the handshake to its end; returns what ended it."""
        try:
            async with self.dial() as websocket:
                self.websocket = websocket
                await self.converse(websocket)
        except InvalidStatus as refused:
            return Refused(refused.response.status_code, refused.response.reason_phrase)
        except ConnectionClosed as closed:
            return self.explain(closed)
        except (Refused, Nack, NoDialect) as refusal:
            return refusal
        except (BadMessage, KeyError, TypeError):  # what came is not what protocol.md says
            return NoDialect(self.uri)
        except (OSError, InvalidHandshake, Gap):  # TimeoutError is an OSError
            return NoServer(self.uri)
        finally:
            self.websocket, self.is_in_flight = None, False

    def dial(self) -> connect_websockets:
        """A new connection, in the json dialect."""
        return connect_websockets(
            self.address(),
            subprotocols=self.subprotocols(),
            compression=None,
            proxy=None if is_nearby(self.uri) else True,
            close_timeout=2,
            logger=logger,
            create_connection=cast(type[ClientConnection] | None, self.create_connection),
        )

    async def converse(self, websocket: ClientConnection) -> NoReturn:
        """Say hello, then listen; what is in the outbox goes out beside it."""
        transmitter = asyncio.create_task(self.transmit(websocket))
        try:
            await self.greet(websocket)
            while True:
                async with asyncio.timeout(self.silence):
                    message = await websocket.recv()
                self.receive(str(message))
        finally:
            transmitter.cancel()
            await asyncio.gather(transmitter, return_exceptions=True)

    async def transmit(self, websocket: ClientConnection) -> None:
        """One message at a time: the next one goes when the last one has its answer, so their order is kept."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            if self.outbox and self.state == "open" and not self.is_in_flight:
                self.is_in_flight = True
                await asyncio.sleep(self.pause)
                await websocket.send(self.wire_form(self.outbox[0]))

    def explain(self, closed: ConnectionClosed) -> Refused:
        """The close code as an error; 1006 where the line just went dead (RFC 6455, 7.1.5)."""
        code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
        if code == 1009 and self.is_in_flight:  # poison: it would close every connection that carries it
            self.answer(BadText("too_big", limit=LIMITS.message_bytes, size=LIMITS.message_bytes + 1))
        return Refused(code, reason)

    def answer(self, outcome: int | ChatError) -> None:
        """The first of the outbox has its number, or was refused for good."""
        seq = self.outbox.popleft().seq
        self.is_in_flight, self.pause = False, 0.0
        self.wake.set()
        if seq.done():
            return  # its sender no longer waits
        if isinstance(outcome, ChatError):
            seq.set_exception(outcome)
        else:
            seq.set_result(outcome)

    def change(self, state: State) -> None:
        self.state = state
        if self.on_state:
            self.on_state(self)

    def end(self) -> None:
        """Nothing more will come: say so to everybody who waits."""
        self.change("closed")
        self.events.put_nowait(None)
        while self.outbox:
            self.answer(self.reason or Refused(1000))
        if not self.opened.done():
            self.opened.set_exception(self.reason or NoServer(self.uri))

    # The json dialect

    def address(self) -> str:
        return self.uri

    def subprotocols(self) -> list[Subprotocol] | None:
        return [Subprotocol(Json.subprotocol)]

    def wire_form(self, unsent: Unsent) -> str:
        return dump({"type": "send", "id": unsent.id, "text": unsent.text})

    async def greet(self, websocket: ClientConnection) -> None:
        """Say hello: who we are, and after which number to go on."""
        if websocket.subprotocol is None:
            raise NoDialect(self.uri)
        fields = {"name": self.asked_name, "me": self.me, "epoch": self.epoch, "after": self.last, "token": self.token}
        said = {field: value for field, value in fields.items() if value is not None}
        await websocket.send(dump({"type": "hello", **said}))

    def receive(self, message: str) -> None:
        """Take in one message of the server; what this version does not know is left alone."""
        fields = parse_object(message)
        match fields["type"]:
            case "msg" | "notice":
                self.show(event_of(fields, self.room))
            case "joined" | "left" | "renamed":
                self.note(event_of(fields, self.room))
            case "ack" if self.is_answer(fields):
                self.answer(fields["seq"])
            case "nack":
                self.refused(fields)
            case "welcome":
                self.welcome(fields)
            case "beat" if self.last is not None and fields["head"] > self.last:
                raise Gap

    def welcome(self, fields: dict[str, Any]) -> None:
        """We are in. Where the log cannot go on after our last number, what was shown is void."""
        if not fields["resumed"] and self.last is not None:
            self.last = None
            self.events.put_nowait(Event("reset", SERVER, fields["room"]))
        if self.last is None and fields["head"] == 0:
            self.last = 0  # whoever saw an empty room has seen all of it: the next time it is no newcomer
        self.epoch, self.me, self.you = fields["epoch"], fields["me"], fields["you"]
        self.name, self.room = fields["name"], fields["room"]
        self.members = {member["id"]: Who(**member) for member in fields["members"]}
        self.enter()

    def enter(self) -> None:
        """The chat is open: what waits may go out."""
        self.delays = backoff()
        self.change("open")
        self.wake.set()
        if not self.opened.done():
            self.opened.set_result(None)

    def show(self, event: Event) -> None:
        """Show each number once, in order; a missing one means to connect again and ask for it."""
        if self.last is not None and event.seq > self.last + 1:
            raise Gap
        if self.last is None or event.seq > self.last:
            self.last = event.seq
            self.events.put_nowait(event)

    def note(self, event: Event) -> None:
        """Who is here has changed."""
        if event.type == "left":
            self.members.pop(event.who.id, None)
        else:
            self.members[event.who.id] = event.who
        if event.who.id == self.you:
            self.name = event.who.name
        self.events.put_nowait(event)

    def is_answer(self, fields: dict[str, Any]) -> bool:
        return bool(self.outbox) and self.outbox[0].id == fields.get("id")

    def refused(self, fields: dict[str, Any]) -> None:
        """A nack: try again later, give the message up, or give the connection up."""
        nack = Nack(fields)
        if nack.code in CLOSE_CODES:
            raise Refused(CLOSE_CODES[nack.code].code)
        if self.state != "open":
            raise nack
        if self.is_answer(fields):
            if nack.retry_ms is None:
                self.answer(nack)
            else:
                self.is_in_flight, self.pause = False, nack.retry_ms / 1000
                self.wake.set()


class PlainChat(Chat):
    """The same in the plain dialect: live only. A message whose echo was lost with the line may arrive twice."""

    silence = None  # a plain client hears no beat

    def address(self) -> str:
        """Name and token have their only place in the address."""
        fields = {"name": self.asked_name, "token": self.token}
        query = urlencode({field: value for field, value in fields.items() if value is not None})
        return self.uri + (("&" if "?" in self.uri else "?") + query if query else "")

    def subprotocols(self) -> None:
        """None offered: that is what makes a client plain."""

    def wire_form(self, unsent: Unsent) -> str:
        return unsent.text

    async def greet(self, websocket: ClientConnection) -> None:
        self.room = room_of(urlsplit(self.uri).path or "/") or self.room
        self.enter()

    def receive(self, message: str) -> None:
        """A line; our own words coming back are the receipt, a warning sign is a refusal."""
        if self.is_in_flight and message == f"You said: {self.outbox[0].text}":
            self.answer(0)
        elif self.is_in_flight and message.startswith("⚠️ "):
            self.answer(Nack({"code": "plain", "message": dict.fromkeys(LANGUAGES, message)}))
        self.events.put_nowait(Event("line", SERVER, self.room, text=message))


def connect(
    uri: str | None = None,
    *,
    name: str | None = None,
    token: str | None = None,
    plain: bool = False,
    after: int | None = None,
    on_state: Callable[[Chat], None] | None = None,
    create_connection: Callable[..., ClientConnection] | None = None,
) -> Chat:
    """Join a chat: `chat = await connect()` or `async with connect() as chat`.

    uri:      None is `ws://localhost:8765`, or the port in $CHATKIT_PORT.
    name:     as the others will see you; None joins without one.
    token:    where the server asks for one.
    plain:    speak the plain dialect: live only, no history, no numbers.
    after:    hear everything after this number; 0 is all that is kept, None the last 50 messages.
    on_state: is told each change of `chat.state`.
    create_connection: another class for websockets' connection, like a recorder's.

    Raises BadAddress and BadName; awaiting it raises NoServer, NoDialect, Refused or Nack. A later loss of the line
    raises nothing: the chat connects again by itself, until it is closed or refused for good.
    """
    uri = f"ws://localhost:{default_port()}" if uri is None else check_uri(uri)
    name = None if name is None else clean_name(name)
    kind = PlainChat if plain else Chat
    return kind(uri, name=name, token=token, after=after, on_state=on_state, create_connection=create_connection)


def check_uri(uri: str) -> str:
    """The address itself; BadAddress where it is none."""
    try:
        parse_uri(uri).host.encode("idna")
    except (InvalidURI, ValueError):  # UnicodeError is a ValueError: a name that is none
        raise BadAddress(uri) from None
    if urlsplit(uri).port == 0 or visible(uri) != uri:  # parse_uri reads 0 as "none given"
        raise BadAddress(uri)
    return uri


def is_nearby(uri: str) -> bool:
    """Whether an address is on this machine or in this network: a proxy (`http_proxy`) would not find it there."""
    host = urlsplit(uri).hostname or ""
    with suppress(ValueError):
        address = ip_address(host)
        return address.is_loopback or address.is_private or address.is_link_local
    return host == "localhost" or host.endswith(".local")


def is_final(problem: ChatError) -> bool:
    """Whether the next try would end the same way."""
    if isinstance(problem, Nack):
        return problem.retry_ms is None
    return isinstance(problem, NoDialect) or (isinstance(problem, Refused) and is_final_code(problem.code))


def backoff() -> Iterator[float]:
    """Seconds until the next try: at random up to 1, then 1.6 times as long each time, at most 15, give or take 30 %.

    The chance in it keeps 300 clients from coming back in the same instant.
    """
    yield random.random()
    delay = 1.0
    while True:
        delay = min(delay * 1.6, 15.0)
        yield delay * random.uniform(0.7, 1.3)


if __name__ == "__main__":
    import sys

    from chatkit.tools.cli import main

    sys.exit(main(["join", *sys.argv[1:]]))
