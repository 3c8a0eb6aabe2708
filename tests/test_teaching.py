"""TEACHING.md: every lesson is in it, its times add up, and what it shows is what the kit says."""

import re

import pytest

from chatkit.exercises.questions import data, lessons, lessons_with_data
from chatkit.texts import say
from tests.course import in_order, minutes_of, notebook, number, told
from tests.needs import ROOT
from tests.notebook_rules import source

TEACHING = (ROOT / "TEACHING.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (.+)\n((?:(?!##).*\n)*)", TEACHING, re.MULTILINE))


@pytest.mark.parametrize("name", lessons())
def test_each_lesson_has_its_section_with_both_tables_of_answers(name: str) -> None:
    title, _, _ = told(name)
    section = SECTIONS[f"{number(name)} {title}" if name[0].isdigit() else str(title)]
    assert {"**Watch for:**", "**จุดที่ต้องดู:**"} <= set(re.findall(r"\*\*[^*]+:\*\*", section))
    assert section.count("**Prepare:**") == section.count("**เตรียม:**") >= name[0].isdigit()
    if name in lessons_with_data():
        for lang in ("en", "th"):
            assert f"<!-- answers {name} {lang} -->\n| " in section


def test_the_sections_stand_in_the_order_of_the_course() -> None:
    wanted = [number(name) for name in lessons() if name[0].isdigit()]
    assert [found for heading in SECTIONS if (found := heading.split()[0]).isdigit()] == wanted


def test_the_ways_take_what_their_names_promise() -> None:
    short, half_a_day, term = (minutes_of(way) for way in data("course")["way"])
    assert short <= 95 and half_a_day <= 4 * 60 < term


def test_a_way_goes_through_lessons_in_their_order_and_misses_none_that_it_builds_on() -> None:
    for way in data("course")["way"]:
        until = list(way.get("until", lessons()))
        assert until == [name for name in lessons() if name in until]
        for name in until:
            assert set(data("course")["needs"].get(name, ())) <= set(until), name


def test_what_a_lesson_builds_on_comes_before_it() -> None:
    names = in_order()
    needs = data("course")["needs"]
    assert names[1:] == [name for name in names if name in needs]
    assert [name for name in needs if any(names.index(each) >= names.index(name) for each in needs[name])] == []


def test_the_first_period_has_fifty_minutes_in_both_languages() -> None:
    section = TEACHING.split("\n## A first period")[1].split("\n## ")[0]
    rows = [(int(start), int(end)) for start, end in re.findall(r"^\| (\d+)–(\d+) \|", section, re.MULTILINE)]
    english, thai = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    assert english == thai and english[0][0] == 0 and english[-1][1] == 50
    assert all(start < end for start, end in english)
    assert [end for _, end in english[:-1]] == [start for start, _ in english[1:]]


def test_the_check_of_receipts_says_what_is_shown() -> None:
    line = "line 2: Nok CK-02-W9GV-AKMY"
    assert f"❌ {line}: {say('receipt_copied', name='Mali').en}" in TEACHING
    assert say("receipt_line", line=2, who="Nok ", code="CK-02-W9GV-AKMY").en == line
    assert say("receipt_sum", count=2, false=1).en in TEACHING


def test_the_index_names_the_lessons_of_each_way() -> None:
    index = "".join(source(cell) for cell in notebook("index")[:2])
    for way in data("course")["way"][:2]:
        numbers = ", ".join(map(number, way["until"]))
        for lang in ("en", "th"):
            assert re.search(rf"^- {way['title'][lang]}: (?:\D* )?{numbers}\b", index, re.MULTILINE), way["title"][lang]
