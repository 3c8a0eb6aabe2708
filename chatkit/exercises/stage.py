"""Runs a student's handler on a real server, with real clients, and keeps what each of them said and heard."""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from chatkit.exercises.shown import Difference
from chatkit.exercises.trial import named, short
from chatkit.texts import Sentence, say

SECONDS = 1.0  # for one message to arrive; on loopback it takes a thousandth of that
PAUSE = 0.1  # seconds without a message that count as silence

# A student's mistake is shown by the check, not by websockets' log.
quiet = logging.Logger("exercise")
quiet.disabled = True


class Stage:
    """Clients by name around one handler. `wire` is what was truly said and heard, in order."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self.uri = ""
        self.wire: list[str] = []
        self.clients: dict[str, ClientConnection] = {}
        self.tasks: dict[int, asyncio.Task[Any]] = {}  # handlers, by their client's port
        self.before = asyncio.all_tasks()
        self.error: BaseException | None = None

    async def run(self, ws: ServerConnection) -> None:
        """The handler, watched: what it raises is the first thing its author wants to know."""
        if task := asyncio.current_task():
            self.tasks[ws.remote_address[1]] = task
        try:
            await self.handler(ws)
        except Exception as error:  # a student's code may raise anything
            if not isinstance(error, ConnectionClosed) or ws.state is State.OPEN:
                self.error = self.error or error
                self.wire.append(f"handler ✗ {named(error)}")
            raise

    async def join(self, *names: str) -> None:
        """Connect clients, one after the other."""
        for name in names:
            self.clients[name] = await connect(self.uri, proxy=None, compression=None, close_timeout=PAUSE)
            self.wire.append(f"{name} connected")

    async def leave(self, name: str) -> None:
        """Close one client's connection, and wait until its handler has ended."""
        client = self.clients.pop(name)
        port = client.local_address[1]
        await client.close()
        self.wire.append(f"{name} left")
        await asyncio.wait([self.tasks[port]], timeout=SECONDS)

    def left_over(self) -> str:
        """The name of a coroutine of the student's that still runs; "" where there is none."""
        file = self.handler.__code__.co_filename
        for task in asyncio.all_tasks() - self.before:
            code = getattr(task.get_coro(), "cr_code", None)
            if code and code.co_filename == file:
                return str(code.co_name)
        return ""

    async def say(self, name: str, text: str) -> None:
        self.wire.append(f"{name} → server: {short(text)}")
        try:
            await self.clients[name].send(text)
        except ConnectionClosed as closed:
            raise self.difference("ex_closed", name=name, wanted="–", closed=code_of(closed)) from None

    async def hears(self, name: str, wanted: str) -> None:
        """Raise Difference unless the next message to this client is `wanted`."""
        got = await self.heard(name, wanted)
        if got != wanted:
            raise self.difference("ex_heard", name=name, wanted=short(wanted), got=short(got))

    async def heard(self, name: str, wanted: str = "", seconds: float = SECONDS) -> str | bytes:
        """The next message to this client; Difference where none comes (`wanted` is named in it)."""
        try:
            async with asyncio.timeout(seconds):
                got = await self.clients[name].recv()
        except TimeoutError:
            self.wire.append(f"server → {name}: nothing within {seconds:g} s")
            raise self.difference("ex_silent", name=name, wanted=short(wanted), seconds=seconds) from None
        except ConnectionClosed as closed:
            self.wire.append(f"server ✗ {name}: closed {code_of(closed)}")
            raise self.difference("ex_closed", name=name, wanted=short(wanted), closed=code_of(closed)) from None
        self.wire.append(f"server → {name}: {short(got)}")
        return got

    async def silence(self) -> None:
        """Raise Difference where any client hears one thing more."""

        async def more(client: ClientConnection) -> str | bytes | None:
            try:
                async with asyncio.timeout(PAUSE):
                    return await client.recv()
            except (TimeoutError, ConnectionClosed):
                return None

        extra = await asyncio.gather(*map(more, self.clients.values()))
        for name, got in zip(self.clients, extra, strict=True):
            if got is not None:
                self.wire.append(f"server → {name}: {short(got)}")
                raise self.difference("ex_one_more", name=name, got=short(got))

    def difference(self, key: str, **values: object) -> Difference:
        """The difference that `key` says, or the handler's own error, which is behind it."""
        said: Sentence = say("ex_handler_raised", error=named(self.error)) if self.error else say(key, **values)
        return Difference(said, tuple(self.wire))


@asynccontextmanager
async def stage(handler: Any, *names: str) -> AsyncIterator[Stage]:
    """The handler on a free port with these clients connected. Whatever it does, it is gone afterwards."""
    if not inspect.iscoroutinefunction(handler):
        raise Difference(say("ex_not_async", got=short(handler)))
    play = Stage(handler)
    server = await serve(play.run, "127.0.0.1", 0, compression=None, logger=quiet, close_timeout=PAUSE)
    play.uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        await play.join(*names)
        yield play
    finally:
        server.close()
        for client in play.clients.values():
            client.transport.abort()
        for task in play.tasks.values():
            task.cancel()
        await asyncio.wait([asyncio.ensure_future(server.wait_closed())], timeout=SECONDS)


def code_of(closed: ConnectionClosed) -> str:
    """The close code the client saw, or 1006 where the line just ended."""
    return str(closed.rcvd.code if closed.rcvd else 1006)
