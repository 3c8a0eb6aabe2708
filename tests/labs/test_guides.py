"""Each step of the two Postman guides, done by a client; what is shown is what the guide says is shown."""

import asyncio
import os
import re
import shlex
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect

from chatkit.labs import labs
from tests.chat import CEILING
from tests.labs.tools import Postman, Status, using
from tests.needs import NODE, NODE_MODULES, ROOT, need_node
from tests.processes import read_until, start

THAI, ENGLISH = "thai_explanation.md", "README.md"
HEADINGS = {THAI: "## Postman ทีละหน้าจอ\n", ENGLISH: "## Chat from Postman · คุยจาก Postman\n"}
#: what the operator's terminal shows, in the guide's language
SHOWS = {
    THAI: ("✅ Mali เข้าห้องแล้ว", "📩 Mali พูดว่า: สวัสดี", "❌ Mali ออกจากห้องแล้ว"),
    ENGLISH: ("✅ Mali joined", "📩 Mali says: สวัสดี", "❌ Mali left"),
}


class Guide:
    """The part of a paper that is about Postman."""

    def __init__(self, paper: str) -> None:
        text = (ROOT / paper).read_text("utf-8").split(HEADINGS[paper], 1)[1]
        self.paper, self.text = paper, re.split(r"^## ", text, flags=re.MULTILINE)[0]
        self.spans = set(re.findall(r"`([^`\n]+)`", self.text))
        self.urls = list(dict.fromkeys(re.findall(r"ws://localhost:8765[^`\"\s]*", self.text)))

    def __contains__(self, shown: str) -> bool:
        """Whether the guide shows this, word for word."""
        return shown in self.spans

    def row(self, part: str) -> tuple[str, str]:
        """Server's command and client's address in the table of addresses, of the row whose address holds this."""
        found = re.search(rf"^\|[^|]+\| `(chatkit serve[^`]*)` \| `(ws://\S*{part}[^`]*)`", self.text, re.MULTILINE)
        assert found, part
        return found[1], found[2]


@asynccontextmanager
async def serving(command: str) -> AsyncIterator[tuple[Process, str]]:
    """The command of the guide, on a free port; gives the process and what stands for `ws://localhost:8765`."""
    lang = [] if "--lang" in command else ["--lang", "en"]
    process = await start(*shlex.split(command)[1:], *lang, "--port", "0", stdin=PIPE)
    try:
        ready = await read_until(process, "ws://")
        yield process, ready.split()[-1]
    finally:
        process.kill()
        await process.communicate()


def target(url: str) -> str:
    return url.removeprefix("ws://localhost:8765")


@pytest.fixture(params=[THAI, ENGLISH])
def guide(request: pytest.FixtureRequest) -> Guide:
    return Guide(request.param)


async def test_from_the_first_connection_to_disconnect(guide: Guide) -> None:
    joined, said, left = SHOWS[guide.paper]
    command = guide.row("room/physics")[0]
    async with serving(command) as (server, uri), using(Postman, uri) as mali, using(Postman, uri) as nid:
        first, second = (next(url for url in guide.urls if url.endswith(f"?name={name}")) for name in ("Mali", "Nid"))
        line = await mali.open(target(first))
        assert await read_until(server, "Mali") == joined and joined in guide
        assert line.status == 101 and "101 Switching Protocols" in guide
        await line.send("สวัสดี")
        assert await line.until("You said") in guide
        assert await read_until(server, "📩") == said and said in guide
        assert line.pane[0][3] == 18 and "18" in guide.text
        other = await nid.open(target(second))
        await other.send("ถึงแล้ว")
        heard = await line.until("Nid says")
        assert heard in guide or "Nid says: …" in guide
        await mali.close()
        assert await read_until(server, "❌") == left and left in guide


