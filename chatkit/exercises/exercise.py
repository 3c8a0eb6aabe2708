"""An exercise: check, three hints, a solution, and three depths: order its lines, fill its gaps, write it."""

import asyncio
import re
import textwrap
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from random import SystemRandom
from types import CodeType
from typing import Any, Self

from chatkit.exercises.calls import Trial, named
from chatkit.exercises.gaps import Gaps
from chatkit.exercises.lines import Lines
from chatkit.exercises.progress import Facts, facts, keep, solved
from chatkit.exercises.questions import Question, Wrong, questions
from chatkit.exercises.result import Difference, Result, Shown
from chatkit.exercises.watch import Late, Watch
from chatkit.texts import chosen, say

LIMIT = 10.0  # seconds of the loop's own time for a whole check; the right answers need at most about one
# An error of the answer's own says more than what it left behind.
RAISED = ("ex_raised", "ex_leaves", "ex_handler_raised")
DEPTHS = ("lines", "gaps", "own")  # the deepest is kept


class Checking:
    """A check that runs once it is awaited; shown as it is, it says what is missing."""

    def __init__(self, call: str, run: Callable[[], Awaitable[Result]]) -> None:
        self.call, self.run = call, run

    def __await__(self) -> Generator[Any, None, Result]:
        return self.run().__await__()

    def shown(self) -> Shown:
        return Shown((say("ex_await", call=self.call),))

    def __repr__(self) -> str:
        return repr(self.shown())

    def _repr_html_(self) -> str:
        return self.shown()._repr_html_()


@dataclass(frozen=True)
class Exercise:
    """A question in a notebook; it shows itself where a cell ends with it."""

    lesson: str
    name: str
    question: Question

    def check(self, answer: object = ...) -> Checking:
        """Try the answer (a value, a function or a handler): `await q.check(answer)`. Never raises for an answer.

        At most 10 s, and 2 s for one step that lets nobody else run: both on the loop's own clock, which stands still
        where the machine does. What the answer leaves running is ended. See `chatkit.exercises.watch`.
        """
        return Checking(f"{self.name}.check(…)", lambda: self.judge("own", lambda _watch: answer))

    async def check_code(self, code: str, depth: str) -> Result:
        """Run a program and check what it leaves under the answer's name."""
        return await self.judge(depth, lambda watch: watch.call(answer_of, code, self.question.answer))

    async def judge(self, depth: str, make: Callable[[Watch], object]) -> Result:
        before = self.kept()
        old, fresh = before.get("seed"), SystemRandom().randrange(2**32)
        async with Watch() as watch:
            try:
                answer = make(watch)
            except Exception as error:  # a student's lines may raise anything
                return Result((say("ex_not_yet", difference=say("ex_code_raised", error=named(error))),), (), "not yet")
            if is_untouched(answer, self.question):
                return Result((say("ex_untouched", name=self.question.answer),))
            # What was refused before comes first: the same cases again, so that a mended answer is seen to be mended.
            for seed in (*((old,) if isinstance(old, int) else ()), fresh):
                if difference := await first_difference(self.question, answer, seed, watch):
                    break
            left = await watch.end()
            if left and difference is None:
                difference = Difference("ex_left_over", say("ex_left_over", task=left[0]))
            wrong = await self.known(difference, seed, watch) if difference else None
        tries = before.get("tries")
        self.keep(tries=(tries if isinstance(tries, int) else 0) + 1)
        if difference is None:
            self.keep(solved=max(depth, solved(self.lesson).get(self.name, "lines"), key=DEPTHS.index), seed=None)
            return Result((say("ex_correct", why=self.question.why),), state="correct")
        self.keep(seed=seed)
        return self.refused(difference, wrong, left)

    def refused(self, difference: Difference, wrong: Wrong | None, left: list[str]) -> Result:
        said = [say("ex_not_yet", difference=difference.said)]
        if wrong:
            counts = self.kept().get("wrong")
            counts = counts if isinstance(counts, dict) else {}
            self.keep(wrong={**counts, wrong.name: counts.get(wrong.name, 0) + 1})
            said += [say("ex_known", said=wrong.said), say("ex_next", ask=wrong.ask)]
        if left and difference.key != "ex_left_over":
            said.append(say("ex_ended", tasks=", ".join(left)))
        if difference.lines:
            said.append(difference.caption or say("ex_wire"))
        return Result(tuple(said), difference.lines, "not yet", wrong.name if wrong else "")

    async def known(self, difference: Difference, seed: int, watch: Watch) -> Wrong | None:
        """The known wrong answer that does the same: it is run on the same cases, with the same chance."""
        alike = [wrong for wrong in self.question.wrong if wrong.says == difference.key]
        if difference.varies:  # its words would be others the next time; the key says enough
            return alike[0] if alike else None
        for wrong in alike:
            answer = answer_of(wrong.code, self.question.answer)
            same = await first_difference(self.question, answer, seed, watch)
            await watch.end()
            if same and seen(same) == seen(difference):
                return wrong
        return None

    def keep(self, **news: object) -> None:
        keep(self.lesson, "exercises", self.name, **news)

    def kept(self) -> Facts:
        return facts(self.lesson, "exercises").get(self.name, {})

    def lines(self, order: Iterable[int | Sequence[int]] = ()) -> Lines:
        """The lines of a solution, shuffled, with one or two wrong ones. `await q.lines([3, (1, 1)])` checks an order:
        a line is its number, or its number and how far it is indented. ValueError where there is nothing to order."""
        return Lines(self.with_depths(), order)

    def gaps(self, *values: str) -> Gaps:
        """A solution with two to four holes. `await q.gaps("async for", "send")` fills them and checks."""
        return Gaps(self.with_depths(), values)

    def with_depths(self) -> Self:
        if not self.question.gaps:
            raise ValueError(say("ex_only_one_depth", name=self.name).in_(chosen()))
        return self

    def hint(self) -> Shown:
        """The next of three hints: where to look, the idea, the shape of the line; then the third again."""
        given = self.kept().get("hints")
        number = min((given if isinstance(given, int) else 0) + 1, 3)
        self.keep(hints=number)
        return Shown((say("ex_hint", number=number, hint=self.question.hints[number - 1]),))

    def solution(self) -> Shown:
        """One way to do it."""
        return Shown((say("ex_solution"),), tuple(self.question.solution.splitlines()))

    def __repr__(self) -> str:
        return repr(self.shown())

    def _repr_html_(self) -> str:
        return self.shown()._repr_html_()

    def shown(self) -> Shown:
        return Shown((say("ex_ask", name=self.name, ask=self.question.ask),))


