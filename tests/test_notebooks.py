"""Every notebook keeps every rule of `notebook_rules`, and every rule can fail."""

import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatkit import connect, serve
from chatkit.exercises.exercise import questions
from chatkit.texts import sentences
from chatkit.tools import lessons as tool
from chatkit.tools.surroundings import room_for
from tests import notebook_rules as rules
from tests.notebook_rules import Notebook, Rule

FOLDER = rules.ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
named = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Notebook:
    return dict(json.loads(path.read_text("utf-8")))


# --- the notebooks of the course ------------------------------------------------------------------------------------


def test_the_course_has_notebooks() -> None:
    assert NOTEBOOKS


@named
def test_notebook_keeps_every_rule(path: Path) -> None:
    wrong = rules.complaints(path.stem, read(path))
    assert not wrong, "\n".join(["", *wrong])


@named
def test_every_link_leads_somewhere(path: Path) -> None:
    for cell in read(path)["cells"]:
        for link in rules.links(rules.source(cell)) if cell["cell_type"] == "markdown" else ():
            assert link.startswith(("http://", "https://", "#")) or (FOLDER / link.split("#")[0]).exists(), link


@named
def test_every_exercise_of_the_notebook_is_there_with_its_start(path: Path) -> None:
    notebook = read(path)
    code = "\n".join(rules.source(cell) for cell in rules.code_cells(notebook))
    for lesson, name in rules.exercises_of(notebook):
        start = [line for line in questions(lesson)[name].start.splitlines() if line and "import" not in line]
        assert "\n".join(start) in re.sub(r"\n\n+", "\n", code), f"{name}: the cell does not begin as its data says"


# --- every rule can fail --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good notebook: the author's tool made, stamped and executed it."""
    path = tmp_path_factory.mktemp("notebooks") / "03_skeleton.ipynb"
    tool.new(path)
    tool.execute(path)
    return path


def cell(notebook: Notebook, cell_id: str) -> dict[str, Any]:
    return next(each for each in notebook["cells"] if each["id"] == cell_id)


def write(cell_id: str, text: str) -> Callable[[Notebook], None]:
    """Add to a cell (a Thai body stays inside its div)."""

    def change(notebook: Notebook) -> None:
        found = cell(notebook, cell_id)
        before = rules.source(found)
        closing = "\n\n</div>" if before.endswith("\n\n</div>") else ""
        found["source"] = before.removesuffix(closing) + text + closing

    return change


def put(cell_id: str, **fields: Any) -> Callable[[Notebook], None]:
    return lambda notebook: cell(notebook, cell_id).update(fields)


def drop(*cell_ids: str) -> Callable[[Notebook], None]:
    def change(notebook: Notebook) -> None:
        notebook["cells"] = [each for each in notebook["cells"] if each["id"] not in cell_ids]

    return change


def lengthen(notebook: Notebook) -> None:
    """Far more cells than one sitting takes."""
    notebook["cells"] += [{**cell(notebook, "step-1-code"), "id": f"more-{number}"} for number in range(70)]


def tag(cell_id: str, *tags: str) -> Callable[[Notebook], None]:
    return put(cell_id, metadata={"tags": list(tags)})


def stream(text: str) -> list[dict[str, Any]]:
    return [{"output_type": "stream", "name": "stdout", "text": text}]


VIEW = [{"output_type": "display_data", "data": {rules.WIDGET_VIEW: {"model_id": "1"}}, "metadata": {}}]
COUNTED = [{"output_type": "execute_result", "data": {"text/plain": "2"}, "metadata": {}, "execution_count": 3}]

