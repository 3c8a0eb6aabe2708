"""What every panel is: a short log, a line of state, a few buttons and one input box. Nothing here knows a chat."""

import sys
import traceback
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

import anywidget
import traitlets
from IPython.core.getipython import get_ipython

from chatkit.errors import ChatError
from chatkit.panels.bridge import Bridge
from chatkit.panels.display import Pacer, put_out, script, without_secrets
from chatkit.panels.journal import Journal, Words
from chatkit.panels.people import FEW, People
from chatkit.place import in_browser
from chatkit.texts import chosen, say


class View(anywidget.AnyWidget):
    """The widget on the page: it draws what its panel tells, and tells its panel what the reader does.

    Its state is saved with the notebook, so it holds the kit's own words only. Everything that people say, names and
    addresses come in messages, which nobody saves.
    """

    _esm = script("panel.js")
    _css = Path(__file__).with_name("panel.css")
    labels = traitlets.Dict().tag(sync=True)  # words that stay: the buttons' and the boxes' names

    def __init__(self, shown_as: str, labels: dict[str, str | Words]) -> None:
        self.shown_as = shown_as
        super().__init__(labels=labels)

    def __repr__(self) -> str:
        return self.shown_as


class Panel:
    """The part that all panels share. Made in a cell, it lives on that cell's event loop; RuntimeError without one.

    shown_as: what stands for the panel where no widget can be shown. labels: their names and the keys of their texts.
    lang: "en", "th" or "both"; None takes $CHATKIT_LANG, else both.
    """

    # A cell that runs again loses its old panel from sight; only this knows it still. Weak: it keeps nobody alive.
    made: ClassVar[WeakSet["Panel"]] = WeakSet()

    def __init__(self, shown_as: str, lang: str | None, title: str, **labels: str) -> None:
        self.bridge = Bridge(self.report)
        self.lang = chosen(lang)
        self.cell, self.run = running_cell()
        self.pacer = Pacer(self.bridge, self.draw)
        self.journal = Journal(self.pacer.soon)
        self.sent = 0  # number of the newest line on the page
        self.shown: dict[str, Any] = {}  # the status on the page
        labels |= {key: f"panel_{key}" for key in ("newer", "dead", "no_answer")}
        self.view = View(shown_as, {"title": title, **{label: self.say(key) for label, key in labels.items()}})
        # A widget's callback may come on another thread.
        self.view.on_msg(lambda _view, content, _buffers: self.bridge.call(self.obey, content))
        self.retire_previous()

    # What a panel of a kind says of itself.

    def status(self) -> dict[str, Any]:
        """What is true now, for the page: state, mark, words, detail, why, note, buttons, members, crowd.

        why: what is wrong; note: what the reader should know; members and crowd: as `here` gives them.
        """
        raise NotImplementedError

    def submit(self, text: str) -> None:
        """The reader sent `text`; ChatError where it cannot be accepted, and the text stays in the box."""
        raise NotImplementedError

    def press(self, button: str) -> None:
        """The reader pressed a button that `status` offers."""
        raise NotImplementedError

    async def leave(self) -> None:
        """End what the panel does."""
        raise NotImplementedError

    # The verbs that all panels have.

    def close(self) -> Awaitable[None]:
        """End what the panel does; what it showed stays to be read."""
        return self.bridge.start(self.leave())

    @property
    def lines(self) -> list[str]:
        """The lines that the panel shows now, the newest last."""
        return [str(line) for line in self.journal.after(0)]

    async def heard(self, text: str, timeout: float = 2.0) -> str:
        """The first line that holds `text`: one that is shown already, else the next to come within `timeout` seconds.

        Raises NotHeard, a TimeoutError.
        """
        return await self.journal.heard(text, timeout)

    def _ipython_display_(self) -> None:
        put_out(self.view, repr(self))

    def __repr__(self) -> str:
        return repr(self.view)

    # What panels say.

    def say(self, key: str, **values: object) -> Words:
        """A sentence in the languages of this panel."""
        return say(key, **values).each(self.lang)

    def here(self, people: People, you: str = "") -> dict[str, Any]:
        """Who is here, for `status`; the id `you` is the reader's own."""
        crowd = self.say("panel_people", count=people.count) if people.count > FEW else None
        return {"members": people.listed(self.lang, you), "crowd": crowd}

    def report(self, error: Exception) -> None:
        """Show an error that no cell would show: in the panel, and in full under the cell that made it."""
        if isinstance(error, ChatError):
            self.journal.add("warning", error.said.each(self.lang), mark="⚠️")
            return
        self.journal.add("warning", self.say("panel_failed", error=repr(error)), mark="⚠️")
        traceback.print_exception(error, file=sys.stderr)

    # The page.

    def draw(self) -> None:
        """Tell the page what has changed."""
        status = without_secrets(self.status())
        news = {"do": "draw", **self.journal.batch(self.sent), "status": status if status != self.shown else None}
        if news["status"] or self.sent < self.journal.count:
            self.view.send(news)
        self.sent, self.shown = self.journal.count, status

    def obey(self, message: dict[str, Any]) -> None:
        """One message of the page: a view that begins, a pressed button, or a text that was sent."""
        match message:
            case {"do": "show", "view": str(view)}:
                status = without_secrets(self.status())
                self.view.send({"do": "draw", "view": view, **self.journal.batch(0), "status": status})
            case {"do": "press", "button": str(button)}:
                self.press(button)
            case {"do": "submit", "view": str(view), "text": str(text)}:
                self.view.send({"do": "answer", "view": view, "why": self.refusal(text)})

    def refusal(self, text: str) -> Words | None:
        """Hand a text over; None where it was accepted, else why not."""
        try:
            self.submit(text)
        except ChatError as error:
            return error.said.each(self.lang)
        return None

    # One panel a cell.

    def retire_previous(self) -> None:
        """Close the panels that an earlier run of this cell made: they would stay in the room as ghosts."""
        for panel in [each for each in self.made if self.cell and each.cell == self.cell and each.run != self.run]:
            panel.cell = ""  # it is no cell's panel any more
            panel.bridge.call(panel.retire)
        self.made.add(self)

    def retire(self) -> None:
        self.bridge.start(self.vanish())

    async def vanish(self) -> None:
        await self.leave()
        self.made.discard(self)
        self.view.close()


def running_cell() -> tuple[str, str]:
    """The cell that runs, and which run of it; ("", "") where the front end gives its cells no id."""
    kernel = getattr(get_ipython(), "kernel", None)
    channel = () if in_browser() else ("shell",)  # the browser's kernel has only one
    request = kernel.get_parent(*channel) if kernel else {}
    return request.get("metadata", {}).get("cellId", ""), request.get("header", {}).get("msg_id", "")
