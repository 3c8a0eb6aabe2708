"""Plots of a lesson: labelled in the reader's languages, told apart without colour, white in a dark theme."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb

from chatkit.exercises import axes, plots
from chatkit.exercises.questions import data, lessons_with_data
from tests.needs import ROOT

matplotlib.use("agg")
SAID = {"en": "seconds", "th": "วินาที"}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def test_labels_are_in_both_languages_or_in_the_chosen_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATKIT_LANG", raising=False)
    assert plots.label(SAID, has_thai=True) == "seconds\nวินาที"
    monkeypatch.setenv("CHATKIT_LANG", "th")
    assert plots.label(SAID, has_thai=True) == "วินาที"


def test_no_empty_boxes_where_no_font_has_thai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_LANG", "th")
    monkeypatch.setattr(plots, "THAI_FONTS", ("No Such Font",))
    empty = axes("05_everyone", "stall")
    assert empty.get_ylabel() == "seconds until Bob has it"
    empty.figure.canvas.draw()  # a letter that no font has would warn, and a warning is an error here


def test_every_letter_of_every_plot_is_in_a_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATKIT_LANG", raising=False)
    every = [(lesson, name) for lesson in lessons_with_data() for name in data(lesson).get("plot", {})]
    assert {lesson for lesson, _ in every} >= {"01_why_not_http", "05_everyone"}
    for lesson, name in every:
        chart = axes(lesson, name)
        for line in data(lesson)["plot"][name].get("lines", {}):
            chart.plot([0, 1], [0, 1], label=line)
        legend = chart.legend()
        chart.figure.canvas.draw()
        assert legend.get_window_extent().x1 <= chart.figure.bbox.x1, f"{lesson}, {name}: cut"
        assert chart.get_window_extent().width > chart.figure.bbox.width / 2, f"{lesson}, {name}: no room for the plot"


def test_the_legend_is_in_both_languages_and_covers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATKIT_LANG", raising=False)
    chart = axes("05_everyone", "pile")
    chart.plot([0, 1], [0, 1], label="gather")
    chart.plot([0, 1], [1, 0], label="a line of one's own")
    chart.legend()
    chart.figure.canvas.draw()
    words = [each.get_text() for each in chart.get_legend().get_texts()]
    assert words == ["gather: waits for the phone\ngather: รอโทรศัพท์", "a line of one's own"]
    frame, legend = chart.get_window_extent(), chart.get_legend().get_window_extent()
    assert frame.x1 <= legend.x0 and legend.x1 <= chart.figure.bbox.x1


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_each_line_in_a_legend_of_a_lesson_is_explained(path: Path) -> None:
    """What a cell gives as `label` has its words in both languages."""
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        code = "".join(cell["source"]) if cell["cell_type"] == "code" else ""
        asked = re.search(r'axes\("(\w+)", "(\w+)"\)', code)
        if asked and ".legend(" in code:
            named = data(asked[1])["plot"][asked[2]].get("lines", {})
            assert named, f"{cell['id']}: its legend is in one language"
            drawn = re.findall(r'label="([^"{]+)"', code)
            assert set(drawn) <= set(named), cell["id"]


def test_five_lines_differ_without_colour_on_white() -> None:
    empty = axes("05_everyone", "ways")
    lines = [empty.plot([0, 1], [0, number])[0] for number in range(5)]
    assert len({line.get_marker() for line in lines}) == 5
    assert len({line.get_color() for line in lines}) == 5
    assert to_rgb(empty.figure.get_facecolor()) == (1, 1, 1)


def test_a_plot_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        axes("05_everyone", "nothing")
