"""Cells that cannot run in a browser's own Python: it has no other program, no thread and no other computer.

In its lesson such a cell has a tag that says what it needs (`needs-process`, `needs-room`, `needs-thread`,
`needs-tls`, `needs-plots`: matplotlib itself). In a browser it says so in a sentence, and plays back what it gave on a
computer: that is stored in the lesson. A cell that somebody changed runs as it is, and fails there as it must.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from IPython.core.getipython import get_ipython
from IPython.display import display

from chatkit.texts import say


class Recorded(NamedTuple):
    """What a cell needs, and its stored outputs as the notebook format has them."""

    needs: str
    outputs: list[dict[str, Any]]


@cache
def recordings() -> dict[str, Recorded]:
    """Every tagged cell of the course that the kit carries, by its source."""
    found = {}
    for file in files("chatkit").joinpath("course", "notebooks").iterdir():
        if file.name.endswith(".ipynb"):
            for cell in json.loads(file.read_text("utf-8"))["cells"]:
                for tag in cell["metadata"].get("tags", ()):
                    if tag.startswith("needs-"):
                        found["".join(cell["source"]).strip()] = Recorded(tag.removeprefix("needs-"), cell["outputs"])
    return found


def play_back() -> None:
    """From now on this kernel plays back those cells; `import chatkit.exercises` calls this in a browser."""

    def instead(lines: list[str]) -> list[str]:
        source = "".join(lines).strip()
        return [f"__import__({__name__!r}, fromlist='*').replay({source!r})\n"] if source in recordings() else lines

    if shell := get_ipython():
        shell.input_transformers_cleanup.append(instead)


def replay(source: str) -> None:
    """Say what a cell needs, and show what it gave where it had that."""
    recorded = recordings()[source]
    said = say(f"lite_needs_{recorded.needs}")
    display({"text/html": said.html(tag="p"), "text/plain": str(said)}, raw=True)
    for output in recorded.outputs:
        if output["output_type"] == "stream":
            print("".join(output["text"]), end="")
        elif output["output_type"] == "error":
            print("\n".join(output["traceback"]))
        else:
            display({kind: "".join(part) for kind, part in output["data"].items()}, raw=True)
