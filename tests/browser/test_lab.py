"""The panels in the real JupyterLab, with its default settings, driven as a reader does."""

import pytest
from playwright.async_api import Page

from tests.browser.lab import Lab
from tests.needs import need_chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

TWO_PANELS = (
    "from chatkit.panels import ChatPanel, ServerPanel",
    "server = ServerPanel(0)\nawait server.start()\nserver",
    "mali = ChatPanel(server.uri, name='mali')\nmali",
    "somchai = ChatPanel(server.uri, name='somchai')\nsomchai",
)


@need_chromium
async def test_thai_typed_into_one_panel_shows_in_the_other(lab: Lab, page: Page) -> None:
    notebook = await lab.open(page, lab.write("two.ipynb", *TWO_PANELS))
    await notebook.run_all()
    mali, somchai = notebook.panel("mali"), notebook.panel("somchai")
    await mali.is_open()
    await mali.type("สวัสดี ผู้ใหญ่บ้านที่น้ำปี๊บ")
    await somchai.shows("mali: สวัสดี ผู้ใหญ่บ้านที่น้ำปี๊บ")
    await mali.shows("สวัสดี ผู้ใหญ่บ้านที่น้ำปี๊บ")
    await somchai.type("hello")
    await mali.shows("somchai: hello")
    await page.screenshot(path="/tmp/two.png")
