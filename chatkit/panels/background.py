"""A chat server on a thread and an event loop of its own: a cell that blocks stops the panels, not the chat."""

import asyncio
import ssl as tls
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Self, TypeVar

from chatkit.errors import ChatError
from chatkit.events import Who
from chatkit.place import in_browser
from chatkit.server import Server, serve

ANSWER = 5.0  # seconds that a cell waits for the server's loop

T = TypeVar("T")


class NotRunning(ChatError):
    """A broadcast without a server."""

    key = "panel_not_running"


class BackgroundServer:
    """The verbs of `Server`, for a cell; each crosses over to the server's own loop. Await `start()` first.

    options: as for `serve()`; `on_event` and `on_warning` are called on the server's thread.
    In a browser's Python there are no threads: there the server lives on the cell's loop.
    """

    server: Server
    loop: asyncio.AbstractEventLoop

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.started: Future[None] = Future()
        self.ended: Future[None] = Future()
        self.holder: threading.Thread | asyncio.Task[None] | None = None

    # What a cell does

    async def start(self) -> Self:
        """Start the thread and the server. Raises what `serve()` raises."""
        if in_browser():
            self.holder = asyncio.create_task(self.live())
            self.holder.add_done_callback(lambda _: self.ended.set_result(None))
        else:
            self.holder = threading.Thread(target=self.run, name="chatkit-server", daemon=True)
            self.holder.start()
        try:
            await asyncio.wrap_future(self.started)
        except BaseException:  # also where the cell is interrupted: nobody else would stop what has begun
            if not self.started.cancel() and self.started.exception() is None:
                self.call(self.server.close)
            await self.wait_closed()
            raise
        return self

    async def stop(self) -> None:
        """Stop and wait for it, at most 5 seconds: then the port is free and the thread gone. Twice is once."""
        self.call(self.server.close)
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Until the server has stopped, whoever stopped it."""
        await asyncio.shield(asyncio.wrap_future(self.ended))  # who stops waiting must not end it for the others
        if isinstance(self.holder, threading.Thread):
            self.holder.join()  # its last words are said

    def broadcast(self, text: str) -> None:
        """The operator speaks in every room; from any thread. Raises BadText, LogUnavailable, NotRunning."""
        self.ask(lambda: self.server.broadcast(text))

    def members(self, room: str | None = None) -> list[Who]:
        """Who is here: in one room, or in all of them; from any thread. Raises NotRunning."""
        return self.ask(lambda: self.server.members(room))

    async def look(self) -> list[Who]:
        """`members()` for code that awaits."""
        if self.ended.done():
            raise NotRunning
        members = awaited(self.server.members)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(members, self.loop))

    @property
    def uri(self) -> str:
        """The address for a client on this machine."""
        return self.server.uri

    @property
    def host(self) -> str | None:
        return self.server.host

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def token(self) -> str | None:
        return self.server.token

    @property
    def ssl(self) -> tls.SSLContext | None:
        return self.server.ssl

    @property
    def base_path(self) -> str:
        return self.server.base_path

    # The way over

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Run `function(*args)` on the server's loop soon; nothing where the server has ended."""
        with suppress(RuntimeError):  # that loop is closed
            self.loop.call_soon_threadsafe(function, *args)

    def ask(self, function: Callable[[], T]) -> T:
        """What `function()` gives or raises on the server's loop. Waits; TimeoutError after five seconds."""
        if self.ended.done():
            raise NotRunning
        if isinstance(self.holder, asyncio.Task):
            return function()
        return asyncio.run_coroutine_threadsafe(awaited(function), self.loop).result(ANSWER)

    # The server's side

    def run(self) -> None:
        """The thread."""
        try:
            asyncio.run(self.live())
        finally:
            self.ended.set_result(None)

    async def live(self) -> None:
        """The server's whole life."""
        self.loop = asyncio.get_running_loop()
        try:
            async with serve(**self.options) as self.server:
                if self.started.set_running_or_notify_cancel():  # else nobody waits for it any more
                    self.started.set_result(None)
                    await self.server.wait_closed()
        except BaseException as error:
            if self.started.done():
                raise
            self.started.set_exception(error)  # whatever it is: `start` waits for it, in another thread


async def awaited(function: Callable[[], T]) -> T:
    return function()
