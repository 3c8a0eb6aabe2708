"""WireView: live, slow enough for Jupyter, the same picture by hand and as code, and text where there is no widget."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from chatkit import connect, serve
from chatkit.panels import display
from chatkit.panels.display import PAUSE
from chatkit.panels.wireview import WireView
from chatkit.wire import Chunk, Recorder, Recording, WireError, encode_frame

UPGRADE = b"\r\nUpgrade: websocket\r\n\r\n"


def recording_of(*payloads: str) -> Recording:
    recording = Recording()
    recording.append(Chunk("to_server", 0.0, b"GET / HTTP/1.1" + UPGRADE))
    for payload in payloads:
        recording.append(Chunk("to_server", 0.1, encode_frame(1, payload, mask=b"abcd")))
    return recording


async def until(true: Callable[[], bool]) -> None:
    """Wait for what the loop is about to do; TimeoutError after two seconds."""
    async with asyncio.timeout(2):
        while not true():  # noqa: ASYNC110 -- a picture has no event
            await asyncio.sleep(0.01)


async def test_it_shows_the_chat_while_it_goes_on() -> None:
    recorder = Recorder()
    async with serve("127.0.0.1", 0, create_connection=recorder.server_connection) as server:
        view = WireView(recorder, "en")
        assert "nothing recorded yet" in view.picture.value
        async with connect(server.uri, name="Mali") as chat:
            await chat.send("สวัสดี <b>")
            await until(lambda: "สวัสดี &lt;b&gt;" in view.picture.value)
            view.show("handshake")
            await until(lambda: "✓ equal" in view.picture.value)
            async with connect(server.uri, name="Somchai"):
                await until(lambda: view.recording is recorder.recordings[1])
        await server.stop()
    view.close()
    assert not recorder.on_recording and not view.recording.on_chunk


async def test_it_draws_at_most_ten_times_a_second() -> None:
    recording = recording_of()
    view = WireView(recording)
    drawn = []
    view.picture.observe(lambda change: drawn.append(change["new"]), "value")
    begin = view.bridge.loop.time()
    for number in range(100):
        recording.append(Chunk("to_server", number / 1000, encode_frame(1, f"line {number}.", mask=b"abcd")))
        await asyncio.sleep(0)
    await until(lambda: "line 99." in view.picture.value)
    assert len(drawn) <= (view.bridge.loop.time() - begin) / PAUSE + 1


async def test_verbs_and_controls_show_the_same() -> None:
    view = WireView(recording_of("one", "สวัสดี"), "en")
    view.show(frame=2)
    await until(lambda: "6 code points, 18 bytes" in view.picture.value)
    assert (view.what.value, view.number.value) == ("frame", 2)
    view.mask(on=True)
    await until(lambda: "XOR key" in view.picture.value)
    by_code = view.picture.value
    view.show("table")
    await until(lambda: "<table>" in view.picture.value)
    # A subshell's thread: the front end pressed a button.
    presses = threading.Thread(target=lambda: setattr(view.what, "value", "frame"))
    presses.start()
    await until(lambda: view.picture.value == by_code)
    presses.join()


async def test_a_frame_that_is_not_there_is_said_so() -> None:
    view = WireView(recording_of("one"))
    with pytest.raises(WireError, match="no frame 2; 1 "):
        view.show(frame=2)
    assert WireView(Recording(), "en").show("frame") is None


async def test_without_widgets_it_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, str]] = []
    monkeypatch.setattr(display, "display", lambda data, **_: shown.append(data))
    view = WireView(recording_of("one", "two"), "en")
    for what, seen in (("sequence", "▶"), ("table", "content"), ("handshake", "GET /"), ("frame", "masking key")):
        view.show(what)
        view._ipython_display_()
        assert seen in repr(view) == shown[0]["text/plain"]
        shown.clear()


async def test_an_error_is_shown_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    view = WireView(Recording())
    view.bridge.call(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    await until(lambda: "ZeroDivisionError" in view.picture.value)
    assert "ZeroDivisionError" in capsys.readouterr().err
