"""The wire of some cells that a browser cannot run, recorded while their lessons run here, in real kernels.

`python -m tests.recordings` makes chatkit/tools/recordings/ anew. A test makes them, too, and asks both the same.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbclient import NotebookClient

from chatkit.messages import Ack, Hello, Msg, Send, Unknown, Welcome, decode, hear
from chatkit.tools.recorded import RECORDINGS
from chatkit.tools.surroundings import room_for
from chatkit.wire import Opcode, Recording, Transcript
from tests.needs import ROOT

NOTEBOOKS = ROOT / "notebooks"
SELF = "create_connection=recorder.client_connection"


class Tapped(NamedTuple):
    """Which connections a cell shows: those that are made where `call` stands, in this cell or one before it."""

    lesson: str
    cell: str
    call: str


TAPPED = (
    Tapped("07_many_clients_student", "twin-code", "name=student.name"),
    Tapped("07_many_clients_student", "after-code", 'name="pim", after=last'),
    Tapped("12_nothing_lost", "kill-run", 'name="Mali"'),
    Tapped("13_safe_room", "tap-run", '"wss", sealed, ssl=trusting'),
)
BEFORE = "from chatkit.wire import Recorder, Transcript\nrecorder = Recorder()"
AFTER = "for number, each in enumerate(recorder.recordings, 1):\n    Transcript(each).save(f{name!r})"


def record(folder: Path, tapped: Tapped) -> None:
    """Run a lesson as far as this cell, and its clean-up; write what its connections carried."""
    path = NOTEBOOKS / f"{tapped.lesson}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    upto = next(number for number, cell in enumerate(cells) if cell.id == tapped.cell) + 1
    here = [cell for cell in cells[:upto] if tapped.call in cell.source]
    assert len(here) == 1, f"{tapped.lesson} has no longer one cell with {tapped.call}"
    here[0].source = here[0].source.replace(tapped.call, f"{tapped.call}, {SELF}")
    name = str(folder / f"{tapped.lesson}.{tapped.cell}.{{number}}.jsonl")
    new = nbformat.v4.new_code_cell
    notebook.cells = [new(BEFORE), *cells[:upto], new(AFTER.format(name=name)), cells[-1]]
    with room_for(path):
        NotebookClient(
            notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": NOTEBOOKS}}
        ).execute()


def load(folder: Path, tapped: Tapped) -> list[Transcript]:
    files = sorted(folder.glob(f"{tapped.lesson}.{tapped.cell}.*.jsonl"))
    return [Transcript(Recording.load(file)) for file in files]


def cell(tapped: Tapped) -> dict[str, Any]:
    cells = json.loads((NOTEBOOKS / f"{tapped.lesson}.ipynb").read_text("utf-8"))["cells"]
    return next(cell for cell in cells if cell["id"] == tapped.cell)


def outputs(tapped: Tapped) -> str:
    """What the lesson has stored of the cell."""
    return "".join("".join(each.get("text") or each["data"]["text/plain"]) for each in cell(tapped)["outputs"])


def said(transcript: Transcript) -> list[Any]:
    """All text of a connection as messages of today's protocol; BadMessage where it is none."""
    found: list[Any] = []
    for item in transcript.items:
        assert item.error is None
        if item.frame and item.frame.opcode == Opcode.TEXT:
            text = item.frame.payload.decode()
            found.append(hear(text) if item.direction == "to_client" else decode(text, is_greeted=bool(found)))
    assert not any(isinstance(each, Unknown) for each in found)
    return found


def only(kind: type, messages: list[Any]) -> list[Any]:
    return [each for each in messages if isinstance(each, kind)]


def twin(stored: str, *connections: Transcript) -> None:
    [messages] = map(said, connections)
    [hello], [welcome] = only(Hello, messages), only(Welcome, messages)
    assert welcome.name != hello.name and welcome.name in stored


def missed(stored: str, *connections: Transcript) -> None:
    [messages] = map(said, connections)
    [hello] = only(Hello, messages)
    assert hello.after and str([each.text for each in only(Msg, messages)]) in stored


def killed(stored: str, *connections: Transcript) -> None:
    """The first line breaks without a Close frame; all that had no number by then comes again, and once each."""
    first, second = map(said, connections)
    assert connections[0].items[-1].kind == "end" and not closes(connections[0])
    numbered = {each.id: each.seq for each in only(Ack, first)}
    again = {each.id: each.seq for each in only(Ack, second)}
    waiting = [each.id for each in only(Send, first) if each.id not in numbered]
    assert again and set(waiting) <= {each.id for each in only(Send, second)}
    numbers = sorted((numbered | again).values())
    assert numbers == list(range(1, len(numbers) + 1)) and str(numbers[3:]) in stored


def closes(transcript: Transcript) -> bool:
    return any(frame.opcode == Opcode.CLOSE for frame in transcript.frames)


def sealed(stored: str, *connections: Transcript) -> None:
    [transcript] = connections
    assert b"I like Bob" in transcript.stream("to_client") and "ws only" in stored


HOLDS = dict(zip(TAPPED, (twin, missed, killed, sealed), strict=True))


def check(folder: Path) -> None:
    """Whether the recordings in a folder are what the lessons say; AssertionError where one is not."""
    for tapped, holds in HOLDS.items():
        holds(outputs(tapped), *load(folder, tapped))


def main() -> int:
    with tempfile.TemporaryDirectory() as fresh:
        for tapped in TAPPED:
            record(Path(fresh), tapped)
        check(Path(fresh))
        for old in RECORDINGS.glob("*.jsonl"):
            old.unlink()
        for new in sorted(Path(fresh).iterdir()):
            (RECORDINGS / new.name).write_bytes(new.read_bytes())
            print(new.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
