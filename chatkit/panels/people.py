"""Who is here, as a panel shows it: not endless, and nobody passes for somebody else."""

from collections.abc import Iterable
from typing import Any

from chatkit.events import NOBODY, SERVER, Who
from chatkit.limits import LIMITS
from chatkit.spelling import skeleton
from chatkit.texts import Sentence, say

FEW = 10  # people; of more than these their number is said, too
LISTED = 100  # names in the list of a panel, whatever their number
PRESENCE = {"joined": "✅", "left": "❌", "renamed": "✏️"}


class People:
    """Some people, and which of their names look alike. count: how many are here, also those that nobody has named."""

    def __init__(self, people: Iterable[Who] = (), count: int = 0) -> None:
        self.people = list(people)
        self.count = max(count, len(self.people))
        self.looks: dict[str, set[str]] = {}  # the ids behind each look of a name
        for who in (SERVER, *self.people):
            self.looks.setdefault(skeleton(who.name), set()).add(who.id)

    def tag(self, who: Who) -> str:
        """A few signs of somebody's id where another one's name, or the server's, looks the same; else ""."""
        twins = self.looks.get(skeleton(who.name), set()) - {who.id}
        return f"#{who.id[-4:]}" if twins and who.name != NOBODY else ""

    def called(self, who: Who) -> str | Sentence:
        """A name within a sentence."""
        tag = self.tag(who)
        return f"{who.name[: LIMITS.name]} {tag}" if tag else name_of(who)

    def listed(self, lang: str, you: str = "") -> list[dict[str, Any]]:
        """The first hundred for a page; you: the id that is the reader's own."""
        return [
            {"name": as_words(name_of(who), lang), "tag": self.tag(who), "you": who.id == you}
            for who in self.people[:LISTED]
        ]


def name_of(who: Who) -> str | Sentence:
    """A name as it is shown: who gave none has no name of their own, but a word in each language."""
    return say("someone") if who.name == NOBODY else who.name[: LIMITS.name]


def as_words(name: str | Sentence, lang: str) -> str | dict[str, str]:
    """A name for a line or a page, in "en", "th" or "both"."""
    return name.each(lang) if isinstance(name, Sentence) else name
