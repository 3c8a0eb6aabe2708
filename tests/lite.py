"""A chat where a program has no sockets, no threads and no other programs, as in a browser's own Python.

`python -m tests.lite` runs it, on the network in memory (`chatkit.lite`).
"""

import asyncio
import importlib
import pkgutil
import socket
import subprocess
import sys
import threading
from typing import Any, NoReturn

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


class Loop(asyncio.SelectorEventLoop):
    """An event loop that has no sockets of its own either."""

    def _make_self_pipe(self) -> None:
        """A pair of sockets by which another thread wakes the loop: there is none."""
        self._ssock = self._csock = None

    def _close_self_pipe(self) -> None:
        """See above."""


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
    from chatkit.lite import carry

    carry()
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
