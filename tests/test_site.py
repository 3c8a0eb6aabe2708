"""What the pages in a browser are made of: exact files, the same versions as elsewhere, and a stick that starts."""

import re
import socket
import struct
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from IPython.display import HTML
from packaging.utils import canonicalize_name

from chatkit.exercises import guess
from chatkit.exercises.result import Shown
from chatkit.texts import say, sentences
from chatkit.tools import recorded, site
from chatkit.wire import Recording
from tests import notebook_rules as rules, recordings
from tests.needs import ROOT

LITE = ROOT / "lite"
FILES = sorted(recorded.RECORDINGS.iterdir())


def locked(name: str) -> dict[str, str]:
    """A lock file as {canonical name: version}; each line has a hash."""
    lines = [line for line in (LITE / name).read_text("utf-8").splitlines() if not line.startswith("#")]
    found = [re.fullmatch(r"([\w.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}", line) for line in lines]
    assert all(found), lines
    return {canonicalize_name(each[1]): each[2] for each in found if each}


def test_the_browser_gets_the_versions_that_the_suite_runs_with() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = {
        canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines) if version
    }
    both = {**locked("kernel.txt"), **locked("site.txt")}
    differ = {name: (version, pins[name]) for name, version in both.items() if pins.get(name, version) != version}
    assert differ == {}


def test_a_wheel_is_listed_with_what_it_gives_and_needs(tmp_path: Path) -> None:
    wheel = tmp_path / "Some_Kit-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("some_kit/__init__.py", "")
        archive.writestr("single.py", "")
        needs = ["anywidget>=0.11", "psutil; sys_platform != 'emscripten'", "pytest; extra == 'test'"]
        said = "".join(f"Requires-Dist: {need}\n" for need in needs)
        archive.writestr("some_kit-1.0.dist-info/METADATA", f"Name: Some_Kit\nVersion: 1.0\n{said}")
    entry = site.entry_of(wheel)
    assert (entry["name"], entry["imports"], entry["depends"]) == ("some-kit", ["single", "some_kit"], ["anywidget"])


def test_a_stick_has_the_pages_and_a_start_for_each_system(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    (pages / "lab").mkdir(parents=True)
    (pages / "index.html").write_text("สวัสดี", "utf-8")
    (pages / "lab" / "app.mjs").write_text("", "utf-8")
    (pages / "python.wasm").write_bytes(bytes(10_000_000))
    with ZipFile(site.pack(pages, tmp_path / "stick.zip")) as archive:
        archive.extractall(tmp_path)
        runs = {name: archive.getinfo(f"chatkit/{name}").external_attr >> 16 & 0o111 for name in site.STICK}
    assert runs["start-linux.sh"] and runs["start-macos.command"]
    command = [sys.executable, str(tmp_path / "chatkit" / "serve.py"), "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, encoding="utf-8") as server:
        assert server.stdout and server.stderr
        address = re.findall(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())[0]
        with urllib.request.urlopen(address) as page, urllib.request.urlopen(f"{address}lab/app.mjs") as script:
            assert (page.read().decode(), script.headers["Content-Type"]) == ("สวัสดี", "text/javascript")
        for _ in range(5):
            closed_while_it_loads(address)
        with urllib.request.urlopen(address) as page:
            assert page.status == 200
        server.terminate()
        assert server.stderr.read() == ""


def closed_while_it_loads(address: str) -> None:
    port = int(address.rpartition(":")[2].strip("/"))
    with socket.create_connection(("127.0.0.1", port)) as browser:
        browser.sendall(b"GET /python.wasm HTTP/1.0\r\n\r\n")
        assert browser.recv(100)
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, with no goodbye


async def test_a_cell_that_cannot_run_says_why_and_plays_back_what_it_gave(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(recorded, "display", lambda data, raw: shown.append(data["text/plain"] if raw else data))
    came = repr(Shown((say("guess_came", came="one"),)))
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]},
        {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["E: e"]},
        {"output_type": "execute_result", "data": {"text/plain": [came]}, "metadata": {}},
        {"output_type": "execute_result", "data": {"text/plain": ["1", "3"]}, "metadata": {}},
    ]
    source = "start()\ng1.saw(2)"
    monkeypatch.setattr(recorded, "recordings", lambda: {source: recorded.Recorded("x.y", "process", outputs)})
    g1 = guess("How many?", "none", "one").pick(1)
    await recorded.replay(source, {"g1": g1})
    assert "second program" in shown[0] and "โปรแกรมที่สอง" in shown[0] and shown[2] == "13"
    assert "none" in repr(shown[1]) and "one" in repr(shown[1]) and g1.came == 2
    assert capsys.readouterr().out == "one\ntwo\nE: e\n"


async def test_a_line_is_played_back_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(recorded, "display", lambda data, raw=False: shown.append(data["text/plain"] if raw else data))
    await recorded.replay_lines("12_nothing_lost.kill-run")
    said, first, second = shown
    assert said == str(say("lite_wire"))
    for number, view in enumerate((first, second), 1):
        stored = Recording.load(recorded.RECORDINGS / f"12_nothing_lost.kill-run.{number}.jsonl")
        assert view.recording.chunks == stored.chunks


def test_every_recording_belongs_to_a_cell_that_needs_it() -> None:
    cells = {f"{tapped.lesson}.{tapped.cell}" for tapped in recordings.TAPPED}
    assert {file.name.rsplit(".", 2)[0] for file in recorded.RECORDINGS.iterdir()} == cells
    assert all(rules.tags(recordings.cell(tapped)) & rules.NEEDS for tapped in recordings.TAPPED)
    assert not any(re.search(rules.MACHINE_PATH, str(each.chunks)) for each in map(Recording.load, FILES))


def test_the_recordings_are_what_the_lessons_say() -> None:
    recordings.check(recorded.RECORDINGS)


@pytest.mark.parametrize("tapped", recordings.TAPPED, ids=lambda tapped: tapped.cell)
def test_a_lesson_that_runs_today_gives_such_a_recording(tapped: recordings.Tapped, tmp_path: Path) -> None:
    recordings.record(tmp_path, tapped)
    recordings.HOLDS[tapped](recordings.outputs(tapped), *recordings.load(tmp_path, tapped))


def test_instead_of_a_page_that_would_find_no_server_stands_a_sentence() -> None:
    """In the lessons' own HTML; nothing else is changed."""
    for frame in (
        '<iframe src="http://127.0.0.1:1/" width="9"></iframe>',
        '<iframe srcdoc="ws://127.0.0.1:1"></iframe>',
    ):
        shown = recorded.without_frames(HTML(f"<p>{frame} {frame}</p>"))
        assert shown.count("📵") == 2 and "iframe" not in shown
    assert recorded.without_frames(HTML(own := "<p><iframe srcdoc='hi'></iframe></p>")) == own


def test_whatever_a_cell_can_need_has_its_sentence() -> None:
    keys = {key.removeprefix("lite_").replace("_", "-") for key in sentences("en") if key.startswith("lite_needs_")}
    assert keys == rules.NEEDS
