"""The lessons as pages in a browser: built here, shown from a folder, and no other computer can be reached."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from chatkit.texts import say
from chatkit.tools.lessons import WIDGET_VIEW
from chatkit.tools.recorded import RECORDINGS
from chatkit.tools.site import build
from tests import notebook_rules as rules
from tests.browser.lab import IS_READY, OpenNotebook
from tests.needs import CHROMIUM, CHROMIUM_ARGS, ROOT, need_lite

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOLDER = ROOT / "notebooks"
FIRST = "notebooks/00_hello_room.ipynb"
LESSONS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
PATIENCE = 180_000  # milliseconds for a kernel to start, or a lesson to run, where other programs keep the machine busy
MEGABYTES = 30  # of a first visit, at most

#: Whether nothing runs any more: Run All stops at the first error there, also at one that is meant.
RESTS = """() => {
    const panel = jupyterapp.shell.currentWidget;
    const cells = panel.content.widgets.filter((cell) => cell.model.type === "code");
    return panel.sessionContext.session.kernel.status === "idle" && !cells.some((cell) => cell.prompt === "*");
}"""
#: Runs what has not run yet; false where there is nothing, or where an error came that is not meant.
GO_ON = """async () => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const code = notebook.widgets.filter((cell) => cell.model.type === "code");
    const next = code.find((cell) => cell.model.executionCount === null);
    const broke = (cell) => cell.model.outputs.toJSON().some((output) => output.output_type === "error");
    const meant = (cell) => (cell.model.getMetadata("tags") ?? []).includes("raises-exception");
    if (!next || code.some((cell) => broke(cell) && !meant(cell))) return false;
    notebook.activeCellIndex = notebook.widgets.indexOf(next);
    await jupyterapp.commands.execute("notebook:run-all-below");
    return true;
}"""
#: What code says in the kernel of the notebook in front, as the outputs of a cell.
OUTPUTS = """async ({ code, cellId }) => {
    const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
    const future = kernel.requestExecute({ code, stop_on_error: false }, true, { cellId });
    const outputs = [];
    future.onIOPub = ({ header, content }) => {
        if (["stream", "error", "display_data", "execute_result"].includes(header.msg_type)) {
            outputs.push({ output_type: header.msg_type, ...content });
        }
    };
    await future.done;
    return outputs;
}"""
#: Runs a cell by how it begins, and all above it first where that is wanted.
RUN = """async ({ start, above }) => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const number = notebook.widgets.findIndex((cell) => cell.model.sharedModel.getSource().startsWith(start));
    notebook.activeCellIndex = number;
    if (above) await jupyterapp.commands.execute("notebook:run-all-above");
    await jupyterapp.commands.execute("notebook:run-cell");
}"""
SAID = """(id) => {
    const cells = jupyterapp.shell.currentWidget.content.widgets;
    return cells.find((cell) => cell.model.id === id).model.outputs.toJSON();
}"""
SCROLL = """async (start) => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const number = notebook.widgets.findIndex((cell) => cell.model.sharedModel.getSource().startsWith(start));
    notebook.activeCellIndex = number;
    await notebook.scrollToItem(number, "start");
}"""
CLOSE = """async () => {
    const panel = jupyterapp.shell.currentWidget;
    await panel.context.save();
    await panel.sessionContext.shutdown();
    panel.close();
}"""


ANEW = """
get_ipython().reset(new_session=False)
import os, tempfile
os.environ["CHATKIT_HOME"] = tempfile.mkdtemp()
"""
SOLVE_ALL = """
from chatkit.exercises.course import course
from chatkit.exercises.exercise import exercise
for lesson in course().lessons:
    for name in lesson.exercises:
        tried = exercise(lesson.name, name)
        result = await tried.check_code(tried.question.solution, "own")
        print(lesson.name, name, result.state)
