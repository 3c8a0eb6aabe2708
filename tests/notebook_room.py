"""A pytest plugin (and what the author's tool uses too): the surroundings a notebook is executed in.

Each notebook has a free port of its own, one language for its panels, and a progress file that nobody else reads, so
its outputs are the same every time. A student's notebook finds a teacher's server already running on that port.
"""

import asyncio
import os
import socket
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

#: notebooks that join a server which somebody else started
GUESTS = {"08_many_clients_student"}


@contextmanager
def room_for(notebook: Path) -> Iterator[int]:
    """The environment (and the teacher's server, for a guest) that a notebook's kernel starts in; gives the port."""
    with tempfile.TemporaryDirectory() as home, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        surroundings = {
            "CHATKIT_PORT": str(port),
            "CHATKIT_PROGRESS": str(Path(home, "progress.json")),
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
    from chatkit.server import serve

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


# --- nbval ----------------------------------------------------------------------------------------------------------


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Compare every cell. nbval takes a cell without an execution count for one that never ran; ours have none."""
    for item in items:
        if isinstance(item, IPyNbCell) and item.cell.execution_count is None:
            item.cell.execution_count = 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Make the room before a notebook's first cell starts the kernel; it ends with the notebook."""
    notebook = item.parent
    if not isinstance(notebook, IPyNbFile) or notebook.kernel is not None:
        return (yield)
    with ExitStack() as room:
        room.enter_context(room_for(notebook.path))
        result = yield
        notebook.addfinalizer(room.pop_all().close)
    return result
