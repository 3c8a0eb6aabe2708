"""`chatkit join`: a chat in this terminal; lines from a pipe are sent, then it leaves."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import chain, repeat

from chatkit.client import Chat, connect
from chatkit.errors import ChatError, NoServer
from chatkit.spelling import label
from chatkit.texts import say
from chatkit.tools import options as kinds
from chatkit.tools.options import Parser, add_lang, language
from chatkit.tools.terminal import Show, conversation, on_terminal, record

__all__ = ["add_options", "join_chat"]

LAST_ACKS = 2.0  # seconds that a person who leaves waits for what is still on its way


def add_options(parser: Parser) -> None:
    add = parser.add_argument
    add("uri", metavar="URI", nargs="?", type=kinds.a_uri, help="help_uri")
    add("--name", help="help_name")
    add("--plain", action="store_true", help="help_plain")
    add("--token", metavar="TEXT", type=kinds.a_token, help="help_join_token")
    add_lang(parser)


async def join_chat(options: argparse.Namespace) -> int:
    """Chat until the person leaves; the error that closed the chat where it was closed for good."""
    lang = options.lang or language()
    who = {"name": options.name, "token": options.token, "plain": options.plain}
    async with conversation("💬 ") as (show, lines):
        async with connect(options.uri, **who, on_state=state_lines(show, lang)) as chat:
            speaker = Speaker(chat, show, lang)
            hearing = asyncio.create_task(hear(chat, show, lang))
            speaking = asyncio.create_task(speaker.speak(lines))
            try:
                await asyncio.wait({hearing, speaking}, return_when=asyncio.FIRST_COMPLETED)
                if speaking.done():
                    return speaking.result()
                await hearing
            finally:
                for task in (hearing, speaking):
                    task.cancel()
                await asyncio.gather(hearing, speaking, return_exceptions=True)
        raise chat.reason or NoServer(chat.uri)


def state_lines(show: Show, lang: str) -> Callable[[Chat], None]:
    """What to do at each change of the connection: show it, so that nobody types into a dead line unknowingly."""
    opened = chain(["cli_open"], repeat("cli_open_again"))

    def on_state(chat: Chat) -> None:
        if chat.state == "open":
            show(say(next(opened), uri=chat.uri, name=chat.name).in_(lang))
        elif chat.state == "reconnecting" and isinstance(chat.reason, NoServer):
            show(say("cli_reconnecting", seconds=chat.retry_in).in_(lang))
        elif chat.state == "reconnecting" and chat.reason:
            show(say("cli_reconnecting_why", why=chat.reason.said, seconds=chat.retry_in).in_(lang))

    return on_state


async def hear(chat: Chat, show: Show, lang: str) -> None:
    """Show what happens in the room, until the connection is closed for good."""
    async for event in chat:
        show(record(event, lang, chat.you, label(event.who, chat.members.values())))


class Speaker:
    """Sends what is typed, and knows what is still on its way and whether something was refused."""

    def __init__(self, chat: Chat, show: Show, lang: str) -> None:
        self.chat, self.show, self.lang = chat, show, lang
        self.on_the_way: set[asyncio.Future[int]] = set()
        self.was_refused = False

    async def speak(self, lines: AsyncIterator[str]) -> int:
        """Send each line, until `exit` or the end; returns 1 where a piped one was refused, else 0."""
        async for line in lines:
            if line.strip() == "exit":
                break
            if line.strip():
                self.say(line)
                if self.on_the_way and not on_terminal():
                    await asyncio.wait(self.on_the_way)  # a pipe can wait; a person goes on typing
        if self.on_the_way:
            await asyncio.wait(self.on_the_way, timeout=LAST_ACKS)
        return int(self.was_refused and not on_terminal())

    def say(self, line: str) -> None:
        try:
            ack = self.chat.send(line)
        except ChatError as error:  # over the limits
            self.refuse(error)
            return
        self.on_the_way.add(ack)
        ack.add_done_callback(self.settle)

    def settle(self, ack: "asyncio.Future[int]") -> None:
        self.on_the_way.discard(ack)
        if not ack.cancelled() and (error := ack.exception()):
            self.refuse(error)

    def refuse(self, error: BaseException) -> None:
        self.was_refused = True
        self.show(f"⚠️ {error.sentence(self.lang) if isinstance(error, ChatError) else error}")