def exercise(lesson: str, name: str) -> Exercise:
    """An exercise by its lesson's name and its own: `exercise("08_handshake", "q1")`. KeyError for an unknown one."""
    return Exercise(lesson, name, questions(lesson)[name])


async def first_difference(question: Question, answer: object, seed: int, watch: Watch) -> Difference | None:
    """The first difference that a check finds, and what is behind it; None where the answer is right."""
    trial = Trial(question, seed, watch)
    watch.begin()
    try:
        await watch.run(question.check(trial, answer), LIMIT, theirs=False)
        found = None
    except Difference as difference:
        found = difference.with_traceback(None)
        found.__cause__ = found.__context__ = None  # they would keep what the answer left in its frames
    except Late:
        found = trial.difference("ex_limit", seconds=LIMIT)
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) and task.cancelling():
            raise  # the cell is to stop
        found = trial.difference("ex_stumbled", error="CancelledError")
    except Exception as error:  # an answer's value can raise in any comparison
        found = trial.difference("ex_stumbled", error=named(error))
    if watch.held:
        key = "ex_endless" if watch.endless else "ex_held"
        return trial.difference(key, varies=True, line=watch.held, lines=found.lines if found else ())
    if found and found.key not in RAISED and (never := watch.never_awaited()):
        return trial.difference("ex_never_awaited", never=never, lines=found.lines)
    return found


def seen(difference: Difference) -> str:
    """What a difference says, without the free ports, which are others in each try."""
    return re.sub(r":\d{4,5}\b", ":port", difference.said.en)


def answer_of(code: str, name: str) -> Any:
    """What a program leaves behind under a name; KeyError where it leaves nothing."""
    names: dict[str, Any] = {"__name__": "answer"}
    exec(compile(textwrap.dedent(code), "answer", "exec"), names)
    return names[name]


def is_untouched(answer: Any, question: Question) -> bool:
    """Whether a `...` is where the answer should be, or it is what stood in the cell at first."""
    if answer is ...:
        return True
    given = answer_of(question.start, question.answer)
    if code := getattr(given, "__code__", None):
        own = getattr(answer, "__code__", None)
        return isinstance(own, CodeType) and own.co_name == code.co_name and shape(own) == shape(code)
    return type(answer) is type(given) and type(answer) in (dict, list, tuple) and repr(answer) == repr(given)


def shape(code: CodeType) -> tuple[object, ...]:
    """What a function does, wherever it stands: without its file and lines."""
    return (code.co_code, code.co_names, *(shape(c) if isinstance(c, CodeType) else c for c in code.co_consts))
