"""A look at the wire under a cell, live while the chat goes on. All that it draws comes from `chatkit.wire`."""

import ipywidgets as widgets

from chatkit.panels.display import HIDE_ABSENT, Pacer
from chatkit.panels.picture import Pictured
from chatkit.texts import say
from chatkit.wire.frames import WireError
from chatkit.wire.ink import Drawing, page, safe
from chatkit.wire.pictures import draw_frame, draw_handshake, draw_sequence, draw_table
from chatkit.wire.recorder import Recorder
from chatkit.wire.recording import Chunk, Recording
from chatkit.wire.transcript import Transcript

WHOLE = {"handshake": draw_handshake, "sequence": draw_sequence, "table": draw_table}
GROWING = ("sequence", "table")  # what is new stands at their end
# Low enough that a panel fits on the screen above or below it.
WINDOW = {"max_height": "45vh", "overflow": "auto", "display": "flex", "flex_flow": "column"}
STYLE = f"<style>{HIDE_ABSENT.format('.chatkit-wire')}</style>"
FIT = {"layout": widgets.Layout(width="max-content"), "style": {"description_width": "initial"}}  # else Thai is cut


class WireView(Pictured):
    """What is on the wire, by hand and as code. RuntimeError outside a running event loop.

        view = WireView(recording)
        view.show("table")
        view.show(frame=3)
        view.mask(on=True)

    source: a Recording, live or loaded; or a Recorder, and the view follows its newest connection.
    lang:   "en", "th" or "both"; None takes $CHATKIT_LANG, else both.
    """

    def __init__(self, source: Recording | Recorder, lang: str | None = None) -> None:
        super().__init__(lang, display="block", flex="none")
        self.source = source
        self.pacer = Pacer(self.bridge, self.draw)
        choices = [(say(f"wire_show_{what}").in_(self.lang), what) for what in (*WHOLE, "frame")]
        self.what = widgets.ToggleButtons(options=choices, value="sequence", style={"button_width": "max-content"})
        self.number = widgets.BoundedIntText(1, min=1, max=1, description=say("wire_show_frame").in_(self.lang), **FIT)
        self.masked = widgets.Checkbox(False, description=say("wire_show_mask").in_(self.lang), indent=False, **FIT)
        self.window = widgets.Box([self.picture], layout=WINDOW)
        controls = widgets.HBox([self.number, self.masked], layout={"flex_flow": "row wrap"})
        self.box = widgets.VBox([self.what, controls, self.window])
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
            self.transcript.update()
            if not 1 <= frame <= len(self.transcript.frames):
                raise WireError("number", number=frame, count=len(self.transcript.frames))
            self.number.max = len(self.transcript.frames)
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
        self.recording, self.transcript = recording, Transcript(recording)
        recording.on_chunk.append(self.heard)
        self.pacer.now()

    def let_go(self) -> None:
        if self.heard in self.recording.on_chunk:
            self.recording.on_chunk.remove(self.heard)

    # What comes from a connection or from the page, perhaps on another thread.

    def hear_of(self, recording: Recording) -> None:
        self.bridge.call(self.follow, recording)

    def heard(self, _chunk: Chunk) -> None:
        self.bridge.call(self.pacer.soon)

    def chosen(self, _change: object) -> None:
        self.bridge.call(self.pacer.now)

    # On the loop only.

    def draw(self) -> None:
        self.picture.value = STYLE + self.drawing.html
        # A column in reverse stays at its end as it grows, or where the reader scrolled to.
        self.window.layout.flex_flow = "column-reverse" if self.what.value in GROWING else "column"
        self.number.max = max(1, len(self.transcript.frames))

    @property
    def drawing(self) -> Drawing:
        """What is shown now, in text and HTML."""
        self.transcript.update()
        if self.what.value in WHOLE:
            return WHOLE[self.what.value](self.transcript, self.lang)
        if not self.transcript.frames:
            empty = say("wire_empty").in_(self.lang)
            return Drawing(empty, page(safe(empty)))
        return draw_frame(self.transcript.frames[self.number.value - 1], self.lang, self.masked.value)
