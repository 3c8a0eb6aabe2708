"""Milestones of project_bot: clients that join a room of the kit, listen to everybody, and answer some."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chatkit.client import Chat, connect
from chatkit.errors import ChatError
from chatkit.exercises.calls import Trial, named, short, spelt
from chatkit.exercises.result import Difference
from chatkit.exercises.stage import PAUSE, SECONDS
from chatkit.exercises.watch import settled
from chatkit.server import Server, serve

RUNS = 10.0  # seconds of the loop's own time for which a bot may run in one try


class Room:
    """A room with Ann in it, and with the bot once it has come. `wire`: who said what, in order."""

    def __init__(self, trial: Trial, bot: Any, server: Server, ann: Chat) -> None:
        self.trial, self.bot, self.server, self.ann = trial, bot, server, ann
        self.wire: list[str] = []
        self.running: asyncio.Future[Any] | None = None

    async def start(self) -> None:
        """Run the bot beside us, and wait until it is in the room under its name."""
        if not callable(self.bot):
            raise self.trial.difference("ex_not_callable", got=short(self.bot))

        async def wait_for(got: Any) -> None:
            await got

        try:
            got = self.trial.watch.call(self.bot, self.server.uri)
        except Exception as error:  # a student's code may raise anything
            raise self.trial.difference("ex_raised", call=self.spelling(), error=named(error)) from error
        if not inspect.isawaitable(got):
            raise self.trial.difference("no_bot", got=short(got))
        self.running = asyncio.ensure_future(self.trial.watch.run(wait_for(got), RUNS))
        for _ in range(round(SECONDS / PAUSE)):
            if "Bot" in self.names() or self.running.done():
                break
            await settled([self.running], PAUSE)
        if "Bot" not in self.names():
            raise self.difference("not_here", here=", ".join(self.names()))

    def names(self) -> list[str]:
        return sorted(who.name for who in self.server.members())

    def spelling(self) -> str:
        return spelt(self.bot, (self.server.uri,))

    async def say(self, chat: Chat, *texts: str) -> None:
        for text in texts:
            self.wire.append(f"{chat.name}: {short(text)}")
            await chat.send(text)

    async def next(self, seconds: float) -> str | None:
        """The next text of the bot; None where none comes."""

        async def listen() -> str:
            async for event in self.ann:
                if event.type == "msg" and event.who.name == "Bot":
                    return event.text
            raise ChatError

        listening = asyncio.ensure_future(listen())
        try:
            await settled([listening], seconds)
            text = listening.result() if listening.done() else None
        finally:
            listening.cancel()
        self.wire += [] if text is None else [f"Bot: {short(text)}"]
        return text

    async def hears(self, *wanted: str) -> None:
        """Raise Difference unless the next texts of the bot are these."""
        for text in wanted:
            got = await self.next(SECONDS)
            if got is None:
                raise self.difference("ex_silent", name="Ann", wanted=short(text), seconds=SECONDS)
            if got != text:
                raise self.difference("ex_heard", name="Ann", wanted=short(text), got=short(got))

    async def silence(self, after: str = "") -> None:
        """Raise Difference where the bot says one thing more, or has ended. after: what it should not answer."""
        if (got := await self.next(PAUSE)) is not None:
            key = "unasked" if after else "ex_one_more"
            raise self.difference(key, name="Ann", text=short(after), got=short(got))
        if self.running and self.running.done():
            raise self.difference("ended")

    def difference(self, key: str, **holes: object) -> Difference:
        """The difference that `key` says, or the bot's own error, or its early end, which is behind it."""
        lines = tuple(self.wire)
        caption = (self.trial.question.says or {})["heard"]
        if self.running and self.running.done() and not self.running.cancelled():
            if error := self.running.exception():
                return self.trial.difference("ex_raised", lines, caption, call=self.spelling(), error=named(error))
            if key == "ex_silent" or key == "not_here":
                key, holes = "ended", {}
        return self.trial.difference(key, lines, caption, varies=False, **holes)

    async def stop(self) -> None:
        if self.running:
            self.running.cancel()
            await asyncio.wait([self.running])


@asynccontextmanager
async def room(trial: Trial, bot: Any, *before: str) -> AsyncIterator[Room]:
    """A room in which the bot runs, after Ann has said something already. At the end it is stopped, and must leave."""
    async with serve(port=0, rate=0) as server, connect(server.uri, name="Ann") as ann:
        play = Room(trial, bot, server, ann)
        await play.say(ann, *before)
        try:
            await play.start()
            yield play
            await play.silence()
        finally:
            await play.stop()
        if left := [name for name in play.names() if name != "Ann"]:
            raise trial.difference("stays", left=", ".join(left))


async def check_ping(trial: Trial, ping_bot: Any) -> None:
    async with room(trial, ping_bot) as play:
        for text in ("hi", "!ping", trial.word(), "what is !ping", "!pingpong"):
            await play.say(play.ann, text)
            if text == "!ping":
                await play.hears("pong")
            await play.silence(text)
        async with connect(play.server.uri, name="Bob") as bob:
            count = trial.chance.randrange(2, 6)
            await play.say(bob, *["!ping"] * count)
            await play.hears(*["pong"] * count)
        await play.say(play.ann, "!ping")
        await play.hears("pong")


async def check_echo(trial: Trial, echo_bot: Any) -> None:
    old, new, later = trial.word(), trial.word(), trial.word()
    async with room(trial, echo_bot, f"!say {old}", "hi") as play:
        await play.hears("hello")
        await play.silence()
        await play.say(play.ann, f"!say {new}")
        await play.hears(new)
        await play.silence()
        await play.say(play.ann, f"!say !say {later}")
        await play.hears(f"!say {later}")
        await play.silence()
        async with connect(play.server.uri, name="Bob") as bob:
            await play.say(bob, f"I say {old}", f"!say  {old}  {new}")
            await play.hears(f"{old}  {new}")


async def check_calc(trial: Trial, calc_bot: Any) -> None:
    usage = "try !add 2 3"
    async with room(trial, calc_bot) as play:
        cases = [("!add 2 3", "5"), ("!add two 3", usage), ("!add 2", usage), ("!add 20 -3", "17")]
        cases += [("!add", usage), ("!add 1 2 3", usage), ("!add 2.5 3", usage)]
        for _ in range(4):
            first, second = trial.chance.randrange(10**6), trial.chance.randrange(10**6)
            cases.append((f"!add {first} {second}", str(first + second)))
        for text, wanted in cases:
            await play.say(play.ann, text)
            await play.hears(wanted)
        await play.say(play.ann, "2 + 3", trial.word())
        await play.silence()


CHECKS = {"q1": check_ping, "q2": check_echo, "q3": check_calc}
