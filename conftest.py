"""Holds for every test and every notebook under nbval: a port of their own, and no tool missing unseen on CI."""

import gc
import os
import signal
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.notebook_room"]


def pytest_configure(config: pytest.Config) -> None:
    """Give the kit a free default port, so that a chat that already runs on 8765 is neither hit nor in the way.

    Each of the processes that share the tests (`-n 2`) has its own.

    What the tests start must be able to be interrupted, also where the suite itself runs in the background of a shell
    (`&`), which makes it, and so its children, ignore Ctrl+C.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "missing(reason): fails, because CI lacks a tool that the test needs")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        os.environ["CHATKIT_PORT"] = str(probe.getsockname()[1])


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail, not skip, a test whose tool is missing on CI."""
    if mark := item.get_closest_marker("missing"):
        pytest.fail(mark.args[0], pytrace=False)


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the course to read, written once for all tests that look at its pages."""
    from chatkit.tools.book import write

    folder = tmp_path_factory.mktemp("book")
    write(folder)
    return folder


def pytest_collection_finish() -> None:
    """What stands before the first test is no garbage: `swept` need not look at it a thousand times."""
    gc.freeze()


@pytest.fixture
def swept() -> Iterator[None]:
    """An answer that is ended in the midst leaves sockets to the garbage collector: it comes here, not later."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
