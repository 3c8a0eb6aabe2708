"""Guesses, questions to recall, lines to order, gaps to fill, and the timeline: by code and as text, no browser."""

import ast
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from chatkit.exercises import STEPS, Timeline, exercise, guess, recall
from chatkit.exercises.guess import strength
from chatkit.exercises.lines import step_of
from chatkit.exercises.progress import facts, keep, solved
from chatkit.exercises.questions import choices, lessons, questions
from tests.needs import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LESSONS = [lesson for lesson in lessons() if lesson != "project"]  # the four projects have the milestones
WITH_DEPTHS = [(lesson, name) for lesson in LESSONS for name, question in questions(lesson).items() if question.gaps]


@pytest.fixture(autouse=True)
def no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_HOME", str(tmp_path))
    monkeypatch.setenv("CHATKIT_LANG", "both")


# --- guess ----------------------------------------------------------------------------------------------------------


def test_a_guess_is_settled_by_what_came() -> None:
    g = guess("What is 1 + 1?", "1", "2", "11")
    assert "1  1" in repr(g) and "As you guessed" not in repr(g)
    assert "▸ 2  2" in repr(g.pick(2))
    assert "✅ As you guessed: 2" in repr(g.saw("2"))
    assert "✅ As you guessed: 2" in repr(g)


def test_a_number_that_came_is_found_among_the_choices() -> None:
    assert "As you guessed: 2" in repr(guess("What is 1 + 1?", 1, 2, 3).pick(2).saw(2))
    assert "As you guessed: 2" in repr(guess("What is 1 + 1?", "1", "2").pick(2).saw(2))
    assert "As you guessed" not in repr(guess("Is 1 true?", 2, 3).pick(1).saw(1))


def test_a_guess_that_nobody_made_blocks_nothing() -> None:
    assert "👀 It was: 2" in repr(guess("What is 1 + 1?", 1, 2).saw(2))


def test_what_came_may_be_none_of_the_choices() -> None:
    settled = guess("What is 1 + 1?", 1, 2).pick(1).saw({"a": 3})
    assert "You guessed: 1. It was: {'a': 3}" in repr(settled)


def test_a_settled_guess_stays() -> None:
    g = guess("What is 1 + 1?", 1, 2).pick(1)
    g.saw(2)
    assert g.pick(2).picked == 1


def test_a_guess_wants_two_to_four_choices_and_a_number_among_them() -> None:
    with pytest.raises(ValueError, match="2 to 4"):
        guess("What?", "one")
    with pytest.raises(ValueError, match="2 to 4"):
        guess("What?", *"12345")
    with pytest.raises(ValueError, match="1 to 2"):
        guess("What?", "a", "b").pick(3)


def guesses() -> list[tuple[str, str]]:
    return [(lesson, name) for lesson in lessons() for name in choices(lesson, "guess")]


@pytest.mark.parametrize(("lesson", "name"), guesses())
def test_a_guess_of_a_lesson_is_kept_and_speaks_both_languages(lesson: str, name: str) -> None:
    choice = choices(lesson, "guess")[name]
    g = guess(choice.ask.en, *(each.en for each in choice.choices))
    assert (g.choice.lesson, g.choice.name) == (lesson, name), "two guesses of the course ask the same"
    assert choice.ask.th in repr(g)
    for number, because in choice.because.items():
        g = guess(choice.ask.en, *(each.en for each in choice.choices)).pick(number)
        other = 1 if number != 1 else 2
        said = repr(g.saw(choice.choices[other - 1].en))
        assert because.en in said and because.th in said
    g.pick(1)
    assert facts(lesson, "guesses")[name].get("picked") or not choice.because


