"""Panels and views in one row of a notebook, so that both are on the screen at once."""

import ipywidgets as widgets

from chatkit.panels.display import put_out
from chatkit.panels.panel import Panel
from chatkit.panels.wireview import WireView

# Below this width the second one goes under the first.
ROW = {"flex_flow": "row wrap", "align_items": "flex-start", "grid_gap": "0 8px"}
SHARE = {"flex": "1 1 340px", "width": "auto", "min_width": "0"}


class Row:
    """Several widgets in a row of a page. box: the ipywidgets box that holds them."""

    def __init__(self, children: list[widgets.DOMWidget], shown_as: str) -> None:
        self.shown_as = shown_as
        self.box = widgets.HBox(children, layout=ROW)

    def __repr__(self) -> str:
        return self.shown_as

    def _ipython_display_(self) -> None:
        put_out(self.box, repr(self))


def side_by_side(*panels: Panel | WireView) -> Row:
    """The panels in one row: `side_by_side(mali, somchai)`, or a panel and a WireView."""
    children = [panel.view if isinstance(panel, Panel) else panel.box for panel in panels]
    for child in children:
        for name, value in SHARE.items():
            setattr(child.layout, name, value)
    names = [repr(panel) if isinstance(panel, Panel) else "WireView()" for panel in panels]
    return Row(children, f"side_by_side({', '.join(names)})")
