"""How far a cell is: a widget in a notebook that goes when the loop is over, a line of text elsewhere."""

import sys
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from chatkit.exercises import bar, progress_bar


@pytest.fixture(autouse=True)
def every_step_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar, "PAUSE", 0.0)
    monkeypatch.delenv("CHATKIT_LANG", raising=False)


def test_it_gives_the_items_and_says_how_far_it_is_where_there_is_no_notebook(capsys: Any) -> None:
    assert list(progress_bar(letter for letter in "abc")) == ["a", "b", "c"]
    *drawn, end = capsys.readouterr().out.split("\r")[1:]
    assert [drawn, end] == [["⏳ 0 of 3 · 0 จาก 3"] * 2 + ["⏳ 1 of 3 · 1 จาก 3"], "⏳ 2 of 3 · 2 จาก 3\n"]


def test_it_speaks_the_chosen_language(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_LANG", "th")
    assert list(progress_bar([])) == []
    assert capsys.readouterr().out == "\r⏳ 0 จาก 0\n"


def test_what_is_quicker_than_a_page_is_not_drawn(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar, "PAUSE", 1e9)
    assert len(list(progress_bar(range(10_000)))) == 10_000
    assert capsys.readouterr().out.count("\r") == 1


def test_no_widgets_are_needed(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert list(progress_bar("a")) == ["a"]
    assert "0 of 1" in capsys.readouterr().out


# --- in a real kernel -----------------------------------------------------------------------------------------------

BEFORE = """
from chatkit.exercises import bar, progress_bar
from ipywidgets.widgets.widget import _instances as there
bar.PAUSE = 0

def values():
    return [each.value for each in there.values() if type(each).__name__ in ("IntProgress", "HTML")]
"""
WHOLE = "for step in progress_bar('ab'):\n    print(values())\nprint(values())"
BROKEN_OFF = "for step in progress_bar('ab'):\n    break\nprint(values())"


def outputs(*cells: str) -> list[Any]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (BEFORE, *cells)])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return [output for cell in notebook.cells for output in cell.outputs]


def test_in_a_notebook_it_is_a_widget_that_goes_whose_text_may_be_compared() -> None:
    shown, printed, shown_again, left = outputs(WHOLE, BROKEN_OFF)
    assert shown.data["text/plain"] == "⏳ This takes a moment; steps: 2 · ⏳ ใช้เวลาสักครู่ จำนวนขั้น: 2"
    assert "application/vnd.jupyter.widget-view+json" in shown.data
    first, second, after = printed.text.splitlines()
    assert first.startswith("[0, ") and "0 of 2" in first and "0 จาก 2" in first
    assert second.startswith("[1, ") and "1 of 2" in second
    assert after == left.text.strip() == "[]"
    assert shown_again.data["text/plain"] == shown.data["text/plain"]
