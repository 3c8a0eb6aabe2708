"""A JupyterLab of its own for the tests, and the few things that a reader does in it."""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nbformat
from playwright.async_api import Locator, Page, expect

START_TIMEOUT = 180.0  # seconds for JupyterLab to answer, also on a machine that has much else to do
RUN_TIMEOUT = 60_000  # milliseconds for a kernel to be ready, or for all cells of a notebook

# Asked in the page: what the open notebook is doing. `jupyterapp` is there because of LabApp.expose_app_in_browser.
IS_READY = """() => {
    const session = window.jupyterapp?.shell.currentWidget?.sessionContext;
    const kernel = session?.session?.kernel;
    return Boolean(session?.isReady && kernel?.connectionStatus === "connected" && kernel.status === "idle");
}"""
IS_DONE = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const cells = panel.content.widgets.filter((cell) => cell.model.type === "code");
    return cells.every((cell) => cell.model.executionCount !== null && cell.prompt !== "*");
}"""


class Lab:
    """JupyterLab on a free port of the loopback: default settings, but no news, no updates. root: an empty folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.token = root, secrets.token_hex(16)
        for folder in ("config", "data", "runtime", "notebooks", "lab/user-settings", "lab/workspaces", "ipython"):
            (root / folder).mkdir(parents=True)
        self.notebooks = root / "notebooks"
        self.url = ""

    def __enter__(self) -> Self:
        config = self.root / "config"
        (config / "labconfig").mkdir()
        unwanted = {"@jupyterlab/apputils-extension:announcements": True}  # asks on the network for news
        (config / "labconfig" / "page_config.json").write_text(json.dumps({"disabledExtensions": unwanted}))
        self.output = open(self.root / "lab.log", "wb")
        self.process = subprocess.Popen(self.command(), env=self.environment(), stdout=self.output, stderr=self.output)
        try:
            self.url = self.wait_for_url()
        except BaseException:
            self.stop()
            raise
        return self

    def command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            "--ServerApp.port=0",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.notebooks}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]

    def environment(self) -> dict[str, str]:
        """Nothing of the reader's own Jupyter is read or written."""
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "lab/user-settings",
            "JUPYTERLAB_WORKSPACES_DIR": "lab/workspaces",
            "IPYTHONDIR": "ipython",
        }
        return os.environ | {name: str(self.root / folder) for name, folder in folders.items()}

    def wait_for_url(self) -> str:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self.process.poll() is None:
            for info in (self.root / "runtime").glob("jpserver-*.json"):
                try:
                    url: str = json.loads(info.read_text())["url"]
                    urllib.request.urlopen(f"{url}api?token={self.token}", timeout=5).close()
                    return url
                except (OSError, ValueError):  # half written, or not listening yet
                    pass
            time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{(self.root / 'lab.log').read_text()[-2000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()

    def write(self, name: str, *cells: str | nbformat.NotebookNode) -> str:
        """A notebook; a string is a code cell. Returns its name."""
        nodes = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        notebook = nbformat.v4.new_notebook(cells=nodes)
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}  # else Lab asks which kernel
        nbformat.write(notebook, self.notebooks / name)
        return name

    def export(self, name: str, execute: bool = False) -> str:
        """The notebook as nbconvert's HTML page; executed anew, the page also holds the state of its widgets."""
        command = [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", *["--execute"] * execute]
        command.append(str(self.notebooks / name))
        run = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=True)
        return run.stdout

    async def open(self, page: Page, name: str) -> "OpenNotebook":
        """Open a notebook and wait for its kernel: before that, "run all" does nothing and says nothing."""
        # Without ?reset, Lab opens what was open the last time, perhaps in the page of another test.
        notebook = OpenNotebook(page, f"{self.url}lab/tree/{name}?reset&token={self.token}")
        await notebook.load()
        return notebook


class OpenNotebook:
    """The notebook in front of a page."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address

    async def load(self) -> None:
        """Load the page; again, it is as with F5: save first, or the outputs are not there any more."""
        await self.page.goto(self.address)
        await self.page.wait_for_function(IS_READY, polling=100, timeout=RUN_TIMEOUT)

    async def run_all(self, to_an_error: bool = False) -> None:
        """Run every cell and wait for the last one, or for the kernel to have stopped at an error."""
        await self.page.evaluate("async () => { await jupyterapp.commands.execute('notebook:run-all-cells') }")
        await self.page.wait_for_function(IS_READY if to_an_error else IS_DONE, polling=100, timeout=RUN_TIMEOUT)

    async def run_cell(self, number: int) -> None:
        """Run one cell, counted from 0, and wait for it."""
        script = "async (n) => { jupyterapp.shell.currentWidget.content.activeCellIndex = n; await %s }"
        await self.page.evaluate(script % "jupyterapp.commands.execute('notebook:run-cell')", number)

    async def start(self, code: str) -> None:
        """Begin to run code in the notebook's kernel; returns at once."""
        kernel = "jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        await self.page.evaluate(f"(code) => {{ {kernel}.requestExecute({{code}}) }}", code)

    async def restart(self) -> None:
        """Restart the kernel; what the cells showed stays."""
        await self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        await self.page.wait_for_function(IS_READY, polling=100, timeout=RUN_TIMEOUT)

    async def shut_down(self) -> None:
        """Shut the kernel down; what the cells showed stays."""
        await self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    async def save(self) -> None:
        await self.page.evaluate("async () => { await jupyterapp.shell.currentWidget.context.save() }")

    def panel(self, title: str) -> "PanelOnPage":
        """The panel with this title."""
        return PanelOnPage(self.page.locator(f"section.chatkit[aria-label={json.dumps(title, ensure_ascii=False)}]"))


class PanelOnPage:
    """What a reader sees of a panel, and does with it."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.box, self.log, self.state = (
            root.locator(".chatkit-box"),
            root.locator(".chatkit-log"),
            root.locator(".chatkit-state"),
        )
        self.lines = root.locator(".chatkit-line")

    async def type(self, text: str) -> None:
        """Type a text and press Enter."""
        await self.box.fill(text)
        await self.box.press("Enter")

    async def shows(self, text: str, timeout: float = 5.0) -> None:
        """Wait until a line holds the text, at most `timeout` seconds."""
        await expect(self.lines.filter(has_text=text).last).to_be_visible(timeout=timeout * 1000)

    async def is_open(self) -> None:
        await expect(self.root).to_have_attribute("data-state", "open", timeout=10_000)

    async def is_dead(self) -> None:
        """It says in both languages that its kernel has gone, and offers nothing that would not work."""
        await expect(self.root.locator(".chatkit-dead")).to_contain_text("run its cell again")
        await expect(self.root.locator(".chatkit-dead")).to_contain_text("ให้รันเซลล์นี้อีกครั้ง")
        await expect(self.root.locator(".chatkit-dead")).to_be_visible()
        await expect(self.state).to_be_hidden()
        await expect(self.root.locator(".chatkit-send")).to_be_disabled()

    async def evaluate(self, script: str) -> Any:
        return await self.root.evaluate(script)
