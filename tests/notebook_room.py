"""A pytest plugin for nbval: each notebook runs in the surroundings that its author executed it in."""

from collections.abc import Generator
from contextlib import ExitStack

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from chatkit.tools.surroundings import room_for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Compare every cell. nbval takes a cell without an execution count for one that never ran; ours have none."""
    for item in items:
        if isinstance(item, IPyNbCell) and item.cell.execution_count is None:
            item.cell.execution_count = 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Make the room before a notebook's first cell starts the kernel; it ends with the notebook."""
    notebook = item.parent
    if not isinstance(notebook, IPyNbFile) or notebook.kernel is not None:
        return (yield)
    with ExitStack() as room:
        room.enter_context(room_for(notebook.path))
        result = yield
        notebook.addfinalizer(room.pop_all().close)
    return result
