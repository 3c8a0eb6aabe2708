"""matplotlib's axes with the words of a lesson on them. Imported only where matplotlib is: see `axes` in `plots`."""

from typing import Any

from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.legend import Legend

from chatkit.exercises.sketch import COLOURS, MARKERS, Words

DASHES = ("-", "--", "-.", ":", "-")
BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "frameon": False, "labelspacing": 0.9}


class Chart(Axes):
    """Empty axes with their title and labels; `families` are fonts, the next one for a letter that one has not."""

    def __init__(self, *place: Any, words: Words, families: list[str], **given: Any) -> None:
        super().__init__(*place, **given)
        self.names, self.families = words.lines, families
        self.set_prop_cycle(cycler(color=COLOURS) + cycler(marker=MARKERS) + cycler(linestyle=DASHES))
        self.set_title(words.title, fontfamily=families)
        self.set_xlabel(words.x, fontfamily=families)
        self.set_ylabel(words.y, fontfamily=families)
        self.grid(alpha=0.3)

    def legend(self, *_: Any, **__: Any) -> Legend:
        """What each line is, in the reader's languages, right of the frame, where it covers nothing."""
        lines, names = self.get_legend_handles_labels()
        said = [self.names.get(name, name) for name in names]
        return super().legend(lines, said, prop={"family": self.families, "size": 9}, **BESIDE)
