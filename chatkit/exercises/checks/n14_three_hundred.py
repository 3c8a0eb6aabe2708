"""Exercises of 14_three_hundred: the largest room, one write for each person and turn, and a replay that lets go."""

import asyncio
import inspect
from math import isqrt
from typing import Any

from websockets.asyncio.server import ServerConnection

from chatkit.exercises.calls import Trial, gave, same, short, whole
from chatkit.exercises.stage import stage


async def check_largest(trial: Trial, largest: Any) -> None:
    cases = [(100, 1), (90_000, 1), (120, 1), (1_000, 10), (40, 5), (3, 2), (0, 5)]
    cases += [(trial.chance.randrange(10_000, 300_000), trial.chance.randrange(1, 60)) for _ in range(6)]
    for deliveries, seconds in cases:
        wanted, spelling = isqrt(deliveries * seconds), f"largest({deliveries}, {seconds})"
        got = await trial.call(largest, deliveries, seconds)
        if not same(whole(got), wanted):
            raise trial.difference(gave(got), call=spelling, got=short(got), wanted=wanted)


class Person:
    """Somebody in the room: what was written to this person, one entry for each write."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def __repr__(self) -> str:
        return self.name


async def check_tell(trial: Trial, tell: Any) -> None:
    """Everybody has everything; then, whether it was done with little work."""
    sizes = [(1, 1), (3, 2), (4, 3), (5, 0), (0, 2), (trial.chance.randrange(6, 20), trial.chance.randrange(4, 9))]
    for many, count in sizes:
        people = [Person(f"P{number}") for number in range(1, many + 1)]
        texts = [trial.word() for _ in range(count)]
        texts += texts[:1] if count > 2 else []  # somebody says the same once more
        made: list[str] = []

        def frame(text: str, made: list[str] = made) -> bytes:
            made.append(text)
            return f"[{text}]".encode()

        await trial.call(tell, list(people), list(texts), frame, spelling=f"tell({people}, {short(texts)}, frame)")
        wanted = "".join(f"[{text}]" for text in texts)
        for person in people:
            if (got := b"".join(person.written).decode(errors="replace")) != wanted:
                raise trial.difference("inside", name=person.name, got=short(got), wanted=short(wanted))
        if len(made) > len(texts):
            raise trial.difference("frames", made=len(made), texts=len(texts), people=many)
        if any(len(person.written) != bool(texts) for person in people):
            raise trial.difference("writes", writes=len(people[0].written), texts=len(texts))


MOST = 10  # entries in a row


async def check_replay(trial: Trial, replay: Any) -> None:
    for count in (34, 7, trial.chance.randrange(20, 60)):
        log = [f"{number} {trial.word()}" for number in range(1, count + 1)]
        others = Others()

        async def handler(ws: ServerConnection, log: list[str] = log, others: "Others" = others) -> None:
            others.watch(ws)
            got = replay(ws, list(log))
            if not inspect.isawaitable(got):
                raise trial.difference("ex_not_async", got=short(replay))
            await got
            others.sent_at_the_end = others.sent
            await ws.wait_closed()

        turns = asyncio.create_task(others.take_turns())
        try:
            async with stage(trial, handler, "Ann") as play:
                await play.hears("Ann", *log)
                await play.silence("Ann")
        finally:
            turns.cancel()
            await asyncio.wait([turns])
        if others.sent_at_the_end != count:
            raise trial.difference("not_sent", count=count - others.sent_at_the_end)
        if others.most > MOST:
            raise trial.difference("in_a_row", count=others.most)


class Others:
    """Everybody else on the loop. most: how many messages went out to Ann between two of their turns."""

    def __init__(self) -> None:
        self.sent = self.sent_at_the_end = self.most = 0

    def watch(self, ws: ServerConnection) -> None:
        write = ws.transport.write

        def counted(data: Any) -> None:
            self.sent += 1
            write(data)

        ws.transport.write = counted  # type: ignore[method-assign]

    async def take_turns(self) -> None:
        before = 0
        while True:
            self.most, before = max(self.most, self.sent - before), self.sent
            await asyncio.sleep(0)


CHECKS = {"q1": check_largest, "q2": check_tell, "q3": check_replay}
