"""The figures of a bench: medians, ratios, and the page for a person.

A section is `{"servers": {row: {figure: number}}, "ratios": {row: {figure: how many times the first row's}}}`.
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from wcwidth import wcswidth

from chatkit.texts import Sentence, say

__all__ = ["page", "section"]

Figures = Mapping[str, float]

LABEL, COLUMN = 29, 17  # widths in a terminal's cells
SHARES = {"growth", "delivered"}  # figures that are ratios themselves


def section(runs: Mapping[str, Sequence[Figures]], baseline: str) -> dict[str, dict[str, dict[str, float]]]:
    """Medians of the rounds of each row, and their ratios to one of the rows."""
    return {
        "servers": {row: medians(rounds) for row, rounds in runs.items()},
        "ratios": {row: ratios(rounds, runs[baseline]) for row, rounds in runs.items()},
    }


def medians(rounds: Sequence[Figures]) -> dict[str, float]:
    return {name: round(statistics.median(each[name] for each in rounds), 2) for name in rounds[0]}


def ratios(measured: Sequence[Figures], baseline: Sequence[Figures]) -> dict[str, float]:
    """How many times the baseline; for CPU and delays, how many times less.

    Round by round, and then the median: a machine that is slow for a while is slow for both sides of a round.
    """
    times = {}
    for name in measured[0].keys() - SHARES:
        pairs = [(each[name], base[name]) for each, base in zip(measured, baseline, strict=True)]
        turned = [(base, each) if name.endswith(("_us", "_ms")) else (each, base) for each, base in pairs]
        times[name] = round(statistics.median(above / below if below else 0.0 for above, below in turned), 2)
    return times


def page(figures: Mapping[str, Any], lang: str = "en") -> str:
    """The figures for a person, in one language or both."""
    lines = [say("bench_times").in_(lang)]
    for name, part in figures.items():
        if isinstance(part, Mapping):
            lines += ["", say(f"bench_{name}", **{**figures, **part}).in_(lang), *table(part, lang)]
    return "\n".join(lines)


def table(part: Mapping[str, Any], lang: str) -> list[str]:
    """A line for each row: each figure, and how many times the baseline's it is."""
    first, *_ = part["servers"].values()
    heads = [say(f"bench_head_{name}") for name in first]
    lines = [" " * LABEL + "".join(padded(head, lang, COLUMN) for head in heads)]
    for row, values in part["servers"].items():
        cells = (cell(value, part["ratios"][row].get(name)) for name, value in values.items())
        lines.append(padded(say(f"bench_row_{row}"), lang, -LABEL) + "".join(cells))
    return lines


def cell(value: float, times: float | None) -> str:
    number = short(value)
    return f"{number:>{COLUMN}}" if times is None else f"{number:>{COLUMN - 7}} ×{short(times):>5}"


def short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def padded(sentence: Sentence, lang: str, width: int) -> str:
    """Words in so many cells of a terminal, at their right end or (negative) at their left; Thai marks take no cell."""
    words = sentence.in_(lang)
    blanks = " " * (abs(width) - wcswidth(words))
    return words + blanks if width < 0 else blanks + words
