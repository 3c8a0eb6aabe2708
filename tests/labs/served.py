"""A server with labs, for the tests of the labs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from chatkit.labs import Labs, Store, lab_of, labs, run_lab
from chatkit.labs.grader import student_of


@dataclass
class Served:
    """Where it is, and its labs."""

    uri: str
    labs: Labs


@asynccontextmanager
async def serving(db: str = ":memory:") -> AsyncIterator[Served]:
    """A server that has nothing but labs."""
    ours = Labs(Store(db))

    async def admit(connection: ServerConnection, request: Request) -> Response | None:
        number = lab_of(request.path.partition("?")[0])
        path = request.path.partition("?")[0]
        origin = request.headers.get("Origin")
        status = 404 if number not in labs() or path != f"/lab/{number}" else 403 if origin and "evil" in origin else 0
        if status:
            ours.refused(student_of(request.path), status, request)
            return connection.respond(status, "no\n")
        return await ours.knock(connection, request, number)

    async def handle(connection: ServerConnection) -> None:
        number = lab_of(connection.request.path.partition("?")[0])
        await run_lab(connection, SimpleNamespace(lab=number), ours)

    def select(connection: ServerConnection, offered: list[str]) -> str | None:
        return "chatkit.v1" if "chatkit.v1" in offered else None

    async with serve(
        handle, "localhost", 0, process_request=admit, select_subprotocol=select, compression=None, max_size=16 * 1024
    ) as server:
        port = server.sockets[0].getsockname()[1]
        yield Served(f"ws://127.0.0.1:{port}", ours)
    ours.close()
