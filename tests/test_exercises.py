"""Each exercise untouched, solved, and with every wrong answer that has a name; the prose; progress and the course."""

import asyncio
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from chatkit.client import connect
from chatkit.exercises import Exercise, course, exercise, guess, progress
from chatkit.exercises.exercise import answer_of
from chatkit.exercises.progress import facts, keep, solved
from chatkit.exercises.questions import Question, Wrong, choices, data, lessons, questions
from chatkit.exercises.result import Shown
from chatkit.texts import Sentence
from tests import notebook_rules as rules

pytestmark = pytest.mark.usefixtures("swept")


LESSONS = [lesson for lesson in lessons() if lesson != "project"]  # the four projects have the milestones
ALL = [(lesson, name) for lesson in LESSONS for name in questions(lesson)]
WRONG = [(lesson, name, wrong) for lesson, name in ALL for wrong in questions(lesson)[name].wrong]
PREDICTIONS = {("00_hello_room", "q3")}


@pytest.fixture(autouse=True)
def progress_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody's own progress is touched."""
    monkeypatch.setenv("CHATKIT_HOME", str(tmp_path / "kept"))
    monkeypatch.setenv("CHATKIT_LANG", "both")
    return tmp_path / "kept" / "progress.json"


def solution_of(lesson: str, name: str) -> Any:
    question = questions(lesson)[name]
    return answer_of(question.solution, question.answer)


# --- every exercise -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lesson", "name"), ALL)
async def test_untouched_is_not_wrong(lesson: str, name: str) -> None:
    asked = exercise(lesson, name)
    for answer in (answer_of(asked.question.start, asked.question.answer), ...):
        if (lesson, name) == ("03_server_and_client", "q2") and answer is not ...:
            continue  # this one starts with code to repair
        result = await asked.check(answer)
        assert result.state == "untouched" and not result
    assert (await asked.check()).state == "untouched"


@pytest.mark.parametrize(("lesson", "name"), ALL)
async def test_solution_is_correct_every_time(lesson: str, name: str) -> None:
    asked = exercise(lesson, name)
    before = asyncio.all_tasks()
    for _ in range(2):
        result = await asked.check(solution_of(lesson, name))
        assert result, repr(result)
        assert asked.question.why.en in repr(result) and asked.question.why.th in repr(result)
    assert solved(lesson) == {name: "own"}
    assert not {task for task in asyncio.all_tasks() - before if not task.done()}


@pytest.mark.parametrize(("lesson", "name", "wrong"), WRONG, ids=[f"{n[:2]} {q} {w.name}" for n, q, w in WRONG])
async def test_wrong_answer_is_refused_and_called_by_its_name(lesson: str, name: str, wrong: Wrong) -> None:
    asked = exercise(lesson, name)
    result = await asked.check(answer_of(wrong.code, asked.question.answer))
    assert result.state == "not yet" and not result, repr(result)
    assert result.wrong == wrong.name, repr(result)
    assert wrong.said.en in repr(result) and wrong.ask.th in repr(result)
    assert facts(lesson, "exercises")[name]["wrong"] == {wrong.name: 1}
    assert solved(lesson) == {}


@pytest.mark.parametrize(("lesson", "name"), ALL)
async def test_no_answer_and_a_nonsense_answer_never_pass_and_never_raise(lesson: str, name: str) -> None:
    for nonsense in (None, "", 0, [], {}, lambda *_: None, lambda *_: "", print, int, exercise):
        result = await exercise(lesson, name).check(nonsense)
        assert result.state == "not yet" and "KeyError" not in repr(result), repr(
            result
        )  # no hole of a sentence is left


@pytest.mark.parametrize(("lesson", "name"), ALL)
def test_every_exercise_has_five_wrong_answers_with_names(lesson: str, name: str) -> None:
    wrong = questions(lesson)[name].wrong
    assert len({each.name for each in wrong}) == len(wrong) >= (3 if (lesson, name) in PREDICTIONS else 5)
    assert all(each.code != questions(lesson)[name].solution for each in wrong)