BROKEN: list[tuple[Rule, Callable[[Notebook], None]]] = [
    (rules.every_english_cell_has_its_thai, drop("step-1-th")),
    (rules.every_english_cell_has_its_thai, drop("step-1")),
    (rules.thai_is_as_new_as_english, write("step-1", " More.")),
    (rules.thai_body_stands_in_a_div, put("step-1-th", source='<div lang="th">\n\nดู `1 + 1`\n\n</div>')),
    (rules.thai_body_stands_in_a_div, put("step-1-th", source='<div lang="th" class="th">\nดู `1 + 1`\n</div>')),
    (rules.one_heading_for_both, put("step-1", source="## One step")),
    (rules.one_heading_for_both, write("step-1", " ดี")),
    (rules.one_heading_for_both, write("step-1-th", "\n\n## ขั้นแรก")),
    (rules.same_numbers, write("step-1", " In 5 steps.")),
    (rules.same_numbers, write("step-1-th", " ใน 1,000 ขั้น")),
    (rules.same_links, write("step-1", " [RFC](https://www.rfc-editor.org/rfc/rfc6455)")),
    (rules.same_code_spans, write("step-1-th", " `serve()`")),
    (rules.same_code_spans, write("step-1", "\n\n```python\nserve()\n```\n")),
    (rules.thai_style, write("step-1-th", " ลองดูครับ")),
    (rules.thai_style, write("step-1-th", " ลองดูไหมคะ")),
    (rules.thai_style, write("step-1-th", " แล้วมันจะตอบ")),
    (rules.thai_style, write("step-1-th", " ลองดู.")),
    (rules.thai_style, write("step-1-th", " เปิด **Postman**.")),
    (rules.thai_style, write("step-1-th", " เปิดPostman")),
    (rules.thai_style, write("step-1-th", " เรียก`serve()`")),
    (rules.short_cells, write("step-1", " word" * 100)),
    (rules.short_cells, write("step-1-th", " ข้อความ" * 70)),
    (rules.no_forbidden_word, write("step-1-th", " เครื่องแม่ข่าย")),
    (rules.terms_of_the_glossary, write("break", " The servers answer.")),
    (rules.begins_with_the_way, tag("way")),
    (rules.begins_with_the_way, put("way", source="← [back](x.ipynb)")),
    (rules.stays_short, lengthen),
    (rules.says_honest_minutes, put("way", source="← [index](index.ipynb) · 5 min · 5 นาที")),
    (rules.opens_with_recall, drop("recall")),
    (rules.links_the_glossary, put("words", source="**Key words**: handshake")),
    (rules.guesses_are_settled, write("step-1-code", '\ng1.saw("2")')),
    (rules.guesses_are_settled, drop("g3")),
    (rules.guesses_are_settled, drop("step-1-saw")),
    (rules.predictions_are_marked, write("step-1-th", " **ทายก่อน**")),
    (rules.says_the_six_steps, drop("step-1", "step-1-th")),
    (rules.stands_by_itself, put("step-1-code", source="server = await serve()")),
    (rules.opens_with_the_question, put("title", source="## Title · ชื่อ")),
    (rules.opens_with_the_question, drop("words", "words-th")),
    (rules.code_is_short, write("setup", "\n1" * 4)),
    (rules.code_is_short, write("step-1-code", "\n1" * 12)),
    (rules.one_cell_breaks, drop("break-code")),
    (rules.one_cell_breaks, tag("break-code")),
    (rules.one_cell_breaks, tag("step-1-code", "raises-exception")),
    (rules.shows_the_real_code, drop("real-code")),
    (rules.has_exercises, drop("q3-ask")),
    (rules.has_exercises, drop("q3-try")),
    (rules.has_exercises, write("q3-try", "\nq3.solution()")),
    (rules.ends_clean, tag("clean-up")),
    (rules.ends_clean, put("end", source="## Key points · สรุป")),
    (rules.outputs_are_stored, put("step-1-code", outputs=[])),
    (
        rules.outputs_are_stored,
        lambda notebook: [put(c["id"], outputs=[])(notebook) for c in rules.code_cells(notebook)],
    ),
    (rules.ignored_outputs_are_asserted, tag("step-1-code", "nbval-ignore-output")),
    (rules.nothing_of_the_machine, lambda notebook: notebook["metadata"].update(widgets={})),
    (rules.nothing_of_the_machine, lambda notebook: notebook["metadata"]["language_info"].update(version="3.11.7")),
    (rules.nothing_of_the_machine, put("step-1-code", metadata={"execution": {"iopub.status.busy": "now"}})),
    (rules.nothing_of_the_machine, tag("step-1-code", "nbval-skip")),
    (rules.nothing_of_the_machine, put("step-1-code", outputs=stream("/home/mali/chat.db"))),
    (rules.nothing_of_the_machine, put("step-1-code", outputs=stream("C:\\Users\\mali"))),
    (rules.no_counts_and_no_widgets, put("step-1-code", execution_count=1)),
    (rules.no_counts_and_no_widgets, put("step-1-code", outputs=COUNTED)),
    (rules.no_counts_and_no_widgets, put("step-1-code", outputs=VIEW)),
    (rules.no_counts_and_no_widgets, put("step-1-code", outputs=stream("\x1b[31mred"))),
    (rules.nothing_is_skipped, write("step-1-code", "\n# NBVAL_IGNORE_OUTPUT")),
    (rules.ids_are_unique, put("step-1-code", id="setup")),
]