async def test_what_else_the_thai_guide_shows() -> None:
    guide = Guide(THAI)
    async with serving("chatkit serve --lang th") as (server, uri), using(Postman, uri) as mali:
        ready = re.search(r"```text\n(.*)\n```", guide.text)
        assert ready and ready[1] == "✅ เซิร์ฟเวอร์พร้อมแล้ว: ws://localhost:8765"
        line = await mali.open("/?name=Mali")
        assert "สวัสดี".encode().hex(" ") in guide
        assert server.stdin
        server.stdin.write("ยินดีต้อนรับ\n".encode())
        await server.stdin.drain()
        assert await line.until("🟢") in guide
        await line.send('{"hello": 1}')
        assert '{"hello": 1}' in guide and await line.until("You said") in guide
        await mali.close()
        (header,) = re.findall(r"^\| `(sec-[a-z-]+)` \| `([\w.]+)` \|$", guide.text, re.MULTILINE)
        line = await mali.open("/", dict([header]))
        hello = '{"type": "hello", "name": "Mali"}'
        await line.send(hello)
        welcome = '{"type":"welcome"'
        assert (await line.until("{")).startswith(welcome) and {hello, welcome} <= guide.spans


async def test_the_table_of_addresses(guide: Guide) -> None:
    for part in ("room/physics", "lab/1"):
        command, url = guide.row(part)
        async with serving(command) as (_, uri), using(Postman, uri) as tool:
            line = await tool.open(target(url))
            await line.send("hi")
            await line.until("✅ 1.1" if "lab" in part else "You said: hi")
    command, url = guide.row("token")
    async with serving(command) as (_, uri), using(Postman, uri) as tool:
        await (await tool.open(target(url))).close()
        with pytest.raises(Status) as refused:
            await tool.open("/?name=Mali")
        assert f"Unexpected server response: {refused.value.status}" in guide


async def test_the_thai_labs_speak_thai_only() -> None:
    guide = Guide(THAI)
    command, url = guide.row("lab/1")
    async with serving(command) as (_, uri), using(Postman, uri) as tool:
        line = await tool.open(target(url))
        assert (await line.until("✅ 1.1")).endswith(labs()[1].steps[0].done.th)
        await line.until("➡️ 1.2")
        assert len(line.heard) == 2
        assert {"➡️", "✅", "❌", "🎓"} <= guide.spans


WHY = """
const [uri, headers, offered] = process.argv.slice(1)
const socket = new (require("ws"))(uri, offered ? [offered] : [], {headers: JSON.parse(headers)})
socket.on("error", (error) => console.log(error.message || error.code || error.errors[0].code))
socket.on("open", () => { console.log("open"); socket.close() })
"""


async def why(uri: str, headers: str = "{}", offered: str = "") -> str:
    """What `ws` says, of which Postman is made."""
    process = await asyncio.create_subprocess_exec(
        NODE, "-e", WHY, uri, headers, offered, env=os.environ | {"NODE_PATH": str(NODE_MODULES)}, stdout=PIPE
    )
    return (await asyncio.wait_for(process.communicate(), 30))[0].decode().strip()


@need_node
async def test_the_table_of_problems(guide: Guide) -> None:
    async with serving("chatkit serve --token papaya") as (_, uri):
        token = "?token=papaya"
        shown = [
            await why(uri),
            await why(f"{uri}/{token}", '{"Origin": "https://evil.example"}'),
            await why(f"{uri}/nowhere{token}"),
            await why(f"{uri}/{token}", offered="ChatKit.V1"),
        ]
        for problem in shown:
            assert problem in guide, problem
        assert len(set(shown)) == 4
        async with connect(f"{uri}/{token}") as websocket:
            await websocket.send(b"x")
            await asyncio.wait_for(websocket.wait_closed(), CEILING)
            assert str(websocket.close_code) in guide
        if guide.paper == THAI:
            async with connect(f"{uri}/{token}") as websocket:
                await websocket.send("a" * 17_000)
                await asyncio.wait_for(websocket.wait_closed(), CEILING)
                assert str(websocket.close_code) in guide
            host, port = uri.removeprefix("ws://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write("GET /?name=มะลิ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n".encode())
            status = (await asyncio.wait_for(reader.readline(), CEILING)).split()[1].decode()
            writer.close()
            await writer.wait_closed()
            assert f"Unexpected server response: {status}" in guide
    gone = await why(uri)
    assert any(span in gone for span in ("ECONNREFUSED",)) and "ECONNREFUSED" in guide


async def test_every_path_that_a_guide_names_leads_somewhere(guide: Guide) -> None:
    async with serving("chatkit serve") as (_, uri), using(Postman, uri) as tool:
        for url in guide.urls:
            await tool.open(target(url) or "/")
        for path in guide.spans:
            if re.fullmatch(r"/(room/\w+|lab/\d+)?", path):
                await tool.open(f"{path}?name=Mali")
