"""The panels as code, their messages to a page, and their callbacks on every thread of a real kernel."""

import asyncio
import contextvars
import json
import os
import socket
import sys
import threading
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve as serve_websockets
from websockets.typing import Subprotocol

import chatkit
from chatkit.addresses import free_port
from chatkit.errors import BadText, ChatError, NoServer, PortTaken
from chatkit.limits import LIMITS
from chatkit.panels import ChatPanel, JoinCard, NotHeard, ReadingSwitch, ServerPanel, display, join, side_by_side
from chatkit.panels.background import BackgroundServer, NotRunning
from chatkit.panels.bridge import BACKLOG, Bridge, Mailbox
from chatkit.panels.chat import Ended
from chatkit.panels.display import PAUSE
from chatkit.panels.journal import PASSING, SHOWN
from chatkit.panels.panel import Panel
from chatkit.panels.people import LISTED
from tests.chat import CEILING


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
    """Wait until what a panel says of itself has come to what is wanted, at most `CEILING`."""
    async with asyncio.timeout(CEILING):
        while not condition():  # noqa: ASYNC110 -- what is true has no event
            await asyncio.sleep(PAUSE / 10)


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


async def test_who_gave_no_name_is_called_someone_in_the_readers_language(server: chatkit.Server) -> None:
    english, thai = ServerPanel(0, lang="en"), ChatPanel(server.uri, "Mali", lang="th")
    both = ChatPanel(server.uri, "Somchai")
    async with closing(english, thai, both):
        for panel in (thai, both):
            await until(panel, lambda panel=panel: panel.status()["state"] == "open")
        nobody = await connect(server.uri, proxy=None)
        await thai.heard("✅ ใครคนหนึ่ง เข้าห้องแล้ว")
        await nobody.send("hi")
        assert await thai.heard("hi") == "ใครคนหนึ่ง: hi"
        assert await both.heard("hi") == "Someone · ใครคนหนึ่ง: hi"
        names = [each["name"] for each in thai.status()["members"]]
        assert {"th": "ใครคนหนึ่ง"} in names and "Mali" in names
        await nobody.close()
        await english.start()
        async with connect(english.uri, proxy=None) as another:
            await another.send("hi")
            assert await english.heard("hi") == "📩 Someone: hi"


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
        await until(panel, lambda: panel.status()["state"] == "closed")
        assert panel.status()["why"] == {lang: NoServer(panel.uri or "").sentence(lang) for lang in ("en", "th")}
        with pytest.raises(NoServer):
            panel.send("anybody?")
        async with chatkit.serve(port=port):
            page.does(do="press", button=panel.status()["buttons"][0]["name"])
            await until(panel, lambda: panel.status()["state"] == "open")
            assert panel.status()["why"] is None


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
        await until(panel, lambda: panel.status()["state"] == "open")
        began = time.monotonic()
        for _ in range(50):
            for number in range(100):
                panel.journal.add("msg", str(number))
            await asyncio.sleep(0)
        await page.sees(lambda m: bool(m["lines"]) and m["lines"][-1]["number"] == 5_000)
        assert len(page.messages) <= (time.monotonic() - began) / PAUSE + 2
        assert [line["number"] for line in page.messages[-1]["lines"]] == list(range(5_001 - SHOWN, 5_001))
        assert len(panel.lines) == SHOWN


async def test_who_comes_and_goes_takes_no_messages_place(server: chatkit.Server) -> None:
    panel = ChatPanel(server.uri, "Mali", lang="en")
    async with closing(panel):
        panel.journal.add("msg", "HOMEWORK: page 12")
        for number in range(600):
            panel.show(chatkit.Event("renamed", chatkit.Who("p1", f"Nok {number}")))
        panel.journal.add("msg", "the last one")
        assert panel.lines[0] == "HOMEWORK: page 12" and panel.lines[-1] == "the last one"
        assert len(panel.lines) == 2 + PASSING and "Nok 599" in panel.lines[-2]
        oldest = panel.journal.batch(0)["oldest"]
        assert oldest == {"talk": 1, "passing": 602 - PASSING}


