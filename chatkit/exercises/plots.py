"""Axes for a lesson's plots. Title and labels stand in the lesson's data, under `[plot.NAME]`, in both languages.

Each line has a marker and dashes of its own beside its colour, and the ground is white in a dark theme, too.
matplotlib is asked for only where somebody plots: `pip install 'chatkit[lessons]'`. Where there is none, as in a
browser's own Python, `chatkit.exercises.sketch` draws.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from chatkit.exercises.questions import data
from chatkit.exercises.sketch import COLOURS, MARKERS, Sketch
from chatkit.texts import Sentence, chosen

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: fonts with Thai letters: Linux, then macOS, then Windows
THAI_FONTS = ("Loma", "Garuda", "Waree", "Noto Sans Thai", "Sarabun", "Thonburi", "Ayuthaya", "Leelawadee UI", "Tahoma")
DASHES = ("-", "--", "-.", ":", "-")


def axes(lesson: str, name: str) -> "Axes | Sketch":
    """Empty axes with the title and the labels of this plot; KeyError where the lesson has none of this name."""
    said = {part: Sentence(**each) for part, each in data(lesson)["plot"][name].items()}
    if find_spec("matplotlib") is None:
        return Sketch(**{part: label(each, has_thai=True) for part, each in said.items()})
    from cycler import cycler
    from matplotlib import pyplot

    fonts = thai_fonts()
    _, empty = pyplot.subplots(figsize=(8, 3.6), facecolor="white", layout="constrained")
    empty.set_prop_cycle(cycler(color=COLOURS) + cycler(marker=MARKERS) + cycler(linestyle=DASHES))
    for part, put in (("title", empty.set_title), ("x", empty.set_xlabel), ("y", empty.set_ylabel)):
        put(label(said[part], bool(fonts)), fontfamily=["DejaVu Sans", *fonts])
    empty.grid(alpha=0.3)
    return empty


def label(said: Sentence, has_thai: bool) -> str:
    """The words on a plot: in the language that was chosen, a line for each of both; English where no font has Thai."""
    return "\n".join(said.each(chosen() if has_thai else "en").values())


def thai_fonts() -> list[str]:
    """The first font of this machine that has Thai letters, in a list; an empty list where none has."""
    from matplotlib.font_manager import fontManager

    there = set(fontManager.get_font_names())
    return [font for font in THAI_FONTS if font in there][:1]
