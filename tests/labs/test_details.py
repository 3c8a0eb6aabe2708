"""What needs the wire's own values to be wrong with: keys, tabs, hosts."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from chatkit import serve
from chatkit.labs import Store, labs, run
from chatkit.labs.lab import common
from chatkit.limits import Bucket
from chatkit.texts import say
from tests.chat import CEILING, plain_client
from tests.labs.served import serving
from tests.labs.tools import Postman, using
from tests.labs.walks import WALKS, begin, lab_2, step
from tests.needs import ROOT


@pytest.mark.parametrize(
    ("key", "what"),
    [("key", "{key}"), ("only_value", "Sec-WebSocket-Accept: {accept}"), ("cut", "{cut}"), ("not_it", "mango")],
)
async def test_the_accept_value_with_what_is_near_it(key: str, what: str) -> None:
    async with serving() as server, using(Postman, server.uri) as tool:
        line = await tool.open(tool.target(1))
        await step(line, "101", "1.2")
        await line.send(what.format(key=line.key, accept=line.accept, cut=line.accept.rstrip("=")))
        await line.until(f"❌ 1.3 {labs()[1].sentence(key, got='mango').en}")
        await step(line, line.accept, "1.3")


async def test_the_answer_from_the_tab_that_spoke_before() -> None:
    async with serving() as server, using(Postman, server.uri) as tool:
        first = await tool.open(tool.target(3))
        second = await tool.open(tool.target(3))
        await second.until("✅ 3.1")
        await first.send("hi")
        await first.until("Nid says")
        await first.send("papaya")
        await first.until(f"❌ 3.3 {labs()[3].sentence('same_tab').en}")
        await step(second, "papaya", "3.3")


async def test_the_environment_stays_the_same() -> None:
    async with serving() as server, using(Postman, server.uri) as tool:
        first = await tool.open(tool.target(14))
        await first.until(f"❌ 14.1 {labs()[14].sentence('not_local', host='127.0.0.1').en}")
        tool.uri = server.uri.replace("127.0.0.1", "localhost")
        await (await begin(tool, tool.target(14))).until("✅ 14.1")
        await (await begin(tool, tool.target(14))).until(f"❌ 14.2 {labs()[14].sentence('same_host').en}")


async def test_a_ping_and_an_origin() -> None:
    async with serving() as server:
        page = server.uri.replace("ws://", "http://")
        async with connect(f"{server.uri}/lab/15?name=Mali", origin=page) as websocket:
            pong = await websocket.ping(b"abc")
            await asyncio.wait_for(pong, CEILING)
            heard = [await asyncio.wait_for(websocket.recv(), CEILING) for _ in range(4)]
            assert [line[:6] for line in heard] == ["➡️ 15.", "➡️ 15.", "✅ 15.1", "✅ 15.1"]
            assert " 3 " in heard[2]
        async with connect(f"{server.uri}/lab/15?name=Mali&lang=en", origin=page) as websocket:
            assert page in await asyncio.wait_for(websocket.recv(), CEILING)
            assert (await asyncio.wait_for(websocket.recv(), CEILING)).startswith("🎓 15 ")


async def test_a_language_may_be_chosen() -> None:
    async with serving() as server, using(Postman, server.uri) as tool:
        line = await tool.open(tool.target(2, lang="th"))
        await line.send("hi")
        await line.until("❌ 2.1")
        await line.send("สวัสดี")
        await line.until("➡️ 2.2")
        lines = [heard for heard in line.heard if not heard.startswith("You said")]
        assert [heard.split()[:2] for heard in lines] == [
            ["➡️", "2.1"], ["❌", "2.1"], ["✅", "2.1"], ["➡️", "2.2"],
        ]  # fmt: skip
        assert all("ก" <= max(heard) for heard in lines)


async def test_nobody_sees_the_ticks_of_another() -> None:
    async with serving() as server, using(Postman, server.uri) as mali, using(Postman, server.uri, "Nok") as nok:
        hers = await nok.open(nok.target(2))
        await hers.until("➡️ 2.1")
        await lab_2(mali)
        assert [line[:6] for line in hers.heard] == ["➡️ 2.1"] * 2


async def test_a_student_goes_on_with_another_client() -> None:
    async with serving() as server, using(Postman, server.uri) as tool:
        await step(await tool.open(tool.target(2)), "สวัสดี", "2.1")
        async with connect(f"{server.uri}/lab/2?name=Mali") as websocket:
            assert (await asyncio.wait_for(websocket.recv(), CEILING)).startswith("➡️ 2.2")


async def test_a_finished_lab_shows_its_receipt_and_begins_anew_when_asked() -> None:
    async with serving() as server, using(Postman, server.uri) as tool:
        code = await lab_2(tool)
        line = await begin(tool, tool.target(2))
        assert code in await line.until("🎓 2")
        await line.send("again")
        await line.until("➡️ 2.1")


async def test_a_client_that_hangs_up_at_once_is_told_the_next_time() -> None:
    """As `ws` on node does, and so Postman: the server did not choose what it offered."""
    async with serving() as server, using(Postman, server.uri) as tool:
        await (await tool.open(tool.target(7))).until("✅ 7.1")
        line = await begin(tool, tool.target(7), {"sec-websocket-protocol": "ChatKit.V1"})
        line.websocket.transport.abort()
        await line.ended()
        line = await begin(tool, tool.target(7))
        await line.until("❌ 7.2")


async def answer(uri: str, target: str, **headers: str) -> tuple[int, str]:
    """Status and body that an HTTP client gets."""

    def get() -> tuple[int, str]:
        request = urllib.request.Request(f"{uri.replace('ws://', 'http://')}{target}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=CEILING) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    return await asyncio.to_thread(get)


async def test_http_instead_of_ws_is_told_what_to_do() -> None:
    async with serving() as server:
        status, body = await answer(server.uri, "/lab/2?name=Mali")
        expected = labs()[2].sentence("no_upgrade", target="/lab/2?name=Mali")
        assert (status, body) == (426, f"{expected.en}\n{expected.th}\n")


@pytest.mark.parametrize(("number", "status", "facts"), [(6, 401, {}), (10, 503, {"away": 2, "tries": [0.0]})])
async def test_a_lab_that_refuses_says_so_in_both_languages(number: int, status: int, facts: dict[str, Any]) -> None:
    async with serving() as server:
        at = server.labs.store.progress("Mali", number)
        at.done, at.facts = int(number == 10), facts
        server.labs.store.keep(at)
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{server.uri}/lab/{number}?name=Mali", additional_headers={"Authorization": "Bearer mango"})
        expected = common()[f"refused_{status}"]
        assert refused.value.response.status_code == status
        assert refused.value.response.body.decode() == f"{expected.en}\n{expected.th}\n"


async def test_there_is_no_lab_99() -> None:
    async with serving() as server:
        status, body = await answer(server.uri, "/lab/99?name=Mali")
        expected = say("labs_no_such", value=99, last=15)
        assert (status, body) == (404, f"{expected.en}\n{expected.th}\n")


async def test_where_a_token_is_asked_for_a_lab_asks_for_it_too() -> None:
    async with serve(port=0, token="mango") as server:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{server.uri}/lab/2?name=Mali")
        assert refused.value.response.status_code == 401
        async with connect(f"{server.uri}/lab/2?name=Mali&token=mango") as websocket:
            assert (await asyncio.wait_for(websocket.recv(), CEILING)).startswith("➡️ 2.1")
        async with connect(f"{server.uri}/lab/2?name=Mali", subprotocols=["chatkit.v1"]) as websocket:
            await asyncio.wait_for(websocket.wait_closed(), CEILING)
            assert websocket.close_code == 4401


async def test_a_lab_disturbs_no_room() -> None:
    async with serving() as server, plain_client(f"{server.uri}/?name=Ann") as ann, using(Postman, server.uri) as tool:
        for number in (2, 3):
            await WALKS[number](tool)
        assert [who.name for who in server.server.members()] == ["Ann"]
        await ann.send("hi")
        assert await ann.next() == "You said: hi"


async def test_a_server_that_nobody_asks_for_a_lab_has_none() -> None:
    program = (
        "import asyncio, sys, chatkit\nasync def main():\n async with chatkit.serve(port=0): pass\n"
        "asyncio.run(main())\nprint('chatkit.labs.run' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout == "False\n"


async def test_progress_that_cannot_be_kept_is_no_progress() -> None:
    async with serving() as server, using(Postman, server.uri) as tool:
        line = await tool.open(tool.target(2, lang="en"))
        await line.until("➡️ 2.1")
        server.labs.store.db.execute("PRAGMA query_only = 1")
        await line.send("สวัสดี")
        assert "2.1" not in await line.until("❌ 2 ")
        server.labs.store.db.execute("PRAGMA query_only = 0")
        await step(line, "สวัสดี", "2.1")


SERVER = """
import asyncio, sys
from tests.labs.served import serving

