"""Exercises of 05_everyone: who is over the limit, queues that may be full, and a room with a phone that sleeps."""

import asyncio
import socket
from typing import Any

from chatkit.exercises.calls import Trial, short
from chatkit.exercises.stage import SECONDS, Stage, stage
from chatkit.exercises.watch import settled


async def check_stuck(trial: Trial, stuck: Any) -> None:
    chance = trial.chance
    cases = [
        ({"Ann": 0, "Bob": 50}, {"Ann": 0, "Bob": 60}, 100),
        ({"Ann": 0, "Bob": 500}, {"Ann": 0, "Bob": 600}, 100),
        ({"Ann": 0, "Bob": 500}, {"Ann": 500, "Bob": 0}, 100),
        ({"Ann": 100, "Bob": 101}, {"Ann": 100, "Bob": 101}, 100),
        ({"Ann": 500}, {"Ann": 400, "Bob": 500}, 100),
        ({"Ann": 60, "Bob": 300}, {"Ann": 60}, 100),
        ({"Ann": 0, "Bob": 500}, {"Bob": 600, "Ann": 0}, 100),  # the same people in another order
    ]
    for _ in range(6):
        limit = chance.randrange(10, 1000)
        looks = [{f"P{n}": chance.choice((0, limit, limit + chance.randrange(1, 99))) for n in range(9)} for _ in "12"]
        cases.append((looks[0], looks[1], limit))
    for before, now, limit in cases:
        wanted = sorted(name for name in now if min(now[name], before.get(name, 0)) > limit)
        spelling = f"stuck({before}, {now}, {limit})"
        got = await trial.call(stuck, dict(before), dict(now), limit, spelling=spelling)
        names = names_in(trial, got)
        if names is None:
            raise trial.difference("ex_none" if got is None else "names", call=spelling, got=short(got), wanted=wanted)
        if names != wanted:
            raise trial.difference("ex_gave", call=spelling, got=names, wanted=wanted)


MOST = 99  # names; no case has as many people


def names_in(trial: Trial, got: Any) -> list[str] | None:
    """The names that an answer gave, in order, in whatever they stand; None where that is no collection of names."""
    names = trial.items(got, MOST)
    return sorted(names) if names is not None and all(isinstance(name, str) for name in names) else None


ROOM = 2  # texts for which a queue has room


async def check_hand_over(trial: Trial, hand_over: Any) -> None:
    """Nobody takes anything out of these queues; some are full, and one of them is in the middle. Eve's has one place
    left, so it becomes full by the text itself."""
    for full in ({"Bob"}, set(), {"Ann", "Cat"}, {"Ann", "Bob", "Cat", "Dan"}):
        there = ("Ann", "Bob", "Cat", "Dan", "Eve")
        queues: dict[str, asyncio.Queue[str]] = {name: asyncio.Queue(ROOM) for name in there}
        old, new = trial.word(), trial.word()
        before = {name: [old] * (ROOM if name in full else 1 if name == "Eve" else 0) for name in there}
        for name, texts in before.items():
            for text in texts:
                queues[name].put_nowait(text)
        spelling = f"hand_over(queues, {short(new)})"
        got = await trial.call(hand_over, queues, new, spelling=spelling)
        names = names_in(trial, got)  # a generator works only now
        for name, queue in queues.items():
            wanted = before[name] + ([] if name in full else [new])
            inside = await taken_out(queue)
            if inside != wanted:
                raise trial.difference("inside", name=name, got=short(inside), wanted=short(wanted))
        if names is None:
            key = "ex_none" if got is None else "names"
            raise trial.difference(key, call=spelling, got=short(got), wanted=sorted(full))
        if names != sorted(full):
            raise trial.difference("ex_gave", call=spelling, got=names, wanted=sorted(full))


async def taken_out(queue: asyncio.Queue[str]) -> list[str]:
    """All that is in a queue, and what somebody puts in who still waits for room."""
    inside = []
    for _ in range(3):  # turns of the loop: a waiting `put` wakes, and puts
        inside += [queue.get_nowait() for _ in range(queue.qsize())]
        await asyncio.sleep(0)
    return inside


PICTURE = 200_000  # letters: one does not fit into the buffers of the phone's line
LIMIT = 1_000_000  # bytes
SMALL = 16_384  # bytes of a socket's buffer: the phone has little room


async def check_relay(trial: Trial, relay: Any) -> None:
    async with stage(trial, relay, "Ann", "Bob", close_timeout=3 * SECONDS) as play:
        await tell(play, "Ann", trial.word())
        await play.silence()
        await play.join("Phone")
        phone = make_small(play, "Phone")
        play.clients["Phone"].transport.pause_reading()
        for number in range(4):
            await tell(play, "Ann" if number % 2 else "Bob", picture(trial), "Phone")
        if phone.transport.is_closing():
            raise play.difference("too_soon", bytes=4 * PICTURE)
        for number in range(16):
            await tell(play, "Ann" if number % 2 else "Bob", picture(trial), "Phone")
        ended = asyncio.ensure_future(phone.wait_closed())
        await settled([ended], SECONDS)
        ended.cancel()
        if not phone.transport.is_closing():
            raise play.difference("kept", bytes=LIMIT)
        await tell(play, "Bob", trial.word(), "Phone")


def picture(trial: Trial) -> str:
    return f"{trial.word()} {'#' * PICTURE}"


def make_small(play: Stage, name: str) -> Any:
    """Give a line little room below, on any system; the server's end of it."""
    client = play.clients[name]
    ws = play.sockets[client.local_address[1]]
    client.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    ws.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    return ws


async def tell(play: Stage, speaker: str, text: str, *asleep: str) -> None:
    """One speaks; all others who are awake hear it."""
    await play.say(speaker, text)
    for name in play.clients:
        if name != speaker and name not in asleep:
            await play.hears(name, text)


CHECKS = {"q1": check_stuck, "q2": check_hand_over, "q3": check_relay}
