"""The pages of the projects, in real browsers: the notebooks' own cells serve them, two phones use them."""

import ast
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.needs import ROOT, need_chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

Run = Callable[[str], Awaitable[None]]
Visit = Callable[[dict[str, Any]], Awaitable[Page]]
INK = "() => pen.getImageData(0, 0, 1000, 1000).data.some(Boolean)"


@asynccontextmanager
async def project(name: str, *wanted: str) -> AsyncIterator[tuple[dict[str, Any], Run]]:
    """A project's names after these of its code cells, the last of which serves the page; and how to run another."""
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
    cells = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"}
    cells["setup"] = cells["setup"].removesuffix("ReadingSwitch()")  # a widget wants a kernel
    names: dict[str, Any] = {}

    async def run(cell: str) -> None:
        code = compile(cells[cell], cell, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if inspect.isawaitable(waiting := eval(code, names)):
            await waiting

    for cell in ("setup", *wanted):
        await run(cell)
    try:
        yield names, run
    finally:
        await run("clean-up")


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Open the served page on a phone of its own, and wait until it is connected; no script on it may fail."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    async def open_page(names: dict[str, Any]) -> Page:
        context = await browser.new_context(viewport={"width": 360, "height": 740})
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"http://{names['host']}:{names['port']}/")
        await page.wait_for_function("() => ws.readyState === 1")
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert errors == []


@need_chromium
async def test_two_hands_draw_one_picture_and_a_late_one_sees_it(visit: Visit) -> None:
    pages = ("canvas-html", "canvas-draw", "canvas-hand", "canvas-line", "canvas-page")
    cells = ("stroke-code", *pages, "history-code", "draw-serve")
    async with project("project_board", *cells) as (names, run):
        ann, bob = await visit(names), await visit(names)
        await ann.mouse.move(100, 100)
        await ann.mouse.down()
        await ann.mouse.move(200, 300, steps=40)
        await ann.mouse.up()
        await bob.wait_for_function(INK)
        assert await ann.evaluate(INK)
        late = await visit(names)
        await late.wait_for_function(INK)
        await run("draw-circle")  # a program that never reads: so much is there already that its client would stop
        await late.get_by_role("button").click()
        await bob.wait_for_function(f"() => !({INK})()")


@need_chromium
async def test_two_phones_answer_a_quiz_and_see_the_board(visit: Visit) -> None:
    pages = ("phones-html", "phones-script", "phones-button", "phones-show", "phones-listen", "phones-serve")
    cells = ("game-state", "handler-code", "thirty-tools", *pages, "play-serve")
    async with project("project_quiz", *cells) as (names, run):
        ann, bob = await visit(names), await visit(names)
        for page, name in ((ann, "Ann"), (bob, "<b>Bob</b>")):
            await page.get_by_role("textbox").fill(name)
            await page.get_by_role("textbox").press("Enter")
            await expect(page.locator("body")).to_contain_text(f"✓ {name}")
        await names["until"](lambda: len(names["players"]) == 2)
        await run("play-ask")
        await ann.get_by_role("button", name="56").click()
        await expect(bob.locator("p")).to_have_text("✋ 1")
        await bob.get_by_role("button", name="54").click()
        await expect(ann.locator("p")).to_have_text("✋ 2")
        await run("play-reveal")
        for page in (ann, bob):
            await expect(page.locator("p")).to_have_text("Ann: 1 · <b>Bob</b>: 0")


@need_chromium
async def test_a_phone_shows_the_last_reading(visit: Visit) -> None:
    cells = ("feed-tools", "feed-code", "feed-thermometer", "live-thermometer", "phone-page", "phone-function")
    async with project("project_sensor", *cells, "phone-serve") as (names, run):
        page = await visit(names)
        await run("phone-run")
        *_, last = names["temperatures"](60)
        await expect(page.locator("h1")).to_have_text(f"{last} °C")


@need_chromium
async def test_everybody_presses_one_counter(visit: Visit) -> None:
    cells = ("page-handler", "page-html", "page-function", "page-serve")
    async with project("project", *cells) as (names, _):
        ann, bob = await visit(names), await visit(names)
        await ann.get_by_role("button").click()
        await expect(bob.get_by_role("button")).to_have_text("1")
        await bob.get_by_role("button").click()
        await expect(ann.get_by_role("button")).to_have_text("2")
