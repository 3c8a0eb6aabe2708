"""Which task runs when on the event loop, seen: `async with Timeline() as line: …`, then `line`.

A task runs in steps, from one `await` that really waits to the next. The loop is handed each step through `call_soon`,
so that is where the steps are timed, for the cell's own task as for any other; nothing is traced line by line. Only
tasks in which code of the reader's own stands are shown. A loop without a `call_soon` that can be replaced (uvloop)
shows an empty timeline.
"""

import asyncio
import linecache
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from html import escape
from types import CodeType, FrameType
from typing import Any, Self

from chatkit.exercises.watch import is_theirs, swapped
from chatkit.texts import chosen, say

HELD = 0.1  # seconds in one step from which on it is said that it holds the loop
WIDTH = 60  # letters of a lane in text
GRAIN = 1 / 400  # of the whole time: steps that are closer than that are drawn as one
MOST = 20_000  # steps; what comes after them is not recorded
ROW = "display:flex;align-items:center;gap:8px;margin:2px 0"
NAME = "flex:0 0 11em;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-family:monospace"
BAR = "position:relative;flex:1 1 auto;height:22px"
WAITS = "position:absolute;top:10px;height:2px;background:currentColor;opacity:.35"
RUNS = "position:absolute;top:3px;height:16px;min-width:3px;border-radius:2px;background:var(--jp-brand-color1,#1976d2)"
HOLDS = (
    "position:absolute;top:0;height:22px;min-width:6px;box-sizing:border-box;overflow:hidden;"
    "border:2px dashed currentColor;"
    "background:repeating-linear-gradient(45deg,transparent 0 5px,currentColor 5px 7px);font-size:12px;line-height:18px"
)


@dataclass(frozen=True)
class Place:
    """A line of somebody's code."""

    code: CodeType
    line: int

    def __str__(self) -> str:
        return linecache.getline(self.code.co_filename, self.line).strip() or f"line {self.line}"

    def lines_to(self, other: "Place") -> str:
        """The lines that stand between this one and a later one of the same function: there it was meanwhile."""
        if self.code is not other.code:
            return ""
        return "; ".join(str(Place(self.code, line)) for line in range(self.line + 1, min(other.line, self.line + 4)))


@dataclass(frozen=True)
class Step:
    """One step of a task: seconds since the beginning, the lines between which it ran, and what stands in between."""

    start: float
    end: float
    since: str
    until: str
    between: str = ""

    @property
    def holds(self) -> bool:
        return self.end - self.start >= HELD

    def __str__(self) -> str:
        return self.between or " → ".join(dict.fromkeys(line for line in (self.since, self.until) if line))


@dataclass
class Lane:
    """The steps of one task, in order; it waits between them."""

    name: str
    steps: list[Step] = field(default_factory=list)

    @property
    def start(self) -> float:
        return self.steps[0].start

    @property
    def end(self) -> float:
        return self.steps[-1].end

    @property
    def ran(self) -> float:
        """Seconds in which it ran, all together."""
        return sum(step.end - step.start for step in self.steps)


