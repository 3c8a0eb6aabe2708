"""One language of what was said in both: undoes `Sentence.in_("both")`, `English · ไทย`, sentence by sentence.

Only sentences that the kit itself says are known here, so chat text, code and a stranger's words stay as they are.
"""

import re
import string
import tomllib
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from wcwidth import wcswidth, wcwidth

from chatkit.exercises.questions import data, lessons_with_data
from chatkit.texts import Sentence, sentences

__all__ = ["THAI", "heading", "one_of", "one_of_html"]

THAI = re.compile("[\u0e01-\u0e5b]")
#: a Python string that is both halves of something longer than a sentence
STRING = re.compile(r"'(?P<en>[^'\n·]+) · (?P<th>(?=[^'\n]*[\u0e01-\u0e5b])[^'\n·]+)'")
LETTER = "A-Za-z0-9\u0e01-\u0e5b"  # what a sentence must not begin or end in the middle of


def heading(text: str, lang: str) -> str:
    """`## 4. English · ไทย` in one language; its number stays."""
    marks, both = re.fullmatch(r"(#* *(?:\d+\. )?)(.*)", text).groups()  # type: ignore[union-attr]
    english, _, thai = both.partition(" · ")
    return marks + (thai or english if lang == "th" else english)


def one_of(text: str, lang: str) -> str:
    """Plain text, columns and all, with each sentence that stands in both languages in `lang` only."""
    own = cut(text, lang, is_html=False)
    return own if own == text else "\n\n".join(squeezed(part) for part in own.split("\n\n"))


def one_of_html(text: str, lang: str) -> str:
    """The same for HTML, in whose attributes and elements the sentences are escaped."""
    return cut(text, lang, is_html=True)


def cut(text: str, lang: str, is_html: bool) -> str:
    for said in known():
        if " · " not in text and "\n" not in text:
            break
        if all(part in text for part in fixed(said, is_html)):
            for pattern in patterns(said, is_html):
                text = pattern.sub(lambda found: half_of(found, lang), text)
    return STRING.sub(lambda found: found[0] if THAI.search(found["en"]) else f"{found[lang]!r}", text)


def half_of(found: re.Match[str], lang: str) -> str:
    """The half in `lang`, as wide as both were where it stands in a column."""
    own: str = (found.groupdict().get("lead") or "") + found[lang]
    in_a_column = found.string.startswith(("  ", " │"), found.end())
    return own + " " * (wcswidth(found[0]) - wcswidth(own) if in_a_column else 0)


def squeezed(table: str) -> str:
    """The same lines without the width that the other language needed: of columns empty in all of them two stay."""
    rows = [columns(line) for line in table.split("\n")]
    width = max(map(len, rows))
    empty = [all(row[at : at + 1] in ([" "], []) for row in rows) for at in range(width)]
    kept = [at for at in range(width) if not all(empty[max(0, at - 2) : at + 1])] if len(rows) > 1 else range(width)
    return "\n".join("".join(row[at] for at in kept if at < len(row)) for row in rows)


def columns(line: str) -> list[str]:
    """What stands in each column of a line: a letter with its marks; "" behind one that is two columns wide."""
    cells: list[str] = []
    for letter in line:
        if (width := wcwidth(letter)) > 0 or not cells:
            cells += [letter, *[""] * (width - 1)]
        else:
            cells[-1] += letter
    return cells


@cache
def known() -> tuple[Sentence, ...]:
    """Every sentence of the kit and of its exercises: those without holes first, the longest first."""
    said = {Sentence(text, sentences("th")[key]) for key, text in sentences("en").items()}
    for table in (data("course"), *map(data, lessons_with_data()), *lab_tables()):
        said |= set(both_in(table))
    different = (each for each in said if each.en != each.th and THAI.search(each.th))
    return tuple(sorted(different, key=lambda each: ("{" in each.en, -len(each.en), each)))


def lab_tables() -> Iterator[Any]:
    for file in files("chatkit.labs").joinpath("data").iterdir():
        yield tomllib.loads(file.read_text("utf-8"))


def both_in(table: Any) -> Iterator[Sentence]:
    """Every English text with its Thai one in a data file."""
    if isinstance(table, dict):
        match table:
            case {"en": str(english), "th": str(thai)}:
                yield Sentence(english, thai)
            case {"en": [*english], "th": [*thai]}:
                yield from (Sentence(str(one), str(other)) for one, other in zip(english, thai, strict=True))
    if isinstance(table, dict | list):
        for value in table.values() if isinstance(table, dict) else table:
            yield from both_in(value)


@cache
def fixed(said: Sentence, is_html: bool) -> list[str]:
    """What of the Thai half is always the same: a text without it does not say this sentence."""
    return [text for text, _ in pieces(said.th, is_html) if text]


@cache
def patterns(said: Sentence, is_html: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """`English · ไทย`; and a line for each, behind the same sign, with the number of a lab's step."""
    english, thai = pieces(said.en, is_html), pieces(said.th, is_html)
    en, th = half("en", english, ()), half("th", thai, tuple(hole for _, hole in english if hole))
    one_line = re.compile(rf"(?<![{LETTER}]){en} · {th}(?![{LETTER}])")
    two_lines = re.compile(rf"^(?P<lead>[^{LETTER}\n]*(?:\d+\.\d+ )?){en}\n(?P=lead){th}$", re.MULTILINE)
    return one_line, two_lines


def pieces(sentence: str, is_html: bool) -> list[tuple[str, str]]:
    """(fixed text, name of the hole after it or "") of a sentence."""
    try:
        parsed = [(text, hole or "") for text, hole, _, _ in string.Formatter().parse(sentence)]
    except ValueError:  # an exercise may show code with a brace in it: no hole
        parsed = [(sentence, "")]
    return [(escape(text) if is_html else text, hole) for text, hole in parsed]


def half(lang: str, parts: list[tuple[str, str]], held: tuple[str, ...]) -> str:
    """The pattern of one half: a hole of the English half holds the same in the Thai one."""
    pattern, seen = "", list(held)
    for text, hole in parts:
        pattern += re.escape(text)
        if hole.isidentifier():
            pattern += f"(?P={hole})" if hole in seen else rf"(?P<{hole}>[^\n]+?)"
            seen.append(hole)
        elif hole:
            pattern += r"[^\n]+?"
    return f"(?P<{lang}>{pattern})"
