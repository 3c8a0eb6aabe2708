"""The grid of a class: everybody's ticks, whoever is stuck first, wherever the server lives."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chatkit import serve
from chatkit.labs.store import Tick
from chatkit.panels import LabGrid, ServerPanel
from chatkit.panels.background import NotRunning
from chatkit.texts import say
from tests.chat import wait_until
from tests.labs.tools import Postman, using
from tests.labs.walks import lab_2, lab_8


@pytest.fixture(params=["on this loop", "on a thread of its own"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    if request.param == "on this loop":
        async with serve(port=0) as running:
            yield running
    else:
        panel = ServerPanel(port=0)
        await panel.start()
        yield panel
        await panel.close()


async def test_ticks_come_as_they_are_made(server: Any) -> None:
    grid = LabGrid(server, "en")
    assert repr(grid) == say("labgrid_nobody").en
    async with using(Postman, server.uri, "Mali") as mali, using(Postman, server.uri, "น้ำใจ") as namjai:
        code = await lab_2(mali)
        await grid.done("Mali", 2)
        line = await namjai.open(namjai.target(2))
        for _ in range(4):
            await line.send("hi")
        await wait_until(lambda: "✗4" in repr(grid))
    rows = repr(grid).splitlines()
    assert rows[0].split() == ["Name", *map(str, range(1, 16))]
    assert re.split(r"\s{2,}", rows[1]) == ["น้ำใจ", "0/3 ✗4"]  # stuck, so first
    assert re.split(r"\s{2,}", rows[2]) == ["Mali", "✅"]
    assert [receipt.code for receipt in grid.receipts()] == [code]
    assert grid.check(f"Mali,{code}") == [f"✅ line 1: Mali {code}"]
    assert grid.check(f"Nok,{code}")[0].startswith("❌")
    grid.close()


async def test_what_was_done_before_is_there_from_the_start(server: Any) -> None:
    async with using(Postman, server.uri) as mali:
        await lab_8(mali)
    grid = LabGrid(server)
    await grid.done("Mali", 8)
    assert "✅" in grid.picture.value
    grid.close()


async def test_the_page_is_drawn_soon_after_a_tick(server: Any) -> None:
    grid = LabGrid(server, "th")
    async with using(Postman, server.uri) as mali:
        await lab_2(mali)
        await wait_until(lambda: "✅</td>" in grid.picture.value)
    assert say("labgrid_legend", stuck=3).th in grid.picture.value
    grid.close()


async def test_a_name_is_text(server: Any) -> None:
    grid = LabGrid(server)
    grid.take([Tick("<script>alert(1)</script>", 1, 0, 5, 0.0)])
    assert "<script>" not in grid.drawing.html
    grid.close()


async def test_the_stuck_come_first_then_the_alphabet() -> None:
    async with serve(port=0) as server:
        grid = LabGrid(server, "en")
        grid.take([Tick(name, lab, 0, tries, 0.0) for name, lab, tries in [
            ("A", 1, 0), ("B", 1, 3), ("C", 1, 3), ("C", 2, 9), ("D", 3, 2),
        ]])  # fmt: skip
        assert [row.split()[0] for row in repr(grid).splitlines()[1:5]] == ["C", "B", "A", "D"]
        grid.close()


async def test_waiting_for_a_lab_that_nobody_does_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.panels.labgrid.WAIT", 0.01)
    async with serve(port=0) as server:
        grid = LabGrid(server)
        with pytest.raises(TimeoutError):
            await grid.done("Mali", 2)
        grid.close()


async def test_a_grid_needs_a_server() -> None:
    panel = ServerPanel(port=0)
    with pytest.raises(NotRunning):
        LabGrid(panel)
    await asyncio.sleep(0)
    await panel.close()