"""
SOLVE = """
from chatkit.exercises import exercise
q1 = exercise("00_hello_room", "q1")
print((await q1.check_code(q1.question.solution, "own")).state)
"""
SOLVED = """
from chatkit.exercises.progress import solved
print(solved("00_hello_room")["q1"])
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("lite") / "site")


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the built site is shown, as `make lite-serve` shows it."""
    command = [sys.executable, str(ROOT / "lite" / "serve.py"), "--folder", str(site), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield re.findall(r"http://\S+", server.stdout.readline())[0]
        server.terminate()


@pytest.fixture(scope="module")
def asked() -> set[str]:
    """Every address that a page, or a kernel in it, asked for."""
    return set()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def offline(address: str, asked: set[str]) -> AsyncIterator[BrowserContext]:
    """A browser for which no other computer exists; at the end it must not have looked for one."""
    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGS, nowhere])
        context = await browser.new_context(viewport={"width": 1366, "height": 681})
        context.on("request", lambda request: asked.add(request.url))
        yield context
        await browser.close()
    assert {url for url in asked if not url.startswith((address, "data:", "blob:"))} == set()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(offline: BrowserContext, address: str) -> AsyncIterator[Page]:
    """The index of the lessons as the front page opens it, its kernel ready."""
    page = await offline.new_page()
    await page.goto(address)
    await page.get_by_role("link", name="เปิดบทเรียน").click()
    await page.wait_for_function(IS_READY, polling=100, timeout=PATIENCE)
    await run(page, "import chatkit.exercises, chatkit.panels")
    yield page
    await page.close()


@need_lite
async def test_a_first_visit_loads_little(page: Page, site: Path, address: str, asked: set[str]) -> None:
    files = {site / url.removeprefix(address).split("?")[0] for url in asked if url.startswith(address)}
    there = [path for path in files if path.is_file()]
    assert {"pyodide.asm.wasm", "python_stdlib.zip"} <= {path.name for path in there}
    assert any(path.name.startswith("chatkit-") for path in there)
    assert sum(path.stat().st_size for path in there) <= MEGABYTES * 1_000_000


async def run(page: Page, code: str, cell: str = "") -> list[dict[str, Any]]:
    """What code puts out in the kernel of the notebook in front."""
    outputs: list[dict[str, Any]] = await page.evaluate(OUTPUTS, {"code": code, "cellId": cell})
    return outputs


def texts(outputs: list[dict[str, Any]]) -> str:
    """What outputs say, without what differs from one run, or one front end, to the next."""
    said = []
    for output in outputs:
        text = output.get("text") or output.get("evalue") or output.get("data", {}).get("text/plain", "")
        said.append("".join(text) + "\n" * (output["output_type"] != "stream"))
    joined = re.sub(r"\s*\n\s*", "\n", "".join(said))
    return re.sub(r"(localhost|127\.0\.0\.1):\d+|([Pp]ort[ =]|พอร์ต )\d+|at 0x\w+", "…", joined).strip()


def wire_of(outputs: list[dict[str, Any]]) -> int:
    """Where in the outputs of a cell the recording of its wire begins; behind them all where there is none."""
    said = str(say("lite_wire"))
    return next((n for n, each in enumerate(outputs) if each.get("data", {}).get("text/plain") == said), len(outputs))


@need_lite
@pytest.mark.parametrize("lesson", LESSONS)
async def test_a_lesson_runs_from_top_to_bottom_and_says_what_is_stored(page: Page, lesson: str) -> None:
    """All of them in one kernel, to save time; each finds it empty, and no progress."""
    await run(page, ANEW)
    different = {}
    for cell in rules.code_cells(json.loads((FOLDER / f"{lesson}.ipynb").read_text("utf-8"))):
        tags, before = rules.tags(cell), cell["outputs"]
        now = await run(page, rules.source(cell), cell["id"])
        assert "<iframe" not in rules.source(cell) or "📵" in str(now), cell["id"]
        if tags & rules.NEEDS:
            assert "📼" in texts(now[:1]), cell["id"]
            now, lines = now[1 : wire_of(now)], now[wire_of(now) :]
            views = [each for each in lines if WIDGET_VIEW in each.get("data", {})]
            assert len(views) == len(list(RECORDINGS.glob(f"{lesson}.{cell['id']}.*"))), (cell["id"], lines)
            if "raises-exception" in tags:
                before, now = [], []
        broke = [output["evalue"] for output in now if output["output_type"] == "error"]
        if broke and "raises-exception" not in tags:
            different[cell["id"]] = ("", broke)
        elif not tags & {"nbval-ignore-output", "no-output"} and texts(now) != texts(before):
            different[cell["id"]] = (texts(before), texts(now))
    assert different == {}


@need_lite
async def test_every_usual_solution_is_judged_correct_there(page: Page) -> None:
    said = texts(await run(page, ANEW + SOLVE_ALL))
    results = [line.split()[-1] for line in said.splitlines()]
    assert len(results) > 30 and set(results) == {"correct"}, said


async def open_lesson(page: Page, path: str) -> None:
    await page.evaluate("async (path) => { await jupyterapp.commands.execute('docmanager:open', { path }) }", path)
    await page.wait_for_function(IS_READY, polling=100, timeout=PATIENCE)


async def go_on(page: Page) -> None:
    """Run what has not run yet, to the end."""
    while await page.evaluate(GO_ON):
        await page.wait_for_function(RESTS, polling=100, timeout=PATIENCE)


async def read_thai(page: Page) -> None:
    await page.locator(".chatkit-reading button[value=th]").last.evaluate("(button) => button.click()")
    await expect(page.locator("body")).to_have_attribute("data-chatkit-reading", "th")


async def scroll_to(page: Page, start: str) -> None:
    """Bring a cell into view: JupyterLab draws no widget before somebody can see it."""
    await page.evaluate(SCROLL, start)


#: lesson, the first words of a guess's cell, its question, what is clicked there, and what the run says of it
CLICKED = [
    ("03_server_and_client", "g1 = guess", "Ann ส่งสามข้อความ", "3", "คุณทายว่า: 3 ที่เกิดขึ้นจริงคือ: 1"),
    ("05_everyone", "g2 = guess", "Ann ส่ง 100 ภาพ", "ได้บางภาพ แล้วไม่ได้อีก", "ทายถูก: ได้บางภาพ แล้วไม่ได้อีก"),
    ("11_when_the_line_drops", "g1 = guess", "สายถูกตัด โปรแกรมของ Ann", "เซิร์ฟเวอร์", "ที่เกิดขึ้นจริงคือ: ไลบรารีของ Ann เอง"),
]


@need_lite
@pytest.mark.parametrize(("lesson", "cell", "question", "choice", "said"), CLICKED, ids=[each[0] for each in CLICKED])
async def test_a_lesson_runs_in_the_page_and_a_guess_is_clicked_in_thai(
    page: Page, lesson: str, cell: str, question: str, choice: str, said: str
) -> None:
    await open_lesson(page, f"notebooks/{lesson}.ipynb")
    await page.evaluate(RUN, {"start": "import asyncio", "above": False})
    await read_thai(page)
    await page.evaluate(RUN, {"start": cell, "above": True})
    await page.wait_for_function(RESTS, polling=100, timeout=PATIENCE)
    await page.evaluate(RUN, {"start": cell})
    await scroll_to(page, cell)
    asked = page.locator(".chatkit-question").filter(has_text=question)
    await asked.locator(".chatkit-choice").filter(has=page.get_by_text(choice, exact=True)).click()
    await go_on(page)
    stored = json.loads((FOLDER / f"{lesson}.ipynb").read_text("utf-8"))
    for each in rules.code_cells(stored):
        now = await page.evaluate(SAID, each["id"])
        broke = any(output["output_type"] == "error" for output in now)
        assert broke == ("raises-exception" in rules.tags(each)), (each["id"], now)
    await scroll_to(page, cell)
    await expect(asked.locator(".chatkit-said")).to_contain_text(said, timeout=60_000)
    if lesson == "05_everyone":  # one sleeping reader: with `gather` Bob gets some pictures only, else all
        table = texts(await page.evaluate(SAID, "compare-code"))
        got = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+) ×", table, re.MULTILINE)}
        assert got.pop("gather") < 100 and set(got.values()) == {100}, table
    await page.evaluate(CLOSE)


@need_lite
async def test_a_learner_reads_thai_types_and_clicks_and_finds_the_progress_again(
    page: Page, offline: BrowserContext, address: str
) -> None:
    await open_lesson(page, FIRST)
    notebook = OpenNotebook(page, page.url)
    mali, somchai, server = (notebook.panel(title) for title in ("mali", "somchai", "ChatKit"))
    assert await page.evaluate(GO_ON)  # as far as the cell that breaks, and what waited behind it is dropped
    await page.wait_for_function(RESTS, polling=100, timeout=PATIENCE)
    await scroll_to(page, "verdict = ")
    await expect(page.get_by_text("วิดเจ็ต: ไปกลับใน").last).to_be_visible(timeout=60_000)
    await scroll_to(page, "mali, somchai = ")
    await mali.shows("hello from Mali", timeout=60)
    await go_on(page)
    await read_thai(page)
    for cell in ("server = ServerPanel", "mali, somchai = "):  # the last cell has closed them
        await page.evaluate(RUN, {"start": cell})
        await page.wait_for_function(RESTS, polling=100, timeout=PATIENCE)
    await mali.type("สวัสดี ผู้ใหญ่บ้านที่น้ำปี๊บ")
    await somchai.shows("mali: สวัสดี ผู้ใหญ่บ้านที่น้ำปี๊บ", timeout=60)
    await server.root.get_by_role("button", name="หยุด").click()
    await expect(server.root).to_have_attribute("data-state", "stopped", timeout=60_000)
    assert texts(await run(page, SOLVE)) == "correct"
    again = await offline.new_page()
    await page.close()
    await again.goto(f"{address}lab/index.html?path=notebooks/index.ipynb")
    await again.wait_for_function(IS_READY, polling=100, timeout=PATIENCE)
    assert texts(await run(again, SOLVED)) == "own"
    assert "chatkit-progress.json" in str(await run(again, "from chatkit.exercises import course\ncourse()"))
    await again.close()
