"""The panels in the real JupyterLab, with its default settings, driven as a reader does."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator

import nbformat
import pytest
import pytest_asyncio
import zxingcpp
from playwright.async_api import Browser, Page, expect

from chatkit.addresses import free_port
from tests.browser.lab import RUN_TIMEOUT, Lab, OpenNotebook
from tests.needs import ROOT, need_chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

THAI = "สวัสดี ผู้ใหญ่บ้านที่น้ำปี๊บ"
IMPORT = "from chatkit.panels import ChatPanel, ServerPanel"
SERVE = "server = ServerPanel({port}, rate=0)\nawait server.start()\nserver"
MALI = "mali = ChatPanel({uri}, name='mali')\nmali"
SOMCHAI = "somchai = ChatPanel({uri}, name='somchai')\nsomchai"


def two_panels(uri: str = "server.uri", port: int = 0) -> list[str]:
    return [IMPORT, *(cell.format(uri=uri, port=port) for cell in (SERVE, MALI, SOMCHAI))]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(lab: Lab, browser: Browser) -> AsyncIterator[OpenNotebook]:
    """A notebook with a server, mali and somchai: loading the page takes longer than most tests here."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    yield await lab.open(page, lab.write("two.ipynb", *two_panels(port=free_port())))
    await page.close()


@pytest_asyncio.fixture(loop_scope="module")
async def two(opened: OpenNotebook) -> OpenNotebook:
    """That notebook with every cell run again: fresh panels and an empty room, whatever the test before did to it."""
    await opened.run_all()
    for name in ("mali", "somchai"):
        await opened.panel(name).is_open()
    return opened


@need_chromium
async def test_thai_typed_into_one_panel_shows_in_the_other_and_after_a_reload(two: OpenNotebook) -> None:
    mali, somchai = two.panel("mali"), two.panel("somchai")
    await mali.type(THAI)
    await somchai.shows(f"mali: {THAI}")
    await expect(mali.box).to_have_value("")
    await somchai.type("hello")
    await mali.shows("somchai: hello")
    await two.save()
    await two.load()
    await mali.shows(THAI)
    await mali.shows("somchai: hello")
    await mali.type("still here")
    await somchai.shows("mali: still here")


@need_chromium
async def test_two_notebooks_in_two_kernels_chat_both_ways(lab: Lab, page: Page, browser: Browser) -> None:
    port = free_port()
    uri = f"'ws://localhost:{port}'"
    teacher = await lab.open(page, lab.write("teacher.ipynb", *two_panels(port=port)[:2], MALI.format(uri=uri)))
    await teacher.run_all()
    context = await browser.new_context()
    student = await lab.open(await context.new_page(), lab.write("student.ipynb", IMPORT, SOMCHAI.format(uri=uri)))
    await student.run_all()
    mali, somchai = teacher.panel("mali"), student.panel("somchai")
    await somchai.is_open()
    await mali.type(THAI)
    await somchai.shows(f"mali: {THAI}")
    await somchai.type("ได้ยินแล้ว")
    await mali.shows("somchai: ได้ยินแล้ว")
    await teacher.panel("ChatKit").type("พักสิบนาที")
    await somchai.shows("🟢 Server: พักสิบนาที")
    await context.close()


