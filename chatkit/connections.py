"""What a server holds: connections, from the first byte of the handshake to the last of the closing one, and tasks."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakSet

from websockets.asyncio.server import ServerConnection

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Connections:
    """Those that were accepted; beyond `most` a new one is dropped."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.accepted: WeakSet[ServerConnection] = WeakSet()  # websockets knows one only after its handshake

    def accept(self, create: Callable[..., ServerConnection], *args: Any, **options: Any) -> ServerConnection:
        """A new one; `create` makes it."""
        connection = create(*args, **options)
        self.accepted.add(connection)
        # When it ends, not when the garbage collector comes by: connections are part of circles.
        connection.connection_lost_waiter.add_done_callback(lambda _: self.accepted.discard(connection))
        if len(self.accepted) > self.most:
            asyncio.get_running_loop().call_later(0, self.make_room, connection)
        return connection

    def make_room(self, newcomer: ServerConnection) -> None:
        """Drop one that has its no, and has not hung up; the newcomer where there is none."""
        refused = (each for each in self.standing() if each.response and each.response.status_code != 101)
        self.drop(next(refused, newcomer))

    def standing(self) -> list[ServerConnection]:
        """Those that have their transport: websockets gives it to them a little later."""
        return [each for each in self.accepted if "transport" in vars(each)]

    def drop(self, *connections: ServerConnection) -> None:
        for connection in {*connections} & {*self.standing()}:
            connection.transport.abort()
            self.accepted.discard(connection)


class Tasks:
    """Tasks that somebody owns: they are held here, and cancelled and awaited at the end."""

    def __init__(self) -> None:
        self.running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def end(self) -> None:
        for task in list(self.running):
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)


def later(loop: asyncio.AbstractEventLoop, callback: Callable[[Any], object] | None) -> Callable[[Any], object]:
    """Calls back soon, from the loop: an error in there is its own, and stops no turn."""
    return (lambda what: loop.call_soon(callback, what)) if callback else lambda _: None
