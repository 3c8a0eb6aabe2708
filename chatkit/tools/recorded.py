"""What cannot run in a browser's own Python: it has no other program, no thread and no other computer.

In its lesson such a cell has a tag that says what it needs (`needs-process`, `needs-room`, `needs-thread`,
`needs-tls`, `needs-plots`: matplotlib itself). In a browser it says so in a sentence, and plays back what it gave on a
computer: that is stored in the lesson. A guess that it settles is settled by that, too. Where something went over a
line that is worth seeing, `recordings/` has the true bytes, and `Recording.replay` lets them come again; for the other
cells (a certificate is made, an error comes before a byte is sent) what they put out is all there is to see. A cell
that somebody changed runs as it is, and fails there as it must.
"""

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from IPython.core.getipython import get_ipython
from IPython.display import HTML, display

from chatkit.texts import say

RECORDINGS = Path(__file__).with_name("recordings")
LONGEST = 2.0  # seconds that the replay of one connection takes, at most
FRAMES = re.compile(r"(?:<iframe\b[^>]*(?:127\.0\.0\.1|localhost)[^>]*></iframe>\s*)+")


class Recorded(NamedTuple):
    """A cell by `lesson.id`; what it needs, and its stored outputs as the notebook format has them."""

    cell: str
    needs: str
    outputs: list[dict[str, Any]]


@cache
def recordings() -> dict[str, Recorded]:
    """Every tagged cell of the course that the kit carries, by its source."""
    found = {}
    for file in files("chatkit").joinpath("course", "notebooks").iterdir():
        lesson, _, kind = file.name.rpartition(".")
        for cell in json.loads(file.read_text("utf-8"))["cells"] if kind == "ipynb" else ():
            for tag in cell["metadata"].get("tags", ()):
                if tag.startswith("needs-"):
                    needs = tag.removeprefix("needs-")
                    found["".join(cell["source"]).strip()] = Recorded(f"{lesson}.{cell['id']}", needs, cell["outputs"])
    return found


def play_back() -> None:
    """From now on this kernel plays back what it cannot do; `import chatkit` calls this in a browser."""

    def instead(lines: list[str]) -> list[str]:
        source = "".join(lines).strip()
        if source not in recordings():
            return lines
        return [f"await __import__({__name__!r}, fromlist='*').replay({source!r}, globals())\n"]

    shell = get_ipython()
    if shell and shell.display_formatter:
        shell.input_transformers_cleanup.append(instead)
        shell.display_formatter.formatters["text/html"].for_type(HTML, without_frames)


async def replay(source: str, names: dict[str, Any]) -> None:
    """Say what a cell needs, and show what it gave where it had that. names: what the notebook has made so far."""
    recorded = recordings()[source]
    show(say(f"lite_needs_{recorded.needs}"))
    for output in recorded.outputs:
        if output["output_type"] == "stream":
            print("".join(output["text"]), end="")
        elif output["output_type"] == "error":
            print("\n".join(output["traceback"]))
        else:
            data = {kind: "".join(part) for kind, part in output["data"].items()}
            settled = settle(source, names, data.get("text/plain", ""))
            display(data if settled is None else settled, raw=settled is None)
    await replay_lines(recorded.cell)


def show(said: Any) -> None:
    display({"text/html": said.html(tag="p"), "text/plain": str(said)}, raw=True)


def settle(source: str, names: dict[str, Any], outcome: str) -> Any:
    """Settle the guess that a cell ends with by its stored outcome; None where there is none."""
    asked = re.search(r"^(\w+)\.saw\(", source, re.MULTILINE)
    guess = names.get(asked[1]) if asked else None
    if guess is not None:
        for value, choice in zip(guess.values, guess.choice.choices, strict=True):
            if say("guess_came", came=choice).en in outcome.splitlines():
                return guess.saw(value)
    return None


async def replay_lines(cell: str) -> None:
    """Let the bytes of each connection that was recorded in a cell come again, at their pace or in LONGEST seconds."""
    from chatkit.panels.wireview import WireView  # widgets are imported where one is shown
    from chatkit.wire.recording import Recording

    for number, file in enumerate(sorted(RECORDINGS.glob(f"{cell}.*.jsonl"))):
        if not number:
            show(say("lite_wire"))
        recording = Recording.load(file)
        view = WireView(Recording(recording.side))
        display(view)
        await recording.replay(view.recording, speed=max(1.0, recording.chunks[-1].time / LONGEST))


def without_frames(shown: HTML) -> str:
    """HTML as it is, with a sentence where pages would talk to a server of this kernel: they find none."""
    return FRAMES.sub(lambda _: say("lite_no_page").html(tag="p"), str(shown.data))
