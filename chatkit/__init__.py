"""ChatKit: learn WebSockets, asyncio and real-time protocols by building and using a chat.

async with serve() as server, connect(name="Mali") as chat:
    await chat.send("สวัสดี")
"""

from chatkit.client import Chat, connect
from chatkit.events import ChatError, Event, Who
from chatkit.server import Server, serve
from chatkit.sources import source

__all__ = ["Chat", "ChatError", "Event", "Server", "Who", "connect", "serve", "source"]