def test_three_exercises_and_three_questions_to_recall_a_lesson() -> None:
    assert all(len(questions(lesson)) >= 3 for lesson in LESSONS)
    asked_later = [lesson for lesson in LESSONS if not lesson.startswith("project")]  # one of four, and the last one
    assert all(len(choices(lesson, "recall")) >= 3 for lesson in asked_later)


# --- the prose ------------------------------------------------------------------------------------------------------


def spoken(lesson: str) -> list[tuple[str, Sentence]]:
    """Every sentence of a data file, with its place."""
    found: list[tuple[str, Sentence]] = []

    def walk(place: str, thing: Any) -> None:
        if isinstance(thing, dict) and {"en", "th"} <= thing.keys():
            english, thai = thing["en"], thing["th"]
            both = zip(english, thai, strict=True) if isinstance(english, list) else [(english, thai)]
            found.extend((place, Sentence(str(en), str(th))) for en, th in both)
        if isinstance(thing, dict | list):
            for key, value in thing.items() if isinstance(thing, dict) else enumerate(thing):
                walk(f"{place}.{key}", value)

    walk(lesson, data(lesson))
    return found


@pytest.mark.parametrize("lesson", [*LESSONS, "project", "course"])
def test_both_languages_say_the_same_and_keep_the_rules(lesson: str) -> None:
    wrong = []
    for place, text in spoken(lesson):
        cells = rules.sentence(place, text.en, text.th)
        wrong += [what for rule in rules.SENTENCES for what in rule(cells)]
        if rules.prose(text.en) != rules.prose(text.th) and not rules.re.search(f"[{rules.THAI}]", text.th):
            wrong.append(f"{place}: no Thai")
    assert wrong == []


@pytest.mark.parametrize(("lesson", "name"), ALL)
def test_hints_climb_and_do_not_give_the_solution_away(lesson: str, name: str) -> None:
    question = questions(lesson)[name]
    assert len(set(question.hints)) == 3
    assert question.solution not in "".join(hint.en for hint in question.hints)


@pytest.mark.parametrize(("lesson", "name"), ALL)
def test_gaps_are_pieces_of_the_solution(lesson: str, name: str) -> None:
    question = questions(lesson)[name]
    assert all(gap in question.solution for gap in question.gaps)
    assert len(question.gaps) in ((0,) if (lesson, name) in PREDICTIONS else (2, 3, 4))


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_question_to_recall_has_one_right_choice(lesson: str) -> None:
    for choice in choices(lesson, "recall").values():
        assert 1 <= choice.answer <= len(choice.choices) <= 4
        assert choice.because.keys() <= set(range(1, len(choice.choices) + 1)) - {choice.answer}


# --- how an exercise shows itself -----------------------------------------------------------------------------------


def nothing() -> Exercise:
    async def check(trial: Any, answer: object) -> None:
        await trial.expect(1, answer)

    text = Sentence("English <b>`x < 1`</b>", "ไทย `x < 1`")
    return Exercise("00_hello_room", "q9", Question(text, "a", "a = ...", check, text, (text, text, text), "a = 1"))


def test_hints_climb_three_steps_and_stay_and_are_kept() -> None:
    steps = [repr(exercise("08_handshake", "q1").hint()) for _ in range(4)]
    assert [f"Hint {n} of 3" in step for n, step in enumerate(steps[:3], 1)] == [True] * 3
    assert steps[2] == steps[3] and len(set(steps)) == 3


async def test_a_hint_may_be_awaited() -> None:
    assert "Hint 1 of 3" in repr(await exercise("08_handshake", "q1").hint())


def test_solution_is_shown_only_when_asked() -> None:
    asked = exercise("08_handshake", "q1")
    assert "hashlib.sha1(text" in repr(asked.solution())
    assert "hashlib.sha1(text" not in repr(asked) + "".join(repr(asked.hint()) for _ in range(3))


def test_exercise_shows_its_question_in_both_languages() -> None:
    asked = exercise("08_handshake", "q1")
    assert asked.question.ask.en in repr(asked) and asked.question.ask.th in repr(asked)


