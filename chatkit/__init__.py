"""ChatKit: learn WebSockets, asyncio and real-time protocols by building and using a chat.

async with serve() as server, connect(name="Mali") as chat:
    await chat.send("สวัสดี")
"""

from importlib import import_module
from typing import TYPE_CHECKING

from chatkit.place import in_browser

if TYPE_CHECKING:
    from chatkit.client import Chat, connect
    from chatkit.errors import ChatError
    from chatkit.events import Event, Who
    from chatkit.server import Server, serve
    from chatkit.sources import source
    from chatkit.tools.doctor import doctor

__all__ = ["Chat", "ChatError", "Event", "Server", "Who", "connect", "doctor", "serve", "source"]

HOMES = {
    "Chat": "client",
    "ChatError": "errors",
    "Event": "events",
    "Server": "server",
    "Who": "events",
    "connect": "client",
    "doctor": "tools.doctor",
    "serve": "server",
    "source": "sources",
}


if in_browser():  # there are no sockets, and not every cell can run
    import_module(f"{__name__}.lite").carry()
    import_module(f"{__name__}.tools.recorded").play_back()


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is: so `python -m chatkit.client` runs that module, not a second copy of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
