"""Exercises of 02_await: wait for two at once, in which order words come, and a wait with a ceiling."""

import asyncio
import inspect
from collections.abc import Iterable
from typing import Any

from chatkit.exercises.calls import Trial, has_placeholder, same, short
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
        if not same(got if not isinstance(got, Iterable) or isinstance(got, str) else list(got), words):
            key = "swapped" if isinstance(got, (list, tuple)) and same(list(got), words[::-1]) else "ex_gave"
            raise trial.difference(key, call="together(ann, bob)", got=short(got), wanted=short(words))


ORDER = """
async def speak(name):
    print(name, "in")
    await asyncio.sleep(0)
    print(name, "out")

ann = asyncio.create_task(speak("Ann"))
print("ready")
await ann
print("done")
"""


async def check_order(trial: Trial, order: Any) -> None:
    """The prediction is held against the program itself, run just now."""
    words: list[str] = []

    async def speak(name: str) -> None:
        words.append(f"{name} in")
        await asyncio.sleep(0)
        words.append(f"{name} out")

    ann = asyncio.create_task(speak("Ann"))
    words.append("ready")
    await ann
    words.append("done")
    if has_placeholder(order):
        raise trial.difference("ex_placeholder", call="order", got=short(order))
    if isinstance(order, str) or not isinstance(order, Iterable):
        raise trial.difference("no_list", got=short(order))
    guess = list(order)
    for number, word in enumerate(words):
        if number >= len(guess) or not same(guess[number], word):
            got = guess[number] if number < len(guess) else "∅"
            raise trial.difference("place", number=number + 1, got=short(got), before=short(words[:number]))
    if len(guess) > len(words):
        raise trial.difference("too_long", got=short(guess[len(words)]))


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

    await trial.expect(word, or_nothing, soon, 1.5, spelling="or_nothing(soon, 1.5)")
    await trial.expect(None, or_nothing, never, 0.1, spelling="or_nothing(never, 0.1)")
    await asyncio.sleep(0)
    if not ended.is_set():
        raise trial.difference("goes_on")
    await trial.expect("", or_nothing, nothing_to_say, 1.5, spelling="or_nothing(says_nothing, 1.5)")
    try:
        got = await trial.call(or_nothing, breaks, 1.5)
    except Difference as difference:
        if difference.key == "ex_raised" and "the line is down" in difference.said.en:
            return
        raise
    raise trial.difference("swallowed", got=short(got))


async def nothing_to_say() -> str:
    return ""


CHECKS = {"q1": check_together, "q2": check_order, "q3": check_or_nothing}
