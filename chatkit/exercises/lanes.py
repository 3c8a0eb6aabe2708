"""The lanes of a timeline: the steps of one task each, as letters and as HTML."""

from dataclasses import dataclass, field
from html import escape

HELD = 0.1  # seconds in one step from which on it is said that it holds the loop
WIDTH = 60  # letters of a lane in text
GRAIN = 1 / 400  # of the whole time: steps that are closer than that are drawn as one
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
class Step:
    """One step of a task: seconds since the beginning, the lines between which it ran, and where it was meanwhile."""

    start: float
    end: float
    since: str
    until: str
    meanwhile: str = ""

    @property
    def holds(self) -> bool:
        return self.end - self.start >= HELD

    def __str__(self) -> str:
        return self.meanwhile or " → ".join(dict.fromkeys(line for line in (self.since, self.until) if line))


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