@need_chromium
async def test_after_a_restart_a_panel_says_so_and_running_all_again_heals_it(two: OpenNotebook) -> None:
    mali, somchai = two.panel("mali"), two.panel("somchai")
    await mali.box.fill("not lost")
    await two.restart()
    await mali.is_dead()
    await expect(mali.box).to_have_value("not lost")
    port = int(str(await two.panel("ChatKit").root.locator(".chatkit-detail").text_content()).rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        pass  # the restart freed it
    for _ in range(2):  # once after the restart, once more in the same kernel
        await two.run_all()
        await mali.is_open()
        await expect(mali.root).to_have_count(1)
        await expect(mali.root.locator(".chatkit-dead")).to_be_hidden()
        await mali.type(THAI)
        await somchai.shows(f"mali: {THAI}")
        members = two.panel("ChatKit").root.locator(".chatkit-members li")
        await expect(members).to_have_count(2)  # no ghost of the panels before
        assert sorted(await members.all_text_contents()) == ["mali", "somchai"]  # both connect at once, in either order


@need_chromium
async def test_a_panel_whose_kernel_is_shut_down_says_so_by_itself(lab: Lab, page: Page) -> None:
    notebook = await lab.open(page, lab.write("shut.ipynb", *two_panels()[:3]))
    await notebook.run_all()
    mali = notebook.panel("mali")
    await mali.is_open()
    await mali.box.fill("not lost")
    await notebook.shut_down()
    await mali.is_dead()
    await expect(mali.box).to_have_value("not lost")


@need_chromium
async def test_a_page_that_is_loaded_again_without_its_kernel_says_what_to_do(lab: Lab, page: Page) -> None:
    notebook = await lab.open(page, lab.write("again.ipynb", *two_panels()[:3]))
    await notebook.run_all()
    mali, absent = notebook.panel("mali"), page.locator(".chatkit-absent")
    await mali.is_open()
    await expect(absent).to_have_count(2)  # one for each panel
    await expect(absent.first).to_be_hidden()
    await notebook.restart()
    await notebook.save()
    await notebook.load()
    await expect(absent.last).to_be_visible()
    await expect(absent.last).to_contain_text("run this cell again")
    await expect(absent.last).to_contain_text("ให้รันเซลล์นี้อีกครั้ง")
    await notebook.run_all()
    await mali.is_open()
    await expect(absent.last).to_be_hidden()


@need_chromium
async def test_two_panels_are_on_the_screen_of_a_small_laptop_at_once(lab: Lab, page: Page) -> None:
    await page.set_viewport_size({"width": 1366, "height": 681})
    both = "from chatkit.panels import side_by_side\nside_by_side(mali, somchai)"
    notebook = await lab.open(page, lab.write("row.ipynb", IMPORT, "\n".join([*two_panels()[1:], both])))
    await notebook.run_all()
    mali, somchai = notebook.panel("mali"), notebook.panel("somchai")
    await mali.evaluate("panel => panel.scrollIntoView({block: 'center'})")
    for panel in (mali, somchai):
        for part in (panel.state, panel.log, panel.box):
            await expect(part).to_be_in_viewport(ratio=1)
    await mali.type(THAI)
    await somchai.shows(f"mali: {THAI}")
    for panel in (mali, somchai):
        await expect(panel.lines.filter(has_text=THAI)).to_be_in_viewport()


@need_chromium
async def test_a_taken_port_names_the_notebook_and_a_free_one_is_a_click_away(
    lab: Lab, page: Page, browser: Browser
) -> None:
    port = free_port()
    before = await lab.open(page, lab.write("03_handshake.ipynb", *two_panels(port=port)[:3]))
    await before.run_all()
    context = await browser.new_context()
    cells = [IMPORT, SERVE.format(port=port), "mali = ChatPanel(name='mali')\nmali"]
    after = await lab.open(await context.new_page(), lab.write("04_frames.ipynb", *cells))
    await after.run_all(to_an_error=True)
    server = after.panel("ChatKit")
    await expect(server.root.locator(".chatkit-why")).to_contain_text("03_handshake.ipynb")
    await server.root.get_by_role("button", name="Use port").click()
    await expect(server.root).to_have_attribute("data-state", "running")
    await after.run_cell(2)
    mali = after.panel("mali")
    await mali.is_open()
    await expect(before.panel("ChatKit").root.locator(".chatkit-members li")).to_have_count(1)  # not in that room
    await expect(server.root.locator(".chatkit-members li")).to_have_count(1)
    await context.close()


@need_chromium
async def test_a_busy_kernel_keeps_the_text_in_the_box_until_it_answers(two: OpenNotebook) -> None:
    await two.start("import time; time.sleep(5)")
    mali = two.panel("mali")
    await mali.type("patience")
    await expect(mali.root.locator(".chatkit-answer")).to_contain_text("No answer from the kernel yet", timeout=4_500)
    await expect(mali.box).to_have_value("patience")
    await two.panel("somchai").shows("mali: patience")
    await expect(mali.box).to_have_value("")
    await expect(mali.root.locator(".chatkit-answer")).to_be_hidden()


ACTIVE = "() => jupyterapp.shell.currentWidget.content.activeCellIndex"


@need_chromium
async def test_escape_goes_from_a_panel_to_its_cell_and_the_keyboard_is_the_notebooks_again(two: OpenNotebook) -> None:
    mali = two.panel("mali")
    await mali.box.fill("a draft")
    await mali.box.press("Escape")
    await expect(two.page.locator(".jp-Cell:focus")).to_be_visible()
    here = await two.page.evaluate(ACTIVE)
    await two.page.keyboard.press("k")
    await expect(mali.box).to_have_value("a draft")
    assert await two.page.evaluate(ACTIVE) == here - 1
    await mali.box.fill("")


@need_chromium
async def test_a_guess_is_made_and_left_with_the_keyboard_alone(lab: Lab, page: Page) -> None:
    guess = "from chatkit.exercises import guess\ng1 = guess('What will it be?', 2, 11)\ng1"
    await lab.open(page, lab.write("guess.ipynb", guess, "g1.saw(1 + 1)"))
    first, second = page.locator(".jp-Cell").first, page.locator(".jp-Cell").nth(1)
    await first.focus()
    await page.keyboard.press("Shift+Enter")
    await expect(page.locator(".chatkit-choice").first).to_be_visible(timeout=RUN_TIMEOUT)
    await expect(second).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator(".chatkit-choice").last).to_be_focused()
    await page.keyboard.press("2")
    await expect(page.locator(".chatkit-choice[aria-pressed=true]")).to_contain_text("11")
    await page.keyboard.press("Escape")
    await expect(first).to_be_focused()
    await page.keyboard.press("j")
    await expect(second).to_be_focused()
    await page.keyboard.press("Shift+Enter")
    await expect(page.locator(".chatkit-choice").first).to_contain_text("✓", timeout=RUN_TIMEOUT)


