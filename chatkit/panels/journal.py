"""The lines that a panel shows, and who waits for one of them. Nothing here knows a page."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from chatkit.errors import ChatError
from chatkit.limits import LIMITS

SHOWN = 200  # lines that a panel keeps …
PASSING = 20  # … and besides them, those about who came and went: no message has to go because of one
BEAT = 0.25  # seconds between two looks of a wait: the stop button cannot end an `await` in a loop that sleeps

Words = dict[str, str]  # one sentence in the languages of a panel: {"en": …, "th": …}


class NotHeard(ChatError, TimeoutError):
    """A line that somebody waited for did not come in time."""

    key = "panel_not_heard"

    def __str__(self) -> str:
        return self.sentence("both")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel.

    kind: own, msg, notice, warning, mark or raw; presence and trouble pass: few of them are kept.
    tag:  a few signs of the speaker's id, where somebody else's name looks the same.
    ts:   seconds since 1970.
    """

    number: int
    kind: str
    text: str | Words
    who: str | Words
    tag: str
    mark: str
    ts: float

    @property
    def is_passing(self) -> bool:
        return self.kind in ("presence", "trouble")

    def __str__(self) -> str:
        who, text = plain(self.who), plain(self.text)
        speaker = f"{who} {self.tag}" if self.tag else who
        return " ".join(filter(None, [self.mark, f"{speaker}: {text}" if who else text]))


def plain(words: str | Words) -> str:
    """A sentence as one string: `English · ไทย` where it has both languages."""
    return words if isinstance(words, str) else " · ".join(dict.fromkeys(words.values()))


class Journal:
    """The newest lines, numbered 1, 2, 3 …; `changed` is called after each new one. On one loop only."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.changed = changed
        self.count = 0  # the newest line's number
        self.talk: deque[Line] = deque(maxlen=SHOWN)
        self.passing: deque[Line] = deque(maxlen=PASSING)
        self.waiting: dict[asyncio.Future[str], str] = {}

    def add(
        self, kind: str, text: str | Words, who: str | Words = "", tag: str = "", mark: str = "", ts: float = 0.0
    ) -> None:
        """One more line; a text or a name over the limits is cut, whoever let it through."""
        self.count += 1
        line = Line(self.count, kind, cut(text, LIMITS.text), cut(who, LIMITS.name), tag, mark, ts or time.time())
        (self.passing if line.is_passing else self.talk).append(line)
        for answer, wanted in self.waiting.items():
            if wanted in str(line) and not answer.done():
                answer.set_result(str(line))
        self.changed()

    def clear(self) -> None:
        self.talk.clear()
        self.passing.clear()

    def after(self, number: int) -> list[Line]:
        """The lines that are kept and have a higher number, in order."""
        return sorted(
            (line for line in (*self.talk, *self.passing) if line.number > number), key=lambda line: line.number
        )

    def batch(self, after: int) -> dict[str, Any]:
        """Those lines for a page, and from which number on the lines of each sort still count."""
        oldest = {name: lines[0].number if lines else self.count + 1 for name, lines in self.kept().items()}
        return {"lines": [asdict(line) for line in self.after(after)], "oldest": oldest}

    def kept(self) -> dict[str, deque[Line]]:
        return {"talk": self.talk, "passing": self.passing}

    async def heard(self, text: str, timeout: float) -> str:
        """The first line that holds `text`: one that is shown already, else the next to come. Raises NotHeard."""
        for line in map(str, self.after(0)):
            if text in line:
                return line
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
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


def cut(words: str | Words, limit: int) -> str | Words:
    """What somebody wrote, in at most `limit` characters; the kit's own sentences stay as they are."""
    return words[: limit - 1] + "…" if isinstance(words, str) and len(words) > limit else words