def test_good_notebook_has_no_complaints(skeleton: Path) -> None:
    assert rules.complaints(skeleton.stem, read(skeleton)) == []


@pytest.mark.parametrize(("rule", "change"), BROKEN, ids=[f"{rule.__name__} {n}" for n, (rule, _) in enumerate(BROKEN)])
def test_broken_notebook_is_told(rule: Rule, change: Callable[[Notebook], None], skeleton: Path) -> None:
    notebook = copy.deepcopy(read(skeleton))
    change(notebook)
    assert list(rule(notebook))
    assert any(what.startswith(rule.__name__) for what in rules.complaints("03_skeleton", notebook))


def test_every_rule_has_a_broken_notebook() -> None:
    assert {rule for rule, _ in BROKEN} == {*rules.LANGUAGE, *rules.ANATOMY, *rules.STORED}


def test_language_rules_let_good_thai_pass() -> None:
    english = "1.5 baht. See [RFC](https://example.org), **Connect**, 10 … `ครับ.` (`x`)"
    thai = "ราคา 1.5 บาท ดู [RFC](https://example.org) กับ **Connect** ใช้น้ำมัน คะแนน 10 … `ครับ.` (`x`)"
    assert [what for rule in rules.SENTENCES for what in rule(rules.sentence("a", english, thai))] == []


@pytest.mark.parametrize("key", sentences("en"))
def test_every_sentence_that_code_shows_keeps_the_rules(key: str) -> None:
    pair = rules.sentence(key, sentences("en")[key], sentences("th")[key])
    assert [what for rule in rules.SENTENCES for what in rule(pair)] == []


def test_glossary_is_read() -> None:
    rows = {terms: (says, never) for terms, says, never in rules.glossary()}
    assert rows[("server",)] == (("เซิร์ฟเวอร์",), ("เครื่องแม่ข่าย",))
    assert len(rows) > 20


# --- nbval and the author's tool ------------------------------------------------------------------------------------


def nbval(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*tool.NBVAL, "--color=no", str(path)], cwd=rules.ROOT, text=True, capture_output=True)


def test_nbval_compares_what_is_stored_although_no_count_is(skeleton: Path, tmp_path: Path) -> None:
    good = nbval(skeleton)
    assert good.returncode == 0, good.stdout
    changed = tmp_path / skeleton.name
    notebook = read(skeleton)
    cell(notebook, "step-1-code")["outputs"][0]["data"]["text/plain"] = "3"
    changed.write_text(json.dumps(notebook), "utf-8")
    bad = nbval(changed)
    assert bad.returncode == 1 and "Cell outputs differ" in bad.stdout and "1 failed" in bad.stdout


def test_tool_does_the_same_twice(skeleton: Path, tmp_path: Path) -> None:
    again = tmp_path / skeleton.name
    shutil.copy(skeleton, again)
    tool.stamp(again)
    tool.execute(again)
    assert again.read_text("utf-8") == skeleton.read_text("utf-8")


def test_tool_stamps_a_changed_english_cell(skeleton: Path, tmp_path: Path) -> None:
    path = tmp_path / skeleton.name
    notebook = read(skeleton)
    write("step-1", " More.")(notebook)
    path.write_text(json.dumps(notebook), "utf-8")
    assert list(rules.thai_is_as_new_as_english(read(path)))
    tool.stamp(path)
    assert not list(rules.thai_is_as_new_as_english(read(path)))


async def test_a_guest_finds_the_teachers_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_PORT", "1")
    with room_for(FOLDER / "07_many_clients_student.ipynb") as port:
        async with connect(name="Mali") as chat:
            assert chat.uri == f"ws://localhost:{port}" and await chat.send("hi") == 1
    assert os.environ["CHATKIT_PORT"] == "1"


async def test_any_other_notebook_finds_a_free_port_and_no_progress() -> None:
    with room_for(FOLDER / "00_hello_room.ipynb") as port:
        assert not list(Path(os.environ["CHATKIT_HOME"]).iterdir())
        async with serve() as server:
            assert server.port == port