@need_chromium
async def test_keys_pressed_in_a_panel_are_no_commands_to_the_notebook(two: OpenNotebook) -> None:
    cells = await two.page.locator(".jp-Cell").count()
    mali = two.panel("mali")
    await mali.log.focus()
    for key in "ddabx":
        await two.page.keyboard.press(key)
    await two.panel("ChatKit").root.locator(".chatkit-button").focus()
    await two.page.keyboard.press("Enter")  # Stop
    await expect(two.panel("ChatKit").root).to_have_attribute("data-state", "stopped")
    await expect(mali.root).to_have_attribute("data-state", "reconnecting")
    await expect(two.page.locator(".jp-Cell")).to_have_count(cells)


FLOOD = """
import asyncio, time
async def flood():
    began = time.monotonic()
    for number in range(5_000):
        server.broadcast(f'message {number}')
        if number % 10 == 9:
            await asyncio.sleep(max(0, began + number / 1_000 - time.monotonic()))
flooding = asyncio.create_task(flood())
"""
# How long the page kept its reader waiting, again and again, in milliseconds.
COUNT_DRAWS = """log => {
    window.draws = 0;
    new MutationObserver(() => window.draws++).observe(log, {childList: true});
}"""


@need_chromium
async def test_five_thousand_messages_in_five_seconds_lose_nothing_and_are_drawn_in_batches(two: OpenNotebook) -> None:
    mali = two.panel("mali")
    await mali.log.evaluate(COUNT_DRAWS)
    await two.start(FLOOD)
    await mali.shows("message 4999", timeout=20)
    shown = await mali.root.locator(".chatkit-text").all_inner_texts()
    assert [text for text in shown if text.startswith("message")] == [f"message {n}" for n in range(4_800, 5_000)]
    # Batches of at most ten a second: a page that draws each message for itself stands still for minutes.
    assert 1 < await two.page.evaluate("draws") < 500
    await mali.type("after the flood")
    await two.panel("somchai").shows("mali: after the flood")


