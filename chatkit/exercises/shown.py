"""What an exercise shows: sentences in two languages, and lines of code or of the wire."""

import os
import re
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from chatkit.texts import LANGUAGES, both


class Text(NamedTuple):
    """One thought in both languages; `code` in backquotes."""

    en: str
    th: str


def framed(key: str, **values: object) -> Text:
    """A sentence of `texts/` around values; a value that is a Text gives each language its own half."""
    said = {
        lang: both(key, **{name: getattr(v, lang) if isinstance(v, Text) else v for name, v in values.items()})[lang]
        for lang in LANGUAGES
    }
    return Text(**said)


@dataclass(frozen=True)
class Shown:
    """Sentences and code: HTML in a notebook (everything escaped), plain text anywhere else."""

    said: tuple[Text, ...]
    code: tuple[str, ...] = ()

    def __repr__(self) -> str:
        lines = [getattr(text, lang) for lang in languages() for text in self.said]
        return "\n".join([*lines, *(f"    {line}" for line in self.code)])

    def _repr_html_(self) -> str:
        parts = []
        for lang in languages():
            body = "".join(f"<p>{marked(getattr(text, lang))}</p>" for text in self.said)
            parts.append(f'<div lang="{lang}" class="{lang}">{body}</div>')
        if self.code:
            parts.append(f"<pre><code>{escape(chr(10).join(self.code))}</code></pre>")
        return f'<div class="chatkit-exercise">{"".join(parts)}</div>'


def languages() -> tuple[str, ...]:
    """The languages to show: $CHATKIT_LANG ("en" or "th"), else both."""
    wanted = os.environ.get("CHATKIT_LANG", "both")
    return (wanted,) if wanted in LANGUAGES else LANGUAGES


def marked(text: str) -> str:
    """HTML of a sentence: everything escaped, then `code` between backquotes."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


@dataclass(frozen=True, repr=False)
class Result(Shown):
    """What a check found; true only where the answer is correct."""

    state: str = "untouched"  # or "not yet", or "correct"

    def __bool__(self) -> bool:
        return self.state == "correct"


class Difference(Exception):
    """The first difference between an answer and what was asked for, and what was truly on the wire."""

    def __init__(self, said: Text, wire: tuple[str, ...] = ()) -> None:
        super().__init__(said.en)
        self.said, self.wire = said, wire
