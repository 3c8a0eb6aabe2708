"""The client: it remembers where it stands, so the server does not have to.

    async with connect(name="Mali") as chat:
        await chat.send("สวัสดี")
        async for event in chat:
            print(event.who.name, event.text)

What it decides is in `memory`; this file only carries, and connects again and again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal, NoReturn, Self, cast
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect as connect_websockets
from websockets.exceptions import ConnectionClosed, InvalidHeader, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from chatkit.addresses import check_uri, default_port, is_nearby, room_of, with_query
from chatkit.errors import BadMessage, ChatError, NoDialect, NoServer, Refused, Rejected
from chatkit.events import Event
from chatkit.limits import ANSWER, SILENCE, STEADY, backoff
from chatkit.memory import Gap, Memory, Outcome, PlainMemory
from chatkit.recipe import Recipe, quiet_logger
from chatkit.spelling import clean_name

State = Literal["connecting", "open", "reconnecting", "closed"]

logger = quiet_logger("chatkit.client")


class Chat:
    """One client in one room; made by `connect()`. Iterate over it for the events.

    state:    "connecting", "open", "reconnecting" (in `retry_in` seconds), or "closed".
    reason:   why it is not open.
    name:     as the others see it; you: the public id; room: the room's name.
    members:  who is here, by id.
    last:     the last number shown, None before the first; epoch: the log it belongs to.
    """

    def __init__(self, recipe: "connect", memory: Memory) -> None:
        self.recipe, self.memory, self.uri = recipe, memory, str(recipe.uri)
        self.state: State = "connecting"
        self.retry_in = 0.0
        self.reason: ChatError | None = None
        self.events: asyncio.Queue[Event | None] = asyncio.Queue()
        self.wake = asyncio.Event()  # something may go out, or has its answer
        self.websocket: ClientConnection | None = None
        self.is_leaving = False
        self.loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = self.loop.create_future()
        self.task = self.loop.create_task(self.run())

    name = property(lambda self: self.memory.name)
    you = property(lambda self: self.memory.you)
    room = property(lambda self: self.memory.room)
    members = property(lambda self: self.memory.members)
    last = property(lambda self: self.memory.last)
    epoch = property(lambda self: self.memory.epoch)

    def send(self, text: str) -> asyncio.Future[int]:
        """Put a text into the outbox; await the result for its number in the room.

        Raises BadText at once where it is over the limits: in the outbox it would be refused for ever.
        """
        if self.state == "closed":
            raise self.reason or Refused(1000)
        number: asyncio.Future[int] = self.loop.create_future()
        self.memory.write(text, lambda outcome: self.settle(number, outcome))
        number.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody has to await it
        self.wake.set()
        return number

    def settle(self, number: asyncio.Future[int], outcome: Outcome) -> None:
        self.wake.set()
        if number.done():
            return  # its sender no longer waits
        if isinstance(outcome, ChatError):
            number.set_exception(outcome)
        else:
            number.set_result(outcome)

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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    # Connecting, again and again

    async def run(self) -> None:
        """Connect, and connect again whenever the line drops, until there is a reason not to.

        Our own loop, because websockets' iterator begins its delays anew after every handshake: a server that accepts
        and closes at once would be hit a hundred times a second.
        """
        delays = backoff()
        try:
            while True:
                began = self.loop.time()
                self.reason = await self.try_session()
                if self.is_leaving or not self.opened.done() or self.reason.is_final:
                    return
                if self.loop.time() - began > STEADY:
                    delays = backoff()
                self.retry_in = next(delays)
                self.change("reconnecting")
                await asyncio.sleep(self.retry_in)
                self.change("connecting")
        finally:
            self.end()

    async def try_session(self) -> ChatError:
        """One connection, from the handshake to its end; returns what ended it."""
        try:
            async with self.recipe.dial() as websocket:
                self.websocket = websocket
                await self.converse(websocket)
        except InvalidStatus as refused:
            return Refused(refused.response.status_code, refused.response.reason_phrase)
        except ConnectionClosed as closed:
            frame = closed.rcvd
            return self.memory.hang_up(frame.code, frame.reason) if frame else NoServer(self.uri)
        except (Refused, Rejected, NoDialect) as refusal:
            return refusal
        except (BadMessage, InvalidHeader):  # what came is no message, or no handshake, of the protocol
            return NoDialect(self.uri)
        except (OSError, WebSocketException, ValueError, Gap):  # TimeoutError; ValueError: redirected to no address
            return NoServer(self.uri)
        finally:
            self.websocket = None
            self.memory.hang_up()

    async def converse(self, websocket: ClientConnection) -> NoReturn:
        """Say hello, then listen; what is in the outbox goes out beside it."""
        if websocket.subprotocol != self.memory.subprotocol:
            raise NoDialect(self.uri)
        transmitter = asyncio.create_task(self.transmit(websocket))
        try:
            if hello := self.memory.hello():
                await websocket.send(hello)
            self.look()
            while True:
                async with asyncio.timeout(SILENCE if self.memory.subprotocol else None):
                    message = await websocket.recv()
                for event in self.memory.hear(str(message)):
                    self.events.put_nowait(event)
                self.look()
        finally:
            transmitter.cancel()
            await asyncio.gather(transmitter, return_exceptions=True)

    def look(self) -> None:
        """What was heard may have been the welcome, or an answer."""
        self.wake.set()
        if self.memory.is_open and self.state != "open":
            self.reason = None
            self.change("open")
            if not self.opened.done():
                self.opened.set_result(None)

    async def transmit(self, websocket: ClientConnection) -> None:
        """One text at a time: the next one goes when the last one has its answer, so their order is kept."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            pause, self.memory.pause = self.memory.pause, 0.0
            await asyncio.sleep(pause)
            if text := self.memory.next():
                await websocket.send(text)
                try:
                    async with asyncio.timeout(ANSWER):
                        while self.memory.is_in_flight:
                            await self.wake.wait()
                            self.wake.clear()
                except TimeoutError:
                    websocket.transport.abort()  # the server is frozen, or the network is gone
                self.wake.set()  # for the next one

    def change(self, state: State) -> None:
        """The state, told to who wants to know; later, from the loop, so that an error in there is its own."""
        self.state = state
        if self.recipe.on_state:
            self.loop.call_soon(self.recipe.on_state, self)

    def end(self) -> None:
        """Nothing more will come: say so to everybody who waits."""
        self.change("closed")
        self.events.put_nowait(None)
        while self.memory.outbox:
            self.memory.answer(self.reason or Refused(1000))
        if not self.opened.done():
            self.opened.set_exception(self.reason or NoServer(self.uri))