@need_chromium
async def test_the_reader_keeps_the_place_when_scrolled_up(two: OpenNotebook) -> None:
    mali, somchai = two.panel("mali"), two.panel("somchai")
    await two.start("for n in range(300): somchai.send(f'line {n};')")
    await mali.shows("line 299;")
    await mali.log.evaluate("log => { log.scrollTop = log.scrollHeight / 2 }")
    top = """log => {
        const edge = log.getBoundingClientRect().top;
        return [...log.children].find((line) => line.getBoundingClientRect().bottom > edge + 4).textContent;
    }"""
    before = await mali.log.evaluate(top)
    await somchai.type("news")
    await expect(mali.root.locator(".chatkit-newer")).to_be_visible()
    assert await mali.log.evaluate(top) == before
    await mali.root.locator(".chatkit-newer").click()
    await expect(mali.lines.last).to_be_in_viewport()


HOSTILE = (
    "<img src=x onerror=\"document.title='pwned'\"></script><script>document.title='pwned'</script>&lt;b&gt; \u202eabc"
)


@need_chromium
async def test_hostile_text_is_text_in_the_panel_in_the_file_and_in_the_exported_page(lab: Lab, page: Page) -> None:
    name = "<img src=x onerror=alert(1)>"
    cells = two_panels()[:2]
    notebook = await lab.open(page, lab.write("hostile.ipynb", *cells, f"mali = ChatPanel(server.uri, {name!r})\nmali"))
    await notebook.run_all()
    mali = notebook.panel(name)
    await mali.is_open()
    await mali.type(HOSTILE)
    await mali.shows(HOSTILE)
    await expect(notebook.panel("ChatKit").lines.last).to_contain_text(HOSTILE)
    assert await page.locator(".chatkit img, .chatkit script, .chatkit b").count() == 0
    assert "pwned" not in await page.title()
    await notebook.save()
    saved = json.loads((lab.notebooks / "hostile.ipynb").read_text())
    assert "pwned" not in json.dumps(saved)  # what was said in the room stays out of the file
    assert {mime for cell in saved["cells"] for output in cell["outputs"] for mime in output["data"]} == {
        "text/plain",
        "text/html",
        "application/vnd.jupyter.widget-view+json",
    }
    for execute in (False, True):
        exported = await asyncio.to_thread(lab.export, "hostile.ipynb", execute)
        assert ("widget-state" in exported) is execute
        await page.set_content(exported)
        assert await page.locator("img[src=x], img[onerror]").count() == 0
        assert "pwned" not in await page.title()


@need_chromium
async def test_the_first_lesson_chats_in_thai(lab: Lab, page: Page) -> None:
    lesson = nbformat.read(ROOT / "notebooks" / "00_hello_room.ipynb", as_version=4)
    # As it stands for a student who has come to the end and has not yet tidied up.
    cells = [cell for cell in lesson.cells if "clean-up" not in cell.metadata.get("tags", [])]
    notebook = await lab.open(page, lab.write("lesson.ipynb", *cells))
    await notebook.run_all()
    mali, somchai = notebook.panel("mali"), notebook.panel("somchai")
    await mali.type(THAI)
    await somchai.shows(f"mali: {THAI}")
    await somchai.type("ได้ยินแล้ว")
    await mali.shows("somchai: ได้ยินแล้ว")


