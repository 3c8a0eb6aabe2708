"""The course in tables and a picture, made from course.toml, the notebooks and the exercises: what papers show of it.

`python -m tests.test_docs` puts these pieces into README.md, thai_explanation.md and TEACHING.md.
"""

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from chatkit.exercises.questions import choices, data, lessons, questions
from chatkit.texts import Sentence
from tests.needs import ROOT
from tests.notebook_rules import HEADINGS, MINUTES_A_CELL, is_thai, source

Cell = dict[str, Any]
PERIOD = 50  # minutes


@cache
def notebook(lesson: str) -> list[Cell]:
    found: list[Cell] = json.loads((ROOT / "notebooks" / f"{lesson}.ipynb").read_text("utf-8"))["cells"]
    return found


def cells(lesson: str) -> list[Cell]:
    """What a reader of one language goes through."""
    return [cell for cell in notebook(lesson) if not is_thai(cell)]


def minutes_until(lesson: str, section: int) -> float:
    """From the first cell to the end of this section; exercises, which come last, are not among them."""
    here, spent = 0, 0
    for cell in cells(lesson):
        heads = HEADINGS.findall(source(cell)) if cell["cell_type"] == "markdown" else []
        numbers = [int(found[1]) for head in heads if (found := re.match(r"## (\d+)\.", head))]
        if numbers:
            here = numbers[-1]
        if here > section:
            return spent * MINUTES_A_CELL
        spent += 1
    raise ValueError(f"{lesson} has nothing after section {section}")


def minutes_of(way: dict[str, Any]) -> int:
    """Of a way's sections by the rule of 45 seconds a cell; of whole lessons and one project as course.toml says."""
    if "until" in way:
        return round(sum(minutes_until(lesson, section) for lesson, section in way["until"].items()))
    projects = [lessons()[name]["minutes"] for name, needs in data("course")["needs"].items() if needs == ["project"]]
    return sum(lesson["minutes"] for lesson in lessons().values()) - sum(projects) + max(projects)


def number(lesson: str) -> str:
    return lesson.split("_")[0]


def told(lesson: str) -> tuple[Sentence, Sentence, int]:
    """What a notebook says of itself: its title, its one question, its minutes."""
    first, title, below, *_ = notebook(lesson)
    heading = source(title).splitlines()[0].removeprefix("# ").split(" · ")
    asked = (re.findall(r"\*\*(.+?)\*\*", source(cell))[0] for cell in (title, below))
    minutes = re.search(r"(\d+) min", source(first))
    return Sentence(*heading), Sentence(*asked), int(minutes[1]) if minutes else 0


def in_order() -> list[str]:
    """Every notebook but the index, as the index links to them; what it does not name stands at the end."""
    index = "".join(source(cell) for cell in notebook("index"))
    names = (path.stem for path in (ROOT / "notebooks").glob("*.ipynb") if path.stem != "index")
    return sorted(names, key=lambda name: (index.find(f"]({name}.ipynb)") % (len(index) + 1), name))


def lesson_table(lang: str) -> str:
    """All lessons, with what each builds on."""
    head = Sentence("lesson | the one question | minutes | builds on", "บท | คำถามของบท | นาที | ต่อจาก")
    rows = []
    for name in in_order():
        title, asked, minutes = told(name)
        needs = " ".join(map(number, data("course")["needs"].get(name, ())))
        rows.append(
            (f"[{shown_number(name)}{title.in_(lang)}](notebooks/{name}.ipynb)", asked.in_(lang), minutes, needs)
        )
    return table(heads(head, lang), rows)


def heads(said: Sentence, lang: str) -> list[str]:
    return [Sentence(*pair).in_(lang) for pair in zip(*(each.split(" | ") for each in said), strict=True)]


def shown_number(lesson: str) -> str:
    """`02 `, or nothing for what has no number."""
    return f"{number(lesson)} " if lesson[0].isdigit() else ""


def way_table(lang: str) -> str:
    """The three ways through, with what they take; lang "both" as README.md has it."""
    head = Sentence("way | lessons | minutes | periods", "เส้นทาง | บทเรียน | นาที | คาบ")
    whole = Sentence("all of them, with every exercise, and one project", "ทุกบท รวมแบบฝึกหัดทุกข้อ และหนึ่งโครงงาน")
    rows = []
    for way in data("course")["way"]:
        until = " · ".join(f"{number(lesson)} §1–{end}" for lesson, end in way.get("until", {}).items())
        minutes = minutes_of(way)
        rows.append((Sentence(**way["title"]).in_(lang), until or whole.in_(lang), minutes, -(-minutes // PERIOD)))
    return table(heads(head, lang), rows)


def table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n".replace("| --- ", "|---") for line in lines)


def map_picture() -> str:
    """What leads to what, as mermaid: an arrow from a lesson to each that builds on it."""
    lines = ["```mermaid", "flowchart LR"]
    for name in in_order():
        title = told(name)[0]
        lines.append(f'    {node(name)}["{shown_number(name)}{title.en}<br>{title.th}"]')
    for name, needs in data("course")["needs"].items():
        lines += [f"    {node(each)} --> {node(name)}" for each in needs]
    return "\n".join([*lines, "```", ""])


def node(lesson: str) -> str:
    """A name that mermaid takes: it has to begin with a letter."""
    return f"L{number(lesson)}{lesson[-1] if lesson.startswith('07') else ''}" if lesson[0].isdigit() else lesson


def answers_table(lesson: str, lang: str) -> str:
    """What students say and write that is not so, and what helps: the guesses, and each exercise's first slip."""
    head = Sentence(
        "what they say or write | what is so, *and what to ask*", "คำตอบของนักเรียน | ความจริง *และคำถามที่ควรถามต่อ*"
    )
    rows = []
    for guess in choices(lesson, "guess").values():
        for number, because in guess.because.items():
            rows.append((f"🤔 {in_(guess.ask, lang)} “{in_(guess.choices[number - 1], lang)}”", in_(because, lang)))
    for name, question in (questions(lesson) if "q1" in data(lesson) else {}).items():
        slip = question.wrong[0]
        rows.append(
            (
                f"✏️ {name} `{question.answer}`",
                f"{in_(slip.said, lang)}{'' if lang == 'th' else '.'} *{in_(slip.ask, lang)}*",
            )
        )
    return table(heads(head, lang), ([cell.replace("|", "\\|") for cell in row] for row in rows))


def in_(said: Sentence, lang: str) -> str:
    return " ".join(said.in_(lang).split())
