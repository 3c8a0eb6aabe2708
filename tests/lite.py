"""A chat where a program has no sockets, no threads and no other programs, as in a browser's own Python.

`python -m tests.lite` runs it: the event loop's `create_server` and `create_connection` lead into an in-memory network.
"""

import asyncio
import importlib
import pkgutil
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

Factory = Callable[[], asyncio.Protocol]

# Who tried to open a socket all the same; to probe for one is allowed where the answer "no" is understood.
tried: set[str] = set()


def forbid() -> None:
    """From now on: no socket (OSError, as in Pyodide), no thread, no process."""

    def no_socket(*_: Any, **__: Any) -> NoReturn:
        frame = sys._getframe(1)
        while frame.f_back and frame.f_globals["__name__"] == "socket":
            frame = frame.f_back
        tried.add(frame.f_globals["__name__"])
        raise OSError("there is no network here")

    def no_thread(self: threading.Thread) -> NoReturn:
        raise RuntimeError("there are no threads here")

    def no_process(*_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("there are no processes here")

    socket.socket.__init__ = no_socket  # type: ignore[assignment, method-assign]
    socket.socketpair = socket.getaddrinfo = no_socket
    threading.Thread.start = no_thread  # type: ignore[method-assign]
    subprocess.Popen.__init__ = no_process  # type: ignore[method-assign, assignment]


class End(asyncio.Transport):
    """One end of a connection: what is written here arrives at `other`, in order and later, and waits while it must."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int) -> None:
        super().__init__({"peername": ("127.0.0.1", port), "sockname": ("127.0.0.1", port)})
        self.loop = loop
        self.inbox: deque[bytes | None] = deque()  # None: nothing more will come
        self.is_paused = self.is_over = False
        self.protocol: asyncio.Protocol
        self.other: End

    def write(self, data: Any) -> None:
        self.put(bytes(data))

    def write_eof(self) -> None:
        self.put(None)

    def put(self, data: bytes | None) -> None:
        if not self.is_over:
            self.other.inbox.append(data)
            self.loop.call_soon(self.other.take)

    def take(self) -> None:
        while self.inbox and not self.is_paused and not self.is_over:
            data = self.inbox.popleft()
            if data is not None:
                self.protocol.data_received(data)
            elif not self.protocol.eof_received():
                self.close()

    def close(self) -> None:
        if not self.is_over:
            self.put(None)
            self.is_over = True
            self.loop.call_soon(self.protocol.connection_lost, None)

    abort = close

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.is_over

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False
        self.loop.call_soon(self.take)

    def get_write_buffer_size(self) -> int:
        return sum(len(data) for data in self.other.inbox if data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits here but what the other end does not take."""


class Listener(asyncio.AbstractServer):
    """What `create_server` gives."""

    def __init__(self, loop: "Loop", port: int) -> None:
        self.loop, self.port = loop, port
        self.sockets = [SimpleNamespace(family=socket.AF_INET, getsockname=lambda: ("127.0.0.1", port))]

    def close(self) -> None:
        self.loop.listeners.pop(self.port, None)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self.loop

    async def wait_closed(self) -> None:
        """At once."""

    def is_serving(self) -> bool:
        return self.port in self.loop.listeners

    async def start_serving(self) -> None:
        """From the beginning."""


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose network is a dict of ports."""

    def __init__(self) -> None:
        self.listeners: dict[int, Factory] = {}
        super().__init__()

    def _make_self_pipe(self) -> None:
        """A pair of sockets by which another thread wakes the loop: there is none."""
        self._ssock = self._csock = None

    def _close_self_pipe(self) -> None:
        """See above."""

    async def create_server(self, factory: Factory, host: Any = None, port: int = 0, **options: Any) -> Any:  # type: ignore[override]
        self.listeners[port] = factory
        return Listener(self, port)

    async def create_connection(self, factory: Factory, host: Any = None, port: int = 0, **options: Any) -> Any:  # type: ignore[override]
        if port not in self.listeners:
            raise ConnectionRefusedError(port)
        near, far = End(self, port), End(self, port)
        near.other, far.other = far, near
        near.protocol, far.protocol = factory(), self.listeners[port]()
        far.protocol.connection_made(far)
        near.protocol.connection_made(near)
        return near, near.protocol


def modules_of(name: str) -> list[str]:
    """A package's modules, its own included."""
    package = importlib.import_module(name)
    return [
        name,
        *(f"{name}.{each.name}" for each in pkgutil.iter_modules(package.__path__) if each.name != "__main__"),
    ]


async def chat() -> None:
    """A server, three clients, a dropped line: what every lesson does."""
    import chatkit

    async with chatkit.serve(port=8765, token="รหัส") as server:
        mali = await chatkit.connect(server.uri, name="Mali", token="รหัส")
        noi = await chatkit.connect(f"{server.uri}/", name="Noi", token="รหัส", plain=True)
        assert await mali.send("สวัสดี") == 1
        assert await noi.send("hi") == 0
        server.broadcast("five minutes")
        heard = []
        async for event in mali:
            heard.append(event.text or f"{event.who.name} {event.type}")
            if len(heard) == 4:
                break
        assert heard == ["Noi joined", "สวัสดี", "hi", "five minutes"], heard
        assert mali.websocket
        mali.websocket.transport.abort()
        assert await mali.send("back again") == 4
        late = await chatkit.connect(server.uri, name="Pim", token="รหัส", after=0)
        texts = [event.text async for event in until(late, 4)]
        assert texts == ["สวัสดี", "hi", "five minutes", "back again"], texts
        for client in (mali, noi, late):
            await client.close()
        try:
            await chatkit.connect(server.uri, token="wrong")
        except chatkit.ChatError as refused:
            assert "4401" in str(refused) or refused.sentence("th")
        else:
            raise AssertionError("a wrong token was let in")


async def until(client: Any, last: int) -> Any:
    async for event in client:
        if event.seq:
            yield event
        if event.seq == last:
            return


def main() -> None:
    forbid()
    wings = ("chatkit", "chatkit.wire", "chatkit.exercises")
    imported = [importlib.import_module(each) for wing in wings for each in modules_of(wing)]
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(asyncio.wait_for(chat(), 60))
    print(f"{len(imported)} modules, sockets tried by: {', '.join(sorted(tried)) or 'nobody'}")


if __name__ == "__main__":
    main()