@need_chromium
async def test_a_notebook_is_read_in_the_chosen_language_also_after_a_reload(lab: Lab, page: Page) -> None:
    english = nbformat.v4.new_markdown_cell("## Rooms · ห้อง\n\nWho hears whom?")
    thai = nbformat.v4.new_markdown_cell('<div lang="th" class="th">\n\nใครได้ยินใคร\n\n</div>')
    switch = "from chatkit.panels import ReadingSwitch\nReadingSwitch()"
    notebook = await lab.open(page, lab.write("reading.ipynb", switch, english, thai, *two_panels()))
    await notebook.run_all()
    shown = page.locator(".jp-RenderedMarkdown")
    heading, question, answer = map(shown.get_by_text, ("Rooms · ห้อง", "Who hears whom?", "ใครได้ยินใคร"))
    state = notebook.panel("ChatKit").state
    await expect(page.get_by_role("button", name="English · ไทย")).to_have_attribute("aria-pressed", "true")
    await expect(question).to_be_visible()
    await page.get_by_role("button", name="ไทย", exact=True).click()
    await expect(question).to_be_hidden()
    await expect(heading).to_be_visible()
    await expect(answer).to_be_visible()
    await expect(state.get_by_text("running")).to_be_hidden()
    await notebook.save()
    await notebook.load()
    await expect(question).to_be_hidden()
    await page.get_by_role("button", name="English", exact=True).click()
    await expect(question).to_be_visible()
    await expect(answer).to_be_hidden()
    await expect(state.get_by_text("running")).to_be_visible()
    await expect(state.get_by_text("ทำงานอยู่")).to_be_hidden()


# The picture as a camera sees it: [width, grey bytes in base64].
PIXELS = """async (svg) => {
    const picture = new Image();
    picture.src = "data:image/svg+xml;base64," + btoa(new XMLSerializer().serializeToString(svg));
    await picture.decode();
    const canvas = Object.assign(document.createElement("canvas"), {width: picture.width, height: picture.height});
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0);
    const colours = context.getImageData(0, 0, picture.width, picture.height).data;
    return [picture.width, btoa(String.fromCharCode(...colours.filter((_, index) => index % 4 === 0)))];
}"""


@need_chromium
async def test_a_join_card_shows_a_code_that_leads_to_the_room_and_keeps_the_token_out_of_the_file(
    lab: Lab, page: Page
) -> None:
    serve = "server = ServerPanel(0, host='127.0.0.1', token='secret&/#')\nawait server.start()"
    pretend = "from chatkit.panels import join\njoin.HERE = ()  # no test listens beyond the loopback"
    card = "from chatkit.panels import JoinCard\ncard = JoinCard(server)\ncard"
    notebook = await lab.open(page, lab.write("join.ipynb", IMPORT, serve, pretend, card))
    await notebook.run_all()
    picture = page.locator("svg.chatkit-code")
    width, grey = await picture.evaluate(PIXELS)
    pixels = memoryview(base64.b64decode(grey))
    (code,) = zxingcpp.read_barcodes(pixels.cast("B", (len(pixels) // width, width)))
    link = await page.locator(".jp-OutputArea a[href*=token]").get_attribute("href")
    assert code.text == link
    assert link.endswith("/#token=secret%26%2F%23")
    await notebook.save()
    assert "token=" not in (lab.notebooks / "join.ipynb").read_text().replace("token='secret", "")
    await notebook.restart()  # and the server is gone, wherever the code leads
    await expect(page.locator(".chatkit-card .chatkit-dead")).to_contain_text("ให้รันเซลล์นี้อีกครั้ง")
    await expect(picture).to_have_count(0)


@need_chromium
async def test_a_join_card_offers_the_way_through_jupyter_where_there_is_one(lab: Lab, page: Page) -> None:
    port = free_port()
    serve = f"server = ServerPanel({port}, token='s&t')\nawait server.start()"
    card = "from chatkit.panels import JoinCard\nJoinCard(server)"
    notebook = await lab.open(page, lab.write("hub.ipynb", IMPORT, serve, card))
    async with page.expect_response(f"**/proxy/{port}/"):  # this JupyterLab passes no ports on
        await notebook.run_all()
    await expect(page.locator(".chatkit-link")).to_have_count(1)
    await page.route(f"**/proxy/{port}/", lambda route: route.fulfill(status=200, body="the page"))
    await notebook.run_all()
    detour = page.locator(".chatkit-proxied")
    await expect(detour).to_contain_text("Jupyter")
    await expect(detour.locator("a")).to_have_attribute("href", f"{lab.url}proxy/{port}/#token=s%26t")