class Timeline:
    """Records a block, once: `async with Timeline() as line:` or `with`. RuntimeError outside a running event loop."""

    def __init__(self) -> None:
        self.lanes_of: dict[asyncio.Task[Any], Lane] = {}
        self.began = self.seconds = 0.0
        self.cell: asyncio.Task[Any] | None = None
        self.running: tuple[asyncio.Task[Any], float, Place | None] | None = None  # the step of just now
        self.count = 0
        self.patch = ExitStack()

    def __enter__(self) -> Self:
        loop, self.cell = asyncio.get_running_loop(), asyncio.current_task()
        self.began = time.perf_counter()
        if self.cell:
            self.lanes_of[self.cell] = Lane(say("timeline_cell").in_(chosen()))
            self.begin(self.cell)
            loop.call_soon(self.finish)  # the first thing after the step in which this block begins
        self.patch.enter_context(swapped(loop, "call_soon", partial(self.call_soon, loop.call_soon)))
        return self

    def __exit__(self, *_: object) -> None:
        self.patch.close()
        self.finish()
        self.seconds = time.perf_counter() - self.began

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()

    # --- recording ---

    def call_soon(self, original: Callable[..., Any], callback: Any, *values: Any, **options: Any) -> Any:
        """The loop's own, with each step of a task timed."""
        task = getattr(callback, "__self__", None)
        if isinstance(task, asyncio.Task) and self.count < MOST:
            self.count += 1
            callback = partial(self.step, task, callback)
        return original(callback, *values, **options)

    def step(self, task: asyncio.Task[Any], callback: Callable[..., Any], *values: Any) -> None:
        self.begin(task)
        try:
            callback(*values)
        finally:
            self.finish()

    def begin(self, task: asyncio.Task[Any]) -> None:
        frame = own_frame(task)
        self.running = task, time.perf_counter(), Place(frame.f_code, frame.f_lineno) if frame else None

    def finish(self) -> None:
        """The step that runs just now is over."""
        if self.running is None:
            return
        (task, start, since), self.running = self.running, None
        end, frame = time.perf_counter(), own_frame(task)
        until = Place(frame.f_code, frame.f_lineno) if frame else None
        if task not in self.lanes_of and (place := until or since):
            self.lanes_of[task] = Lane(name_of(task, place.code, frame))
        if lane := self.lanes_of.get(task):
            lines = str(since or ""), str(until or ""), since.lines_to(until) if since and until else ""
            lane.steps.append(Step(start - self.began, end - self.began, *lines))

    # --- what was seen ---

    @property
    def lanes(self) -> dict[str, Lane]:
        """The lanes by name, the cell first; tasks of the same name are numbered."""
        found: dict[str, Lane] = {}
        for lane in self.lanes_of.values():
            name, number = lane.name, 2
            while name in found:
                name, number = f"{lane.name} ({number})", number + 1
            if lane.steps:
                found[name] = lane
        return found

    @property
    def blocked(self) -> list[tuple[str, Step]]:
        """Every step that held the loop for 0.1 s and more, with the name of its task."""
        return [(name, step) for name, lane in self.lanes.items() for step in lane.steps if step.holds]

    def sentences(self, lang: str) -> list[str]:
        """What the lanes show, in words: for a screen reader."""
        said = [
            say("timeline_lane", name=name, start=lane.start, end=lane.end, steps=len(lane.steps), ran=lane.ran)
            for name, lane in self.lanes.items()
        ]
        said += [
            say("timeline_blocked", seconds=step.end - step.start, line=f"{name}: {step}")
            for name, step in self.blocked
        ]
        return [each.in_(lang) for each in said]

    def __repr__(self) -> str:
        if not self.lanes:
            return say("timeline_empty").in_(chosen())
        width = max(len(name) for name in self.lanes)
        rows = [f"{name:{width}} {drawn(lane, self.seconds)}".rstrip() for name, lane in self.lanes.items()]
        held = [
            say("timeline_blocked", seconds=s.end - s.start, line=f"{n}: {s}").in_(chosen()) for n, s in self.blocked
        ]
        title, signs = say("timeline_title", seconds=self.seconds), say("timeline_signs")
        return "\n".join([title.in_(chosen()), *rows, signs.in_(chosen()), *held])

    def _repr_html_(self) -> str:
        if not self.lanes:
            return say("timeline_empty").html(chosen())
        rows = "".join(
            f'<div style="{ROW}"><span style="{NAME}" title="{escape(name)}">{escape(name)}</span>'
            f'<div style="{BAR}" role="img" aria-label="{escape(sentence)}">{bars(lane, self.seconds)}</div></div>'
            for (name, lane), sentence in zip(self.lanes.items(), self.sentences(chosen()), strict=False)
        )
        held = "".join(
            say("timeline_blocked", seconds=step.end - step.start, line=f"`{name}: {step}`").html(chosen())
            for name, step in self.blocked
        )
        title = say("timeline_title", seconds=self.seconds).html(chosen())
        signs = say("timeline_legend").html(chosen())
        return f'<div class="chatkit-timeline" style="max-width:720px">{title}{rows}{signs}{held}</div>'


def drawn(lane: Lane, seconds: float) -> str:
    """A lane as letters."""
    letters = [" "] * WIDTH

    def fill(start: float, end: float, letter: str) -> None:
        first = min(int(start / seconds * WIDTH), WIDTH - 1)
        for column in range(first, max(first + 1, min(round(end / seconds * WIDTH), WIDTH))):
            letters[column] = letter

    fill(lane.start, lane.end, "─")
    for step in lane.steps:
        fill(step.start, step.end, "▓" if step.holds else "█")
    return "".join(letters)


def bars(lane: Lane, seconds: float) -> str:
    """A lane as HTML: a thin line where it waits, a bar where it runs, a hatched one where it holds the loop."""
    drawn = [f'<span style="{WAITS};{place(lane.start, lane.end, seconds)}"></span>']
    for step in merged(lane.steps, seconds * GRAIN):
        title = escape(f"{step.start:.3f} – {step.end:.3f} s\n{step}")
        style, sign = (HOLDS, "⛔") if step.holds else (RUNS, "")
        drawn.append(f'<span style="{style};{place(step.start, step.end, seconds)}" title="{title}">{sign}</span>')
    return "".join(drawn)


def place(start: float, end: float, seconds: float) -> str:
    return f"left:{start / seconds:.3%};width:{(end - start) / seconds:.3%}"


def merged(steps: list[Step], gap: float) -> list[Step]:
    """Steps so close that they could not be told apart, as one; a step that holds the loop stays its own."""
    found: list[Step] = []
    for step in steps:
        if found and step.start - found[-1].end < gap and not step.holds and not found[-1].holds:
            found[-1] = Step(found[-1].start, step.end, found[-1].since, step.until)
        else:
            found.append(step)
    return found


def own_frame(task: asyncio.Task[Any]) -> FrameType | None:
    """The innermost frame of the reader's own code in a task that waits; None where there is none."""
    coroutine: Any = task.get_coro()
    found = None
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame and is_theirs(frame.f_code):
            found = frame
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return found


def name_of(task: asyncio.Task[Any], code: CodeType, frame: FrameType | None) -> str:
    """The name that its maker gave to a task, else the call: `wait('Ann', 0.3)`."""
    if not re.fullmatch(r"Task-\d+", task.get_name()):
        return task.get_name()
    values = frame.f_locals if frame else {}
    names = code.co_varnames[: code.co_argcount]
    simple = [repr(values[name]) for name in names if type(values.get(name)) in (str, int, float)]
    return f"{code.co_name}({', '.join(simple)})"[:40]