@dataclass(eq=False)
class connect(Recipe[Chat]):
    """Join a chat: `chat = await connect()` or `async with connect() as chat`. This is the recipe; `Chat` runs.

    uri:      None is `ws://localhost:8765`, or the port in $CHATKIT_PORT.
    name:     as the others will see you; None joins without one.
    token:    where the server asks for one.
    plain:    speak the plain dialect: live only, no history, no numbers.
    after:    hear everything after this number; 0 is all that is kept, None the last 50 messages.
    headers:  further headers of the handshake, like the `Authorization` that a proxy on the way asks for.
    on_state: is told each change of `chat.state`.
    create_connection: another class for websockets' connection, like a recorder's.

    Raises BadAddress and BadName; awaiting it raises NoServer, NoDialect, Refused or Rejected. A later loss of the line
    raises nothing: the chat connects again by itself, until it is closed or refused for good.
    """

    uri: str | None = None
    _: KW_ONLY
    name: str | None = None
    token: str | None = None
    plain: bool = False
    after: int | None = None
    headers: Mapping[str, str] | None = None
    on_state: Callable[[Chat], None] | None = None
    create_connection: Callable[..., ClientConnection] | None = None

    def __post_init__(self) -> None:
        self.uri = f"ws://localhost:{default_port()}" if self.uri is None else check_uri(self.uri)
        self.name = None if self.name is None else clean_name(self.name)

    async def start(self) -> Chat:
        """Connect and wait for the welcome."""
        memory = (PlainMemory if self.plain else Memory)(self.name, self.token, self.after)
        memory.room = room_of(urlsplit(str(self.uri)).path or "/") or memory.room
        chat = Chat(self, memory)
        try:
            await chat.opened
        except asyncio.CancelledError:
            await chat.close()
            raise
        return chat

    def dial(self) -> connect_websockets:
        """A new connection, in the dialect that was asked for: plain has its name and token in the address."""
        uri = str(self.uri)
        return connect_websockets(
            with_query(uri, name=self.name, token=self.token) if self.plain else uri,
            subprotocols=None if self.plain else [Subprotocol(str(Memory.subprotocol))],
            additional_headers=self.headers,
            compression=None,
            proxy=None if is_nearby(uri) else True,
            close_timeout=2,
            logger=logger,
            create_connection=cast(type[ClientConnection] | None, self.create_connection),
        )


if __name__ == "__main__":
    from chatkit.tools.cli import run_as

    run_as("join")
