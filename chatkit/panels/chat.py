"""A chat under a cell: the talk, an input box, and how the line is. All that it knows of chatting is `connect()`."""

import asyncio
from typing import Any

from chatkit.client import Chat, connect
from chatkit.errors import ChatError
from chatkit.events import Event
from chatkit.panels.journal import Words
from chatkit.panels.panel import Panel
from chatkit.panels.people import PRESENCE, People, as_words, name_of
from chatkit.panels.server import own_uri
from chatkit.spelling import check_text

MARKS = {"connecting": "◌", "open": "●", "reconnecting": "◐", "closed": "✕"}  # a state is a word and a shape
LATE = 1.0  # seconds without an answer, then a text that was sent is shown as waiting


class Ended(ChatError):
    """The panel was closed from this side."""

    key = "panel_ended"


class ChatPanel(Panel):
    """A place in a chat room, by hand and as code.

        panel = ChatPanel(name="Mali")
        panel.send("hi")
        await panel.heard("Somchai: hi")

    It connects at once, and shows why where it cannot. Run its cell again, and the panel of the earlier run leaves.

    uri:   the room; None is this notebook's own server, else ws://localhost:8765 ($CHATKIT_PORT instead of 8765).
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
        self.late: set[asyncio.Future[int]] = set()  # of texts that wait for the server's answer
        self.people = People()
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
        self.pacer.soon()

    async def talk(self) -> None:
        """Connect, and show what comes until the chat is over."""
        self.ended = None
        self.pacer.soon()
        try:
            uri = self.uri or own_uri()
            joining = connect(uri, name=self.name, token=self.token, on_state=self.changed)
            async with joining as self.chat:
                while self.unsent:
                    self.submit(self.unsent.pop(0))
                async for event in self.chat:
                    self.show(event)
            self.ended = self.chat.reason or Ended()
        except ChatError as error:
            self.ended = error
        finally:
            self.chat = None
            self.pacer.soon()

    def changed(self, chat: Chat) -> None:
        """The line is in another state; after a welcome other people may be there."""
        self.count_people(chat)
        self.pacer.soon()

    def count_people(self, chat: Chat) -> None:
        self.people = People(chat.members.values(), chat.memory.count)

    def show(self, event: Event) -> None:
        """One event as a line."""
        if self.chat and event.type not in ("msg", "notice"):
            self.count_people(self.chat)
        match event.type:
            case "msg" if self.chat and event.who.id == self.chat.you:
                self.journal.add("own", event.text, who=self.say("panel_you"), ts=event.ts)
            case "msg":
                who = as_words(name_of(event.who), self.lang)
                self.journal.add("msg", event.text, who=who, tag=self.people.tag(event.who), ts=event.ts)
            case "notice":
                self.journal.add("notice", event.text, who=event.who.name, mark="🟢", ts=event.ts)
            case "reset":
                self.journal.clear()
                self.journal.add("mark", self.say("panel_reset"), mark="✂️")
            case "joined" | "left" | "renamed":
                said = self.say(f"panel_{event.type}", name=self.people.called(event.who))
                self.journal.add("presence", said, mark=PRESENCE[event.type])
            case _:  # of a newer server, or of a crowd: the list of people tells it
                self.pacer.soon()

    def submit(self, text: str) -> None:
        if self.chat:
            sent = self.chat.send(text)
            self.bridge.later(LATE, lambda: self.note(sent))
            sent.add_done_callback(lambda answer: self.answered(text, answer))
        elif self.ended:
            raise self.ended
        else:
            self.unsent.append(check_text(text))

    def note(self, sent: asyncio.Future[int]) -> None:
        """Where a text has waited for its answer for a while, the reader should know."""
        if not sent.done():
            self.late.add(sent)
            self.pacer.soon()

    def answered(self, text: str, answer: asyncio.Future[int]) -> None:
        """Show a text that the server refused after all, so that nobody believes it was heard."""
        self.late.discard(answer)
        self.pacer.soon()  # it may have been shown as waiting
        if not answer.cancelled() and isinstance(error := answer.exception(), ChatError):
            self.journal.add("warning", self.say("panel_not_sent", text=text, why=error.said), mark="⚠️")

    def press(self, button: str) -> None:
        if button == "connect" and self.talking.done():
            self.talking = self.bridge.start(self.talk())

    def status(self) -> dict[str, Any]:
        state = "closed" if self.ended else self.chat.state if self.chat else "connecting"
        seconds = f"{self.chat.retry_in:.1f}" if self.chat else ""
        return {
            "state": state,
            "mark": MARKS[state],
            "words": self.say(f"panel_{state}", seconds=seconds),
            "detail": self.chat.uri if self.chat else self.uri or "",
            "why": self.why(state),
            "note": self.say("panel_waiting", count=len(self.late)) if self.late else None,
            "buttons": [{"name": "connect", "words": self.say("panel_connect")}] if self.ended else [],
            **self.here(self.people if self.chat else People(), self.chat.you if self.chat else ""),
        }

    def why(self, state: str) -> Words | None:
        """Why the chat is over, or the line down."""
        problem = self.ended or (self.chat.reason if self.chat and state != "open" else None)
        return problem.said.each(self.lang) if problem else None
