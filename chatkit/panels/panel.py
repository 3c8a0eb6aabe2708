"""What every panel is: a short log, a line of state, a few buttons and one input box. Nothing here knows a chat."""

import asyncio
import sys
import time
import traceback
from collections import deque
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

import anywidget
import traitlets
from IPython.core.getipython import get_ipython

from chatkit.errors import ChatError
from chatkit.panels.bridge import Bridge
from chatkit.texts import chosen, say

SHOWN = 200  # lines that a panel keeps
PAUSE = 0.1  # seconds between two batches to the page: Jupyter drops messages over 1,000 a second
BEAT = 0.25  # seconds between two looks of a wait: the stop button cannot end an `await` in a loop that sleeps

Words = dict[str, str]  # one sentence in the languages of a panel: {"en": …, "th": …}


class NotHeard(ChatError, TimeoutError):
    """A line that somebody waited for did not come in time."""

    key = "panel_not_heard"

    def __str__(self) -> str:
        return self.sentence("both")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel's log; kind: own, msg, notice, presence, warning, mark or raw. ts: seconds since 1970."""

    number: int
    kind: str
    mark: str
    who: str | Words
    text: str | Words
    ts: float

    def __str__(self) -> str:
        who, text = plain(self.who), plain(self.text)
        return " ".join(filter(None, [self.mark, f"{who}: {text}" if who else text]))


def plain(words: str | Words) -> str:
    """A sentence as one string: `English · ไทย` where it has both languages."""
    return words if isinstance(words, str) else " · ".join(dict.fromkeys(words.values()))


class View(anywidget.AnyWidget):
    """The widget on the page: it draws what its panel tells, and tells its panel what the reader does."""

    _esm = Path(__file__).with_name("panel.js")
    _css = Path(__file__).with_name("panel.css")
    labels = traitlets.Dict().tag(sync=True)  # words that stay: the buttons' and the boxes' names
    status = traitlets.Dict().tag(sync=True)  # what is true now: state, reason, buttons, members

    def __init__(self, shown_as: str, labels: dict[str, str | Words], status: dict[str, Any]) -> None:
        self.shown_as = shown_as
        super().__init__(labels=labels, status=status)

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
        self.count = self.sent = 0  # numbers of the newest line, and of the newest one on the page
        self.drawn = 0.0  # when the last batch went out, in seconds of the loop's clock
        self.due: asyncio.TimerHandle | None = None
        self.log: deque[Line] = deque(maxlen=SHOWN)
        self.waiting: dict[asyncio.Future[str], str] = {}
        labels |= {key: f"panel_{key}" for key in ("newer", "dead", "no_answer")}
        words = {label: self.say(key) for label, key in labels.items()}
        self.view = View(shown_as, {"title": title, **words}, self.status())
        self.view.on_msg(self.heard_from_page)
        self.retire_previous()

    # What a panel of a kind says of itself.

    def status(self) -> dict[str, Any]:
        """What is true now: state, mark, words, why, buttons, members (all for the page)."""
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
        return [str(line) for line in self.log]

    async def heard(self, text: str, timeout: float = 2.0) -> str:
        """The first line that holds `text`: one that is shown already, else the next to come within `timeout` seconds.

        Raises NotHeard, a TimeoutError.
        """
        for line in self.lines:
            if text in line:
                return line
        answer: asyncio.Future[str] = self.bridge.loop.create_future()
        self.waiting[answer] = text
        deadline = time.monotonic() + timeout
        try:
            while not answer.done():
                if (left := deadline - time.monotonic()) <= 0:
                    raise NotHeard(text=text, seconds=timeout)
                await asyncio.wait({answer}, timeout=min(BEAT, left))
            return answer.result()
        finally:
            del self.waiting[answer]

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        return (self.view.comm and self.view._repr_mimebundle_()) or ({"text/plain": repr(self)}, {})

    def __repr__(self) -> str:
        return repr(self.view)

    # The log.

    def add(self, kind: str, text: str | Words, *, who: str | Words = "", mark: str = "", ts: float = 0.0) -> None:
        """One more line; on the loop only."""
        self.count += 1
        self.log.append(line := Line(self.count, kind, mark, who, text, ts or time.time()))
        for answer, wanted in self.waiting.items():
            if wanted in str(line) and not answer.done():
                answer.set_result(str(line))
        self.redraw()

    def report(self, error: Exception) -> None:
        """Show an error that no cell would show: in the panel, and in full under the cell that made it."""
        if isinstance(error, ChatError):
            self.add("warning", self.sentence_of(error), mark="⚠️")
            return
        self.add("warning", self.say("panel_failed", error=repr(error)), mark="⚠️")
        traceback.print_exception(error, file=sys.stderr)

    # The page.

    def redraw(self) -> None:
        """Show what changed: at once, or when the pause since the last batch is over."""
        if self.due is None:
            self.due = self.bridge.later(max(0.0, self.drawn + PAUSE - self.bridge.loop.time()), self.draw)

    def draw(self) -> None:
        self.due, self.drawn = None, self.bridge.loop.time()
        self.view.status = self.status()
        if self.sent < self.count:
            self.view.send(self.batch(self.sent))
            self.sent = self.count

    def batch(self, after: int) -> dict[str, Any]:
        """The lines with a number over `after`, and the number of the oldest line that still counts."""
        lines = [asdict(line) for line in self.log if line.number > after]
        return {"do": "lines", "lines": lines, "oldest": self.log[0].number if self.log else self.count + 1}

    def heard_from_page(self, _view: View, content: dict[str, Any], _buffers: object) -> None:
        # Perhaps on another thread.
        self.bridge.call(self.obey, content)

    def obey(self, message: dict[str, Any]) -> None:
        """One message of the page: a view that begins, a pressed button, or a text that was sent."""
        match message:
            case {"do": "show", "view": str(view)}:
                self.view.send(self.batch(0) | {"view": view})
            case {"do": "press", "button": str(button)}:
                self.press(button)
            case {"do": "submit", "view": str(view), "text": str(text)}:
                self.view.send({"do": "answer", "view": view, "why": self.refusal(text)})

    def refusal(self, text: str) -> Words | None:
        """Hand a text over; None where it was accepted, else why not."""
        try:
            self.submit(text)
        except ChatError as error:
            return self.sentence_of(error)
        return None

    # Words.

    def say(self, key: str, **values: object) -> Words:
        """A sentence in the languages of this panel."""
        return say(key, **values).each(self.lang)

    def sentence_of(self, error: ChatError) -> Words:
        return error.said.each(self.lang)

    # One panel a cell.

    def retire_previous(self) -> None:
        """Close the panels that an earlier run of this cell made: they would stay in the room as ghosts."""
        for panel in [each for each in self.made if self.cell and each.cell == self.cell and each.run != self.run]:
            self.made.discard(panel)
            panel.bridge.call(panel.retire)
        self.made.add(self)

    def retire(self) -> None:
        self.bridge.start(self.vanish())

    async def vanish(self) -> None:
        await self.leave()
        self.view.close()


def running_cell() -> tuple[str, str]:
    """The cell that runs, and which run of it; ("", "") where the front end gives its cells no id."""
    kernel = getattr(get_ipython(), "kernel", None)
    request = kernel.get_parent("shell") if kernel else {}
    return request.get("metadata", {}).get("cellId", ""), request.get("header", {}).get("msg_id", "")
