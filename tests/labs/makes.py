"""Clients of other makes, as tools: websocket-client, `ws` and wscat on node, Java's, a page's, and the kit's own."""

import asyncio
import json
import os
import shutil
import threading
from asyncio.subprocess import PIPE
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import websocket
from playwright.async_api import Browser, Playwright, async_playwright

import chatkit
from tests.chat import CEILING
from tests.labs.tools import Headers, Line, Status, Tool
from tests.needs import CHROMIUM, CHROMIUM_ARGS, NODE, NODE_MODULES, WSCAT

JAVA = shutil.which("java") if shutil.which("javac") else ""  # its compiler runs a source file by itself
PATIENCE = 30  # seconds for a process to begin

# --- websocket-client, in a thread ------------------------------------------------------------------------------------


class ThreadLine(Line):
    def __init__(self, socket: Any) -> None:
        super().__init__()
        self.socket, self.loop = socket, asyncio.get_running_loop()
        headers = socket.getheaders()
        self.accept, self.subprotocol = headers["sec-websocket-accept"], headers.get("sec-websocket-protocol", "")
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        with suppress(websocket.WebSocketException, OSError):
            while True:
                opcode, data = self.socket.recv_data()
                if opcode == websocket.ABNF.OPCODE_CLOSE:
                    self.code = int.from_bytes(data[:2]) if data else 1005
                    break
                self.loop.call_soon_threadsafe(self.hears, data.decode())
        self.loop.call_soon_threadsafe(self.finished.set)

    async def send(self, payload: str | bytes) -> None:
        if isinstance(payload, str):
            await asyncio.to_thread(self.socket.send, payload)
        else:
            await asyncio.to_thread(self.socket.send_binary, payload)

    async def close(self) -> None:
        if not self.finished.is_set():
            await asyncio.to_thread(self.socket.send_close)
            await asyncio.wait_for(self.finished.wait(), CEILING)
        self.socket.shutdown()


class WebsocketClient(Tool):
    """https://pypi.org/project/websocket-client"""

    can = frozenset({"details", "headers", "binary", "timeout", "subprotocol"})

    async def dial(self, target: str, headers: Headers, timeout: float | None) -> Line:
        fields = dict(headers)
        offered = fields.pop("sec-websocket-protocol", None)
        socket = websocket.WebSocket()
        socket.settimeout(timeout or CEILING)
        asked = {"header": fields, "subprotocols": [offered] if offered else None}
        try:
            await asyncio.to_thread(socket.connect, f"{self.uri}{target}", **asked)
        except websocket.WebSocketBadStatusException as refused:
            socket.shutdown()
            raise Status(refused.status_code) from None
        except websocket.WebSocketTimeoutException:
            socket.shutdown()
            raise TimeoutError from None
        socket.settimeout(None)
        return ThreadLine(socket)


# --- a process that speaks JSON lines ---------------------------------------------------------------------------------


async def ended(process: asyncio.subprocess.Process) -> None:
    """Kill it if need be, and leave nothing of it open."""
    if process.returncode is None:
        process.kill()
    assert process.stdin
    process.stdin.close()
    with suppress(ConnectionError):
        await process.stdin.wait_closed()
    await process.wait()


