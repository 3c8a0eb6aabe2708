"""The phone page in a real Chromium, against the real server, at the size of a small phone."""

import json
import re
import signal
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Error as PlaywrightError, WebSocketRoute, expect
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection

import chatkit
from chatkit.server import free_port
from chatkit.texts import say
from chatkit.web import page as document
from tests.browser.phones import MESSAGES, NewPhone, Phone, killable_server
from tests.needs import ROOT, need_chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG_THAI = ("สวัสดีน้ำใจผู้ใหญ่ที่นี่" * 200)[:4000]
HOSTILE = [
    "<img src=x onerror=\"document.title='pwned'\">",
    "</script><script>document.title='pwned'</script>",
    "<svg/onload=\"document.title='pwned'\">",
    "&#x6a;avascript:alert(1) &lt;b&gt; javascript:alert(1)",
    "abc \u202egnirts\u2066 def",
    "ze\u200bro\u200d\ufeffwidth",
    "{name} {{count}} $& $1 ${x}",
    LONG_THAI,
]


def http(server: chatkit.Server, path: str = "/") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


# Talking


@need_chromium
async def test_two_phones_chat_in_thai_both_ways(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone("th-TH")).join(http(server), "มะลิ")
        somchai = await (await phone("th-TH")).join(http(server), "สมชาย")
        await expect(mali.page.locator("#log .presence")).to_have_text("\u2068สมชาย\u2069 เข้าห้องแล้ว")
        await mali.send("สวัสดี ที่นี่มีใครไหม")
        await somchai.shows("สวัสดี ที่นี่มีใครไหม")
        await somchai.send("มี ผู้ใหญ่กินก๋วยเตี๋ยวน้ำ")
        server.broadcast("พักสิบนาที")
        for each in (mali, somchai):
            await each.shows("สวัสดี ที่นี่มีใครไหม", "มี ผู้ใหญ่กินก๋วยเตี๋ยวน้ำ", "พักสิบนาที")
        await expect(mali.page.locator("#log .mine .text")).to_have_text(["สวัสดี ที่นี่มีใครไหม"])
        await expect(mali.page.locator("#log .mine .meta")).to_contain_text("ส่งแล้ว")
        await expect(somchai.page.locator("#log .theirs .from bdi")).to_have_text(["มะลิ"])
        await expect(mali.page.locator("#log .notice .from")).to_have_text("🟢 เซิร์ฟเวอร์")
        await expect(mali.page.locator("#count")).to_have_text("2 คนในห้อง")
        await mali.page.locator("#count").click()
        await expect(mali.page.locator("#members bdi")).to_have_text(["มะลิ", "สมชาย"])
        await somchai.page.close()
        await expect(mali.page.locator("#log .presence").last).to_have_text("\u2068สมชาย\u2069 ออกจากห้องแล้ว")


@need_chromium
async def test_who_gave_no_name_is_called_someone_in_the_readers_language(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone("th-TH")).join(http(server), "มะลิ")
        async with connect(server.uri, proxy=None) as nobody:
            await nobody.send("hi")
            await expect(mali.page.locator("#log .presence")).to_have_text("\u2068ใครคนหนึ่ง\u2069 เข้าห้องแล้ว")
            await expect(mali.page.locator("#log .theirs .from bdi")).to_have_text("ใครคนหนึ่ง")
            await mali.page.locator("#count").click()
            await expect(mali.page.locator("#members bdi")).to_have_text(["มะลิ", "ใครคนหนึ่ง"])
            await mali.page.locator("#switch").click()
            await expect(mali.page.locator("#log .theirs .from bdi")).to_have_text("Someone")


