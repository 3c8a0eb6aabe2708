"""The servers that are measured, each in a process of its own: the same chat in five ways.

Everybody in one room hears every text: by `gather(send, …)`, as a first chat does it, by websockets' `broadcast()`, and
by the kit.
"""

import asyncio
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from websockets.asyncio import server as websockets
from websockets.exceptions import ConnectionClosed

from chatkit.limits import LIMITS, files_left
from chatkit.server import serve

__all__ = ["BASELINE", "KINDS", "Running", "own_core", "server"]

KINDS = ("gather", "broadcast", "plain", "json", "json_file")
BASELINE = "broadcast"


class Running:
    """A server in its own process. port: where it listens."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.port: int = pipe.recv()

    def used(self) -> "Used":
        """What the process has used so far."""
        self.pipe.send(True)
        return Used(*self.pipe.recv())


class Used(NamedTuple):
    """cpu: seconds. writes: calls of `transport.write`, where they are counted."""

    cpu: float
    writes: int


@contextmanager
def server(kind: str, core: int | None, counts: bool = False) -> Iterator[Running]:
    """A server of one kind. core: the one that it runs on; counts: whether its writes are counted, which costs time."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=server_process, args=(kind, core, counts, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Running(ours)
    finally:
        ours.close()
        process.terminate()
        process.join()


def server_process(kind: str, core: int | None, counts: bool, pipe: Connection) -> None:
    """Serve until the pipe is closed; answers each question with what was used so far."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that asked for the bench
    if core is not None:
        os.sched_setaffinity(0, {core})
    files_left()
    tally = Tally()

    async def main() -> None:
        async with running(kind, tally.connection if counts else websockets.ServerConnection) as port:
            pipe.send(port)
            with suppress(EOFError):
                while await asyncio.to_thread(pipe.recv):
                    pipe.send((time.process_time(), tally.writes))

    asyncio.run(main())


@asynccontextmanager
async def running(kind: str, connection: Callable[..., Any]) -> AsyncIterator[int]:
    """The port of a running server of one kind."""
    if kind in ("gather", "broadcast"):
        handler = chat_with(tell_by_gather if kind == "gather" else tell_by_broadcast)
        options: dict[str, Any] = {"compression": None, "create_connection": connection, "backlog": 1024}
        async with websockets.serve(handler, "127.0.0.1", 0, **options) as other:
            yield next(iter(other.sockets)).getsockname()[1]
        return
    with tempfile.TemporaryDirectory(prefix="chatkit-bench-") as folder:
        db = str(Path(folder) / "log.db") if kind == "json_file" else ":memory:"
        async with serve("127.0.0.1", 0, db=db, rate=0, history=LIMITS.history, create_connection=connection) as kit:
            yield kit.port


def chat_with(tell: Callable[[set[websockets.ServerConnection], str], Awaitable[None]]) -> Any:
    """The chat as a handler of websockets: everybody hears what anybody says."""
    clients: set[websockets.ServerConnection] = set()

    async def handler(connection: websockets.ServerConnection) -> None:
        clients.add(connection)
        with suppress(ConnectionClosed):
            async for text in connection:
                await tell(clients, f"Someone says: {text!s}")
        clients.discard(connection)

    return handler


async def tell_by_gather(clients: set[websockets.ServerConnection], text: str) -> None:
    await asyncio.gather(*(client.send(text) for client in clients))


async def tell_by_broadcast(clients: set[websockets.ServerConnection], text: str) -> None:
    websockets.broadcast(clients, text)


class Tally:
    """How often the transports of a server are written to."""

    writes = 0

    def connection(self, *args: Any, **kwargs: Any) -> websockets.ServerConnection:
        """One connection that counts here; `create_connection` of a server."""
        made = websockets.ServerConnection(*args, **kwargs)
        begin = made.connection_made

        def connection_made(transport: Any) -> None:
            transport.write = self.counted(transport.write)
            begin(transport)

        made.connection_made = connection_made  # type: ignore[method-assign]
        return made

    def counted(self, write: Callable[[bytes], None]) -> Callable[[bytes], None]:
        def counted(data: bytes) -> None:
            self.writes += 1
            write(data)

        return counted


@contextmanager
def own_core() -> Iterator[int | None]:
    """The first core for the server, the others for the load; None where a process cannot choose."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cores) < 2:
        yield None
        return
    os.sched_setaffinity(0, cores[1:])
    try:
        yield cores[0]
    finally:
        os.sched_setaffinity(0, cores)
