"""WireView in the real JupyterLab: live, by hand, and nothing in a message becomes part of the page."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.lab import Lab
from tests.needs import need_chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

CELLS = (
    "from chatkit import connect, serve\n"
    "from chatkit.panels.wireview import WireView\n"
    "from chatkit.wire import Recorder\n"
    "recorder = Recorder()\n"
    "server = await serve(port=0, rate=0)\n"
    "chat = await connect(server.uri, name='Mali', plain=True, create_connection=recorder.client_connection)\n"
    "view = WireView(recorder, {lang!r})\n"
    "view",
    "for text in ['สวัสดี', '<img src=x onerror=document.title=1>', '</script><b>', '\\u202eabc\\u200b', 'ก' * 4000]:\n"
    "    await chat.send(text)",
)


@need_chromium
@pytest.mark.parametrize("lang", ["en", "th"])
async def test_the_wire_is_seen_live_and_as_text(lab: Lab, page: Page, lang: str) -> None:
    cells = [cell.replace("{lang!r}", repr(lang)) for cell in CELLS]
    notebook = await lab.open(page, lab.write(f"wire_{lang}.ipynb", *cells))
    await notebook.run_all()
    picture = page.locator(".chatkit-wire").first
    await expect(picture).to_contain_text("สวัสดี")
    await expect(picture).to_contain_text("<img src=x onerror=document.title=1>")
    await expect(picture).to_contain_text("</script><b>")
    await expect(picture).to_contain_text(r"\u202eabc\u200b")
    assert await picture.locator("img, script").count() == 0
    assert await page.title() != "1"
    buttons = page.locator(".widget-toggle-buttons button")
    await buttons.nth(0).click()
    await expect(picture).to_contain_text("✓")
    await buttons.nth(2).click()
    await expect(picture.locator("table")).to_be_visible()
    await buttons.nth(3).click()
    await expect(picture).to_contain_text("U+0E2A")
    await page.get_by_role("checkbox").last.check()
    await expect(picture).to_contain_text("XOR")
    for button in await buttons.all():  # no word is cut off
        assert await button.evaluate("b => b.scrollWidth <= b.clientWidth + 1")