async def test_after_a_new_log_only_its_own_lines_count(server: chatkit.Server) -> None:
    panel = ChatPanel(server.uri, "Mali", lang="en")
    async with closing(panel):
        panel.journal.add("msg", "old")
        panel.show(chatkit.Event("reset", chatkit.Who("", "")))
        assert panel.lines == ["✂️ Older messages are not here: the talk goes on from this line."]
        assert panel.journal.batch(0)["oldest"]["talk"] == 2


async def test_the_text_form_of_a_panel_stays_the_same(server: chatkit.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(display, "display", lambda data, **_: shown.append(data))
    chat, serving = ChatPanel(server.uri, "Mali"), ServerPanel(0)
    async with closing(chat, serving):
        assert [repr(chat), repr(serving)] == ["ChatPanel(name='Mali')", "ServerPanel()"]
        assert repr(ReadingSwitch()) == "ReadingSwitch()"
        assert repr(side_by_side(chat, serving)) == "side_by_side(ChatPanel(name='Mali'), ServerPanel())"
        chat._ipython_display_()
    widget, absent = shown
    assert widget["text/plain"] == repr(chat) and "application/vnd.jupyter.widget-view+json" in widget
    assert "run this cell again" in absent["text/plain"] and "ให้รันเซลล์นี้อีกครั้ง" in absent["text/html"]


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
            await until(panel, lambda: panel.status()["members"] == [{"name": "Mali", "tag": "", "you": False}])
        await panel.heard("❌ Mali left")
        page.does(do="press", button="stop")
        await until(panel, lambda: panel.status()["state"] == "stopped")


LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def port_of_a_notebook(name: str) -> AsyncIterator[int]:
    """A port on which a program listens that looks like a kernel of JupyterLab."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LISTEN, stdin=PIPE, stdout=PIPE, env=os.environ | {"JPY_SESSION_NAME": name}
    )
    assert process.stdin and process.stdout
    try:
        yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


async def test_a_taken_port_is_said_with_its_owner_and_a_free_one_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with port_of_a_notebook("lessons/03_handshake.ipynb") as port:
        panel = ServerPanel(port)
        page = Page(panel, monkeypatch)
        async with closing(panel):
            with pytest.raises(PortTaken) as taken:
                await panel.start()
            why = panel.status()["why"]
            assert all(word in why[lang] for lang in why for word in (str(port), "03_handshake.ipynb"))
            assert [button["name"] for button in panel.status()["buttons"]] == ["start", "use_port"]
            page.does(do="press", button="use_port")
            await until(panel, lambda: panel.server)
            assert panel.uri == f"ws://localhost:{taken.value.free}"


async def test_a_port_that_this_very_notebook_holds_is_called_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        panel = ServerPanel(ours.getsockname()[1], lang="en")
        async with closing(panel):
            with pytest.raises(PortTaken):
                await panel.start()
            assert "this very notebook" in panel.status()["why"]["en"]


async def test_starting_again_moves_no_port_and_a_server_stopped_elsewhere_is_noticed() -> None:
    panel = ServerPanel(0)
    async with closing(panel):
        await panel.start()
        assert panel.server
        panel.port = panel.server.port
        await panel.start()
        assert panel.server and panel.server.port == panel.port
        await panel.server.stop()
        await until(panel, lambda: panel.status()["state"] == "stopped")


async def test_one_server_of_a_kernel_makes_room_for_the_next_on_its_port() -> None:
    by_hand = await chatkit.serve(port=0)
    first, second = ServerPanel(by_hand.port), ServerPanel(by_hand.port)
    async with closing(first, second):
        await first.start()
        await second.start()
        assert second.server and first.server is None
    await by_hand.wait_closed()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "chatkit-server"]


async def test_a_cell_that_blocks_does_not_hold_up_the_chat_and_a_stop_leaves_no_thread() -> None:
    panel = ServerPanel(0, rate=0)
    said: list[int] = []

    async def talk(uri: str) -> None:
        async with chatkit.connect(uri, name="Mali") as mali, chatkit.connect(uri, name="Somchai") as somchai:
            for number in range(20):
                said.append(await mali.send(str(number)))
            async for event in somchai:
                if event.text == "19":
                    return

    async with closing(panel):
        await panel.start()
        other = threading.Thread(target=asyncio.run, args=(talk(panel.uri),), daemon=True)
        other.start()
        other.join(20)  # blocks this loop, as `time.sleep` in a cell does
        assert not other.is_alive() and said == list(range(1, 21))
        assert panel.lines == []  # the panel itself waits for the cell
        await panel.heard("Mali: 19")
        assert threads()
    assert panel.server is None and not threads()


async def test_a_start_that_is_given_up_leaves_no_server() -> None:
    server = BackgroundServer(port=0)
    starting = asyncio.create_task(server.start())
    await asyncio.sleep(0)  # the thread has begun
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await server.wait_closed()
    assert not threads()


async def test_a_wrong_option_is_an_error_of_the_cell() -> None:
    panel = ServerPanel(0, colour="red")
    async with closing(panel):
        with pytest.raises(TypeError, match="colour"):
            await panel.start()
        assert panel.status()["state"] == "stopped" and not threads()


async def test_the_server_of_a_panel_has_the_verbs_of_a_server() -> None:
    panel = ServerPanel(0)
    async with closing(panel):
        await panel.start()
        server = panel.server
        assert server and (server.host, server.token, server.ssl) == ("localhost", None, None)
        async with chatkit.connect(server.uri, name="Mali") as chat:
            assert [who.name for who in server.members()] == ["Mali"] and server.members("elsewhere") == []
            server.broadcast("welcome")
            async for event in chat:
                if event.text == "welcome":
                    break
            with pytest.raises(BadText):
                server.broadcast("ก" * 5_000)
    with pytest.raises(NotRunning):
        server.members()
    await server.stop()  # once more is no error


async def test_without_threads_the_server_lives_on_the_cells_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "emscripten")
    panel = ServerPanel(0)
    async with closing(panel):
        await panel.start()
        assert panel.server and not threads()
        async with chatkit.connect(panel.uri, name="Mali") as chat:
            await panel.heard("Mali joined")
            assert [who.name for who in panel.server.members()] == ["Mali"]
            panel.broadcast("welcome")
            assert (await anext(aiter(chat))).text == "welcome"
            await panel.heard("welcome")
        await panel.stop()
        assert panel.status()["state"] == "stopped"
    again = ServerPanel(0, colour="red")
    async with closing(again):
        with pytest.raises(TypeError, match="colour"):
            await again.start()


async def test_what_an_operator_should_know_is_a_line_of_the_server_panel() -> None:
    panel = ServerPanel(0, token="secret", lang="en")
    async with closing(panel):
        await panel.start()
        with pytest.raises(ChatError):
            await chatkit.connect(panel.uri, token="wrong", plain=True)
        await panel.heard("⚠️")


async def test_a_panel_without_an_address_follows_the_server_of_its_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatkit.serve(port=0) as lesson_before:
        monkeypatch.setenv("CHATKIT_PORT", str(lesson_before.port))
        monkeypatch.setattr("chatkit.panels.server.running", mine := {})  # as if that were another kernel's
        panel = ServerPanel(0)
        async with closing(panel):
            chat = ChatPanel(name="Mali", lang="en")
            await until(chat, lambda: chat.ended)
            assert isinstance(chat.ended, NotRunning)  # its own server first: the default port is a stranger's room
            await panel.start()
            assert panel.server
            mine[panel.server.port] = panel.server.server
            async with closing(chat):
                chat.press("connect")
                await panel.heard("Mali joined")
        guest = ChatPanel(name="Guest")
        mine.clear()
        Panel.made.discard(panel)
        async with closing(guest):
            await until(guest, lambda: guest.status()["state"] == "open")
            assert guest.status()["detail"] == lesson_before.uri


@asynccontextmanager
async def server_that_says(*messages: dict[str, Any]) -> AsyncIterator[str]:
    """A server that is not ours: it welcomes everybody, says what it wants, and answers nothing."""

    async def speak(connection: ServerConnection) -> None:
        await connection.recv()
        for message in messages:
            await connection.send(json.dumps(message))
        await connection.wait_closed()

    async with serve_websockets(speak, "127.0.0.1", 0, subprotocols=[Subprotocol("chatkit.v1")]) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def welcome(*names: str) -> dict[str, Any]:
    members = [{"id": f"paaaaa{number:05d}", "name": name} for number, name in enumerate(names)]
    fields = {"you": "paaaaa00000", "me": "m" * 32, "name": names[0], "room": "lobby", "epoch": "e", "head": 0}
    return {"type": "welcome", **fields, "oldest": 1, "resumed": False, "members": members}


async def test_names_that_look_alike_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"seq": 1, "id": "i", "from": "paaaaa00001", "name": "ｍａｌｉ", "ts": 1.0, "text": "hi"}
    async with server_that_says(welcome("Mali", "ｍａｌｉ", "Nok", "ＳＥＲＶＥＲ"), {"type": "msg", **said}) as uri:
        panel = ChatPanel(uri, "Mali")
        async with closing(panel):
            assert await panel.heard("hi") == "ｍａｌｉ #0001: hi"
            assert panel.status()["crowd"] is None
            tags = {member["name"]: member["tag"] for member in panel.status()["members"]}
            assert tags == {"Mali": "#0000", "ｍａｌｉ": "#0001", "Nok": "", "ＳＥＲＶＥＲ": "#0003"}


async def test_a_crowd_is_a_number() -> None:
    came = [{"id": f"pbbbbb{number:05d}", "name": f"Nok {number}"} for number in range(50)]
    crowd = {"type": "presence", "count": 812, "joined": came, "left": []}
    async with server_that_says(welcome("Mali"), crowd) as uri:
        panel = ChatPanel(uri, "Mali", lang="en")
        async with closing(panel):
            await panel.heard("Nok 49 joined")
            assert len(panel.status()["members"]) == 51
            assert panel.status()["crowd"] == {"en": "812 people"}
            assert len(panel.lines) == PASSING


async def test_a_panel_stays_small_whatever_a_server_says(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}" + "\U0001f40d" * 40 for number in range(1_500)]
    text = {"seq": 1, "id": "i", "from": "p1", "name": "x" * 9_000, "ts": 1.0, "text": "t" * 90_000}
    async with server_that_says(welcome(*names), {"type": "msg", **text}) as uri:
        panel = ChatPanel(uri + "/?token=secret&x=" + "y" * 2_000, "Mali")
        page = Page(panel, monkeypatch)
        async with closing(panel):
            await panel.heard("ttt")
            page.does(do="show", view="v")
            drawn = await page.sees(lambda message: message.get("view") == "v")
            assert len(json.dumps(drawn["status"])) < 64 * 1024
            assert len(drawn["status"]["members"]) == LISTED
            assert len(drawn["lines"][0]["text"]) == LIMITS.text and len(drawn["lines"][0]["who"]) == LIMITS.name
            assert "secret" not in json.dumps(page.messages)


async def test_a_text_that_a_server_does_not_answer_is_shown_as_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.panels.chat.LATE", 0.01)
    async with server_that_says(welcome("Mali")) as uri:
        panel = ChatPanel(uri, "Mali")
        async with closing(panel):
            panel.send("anybody?")
            await until(panel, lambda: panel.status()["note"])
            assert "1" in panel.status()["note"]["en"] and "1" in panel.status()["note"]["th"]
        await until(panel, lambda: panel.status()["note"] is None)


async def test_a_server_that_has_fallen_silent_is_said_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.client.ANSWER", 0.05)
    async with server_that_says(welcome("Mali")) as uri:
        panel = ChatPanel(uri, "Mali")
        async with closing(panel):
            panel.send("anybody?")
            await until(panel, lambda: panel.status()["state"] == "reconnecting" and panel.status()["why"])
            assert panel.status()["why"].keys() == {"en", "th"} and panel.status()["buttons"] == []


async def test_a_mailbox_keeps_the_newest_news_of_another_thread_for_a_busy_loop() -> None:
    batches: list[list[int]] = []
    mailbox: Mailbox[int] = Mailbox(Bridge(lambda error: None), batches.append)
    writing = threading.Thread(target=lambda: [mailbox.put(number) for number in range(BACKLOG + 500)])
    writing.start()
    writing.join()  # this loop is busy
    while not batches:  # noqa: ASYNC110 -- the callback is on its way
        await asyncio.sleep(0)
    assert batches == [list(range(500, BACKLOG + 500))]
    mailbox.put(-1)
    while len(batches) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert batches[1] == [-1]


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
    content = card.content()
    assert content["code"]["size"] and [way["links"] for way in content["ways"]] == [card.links[:1], card.links[1:]]
    assert content["proxied"]["path"] == f"proxy/8765/{token}"
    monkeypatch.setattr(join, "reachable_addresses", list)
    assert JoinCard(server).links == []
    (way,) = JoinCard(server, lang="en").content()["ways"]
    assert "no network address" in way["words"][0]["en"] and "th" not in way["words"][0]
    card = JoinCard(chatkit.serve(port=8765), lang="th")
    assert card.links == ["http://localhost:8765/"] and card.content()["code"] is None
    assert "เฉพาะเครื่องนี้" in card.content()["ways"][0]["words"][0]["th"] and repr(card) == "JoinCard()"


async def test_a_join_card_knows_the_way_to_a_server_of_ones_own() -> None:
    async with serve_websockets(lambda ws: ws.wait_closed(), "127.0.0.1", 0) as server:
        card = JoinCard(server, lang="en")
        assert card.links == [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"]
        assert card.is_local and card.content()["code"] is None
        assert 'Start it with host="0.0.0.0"' in card.content()["ways"][0]["words"][0]["en"]
    with pytest.raises(NotRunning):
        JoinCard(server)


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


async def test_a_server_cell_that_runs_again_takes_its_own_port_again(kernel: Kernel) -> None:
    port = free_port()
    start = f"from chatkit.panels import ServerPanel\nserver = ServerPanel({port})\nawait server.start()\nserver.uri"
    threads = "[thread.name for thread in threading.enumerate()].count('chatkit-server')"
    for _ in range(3):
        assert await kernel.run(start, cell="server") == f"'ws://localhost:{port}'"
    assert await kernel.run(f"import threading\n{threads}") == "1"
    assert await kernel.run(f"await server.stop()\n{threads}") == "0"


TOKEN = "open-sesame"
WITH_TOKEN = """
import os
from chatkit.panels import ChatPanel, JoinCard, ServerPanel, join, side_by_side
token = os.environ["TEST_TOKEN"]
server = ServerPanel(0, host="127.0.0.1", token=token)
await server.start()
chat = ChatPanel(server.uri + "/?token=" + token, name="Mali")
await server.heard("Mali joined")
chat.send("</script><img src=x onerror=alert(1)>")
await chat.heard("onerror")
join.HERE = ()  # a code for a phone
"""


async def test_no_token_and_nothing_that_was_said_is_saved_with_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TOKEN", TOKEN)
    lesson, saved = tmp_path / "lesson.ipynb", tmp_path / "saved.ipynb"
    cells = [WITH_TOKEN, "server", "chat", "JoinCard(server)", "side_by_side(chat, server)"]
    nbformat.write(nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells))), lesson)
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook", "--output", str(saved), str(lesson)]
    process = await asyncio.create_subprocess_exec(*command, stderr=PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    notebook = nbformat.read(saved, as_version=4)
    written = json.dumps([notebook.metadata, [cell.outputs for cell in notebook.cells]])
    assert "widget-state" in written and "JoinCard()" in written
    assert TOKEN not in written and "onerror" not in written
