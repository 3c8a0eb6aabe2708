"""Who holds a port of this machine: most often a lesson whose kernel was left running."""

import os
from contextlib import suppress
from pathlib import PurePath
from typing import Any, NamedTuple

from chatkit.place import in_browser


class Owner(NamedTuple):
    """A program that listens. notebook: the file's name where it is a kernel of JupyterLab, else ""."""

    pid: int
    program: str
    notebook: str

    @property
    def is_us(self) -> bool:
        return self.pid == os.getpid()


def owner_of(port: int) -> Owner | None:
    """The program that listens on a TCP port; None where it is another user's, or nobody does. Takes its time."""
    if in_browser():
        return None  # it has no other programs beside it, and no psutil
    import psutil

    for process in psutil.process_iter(["name"]):
        # Gone meanwhile, or somebody else's: its ports are not for us to see.
        with suppress(psutil.Error):
            if listens(process, port):
                # Jupyter tells each kernel which notebook it belongs to.
                notebook = PurePath(process.environ().get("JPY_SESSION_NAME", "")).name
                return Owner(process.pid, process.info["name"], notebook)
    return None


def listens(process: Any, port: int) -> bool:
    """Whether a psutil.Process listens there."""
    return any(each.status == "LISTEN" and each.laddr.port == port for each in process.net_connections("tcp"))
