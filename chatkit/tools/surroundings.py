"""What a notebook finds around it when it is executed, so that its outputs are the same every time.

Each notebook has a free port of its own, one language for its panels, and a progress file that nobody else reads. A
student's notebook finds a teacher's server already running on that port.
"""

import asyncio
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from chatkit.addresses import free_port
from chatkit.server import serve

__all__ = ["room_for"]

#: notebooks that join a server which somebody else started
GUESTS = {"07_many_clients_student"}


@contextmanager
def room_for(notebook: Path) -> Iterator[int]:
    """The environment (and the teacher's server, for a guest) that a notebook's kernel starts in; gives the port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        surroundings = {
            "CHATKIT_PORT": str(port),
            "CHATKIT_HOME": home,
            "CHATKIT_LANG": "both",
        }
        before = {name: os.environ.get(name) for name in surroundings}
        os.environ.update(surroundings)
        try:
            with serving(port) if notebook.stem in GUESTS else nullcontext():
                yield port
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


@contextmanager
def serving(port: int) -> Iterator[None]:
    """A real chat server, in a thread with an event loop of its own, like a teacher's in another kernel."""
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def teach() -> None:
        async with serve(port=port):
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(teach(),), daemon=True)
    thread.start()
    if not ready.wait(10):
        raise RuntimeError(f"the teacher's server did not start on port {port}")
    try:
        yield
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()
