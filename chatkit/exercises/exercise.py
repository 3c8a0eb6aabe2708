"""An exercise: check, three hints, a solution."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module
from types import CodeType
from typing import Any

from chatkit.exercises import kept
from chatkit.exercises.shown import Difference, Result, Shown
from chatkit.texts import Sentence, say


@dataclass(frozen=True)
class Question:
    """One exercise as its data file has it.

    start:    what stands in the student's cell at first, without the call of `check`.
    answer:   the name that the answer has in `start` and in `solution`.
    check:    raises Difference where an answer is not right; it must hold for fresh inputs, not for known ones only.
    why:      one sentence: why it matters.
    hints:    where to look, the idea, the shape of the line.
    """

    ask: Sentence
    start: str
    answer: str
    check: Callable[[Any], Awaitable[None]]
    why: Sentence
    hints: tuple[Sentence, Sentence, Sentence]
    solution: str


@dataclass
class Exercise:
    """A question in a notebook; it shows itself where a cell ends with it."""

    notebook: str
    name: str
    question: Question
    hints_given: int = field(default=0, init=False)

    async def check(self, answer: object = ...) -> Result:
        """Try the answer (a value, a function or a handler). Never raises for a wrong one."""
        if is_untouched(answer, self.question.start):
            return Result((say("ex_untouched", name=self.question.answer),))
        try:
            await self.question.check(answer)
        except Difference as difference:
            seen = (say("ex_wire"),) if difference.wire else ()
            return Result((say("ex_not_yet", difference=difference.said), *seen), difference.wire, "not yet")
        kept.remember(self.notebook, self.name)
        return Result((say("ex_correct", why=self.question.why),), state="correct")

    def hint(self) -> Shown:
        """The next of three hints: where to look, the idea, the shape of the line; then the third again."""
        self.hints_given = min(self.hints_given + 1, 3)
        hint = self.question.hints[self.hints_given - 1]
        return Shown((say("ex_hint", number=self.hints_given, hint=hint),))

    def solution(self) -> Shown:
        """One way to do it."""
        return Shown((say("ex_solution"),), tuple(self.question.solution.strip().splitlines()))

    def __repr__(self) -> str:
        return repr(self.shown())

    def _repr_html_(self) -> str:
        return self.shown()._repr_html_()

    def shown(self) -> Shown:
        return Shown((say("ex_ask", name=self.name, ask=self.question.ask),))


def questions(notebook: str) -> dict[str, Question]:
    """All exercises of a notebook by name; ModuleNotFoundError where it has none."""
    found: dict[str, Question] = import_module(f"chatkit.exercises.data.n{notebook}").QUESTIONS
    return found


def exercise(notebook: str, name: str) -> Exercise:
    """An exercise by its notebook's name and its own: `exercise("03_handshake", "q1")`. KeyError for an unknown one."""
    return Exercise(notebook, name, questions(notebook)[name])


def progress(notebook: str) -> Shown:
    """Which exercises of a notebook are solved."""
    solved = kept.solved(notebook)
    lines = tuple(f"{'✅' if name in solved else '◻️'} {name}" for name in questions(notebook))
    return Shown((say("ex_progress", solved=len(solved & set(questions(notebook))), total=len(lines)),), lines)


def is_untouched(answer: Any, start: str = "") -> bool:
    """Whether a `...` is still where the answer should be, or the function is the one that stood in the cell."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, (list, tuple, set)):
        return any(each is ... for each in answer)
    code = getattr(answer, "__code__", None)
    if code is None:
        return answer is ...
    given = {c.co_name: shape(c) for c in compile(start, "start", "exec").co_consts if isinstance(c, CodeType)}
    return ... in parts(code) or shape(code) == given.get(code.co_name)


def parts(code: CodeType) -> list[object]:
    """All constants of a function and of the functions in it."""
    return [part for c in code.co_consts for part in ([c] if not isinstance(c, CodeType) else parts(c))]


def shape(code: CodeType) -> tuple[object, ...]:
    """What a function does, wherever it stands: without its file and lines."""
    return (code.co_code, code.co_names, *(shape(c) if isinstance(c, CodeType) else c for c in code.co_consts))
