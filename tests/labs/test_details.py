"""What needs the wire's own values to be wrong with: keys, tabs, hosts."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from chatkit.labs import Store, labs
from tests.chat import CEILING
from tests.labs.served import serving
from tests.labs.tools import Postman, using
from tests.labs.walks import WALKS, begin, lab_2, step


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
        async with connect(f"{server.uri}/lab/15?name=Mali", origin="http://localhost:8765") as websocket:
            pong = await websocket.ping(b"abc")
            await asyncio.wait_for(pong, CEILING)
            heard = [await asyncio.wait_for(websocket.recv(), CEILING) for _ in range(4)]
            assert [line[:6] for line in heard] == ["➡️ 15.", "➡️ 15.", "✅ 15.1", "✅ 15.1"]
            assert " 3 " in heard[2]
        async with connect(f"{server.uri}/lab/15?name=Mali&lang=en", origin="http://localhost:8765") as websocket:
            assert "http://localhost:8765" in await asyncio.wait_for(websocket.recv(), CEILING)
            assert (await asyncio.wait_for(websocket.recv(), CEILING)).startswith("🎓 15 ")


async def test_a_language_may_be_chosen() -> None:
    async with serving() as server, using(Postman, server.uri) as tool:
        line = await tool.open(tool.target(2, lang="th"))
        await line.send("hi")
        await line.until("❌ 2.1")
        await line.send("สวัสดี")
        await line.until("➡️ 2.2")
        assert [heard.split()[:2] for heard in line.heard] == [
            ["➡️", "2.1"], ["❌", "2.1"], ["✅", "2.1"], ["➡️", "2.2"],
        ]  # fmt: skip
        assert all("ก" <= max(heard) for heard in line.heard)


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
            sys.executable, "-c", SERVER, str(db), stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
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
            assert code in [receipt.code for receipt in Store(str(db)).receipts()]
    finally:
        await kill(process)


def test_base64_is_read_as_lenient_readers_read_it() -> None:
    from chatkit.labs.judges import as_base64

    assert as_base64("4Liq") == base64.b64decode("4Liq")
    assert as_base64("e0b8aa") == base64.b64decode("e0b8aa==")


def test_what_postman_cannot_do_is_the_last_lab_only() -> None:
    assert set(labs()) - set(WALKS) == {15}
