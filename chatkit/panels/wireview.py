"""A look at the wire under a cell, live while the chat goes on. All that it draws comes from `chatkit.wire`."""

import asyncio
import sys
import traceback
from typing import Any

import ipywidgets as widgets

from chatkit.panels.bridge import Bridge
from chatkit.texts import chosen, say
from chatkit.wire.draw import draw_frame, draw_handshake, draw_sequence, draw_table
from chatkit.wire.drawing import Drawing, page, safe
from chatkit.wire.frames import WireError
from chatkit.wire.recorder import Recorder
from chatkit.wire.recording import Chunk, Recording, Session

PAUSE = 0.1  # seconds between two drawings: Jupyter drops messages over 1,000 a second
SESSION = {"handshake": draw_handshake, "sequence": draw_sequence, "table": draw_table}
FIT = {"layout": widgets.Layout(width="max-content"), "style": {"description_width": "initial"}}  # else Thai is cut


class WireView:
    """What is on the wire, by hand and as code. RuntimeError outside a running event loop.

        view = WireView(recording)
        view.show("table")
        view.show(frame=3)
        view.mask(on=True)

    source: a Recording, live or loaded; or a Recorder, and the view follows its newest connection.
    lang:   "en", "th" or "both"; None takes $CHATKIT_LANG, else both.
    """

    def __init__(self, source: Recording | Recorder, lang: str | None = None) -> None:
        self.bridge = Bridge(self.report)
        self.lang = chosen(lang)
        self.source = source
        self.due: asyncio.TimerHandle | None = None
        self.drawn = 0.0  # when the last drawing went out, in seconds of the loop's clock
        choices = [(say(f"wire_show_{what}").in_(self.lang), what) for what in (*SESSION, "frame")]
        self.what = widgets.ToggleButtons(options=choices, value="sequence", style={"button_width": "max-content"})
        self.number = widgets.BoundedIntText(1, min=1, max=1, description=say("wire_show_frame").in_(self.lang), **FIT)
        self.masked = widgets.Checkbox(False, description=say("wire_show_mask").in_(self.lang), indent=False, **FIT)
        self.picture = widgets.HTML()
        self.box = widgets.VBox([self.what, widgets.HBox([self.number, self.masked]), self.picture])
        self.recording = source if isinstance(source, Recording) else Recording()
        if isinstance(source, Recorder):
            source.on_recording.append(self.hear_of)
            self.recording = source.recordings[-1] if source.recordings else self.recording
        self.follow(self.recording)
        for control in (self.what, self.number, self.masked):
            control.observe(self.chosen, "value")

    def show(self, what: str = "frame", *, frame: int | None = None) -> None:
        """Show "handshake", "sequence", "table", or a frame by its number. WireError where there is no such frame."""
        if frame is not None:
            self.session.update()
            if not 1 <= frame <= len(self.session.frames):
                raise WireError("number", number=frame, count=len(self.session.frames))
            self.number.max = len(self.session.frames)
            self.number.value = frame
        self.what.value = what

    def mask(self, on: bool) -> None:
        """Show a frame's payload as it travelled (on), or what was meant (off)."""
        self.masked.value = on

    def close(self) -> None:
        """Stop following. What is shown stays."""
        self.let_go()
        if isinstance(self.source, Recorder):
            self.source.on_recording.remove(self.hear_of)

    def follow(self, recording: Recording) -> None:
        """Show this connection from now on."""
        self.let_go()
        self.recording, self.session = recording, Session(recording)
        recording.on_chunk.append(self.heard)
        self.draw()

    def let_go(self) -> None:
        if self.heard in self.recording.on_chunk:
            self.recording.on_chunk.remove(self.heard)

    # What comes from a connection or from the page, perhaps on another thread.

    def hear_of(self, recording: Recording) -> None:
        self.bridge.call(self.follow, recording)

    def heard(self, _chunk: Chunk) -> None:
        self.bridge.call(self.redraw)

    def chosen(self, _change: object) -> None:
        self.bridge.call(self.draw)

    # On the loop only.

    def redraw(self) -> None:
        """Draw at once, or when the pause since the last drawing is over."""
        if self.due is None:
            self.due = self.bridge.later(max(0.0, self.drawn + PAUSE - self.bridge.loop.time()), self.draw)

    def draw(self) -> None:
        self.due, self.drawn = None, self.bridge.loop.time()
        self.picture.value = self.drawing.html
        self.number.max = max(1, len(self.session.frames))

    @property
    def drawing(self) -> Drawing:
        """What is shown now, in text and HTML."""
        self.session.update()
        if self.what.value in SESSION:
            return SESSION[self.what.value](self.session, self.lang)
        if not self.session.frames:
            empty = say("wire_empty").in_(self.lang)
            return Drawing(empty, page(safe(empty)))
        return draw_frame(self.session.frames[self.number.value - 1], self.lang, self.masked.value)

    def report(self, error: Exception) -> None:
        """Show an error that no cell would show: in the view, and in full under the cell that made it."""
        self.picture.value = page(safe(f"⚠️ {error!r}"))
        traceback.print_exception(error, file=sys.stderr)

    def __repr__(self) -> str:
        return self.drawing.text

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        text = {"text/plain": repr(self)}
        return ({**self.box._repr_mimebundle_(), **text} if self.box.comm else text), {}
