"""What an exercise shows: sentences in two languages, and lines of code or of the wire."""

from dataclasses import dataclass
from html import escape

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


@dataclass(frozen=True, repr=False)
class Result(Shown):
    """What a check found; true only where the answer is correct."""

    state: str = "untouched"  # or "not yet", or "correct"

    def __bool__(self) -> bool:
        return self.state == "correct"


class Difference(Exception):
    """The first difference between an answer and what was asked for, and what was truly on the wire."""

    def __init__(self, said: Sentence, wire: tuple[str, ...] = ()) -> None:
        super().__init__(said.en)
        self.said, self.wire = said, wire
