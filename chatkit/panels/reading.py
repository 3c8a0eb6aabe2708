"""A switch for the language in which a notebook is read: English, Thai, or both as it is written.

An extra. Where a front end shows widgets in frames of their own (VS Code), the notebook stays as it is: both show.

Beside it the cell puts out a style for the whole page: what no kernel knows any more says so, and what to do.
"""

import json
import re
from pathlib import Path

import anywidget
import traitlets
from IPython.display import display

from chatkit.panels.display import bundle, script
from chatkit.texts import chosen, say

HERE = Path(__file__).parent


class ReadingSwitch(anywidget.AnyWidget):
    """Three buttons: English, ไทย, both. The choice belongs to the reader and stays in the browser.

    lang: what is chosen where the reader has not yet chosen: "en", "th" or "both"; None takes $CHATKIT_LANG, else both.
    patience: seconds; where the kernel is busy for longer, a bar says what to do if nobody meant that. No watchdog of
              ours can do more about one endless call into C, such as `sum(range(10**12))`: no Python runs meanwhile.
    """

    _esm = script("reading.js")
    _css = HERE / "reading.css"
    label = traitlets.Unicode().tag(sync=True)
    lang = traitlets.Unicode().tag(sync=True)
    busy = traitlets.Dict().tag(sync=True)
    patience = traitlets.Float(30.0).tag(sync=True)

    def __init__(self, lang: str | None = None) -> None:
        super().__init__(label=say("panel_read_in").in_(), lang=chosen(lang), busy=say("panel_busy").each())

    def __repr__(self) -> str:
        return "ReadingSwitch()"

    def _ipython_display_(self) -> None:
        display(bundle(self, repr(self)), raw=True)
        display({"text/html": lost_style()}, raw=True)


def lost_style() -> str:
    """The style that stays on a page after its kernel has gone: in place of JupyterLab's error it says what to do."""
    style = re.sub(r"/\*.*?\*/\s*", "", (HERE / "lost.css").read_text("utf-8"), flags=re.DOTALL)
    for lang, text in say("panel_lost").each().items():
        style = style.replace(f'content: "{lang}"', f"content: {json.dumps(f'⚠️ {text}', ensure_ascii=False)}")
    return f"<style>\n{style}</style>"
