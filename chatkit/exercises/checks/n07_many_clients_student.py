"""Exercises of 07_many_clients_student: who is here, what was missed, and the rule of every reader."""

import asyncio
from typing import Any

from chatkit.client import connect
from chatkit.events import Event
from chatkit.exercises.calls import Trial, same, short
from chatkit.server import Server, serve


async def nobody_stays(trial: Trial, server: Server, *here: str) -> None:
    """Raise Difference where the answer's own client did not leave the room."""
    if left := sorted({who.name for who in server.members()} - set(here)):
        raise trial.difference("stays", left=", ".join(left))


async def check_people(trial: Trial, people: Any) -> None:
    for names in (["Bob", "Ann"], [], ["somchai", f"Zoe{trial.chance.randrange(100)}", "Ann", "Bob"]):
        async with serve(port=0) as server:
            uri = f"{server.uri}/room/red"
            chats = [await connect(uri, name=name) for name in names]
            try:
                async with connect(server.uri, name="Cat"):  # in the lobby: another room
                    got = await trial.call(people, uri)
                if not same(listed(got), sorted(names)):
                    raise trial.difference("names", wanted=short(sorted(names)), got=short(got))
                await nobody_stays(trial, server, *names, "Cat")
            finally:
                for chat in chats:
                    await chat.close()


async def check_missed(trial: Trial, missed: Any) -> None:
    """The last text is said only when the answer is in the room again, by somebody who comes in just then."""
    back = asyncio.Event()

    def notice(event: Event) -> None:
        if event.type == "joined" and event.who.name not in ("Ann", "Bob"):
            back.set()

    async with (
        serve(port=0, rate=0, on_event=notice) as server,
        connect(server.uri, name="Ann") as ann,
    ):
        for before, after in ((2, 2), (3, trial.chance.randrange(3, 6))):
            for _ in range(before):
                last = await ann.send(trial.word())
            *while_away, until = texts = [trial.word() for _ in range(after)]
            for text in while_away:
                await ann.send(text)
            back.clear()
            ending = asyncio.ensure_future(say_when(back, server.uri, until))
            try:
                got = await trial.call(missed, server.uri, last, until)
            finally:
                ending.cancel()
                await asyncio.wait([ending])
            if not same(listed(got), texts):
                raise trial.difference("texts", last=last, wanted=short(texts), got=short(got))
            await nobody_stays(trial, server, "Ann")


async def say_when(back: asyncio.Event, uri: str, text: str) -> None:
    await back.wait()
    async with connect(uri, name="Bob") as bob:
        await bob.send(text)


def listed(got: Any) -> Any:
    """A tuple will do as well as a list."""
    return list(got) if isinstance(got, tuple) else got


async def check_keep(trial: Trial, keep: Any) -> None:
    far = trial.chance.randrange(10, 1000)
    for last, number, wanted in (
        (0, 1, "show"),
        (3, 3, "skip"),
        (3, 4, "show"),
        (3, 1, "skip"),
        (9, 7, "skip"),
        (4, 7, "ask"),
        (4, 6, "ask"),
        (0, 2, "ask"),
        (far, far + 1, "show"),
        (far, trial.chance.randrange(1, far), "skip"),
        (far, far + trial.chance.randrange(2, 50), "ask"),
    ):
        await trial.expect(wanted, keep, last, number)


CHECKS = {"q1": check_people, "q2": check_missed, "q3": check_keep}
