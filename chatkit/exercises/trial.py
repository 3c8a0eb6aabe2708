"""Tries a student's function: never longer than it should take, and never trusting it to give what was asked for."""

import asyncio
import inspect
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from chatkit.exercises.shown import Difference
from chatkit.texts import say

SECONDS = 2.0  # a function that takes longer is waiting for something, or is in an endless loop
SHOWN = 160  # characters of a value that a sentence shows


async def expect(wanted: object, function: Any, *args: object) -> None:
    """Raise Difference unless `function(*args)` gives `wanted`."""
    got = await outcome(function, *args)
    if got != wanted:
        raise Difference(say("ex_gave", call=spelt(function, args), got=short(got), wanted=short(wanted)))


async def outcome(function: Any, *args: object, seconds: float = SECONDS) -> Any:
    """What the function gives, a coroutine function's result included; Difference where it gives nothing in time."""
    if not callable(function):
        raise Difference(say("ex_not_callable", got=short(function)))
    clock = asyncio.timeout(seconds)
    try:
        async with clock:
            got = bounded(function, *args, seconds=seconds)
            return await got if inspect.iscoroutine(got) else got
    except Exception as error:  # a student's code may raise anything
        if clock.expired():
            raise Difference(say("ex_too_long", call=spelt(function, args), seconds=seconds)) from None
        raise Difference(say("ex_raised", call=spelt(function, args), error=named(error))) from error
    except TooLong:
        raise Difference(say("ex_too_long", call=spelt(function, args), seconds=seconds)) from None


class TooLong(BaseException):
    """Raised inside an endless loop; a BaseException, so that the loop's `except Exception` does not eat it."""


def bounded(function: Callable[..., Any], *args: object, seconds: float) -> Any:
    """Call the function, and raise TooLong in it after so many seconds: `while data:` may never end."""
    end = time.monotonic() + seconds

    def watch(frame: FrameType, event: str, arg: object) -> Any:
        if time.monotonic() > end:
            raise TooLong
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        return function(*args)
    finally:
        sys.settrace(before)


def spelt(function: Any, args: tuple[object, ...]) -> str:
    """The call as the student would type it."""
    return f"{getattr(function, '__name__', 'answer')}({', '.join(short(arg) for arg in args)})"


def short(value: object) -> str:
    """A value's repr, cut in the middle where it is long."""
    text = repr(value).replace("`", "'")
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} … {text[-SHOWN // 4 :]}"


def named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".replace("`", "'")