class ProcessLine(Line):
    """One connection in a process: `{"do": "text"|"hex"|"ping"|"close", "data": …}` in, `{"is": …}` out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self.process = process
        self.began: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.listening = asyncio.create_task(self.listen())

    async def listen(self) -> None:
        assert self.process.stdout
        async for raw in self.process.stdout:
            news = json.loads(raw)
            match news["is"]:
                case "text":
                    self.hears(news["data"])
                case "closed":
                    self.code = news["code"]
                    break
                case _ if not self.began.done():
                    self.began.set_result(news)
        self.finished.set()

    async def do(self, what: str, data: str = "") -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": what, "data": data}).encode() + b"\n")
        await self.process.stdin.drain()

    async def send(self, payload: str | bytes) -> None:
        await (self.do("text", payload) if isinstance(payload, str) else self.do("hex", payload.hex()))

    async def close(self) -> None:
        with suppress(ConnectionError):
            await self.do("close")
        await self.end()

    async def end(self) -> None:
        try:
            await asyncio.wait_for(self.finished.wait(), CEILING)
        finally:
            await ended(self.process)
            await self.listening


class ProcessTool(Tool):
    """A tool whose every line is a process of its own."""

    def command(self, uri: str, headers: Headers, offered: str, timeout: float) -> list[str]:
        raise NotImplementedError

    async def dial(self, target: str, headers: Headers, timeout: float | None) -> Line:
        fields = dict(headers)
        offered = fields.pop("sec-websocket-protocol", "")
        process = await asyncio.create_subprocess_exec(
            *self.command(f"{self.uri}{target}", fields, offered, timeout or PATIENCE),
            env=os.environ | {"NODE_PATH": str(NODE_MODULES)},
            stdin=PIPE,
            stdout=PIPE,
        )
        line = ProcessLine(process)
        began = await asyncio.wait_for(line.began, PATIENCE)
        if began["is"] == "open":
            line.accept, line.subprotocol = began.get("accept", ""), began["subprotocol"]
            return line
        line.finished.set()
        await line.end()
        if began["is"] == "refused":
            raise Status(began["status"])
        raise TimeoutError


WS = """
const [uri, headers, offered, timeout] = process.argv.slice(1)
const socket = new (require("ws"))(uri, offered ? [offered] : [], {
  headers: JSON.parse(headers), handshakeTimeout: Number(timeout) * 1000,
})
const say = (news) => console.log(JSON.stringify(news))
let accept = ""
socket.on("upgrade", (response) => { accept = response.headers["sec-websocket-accept"] })
socket.on("open", () => say({is: "open", accept, subprotocol: socket.protocol}))
socket.on("unexpected-response", (_, {statusCode}) => {
  say({is: "refused", status: statusCode})
  socket.terminate()
})
socket.on("error", (error) => say({is: "error", why: error.message}))
socket.on("message", (data, isBinary) => isBinary || say({is: "text", data: data.toString()}))
socket.on("close", (code) => say({is: "closed", code}))
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
  const {do: what, data} = JSON.parse(line)
  if (what === "text") socket.send(data)
  if (what === "hex") socket.send(Buffer.from(data, "hex"))
  if (what === "ping") socket.ping(data)
  if (what === "close") socket.close(1000)
})
"""


class NodeWs(ProcessTool):
    """https://www.npmjs.com/package/ws; Postman's own is made of it."""

    can = frozenset({"details", "headers", "binary", "timeout", "subprotocol", "ping"})

    def command(self, uri: str, headers: Headers, offered: str, timeout: float) -> list[str]:
        return [NODE, "-e", WS, uri, json.dumps(headers), offered, str(timeout)]


JAVA_CLIENT = Path(__file__).with_name("Client.java")


class JavaClient(ProcessTool):
    """java.net.http.WebSocket, of every Java since 11."""

    can = frozenset({"headers", "binary", "timeout", "ping"})  # it shows the subprotocol, but no header of the answer

    def command(self, uri: str, headers: Headers, offered: str, timeout: float) -> list[str]:
        fields = [part for pair in headers.items() for part in pair]
        return [JAVA, "-Xshare:auto", "-XX:TieredStopAtLevel=1", str(JAVA_CLIENT), uri, offered, str(timeout), *fields]


# --- wscat ------------------------------------------------------------------------------------------------------------


class WscatLine(Line):
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self.process = process
        self.listening = asyncio.create_task(self.listen())

    async def listen(self) -> None:
        assert self.process.stdout
        async for raw in self.process.stdout:
            text = raw.decode().rstrip("\n")
            while text.startswith("> "):
                text = text[2:]
            self.hears(text.removeprefix("< "))
        self.hears("(the end)")

    async def send(self, payload: str | bytes) -> None:
        assert self.process.stdin and isinstance(payload, str)
        self.process.stdin.write(f"{payload}\n".encode())
        await self.process.stdin.drain()

    async def close(self) -> None:
        await ended(self.process)
        await self.listening