def test_a_check_without_await_says_so() -> None:
    shown = exercise("08_handshake", "q1").check(lambda key: key)
    assert "await q1.check(…)" in repr(shown) and "await q1.check(…)" in shown._repr_html_()


async def test_html_is_escaped_and_marks_its_language() -> None:
    result = await nothing().check(lambda: "<script>`</script><img src=x>")
    html = result._repr_html_()
    assert "<script>" not in html and "<img" not in html and "&lt;script&gt;" in html
    assert '<div lang="th" class="th">' in html and "<code>" in html
    assert "&lt;b&gt;<code>x &lt; 1</code>" in nothing()._repr_html_()
    assert "<pre><code>&lt;b&gt;</code></pre>" in Shown((), ("<b>",))._repr_html_()


def test_one_language_where_one_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_LANG", "th")
    shown = repr(exercise("08_handshake", "q1"))
    assert "เขียน" in shown and "Write" not in shown


async def test_half_an_answer_is_told_what_is_still_missing() -> None:
    result = await exercise("00_hello_room", "q3").check({"Ann": ["hi", "tea"], "Bob": ["hi", "tea"], "Cat": ...})
    assert result.state == "not yet" and "`...` is still in it" in repr(result) and "Cat" in repr(result)

    def half(data: bytes) -> object:
        return True, ..., False, 2

    assert "`...` is still in it" in repr(await exercise("09_frames", "q1").check(half))


async def test_what_has_to_be_awaited_or_collected_still_is_told() -> None:
    async def hello(uri: str, text: str) -> object:
        async with connect(uri) as chat:
            return chat.send(text)

    async def listen(ask: Any) -> Any:
        yield await ask(0)

    def leaves(poll: int, handshake: int, frame: int, news: int) -> int:
        sys.exit("bye")

    assert "only a promise" in repr(await exercise("00_hello_room", "q1").check(hello))
    assert "with a `yield` in it" in repr(await exercise("01_why_not_http", "q3").check(listen))
    assert "`SystemExit: bye`, which would end" in repr(await exercise("01_why_not_http", "q2").check(leaves))


async def test_the_error_in_a_group_is_shown_and_not_the_group() -> None:
    async def listen(ask: Any) -> Any:
        async with asyncio.TaskGroup() as group:
            group.create_task(ask("one"))

    assert "`ExceptionGroup" not in repr(await exercise("01_why_not_http", "q3").check(listen))
    assert "ValueError" in repr(await exercise("01_why_not_http", "q3").check(listen))


@pytest.mark.parametrize(("lesson", "name"), [("01_why_not_http", "q1"), ("02_await", "q1"), ("05_everyone", "q1")])
async def test_an_answer_without_an_end_is_cut(lesson: str, name: str) -> None:
    assert (await exercise(lesson, name).check(lambda *_: cycle(["Ann"]))).state == "not yet"


async def test_a_list_without_an_end_is_cut() -> None:
    heard = {"Ann": cycle(["hi", "tea"]), "Bob": ["hi", "tea"], "Cat": ["tea"]}
    assert (await exercise("00_hello_room", "q3").check(heard)).state == "not yet"


async def test_placeholders_elsewhere_are_the_students_own_matter() -> None:
    def header(data: bytes) -> tuple[bool, int, bool, int]:
        def number(part: bytes, none: object = ...) -> tuple[int, ...]:
            return (int.from_bytes(part, "big"),)

        length = data[1] & 0x7F
        length = number(data[2:4])[0] if length == 126 else number(data[2:10])[0] if length == 127 else length
        return bool(data[0] & 0x80), data[0] & 0x0F, bool(data[1] & 0x80), length

    assert await exercise("09_frames", "q1").check(header)


def test_unknown_exercise_or_lesson_is_an_error() -> None:
    with pytest.raises(KeyError):
        exercise("08_handshake", "q99")
    with pytest.raises(ModuleNotFoundError):
        exercise("99_nothing", "q1")


