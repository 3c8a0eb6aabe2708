"""Chromium and JupyterLab for the tests here: one JupyterLab for all, one browser a module, a fresh page for each test.

Playwright lives on one event loop, so a module that uses `page` says:

    pytestmark = pytest.mark.asyncio(loop_scope="module")
"""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.lab import Lab
from tests.browser.phones import NewPhone, Phone, own_origins
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


@pytest_asyncio.fixture(loop_scope="module")
async def phone(browser: Browser) -> AsyncIterator[NewPhone]:
    """Makes phones; at the end none of them may have complained or asked for anything but its own server."""
    phones: list[Phone] = []

    async def new(locale: str = "en-US", **options: Any) -> Phone:
        options = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True, **options}
        context = await browser.new_context(locale=locale, **options)
        phones.append(Phone(await context.new_page()))
        return phones[-1]

    yield new
    for each in phones:
        await each.page.context.close()
    for each in phones:
        assert each.complaints == []
        assert {re.sub(r"^(\w+://[^/]+).*", r"\1", url) for url in each.requests} <= own_origins(each.page.url)
