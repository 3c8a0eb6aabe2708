"""Panels: what a notebook shows of a chat. Small views; the chat itself is `connect()` and `serve()`."""

from chatkit.panels.chat import ChatPanel
from chatkit.panels.join import JoinCard
from chatkit.panels.journal import NotHeard
from chatkit.panels.labgrid import LabGrid
from chatkit.panels.reading import ReadingSwitch
from chatkit.panels.server import ServerPanel
from chatkit.panels.together import side_by_side
from chatkit.panels.wireview import WireView

__all__ = ["ChatPanel", "JoinCard", "LabGrid", "NotHeard", "ReadingSwitch", "ServerPanel", "WireView", "side_by_side"]
