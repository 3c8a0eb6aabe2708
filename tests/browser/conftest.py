"""Chromium and JupyterLab for the tests here: one JupyterLab for all, one browser a module, a fresh page for each test.

Playwright lives on one event loop, so a module that uses `page` says:

    pytestmark = pytest.mark.asyncio(loop_scope="module")
"""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.lab import Lab
from tests.needs import CHROMIUM, CHROMIUM_ARGS

expect.set_options(timeout=10_000)  # milliseconds; a machine that runs a test suite is a slow one


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running JupyterLab; write notebooks into it with `lab.write`, open them with `lab.open`."""
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of 1280 x 900 pixels, with cookies and storage of its own."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    await page.close()
