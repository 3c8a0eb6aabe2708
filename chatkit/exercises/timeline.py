"""Which task runs when on the event loop, seen: `async with Timeline() as line: …`, then `line`.

A task runs in steps, from one `await` that really waits to the next. The loop is handed each step through `call_soon`,
so that is where the steps are timed, for the cell's own task as for any other; nothing is traced line by line. A thread
looks now and then at which line a step is: so a long one is named by the line that took the time. Only tasks in which
code of the reader's own stands are shown. A loop without a `call_soon` that can be replaced (uvloop) shows an empty
timeline.
"""

import asyncio
import linecache
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from html import escape
from types import CodeType, FrameType
from typing import Any, Self

from chatkit.exercises.lanes import BAR, HELD, NAME, ROW, Lane, Step, bars, drawn
from chatkit.exercises.watch import is_theirs, looked_at, swapped
from chatkit.place import in_browser
from chatkit.texts import chosen, say

LOOK = 0.01  # seconds between two looks at the line that runs
MOST = 20_000  # steps; what comes after them is not recorded


@dataclass(frozen=True)
class Place:
    """A line of somebody's code."""

    code: CodeType
    line: int

    def __str__(self) -> str:
        return linecache.getline(self.code.co_filename, self.line).strip() or f"line {self.line}"

    def lines_to(self, other: "Place | None") -> str:
        """The lines that stand between this one and a later one of its function, or the end: there it was meanwhile."""
        if other and other.code is not self.code:
            return ""
        end = other.line if other else 1 + max(line for _, _, line in self.code.co_lines() if line)
        return "; ".join(str(Place(self.code, line)) for line in range(self.line + 1, min(end, self.line + 4)))


@dataclass(frozen=True)
class Running:
    """The step that runs just now. name: its task's, as it begins; seen: the lines at which it was, and how often."""

    task: asyncio.Task[Any]
    start: float
    since: Place | None
    name: str
    seen: Counter[Place] = field(default_factory=Counter)

    def between(self, until: Place | None, holds: bool) -> str:
        """Where it was: at the line that was seen most often, where it took long and there are threads to look."""
        if holds and self.seen:
            return str(self.seen.most_common(1)[0][0])
        return self.since.lines_to(until) if self.since else ""


class Timeline:
    """Records a block, once: `async with Timeline() as line:` or `with`. RuntimeError outside a running event loop."""

    def __init__(self) -> None:
        self.lanes_of: dict[asyncio.Task[Any], Lane] = {}
        self.began = self.seconds = 0.0
        self.cell: asyncio.Task[Any] | None = None
        self.running: Running | None = None
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
        self.patch.enter_context(self.looking())
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
        since = Place(frame.f_code, frame.f_lineno) if frame else None
        name = name_of(task, frame) if frame and task not in self.lanes_of else ""
        self.running = Running(task, time.perf_counter(), since, name)

    def finish(self) -> None:
        """The step that runs just now is over."""
        if self.running is None:
            return
        step, self.running = self.running, None
        end, frame = time.perf_counter(), own_frame(step.task)
        until = Place(frame.f_code, frame.f_lineno) if frame else None
        if step.task not in self.lanes_of and (name := step.name or (name_of(step.task, frame) if frame else "")):
            self.lanes_of[step.task] = Lane(name)
        if lane := self.lanes_of.get(step.task):
            lines = str(step.since or ""), str(until or ""), step.between(until, end - step.start >= HELD)
            lane.steps.append(Step(step.start - self.began, end - self.began, *lines))

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Note every LOOK seconds at which line of the reader's own the step is; nothing where there are no threads."""
        if in_browser():
            yield
            return

        def look(frame: FrameType | None) -> None:
            if (step := self.running) and (place := innermost(frame)):
                step.seen[place] += 1

        with looked_at(look, [LOOK]):
            yield

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


def innermost(frame: FrameType | None) -> Place | None:
    """The line of the reader's own that runs just now, also where it called a library; None where there is none."""
    while frame and not is_theirs(frame.f_code):
        frame = frame.f_back
    return Place(frame.f_code, frame.f_lineno) if frame else None


def name_of(task: asyncio.Task[Any], frame: FrameType) -> str:
    """The name that its maker gave to a task, else the call: `wait('Ann', 0.3)`."""
    if not re.fullmatch(r"Task-\d+", task.get_name()):
        return task.get_name()
    code, values = frame.f_code, frame.f_locals
    names = code.co_varnames[: code.co_argcount]
    simple = [repr(values[name]) for name in names if type(values.get(name)) in (str, int, float)]
    return f"{code.co_name}({', '.join(simple)})"[:40]
