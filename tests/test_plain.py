"""Whoever offers no subprotocol hears plain lines, and nothing else.

Tried with clients that are not ours: `ws` and `wscat` on node, a page's `WebSocket` in Chromium, and websockets bare.
"""

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest
from playwright.async_api import async_playwright
from websockets.typing import Subprotocol

import chatkit
from tests.chat import json_client, plain_client, wait_until
from tests.needs import CHROMIUM, CHROMIUM_ARGS, NODE, NODE_MODULES, WSCAT, need_chromium, need_node

THAI = "สวัสดี น้ำใจที่นี่ 👋 <b>&amp;"


@dataclass
class Client:
    """A client of another make: `say` sends a text, `heard` is every text message that came."""

    say: Callable[[str], Awaitable[None]]
    heard: list[str]


Connect = Callable[[str], AbstractAsyncContextManager[Client]]


@asynccontextmanager
async def running(*command: str, prompt: str = "") -> AsyncIterator[Client]:
    """A client as a process: a line in is a text that it sends, a line out one that it heard, after its prompt."""
    environment = os.environ | {"NODE_PATH": str(NODE_MODULES)}
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdin=PIPE, stdout=PIPE)
    assert process.stdin
    assert process.stdout
    stdin, stdout = process.stdin, process.stdout
    heard: list[str] = []

    async def say(text: str) -> None:
        stdin.write(f"{text}\n".encode())
        await stdin.drain()

    async def listen() -> None:
        async for line in stdout:
            heard.append(line.decode().removesuffix("\n").lstrip(prompt))  # readline may print its prompt twice

    listening = asyncio.create_task(listen())
    try:
        yield Client(say, heard)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening


WS = """
const [uri, ...offered] = process.argv.slice(1)
const socket = new (require("ws"))(uri, offered)
socket.on("message", (data, isBinary) => console.log(isBinary ? "BINARY" : data.toString()))
require("readline").createInterface({input: process.stdin}).on("line", line => socket.send(line))
"""


def node_ws(uri: str) -> AbstractAsyncContextManager[Client]:
    return running(NODE, "-e", WS, uri)


def wscat(uri: str) -> AbstractAsyncContextManager[Client]:
    return running(NODE, str(WSCAT), "--connect", uri, prompt="> ")


@asynccontextmanager
async def page(uri: str) -> AsyncIterator[Client]:
    """A page's own WebSocket, the page being one from the server itself."""
    heard: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            tab = await browser.new_page()
            await tab.expose_function("heard", lambda text: heard.append(text))
            await tab.goto(uri.replace("ws://", "http://").partition("?")[0])
            await tab.evaluate(
                """uri => new Promise((done, failed) => {
                    self.bare = new WebSocket(uri)
                    self.bare.onopen = done
                    self.bare.onerror = failed
                    self.bare.onmessage = ({data}) => self.heard(typeof data === "string" ? data : "BINARY")
                })""",
                uri,
            )

            async def say(text: str) -> None:
                await tab.evaluate("text => self.bare.send(text)", text)

            yield Client(say, heard)
        finally:
            await browser.close()


@asynccontextmanager
async def bare(uri: str) -> AsyncIterator[Client]:
    heard: list[str] = []
    async with plain_client(uri) as client:

        async def listen() -> None:
            async for line in client.websocket:
                heard.append(str(line))

        listening = asyncio.create_task(listen())
        yield Client(client.send, heard)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def hears_plain_lines(connect: Connect) -> None:
    """Every line that the client hears while others come, speak in both dialects, change their name and go."""
    async with chatkit.serve(port=0, rate=0) as server:
        async with connect(f"{server.uri}/") as client:
            await wait_until(lambda: len(server.members()) == 1, timeout=30)
            async with plain_client(server.uri) as someone, plain_client(f"{server.uri}/?name=Mali") as mali:
                async with json_client(server.uri, name="ครู นิด") as modern:
                    await modern.say(type="hello", name="Nok")
                    await client.say(THAI)
                    assert await someone.next() == f"Someone says: {THAI}"
                    assert await mali.next() == f"Someone says: {THAI}"
                    assert await modern.texts(1) == [THAI]
                    await someone.send("hi")
                    assert await mali.next() == "Someone says: hi"
                    await mali.send("hello")
                    assert await someone.next() == "You said: hi"
                    assert await someone.next() == "Mali says: hello"
                    await modern.send("hey", id="1")
                    await modern.hear("ack")
                server.broadcast("lunch")
                await client.say("bye")
                await wait_until(lambda: "You said: bye" in client.heard, timeout=10)
        assert client.heard == [
            f"You said: {THAI}",
            "Someone says: hi",
            "Mali says: hello",
            "Nok says: hey",
            "🟢 Server: lunch",
            "You said: bye",
        ]


async def gives_its_name(connect: Connect) -> None:
    """`?name=Mali`, in letters of any kind, is what the others read."""
    async with chatkit.serve(port=0) as server, plain_client(server.uri) as other:
        async with connect(f"{server.uri}/?name=Mali") as client:
            await wait_until(lambda: len(server.members()) == 2, timeout=30)
            await client.say("hi")
            assert await other.next() == "Mali says: hi"
            await wait_until(lambda: client.heard)
        assert client.heard == ["You said: hi"]


async def test_bare_websockets_hears_plain_lines() -> None:
    await hears_plain_lines(bare)
    await gives_its_name(bare)


@need_node
async def test_ws_on_node_hears_plain_lines() -> None:
    await hears_plain_lines(node_ws)
    await gives_its_name(node_ws)


@need_node
async def test_wscat_hears_plain_lines() -> None:
    await hears_plain_lines(wscat)
    await gives_its_name(wscat)


@need_chromium
async def test_page_in_chromium_hears_plain_lines() -> None:
    await hears_plain_lines(page)
    await gives_its_name(page)


@pytest.mark.parametrize("offered", [["soap"], ["mqtt", "wamp.2.json"], ["chatkit.v2"], ["chatkit.v1x"]])
async def test_subprotocol_that_nobody_knows_is_let_in_as_plain(offered: list[Subprotocol]) -> None:
    async with chatkit.serve(port=0) as server, plain_client(server.uri) as other:
        async with plain_client(f"{server.uri}/?name=Mali", subprotocols=offered) as client:
            assert client.websocket.subprotocol is None
            await client.send("hi")
            assert await client.next() == "You said: hi"
            assert await other.next() == "Mali says: hi"


async def test_known_subprotocol_is_taken_from_among_others() -> None:
    async with chatkit.serve(port=0) as server:
        offered = [Subprotocol("soap"), Subprotocol("chatkit.v1")]
        async with plain_client(server.uri, subprotocols=offered) as client:
            assert client.websocket.subprotocol == "chatkit.v1"


async def test_what_a_plain_client_did_wrong_comes_back_as_one_line() -> None:
    async with chatkit.serve(port=0) as server, plain_client(server.uri) as other:
        async with plain_client(f"{server.uri}/?name=Teacher") as client:
            for wrong in ("", "x" * 4_001, "a\0b"):
                if wrong:
                    await client.send(wrong)
                line = await client.next()  # the name comes first
                assert line.startswith("⚠️ ")
                assert "\n" not in line
            await client.send("hi")
            assert await client.next() == "You said: hi"
            assert await other.next() == "Someone says: hi"
