"""Runs a student's handler on a real server, with real clients, and keeps what each of them said and heard."""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import chain
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from chatkit.exercises.calls import Trial, named, short
from chatkit.exercises.result import Difference
from chatkit.exercises.watch import Driven, settled

SECONDS = 1.0  # for one message to arrive; on loopback it takes a thousandth of that
PAUSE = 0.1  # seconds without a message that count as silence

# A student's mistake is shown by the check, not by websockets' log.
quiet = logging.Logger("exercise")
quiet.disabled = True


class SlowConnection(ServerConnection):
    """A line on which sending takes a moment; while its reader sleeps, until the reader wakes or is gone."""

    asleep = False

    async def send(self, message: Any, *values: Any, **options: Any) -> None:
        await asyncio.sleep(0.02)
        while self.asleep and self.state is State.OPEN:  # noqa: ASYNC110 -- as where all buffers are full
            await asyncio.sleep(0.02)
        await super().send(message, *values, **options)


class Stage:
    """Clients by name around one handler. `wire` is what was truly said and heard, in order."""

    def __init__(self, trial: Trial, handler: Any) -> None:
        self.trial, self.handler = trial, handler
        self.uri = ""
        self.wire: list[str] = []
        self.clients: dict[str, ClientConnection] = {}
        self.sockets: dict[int, ServerConnection] = {}  # the server's ends, by the client's port
        self.gone: dict[str, ServerConnection] = {}
        self.handling: dict[int, tuple[asyncio.Task[Any], Driven]] = {}  # by the client's port
        self.error: BaseException | None = None

    async def run(self, ws: ServerConnection) -> None:
        """The handler, watched: what it raises is the first thing its author wants to know."""
        task = asyncio.current_task()
        assert task is not None
        driven = Driven(self.handle(ws), self.trial.watch)
        port = ws.remote_address[1]
        self.sockets[port], self.handling[port] = ws, (task, driven)
        try:
            await driven
        except Exception as error:  # a student's code may raise anything
            if not isinstance(error, ConnectionClosed) or ws.state is State.OPEN:
                self.error = self.error or error
                self.wire.append(f"handler ✗ {named(error)}")
            raise

    async def handle(self, ws: ServerConnection) -> None:
        """Anything that gives an awaitable is a handler: a coroutine function, an object that is called, a partial."""
        got = self.handler(ws)
        if not inspect.isawaitable(got):
            raise self.trial.difference("ex_not_async", got=short(self.handler))
        await got

    async def join(self, *names: str) -> None:
        """Connect clients, one after the other."""
        for name in names:
            self.clients[name] = await connect(self.uri, proxy=None, compression=None, close_timeout=PAUSE)
            self.wire.append(f"{name} ⇢ server")

    def sleep(self, name: str, asleep: bool = True) -> None:
        """Let a client stop reading, on a slow stage; whoever awaits a `send` to it waits until it wakes."""
        line = self.sockets[self.clients[name].local_address[1]]
        assert isinstance(line, SlowConnection)
        line.asleep = asleep
        self.wire.append(f"{name} {'💤' if asleep else '⏰'}")

    async def leave(self, *names: str) -> None:
        """Close connections as a browser does; Difference where the handler goes on without its client."""
        await asyncio.gather(*(self.clients[name].close() for name in names))
        await self.left(*names)

    async def cut(self, *names: str) -> None:
        """Cut connections as a phone does that leaves the Wi-Fi: no goodbye."""
        for name in names:
            self.clients[name].transport.abort()
        await self.left(*names, sign="✂")

    async def left(self, *names: str, sign: str = "⇠") -> None:
        handling = []
        for name in names:
            client = self.clients.pop(name)
            self.wire.append(f"{name} {sign} server")
            port = client.local_address[1]
            self.gone[name] = self.sockets[port]
            handling.append(self.handling[port][0])
        await settled(handling, SECONDS)
        if not all(task.done() for task in handling):
            raise self.difference("ex_handler_stays", name=names[0])
        for task in handling:
            error = None if task.cancelled() else task.exception()
            if isinstance(error, Exception) and not isinstance(error, ConnectionClosed):
                raise self.difference("ex_handler_raised", error=named(error))

    async def nothing_runs(self) -> None:
        """Raise Difference where something of the handlers' goes on after their clients have left."""
        if left := await self.trial.watch.left_over():
            raise self.difference("ex_left_over", task=left[0])

    async def say(self, name: str, *texts: str) -> None:
        for text in texts:
            if self.trial.watch.held:  # that is the difference, whatever else comes of it
                raise self.difference("ex_held", line=self.trial.watch.held)
            self.wire.append(f"{name} → server: {short(text)}")
            try:
                await self.clients[name].send(text)
            except ConnectionClosed as closed:
                raise self.difference("ex_hung_up", name=name, closed=code_of(closed)) from None

    async def hears(self, name: str, *wanted: str, seconds: float = SECONDS) -> None:
        """Raise Difference unless the next messages to this client are these."""
        for text in wanted:
            got = await self.heard(name, text, seconds)
            if got != text:
                raise self.difference("ex_heard", name=name, wanted=short(text), got=short(got))

    async def heard(self, name: str, wanted: str = "", seconds: float = SECONDS) -> str | bytes:
        """The next message to this client; Difference where none comes (`wanted` is named in it)."""
        receiving = asyncio.ensure_future(self.clients[name].recv())
        await settled([receiving], seconds)
        if not receiving.done():
            receiving.cancel()
            self.wire.append(f"server → {name}: ∅ {seconds:g} s")
            raise self.difference("ex_silent", name=name, wanted=short(wanted), seconds=seconds)
        try:
            got: str | bytes = receiving.result()
        except ConnectionClosed as closed:
            self.wire.append(f"server ✗ {name}: {code_of(closed)}")
            raise self.difference("ex_closed", name=name, wanted=short(wanted), closed=code_of(closed)) from None
        self.wire.append(f"server → {name}: {short(got)}")
        return got

    async def drain(self, name: str) -> None:
        """Take whatever still comes to this client, until nothing does."""
        with suppress(Difference):
            while True:
                await self.heard(name, seconds=PAUSE)

    async def silence(self, *names: str) -> None:
        """Raise Difference where one of these clients (all, if none is named) hears one thing more, or is put out."""
        receiving = {name: asyncio.ensure_future(self.clients[name].recv()) for name in names or self.clients}
        await settled(receiving.values(), PAUSE)
        for task in receiving.values():
            task.cancel()
        for name, got in zip(receiving, await asyncio.gather(*receiving.values(), return_exceptions=True), strict=True):
            if isinstance(got, ConnectionClosed):
                self.wire.append(f"server ✗ {name}: {code_of(got)}")
                raise self.difference("ex_hung_up", name=name, closed=code_of(got))
            if not isinstance(got, BaseException):
                self.wire.append(f"server → {name}: {short(got)}")
                raise self.difference("ex_one_more", name=name, got=short(got))

    def ghost(self) -> str:
        """The name of somebody who has left and whom the handler still keeps; "" where there is nobody."""
        kept = [each for container in kept_by(self.handler) for each in container]
        return next((name for name, ws in self.gone.items() if any(each is ws for each in kept)), "")

    def difference(self, key: str, varies: bool = False, **holes: object) -> Difference:
        """The difference that `key` says, or the handler's own error, which is behind it."""
        if isinstance(self.error, Difference):
            return Difference(self.error.key, self.error.said, tuple(self.wire))
        if self.error:
            return self.trial.difference("ex_handler_raised", tuple(self.wire), error=named(self.error))
        return self.trial.difference(key, tuple(self.wire), None, varies, **holes)


