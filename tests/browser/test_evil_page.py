"""Lesson 13's evil page is a real one: in a reader's own browser it gets the diary, and at the checked door nothing."""

import json

import pytest
from playwright.async_api import Page, expect

from tests.browser.lab import Lab
from tests.needs import ROOT, need_chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")


def sources(*wanted: str) -> list[str]:
    """The lesson's own code cells, by their ids."""
    cells = json.loads((ROOT / "notebooks" / "13_safe_room.ipynb").read_text("utf-8"))["cells"]
    code = {cell["id"]: "".join(cell["source"]) for cell in cells}
    return [code[each] for each in wanted]


@need_chromium
async def test_a_page_in_the_notebook_reads_the_diary_until_somebody_looks_at_its_origin(lab: Lab, page: Page) -> None:
    await page.set_viewport_size({"width": 1366, "height": 681})
    cells = sources("setup", "diary-code", "knock-code", "page-code", "origin-code", "rebind-run")
    notebook = await lab.open(page, lab.write("evil.ipynb", *cells))
    await notebook.run_all()
    frames = page.locator("iframe[sandbox=allow-scripts]")
    await expect(frames).to_have_count(2)
    for number, wanted in enumerate(("😈 null reads: I like Bob", "⛔ no way in · เข้าไม่ได้")):
        await expect(frames.nth(number).content_frame.locator("p")).to_have_text(wanted)
