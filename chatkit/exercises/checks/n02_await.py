"""Exercises of 02_await: wait for two at once, a loop that lets nobody else run, and a wait with a ceiling."""

import asyncio
import inspect
import time
from typing import Any

from chatkit.exercises.calls import Trial, gave, same, short
from chatkit.exercises.result import Difference


async def check_together(trial: Trial, together: Any) -> None:
    """Each of the two waits until the other has begun: one after the other, they wait for ever."""
    for slow in (1, 2):
        words = [trial.word() for _ in range(2)]
        begun = [asyncio.Event(), asyncio.Event()]
        calls: list[int] = []

        async def person(
            me: int, words: list[str] = words, begun: list[asyncio.Event] = begun, slow: int = slow, calls: Any = calls
        ) -> str:
            calls.append(me)
            begun[me].set()
            await begun[1 - me].wait()
            if slow == me + 1:
                await asyncio.sleep(0.05)
            return words[me]

        got = await trial.call(together, lambda: person(0), lambda: person(1), spelling="together(ann, bob)")
        made = [each for each in got if inspect.iscoroutine(each)] if isinstance(got, (list, tuple)) else []
        for each in made:
            each.close()
        if made:
            raise trial.difference("ex_never_awaited", never=made[0].__name__)
        if sorted(calls) != [0, 1]:
            raise trial.difference("called", ann=calls.count(0), bob=calls.count(1))
        answers = trial.items(got, len(words) + 1)
        if not same(answers, words):
            key = "swapped" if same(answers, words[::-1]) else gave(got)
            raise trial.difference(key, call="together(ann, bob)", got=short(got), wanted=short(words))


LOOKS = 6  # looks at the light in one turn of the loop; a right answer takes one
ASLEEP = LOOKS * 0.0008  # seconds for all of them: less than any `time.sleep` of a thousandth takes


async def check_until_green(trial: Trial, until_green: Any) -> None:
    """Somebody else has to switch the light, after more and more looks at it."""
    for rounds in (0, 5, trial.chance.randrange(8, 13)):  # also whoever looks ten times a second is in time
        light = Light(rounds)
        switching = asyncio.ensure_future(light.switch())
        try:
            got = await trial.call(until_green, light, spelling="until_green(light)")
        except Difference:
            if light.held:
                raise trial.difference("asleep" if light.held > ASLEEP else "busy") from None
            raise
        finally:
            switching.cancel()
        if not light.is_green:
            raise trial.difference("too_early", got=short(got), looks=light.looks)
        if not same(got, "go"):
            raise trial.difference(gave(got), call="until_green(light)", got=short(got), wanted="'go'")


class Held(Exception):
    """Somebody looks again and again, and lets nobody else run."""


class Light:
    """Red until somebody else had as many turns as wanted. held: seconds that the loop was held, 0 where it was not."""

    def __init__(self, rounds: int) -> None:
        self.rounds, self.looks, self.looks_in_turn = rounds, 0, 0
        self.is_green = False
        self.held = 0.0
        self.turned = time.monotonic()

    async def switch(self) -> None:
        while self.looks < self.rounds:
            self.looks_in_turn, self.turned = 0, time.monotonic()
            await asyncio.sleep(0)
        self.is_green = True

    def __call__(self) -> bool:
        self.looks += 1
        self.looks_in_turn += 1
        if self.looks_in_turn > LOOKS and not self.is_green:
            self.held = time.monotonic() - self.turned
            raise Held("nobody else could run")
        return self.is_green


FAR = 60  # seconds of a ceiling that nobody reaches; whoever sleeps for all of them is too late


async def check_or_nothing(trial: Trial, or_nothing: Any) -> None:
    """What comes in time is given; what does not come is not waited for, and is ended."""
    word = trial.word()
    ended = asyncio.Event()

    async def soon() -> str:
        await asyncio.sleep(0.02)
        return word

    async def never() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "never"

    async def breaks() -> str:
        raise ConnectionError("the line is down")

    await trial.expect(word, or_nothing, soon, FAR, spelling=f"or_nothing(soon, {FAR})")
    await trial.expect(None, or_nothing, never, 0.1, spelling="or_nothing(never, 0.1)")
    await asyncio.sleep(0)
    if not ended.is_set():
        raise trial.difference("goes_on")
    await trial.expect("", or_nothing, nothing_to_say, FAR, spelling=f"or_nothing(says_nothing, {FAR})")
    try:
        got = await trial.call(or_nothing, breaks, FAR)
    except Difference as difference:
        if difference.key == "ex_raised" and "the line is down" in difference.said.en:
            return
        raise
    raise trial.difference("swallowed", got=short(got))


async def nothing_to_say() -> str:
    return ""


CHECKS = {"q1": check_together, "q2": check_until_green, "q3": check_or_nothing}
