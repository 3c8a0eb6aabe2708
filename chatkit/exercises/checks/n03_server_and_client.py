"""Exercises of 03_server_and_client: four handlers, each run on a real server with real clients."""

import asyncio
from typing import Any

from chatkit.exercises.calls import Trial, short
from chatkit.exercises.result import Difference
from chatkit.exercises.stage import SECONDS, Stage, stage
from chatkit.exercises.watch import settled


async def check_echo(trial: Trial, echo: Any) -> None:
    async with stage(trial, echo, "Ann", "Bob") as play:
        for name in ("Ann", "Ann", "Bob", "Ann"):
            text = trial.word()
            await play.say(name, text)
            await play.hears(name, f"You said: {text}")
            await play.silence()
        texts = [trial.word() for _ in range(trial.chance.randrange(4, 20))]
        await play.say("Bob", *texts)
        await play.hears("Bob", *(f"You said: {text}" for text in texts))
        await play.silence()


async def check_count(trial: Trial, count: Any) -> None:
    async with stage(trial, count, "Ann", "Bob") as play:
        numbers = {"Ann": 0, "Bob": 0}
        burst = [trial.chance.choice(("Ann", "Bob")) for _ in range(trial.chance.randrange(4, 12))]
        for number, name in enumerate(("Ann", "Ann", "Bob", "Ann", "Bob", *burst)):
            text = trial.word()
            numbers[name] += 1
            await play.say(name, text)
            await play.hears(name, f"{numbers[name]}: {text}")
            if number < 2:
                await play.silence()
        await play.silence()


async def check_relay(trial: Trial, relay: Any) -> None:
    async with stage(trial, relay, "Ann", "Bob", "Cat", slow=True) as play:
        for speaker in ("Ann", "Cat"):
            await tell(play, speaker)
        await play.leave("Cat")
        await tell(play, "Ann")
        await play.join("Dan", "Eve", "Fon")
        await tell(play, "Dan")
        await play.cut("Bob")
        await tell(play, "Ann")
        await all_at_once(play)
        await nobody_waits(play)
        if ghost := play.ghost():
            raise play.difference("ghost", name=ghost)


async def tell(play: Stage, speaker: str) -> None:
    """One speaks; they hear `You said`, all others `Someone says`, and nobody hears anything twice."""
    text = play.trial.word()
    await play.say(speaker, text)
    for name in play.clients:
        await play.hears(name, f"{'You said' if name == speaker else 'Someone says'}: {text}")
    await play.silence()


async def all_at_once(play: Stage) -> None:
    """Two speak at the same moment, while more come in; those who were there hear both, in either order."""
    said = {name: play.trial.word() for name in ("Ann", "Dan")}
    there = list(play.clients)
    for name, text in said.items():
        await play.say(name, text)
    for name in ("Gus", "Hal", "Ida"):
        await asyncio.sleep(0.015)
        await play.join(name)
    for name in there:
        wanted = {f"{'You said' if name == speaker else 'Someone says'}: {text}" for speaker, text in said.items()}
        while wanted:
            got = await play.heard(name, min(wanted))
            if got not in wanted:
                raise play.difference("ex_heard", name=name, wanted=short(min(wanted)), got=short(got))
            wanted.discard(str(got))
    await play.silence(*there)


async def nobody_waits(play: Stage) -> None:
    """One stops reading. The others go on talking, and hear each other: each text in its turn."""
    play.sleep("Eve")
    texts = [play.trial.word() for _ in range(2)]
    await play.say("Ann", *texts)
    for name in ("Ann", "Dan", "Fon"):
        for text in texts:
            wanted = f"{'You said' if name == 'Ann' else 'Someone says'}: {text}"
            try:
                await play.hears(name, wanted)
            except Difference as difference:
                if difference.key != "ex_silent":
                    raise
                raise play.difference("held_up", varies=True, name=name, sleeper="Eve") from None
    play.sleep("Eve", False)
    await play.drain("Eve")


TEXTS = 12  # during one second
SOON = 0.03  # seconds after a Pong came back on the same line


async def check_clock(trial: Trial, clock: Any) -> None:
    async with stage(trial, clock, "Ann") as play:
        await play.hears("Ann", "tick 1", "tick 2")
        ticks = {"Ann": 2 + await ticks_before_answer(play)}
        await play.join("Bob")
        await play.hears("Bob", "tick 1")
        ticks["Bob"] = 1
        await ticks_and_answers(play, ticks)
        await play.leave("Ann")
        await play.hears("Bob", f"tick {ticks['Bob'] + 1}")


async def ticks_before_answer(play: Stage) -> int:
    """Ann says something; how many ticks she hears until the answer: it is among the next three lines."""
    text = play.trial.word()
    await play.say("Ann", text)
    for ticks in range(3):
        got = await play.heard("Ann", f"You said: {text}")
        if got == f"You said: {text}":
            return ticks
    raise play.difference("ex_heard", name="Ann", wanted=short(f"You said: {text}"), got=short(got))


async def ticks_and_answers(play: Stage, ticks: dict[str, int]) -> None:
    """Count ticks and late answers, while a clock of our own says how many ticks this machine allows just now."""
    heard: dict[str, list[str]] = {name: [] for name in ticks}
    reference = late = 0

    async def listen(name: str) -> None:
        async for text in play.clients[name]:
            heard[name].append(str(text))

    async def refer() -> None:
        nonlocal reference
        while True:
            await asyncio.sleep(0.1)
            reference += 1

    tasks = [asyncio.ensure_future(each) for each in (*map(listen, heard), refer())]
    try:
        for _ in range(TEXTS):
            text = play.trial.word()
            await play.say("Ann", text)
            pong = await play.clients["Ann"].ping()
            await settled([asyncio.ensure_future(pong)], SECONDS)
            await asyncio.sleep(SOON)
            late += f"You said: {text}" not in heard["Ann"]
            for _ in range(
                3
            ):  # so fast that nobody who waits for a silence of 0.1 seconds gets one, on a busy machine either
                await asyncio.sleep(0.015)
                await play.say("Ann", play.trial.word())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for name, texts in heard.items():
        play.wire += [f"server → {name}: {short(text)}" for text in texts]
        since = [text for text in texts if not text.startswith("You said: ")]
        for text in since:
            ticks[name] += 1
            if text != f"tick {ticks[name]}":
                raise play.difference("ex_heard", name=name, wanted=f"tick {ticks[name]}", got=short(text))
        if len(since) < 0.6 * reference - 1:
            raise play.difference("too_few", varies=True, name=name, ticks=len(since), wanted=reference)
        if len(since) > 1.25 * reference + 2:
            raise play.difference("too_many", varies=True, name=name, ticks=len(since), wanted=reference)
    if late > TEXTS / 3:
        raise play.difference("late", varies=True, count=late, total=TEXTS)


CHECKS = {"q1": check_echo, "q2": check_count, "q3": check_relay, "q4": check_clock}
