"""Plots of a lesson: labelled in the reader's languages, told apart without colour, white in a dark theme."""

from collections.abc import Iterator

import matplotlib
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb

from chatkit.exercises import axes, plots
from chatkit.exercises.questions import data, lessons_with_data
from chatkit.texts import Sentence

matplotlib.use("agg")
SAID = Sentence("seconds", "วินาที")


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
        axes(lesson, name).figure.canvas.draw()


def test_five_lines_differ_without_colour_on_white() -> None:
    empty = axes("05_everyone", "ways")
    lines = [empty.plot([0, 1], [0, number])[0] for number in range(5)]
    assert len({line.get_marker() for line in lines}) == 5
    assert len({line.get_color() for line in lines}) == 5
    assert to_rgb(empty.figure.get_facecolor()) == (1, 1, 1)


def test_a_plot_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        axes("05_everyone", "nothing")
