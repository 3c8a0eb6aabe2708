"""The course to read, in a real browser: on a phone, in the dark, on paper, and with the internet cut off."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route

from tests.needs import ROOT, need_chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


@need_chromium
async def test_no_page_asks_for_anything_and_each_fits_a_phone(browser: Browser, book: Path) -> None:
    context = await browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark", is_mobile=True)
    asked, complaints, wide = [], [], {}

    async def only_files(route: Route) -> None:
        asked.append(route.request.url)
        await (route.continue_() if route.request.url.startswith("file:") else route.abort())

    await context.route("**/*", only_files)
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    pages = [book / lang / f"{name}.html" for lang in ("en", "th") for name in (*LESSONS, "glossary")]
    for each in pages:
        await page.goto(each.as_uri())
        width = await page.evaluate("document.documentElement.scrollWidth")
        if width > 360:
            wide[each.name] = width
    await context.close()
    assert (complaints, wide) == ([], {})
    assert asked == [each.as_uri() for each in pages]


@need_chromium
async def test_a_reader_walks_from_lesson_to_lesson_and_into_the_other_language(browser: Browser, book: Path) -> None:
    page = await browser.new_page()
    await page.goto((book / "th" / "index.html").as_uri())
    await page.locator('main a[href="02_await.html"]').first.click()
    await page.locator('main a[href="03_server_and_client.html"]').first.click()
    await page.locator("nav a[hreflang]").click()
    assert page.url == (book / "en" / "03_server_and_client.html").as_uri()
    await page.locator('main a[href^="glossary.html"]').first.click()
    assert await page.locator("html").get_attribute("lang") == "en"
    await page.close()


@need_chromium
async def test_dark_is_dark_and_paper_is_light_with_every_fold_open(browser: Browser, book: Path) -> None:
    page = await browser.new_page(color_scheme="dark")
    await page.goto((book / "th" / "02_await.html").as_uri())
    ground = "getComputedStyle(document.body).backgroundColor"
    assert sum(map(int, re.findall(r"\d+", await page.evaluate(ground)))) < 150
    assert not await page.locator("details.ran p").first.is_visible()
    await page.emulate_media(media="print")
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert sum(map(int, re.findall(r"\d+", await page.evaluate(ground)))) > 700
    assert await page.locator("details.ran p").first.is_visible()
    await page.close()


@need_chromium
async def test_on_paper_nothing_is_cut_and_what_is_drawn_with_grounds_is_there(browser: Browser, book: Path) -> None:
    page = await browser.new_page(viewport={"width": 687, "height": 950})  # A4 within the margins, at 96 dots an inch
    await page.emulate_media(media="print")
    cut = {}
    for each in [book / lang / f"{name}.html" for lang in ("en", "th") for name in (*LESSONS, "glossary")]:
        await page.goto(each.as_uri())
        await page.evaluate("dispatchEvent(new Event('beforeprint'))")
        wide = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 4)"
        if found := await page.evaluate(f"{wide}.map(e => e.outerHTML.slice(0, 200))"):
            cut[f"{each.parent.name}/{each.stem}"] = found
    assert cut == {}
    await page.goto((book / "th" / "02_await.html").as_uri())
    bars = page.locator(".chatkit-timeline [style*=left]")
    adjusted = "each => getComputedStyle(each).printColorAdjust"
    assert {await bar.evaluate(adjusted) for bar in await bars.all()} == {"exact"}
    await page.close()
