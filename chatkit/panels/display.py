"""How a panel comes onto a page: what its cell puts out, how often it is drawn, and what may stand in it."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.display import display
from ipywidgets import DOMWidget

from chatkit.panels.bridge import Bridge
from chatkit.texts import say

PAUSE = 0.1  # seconds between two drawings: Jupyter drops messages over 1,000 a second
LONGEST = 300  # characters of one sentence of a panel; the texts of its lines have a limit of their own
TOKEN = re.compile(r"(\b(?:token|key)=)[^&#\s]+")


class Pacer:
    """Draws at most ten times a second, and always once more after the last change. On the bridge's loop only."""

    def __init__(self, bridge: Bridge, draw: Callable[[], None]) -> None:
        self.bridge, self.draw = bridge, draw
        self.due: asyncio.TimerHandle | None = None
        self.drawn = 0.0  # when the last drawing went out, in seconds of the loop's clock

    def soon(self) -> None:
        """Draw what changed: at once, or when the pause since the last drawing is over."""
        if self.due is None:
            self.due = self.bridge.later(max(0.0, self.drawn + PAUSE - self.bridge.loop.time()), self.now)

    def now(self) -> None:
        """Draw without waiting for the pause: a reader has asked for it."""
        if self.due:
            self.due.cancel()
        self.due, self.drawn = None, self.bridge.loop.time()
        self.draw()


def script(name: str) -> str:
    """The JavaScript of a widget: a widget's module cannot import a file, so what they share stands before each."""
    here = Path(__file__).parent
    return "".join(path.read_text("utf-8") for path in (here.parent / "kernel.js", here / "common.js", here / name))


# A widget whose kernel has gone is not in the page any more after a reload. JupyterLab then shows an error that helps
# nobody, so each widget has a sentence under it. The widget's own style hides it: gone are the two together.
ABSENT = '<div class="chatkit-absent">{}</div>'
HIDE_ABSENT = ".jp-OutputArea-child:has({}) ~ .jp-OutputArea-child:has(.chatkit-absent) {{ display: none; }}"


def bundle(widget: DOMWidget, text: str) -> dict[str, Any]:
    """What a cell puts out for a widget; `text` stands for it wherever no widget can be shown."""
    shown = widget._repr_mimebundle_() if widget.comm else {}
    data = shown[0] if isinstance(shown, tuple) else shown  # anywidget's way, and ipywidgets'
    return {**data, "text/plain": text}


def put_out(widget: DOMWidget, text: str) -> None:
    """Show a widget under the cell that runs, and a sentence for the day when its kernel is gone."""
    display(bundle(widget, text), raw=True)
    if widget.comm:
        sentence = say("panel_run_again")
        display({"text/html": ABSENT.format(sentence.html(tag="div")), "text/plain": str(sentence)}, raw=True)


def without_secrets(value: Any) -> Any:
    """Words for a page, however deep in lists and dicts: no token in an address, and nothing without an end.

    A server's sentence may be of any size, and an address that somebody gave may hold a token (`?token=…`).
    """
    match value:
        case str():
            hidden = TOKEN.sub(r"\1…", value)
            return hidden if len(hidden) <= LONGEST else hidden[: LONGEST - 1] + "…"
        case dict():
            return {key: without_secrets(each) for key, each in value.items()}
        case list():
            return [without_secrets(each) for each in value]
    return value