def calls_of_guess(path: Path) -> list[list[object]]:
    """The arguments of each `guess(…)` in a notebook; a name stands for the text that a cell gave to it."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    source = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    nodes = [node for code in source if "guess(" in code for node in ast.walk(ast.parse(code))]
    texts = {
        node.targets[0].id: node.value.value
        for node in nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    return [
        [texts[value.id] if isinstance(value, ast.Name) else ast.literal_eval(value) for value in node.args]
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "guess"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_every_guess_of_a_notebook_has_its_thai(path: Path) -> None:
    for question, *values in calls_of_guess(path):
        found = [choice for choice in choices(path.stem, "guess").values() if choice.ask.en == question]
        assert found, f"{path.stem}.toml has no guess {question!r}"
        assert [each.en for each in found[0].choices] == [str(value) for value in values]


# --- recall ---------------------------------------------------------------------------------------------------------


def test_recall_asks_of_one_two_and_five_lessons_ago() -> None:
    with_questions = [lesson for lesson in lessons() if choices(lesson, "recall")]
    assert recall(with_questions[0]).asked == []
    assert "Nothing to recall yet" in repr(recall(with_questions[0]))
    assert {each.lesson for each in recall(with_questions[1]).asked} == {with_questions[0]}
    last = recall(with_questions[-1])
    assert {each.lesson for each in last.asked} == {with_questions[-2], with_questions[-3], with_questions[-6]}


def test_recall_begins_with_the_weakest() -> None:
    lesson = next(lesson for lesson in lessons() if len(recall(lesson).asked) == 2)
    first, second = recall(lesson).asked
    for name in choices(first.lesson, "recall"):
        keep(first.lesson, "recall", name, right=2)
    keep(second.lesson, "recall", second.name, wrong=1)
    again = recall(lesson).asked
    assert [each.lesson for each in again] == [second.lesson, first.lesson]
    assert again[0].name == second.name and strength(again[0]) < strength(again[1])


def test_recall_tells_at_once_and_counts_the_first_answer() -> None:
    asked = recall("03_server_and_client")
    first, second = asked.asked[:2]
    wrong = next(n for n in range(1, 4) if n != first.answer)
    assert first.choices[first.answer - 1].th in repr(asked.pick(1, wrong))
    asked.pick(1, first.answer)
    assert "✅" in repr(asked.pick(2, second.answer)) and "✅" in repr(asked)
    assert facts(first.lesson, "recall")[first.name] == {"wrong": 1}
    assert facts(second.lesson, "recall")[second.name] == {"right": 1}
    with pytest.raises(ValueError, match="from 1 to"):
        asked.pick(9, 1)


# --- lines and gaps -------------------------------------------------------------------------------------------------


def order_of(lesson: str, name: str) -> list[tuple[int, int]]:
    """The right order, as a learner would give it."""
    drawn = exercise(lesson, name).lines()
    solution = [line for line in questions(lesson)[name].solution.splitlines() if line.strip()]
    order: list[tuple[int, int]] = []
    for line in solution:
        if line not in drawn.given:
            used = {number for number, _ in order}
            number = next(n for n, each in enumerate(drawn.blocks, 1) if each == line.strip() and n not in used)
            order.append((number, (len(line) - len(line.lstrip())) // 4))
    return order


@pytest.mark.parametrize(("lesson", "name"), WITH_DEPTHS)
async def test_the_right_order_is_correct_and_its_depth_is_kept(lesson: str, name: str) -> None:
    asked = exercise(lesson, name)
    result = await asked.lines(order_of(lesson, name))
    assert result, repr(result)
    assert solved(lesson) == {name: "lines"}
    result = await asked.gaps(*asked.question.gaps)
    assert result, repr(result)
    assert solved(lesson) == {name: "gaps"}
    assert await asked.lines(order_of(lesson, name))
    assert solved(lesson) == {name: "gaps"}, "the deepest way is kept"


@pytest.mark.parametrize(("lesson", "name"), WITH_DEPTHS)
def test_the_lines_are_shuffled_the_same_way_each_time_and_hold_a_wrong_one(lesson: str, name: str) -> None:
    drawn = exercise(lesson, name).lines()
    assert drawn.blocks == exercise(lesson, name).lines().blocks
    right = [line.strip() for line in questions(lesson)[name].solution.splitlines()]
    assert 1 <= sum(block not in right for block in drawn.blocks) <= 2
    assert [block for block in drawn.blocks if block in right] != [line for line in right if line in drawn.blocks]


async def test_a_wrong_order_is_refused_in_words() -> None:
    asked = exercise("03_server_and_client", "q1")
    (first, _), *rest = order_of("03_server_and_client", "q1")
    assert "IndentationError" in repr(await asked.lines([first, *(number for number, _ in rest)]))
    assert "SyntaxError" in repr(await asked.lines([]) or "") or (await asked.lines([])).state == "not yet"
    with pytest.raises(ValueError, match="1 to"):
        asked.lines([99])


async def test_gaps_want_one_text_each() -> None:
    asked = exercise("03_server_and_client", "q1")
    assert "__1__ text in ws" in repr(asked.gaps())
    filled = asked.gaps("for", "await", "{text}")
    assert (await filled).state == "not yet"
    assert filled.state()["state"] == "not yet" and "Not yet" in str(filled.state()["said"])
    with pytest.raises(ValueError, match="3 gaps"):
        asked.gaps("for")


def test_a_prediction_has_no_depths() -> None:
    with pytest.raises(ValueError, match="prediction"):
        exercise("00_hello_room", "q3").lines()


def test_lines_of_code_know_which_of_the_six_steps_they_are() -> None:
    assert list(STEPS) == ["listen", "accept", "receive", "decide", "send", "close"]
    lines = {
        "async with serve(echo, port=0) as server:": "listen",
        "people.add(ws)": "accept",
        "async for text in ws:": "receive",
        "if not text:": "decide",
        "await ws.send(text)": "send",
        "finally:": "close",
        "number = 0": "",
    }
    assert {line: step_of(line) for line in lines} == lines


async def test_a_tool_is_text_where_there_is_no_notebook() -> None:
    """Outside of a kernel there is nobody who could click: the text twin is the whole tool."""
    for tool in (guess("What?", 1, 2), recall("03_server_and_client"), exercise("03_server_and_client", "q1").lines()):
        bundle, _ = tool._repr_mimebundle_()
        assert bundle["text/plain"] == repr(tool)


# --- the timeline ---------------------------------------------------------------------------------------------------


async def wait(name: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return name


async def greedy(name: str) -> str:
    await asyncio.sleep(0)
    time.sleep(0.15)  # noqa: ASYNC251  # on purpose: it holds the loop
    await asyncio.sleep(0)
    return name


async def test_each_task_has_a_lane_and_waits_while_others_run() -> None:
    async with Timeline() as line:
        assert await asyncio.gather(wait("Ann", 0.1), wait("Bob", 0.05)) == ["Ann", "Bob"]
    assert list(line.lanes) == ["this cell · เซลล์นี้", "wait('Ann', 0.1)", "wait('Bob', 0.05)"]
    ann, bob = line.lanes["wait('Ann', 0.1)"], line.lanes["wait('Bob', 0.05)"]
    assert len(ann.steps) == len(bob.steps) == 2
    assert ann.start < bob.end < ann.end and ann.ran < ann.end - ann.start
    assert str(ann.steps[0]).endswith("await asyncio.sleep(seconds)")
    assert "█" in repr(line) and "─" in repr(line) and "▓" not in repr(line).split("█ ")[0]


async def test_one_after_the_other_runs_in_the_cells_own_lane() -> None:
    with Timeline() as line:
        await wait("Ann", 0.01)
        await wait("Bob", 0.01)
    (cell,) = line.lanes.values()
    assert len(cell.steps) == 3


async def test_a_step_that_holds_the_loop_is_named_with_its_line_and_drawn_in_a_shape_of_its_own() -> None:
    async with Timeline() as line:
        await asyncio.gather(wait("Ann", 0.01), greedy("Cat"))
    held = dict(line.blocked)
    assert "time.sleep(0.15)" in str(held["greedy('Cat')"])
    assert "▓" in repr(line) and "⛔" in repr(line) and "time.sleep(0.15)" in repr(line)
    html = line._repr_html_()
    assert "repeating-linear-gradient" in html and "⛔" in html and 'role="img"' in html
    assert "ran 2 times" in html and "ได้ทำงาน 2 ครั้ง" in html  # for a screen reader


async def burns(name: str) -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    name = name.upper()
    name = name.lower()
    name = name.title()
    time.sleep(0.2)  # noqa: ASYNC251
    name = name.upper()


def nap(seconds: float) -> None:
    time.sleep(seconds)


async def at_once(name: str) -> None:
    nap(0.2)


async def test_of_a_long_step_the_line_is_named_that_took_the_time() -> None:
    async with Timeline() as line:
        await asyncio.gather(burns("Cat"), at_once("Dan"))
    assert {name: str(step).partition("  #")[0] for name, step in line.blocked} == {
        "burns('Cat')": "time.sleep(0.2)",
        "at_once('Dan')": "time.sleep(seconds)",
    }


async def test_without_threads_the_lines_of_a_long_step_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the browser's own Python."""
    monkeypatch.setattr("chatkit.exercises.timeline.LOOK", 3600)
    async with Timeline() as line:
        await asyncio.gather(greedy("Cat"), at_once("Dan"))
    held = dict(line.blocked)
    assert str(held["at_once('Dan')"]) == "nap(0.2)"
    assert "time.sleep(0.15)" in str(held["greedy('Cat')"])