async def test_calling_the_function_instead_of_giving_it_is_told() -> None:
    assert "give the function itself" in repr(await nothing().check(5))


async def test_check_shows_what_was_on_the_wire() -> None:
    once = answer_of("async def echo(ws):\n    await ws.send(await ws.recv())", "echo")
    shown = repr(await exercise("03_server_and_client", "q1").check(once))
    assert "Ann → server: 'สวัสดี" in shown and "server → Ann: 'สวัสดี" in shown


async def test_a_refusal_is_repeated_until_it_is_mended() -> None:
    """The same chance as in the refusal: what the student sees does not change from run to run by luck."""

    right = solution_of("09_frames", "q2")

    fixed = {0, 1, 2, 34, 42, 54, 63, 125, 126, 300, 65_535, 65_536}  # characters of the texts that are not drawn

    def some_lengths(text: str) -> bytes:
        return right(text) if len(text) in fixed else b"?"

    asked = exercise("09_frames", "q2")
    first = repr(await asked.check(some_lengths))
    assert [repr(await asked.check(some_lengths)) for _ in range(2)] == [first] * 2
    assert isinstance(facts("09_frames", "exercises")["q2"]["seed"], int)
    assert await asked.check(right)
    assert "seed" not in facts("09_frames", "exercises")["q2"]


# --- progress and the course ----------------------------------------------------------------------------------------


async def test_progress_is_kept_for_correct_answers_only(progress_file: Path) -> None:
    asked = exercise("08_handshake", "q1")
    await asked.check(lambda key: key)
    assert "Solved: 0 of 3" in repr(progress("08_handshake"))
    await asked.check(solution_of("08_handshake", "q1"))
    assert "Solved: 1 of 3" in repr(progress("08_handshake")) and "✅ q1" in repr(progress("08_handshake"))
    assert "Solved: 0 of" in repr(progress("09_frames"))
    assert facts("08_handshake", "exercises")["q1"]["tries"] == 2
    assert [path.name for path in progress_file.parent.iterdir()] == ["progress.json"]


def test_the_course_says_where_to_go_on() -> None:
    assert course().next == ("00_hello_room", "q1")
    keep("03_server_and_client", "exercises", "q1", solved="own")
    assert course().next == ("03_server_and_client", "q2")
    for lesson, name in ALL:
        if lesson >= "03":
            keep(lesson, "exercises", name, solved="lines")
    assert course().next == ("00_hello_room", "q1")
    for lesson, name in ALL:
        keep(lesson, "exercises", name, solved="own")
    assert course().next is None
    html = course()._repr_html_()
    assert 'href="08_handshake.ipynb"' in html and "4/4" in html and "4/4" in repr(course())


@pytest.mark.parametrize("broken", ["", "{", "[]", "7", '{"08_handshake": 7}', "\ud800", '{"08_handshake": ["q1"]}'])
async def test_broken_progress_file_does_no_harm(progress_file: Path, broken: str) -> None:
    progress_file.parent.mkdir()
    progress_file.write_bytes(broken.encode("utf-8", "surrogatepass"))
    assert "Solved: 0" in repr(progress("08_handshake"))
    keep("08_handshake", "exercises", "q1", solved="own")
    assert "q1" in solved("08_handshake")


async def test_home_that_cannot_be_written_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CHATKIT_HOME", str(tmp_path / "file"))
    assert (await exercise("08_handshake", "q1").check(solution_of("08_handshake", "q1"))).state == "correct"


def test_a_pick_stays_when_its_cell_runs_again_until_a_run_has_settled_it() -> None:
    """In Lab a click makes the guess's cell the active one, so the next Shift+Enter makes the guess once more."""
    choice = choices("03_server_and_client", "guess")["how_often"]
    asked = (choice.ask.en, 0, 1, 3)
    guess(*asked).pick(3)
    again = guess(*asked)
    assert again.picked == 3
    again.saw(1)
    assert guess(*asked).picked == 0
    guess(*asked).pick(2)
    assert guess(*asked).picked == 2
