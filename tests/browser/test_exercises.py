"""Guess, recall, lines and gaps by mouse and keyboard in JupyterLab, on a page as a small laptop has it."""

import asyncio

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.lab import Lab
from tests.needs import need_chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETUP = """import os, tempfile
os.environ["CHATKIT_HOME"] = tempfile.mkdtemp()
from chatkit.exercises import Timeline, exercise, guess, recall
q = exercise("03_server_and_client", "q1")"""


async def tools(lab: Lab, page: Page, name: str, *cells: str) -> Locator:
    """A notebook with these cells, run; its tools."""
    await page.set_viewport_size({"width": 1366, "height": 681})
    notebook = await lab.open(page, lab.write(name, SETUP, *cells))
    await notebook.run_all()
    return page.locator(".chatkit-tool")


@need_chromium
async def test_a_guess_is_picked_by_key_and_settled_by_the_run(lab: Lab, page: Page) -> None:
    (tool,) = await (await tools(lab, page, "guess.ipynb", 'g = guess("What?", "hi", "tea")\ng')).all()
    await tool.locator("button").first.focus()
    await page.keyboard.press("2")
    picked = tool.locator("button[aria-pressed=true]")
    await expect(picked).to_have_text("2tea")
    kernel = "jupyterapp.shell.currentWidget.sessionContext.session.kernel"
    await page.evaluate(f"() => {{ {kernel}.requestExecute({{code: 'assert g.picked == 2; g.saw(\"tea\")'}}) }}")
    await expect(tool.locator("[role=status]")).to_contain_text("As you guessed: tea")
    await expect(tool.locator("button").first).to_be_disabled()


@need_chromium
async def test_shift_enter_leads_on_to_the_next_cell_and_keeps_what_was_done(lab: Lab, page: Page) -> None:
    """The mouse or the keyboard has led into a tool; from there the reader wants to go on, not to run it anew."""
    cells = ('g = guess("What?", "hi", "tea")\ng', "q.gaps()", "q.lines()", "1")
    guessed, gaps, lines = await (await tools(lab, page, "on.ipynb", *cells)).all()
    counts = "() => jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.executionCount)"
    before = await page.evaluate(counts)
    active = "(n) => jupyterapp.shell.currentWidget.content.activeCellIndex === n"
    await guessed.locator("button").first.click()
    await page.keyboard.press("Shift+Enter")
    await page.wait_for_function(active, arg=2, polling=50)
    await expect(guessed.locator("button[aria-pressed=true]")).to_have_text("1hi")
    await gaps.locator("input").first.fill("yes")
    await page.keyboard.press("Shift+Enter")
    await page.wait_for_function(active, arg=3, polling=50)
    await expect(gaps.locator("input").first).to_have_value("yes")
    await lines.locator(".chatkit-block").first.focus()
    await page.keyboard.press("Shift+Enter")
    await page.wait_for_function(active, arg=4, polling=50)
    await expect(lines.locator(".chatkit-program .chatkit-block")).to_have_count(0)
    assert await page.evaluate(counts) == before


@need_chromium
async def test_a_double_click_on_a_choice_is_one_pick(lab: Lab, page: Page) -> None:
    (tool,) = await (await tools(lab, page, "twice.ipynb", 'g = guess("What?", "hi", "tea")\ng')).all()
    patience = "(() => { const later = setTimeout; window.setTimeout = (f, t) => later(f, t === 3000 ? 300 : t); })()"
    await page.evaluate(patience)  # milliseconds until the page says that the kernel is silent
    await tool.locator("button").first.dblclick()
    await page.evaluate("() => new Promise((done) => setTimeout(done, 600))")
    await expect(tool.locator("[role=status]")).to_be_empty()


@need_chromium
async def test_what_is_recalled_is_answered_by_click_and_can_be_skipped(lab: Lab, page: Page) -> None:
    (tool,) = await (await tools(lab, page, "recall.ipynb", 'recall("03_server_and_client")')).all()
    question = tool.locator("fieldset").first
    await question.locator("button").first.click()
    await expect(question.locator("[role=status] p").first).to_be_visible()
    await expect(question.locator("button").first).to_be_disabled()
    await tool.locator(".chatkit-skip").click()
    await expect(tool.locator("fieldset").first).to_be_hidden()


