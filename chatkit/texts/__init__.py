"""Every sentence that code shows to a person, in English and Thai.

The sentences stand in `en.json` and `th.json` beside this file, under equal keys.
"""

import json
import os
import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import NamedTuple

__all__ = ["LANGUAGES", "Sentence", "chosen", "languages", "say", "sentences", "visible"]

LANGUAGES = ("en", "th")


class Sentence(NamedTuple):
    """One sentence in both languages; `code` stands between backquotes."""

    en: str
    th: str

    def in_(self, lang: str = "both") -> str:
        """The sentence in "en" or "th"; "both" is `English · ไทย`, or one of them where they are equal."""
        return " · ".join(self.each(lang).values()) if self.en != self.th else self.en

    def each(self, lang: str = "both") -> dict[str, str]:
        """`{"en": …, "th": …}` or one of them: as the wire and a page carry it."""
        return {each: getattr(self, each) for each in languages(lang)}

    def html(self, lang: str = "both", tag: str = "p") -> str:
        """An element for each language, everything in it escaped."""
        said = {each: re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)) for each, text in self.each(lang).items()}
        return "".join(f'<{tag} lang="{each}" class="{each}">{text}</{tag}>' for each, text in said.items())

    def __str__(self) -> str:
        return self.in_("both")


def chosen(lang: str | None = None) -> str:
    """The language to speak: what was asked for, else $CHATKIT_LANG, else both."""
    wanted = lang or os.environ.get("CHATKIT_LANG", "")
    return wanted if wanted in LANGUAGES else "both"


def languages(lang: str) -> tuple[str, ...]:
    """The languages that "en", "th" or "both" stands for."""
    return LANGUAGES if lang == "both" else (lang,)


@cache
def sentences(lang: str) -> dict[str, str]:
    """All sentences of one language, `{key: sentence with {holes}}`; FileNotFoundError for any other language."""
    loaded: dict[str, str] = json.loads(files(__name__).joinpath(f"{lang}.json").read_text("utf-8"))
    return loaded


def say(key: str, **values: object) -> Sentence:
    """One sentence with its holes filled. A value that is a Sentence gives each language its own half.

    Somebody else may have written a text that fills a hole, so it becomes `visible` here, in this one place.
    """
    return Sentence(*(filled(sentences(lang)[key], lang, values) for lang in LANGUAGES))


def filled(sentence: str, lang: str, values: dict[str, object]) -> str:
    return sentence.format(**{name: half(value, lang) for name, value in values.items()})


def half(value: object, lang: str) -> object:
    if isinstance(value, Sentence):
        return getattr(value, lang)
    return visible(value) if isinstance(value, str) else value


# C0, DEL, C1, what turns the writing direction of everything that follows it, and halves of surrogate pairs.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """The text for a terminal or a log record: one line, every control character spelt out (`\\x1b`)."""
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
