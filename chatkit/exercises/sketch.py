"""Axes where there is no matplotlib: as much of them as the lessons use, drawn as SVG, for the browser's own Python.

The methods are matplotlib's. The picture stands under the cell that made it and is drawn anew with each call.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

#: told apart by who sees all colours (Okabe and Ito), by who sees none, and in print; markers in matplotlib's letters
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA3377", "#000000")
MARKERS = ("o", "s", "^", "D", "x")
DASHES = ("", "6 4", "8 3 2 3", "2 3", "")
SHAPES = {
    "o": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
    "s": "M-4-4h8v8h-8z",
    "^": "M0-5l5 9h-10z",
    "D": "M0-5l5 5-5 5-5-5z",
    "x": "M-4-4l8 8M-4 4l8-8",
    "X": "M-5-5l10 10M-5 5l10-10",
    "": "",
}
WIDTH, HEIGHT = 800, 360
LEFT, RIGHT, TOP, BOTTOM = 90, 540, 60, 280  # where the frame stands; the names of the lines are right of it

Line = tuple[list[float], list[float], str, dict[str, Any]]


class Words(NamedTuple):
    """What a plot says; each may have several rows. `lines`: what a line is, by its label."""

    title: str
    x: str
    y: str
    lines: dict[str, str]


class Sketch:
    """Empty axes with their words."""

    def __init__(self, words: Words) -> None:
        self.title, self.x, self.y, self.names = words
        self.lines: list[Line] = []
        self.marked: list[float] = []  # where a line stands upright
        self.log: set[str] = set()  # of "x" and "y"
        self.ticks: dict[str, dict[float, str]] = {}
        self.shown: Any = None
        self.show()

    def plot(self, *values: float | Iterable[float], label: str = "", **style: Any) -> None:
        """Points, with a line through them unless `linestyle="none"`; a marker at every `markevery`th of them."""
        *given, y = map(numbers, values)
        x = given[0] if given else numbers(range(len(y)))
        self.lines.append((x, y, self.names.get(label, label), style))
        self.show()

    def semilogy(self, *values: float | Iterable[float], **style: Any) -> None:
        self.log.add("y")
        self.plot(*values, **style)

    def loglog(self, *values: float | Iterable[float], **style: Any) -> None:
        self.log |= {"x", "y"}
        self.plot(*values, **style)

    def barh(self, names: Sequence[str], widths: Sequence[float]) -> None:
        """A bar to the right for each name, the first one at the bottom."""
        self.set_yticks(range(len(names)), names)
        for number, width in enumerate(widths):
            self.plot([0, width], [number, number], linewidth=20, color=COLOURS[0], marker="")

    def axvline(self, x: float, **_: Any) -> None:
        self.marked.append(x)
        self.show()

    def set_yscale(self, scale: str) -> None:
        """`linear` or `log`."""
        self.log = self.log - {"y"} | ({"y"} if scale == "log" else set())
        self.show()

    def set_xticks(self, values: Iterable[float], labels: Iterable[str] = ()) -> None:
        self.set_ticks("x", values, labels)

    def set_yticks(self, values: Iterable[float], labels: Iterable[str] = ()) -> None:
        self.set_ticks("y", values, labels)

    def set_ticks(self, axis: str, values: Iterable[float], labels: Iterable[str]) -> None:
        at = numbers(values)
        self.ticks[axis] = dict(zip(at, list(labels) or [f"{value:g}" for value in at], strict=True))
        self.show()

    def legend(self, **_: Any) -> None:
        """The names stand right of the frame anyway."""

    def show(self) -> None:
        """Draw under the cell, if there is one."""
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        if self.shown is not None:
            self.shown.update(self)
        elif get_ipython():
            self.shown = display(self, display_id=True)

    def __repr__(self) -> str:
        rows = [f"{name.replace(chr(10), ' · ')}: {min(y):.3g} … {max(y):.3g}" for _, y, name, _ in self.lines if y]
        return "\n".join([self.title, f"{self.x} / {self.y}", *rows])

    def _repr_html_(self) -> str:
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(repr(self))}" font-size="13" '
            f'style="max-width:{WIDTH}px;background:#fff;font-family:sans-serif">{"".join(self.parts())}</svg>'
        )

    def parts(self) -> Iterator[str]:
        yield from rows_of(self.title, f"translate({(LEFT + RIGHT) / 2} 22)")
        yield from rows_of(self.x, f"translate({(LEFT + RIGHT) / 2} {BOTTOM + 40})")
        yield from rows_of(self.y, f"translate(18 {(TOP + BOTTOM) / 2}) rotate(-90)")
        across, marks = scale([n for x, *_ in self.lines for n in x] + self.marked, LEFT, RIGHT, "x" in self.log)
        for mark, text in (self.ticks.get("x") or {mark: f"{mark:g}" for mark in marks}).items():
            yield f'<path d="M{across(mark):.1f} {TOP}V{BOTTOM}" stroke="#ddd"/>'
            yield f'<text x="{across(mark):.1f}" y="{BOTTOM + 18}" text-anchor="middle">{escape(text)}</text>'
        up, marks = scale([n for _, y, *_ in self.lines for n in y], BOTTOM, TOP, "y" in self.log)
        for mark, text in (self.ticks.get("y") or {mark: f"{mark:g}" for mark in marks}).items():
            yield f'<path d="M{LEFT} {up(mark):.1f}H{RIGHT}" stroke="#ddd"/>'
            yield f'<text x="{LEFT - 6}" y="{up(mark) + 4:.1f}" text-anchor="end">{escape(text)}</text>'
        yield f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="#000"/>'
        for mark in self.marked:
            yield f'<path d="M{across(mark):.1f} {TOP}V{BOTTOM}" stroke="#000" stroke-dasharray="2 3"/>'
        beside = float(TOP)
        for number, (x, y, name, style) in enumerate(self.lines):
            points = [
                (across(a), up(b))
                for a, b in zip(x, y, strict=True)
                if (a > 0 or "x" not in self.log) and (b > 0 or "y" not in self.log)
            ]
            yield from line_of(points, number, [(RIGHT + 20.0, beside)] if name else [], style)
            yield from (text_at(RIGHT + 32, beside + 4 + 15 * row, text) for row, text in enumerate(name.splitlines()))
            beside += 15 * len(name.splitlines()) + 9


def text_at(x: float, y: float, text: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="12">{escape(text)}</text>'


def line_of(
    points: Sequence[tuple[float, float]], number: int, named: list[tuple[float, float]], style: dict[str, Any]
) -> Iterator[str]:
    """One line with its markers, and one more where its name stands beside the frame."""
    kind = number % len(COLOURS)
    colour, dashes = (style["color"], "") if "color" in style else (COLOURS[kind], DASHES[kind])
    if style.get("linestyle") != "none":
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        pen = f'stroke="{colour}" stroke-width="{style.get("linewidth", 1.5)}" stroke-dasharray="{dashes}"'
        yield f'<polyline points="{path}" fill="none" {pen}/>'
    shape = SHAPES[style.get("marker", MARKERS[kind])]
    for x, y in [*points[:: style.get("markevery", 1)], *named]:
        move = f'transform="translate({x:.1f} {y:.1f})"'
        yield f'<path d="{shape}" {move} fill="{colour}" stroke="{colour}" stroke-width="1.5"/>'


def rows_of(text: str, move: str) -> Iterator[str]:
    """The lines of a text below each other, in the middle of a place."""
    for number, line in enumerate(text.splitlines()):
        yield f'<text y="{17 * number}" text-anchor="middle" transform="{move}">{escape(line)}</text>'


def scale(values: list[float], start: float, end: float, is_log: bool) -> tuple[Callable[[float], float], list[float]]:
    """Where a value stands between start and end, and the round numbers to mark there."""
    if is_log:
        logs = [math.log10(value) for value in values if value > 0] or [0.0]
        least, most = math.floor(min(logs)), math.ceil(max(logs))
        most += least == most
        marks = [10.0**power for power in range(least, most + 1)]
        return lambda n: start + (end - start) * (math.log10(n) - least) / (most - least), marks
    low, high = min(values, default=0.0), max(values, default=1.0)
    edge = (high - low) / 20 or 1.0
    low, high = low - edge, high + edge
    power = 10.0 ** math.floor(math.log10((high - low) / 5))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= (high - low) / 5)
    marks = [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return lambda n: start + (end - start) * (n - low) / (high - low), marks


def numbers(values: float | Iterable[float]) -> list[float]:
    """One number or many, as a list."""
    return [float(n) for n in values] if isinstance(values, Iterable) else [float(values)]
