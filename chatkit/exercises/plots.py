"""Axes for a lesson's plots. All words stand in the lesson's data, under `[plot.NAME]`, in both languages: the title,
the labels, and under `lines` what each line is, by the `label` that the cell gives it.

Each line has a marker and dashes of its own beside its colour, and the ground is white in a dark theme, too.
matplotlib is asked for only where somebody plots: `pip install 'chatkit[lessons]'`. Where there is none, as in a
browser's own Python, `chatkit.exercises.sketch` draws.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from chatkit.exercises.questions import data
from chatkit.exercises.sketch import Sketch, Words
from chatkit.texts import Sentence, chosen

if TYPE_CHECKING:
    from chatkit.exercises.chart import Chart

#: fonts with Thai letters: Linux, then macOS, then Windows
THAI_FONTS = ("Loma", "Garuda", "Waree", "Noto Sans Thai", "Sarabun", "Thonburi", "Ayuthaya", "Leelawadee UI", "Tahoma")


def axes(lesson: str, name: str) -> "Chart | Sketch":
    """Empty axes with the words of this plot; KeyError where the lesson has none of this name."""
    said = data(lesson)["plot"][name]
    if find_spec("matplotlib") is None:
        return Sketch(words(said, has_thai=True))
    from matplotlib import pyplot

    from chatkit.exercises.chart import Chart

    fonts = thai_fonts()
    own = {"axes_class": Chart, "words": words(said, bool(fonts)), "families": ["DejaVu Sans", *fonts]}
    _, empty = pyplot.subplots(figsize=(8, 3.6), facecolor="white", layout="constrained", subplot_kw=own)
    assert isinstance(empty, Chart)
    return empty


def words(said: dict[str, Any], has_thai: bool) -> Words:
    """The words of a plot; where no font has Thai, in English."""
    lines = {name: label(each, has_thai) for name, each in said.get("lines", {}).items()}
    title, x, y = (label(said[part], has_thai) for part in ("title", "x", "y"))
    return Words(title, x, y, lines)


def label(said: dict[str, str], has_thai: bool) -> str:
    """The words on a plot: in the language that was chosen, a line for each of both; English where no font has Thai."""
    return "\n".join(Sentence(**said).each(chosen() if has_thai else "en").values())


def thai_fonts() -> list[str]:
    """The first font of this machine that has Thai letters, in a list; an empty list where none has."""
    from matplotlib.font_manager import fontManager

    there = set(fontManager.get_font_names())
    return [font for font in THAI_FONTS if font in there][:1]
