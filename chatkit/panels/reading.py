"""A switch for the language in which a notebook is read: English, Thai, or both as it is written.

An extra. Where a front end shows widgets in frames of their own (VS Code), the notebook stays as it is: both show.
"""

from pathlib import Path

import anywidget
import traitlets

from chatkit.texts import chosen, say


class ReadingSwitch(anywidget.AnyWidget):
    """Three buttons: English, ไทย, both. The choice belongs to the reader and stays in the browser.

    lang: what is chosen where the reader has not yet chosen: "en", "th" or "both"; None takes $CHATKIT_LANG, else both.
    """

    _esm = Path(__file__).with_name("reading.js")
    _css = Path(__file__).with_name("reading.css")
    label = traitlets.Unicode().tag(sync=True)
    lang = traitlets.Unicode().tag(sync=True)

    def __init__(self, lang: str | None = None) -> None:
        super().__init__(label=say("panel_read_in").in_(), lang=chosen(lang))

    def __repr__(self) -> str:
        return "ReadingSwitch()"
