"""The prose of the exercises, guesses and questions to recall: `data/NN_name.toml`, English beside Thai."""

import tomllib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from chatkit.texts import Sentence

Table = dict[str, Any]


@dataclass(frozen=True)
class Wrong:
    """A known wrong answer, as a program: `check` runs it to know it again.

    says: the key of the Difference that the check finds in it.
    said: what its author believes that is not so.
    ask:  what to try or to ask oneself next; never the correction.
    """

    name: str
    code: str
    says: str
    said: Sentence
    ask: Sentence


@dataclass(frozen=True)
class Question:
    """One exercise as its data file has it.

    answer:   the name that the answer has in `start` and in `solution`.
    start:    what stands in the student's cell at first, without the call of `check`.
    check:    raises Difference where an answer is not right; it must hold for fresh inputs, not for known ones only.
    why:      one sentence: why it matters.
    hints:    where to look, the idea, the shape of the line.
    gaps:     pieces of the solution that `q.gaps()` leaves out.
    says:     sentences that only this check says, by key.
    """

    ask: Sentence
    answer: str
    start: str
    check: Callable[..., Coroutine[Any, Any, None]]
    why: Sentence
    hints: tuple[Sentence, ...]
    solution: str
    gaps: tuple[str, ...] = ()
    says: dict[str, Sentence] | None = None
    wrong: tuple[Wrong, ...] = ()


@dataclass(frozen=True)
class Choice:
    """A question with numbered choices: a guess, or a question to recall.

    answer:  the number of the right choice; 0 where a run decides.
    because: by the number of a wrong choice: why it is not so.
    """

    lesson: str
    name: str
    ask: Sentence
    choices: tuple[Sentence, ...]
    answer: int
    because: dict[int, Sentence]


@cache
def data(lesson: str) -> Table:
    """The data file of a lesson; FileNotFoundError where it has none."""
    return tomllib.loads(files(__package__).joinpath("data", f"{lesson}.toml").read_text("utf-8"))


@cache
def lessons() -> dict[str, Table]:
    """All lessons of the course in their order: title and minutes by name."""
    return {lesson["name"]: lesson for lesson in data("course")["lesson"]}


@cache
def lessons_with_data() -> tuple[str, ...]:
    """All lessons that have a data file."""
    names = (Path(file.name) for file in files(__package__).joinpath("data").iterdir())
    return tuple(sorted(path.stem for path in names if path.suffix == ".toml" and path.stem != "course"))


@cache
def questions(lesson: str) -> dict[str, Question]:
    """All exercises of a lesson by name; FileNotFoundError where it has none."""
    checks = import_module(f"chatkit.exercises.checks.n{lesson}").CHECKS
    return {name: question_of(data(lesson)[name], check) for name, check in checks.items()}


def question_of(table: Table, check: Callable[..., Coroutine[Any, Any, None]]) -> Question:
    solution = table["solution"].strip()
    return Question(
        ask=Sentence(**table["ask"]),
        answer=table["answer"],
        start=table["start"].strip(),
        check=check,
        why=Sentence(**table["why"]),
        hints=tuple(Sentence(*both) for both in zip(table["hints"]["en"], table["hints"]["th"], strict=True)),
        solution=solution,
        gaps=tuple(table.get("gaps", ())),
        says={key: Sentence(**said) for key, said in table.get("says", {}).items()},
        wrong=tuple(wrong_of(each, solution) for each in table.get("wrong", ())),
    )


def wrong_of(table: Table, solution: str) -> Wrong:
    """A whole program (`code`), or the solution with one thing changed (`change = ["this", "to that"]`)."""
    code = table["code"].strip() if "code" in table else solution.replace(*table["change"])
    return Wrong(table["name"], code, table["says"], Sentence(table["en"], table["th"]), Sentence(**table["ask"]))


@cache
def choices(lesson: str, kind: str) -> dict[str, Choice]:
    """A lesson's guesses (kind "guess") or questions to recall ("recall") by name; none where it has no data file."""
    try:
        tables = data(lesson).get(kind, {})
    except FileNotFoundError:
        return {}
    return {name: choice_of(lesson, name, table) for name, table in tables.items()}


def choice_of(lesson: str, name: str, table: Table) -> Choice:
    both = zip(table["choices"]["en"], table["choices"]["th"], strict=True)
    return Choice(
        lesson,
        name,
        Sentence(**table["ask"]),
        tuple(Sentence(str(en), str(th)) for en, th in both),
        table.get("answer", 0),
        {int(number): Sentence(**said) for number, said in table.get("because", {}).items()},
    )
