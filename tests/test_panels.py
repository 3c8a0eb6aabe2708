"""The panels as code, their messages to a page, and their callbacks on every thread of a real kernel."""

import asyncio
import contextvars
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

import chatkit
from chatkit.errors import BadText, ChatError, NoServer, PortTaken
from chatkit.panels import ChatPanel, JoinCard, NotHeard, ReadingSwitch, ServerPanel, join
from chatkit.panels.bridge import Bridge
from chatkit.panels.chat import Ended
from chatkit.panels.panel import PAUSE, SHOWN, Panel
from chatkit.panels.server import NotRunning


@pytest.fixture
async def server() -> AsyncIterator[chatkit.Server]:
    async with chatkit.serve(port=0, rate=0) as server:
        yield server


class Page:
    """Stands for the browser: keeps what a panel sends to it, and acts as the reader."""

    def __init__(self, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
        self.panel = panel
        self.messages: list[dict[str, Any]] = []
        self.changed = asyncio.Event()
        monkeypatch.setattr(panel.view, "send", self.receive)

    def receive(self, message: dict[str, Any]) -> None:
        json.dumps(message)
        self.messages.append(message)
        self.changed.set()

    def does(self, **message: Any) -> None:
        self.panel.view._handle_custom_msg(message, [])

    async def sees(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message that is as wanted, at most two seconds from now."""
        async with asyncio.timeout(2):
            while not (found := [message for message in self.messages if wanted(message)]):
                self.changed.clear()
                await self.changed.wait()
        return found[0]


@asynccontextmanager
async def closing(*panels: Panel) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for panel in panels:
            await panel.close()


async def until(panel: Panel, condition: Callable[[], object]) -> None:
    """Wait until the status of a panel has come to what is wanted, at most three seconds."""
    changed = asyncio.Event()

    def note(_: object) -> None:
        changed.set()

    panel.view.observe(note, "status")
    async with asyncio.timeout(3):
        while not condition():
            changed.clear()
            await changed.wait()
    panel.view.unobserve(note, "status")


async def test_what_one_panel_sends_the_other_shows(server: chatkit.Server) -> None:
    mali, somchai = ChatPanel(server.uri, "Mali", lang="en"), ChatPanel(server.uri, "Somchai", lang="th")
    async with closing(mali, somchai):
        mali.send("สวัสดี")  # before the line is open
        assert await somchai.heard("สวัสดี") == "Mali: สวัสดี"
        assert await mali.heard("สวัสดี") == "You: สวัสดี"
        server.broadcast("พัก 5 นาที")
        assert await somchai.heard("พัก") == "🟢 Server: พัก 5 นาที"
        await mali.close()
        assert await somchai.heard("Mali ออก") == "❌ Mali ออกจากห้องแล้ว"


async def test_heard_finds_a_line_that_is_already_shown_and_names_one_that_never_came(server: chatkit.Server) -> None:
    panel = ChatPanel(server.uri, "Mali")
    async with closing(panel):
        panel.send("once")
        assert await panel.heard("once") == await panel.heard("once", timeout=0)
        with pytest.raises(NotHeard) as caught:
            await panel.heard("never", timeout=0.05)
        assert isinstance(caught.value, TimeoutError) and isinstance(caught.value, ChatError)
        assert "No line with 'never'" in str(caught.value) and "ไม่มีบรรทัด" in str(caught.value)


async def test_send_works_from_any_thread(server: chatkit.Server) -> None:
    panel = ChatPanel(server.uri, "Mali")
    async with closing(panel):
        await asyncio.to_thread(panel.send, "from a thread")
        await panel.heard("from a thread")


async def test_a_text_over_the_limits_is_refused_where_it_is_sent(server: chatkit.Server) -> None:
    panel = ChatPanel(server.uri, "Mali")
    async with closing(panel):
        with pytest.raises(BadText):
            panel.send("ก" * 5_000)


async def test_a_panel_without_a_server_says_so_and_connects_when_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    panel = ChatPanel(f"ws://localhost:{port}", "Mali")
    page = Page(panel, monkeypatch)
    async with closing(panel):
        await until(panel, lambda: panel.view.status["state"] == "closed")
        assert panel.view.status["why"] == {lang: NoServer(panel.uri or "").sentence(lang) for lang in ("en", "th")}
        with pytest.raises(NoServer):
            panel.send("anybody?")
        async with chatkit.serve(port=port):
            page.does(do="press", button=panel.view.status["buttons"][0]["name"])
            await until(panel, lambda: panel.view.status["state"] == "open")
            assert panel.view.status["why"] is None


async def test_the_box_is_told_whether_its_text_was_accepted(
    server: chatkit.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = ChatPanel(server.uri, "Mali")
    page = Page(panel, monkeypatch)
    async with closing(panel):
        page.does(do="submit", view="v1", text="good")
        assert await page.sees(lambda m: m["do"] == "answer") == {"do": "answer", "view": "v1", "why": None}
        page.does(do="submit", view="v2", text="ก" * 5_000)
        refused = await page.sees(lambda m: m.get("view") == "v2")
        assert "5000" in refused["why"]["en"] and "5000" in refused["why"]["th"]
    page.does(do="submit", view="v3", text="too late")
    assert (await page.sees(lambda m: m.get("view") == "v3"))["why"]["en"] == Ended().sentence("en")


async def test_a_text_that_is_refused_after_all_is_shown_with_the_reason(server: chatkit.Server) -> None:
    panel = ChatPanel(server.uri, "Mali", lang="en")
    async with closing(panel):
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        answer.set_exception(BadText("bad_text"))
        panel.answered("lost", answer)
        assert panel.lines == [f"⚠️ Not sent: “lost”. {BadText('bad_text').sentence('en')}"]


async def test_a_view_gets_the_whole_log_whenever_it_is_drawn_again(
    server: chatkit.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = ChatPanel(server.uri, "Mali")
    page = Page(panel, monkeypatch)
    async with closing(panel):
        for text in ("one", "two"):
            panel.send(text)
            await panel.heard(text)
        page.does(do="show", view="second")
        history = await page.sees(lambda m: m.get("view") == "second")
        assert [line["text"] for line in history["lines"]] == ["one", "two"]


async def test_a_flood_is_shown_in_few_batches_with_nothing_lost_at_the_end(
    server: chatkit.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = ChatPanel(server.uri, "Mali")
    page = Page(panel, monkeypatch)
    async with closing(panel):
        await until(panel, lambda: panel.view.status["state"] == "open")
        began = time.monotonic()
        for _ in range(50):
            for number in range(100):
                panel.add("msg", str(number))
            await asyncio.sleep(0)
        await page.sees(lambda m: bool(m["lines"]) and m["lines"][-1]["number"] == 5_000)
        assert len(page.messages) <= (time.monotonic() - began) / PAUSE + 2
        assert [line["number"] for line in page.messages[-1]["lines"]] == list(range(5_001 - SHOWN, 5_001))
        assert len(panel.lines) == SHOWN


async def test_after_a_new_log_only_its_own_lines_count(server: chatkit.Server) -> None:
    panel = ChatPanel(server.uri, "Mali", lang="en")
    async with closing(panel):
        panel.add("msg", "old")
        panel.show(chatkit.Event("reset", chatkit.Who("", "")))
        assert panel.lines == ["✂️ Older messages are not here: the talk goes on from this line."]
        assert panel.batch(0)["oldest"] == 2


async def test_the_text_form_of_a_panel_stays_the_same(server: chatkit.Server) -> None:
    chat, serving = ChatPanel(server.uri, "Mali"), ServerPanel(0)
    async with closing(chat, serving):
        assert [repr(chat), repr(serving)] == ["ChatPanel(name='Mali')", "ServerPanel()"]
        assert repr(ReadingSwitch()) == "ReadingSwitch()"
        data, _ = chat._repr_mimebundle_()
        assert data["text/plain"] == repr(chat)
        assert "application/vnd.jupyter.widget-view+json" in data


async def test_the_server_panel_starts_stops_speaks_and_tells_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = ServerPanel(0, lang="en")
    page = Page(panel, monkeypatch)
    async with closing(panel):
        with pytest.raises(NotRunning):
            panel.broadcast("nobody hears")
        page.does(do="press", button="start")
        await until(panel, lambda: panel.server)
        async with chatkit.connect(panel.uri, name="Mali") as chat:
            await panel.heard("✅ Mali joined")
            await chat.send("hi")
            await panel.heard("📩 Mali: hi")
            page.does(do="submit", view="v", text="welcome")
            await panel.heard("🟢 Server: welcome")
            await until(panel, lambda: panel.view.status["members"] == [{"name": "Mali", "you": False}])
        await panel.heard("❌ Mali left")
        page.does(do="press", button="stop")
        await until(panel, lambda: panel.view.status["state"] == "stopped")


async def test_a_taken_port_is_said_and_a_free_one_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        panel = ServerPanel(port)
        page = Page(panel, monkeypatch)
        async with closing(panel):
            with pytest.raises(PortTaken) as taken:
                await panel.start()
            await until(panel, lambda: panel.view.status["why"])
            assert str(port) in panel.view.status["why"]["th"]
            assert [button["name"] for button in panel.view.status["buttons"]] == ["start", "use_port"]
            page.does(do="press", button="use_port")
            await until(panel, lambda: panel.server)
            assert panel.uri == f"ws://localhost:{taken.value.free}"


async def test_starting_again_moves_no_port_and_a_server_stopped_elsewhere_is_noticed() -> None:
    panel = ServerPanel(0)
    async with closing(panel):
        await panel.start()
        assert panel.server
        panel.port = panel.server.port
        await panel.start()
        assert panel.server and panel.server.port == panel.port
        await panel.server.stop()
        await until(panel, lambda: panel.view.status["state"] == "stopped")


async def test_the_bridge_runs_in_the_context_where_it_was_made() -> None:
    here: contextvars.ContextVar[str] = contextvars.ContextVar("here", default="elsewhere")
    here.set("cell")
    bridge = Bridge(lambda error: None)
    seen: asyncio.Future[tuple[str, threading.Thread]] = asyncio.get_running_loop().create_future()
    call = threading.Thread(
        target=bridge.call, args=(lambda: seen.set_result((here.get(), threading.current_thread())),)
    )
    call.start()
    assert await seen == ("cell", threading.current_thread())
    call.join()


async def test_an_error_in_the_background_is_reported_once_for_functions_and_tasks() -> None:
    errors: asyncio.Queue[Exception] = asyncio.Queue()
    bridge = Bridge(errors.put_nowait)

    def fail() -> None:
        raise ValueError("in a function")

    async def fail_later() -> None:
        raise ValueError("in a task")

    bridge.call(fail)
    assert str(await errors.get()) == "in a function"
    bridge.start(fail_later())
    assert str(await errors.get()) == "in a task"
    assert not bridge.tasks


async def test_an_error_in_the_background_shows_in_the_panel_and_on_stderr(
    server: chatkit.Server, capsys: pytest.CaptureFixture[str]
) -> None:
    panel = ChatPanel(server.uri, "Mali")
    async with closing(panel):
        panel.report(ValueError("a bug"))
        assert "ValueError('a bug')" in panel.lines[-1]
        assert "ValueError: a bug" in capsys.readouterr().err


def test_a_join_card_knows_the_links_of_each_kind_of_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "reachable_addresses", lambda: ["192.168.1.5", "[2a00::5]"])
    server = chatkit.serve(None, 8765, token="<ครู>")  # not started: no test listens beyond the loopback
    card = JoinCard(server)
    token = "#token=%3C%E0%B8%84%E0%B8%A3%E0%B8%B9%3E"
    assert card.links == [f"http://{host}:8765/{token}" for host in ("192.168.1.5", "[2a00::5]")]
    assert "<svg" in card.html() and card.links[1] in card.html() and "<ครู>" not in card.html()
    monkeypatch.setattr(join, "reachable_addresses", list)
    assert JoinCard(server).links == [] and "no network address" in JoinCard(server, lang="en").html()
    card = JoinCard(chatkit.serve(port=8765), lang="th")
    assert card.links == ["http://localhost:8765/"] and "<svg" not in card.html()
    assert "เฉพาะเครื่องนี้" in card.html() and repr(card) == "JoinCard()"


async def test_there_is_no_join_card_without_a_server() -> None:
    with pytest.raises(NotRunning):
        JoinCard(ServerPanel(0))


class Kernel:
    """A real kernel, spoken to as JupyterLab does."""

    def __init__(self, client: AsyncKernelClient) -> None:
        self.client = client
        self.outputs: list[tuple[str, str]] = []  # (id of the cell's request, text)

    async def run(self, code: str, cell: str = "") -> str:
        """Run a cell and return what its last line or its error shows; AssertionError where it failed."""
        message = self.client.session.msg(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": True,
            },
            metadata={"cellId": cell} if cell else {},
        )
        self.client.shell_channel.send(message)
        request, value = message["header"]["msg_id"], ""
        while True:
            kind, content, parent = await self.hear()
            if parent != request:
                continue
            assert kind != "error", content
            if kind == "execute_result":
                value = content["data"]["text/plain"]
            elif kind == "status" and content["execution_state"] == "idle":
                return value

    async def hear(self) -> tuple[str, dict[str, Any], str]:
        """The next message that all front ends get: its kind, its content, and the request it belongs to."""
        async with asyncio.timeout(20):
            message = await self.client.get_iopub_msg()
        parent = message["parent_header"].get("msg_id", "")
        if message["msg_type"] == "stream":
            self.outputs.append((parent, message["content"]["text"]))
        return message["msg_type"], message["content"], parent

    async def subshell(self) -> str:
        """The id of a new subshell: a thread with an event loop of its own."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        async with asyncio.timeout(20):
            reply = await self.client.get_control_msg()
        subshell: str = reply["content"]["subshell_id"]
        return subshell

    def widget_message(self, model: str, content: dict[str, Any], subshell: str | None) -> None:
        """A widget's custom message, as the page sends it, to the main shell or to a subshell."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": model, "data": data})
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)


@pytest.fixture
async def kernel() -> AsyncIterator[Kernel]:
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=30)
        yield Kernel(client)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


SET_UP = """
from chatkit import serve
from chatkit.panels import ChatPanel
server = await serve(port=0, rate=0)
"""


async def test_widget_messages_of_the_main_shell_and_of_subshells_all_arrive(kernel: Kernel) -> None:
    await kernel.run(SET_UP)
    await kernel.run("mali, somchai = ChatPanel(server.uri, 'mali'), ChatPanel(server.uri, 'somchai')")
    model = (await kernel.run("mali.view.model_id")).strip("'")
    subshell = await kernel.subshell()
    for number in range(10):
        kernel.widget_message(
            model, {"do": "submit", "view": "v", "text": f"text {number};"}, subshell if number % 2 else None
        )
        heard = await kernel.run(f"await somchai.heard('text {number};', timeout=5)")
        assert heard == f"'mali: text {number};'"


async def test_an_error_that_a_widget_message_causes_shows_under_the_cell_that_made_the_panel(kernel: Kernel) -> None:
    await kernel.run(SET_UP)
    await kernel.run("panel = ChatPanel(server.uri, 'mali')\nprint('made here')")
    await kernel.run("def broken(button): raise ValueError('a bug')\npanel.press = broken")
    made_in = next(parent for parent, text in kernel.outputs if "made here" in text)
    model = (await kernel.run("panel.view.model_id")).strip("'")
    kernel.widget_message(model, {"do": "press", "button": "x"}, await kernel.subshell())
    await kernel.run("await panel.heard('a bug', timeout=5)")
    while not any("ValueError: a bug" in text for _, text in kernel.outputs):
        await kernel.hear()
    assert {parent for parent, text in kernel.outputs if "ValueError: a bug" in text} == {made_in}


async def test_a_cell_that_runs_again_leaves_no_ghost_in_the_room(kernel: Kernel) -> None:
    await kernel.run(SET_UP)
    names = "print(*sorted(who.name for who in server.members()))"
    await kernel.run("somchai = ChatPanel(server.uri, 'Somchai')", cell="other")
    twins = "a, b = ChatPanel(server.uri, 'Mali'), ChatPanel(server.uri, 'Mali')\nawait somchai.heard('Mali·2 joined')"
    await kernel.run(twins, cell="twins")
    await kernel.run("first = a", cell="last")
    await kernel.run("a, b = ChatPanel(server.uri, 'Nok'), ChatPanel(server.uri, 'Noi')", cell="twins")
    await kernel.run("for name in ('Mali left', 'Mali·2 left', 'Nok joined', 'Noi joined'): await somchai.heard(name)")
    await kernel.run(names)
    assert kernel.outputs[-1][1] == "Noi Nok Somchai\n"
    assert await kernel.run("first.status()['state']") == "'closed'"