async def test_names_given_to_tasks_are_the_names_of_their_lanes() -> None:
    async with Timeline() as line:
        await asyncio.create_task(wait("Ann", 0), name="Ann")
        await asyncio.gather(wait("<b>", 0), wait("<b>", 0))
    assert {"Ann", "wait('<b>', 0)", "wait('<b>', 0) (2)"} <= line.lanes.keys()
    assert "<b>" not in line._repr_html_()


async def test_the_loop_is_as_before_also_after_an_error() -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(ZeroDivisionError):
        async with Timeline() as line:
            await asyncio.sleep(0)
            print(1 / 0)
    assert "call_soon" not in vars(loop)
    assert line.lanes


async def test_a_timeline_of_nothing_says_so() -> None:
    assert "Nothing was recorded yet" in repr(Timeline()) and "Nothing was recorded yet" in Timeline()._repr_html_()


async def test_very_many_steps_are_not_too_many() -> None:
    async def turn() -> None:
        for _ in range(30_000):
            await asyncio.sleep(0)

    async with Timeline() as line:
        await asyncio.gather(turn())
    assert line.count <= 20_000
    assert len(line._repr_html_()) < 500_000


async def test_libraries_own_tasks_are_left_out() -> None:
    library: Callable[..., Awaitable[Any]] = asyncio.to_thread
    async with Timeline() as line:
        await asyncio.gather(library(int), wait("Ann", 0))
    assert list(line.lanes)[1:] == ["wait('Ann', 0)"]


# --- what is imported -----------------------------------------------------------------------------------------------


def test_exercises_import_without_widgets_sockets_processes_and_threads() -> None:
    program = """
import asyncio, socket, subprocess, sys, threading
def unusable(*_, **__): raise AssertionError("used while importing")
socket.socket = subprocess.Popen = threading.Thread = unusable
from chatkit.exercises import exercise, guess, recall, course
exercise("03_server_and_client", "q1").lines(); guess("What?", 1, 2); recall("03_server_and_client"); course()
print(sorted({"ipywidgets", "anywidget", "IPython"} & sys.modules.keys()))
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout == "[]\n", run.stderr
