"""The page's half of the teaching tools: a small script each, a state, and what its reader does.

Imported only where a tool is shown in a notebook; a tool is whole without it, by code and as text.
"""

import asyncio
import contextvars
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from chatkit.texts import chosen, say

State = dict[str, Any]
HERE = Path(__file__).parent


def script(name: str) -> str:
    """The script of one tool, behind what all of them share."""
    return "".join(HERE.joinpath(f"{each}.js").read_text("utf-8") for each in ("../kernel", "parts", name))


class View(anywidget.AnyWidget):
    """Shows a state. What the reader does comes as a dict to `obey`, on the loop and in the context of the cell.

    JupyterLab may hand it over on another thread, hence the way through the loop.
    """

    _css = HERE / "view.css"
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, state: State, obey: Callable[[State], None]) -> None:
        labels = {each: say(f"panel_{each}").each(chosen()) for each in ("no_answer", "lost")}
        super().__init__(state={**state, **labels})
        self.labels = labels
        self.obey = obey
        self.loop, self.context = asyncio.get_running_loop(), contextvars.copy_context()
        self.on_msg(self.heard)

    def show(self, state: State) -> None:
        self.state = {**state, **self.labels}

    def heard(self, _widget: object, content: State, _buffers: object) -> None:
        self.loop.call_soon_threadsafe(self.obey, content, context=self.context)


class ChoicesView(View):
    _esm = script("choices")


class LinesView(View):
    _esm = script("lines")


class GapsView(View):
    _esm = script("gaps")