@asynccontextmanager
async def stage(
    trial: Trial, handler: Any, *names: str, slow: bool = False, close_timeout: float = PAUSE
) -> AsyncIterator[Stage]:
    """The handler on a free port with these clients connected. At the end they leave, and nothing may go on.

    slow: the server's `send` takes a moment, as it does on a real network: others run meanwhile.
    close_timeout: seconds for which the server's `close` waits for the other side's goodbye.
    """
    if inspect.isasyncgenfunction(handler) or inspect.isgeneratorfunction(handler):
        raise trial.difference("ex_has_yield", got=short(handler))
    if not callable(handler):
        raise trial.difference("ex_not_async", got=short(handler))
    play = Stage(trial, handler)
    connection = SlowConnection if slow else ServerConnection
    server = await serve(
        play.run,
        "127.0.0.1",
        0,
        compression=None,
        logger=quiet,
        close_timeout=close_timeout,
        create_connection=connection,
    )
    play.uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        await play.join(*names)
        yield play
        await play.leave(*play.clients)
        await play.nothing_runs()
    finally:
        for client in play.clients.values():
            client.transport.abort()
        await trial.watch.finish(list(play.handling.values()))
        server.close()
        await settled([asyncio.ensure_future(server.wait_closed())], SECONDS)


def kept_by(handler: Any) -> Iterator[Collection[object]]:
    """The collections that a handler keeps: its globals, what it closes over, its object's attributes."""
    function = handler.func if isinstance(handler, partial) else handler
    function = inspect.unwrap(function) if callable(function) else function
    call = function if hasattr(function, "__code__") else type(function).__call__
    places = [
        getattr(call, "__globals__", {}).values(),
        (cell.cell_contents for cell in getattr(call, "__closure__", None) or ()),
        getattr(getattr(function, "__self__", function), "__dict__", {}).values(),
        handler.args if isinstance(handler, partial) else (),
    ]
    for value in chain.from_iterable(places):
        if isinstance(value, dict):
            yield from (value.keys(), value.values())
        elif isinstance(value, (set, list, deque)):
            yield value


def code_of(closed: ConnectionClosed) -> str:
    """The close code the client saw, or 1006 where the line just ended."""
    return str(closed.rcvd.code if closed.rcvd else 1006)
