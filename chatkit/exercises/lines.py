"""`q.lines()`: the lines of the solution, shuffled, with one or two that are wrong; put in order, and indented.

By dragging, by thumb, with the arrow keys, or by code: `await q.lines([3, (1, 1), (2, 2)])`, where a line is its
number, or its number and how far it is indented.
"""

import re
from collections.abc import Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from chatkit.exercises.questions import Question
from chatkit.exercises.tool import Draft, words
from chatkit.texts import Sentence, chosen, say

if TYPE_CHECKING:
    from chatkit.exercises.exercise import Exercise

INDENT = "    "
DISTRACTORS = 2

#: The six steps of every server, in order, and how a line of code shows which one it is.
STEPS: dict[str, Sentence] = {
    name: say(f"step_{name}") for name in ("listen", "accept", "receive", "decide", "send", "close")
}
SIGNS = {
    "listen": r"\bserve\(",
    "receive": r"async for .* in ws|\.recv\(",
    "send": r"\.send\(|\bbroadcast\(",
    "close": r"\bfinally\b|\.discard\(|\.cancel\(|\.close\(",
    "accept": r"\(ws\):|\.add\(ws\)",
    "decide": r"\bif\b|\bcontinue\b",
}


class Lines(Draft):
    """Numbered lines, and the program made of some of them. order: (number, steps of indentation) from the top."""

    page, depth = "LinesView", "lines"

    def __init__(self, exercise: "Exercise", order: Iterable[int | Sequence[int]] = ()) -> None:
        super().__init__(exercise)
        self.given, self.blocks = blocks_of(exercise.question, f"{exercise.lesson} {exercise.name}")
        self.order = [self.placed(each) for each in order]

    def placed(self, each: int | Sequence[int]) -> tuple[int, int]:
        number, steps = (each, 0) if isinstance(each, int) else each
        if not 1 <= number <= len(self.blocks):
            raise ValueError(say("lines_number", count=len(self.blocks)).in_(chosen()))
        return number, max(0, steps)

    def code(self) -> str:
        return "\n".join([*self.given, *(INDENT * steps + self.blocks[number - 1] for number, steps in self.order)])

    def take(self, wish: dict[str, Any]) -> None:
        self.order = [self.placed(each) for each in wish["order"]]

    def __repr__(self) -> str:
        rows = [say("lines_how").in_(chosen()), *(f"     {line}" for line in self.given)]
        rows += [f"{number:3}  {block}" for number, block in enumerate(self.blocks, 1)]
        return "\n".join(rows)

    def state(self) -> dict[str, Any]:
        return {
            **self.shared(),
            "how": words(say("lines_how_page")),
            "pool": words(say("lines_pool")),
            "program": words(say("lines_program")),
            "given": self.given,
            "blocks": self.blocks,
            "steps": [words(STEPS[step]) if (step := step_of(block)) else {} for block in self.blocks],
            "order": [list(each) for each in self.order],
        }


def blocks_of(question: Question, seed: str) -> tuple[list[str], list[str]]:
    """The imports of the solution, which stay, and its other lines with some wrong ones, in an order of chance."""
    solution = [line for line in question.solution.splitlines() if line.strip()]
    given = [line for line in solution if line.startswith(("import ", "from "))]
    right = [line.strip() for line in solution if line not in given]
    wrong = (line.strip() for each in question.wrong for line in each.code.splitlines())
    others = list(dict.fromkeys(line for line in wrong if line and line not in right and line not in given))
    mixed = Random(seed).sample(both := right + others[:DISTRACTORS], len(both))
    in_order = [line for line in mixed if line in right] == right
    return given, mixed[::-1] if in_order else mixed


def step_of(line: str) -> str:
    """Which of the six steps a line is; "" where it is none."""
    return next((step for step, sign in SIGNS.items() if re.search(sign, line)), "")
