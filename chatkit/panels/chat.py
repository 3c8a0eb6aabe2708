"""A chat under a cell: the talk, an input box, and how the line is. All that it knows of chatting is `connect()`."""

import asyncio
from typing import Any

from chatkit.client import Chat, connect
from chatkit.errors import ChatError
from chatkit.events import Event
from chatkit.panels.panel import Panel
from chatkit.spelling import check_text

MARKS = {"connecting": "◌", "open": "●", "reconnecting": "◐", "closed": "✕"}  # a state is a word and a shape
PRESENCE = {"joined": "✅", "left": "❌", "renamed": "✏️"}


class Ended(ChatError):
    """The panel was closed from this side."""

    key = "panel_ended"


class ChatPanel(Panel):
    """A place in a chat room, by hand and as code.

        panel = ChatPanel(name="Mali")
        panel.send("hi")
        await panel.heard("Somchai: hi")

    It connects at once, and shows why where it cannot. Run its cell again, and the panel of the earlier run leaves.

    uri:   the room; None is ws://localhost:8765 ($CHATKIT_PORT instead of 8765).
    name:  what others see; token: what the server asks for.
    lang:  "en", "th" or "both"; None takes $CHATKIT_LANG, else both.
    """

    def __init__(
        self, uri: str | None = None, name: str | None = None, token: str | None = None, lang: str | None = None
    ) -> None:
        self.uri, self.name, self.token = uri, name, token
        self.chat: Chat | None = None
        self.ended: ChatError | None = None  # why the chat is over
        self.unsent: list[str] = []  # texts from before the line was open
        super().__init__(
            f"ChatPanel(name={name!r})",
            lang,
            name or "ChatKit",
            send="panel_send",
            box="panel_type_here",
            log="panel_log",
            members="panel_members",
        )
        self.talking = self.bridge.start(self.talk())

    def send(self, text: str) -> None:
        """Say something; from any thread. BadText where it is over the limits, the reason where the chat is over."""
        if self.ended:
            raise self.ended
        self.bridge.call(self.submit, check_text(text))

    async def leave(self) -> None:
        await self.bridge.close()
        self.ended = self.ended or Ended()
        self.redraw()

    async def talk(self) -> None:
        """Connect, and show what comes until the chat is over."""
        self.ended = None
        self.redraw()
        try:
            joining = connect(self.uri, name=self.name, token=self.token, on_state=lambda _: self.redraw())
            async with joining as chat:
                self.chat = chat
                while self.unsent:
                    self.submit(self.unsent.pop(0))
                async for event in chat:
                    self.show(event)
            self.ended = chat.reason or Ended()
        except ChatError as error:
            self.ended = error
        finally:
            self.chat = None
            self.redraw()

    def show(self, event: Event) -> None:
        """One event as a line."""
        match event.type:
            case "msg" if self.chat and event.who.id == self.chat.you:
                self.add("own", event.text, who=self.say("panel_you"), ts=event.ts)
            case "msg":
                self.add("msg", event.text, who=event.who.name, ts=event.ts)
            case "notice":
                self.add("notice", event.text, who=event.who.name, mark="🟢", ts=event.ts)
            case "reset":
                self.log.clear()
                self.add("mark", self.say("panel_reset"), mark="✂️")
            case presence:
                self.add("presence", self.say(f"panel_{presence}", name=event.who.name), mark=PRESENCE[presence])

    def submit(self, text: str) -> None:
        if self.chat:
            sent = self.chat.send(text)
            sent.add_done_callback(lambda answer: self.answered(text, answer))
        elif self.ended:
            raise self.ended
        else:
            self.unsent.append(check_text(text))

    def answered(self, text: str, answer: asyncio.Future[int]) -> None:
        """Show a text that the server refused after all, so that nobody believes it was heard."""
        if not answer.cancelled() and isinstance(error := answer.exception(), ChatError):
            self.add("warning", self.say("panel_not_sent", text=text, why=error.said), mark="⚠️")

    def press(self, button: str) -> None:
        if button == "connect" and self.talking.done():
            self.talking = self.bridge.start(self.talk())

    def status(self) -> dict[str, Any]:
        state = "closed" if self.ended else self.chat.state if self.chat else "connecting"
        seconds = f"{self.chat.retry_in:.1f}" if self.chat else ""
        people, you = (self.chat.members.values(), self.chat.you) if self.chat else ((), "")
        return {
            "state": state,
            "mark": MARKS[state],
            "words": self.say(f"panel_{state}", seconds=seconds),
            "detail": self.uri or "",
            "why": self.sentence_of(self.ended) if self.ended else None,
            "buttons": [{"name": "connect", "words": self.say("panel_connect")}] if self.ended else [],
            "members": [{"name": who.name, "you": who.id == you} for who in people],
        }
