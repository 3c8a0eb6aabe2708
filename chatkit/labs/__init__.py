"""Labs: the server watches what any client does on the wire, says what is next and what was wrong, and gives receipts.

ws://localhost:8765/lab/2?name=Mali
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatkit.labs.lab import Lab, labs
    from chatkit.labs.run import Labs, Visit
    from chatkit.labs.store import Store

__all__ = ["Lab", "Labs", "Store", "Visit", "labs"]

HOMES = {"Lab": "lab", "Labs": "run", "Store": "store", "Visit": "run", "labs": "lab"}


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is: a server without labs loads none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