@need_chromium
async def test_path_is_the_room(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        lobby = await (await phone()).join(http(server), "Mali")
        kitchen = await (await phone()).join(http(server, "/room/%E0%B8%84%E0%B8%A3%E0%B8%B1%E0%B8%A7"), "Somchai")
        await kitchen.send("หิวแล้ว")
        await kitchen.shows("หิวแล้ว")
        await lobby.send("hi")
        await lobby.shows("hi")
        await expect(kitchen.page.locator("#room")).to_have_text("ครัว")


@need_chromium
async def test_hostile_texts_show_as_text(phone: NewPhone) -> None:
    async with chatkit.serve(port=0, rate=0) as server:
        mali = await (await phone()).join(http(server), "<b>Mali</b>")
        reader = await (await phone()).join(http(server), "Somchai")
        await mali.send(*HOSTILE)
        await expect(reader.page.locator("#log .text")).to_have_count(len(HOSTILE))
        for each in (mali, reader):
            assert await each.page.locator("#log .text").evaluate_all("all => all.map(e => e.textContent)") == HOSTILE
            await expect(each.page.locator("#log").locator("img, script, svg, b, a")).to_have_count(0)
            assert "pwned" not in await each.page.title()
            assert await each.page.evaluate("document.documentElement.scrollWidth") == 360  # 4,000 letters wrap
        await expect(reader.page.locator("#log .from bdi").first).to_have_text("<b>Mali</b>")


@need_chromium
async def test_whom_the_server_calls_otherwise_is_told_so(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        first = await (await phone()).join(http(server), "Nok")
        second = await (await phone("th-TH")).join(http(server), "Nok")
        await expect(second.page.locator("#as")).to_have_text("ในห้องนี้คุณใช้ชื่อ \u2068Nok·2\u2069")
        await expect(first.page.locator("#as")).to_be_empty()
        await second.page.reload()
        await expect(second.page.locator("#as")).to_have_text("ในห้องนี้คุณใช้ชื่อ \u2068Nok·2\u2069")


@need_chromium
async def test_whom_somebody_else_renames_is_told_so(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        lines = await mali.hears()
        await mali.join(http(server), "Mali")
        lines[0].send(json.dumps({"type": "renamed", "who": {"id": "p7", "name": "Jasmine"}}))
        await expect(mali.page.locator("#as")).to_have_text("In this room you are \u2068Jasmine\u2069")
        await expect(mali.page).to_have_title("Lobby · Jasmine")


@need_chromium
async def test_tag_tells_two_people_of_one_look_apart(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        looks = [{**MESSAGES["msg"], "seq": n, "from": f"p{n}{n}{n}{n}abcdef", "name": "Nok"} for n in (1, 2)]
        await mali.hears(*looks, head=2)
        await mali.join(http(server), "Mali")
        await expect(mali.page.locator("#log .from")).to_have_text(["Nok p1111", "Nok p2222"])


# Nothing lost, nothing doubled


@need_chromium
async def test_page_keeps_to_the_conformance_script(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        await mali.page.goto(http(server))
        conformance = ROOT / "tests" / "conformance"
        script = json.loads((conformance / "client.json").read_text("utf-8"))
        runner = (conformance / "run.js").read_text("utf-8").replace("export function", "function")
        assert await mali.page.evaluate(f"(script) => {{ {runner}; return run(Memory, script); }}", script) == []


@need_chromium
async def test_server_killed_and_back_loses_and_doubles_nothing(phone: NewPhone, tmp_path: Path) -> None:
    db = tmp_path / "chat.db"
    async with chatkit.serve(port=0, db=str(tmp_path / "other.db")) as server:
        port = server.port
    url = f"http://127.0.0.1:{port}/"
    async with killable_server(port, db):
        mali = await (await phone()).join(url, "มะลิ")
        somchai = await (await phone("th-TH")).join(url, "สมชาย")
        await mali.send("หนึ่ง")
        await somchai.shows("หนึ่ง")
    await mali.is_in("reconnecting")
    await expect(mali.page.locator("#words")).to_have_text(re.compile(r"Reconnecting in \d+\.\d s|Connecting…"))
    await mali.send("สอง", "สาม")
    await somchai.send("สี่")
    await expect(mali.page.locator("#outbox .pending .text")).to_have_text(["สอง", "สาม"])
    async with killable_server(port, db):
        await mali.is_in("open")
        await somchai.is_in("open")
        await expect(mali.page.locator("#log .text")).to_have_count(4, timeout=15_000)
        told = await mali.page.locator("#log .text").all_inner_texts()
        assert sorted(told) == sorted(["หนึ่ง", "สอง", "สาม", "สี่"])
        assert told.index("หนึ่ง") < told.index("สอง") < told.index("สาม")
        await mali.shows(*told)
        await somchai.shows(*told)


@need_chromium
async def test_lost_message_is_read_again_and_doubled_one_shows_once(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        lost: list[str] = []

        def lossy(route: WebSocketRoute) -> None:
            real = route.connect_to_server()

            def pass_on(message: str | bytes) -> None:
                if isinstance(message, str) and '"two"' in message and not lost:
                    lost.append(message)
                else:
                    route.send(message)
                    route.send(message)

            real.on_message(pass_on)

        await mali.page.route_web_socket("**", lossy)
        await mali.join(http(server), "Mali")
        for text in ("one", "two", "three"):
            server.broadcast(text)
        await mali.shows("one", "two", "three")
        assert lost


@need_chromium
async def test_link_cut_between_commit_and_ack_doubles_nothing(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        cut: list[str] = []

        def fragile(route: WebSocketRoute) -> None:
            real = route.connect_to_server()

            async def pass_on(message: str | bytes) -> None:
                if '"type":"msg"' in str(message) and not cut:
                    cut.append(str(message))
                    await route.close(code=1001)
                else:
                    route.send(message)

            real.on_message(pass_on)

        await mali.page.route_web_socket("**", fragile)
        await mali.join(http(server), "Mali")
        await mali.send("one", "two")
        await mali.shows("one", "two")
        assert cut


@need_chromium
async def test_other_log_clears_the_view_and_says_so(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        await mali.send("old")
        await mali.shows("old")
    async with chatkit.serve(port=server.port) as server:
        server.broadcast("new")  # number 1 again, and another message
        await mali.is_in("open")
        await mali.shows("new")
        await expect(mali.page.locator("#log .marker")).to_have_text(say("page_older_gone").en)


@need_chromium
async def test_reload_keeps_who_i_am_what_i_read_and_what_is_unsent(phone: NewPhone) -> None:
    texts = [f"ข้อความ {n}" for n in range(13)]
    async with chatkit.serve(port=0, rate=0.05) as server:  # after ten the server says: in twenty seconds
        mali = await (await phone("th-TH")).join(http(server), "มะลิ")
        await mali.send(*texts)
        await expect(mali.page.locator("#outbox .pending .text")).to_have_text(texts[10:])
        assert len(mali.sent) == 1 + 11  # hello, and one at a time: ten were taken, one is to come again
        await mali.page.reload()
        await mali.shows(*texts)
        await expect(mali.page.locator("#log .mine")).to_have_count(13)
        assert [who.name for who in server.members()] == ["มะลิ"]
        first, second = mali.hellos()
        assert second["me"] and second["epoch"] and "me" not in first and "after" not in first
        assert await mali.page.context.cookies() == []


@need_chromium
async def test_hidden_tab_comes_back_and_catches_up_at_once(phone: NewPhone) -> None:
    mali = await phone()
    await mali.page.clock.install()
    async with chatkit.serve(port=0) as server:
        await mali.join(http(server), "Mali")
        await mali.page.clock.pause_at(await mali.page.evaluate("Date.now() / 1000 + 1"))  # no timer fires while hidden
        server.broadcast("missed")
        server.connections.drop(*server.connections.standing())
        await mali.is_in("reconnecting")
        await mali.come_back()
        await mali.is_in("open")
        await mali.page.clock.run_for(100)
        await mali.shows("missed")


@need_chromium
async def test_silent_server_is_left_after_45_seconds_and_at_once_by_a_returning_reader(phone: NewPhone) -> None:
    mali = await phone()
    await mali.page.clock.install()
    async with chatkit.serve(port=0) as server:
        await mali.join(http(server), "Mali")
        await mali.page.clock.pause_at(await mali.page.evaluate("Date.now() / 1000 + 1"))
        await mali.come_back()  # heard a moment ago: nothing to do
        await mali.page.clock.run_for(20_000)
        assert len(mali.hellos()) == 1
        await mali.come_back()  # a beat was missed
        await mali.is_in("open")
        assert len(mali.hellos()) == 2
        await mali.page.clock.run_for(44_000)
        assert len(mali.hellos()) == 2
        await mali.page.clock.run_for(3_000)
        await mali.is_in("open")
        assert len(mali.hellos()) == 3


@need_chromium
async def test_device_back_online_takes_a_new_socket(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        await mali.page.context.set_offline(True)
        await mali.page.context.set_offline(False)
        await mali.is_in("open")
        server.broadcast("hello again")
        await mali.shows("hello again")
        assert len(mali.hellos()) == 2


@need_chromium
async def test_page_without_a_network_says_so_at_once_and_comes_back_at_once(phone: NewPhone) -> None:
    mali = await phone()
    await mali.page.clock.install()
    async with chatkit.serve(port=0) as server:
        await mali.join(http(server), "Mali")
        await mali.page.clock.pause_at(
            await mali.page.evaluate("Date.now() / 1000 + 1")
        )  # nothing here waits for a timer
        await mali.page.context.set_offline(True)
        await mali.is_in("reconnecting")
        await expect(mali.page.locator("#words")).to_have_text(say("page_offline").en)
        await mali.send("not lost")
        await mali.page.context.set_offline(False)
        await mali.is_in("open")
        await mali.page.clock.run_for(100)
        await mali.shows("not lost")


@need_chromium
async def test_frozen_server_is_left_when_an_answer_is_8_seconds_late(phone: NewPhone, tmp_path: Path) -> None:
    mali = await phone()
    await mali.page.clock.install()
    port = free_port()
    async with killable_server(port, tmp_path / "chat.db") as process:
        await mali.join(f"http://127.0.0.1:{port}/", "Mali")
        await mali.page.clock.pause_at(await mali.page.evaluate("Date.now() / 1000 + 1"))
        process.send_signal(signal.SIGSTOP)
        await mali.page.clock.run_for(20_000)
        await mali.is_in("open")  # nothing of ours is on its way: silence is no answer that is late
        await mali.send("are you there?")
        await mali.page.clock.run_for(7_900)
        await mali.is_in("open")
        await mali.page.clock.run_for(200)
        # Or already connecting: the first wait is a random one, and may be shorter than what is left of these 200 ms.
        await expect(mali.page.locator("#state")).to_have_attribute(
            "data-state", re.compile("^(reconnecting|connecting)$")
        )
        await expect(mali.page.locator("#outbox .pending .text")).to_have_text(["are you there?"])
        process.send_signal(signal.SIGCONT)
        await mali.page.clock.resume()
        await mali.is_in("open")
        await mali.shows("are you there?")


@need_chromium
async def test_replay_that_takes_long_is_no_late_answer(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        await mali.page.clock.install()
        lines = await mali.hears(head=3)
        await mali.join(http(server), "Mali")
        await mali.page.clock.pause_at(await mali.page.evaluate("Date.now() / 1000 + 1"))
        await mali.send("hi")
        for n in (1, 2, 3):
            await mali.page.clock.run_for(6_000)
            lines[0].send(json.dumps({**MESSAGES["msg"], "seq": n, "text": f"text {n}"}))
            await mali.page.wait_for_function("n => memory.last === n", arg=n)
        await mali.page.clock.run_for(7_900)
        assert await mali.page.evaluate("line.tries") == 0
        await mali.page.clock.run_for(200)  # long enough to be open again, too, where the random first wait is short
        assert await mali.page.evaluate("line.tries") == 1


@need_chromium
async def test_server_that_closes_after_each_welcome_is_asked_less_and_less_often(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        await mali.page.clock.install()
        lines = await mali.hears()
        await mali.join(http(server), "Mali")
        await mali.page.clock.pause_at(await mali.page.evaluate("Date.now() / 1000 + 1"))
        await mali.page.evaluate("line.openedAt = Date.now()")  # what the machine took until here is not the server's

        async def closed() -> float:
            await mali.is_in("open")
            await lines[-1].close(code=1001)
            await mali.is_in("reconnecting")
            wait: float = await mali.page.evaluate("line.retryAt - Date.now()")
            await mali.page.clock.run_for(wait + 1)
            return wait

        waits = [await closed() for _ in range(6)]
        assert len(lines) == 7
        assert waits[0] < 1000 < waits[1]
        assert waits[-1] > 4 * 1000  # 1.6 to the power of 5 is 10.5, less 30 %
        await mali.is_in("open")
        await mali.page.clock.run_for(10_001)  # it holds: the next trouble is a new one
        assert await closed() < 1000


# Refusals


@need_chromium
async def test_refused_message_shows_why_and_gives_its_text_back(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        await mali.send("bad \0 text", "good text")
        refused = mali.page.locator("#outbox .refused")
        await expect(refused.locator(".meta")).to_contain_text(say("nack_bad_text").en)
        await expect(mali.page.locator("#log .text")).to_have_text(["good text"])
        await refused.get_by_role("button").focus()
        server.broadcast("more")
        await expect(mali.page.locator("#log .text")).to_have_text(["good text", "more"])
        await expect(refused.get_by_role("button")).to_be_focused()
        await mali.page.keyboard.press("Enter")
        await expect(mali.page.locator("#text")).to_be_focused()
        assert await mali.page.locator("#text").input_value() == "bad \0 text"
        await mali.shows("good text", "more")


@need_chromium
async def test_too_long_message_stays_in_its_field(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        await mali.send("😀" * 4001)
        await mali.says("page_too_long", count="4,001", limit="4,000")
        await mali.send("\x01" * 3999)  # six bytes each as JSON
        await mali.says("page_too_big", limit="16,384")
        assert await mali.page.locator("#text").input_value() == "\x01" * 3999
        await expect(mali.page.locator("#outbox .line")).to_have_count(0)
        await mali.send("😀" * 4000)
        await mali.shows("😀" * 4000)


@need_chromium
async def test_reserved_name_comes_back_to_the_form(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone("th-TH")
        await mali.page.goto(http(server))
        await mali.page.locator("#name").press("Enter")
        await mali.says("page_name_blank", "th")
        await mali.page.locator("#name").fill("ครู")
        await mali.page.locator("#name").press("Enter")
        await mali.says("nack_reserved_name", "th", name="ครู")
        await expect(mali.page.locator("#name")).to_be_focused()
        await mali.page.locator("#name").fill("มะลิ")
        await mali.page.locator("#name").press("Enter")
        await mali.is_in("open")
        await expect(mali.page.locator("#note")).to_be_empty()


@need_chromium
async def test_a_reload_before_the_next_frame_is_drawn_loses_nothing(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        await mali.page.goto(http(server))
        await mali.page.evaluate("window.requestAnimationFrame = () => 0")
        await mali.enter("Mali")
        await mali.page.reload()
        await mali.is_in("open")


@need_chromium
async def test_token_in_the_fragment_opens_and_never_reaches_the_server(phone: NewPhone) -> None:
    received: list[bytes] = []

    class Recording(ServerConnection):
        def data_received(self, data: bytes) -> None:
            received.append(data)
            super().data_received(data)

    async with chatkit.serve(port=0, token="รหัส-secret", create_connection=Recording) as server:
        mali = await (await phone()).join(http(server, "/#token=%E0%B8%A3%E0%B8%AB%E0%B8%B1%E0%B8%AA-secret"), "Mali")
        assert mali.page.url == http(server)
        await mali.page.reload()
        await mali.is_in("open")
        assert mali.hellos()[-1]["token"] == "รหัส-secret"
        assert not [url for url in mali.requests if "secret" in url.split("#")[0]]
        assert b"secret" not in b"".join(received) and b"GET / HTTP/1.1" in b"".join(received)
        assert await mali.page.evaluate("localStorage.length") == 0


@need_chromium
async def test_token_is_asked_for_and_can_be_typed(phone: NewPhone) -> None:
    async with chatkit.serve(port=0, token="secret") as server:
        mali = await phone()
        await mali.page.goto(http(server))
        await expect(mali.page.locator("#token")).to_be_hidden()
        await mali.page.locator("#name").fill("Mali")
        await mali.page.locator("#name").press("Enter")
        await mali.says("page_token_needed")
        await mali.is_in("closed")
        await expect(mali.page.locator("#token")).to_be_focused()
        await mali.page.locator("#token").fill("wrong")
        await mali.page.locator("#token").press("Enter")
        await mali.says("page_token_wrong")
        await mali.page.get_by_role("textbox", name=say("page_token").en).fill("secret")
        await mali.page.locator("#token").press("Enter")
        await mali.is_in("open")


@need_chromium
async def test_second_tab_takes_over_and_the_first_can_take_it_back(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        await mali.send("hi")
        await mali.shows("hi")
        async with mali.page.expect_popup() as popup:
            await mali.page.evaluate("void window.open(location.href)")  # takes a copy of sessionStorage along
        second = Phone(await popup.value)
        await second.shows("hi")
        await mali.is_in("closed")
        await mali.says("page_replaced")
        await mali.shows("hi")
        await mali.page.get_by_role("button", name=say("page_join").en).click()
        await mali.is_in("open")
        await second.is_in("closed")
        assert len(server.members()) == 1


@need_chromium
@pytest.mark.parametrize(("code", "sentence"), [(4003, "page_removed"), (1008, "page_flood")])
async def test_put_out_by_the_server_it_stays_out(phone: NewPhone, code: int, sentence: str) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        [session] = server.reception.door.inside
        await session.connection.close(code)
        await mali.says(sentence)
        await mali.is_in("closed")
        await mali.page.reload()
        await expect(mali.page.locator("#name")).to_have_value("Mali")
        assert len(mali.hellos()) == 1


@need_chromium
async def test_draft_is_there_after_a_reload_and_on_the_way_back(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone("th-TH")).join(http(server), "มะลิ")
        await mali.page.locator("#text").fill("ยังพิมพ์ไม่เสร็จ")
        await mali.page.reload()
        await mali.is_in("open")
        await expect(mali.page.locator("#text")).to_have_value("ยังพิมพ์ไม่เสร็จ")
        await mali.page.goto("about:blank")
        await mali.page.go_back()
        await mali.is_in("open")
        await expect(mali.page.locator("#text")).to_have_value("ยังพิมพ์ไม่เสร็จ")
        await mali.page.locator("#text").press("Enter")
        await mali.shows("ยังพิมพ์ไม่เสร็จ")
        await mali.page.reload()
        await mali.is_in("open")
        await expect(mali.page.locator("#text")).to_have_value("")


# The page itself


@need_chromium
@pytest.mark.parametrize("base", ["/proxy/8765/", "/services/chat/"])
@pytest.mark.parametrize(("path", "room"), [("", "Lobby"), ("room/ครัว", "ครัว")])
async def test_behind_a_prefix_the_page_finds_its_room(phone: NewPhone, base: str, path: str, room: str) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        headers, body = document(f"127.0.0.1:{server.port}")
        url = http(server, base + quote(path))
        await mali.page.route(url, lambda route: route.fulfill(headers=dict(headers), body=body))
        routes = await mali.hears(room="lobby" if room == "Lobby" else room)
        await mali.page.goto(url)
        await expect(mali.page.locator("#room")).to_have_text("ChatKit" if room == "Lobby" else room)
        await mali.join(url, "Mali")
        await expect(mali.page.locator("#room")).to_have_text(room)
        assert [route.url for route in routes] == [url.replace("http", "ws")]


@need_chromium
async def test_server_below_a_base_path_has_its_page_and_its_rooms_there(phone: NewPhone) -> None:
    async with chatkit.serve(port=0, base_path="/services/chat/") as server:
        mali = await (await phone()).join(http(server, "/services/chat/"), "Mali")
        nok = await (await phone()).join(http(server, "/services/chat/room/kitchen"), "Nok")
        await expect(mali.page.locator("#room")).to_have_text("Lobby")
        await nok.send("hungry")
        await nok.shows("hungry")
        assert [who.name for who in server.members("kitchen")] == ["Nok"]


@need_chromium
async def test_tab_says_which_room_it_is_and_how_much_is_new(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone("th-TH")
        await mali.page.goto(http(server))
        await expect(mali.page).to_have_title("ChatKit")
        await mali.join(http(server), "มะลิ")
        await expect(mali.page).to_have_title("ล็อบบี้ · มะลิ")
        server.broadcast("read at once")
        await mali.shows("read at once")
        await expect(mali.page).to_have_title("ล็อบบี้ · มะลิ")
        await mali.hide()
        server.broadcast("one")
        server.broadcast("two")
        await expect(mali.page).to_have_title("(2) ล็อบบี้ · มะลิ")
        await mali.come_back()
        await expect(mali.page).to_have_title("ล็อบบี้ · มะลิ")


@need_chromium
async def test_big_room_shows_how_many_are_here_and_some_of_the_names(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        crowd = [
            {
                "type": "presence",
                "count": 612 + n,
                "joined": [{"id": f"p{n}x{i}", "name": f"N{i}"} for i in range(50)],
                "left": [],
            }
            for n in range(0, 250, 50)
        ]
        await mali.hears(*crowd)
        await mali.join(http(server), "Mali")
        await expect(mali.page.locator("#count")).to_have_text("812 in the room")
        await expect(mali.page.locator("#log .presence")).to_have_count(0)
        await mali.page.locator("#count").click()
        await expect(mali.page.locator("#members li")).to_have_count(201)
        await expect(mali.page.locator("#members li").first).to_contain_text("Mali")
        await expect(mali.page.locator("#members em")).to_have_count(1)
        await expect(mali.page.locator("#members li").last).to_have_text(say("page_more_people", count=612).en)


@need_chromium
async def test_renames_push_no_message_off_the_screen(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        nok = [{"id": "p9", "name": f"Nok {n}"} for n in range(600)]
        await mali.hears(
            {"type": "joined", "who": nok[0]},
            {**MESSAGES["msg"], "text": "first"},
            *({"type": "renamed", "who": who} for who in nok),
            {**MESSAGES["msg"], "seq": 2, "id": "m2", "text": "second"},
        )
        await mali.join(http(server), "Mali")
        await expect(mali.page.locator("#log .text")).to_have_text(["first", "second"])
        for text in ("first", "second"):
            await expect(mali.page.get_by_text(text)).to_be_in_viewport()
        await expect(mali.page.locator("#log .presence")).to_have_count(1 + 3)
        await expect(mali.page.locator("#log .presence").last).to_contain_text("Nok 599")


@need_chromium
async def test_screen_reader_skips_the_replay(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        for n in range(12):
            server.broadcast(f"message {n}")
        mali = await phone()
        await mali.page.goto(http(server))
        await mali.page.evaluate("""() => {
            window.grew = [];
            const log = document.getElementById("log");
            const note = () => grew.push([log.ariaBusy, log.childElementCount]);
            new MutationObserver(note).observe(log, {childList: true});
        }""")
        await mali.page.locator("#name").fill("Mali")
        await mali.page.locator("#name").press("Enter")
        await expect(mali.page.get_by_role("log")).to_have_attribute("aria-busy", "false")
        await mali.shows(*(f"message {n}" for n in range(12)))
        assert {busy for busy, _ in await mali.page.evaluate("grew")} == {"true"}
        server.broadcast("to be read")
        await mali.page.get_by_text("to be read").wait_for()
        assert (await mali.page.evaluate("grew"))[-1] == ["false", 13]
        server.connections.drop(*server.connections.standing())
        server.broadcast("missed")  # nobody is connected until this coroutine waits again
        await mali.page.get_by_text("missed").wait_for()
        assert (await mali.page.evaluate("grew"))[-1] == ["true", 14]


@need_chromium
async def test_join_screen_has_its_landmarks(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        await mali.page.goto(http(server))
        main = mali.page.get_by_role("main")
        await expect(main.get_by_role("textbox", name=say("page_name").en)).to_be_visible()
        await expect(main.get_by_role("button", name=say("page_join").en)).to_be_visible()
        await expect(mali.page.get_by_role("banner")).to_be_visible()


@need_chromium
async def test_headers_let_nothing_else_run(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        response = await mali.page.goto(http(server))
        assert response
        headers = await response.all_headers()
        policy = headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert "set-cookie" not in headers
        assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert f"connect-src 'self' ws://127.0.0.1:{server.port}" in policy
        with pytest.raises(PlaywrightError, match="TrustedHTML"):
            await mali.page.evaluate("void (document.body.innerHTML = '<b>not even by mistake</b>')")
        blocked = """url => new Promise(seen => {
            document.addEventListener('securitypolicyviolation', event => seen(event.effectiveDirective));
            fetch(url).catch(() => {});
        })"""
        assert await mali.page.evaluate(blocked, "http://127.0.0.2:9/") == "connect-src"
        mali.complaints.clear()  # Chromium tells of what it blocked


@need_chromium
async def test_keyboard_alone_is_enough(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone(has_touch=False, is_mobile=False)
        await mali.page.goto(http(server))
        keyboard, focused = mali.page.keyboard, mali.page.locator(":focus")
        await expect(focused).to_have_id("name")
        await keyboard.type("Mali")
        await keyboard.press("Tab")
        await keyboard.press("Space")
        await mali.is_in("open")
        await expect(focused).to_have_id("text")
        await keyboard.type("first line")
        await keyboard.press("Shift+Enter")
        await keyboard.type("second line")
        await keyboard.press("Tab")
        await keyboard.press("Enter")
        await mali.shows("first line\nsecond line")
        for id in ("scroller", "count", "switch"):
            await keyboard.press("Shift+Tab")
            await expect(focused).to_have_id(id)
        await keyboard.press("Enter")
        await expect(mali.page.locator("html")).to_have_attribute("lang", "th")


@need_chromium
async def test_language_follows_the_device_and_the_switch(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone("th-TH")).join(http(server), "มะลิ")
        await expect(mali.page.locator("html")).to_have_attribute("lang", "th")
        await expect(mali.page.locator("#words")).to_have_text("เชื่อมต่ออยู่")
        await mali.send("hi")
        await mali.shows("hi")
        await mali.page.get_by_role("button", name="English").click()
        await expect(mali.page.locator("html")).to_have_attribute("lang", "en")
        await expect(mali.page.locator("#words")).to_have_text("Open")
        await expect(mali.page.locator("#log .mine .meta")).to_contain_text("sent")
        await expect(mali.page.get_by_role("textbox", name="Message")).to_have_attribute("placeholder", "Message")
        await mali.page.reload()
        await expect(mali.page.get_by_role("button", name="ไทย")).to_be_visible()
        other = await phone("fr-FR")
        await other.page.goto(http(server))
        await expect(other.page.locator("html")).to_have_attribute("lang", "en")


@need_chromium
async def test_screen_reader_finds_its_way(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        server.broadcast("hello")
        await mali.shows("hello")
        page = mali.page
        await expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
        await expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")
        await expect(page.get_by_role("status")).to_have_text("Open")
        await expect(page.get_by_role("region", name="Messages")).to_be_visible()
        await expect(page.get_by_role("heading", name="Lobby")).to_be_visible()
        for control in await page.locator("button:visible, input:visible, textarea:visible, summary:visible").all():
            box = await control.bounding_box()
            assert box and box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= 360


@need_chromium
async def test_reader_who_scrolled_up_keeps_the_place(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        for n in range(60):
            server.broadcast(f"message {n}")
        await expect(mali.page.get_by_text("message 59")).to_be_in_viewport()
        await mali.page.locator("#scroller").hover()
        await mali.page.mouse.wheel(0, -900)
        await expect(mali.page.get_by_text("message 59")).not_to_be_in_viewport()
        server.broadcast("the newest")
        newest = mali.page.get_by_role("button", name="New messages")
        await expect(newest).to_be_visible()
        await expect(mali.page.get_by_text("the newest")).not_to_be_in_viewport()
        await newest.click()
        await expect(mali.page.get_by_text("the newest")).to_be_in_viewport()
        await expect(newest).to_be_hidden()


@need_chromium
async def test_on_screen_keyboard_hides_neither_input_nor_newest_message(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        for n in range(20):
            server.broadcast(f"message {n}")
        await expect(mali.page.get_by_text("message 19")).to_be_in_viewport()
        await mali.page.set_viewport_size({"width": 360, "height": 300})
        await expect(mali.page.locator("#text")).to_be_in_viewport(ratio=1)
        await expect(mali.page.get_by_text("message 19")).to_be_in_viewport(ratio=1)


@need_chromium
async def test_long_talk_keeps_only_the_newest_lines(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        for n in range(700):
            server.broadcast(f"message {n}")
        await expect(mali.page.locator("#log .line").last).to_contain_text("message 699")
        await expect(mali.page.locator("#log .line")).to_have_count(500)


@need_chromium
async def test_comings_and_goings_take_no_place_of_a_message(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await phone()
        talk = [{**MESSAGES["msg"], "seq": n, "id": f"m{n}", "text": f"message {n}"} for n in range(1, 601)]
        renames = [{"type": "renamed", "who": {"id": "p9", "name": f"Nok {n}"}} for n in range(600)]
        await mali.hears(*(each for pair in zip(talk, renames, strict=True) for each in pair), head=600)
        await mali.join(http(server), "Mali")
        await expect(mali.page.locator("#log .message")).to_have_count(500)
        await expect(mali.page.locator("#log .text").first).to_have_text("message 101")


@need_chromium
async def test_hidden_page_that_draws_nothing_piles_nothing_up(phone: NewPhone) -> None:
    async with chatkit.serve(port=0) as server:
        mali = await (await phone()).join(http(server), "Mali")
        await mali.page.evaluate("window.requestAnimationFrame = () => 0")  # as browsers do in a hidden tab
        for n in range(1700):
            server.broadcast(f"message {n}")
        await mali.page.wait_for_function("memory.last === 1700")
        assert await mali.page.evaluate("view.arrived.length") <= 500
        assert await mali.page.locator("#log .message").count() == 500
