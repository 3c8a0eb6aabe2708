"""A server with labs, for the tests of the labs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chatkit import Server, serve
from chatkit.labs import Labs


@dataclass
class Served:
    """A running server: its address, by number and not by name, and its labs."""

    server: Server

    @property
    def uri(self) -> str:
        return self.server.uri.replace("localhost", "127.0.0.1")

    @property
    def labs(self) -> Labs:
        return self.server.labs


@asynccontextmanager
async def serving(db: str = ":memory:", port: int = 0) -> AsyncIterator[Served]:
    async with serve(port=port, db=db) as server:
        yield Served(server)
