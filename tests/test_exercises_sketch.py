"""Plots where there is no matplotlib: what the lessons ask of axes is drawn, in both languages, without colour, too."""

import ast
import json
import re
from xml.etree import ElementTree

import pytest

from chatkit.exercises import axes, plots
from chatkit.exercises.sketch import Sketch, Words
from tests.needs import ROOT


def drawn(sketch: Sketch) -> ElementTree.Element:
    """The picture, which must be well-formed."""
    return ElementTree.fromstring(sketch._repr_html_())


def empty() -> Sketch:
    lines = {"kit": "kit: waits for nobody\nkit: ไม่รอใคร"}
    return Sketch(Words("How long\nนานเท่าใด", "picture\nรูปที่", "seconds\nวินาที", lines))


def words(sketch: Sketch) -> list[str]:
    return [each.text or "" for each in drawn(sketch).iter("text")]


def test_axes_are_a_sketch_where_there_is_no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATKIT_LANG", raising=False)
    monkeypatch.setattr(plots, "find_spec", lambda name: None)
    sketch = axes("05_everyone", "stall")
    assert isinstance(sketch, Sketch)
    assert {"seconds until Bob has it", *sketch.y.splitlines()} <= set(words(sketch)) and len(
        sketch.y.splitlines()
    ) == 2


def test_points_stand_where_they_belong_and_the_line_has_its_name() -> None:
    sketch = empty()
    sketch.plot([0, 10, 20], [0.0, 5.0, 10.0], label="<gather>")
    [line] = drawn(sketch).iter("polyline")
    (x0, y0), (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in line.attrib["points"].split())
    assert x0 < x1 < x2 and y0 > y1 > y2 and round(x1 - x0 - (x2 - x1)) == 0
    assert "<gather>" in words(sketch)


def test_the_names_of_the_lines_are_in_both_languages_and_below_each_other() -> None:
    sketch = empty()
    sketch.plot([0, 1], [0, 1], label="kit")
    sketch.plot([0, 1], [1, 0], label="own")
    beside = {each.text: float(each.attrib["y"]) for each in drawn(sketch).iter("text") if each.get("font-size")}
    assert list(beside) == ["kit: waits for nobody", "kit: ไม่รอใคร", "own"]
    assert list(beside.values()) == sorted(set(beside.values()))


def test_lines_differ_without_colour() -> None:
    sketch = empty()
    for number in range(4):
        sketch.plot([0, 1], [number, number + 1])
    assert len({line.attrib["stroke-dasharray"] for line in drawn(sketch).iter("polyline")}) == 4
    shapes = [each.attrib["d"] for each in drawn(sketch).iter("path") if "transform" in each.attrib]
    assert len(shapes) == 8 and len(set(shapes)) == 4


def test_a_scale_of_powers_leaves_out_what_has_no_power() -> None:
    sketch = empty()
    sketch.loglog([1, 10, 100], [0, 0.1, 10], label="kit")
    assert {"1", "10", "100", "0.1"} <= set(words(sketch))
    [line] = drawn(sketch).iter("polyline")
    assert len(line.attrib["points"].split()) == 2
    sketch.set_yscale("linear")
    [line] = drawn(sketch).iter("polyline")
    assert len(line.attrib["points"].split()) == 3


def test_bars_marks_and_ticks_of_ones_own() -> None:
    sketch = empty()
    sketch.barh(["มะลิ", "Bob"], [1, 3])
    sketch.set_xticks([0, 3], ["none", "all"])
    sketch.axvline(2)
    assert {"มะลิ", "Bob", "none", "all"} <= set(words(sketch))
    short, long = (each.attrib["points"].split()[-1] for each in drawn(sketch).iter("polyline"))
    assert float(short.split(",")[0]) < float(long.split(",")[0])


def test_an_empty_plot_and_one_point_are_drawn() -> None:
    assert drawn(empty()) is not None
    sketch = empty()
    sketch.plot(3, 0.5, label="one", linestyle="none")
    assert list(drawn(sketch).iter("polyline")) == [] and "one: 0.5 … 0.5" in repr(sketch)


def test_whatever_a_lesson_asks_of_its_axes_is_there() -> None:
    asked = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and "needs-plots" not in cell["metadata"].get("tags", ()):
                names = set(re.findall(r"^(\w+) = axes\(", source, re.MULTILINE))
                for node in ast.walk(ast.parse(re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE))) if names else ():
                    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
                        asked.add(node.attr)
    assert {"plot", "legend"} <= asked
    assert [name for name in sorted(asked) if not hasattr(Sketch, name)] == []
