"""A server under a cell: start and stop it, see who is there and what happens, speak to everybody."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from chatkit.errors import ChatError, PortTaken
from chatkit.events import Event
from chatkit.panels.chat import PRESENCE
from chatkit.panels.panel import Panel
from chatkit.server import Server, serve
from chatkit.spelling import check_text

MARKS = {"running": "●", "starting": "◌", "stopped": "■"}


class NotRunning(ChatError):
    """A broadcast without a server."""

    key = "panel_not_running"


class ServerPanel(Panel):
    """A chat server with its buttons, by hand and as code.

        panel = ServerPanel()
        await panel.start()
        panel.broadcast("Welcome")

    port:    None is 8765 ($CHATKIT_PORT); 0 takes a free one. options: as for `serve()`.
    server:  the running Server, else None; uri: where clients connect while it runs.
    """

    def __init__(self, port: int | None = None, *, lang: str | None = None, **options: Any) -> None:
        self.port, self.options = port, options
        self.server: Server | None = None
        self.is_starting = False
        self.problem: ChatError | None = None  # why it did not start
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

    @property
    def uri(self) -> str:
        """Where clients connect. Raises NotRunning."""
        return self.running().uri

    def running(self) -> Server:
        if self.server is None:
            raise NotRunning
        return self.server

    async def start(self) -> None:
        """Start the server; one that this kernel runs on that port already makes room. Raises PortTaken."""
        await self.stop()
        self.is_starting, self.problem = True, None
        self.redraw()
        try:
            self.server = await serve(port=self.port, on_event=self.show, **self.options)
        except ChatError as error:
            self.problem = error
            raise
        finally:
            self.is_starting = False
            self.redraw()
        self.bridge.start(self.watch(self.server))

    async def stop(self) -> None:
        """Stop the server, if it runs: clients get close code 1001."""
        server, self.server = self.server, None
        if server:
            self.redraw()
            await server.stop()

    async def watch(self, server: Server) -> None:
        """Notice the end of the server, whoever stopped it."""
        await server.wait_closed()
        if self.server is server:
            self.server = None
            self.redraw()

    async def leave(self) -> None:
        await self.stop()
        await self.bridge.close()

    def broadcast(self, text: str) -> None:
        """Speak to everybody as the server; from any thread. Raises BadText and NotRunning."""
        self.running()
        self.bridge.call(self.submit, check_text(text))

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
            await self.start()

    def show(self, event: Event) -> None:
        """One event as a line."""
        if event.type == "msg":
            self.add("msg", event.text, who=event.who.name, mark="📩", ts=event.ts)
        elif event.type == "notice":
            self.add("notice", event.text, who=event.who.name, mark="🟢", ts=event.ts)
        else:
            self.add("presence", self.say(f"panel_{event.type}", name=event.who.name), mark=PRESENCE[event.type])

    def status(self) -> dict[str, Any]:
        state = "running" if self.server else "starting" if self.is_starting else "stopped"
        return {
            "state": state,
            "mark": MARKS[state],
            "words": self.say(f"panel_{state}"),
            "detail": self.server.uri if self.server else "",
            "why": self.sentence_of(self.problem) if self.problem else None,
            "buttons": list(self.buttons(state)),
            "members": [{"name": who.name, "you": False} for who in self.server.members()] if self.server else [],
        }

    def buttons(self, state: str) -> Iterator[dict[str, Any]]:
        """What can be pressed in a state."""
        if state == "running":
            yield {"name": "stop", "words": self.say("panel_stop")}
        elif state == "stopped":
            yield {"name": "start", "words": self.say("panel_start")}
            if isinstance(self.problem, PortTaken):
                yield {"name": "use_port", "words": self.say("panel_use_port", port=self.problem.free)}
