"""A server under a cell: start and stop it, see who is there and what happens, speak to everybody."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from chatkit.addresses import default_port
from chatkit.errors import ChatError, PortTaken
from chatkit.events import Event
from chatkit.panels.background import BackgroundServer, NotRunning
from chatkit.panels.bridge import Mailbox
from chatkit.panels.panel import Panel
from chatkit.panels.people import PRESENCE, People, as_words, name_of
from chatkit.panels.ports import Owner, owner_of
from chatkit.server import running
from chatkit.spelling import check_text
from chatkit.texts import Sentence, say

MARKS = {"running": "●", "starting": "◌", "stopped": "■"}


class ServerPanel(Panel):
    """A chat server with its buttons, by hand and as code.

        panel = ServerPanel()
        await panel.start()
        panel.broadcast("Welcome")

    The server has a thread and an event loop of its own: whatever the cells do, the chat goes on.

    port:    None is 8765 ($CHATKIT_PORT); 0 takes a free one. options: as for `serve()`.
    server:  the running server, else None; uri: where clients connect while it runs.
    """

    def __init__(self, port: int | None = None, *, lang: str | None = None, **options: Any) -> None:
        self.port, self.options = port, options
        self.server: BackgroundServer | None = None
        self.is_starting = False
        self.problem: ChatError | None = None  # why it did not start
        self.owner: Owner | None = None  # who holds the port
        self.people = People()
        super().__init__(
            "ServerPanel()",
            lang,
            "ChatKit",
            send="panel_broadcast",
            box="panel_type_notice",
            log="panel_happenings",
            members="panel_clients",
            nobody="panel_nobody",
        )
        self.news: Mailbox[Event | ChatError] = Mailbox(self.bridge, self.take)

    @property
    def uri(self) -> str:
        """Where clients connect. Raises NotRunning."""
        return self.running().uri

    def running(self) -> BackgroundServer:
        if self.server is None:
            raise NotRunning
        return self.server

    async def start(self) -> None:
        """Start the server; one that this kernel runs on that port already makes room.

        Raises PortTaken; its cell then shows the panel, with a button for a free port.
        """
        try:
            await self.open()
        except PortTaken:
            if get_ipython():
                display(self)
            raise

    async def open(self) -> None:
        await self.stop()
        self.is_starting, self.problem = True, None
        self.pacer.soon()
        try:
            await self.make_room()
            server = BackgroundServer(port=self.port, on_event=self.news.put, on_warning=self.news.put, **self.options)
            self.server = await server.start()
        except ChatError as error:
            self.problem = error
            self.owner = await asyncio.to_thread(owner_of, error.port) if isinstance(error, PortTaken) else None
            raise
        finally:
            self.is_starting = False
            self.pacer.soon()
        self.bridge.start(self.watch(self.server))

    async def make_room(self) -> None:
        """Stop the server that another panel, or a cell of this kernel, runs on our port."""
        port = default_port() if self.port is None else self.port
        for panel in list(self.made):
            if isinstance(panel, ServerPanel) and panel.server and panel.server.port == port:
                await panel.stop()
        if (earlier := running.get(port)) and earlier.loop is asyncio.get_running_loop():
            await earlier.stop()

    async def stop(self) -> None:
        """Stop the server, if it runs: clients get close code 1001."""
        if server := self.server:
            await server.stop()
            self.forget(server)

    async def watch(self, server: BackgroundServer) -> None:
        """Notice the end of the server, whoever stopped it."""
        await server.wait_closed()
        self.forget(server)

    def forget(self, server: BackgroundServer) -> None:
        if self.server is server:
            self.server, self.people = None, People()
            self.pacer.soon()

    async def leave(self) -> None:
        await self.stop()
        await self.bridge.close()

    def broadcast(self, text: str) -> None:
        """Speak to everybody as the server; from any thread. Raises BadText, LogUnavailable and NotRunning."""
        self.submit(check_text(text))

    def submit(self, text: str) -> None:
        self.running().broadcast(text)

    def press(self, button: str) -> None:
        match button:
            case "start":
                self.bridge.start(self.start_by_hand())
            case "use_port" if isinstance(self.problem, PortTaken):
                self.port = self.problem.free
                self.bridge.start(self.start_by_hand())
            case "stop":
                self.bridge.start(self.stop())

    async def start_by_hand(self) -> None:
        with suppress(ChatError):  # the panel shows it: `problem`
            await self.open()

    # What the server tells

    def take(self, news: list[Event | ChatError]) -> None:
        """Show what has happened, and ask who is there now."""
        for each in news:
            self.show(each)
        self.bridge.start(self.look())

    async def look(self) -> None:
        """Ask who is there: the server's loop is another one."""
        with suppress(NotRunning):
            self.people = People(await self.running().look())
            self.pacer.soon()

    def show(self, news: Event | ChatError) -> None:
        """One thing as a line."""
        if isinstance(news, ChatError):
            self.journal.add("trouble", news.said.each(self.lang), mark="⚠️")
            return
        who = news.who
        match news.type:
            case "msg":
                name, tag = as_words(name_of(who), self.lang), self.people.tag(who)
                self.journal.add("msg", news.text, who=name, tag=tag, mark="📩", ts=news.ts)
            case "notice":
                self.journal.add("notice", news.text, who=who.name, mark="🟢", ts=news.ts)
            case "joined" | "left" | "renamed":
                said = self.say(f"panel_{news.type}", name=self.people.called(who))
                self.journal.add("presence", said, mark=PRESENCE[news.type])

    def status(self) -> dict[str, Any]:
        state = "running" if self.server else "starting" if self.is_starting else "stopped"
        return {
            "state": state,
            "mark": MARKS[state],
            "words": self.say(f"panel_{state}"),
            "detail": self.server.uri if self.server else "",
            "why": reason(self.problem, self.owner).each(self.lang) if self.problem else None,
            "note": None,
            "buttons": list(self.buttons(state)),
            **self.here(self.people),
        }

    def buttons(self, state: str) -> Iterator[dict[str, Any]]:
        """What can be pressed in a state."""
        if state == "running":
            yield {"name": "stop", "words": self.say("panel_stop")}
        elif state == "stopped":
            yield {"name": "start", "words": self.say("panel_start")}
            if isinstance(self.problem, PortTaken):
                yield {"name": "use_port", "words": self.say("panel_use_port", port=self.problem.free)}


def reason(problem: ChatError, owner: Owner | None) -> Sentence:
    """Why a server did not start; where another program has the port, which one."""
    if not isinstance(problem, PortTaken) or owner is None:
        return problem.said
    holes = {"port": problem.port, "free": problem.free}
    if owner.is_us:
        return say("panel_port_here", **holes)
    if owner.notebook:
        return say("panel_port_of_notebook", notebook=owner.notebook, **holes)
    return say("panel_port_of_program", program=owner.program, pid=owner.pid, **holes)


def own_uri() -> str | None:
    """Where the newest server of this notebook listens; None where the notebook has none.

    Raises NotRunning where it has a server that does not run: the default port may lead to another lesson's room.
    """
    if servers := list(running.values()):
        return servers[-1].uri
    here = asyncio.get_running_loop()
    if any(isinstance(panel, ServerPanel) and panel.bridge.loop is here for panel in Panel.made):
        raise NotRunning
    return None
