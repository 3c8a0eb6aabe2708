"""Panels: what a notebook shows of a chat. Small views; the chat itself is `connect()` and `serve()`."""

from chatkit.panels.chat import ChatPanel
from chatkit.panels.panel import NotHeard
from chatkit.panels.server import ServerPanel
from chatkit.panels.wireview import WireView

__all__ = ["ChatPanel", "NotHeard", "ServerPanel", "WireView"]
