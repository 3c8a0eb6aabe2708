"""What views that draw a picture have in common: the picture, and where an error of theirs goes."""

import sys
import traceback

import ipywidgets as widgets

from chatkit.panels.bridge import Bridge
from chatkit.panels.display import put_out
from chatkit.texts import chosen
from chatkit.wire.ink import Drawing, page, safe


class Pictured:
    """Something drawn, live, on the loop of the cell that made it. RuntimeError outside a running event loop.

    picture: the widget that shows `drawing`; box: what the cell puts out, the picture itself or what it stands in.
    """

    def __init__(self, lang: str | None, **layout: str) -> None:
        self.lang = chosen(lang)
        self.bridge = Bridge(self.report)
        self.picture = widgets.HTML(layout={"width": "auto", **layout})
        self.box: widgets.DOMWidget = self.picture

    @property
    def drawing(self) -> Drawing:
        """What is shown now, in text and HTML."""
        raise NotImplementedError

    def report(self, error: Exception) -> None:
        """Show an error that no cell would show: in the view, and in full under the cell that made it."""
        self.picture.value = page(safe(f"⚠️ {error!r}"))
        traceback.print_exception(error, file=sys.stderr)

    def __repr__(self) -> str:
        return self.drawing.text

    def _ipython_display_(self) -> None:
        put_out(self.box, repr(self))