class Wscat(Tool):
    """https://www.npmjs.com/package/wscat: lines of text, and `/ping`."""

    can = frozenset({"headers", "ping", "origin"})

    async def dial(self, target: str, headers: Headers, timeout: float | None) -> Line:
        fields = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
        process = await asyncio.create_subprocess_exec(
            NODE, str(WSCAT), "--slash", *fields, "--connect", f"{self.uri}{target}", stdin=PIPE, stdout=PIPE
        )
        line = WscatLine(process)
        async with asyncio.timeout(PATIENCE):
            await line.news.wait()  # a lab speaks first; until then what is typed goes nowhere
        return line


# --- a page's own WebSocket -------------------------------------------------------------------------------------------


class PageLine(Line):
    def __init__(self, page: "Page", number: int) -> None:
        super().__init__()
        self.page, self.number = page, number

    async def send(self, payload: str | bytes) -> None:
        is_text = isinstance(payload, str)
        data = payload if is_text else list(payload)
        await self.page.tab.evaluate(
            "([n, is_text, data]) => lines[n].send(is_text ? data : new Uint8Array(data))", [self.number, is_text, data]
        )

    async def close(self) -> None:
        await self.page.tab.evaluate("n => lines[n].close(1000)", self.number)

    async def ended(self) -> int:
        code: int = await self.page.tab.evaluate("n => codes[n]", self.number)
        return code


class Page(Tool):
    """Chromium, on a page of the server itself; call `start` first. It shows no handshake and sends no ping."""

    can = frozenset({"binary", "origin"})

    async def start(self) -> None:
        self.playwright: Playwright = await async_playwright().start()
        self.browser: Browser = await self.playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        self.tab = await self.browser.new_page()
        self.count = 0
        self.by_number: dict[int, PageLine] = {}
        await self.tab.expose_function("heard", lambda number, text: self.by_number[number].hears(text))
        await self.tab.goto(self.uri.replace("ws://", "http://"))

    async def dial(self, target: str, headers: Headers, timeout: float | None) -> Line:
        number, self.count = self.count, self.count + 1
        line = self.by_number[number] = PageLine(self, number)
        await self.tab.evaluate(
            """([n, uri]) => new Promise((done, failed) => {
                self.lines ??= {}; self.codes ??= {}
                const line = self.lines[n] = new WebSocket(uri)
                self.codes[n] = new Promise(tell => { line.onclose = ({code}) => tell(code) })
                line.onopen = done
                line.onerror = failed
                line.onmessage = ({data}) => self.heard(n, data)
            })""",
            [number, f"{self.uri}{target}"],
        )
        return line

    async def stop(self) -> None:
        await self.browser.close()
        await self.playwright.stop()


# --- the kit's own ----------------------------------------------------------------------------------------------------


class KitLine(Line):
    def __init__(self, chat: chatkit.Chat) -> None:
        super().__init__()
        self.chat = chat
        self.listening = asyncio.create_task(self.listen())

    async def listen(self) -> None:
        async for event in self.chat:
            self.hears(event.text)

    async def send(self, payload: str | bytes) -> None:
        assert isinstance(payload, str)
        await asyncio.wait_for(self.chat.send(payload), CEILING)

    async def close(self) -> None:
        await self.chat.close()
        await self.listening


class Kit(Tool):
    """`chatkit.connect(…, plain=True)`, as in a notebook."""

    async def dial(self, target: str, headers: Headers, timeout: float | None) -> Line:
        path, _, query = target.partition("?")
        fields = dict(part.split("=") for part in query.split("&"))
        name = fields.pop("name")
        more = f"?{urlencode(fields)}" if fields else ""
        return KitLine(await chatkit.connect(f"{self.uri}{path}{more}", name=name, plain=True))
