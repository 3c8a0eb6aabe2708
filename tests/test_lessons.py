"""The lessons as a learner leaves them: all open at once, each beside the servers of the others, and nothing after."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from chatkit.exercises.questions import lessons
from tests import notebook_rules as rules

FOLDER = rules.ROOT / "notebooks"
INDEX = FOLDER / "index.ipynb"
#: in the order of the course: the teacher before the student
LESSONS = [FOLDER / f"{name}.ipynb" for name in lessons()]

#: What a kernel has besides its cells: prints it as JSON. It waits a little for what is just ending.
PROBE = """
async def probe(before):
    import asyncio, json, psutil, threading
    me, here = psutil.Process(), asyncio.current_task()
    for _ in range(100):
        found = {
            "tasks": [task.get_coro().__qualname__ for task in asyncio.all_tasks() if task is not here],
            "ports": [each.laddr.port for each in me.net_connections("tcp") if each.status == "LISTEN"],
            "threads": [each.name for each in threading.enumerate()
                        if not each.name.startswith("asyncio_") and not type(each).__module__.startswith("zmq.")],
            "processes": [each.name() for each in me.children(recursive=True)],
        }
        more = {what: [each for each in seen if each not in before.get(what, seen)] for what, seen in found.items()}
        if not any(more.values()):
            break
        await asyncio.sleep(0.05)
    print(json.dumps([found, more]))
await probe(BEFORE)
"""


class Open:
    """A lesson in a kernel of its own, cell by cell."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        notebook = nbformat.read(path, as_version=4)
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        self.client = NotebookClient(notebook, timeout=120, kernel_name="python3", store_widget_state=False)
        self.before: dict[str, list[Any]] = {}

    async def run(self, cells: list[Any]) -> None:
        """Run these cells; CellExecutionError where one breaks that should not."""
        for cell in cells:
            await self.client.async_execute_cell(cell, self.client.nb.cells.index(cell))

    async def probe(self) -> dict[str, list[Any]]:
        """What is there now and was not there at the beginning."""
        cell = nbformat.v4.new_code_cell(PROBE.replace("BEFORE", repr(self.before)))
        self.client.nb.cells.append(cell)
        await self.run([cell])
        printed = [output.text for output in cell.outputs if output.output_type == "stream"]
        now, more = json.loads(printed[-1])
        self.before = self.before or now
        return {what: seen for what, seen in more.items() if seen}


async def test_every_lesson_runs_while_all_others_are_open_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("CHATKIT_PORT", str(probe.getsockname()[1]))
    monkeypatch.setenv("CHATKIT_HOME", str(tmp_path))
    async with AsyncExitStack() as kernels:
        opened = [Open(path) for path in (INDEX, *LESSONS)]
        for lesson in opened:
            await kernels.enter_async_context(lesson.client.async_setup_kernel(cwd=str(FOLDER)))
            await lesson.probe()
            await lesson.run([cell for cell in lesson.cells if "clean-up" not in rules.tags(cell)])
        left = {}
        for lesson in reversed(opened):
            await lesson.run([cell for cell in lesson.cells if "clean-up" in rules.tags(cell)])
            left[lesson.name] = await lesson.probe()
    assert not {name: more for name, more in left.items() if more}


# --- the index ------------------------------------------------------------------------------------------------------


def rows(cell: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Link and minutes of each row of a table."""
    yield from re.findall(r"^\| \[[^]]+\]\((\w+\.ipynb)\) \|.*\| (\d+) \|$", rules.source(cell), re.MULTILINE)


def test_the_course_has_every_notebook() -> None:
    assert set(LESSONS) == {*FOLDER.glob("[0-9]*.ipynb"), *FOLDER.glob("project*.ipynb")}


def test_index_shows_each_lesson_with_the_minutes_that_the_lesson_says_itself() -> None:
    index = json.loads(INDEX.read_text("utf-8"))
    for is_of_the_language in (rules.is_english, rules.is_thai):
        shown = dict(row for cell in index["cells"] if is_of_the_language(cell) for row in rows(cell))
        assert list(shown) == [path.name for path in LESSONS]
        for name, minutes in shown.items():
            way = rules.source(json.loads((FOLDER / name).read_text("utf-8"))["cells"][0])
            assert f"{minutes} min · {minutes} นาที" in way, name
            assert lessons()[name.removesuffix(".ipynb")]["minutes"] == int(minutes), name


def test_each_lesson_leads_to_the_next_one() -> None:
    for path, following in pairwise(LESSONS):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        for cell in (cells[0], cells[-2], cells[-1]):
            assert following.name in rules.links(rules.source(cell)), (path.stem, cell["id"])
