"""Clients of many makes under one handle, each with what its maker gave it: what one cannot do is not in `can`.

A tool opens a line; a line sends, hears and closes. Nothing here knows the labs.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.chat import CEILING

Headers = dict[str, str]


class Status(Exception):
    """A handshake was refused with this HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Line:
    """One connection. heard: every text that came, in order."""

    accept = key = subprotocol = ""
    code: int | None = None  # with which it ended

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.read = 0
        self.news = asyncio.Event()
        self.finished = asyncio.Event()  # it has ended, with `code`

    def hears(self, text: str) -> None:
        self.heard.append(text)
        self.news.set()

    async def until(self, start: str) -> str:
        """The next line that begins so; what comes before it is passed over."""
        return await self.next(lambda line: line.startswith(start))

    async def until_holds(self, part: str) -> str:
        """The next line with this in it."""
        return await self.next(lambda line: part in line)

    async def next(self, is_wanted: Callable[[str], bool]) -> str:
        async with asyncio.timeout(CEILING):
            while True:
                while self.read < len(self.heard):
                    self.read += 1
                    if is_wanted(self.heard[self.read - 1]):
                        return self.heard[self.read - 1]
                self.news.clear()
                await self.news.wait()

    async def send(self, payload: str | bytes) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def ended(self) -> int:
        """The code with which it ended."""
        await asyncio.wait_for(self.finished.wait(), CEILING)
        return self.code or 1006


class Tool:
    """A program that opens connections. can: details, headers, binary, timeout, ping, origin, subprotocol."""

    can: frozenset[str] = frozenset()

    def __init__(self, uri: str, name: str = "Mali") -> None:
        self.uri, self.name = uri, name
        self.lines: list[Line] = []

    def target(self, lab: int, path: str = "", **query: str) -> str:
        fields = "&".join(f"{key}={value}" for key, value in {"name": self.name, **query}.items())
        return f"/lab/{lab}{path}?{fields}"

    async def open(self, target: str, headers: Headers | None = None, timeout: float | None = None) -> Line:
        """Connect; Status where it is refused, TimeoutError where the handshake takes longer than `timeout` seconds."""
        line = await self.dial(target, headers or {}, timeout)
        self.lines.append(line)
        return line

    async def dial(self, target: str, headers: Headers, timeout: float | None) -> Line:
        raise NotImplementedError

    async def close(self) -> None:
        while self.lines:
            line = self.lines.pop()
            with suppress(ConnectionClosed):
                await line.close()


class PostmanLine(Line):
    """What Postman's pane holds of one connection: incoming, outgoing and network messages, with size and time."""

    def __init__(self, websocket: Any) -> None:
        super().__init__()
        self.websocket = websocket
        response, request = websocket.response.headers, websocket.request.headers
        self.accept, self.key = response["Sec-WebSocket-Accept"], request["Sec-WebSocket-Key"]
        self.status = websocket.response.status_code
        self.subprotocol = response.get("Sec-WebSocket-Protocol", "")
        self.pane: list[tuple[float, str, str | bytes, int]] = []  # when, ↑ or ↓, what, bytes
        self.listening = asyncio.create_task(self.listen())

    async def listen(self) -> None:
        async for message in self.websocket:
            self.pane.append((time.monotonic(), "↓", message, len(message.encode())))
            self.hears(message)

    async def send(self, payload: str | bytes) -> None:
        size = len(payload.encode() if isinstance(payload, str) else payload)
        self.pane.append((time.monotonic(), "↑", payload, size))
        await self.websocket.send(payload)

    async def close(self) -> None:
        await self.websocket.close()
        with suppress(ConnectionClosed):
            await self.listening

    async def ended(self) -> int:
        async with asyncio.timeout(CEILING):
            with suppress(ConnectionClosed):
                await self.listening
        return self.websocket.close_code


class Postman(Tool):
    """No more than Postman can do: Params, Headers, Settings, Text, JSON and Binary. No ping, no script."""

    can = frozenset({"details", "headers", "binary", "timeout", "subprotocol"})

    async def dial(self, target: str, headers: Headers, timeout: float | None) -> PostmanLine:
        fields = dict(headers)
        offered = fields.pop("sec-websocket-protocol", "")
        try:
            websocket = await connect(
                f"{self.uri}{target}",
                additional_headers=fields,
                subprotocols=[offered] if offered else None,
                open_timeout=timeout or CEILING,
                compression=None,
                ping_interval=None,
                max_size=None,
            )
        except InvalidStatus as refused:
            raise Status(refused.response.status_code) from None
        return PostmanLine(websocket)


@asynccontextmanager
async def using(make: Callable[..., Tool], uri: str, name: str = "Mali") -> AsyncIterator[Tool]:
    """A tool, and its lines closed at the end."""
    tool = make(uri, name)
    try:
        yield tool
    finally:
        await tool.close()
