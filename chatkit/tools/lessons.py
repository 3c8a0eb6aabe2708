"""For authors of notebooks, inside the project's folder: new, stamp, execute, check.

    python -m chatkit.tools.lessons new     notebooks/03_x.ipynb   a skeleton that keeps every rule
    python -m chatkit.tools.lessons stamp   notebooks/03_x.ipynb   Thai cells get id and hash of the English cell above
    python -m chatkit.tools.lessons execute notebooks/03_x.ipynb   run in a fresh kernel; keep what any machine shows
    python -m chatkit.tools.lessons check   notebooks/03_x.ipynb   every rule of tests/notebook_rules.py, then nbval

`stamp` says that the Thai was looked at again: run it after looking, not instead.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from chatkit.tools.copies import KIT
from chatkit.tools.surroundings import room_for

__all__ = ["METADATA", "WIDGET_VIEW", "check", "execute", "hash_of", "new", "stamp"]

SKELETON = Path(__file__).with_name("skeleton.ipynb")

#: notebook metadata, the same on every machine
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

#: one notebook under the rules, and under nbval as `make test` does it, wherever the notebook lies
RULES = [sys.executable, "-m", "tests.notebook_rules"]
NBVAL = [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", "-p", "tests.notebook_room"]

PORT = re.compile(r"(localhost|127\.0\.0\.1):\d{4,5}\b")  # a lesson's own server takes a free one
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
#: what differs between machines in a traceback, and what is kept instead
SCRUB = ((r"Cell In ?\[\d+\]", "Cell In[ ]"), (r"(?<![\w:/])(?:~|[A-Z]:)?(?:[/\\][\w.+-]+)+[/\\](?=[\w-]+\.py)", ""))


def hash_of(cell: Any) -> str:
    """Short hash of a cell's source, kept in its Thai twin."""
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def load(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def save(notebook: Any, path: Path) -> None:
    nbformat.validate(notebook)
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


def stamp(path: Path) -> None:
    """Name and hash the English cell in each Thai cell (known by its `<div lang="th"`), and drop stray metadata."""
    notebook = load(path)
    above: Any = None
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith('<div lang="th"') and above is not None:
            cell.metadata["chatkit"] = {"of": above.id, "hash": hash_of(above)}
        above = cell
    clean(notebook)
    save(notebook, path)


def execute(path: Path) -> None:
    """Run every cell in a fresh kernel and keep what is the same everywhere."""
    notebook = load(path)
    with room_for(path) as port:
        client = NotebookClient(
            notebook, timeout=60, kernel_name="python3", store_widget_state=False, record_timing=False,
            coalesce_streams=True, resources={"metadata": {"path": str(path.parent)}},
        )  # fmt: skip
        client.execute()
    clean(notebook, port)
    save(notebook, path)


def clean(notebook: Any, port: int = 8765) -> None:
    """Drop counts, widget views, colours, paths and metadata that belong to one machine; the port becomes 8765."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in ("tags", "chatkit") and v})
        if cell.cell_type == "code":
            cell.execution_count = None
            keeps = "no-output" not in cell.metadata.get("tags", ())  # else it is another one on each machine
            cell.outputs = [cleaned(output, port) for output in cell.outputs if keeps]


def cleaned(output: Any, port: int) -> Any:
    if output.output_type == "execute_result":
        output.execution_count = None
    if output.output_type == "error":
        output.traceback = [scrub(line) for line in output.traceback]
    output.get("data", {}).pop(WIDGET_VIEW, None)
    text = json.dumps(output, ensure_ascii=False)
    return nbformat.from_dict(json.loads(PORT.sub(r"\1:8765", re.sub(rf"\b{port}\b", "8765", text))))


def scrub(line: str) -> str:
    line = COLOUR.sub("", line)
    for pattern, kept in SCRUB:
        line = re.sub(pattern, kept, line)
    return line


def check(path: Path) -> int:
    """Print every complaint; nbval follows where there is none."""
    steps = (subprocess.run([*step, str(path.resolve())], cwd=KIT.parent, check=False) for step in (RULES, NBVAL))
    return next((step.returncode for step in steps if step.returncode), 0)


def new(path: Path) -> None:
    """A skeleton in both languages that keeps every rule: replace its words, keep its shape."""
    if path.exists():
        sys.exit(f"{path} is there already")
    shutil.copyfile(SKELETON, path)
    stamp(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("new", "stamp", "execute", "check"))
    parser.add_argument("notebook", type=Path, nargs="+")
    given = parser.parse_args()
    verb = {"new": new, "stamp": stamp, "execute": execute, "check": check}[given.verb]
    return max(verb(path) or 0 for path in given.notebook)


if __name__ == "__main__":
    sys.exit(main())
