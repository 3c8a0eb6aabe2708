"""Small tools for tests that chat: clients that are nothing but websockets, and waiting that has a ceiling.

They know the wire (one JSON object, or one line, per text message) and nothing of the kit, so they can judge it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect as connect_websockets
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

CEILING = 30.0  # seconds that a test waits for what must happen; on a busy machine a second is nothing

Message = dict[str, Any]


class JsonClient:
    """A client of the json dialect by hand; `heard` is everything that came, in order."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.heard: list[Message] = []
        self.welcome: Message = {}

    async def say(self, **fields: Any) -> None:
        """Send one object as it is: `say(type="send", id="a", text="hi")`."""
        await self.websocket.send(json.dumps(fields))

    async def send(self, text: str, id: str) -> None:
        await self.say(type="send", id=id, text=text)

    async def next(self) -> Message:
        """The next message, whatever it is."""
        async with asyncio.timeout(CEILING):
            message: Message = json.loads(await self.websocket.recv())
        self.heard.append(message)
        return message

    async def hear(self, *types: str) -> Message:
        """The next message of one of these types; what comes before it is left in `heard`."""
        while (message := await self.next())["type"] not in types:
            pass
        return message

    async def texts(self, count: int) -> list[str]:
        """The texts of the next `count` numbered messages."""
        return [(await self.hear("msg", "notice"))["text"] for _ in range(count)]


class PlainClient:
    """A client of the plain dialect by hand."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket

    async def send(self, text: str) -> None:
        await self.websocket.send(text)

    async def next(self) -> str:
        """The next line."""
        async with asyncio.timeout(CEILING):
            line = await self.websocket.recv()
        assert isinstance(line, str)
        return line


@asynccontextmanager
async def json_client(uri: str, *, greet: bool = True, **hello: Any) -> AsyncIterator[JsonClient]:
    """Connect, say hello with these fields, and hear the welcome; `greet=False` connects and says nothing."""
    async with dial(uri, subprotocols=[Subprotocol("chatkit.v1")]) as websocket:
        client = JsonClient(websocket)
        if greet:
            await client.say(type="hello", **hello)
            client.welcome = await client.hear("welcome")
        yield client


@asynccontextmanager
async def plain_client(uri: str, **options: Any) -> AsyncIterator[PlainClient]:
    """Connect without a subprotocol; options are those of websockets' own connect()."""
    async with dial(uri, **options) as websocket:
        yield PlainClient(websocket)


def text_frame(text: str) -> bytes:
    """A text as a client's frame (RFC 6455, 5.2), to be written as it is."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=True)


def dial(uri: str, **options: Any) -> connect_websockets:
    """websockets' own client, as bare as it gets: no compression, no proxy, and it reads on whatever the test does."""
    bare = {"compression": None, "proxy": None, "max_queue": None, "close_timeout": 2}
    return connect_websockets(uri, **bare | options)


async def close_code(websocket: ClientConnection) -> int | None:
    """The code with which the other side closes (RFC 6455, 7.4); what comes before it is dropped."""
    async with asyncio.timeout(CEILING):
        with suppress(ConnectionClosed):
            async for _ in websocket:
                pass
        await websocket.wait_closed()
    return websocket.close_code


async def wait_until(condition: Callable[[], object], timeout: float = CEILING) -> None:
    """Until the condition holds; TimeoutError where it does not in time."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110 (plain state has no event to wait for)
            await asyncio.sleep(0.005)
