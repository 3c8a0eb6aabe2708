"""A phone with the chat's page, driven as a thumb does, and a server that can be killed under it."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Page, WebSocket, WebSocketRoute, expect

from chatkit.texts import say
from tests.needs import ROOT

#: messages of a server, by name: welcome, msg, notice, slower, bad_text
MESSAGES: dict[str, dict[str, Any]] = json.loads((ROOT / "tests/conformance/client.json").read_text("utf-8"))[
    "messages"
]


class Phone:
    """One page, and all that it asks for, says over its socket and complains about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.sent: list[dict[str, Any]] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", self.hear_socket)
        page.on("console", self.hear_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def hear_socket(self, socket: WebSocket) -> None:
        self.requests.append(socket.url)
        socket.on("framesent", lambda frame: self.sent.append(json.loads(frame)))

    def hear_console(self, message: ConsoleMessage) -> None:
        if "WebSocket connection to" not in message.text:  # Chromium's own line while the server is away
            self.complaints.append(message.text)

    def hellos(self) -> list[dict[str, Any]]:
        return [frame for frame in self.sent if frame["type"] == "hello"]

    async def join(self, url: str, name: str) -> "Phone":
        await self.page.goto(url)
        return await self.enter(name)

    async def enter(self, name: str) -> "Phone":
        await self.page.locator("#name").fill(name)
        await self.page.locator("#name").press("Enter")
        await self.is_in("open")
        return self

    async def send(self, *texts: str) -> None:
        for text in texts:
            await self.page.locator("#text").fill(text)
            await self.page.locator("#text").press("Enter")

    async def is_in(self, state: str) -> None:
        await expect(self.page.locator("#state")).to_have_attribute("data-state", state, timeout=15_000)

    async def shows(self, *texts: str) -> None:
        """Exactly these messages are in the log, each once, in this order, and none is on its way."""
        await expect(self.page.locator("#log .text")).to_have_text(list(texts), timeout=15_000)
        await expect(self.page.locator("#outbox .line")).to_have_count(0)

    async def says(self, key: str, lang: str = "en", **values: object) -> None:
        """The note above the input is this sentence."""
        await expect(self.page.locator("#note")).to_have_text(say(key, **values).in_(lang))

    async def hide(self) -> None:
        """Another tab comes to the front; only what the page is told of it."""
        await self.page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})")

    async def come_back(self) -> None:
        """What the browser does when somebody returns to a hidden tab."""
        await self.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")

    async def hears(self, *script: dict[str, Any], **welcome: Any) -> list[WebSocketRoute]:
        """From now on a script speaks instead of the server: it answers each hello with a welcome and these messages.

        For what a good server never says, or not so soon. Returns the connections, also those that are still to come.
        """
        routes: list[WebSocketRoute] = []

        def serve(route: WebSocketRoute) -> None:
            def answer(message: str | bytes) -> None:
                hello = json.loads(message)
                if hello["type"] == "hello":
                    greeting = {**MESSAGES["welcome"], "name": hello["name"], "resumed": "after" in hello, **welcome}
                    for each in (greeting, *script):
                        route.send(json.dumps(each))

            routes.append(route)
            route.on_message(answer)

        await self.page.route_web_socket("**", serve)
        return routes


NewPhone = Callable[..., Awaitable[Phone]]


def own_origins(url: str) -> set[str]:
    host = url.split("/")[2]
    return {f"http://{host}", f"ws://{host}"}


@asynccontextmanager
async def killable_server(port: int, db: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A server in a process of its own, up and ready; killed without a word at the end."""
    command = [sys.executable, "-m", "chatkit", "serve", "--port", str(port), "--db", str(db), "--no-input"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    while str(port).encode() not in await asyncio.wait_for(process.stdout.readline(), 15):
        pass
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        await process.communicate()