@need_chromium
async def test_lines_are_dragged_tapped_and_moved_by_keys_and_then_checked(lab: Lab, page: Page) -> None:
    (tool,) = await (await tools(lab, page, "lines.ipynb", "q.lines()")).all()
    program = tool.locator("ul.chatkit-program")
    blocks = program.locator(".chatkit-block")
    start = await tool.get_by_text("async def echo(ws):", exact=True).bounding_box()
    target = await program.bounding_box()
    assert start and target
    await page.mouse.move(start["x"] + 5, start["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(target["x"] + 60, target["y"] + 50, steps=5)
    await page.mouse.up()
    await expect(blocks).to_have_count(1)
    loop = tool.locator(".chatkit-pool .chatkit-block").filter(has_text="async for text in ws:")
    await loop.focus()
    await page.keyboard.press("Enter")
    await expect(blocks).to_have_count(2)
    await page.keyboard.press("ArrowUp")
    await expect(blocks.first).to_contain_text("async for")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowRight")
    await tool.locator(".chatkit-pool .chatkit-block").filter(has_text="You said: {text}").click()
    await expect(blocks).to_have_count(3)
    await blocks.last.locator("button").last.click()
    await tool.locator(".chatkit-check").click()
    await expect(tool.locator(".chatkit-correct")).to_contain_text("Correct")


@need_chromium
async def test_gaps_are_filled_by_keys_and_enter_checks(lab: Lab, page: Page) -> None:
    (tool,) = await (await tools(lab, page, "gaps.ipynb", "q.gaps()")).all()
    await tool.locator("input").first.focus()
    for text in ("for", "await", "{text}"):
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
    await expect(tool.locator(".chatkit-not-yet")).to_contain_text("Not yet")
    await tool.locator("input").first.fill("async for")
    await tool.locator(".chatkit-check").click()
    await expect(tool.locator(".chatkit-correct")).to_contain_text("Correct")


@need_chromium
async def test_tools_whose_kernel_was_restarted_say_so_and_come_back_when_they_are_run_again(
    lab: Lab, page: Page
) -> None:
    notebook = await lab.open(page, lab.write("gone.ipynb", SETUP, 'guess("What?", "hi", "tea")', "q.gaps()"))
    await notebook.run_all()
    tools, lost = page.locator(".chatkit-tool"), page.locator(".chatkit-lost")
    hole = page.locator(".chatkit-hole").first
    await hole.fill("async for")
    await notebook.restart()
    await expect(lost).to_have_count(2)
    for each in await lost.all():
        await expect(each).to_contain_text("run the cells above, then this one")
        await expect(each).to_contain_text("แล้วรันเซลล์นี้อีกครั้ง")
    await expect(hole).to_have_value("async for")
    await expect(tools.first).to_have_js_property("inert", True)
    await notebook.run_all()
    await expect(lost).to_have_count(0)
    await tools.first.locator("button").first.click()
    await expect(tools.first.locator("button[aria-pressed=true]")).to_have_text("1hi")


# What a reader sees in the place of a widget: the sentences are CSS, the text that JupyterLab wrote has no size.
SEEN = """output => [getComputedStyle(output).fontSize,
    ...["::before", "::after"].map((half) => getComputedStyle(output, half))
        .map(({display, content}) => display === "none" ? "" : content)]"""


@need_chromium
async def test_after_a_reload_every_widget_that_is_gone_says_in_the_readers_language_what_to_do(
    lab: Lab, page: Page
) -> None:
    switch = f"{SETUP}\nfrom chatkit.panels import JoinCard, ReadingSwitch, ServerPanel\nReadingSwitch()"
    own = "import ipywidgets\nipywidgets.Text()"  # as lesson 04 has them
    panel = "server = ServerPanel(0)\nawait server.start()\nserver"
    cells = [switch, 'guess("What?", "hi", "tea")', "q.lines()", own, panel, "JoinCard(server)"]
    notebook = await lab.open(page, lab.write("lost.ipynb", *cells))
    await notebook.run_all()
    lost = page.locator(".jp-OutputArea-output.jupyter-widgets")
    await expect(page.locator(".chatkit-tool")).to_have_count(2)
    await expect(page.locator("svg.chatkit-code, .chatkit-link").first).to_be_visible()
    await expect(lost).to_have_count(0)
    await notebook.restart()
    text = page.locator(".jp-OutputArea-output:has(> .widget-text)")  # it still stands there, and does nothing
    await expect(page.locator(".chatkit-kernel-lost")).to_have_count(1)
    _, english, thai = await text.evaluate(SEEN)
    assert "run the cells above" in english and "ให้รันเซลล์ข้างบนก่อน" in thai
    tool = page.locator(".jp-OutputArea-output:has(.chatkit-tool)").first
    assert (await tool.evaluate(SEEN))[1:] == ["none", "none"]  # it says so itself
    await notebook.save()
    await notebook.load()
    await expect(lost).to_have_count(len(cells))
    for each in await lost.all():
        size, english, thai = await each.evaluate(SEEN)
        assert size == "0px"
        assert "run the cells above, then this one" in english and "แล้วรันเซลล์นี้อีกครั้ง" in thai
    for each in await page.locator(".chatkit-absent").all():
        await expect(each).to_be_hidden()  # it would say the same once more
    await notebook.run_cell(0)
    await page.get_by_role("button", name="ไทย", exact=True).click()
    await expect(lost).to_have_count(len(cells) - 1)
    assert [(await each.evaluate(SEEN))[1] for each in await lost.all()] == [""] * (len(cells) - 1)
    await notebook.run_all()
    await expect(lost).to_have_count(0)
    await expect(page.locator(".chatkit-kernel-lost")).to_have_count(0)


@need_chromium
async def test_of_a_kernel_that_hears_nothing_the_page_says_what_to_do(lab: Lab, page: Page) -> None:
    await page.set_viewport_size({"width": 1366, "height": 681})
    switch = "from chatkit.panels import ReadingSwitch\nswitch = ReadingSwitch()\nswitch.patience = 0.5\nswitch"
    notebook = await lab.open(page, lab.write("busy.ipynb", switch))
    await notebook.run_all()
    await expect(page.get_by_role("button", name="ไทย", exact=True)).to_be_visible()
    busy = page.locator(".chatkit-busy")
    await expect(busy).to_have_count(0)
    # No signal and no thread gets through to this one, not even the kernel's own that says "busy": so let it go first.
    await notebook.start("import time; time.sleep(0.5); sum(range(10**12))")
    await expect(busy).to_contain_text("Kernel ▸ Restart Kernel…")
    await expect(busy.locator("[lang=th]")).to_contain_text("ให้กด ■")
    await page.get_by_role("button", name="English", exact=True).click()
    await expect(busy.locator("[lang=th]")).to_be_hidden()
    await notebook.restart()
    await expect(busy).to_have_count(0)


@need_chromium
async def test_a_handler_that_never_ends_leaves_the_kernel_alive(lab: Lab, page: Page) -> None:
    handler = "async def echo(ws):\n    while True: pass\nresult = await q.check(echo)\nresult"
    await tools(lab, page, "endless.ipynb", handler, 'print("the kernel", "lives")')
    await expect(page.get_by_text("for 2 seconds nothing else could run")).to_be_visible()
    await expect(page.get_by_text("the kernel lives")).to_be_visible()


@need_chromium
async def test_a_bar_says_how_far_a_cell_is_and_goes(lab: Lab, page: Page) -> None:
    waits = """import asyncio, pathlib
from chatkit.exercises import progress_bar
for step in progress_bar(range(2)):
    while step and not pathlib.Path("go").exists():
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.1)"""
    await page.set_viewport_size({"width": 1366, "height": 681})
    notebook = await lab.open(page, lab.write("bar.ipynb", waits))
    running = asyncio.create_task(notebook.run_all())
    bar = page.locator(".widget-hprogress")
    await expect(bar).to_be_visible()
    await expect(page.locator(".jp-OutputArea-output")).to_contain_text("1 of 2")
    lab.notebooks.joinpath("go").touch()
    await running
    await expect(bar).to_be_hidden()
    assert "widget" not in await page.locator(".jp-OutputArea").inner_text()