async def main():
    async with serving(sys.argv[1]) as server:
        print(server.uri, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
async def test_the_ticks_and_the_receipt_survive_kill_9(tmp_path: Path) -> None:
    db = tmp_path / "class.db"

    async def start() -> tuple[asyncio.subprocess.Process, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVER, str(db), stdout=subprocess.PIPE, cwd=ROOT
        )
        return process, (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()

    async def kill(process: asyncio.subprocess.Process) -> None:
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()

    process, uri = await start()
    async with using(Postman, uri) as tool:
        code = await lab_2(tool)
        line = await tool.open(tool.target(8))
        await step(line, "ส", "8.1")
        await kill(process)
    process, uri = await start()
    try:
        async with using(Postman, uri) as tool:
            await (await tool.open(tool.target(8))).until("➡️ 8.2")
            assert code in await (await tool.open(tool.target(2))).until("🎓 2")
            with closing(Store(str(db))) as store:
                assert code in [receipt.code for receipt in store.receipts()]
    finally:
        await kill(process)


def test_base64_is_read_as_lenient_readers_read_it() -> None:
    from chatkit.labs.judges import as_base64

    assert as_base64("4Liq") == base64.b64decode("4Liq")
    assert as_base64("e0b8aa") == base64.b64decode("e0b8aa==")


def test_what_postman_cannot_do_is_the_last_lab_only() -> None:
    assert set(labs()) - set(WALKS) == {15}


async def test_a_client_that_sends_too_fast_is_heard_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    async def many() -> AsyncIterator[str]:
        for _ in range(30):
            yield "hi"

    async def sleep(seconds: float) -> None:
        now[0] += seconds + 1e-9  # no clock stands at the very instant

    monkeypatch.setattr(run, "Bucket", partial(Bucket, clock=lambda: now[0]))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    heard = [now[0] async for _ in run.paced(many())]
    assert heard[:20] == [0.0] * 20 and heard[29] == pytest.approx(1.0)
