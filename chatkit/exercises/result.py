"""What an exercise shows: sentences in two languages, and lines of code or of the wire."""

from collections.abc import Generator
from dataclasses import dataclass
from html import escape
from typing import Self

from chatkit.texts import Sentence, chosen, languages


@dataclass(frozen=True)
class Shown:
    """Sentences and code: HTML in a notebook (everything escaped), plain text anywhere else."""

    said: tuple[Sentence, ...]
    code: tuple[str, ...] = ()

    def __repr__(self) -> str:
        lines = [getattr(text, lang) for lang in languages(chosen()) for text in self.said]
        return "\n".join([*lines, *(f"    {line}" for line in self.code)])

    def _repr_html_(self) -> str:
        parts = []
        for lang in languages(chosen()):
            body = "".join(text.html(lang) for text in self.said)
            parts.append(f'<div lang="{lang}" class="{lang}">{body}</div>')
        if self.code:
            parts.append(f"<pre><code>{escape(chr(10).join(self.code))}</code></pre>")
        return f'<div class="chatkit-exercise">{"".join(parts)}</div>'

    def __await__(self) -> Generator[None, None, Self]:
        """`await q.hint()` is as good as `q.hint()`: whoever learns what `await` is for may try it anywhere."""
        yield from ()
        return self


@dataclass(frozen=True, repr=False)
class Result(Shown):
    """What a check found; true only where the answer is correct."""

    state: str = "untouched"  # or "not yet", or "correct"
    wrong: str = ""  # the name of a known wrong answer that behaves the same: counted in a class, never the code

    def __bool__(self) -> bool:
        return self.state == "correct"


class Difference(Exception):
    """The first difference between an answer and what was asked for.

    key:     which sentence `said` is, without what fills its holes.
    lines:   what it can be seen in: what was truly on the wire, or what `caption` names.
    caption: stands over the lines; None: the lines are the wire.
    varies:  the same answer has other numbers in it each time: it depends on when things happened.
    """

    def __init__(
        self,
        key: str,
        said: Sentence,
        lines: tuple[str, ...] = (),
        caption: Sentence | None = None,
        varies: bool = False,
    ) -> None:
        super().__init__(said.en)
        self.key, self.said, self.lines, self.caption, self.varies = key, said, lines, caption, varies
