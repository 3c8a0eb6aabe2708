"""One try of an answer: calls it with fresh inputs, compares what it gives, and trusts nothing of it."""

import asyncio
import inspect
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from numbers import Real
from operator import index
from random import Random
from typing import Any

from chatkit.exercises.questions import Question
from chatkit.exercises.result import Difference
from chatkit.exercises.watch import Late, Left, Watch
from chatkit.texts import LANGUAGES, Sentence, filled, say

SECONDS = 2.0  # of the loop's own time; a function that takes longer waits for something, or never ends
SHOWN = 160  # characters of a value that a sentence shows


class Trial:
    """What a check gets: chance that can be repeated, the question's own sentences, and safe ways to call an answer."""

    def __init__(self, question: Question, seed: int, watch: Watch) -> None:
        self.question, self.watch = question, watch
        self.chance = Random(seed)
        self.seconds = SECONDS

    def word(self) -> str:
        """A text nobody can have written down before."""
        return f"สวัสดี {self.chance.randbytes(3).hex()}"

    def difference(
        self,
        key: str,
        lines: tuple[str, ...] = (),
        caption: Sentence | None = None,
        varies: bool = False,
        **holes: object,
    ) -> Difference:
        """The difference that the question's own sentence says, or the one that all exercises have under this key."""
        own = (self.question.says or {}).get(key)
        said = Sentence(*(filled(getattr(own, lang), lang, holes) for lang in LANGUAGES)) if own else say(key, **holes)
        return Difference(key, said, lines, caption, varies)

    async def call(self, function: Any, *args: object, spelling: str = "") -> Any:
        """What the function gives, awaited where that can be awaited; Difference where it gives nothing in time.

        spelling: the call as a sentence shows it, where the arguments are too long for that.
        """
        if not callable(function):
            raise self.difference("ex_not_callable", got=short(function))
        spelling = spelling or spelt(function, args)

        async def wait_for(awaitable: Any) -> Any:
            return await awaitable

        try:
            got = self.watch.call(function, *args)
            if inspect.isawaitable(got):
                got = await self.watch.run(wait_for(got), self.seconds)
        except Late:
            raise self.difference("ex_too_long", call=spelling, seconds=self.seconds) from None
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise  # the check itself is to end
            raise self.difference("ex_raised", call=spelling, error="CancelledError") from None
        except Left as error:
            raise self.difference("ex_leaves", call=spelling, error=named(error)) from None
        except Exception as error:  # a student's code may raise anything
            raise self.difference("ex_raised", call=spelling, error=named(error)) from error
        if inspect.isawaitable(got):
            if inspect.iscoroutine(got):
                got.close()
            raise self.difference("ex_promise", call=spelling, got=short(got))
        return got

    async def expect(self, wanted: object, function: Any, *args: object, spelling: str = "") -> None:
        """Raise Difference unless `function(*args)` gives `wanted`."""
        spelling = spelling or spelt(function, args)
        got = await self.call(function, *args, spelling=spelling)
        if isinstance(wanted, list) and not isinstance(got, (list, dict)):  # a tuple or a generator will do
            found = self.items(got, len(wanted) + 1)
            got = got if found is None else found
        if not same(got, wanted):
            raise self.difference(gave(got), call=spelling, got=short(got), wanted=short(wanted))

    def bytes_of(self, got: Any, spelling: str) -> bytes:
        """What a call gave, of whatever kind the bytes are; Difference where it gave none."""
        if not isinstance(got, (bytes, bytearray, memoryview)):
            key = "ex_none" if got is None else "no_bytes"
            raise self.difference(key, call=spelling, got=short(got), wanted="b'…'")
        return bytes(got)

    def items(self, got: Any, most: int) -> list[Any] | None:
        """What is in a list, tuple, generator …, at most so many; None where an answer gave nothing of the kind."""
        if isinstance(got, (str, bytes)) or not isinstance(got, Iterable):
            return None
        return self.watch.call(lambda: list(islice(got, most)))  # type: ignore[no-any-return]


def same(got: Any, wanted: Any) -> bool:
    """Whether an answer gave what was wanted. Its own `__eq__` is not asked: it may say yes to everything."""
    if isinstance(wanted, (list, tuple)):
        return isinstance(got, (list, tuple)) and len(got) == len(wanted) and all(map(same, got, wanted))
    if type(wanted) is int and hasattr(type(got), "__index__"):
        got = index(got)  # numpy's whole numbers are as good as Python's
    if isinstance(wanted, bytes):
        return isinstance(got, (bytes, bytearray, memoryview)) and b"".join((got,)) == wanted
    if wanted is None or not isinstance(got, type(wanted) if not isinstance(wanted, bool) else int):
        return got is wanted
    compare: Any = type(wanted).__eq__
    return compare(wanted, got) is True


def whole(number: Any) -> Any:
    """300.0, Decimal(300) and a fraction of 600 and 2 are as good as 300."""
    is_number = isinstance(number, (Real, Decimal)) and not isinstance(number, bool)
    return int(number) if is_number and number % 1 == 0 else number


def gave(got: object) -> str:
    """The key of the sentence that fits best where an answer gave something else than was wanted."""
    if inspect.isgenerator(got) or inspect.isasyncgen(got):
        return "ex_yields"
    return "ex_placeholder" if has_placeholder(got) else "ex_none" if got is None else "ex_gave"


def has_placeholder(value: object) -> bool:
    """Whether a `...` is still in it."""
    if isinstance(value, dict):
        value = list(value.values())
    return value is ... or (isinstance(value, (list, tuple)) and any(each is ... for each in value))


def spelt(function: Any, args: tuple[object, ...]) -> str:
    """The call as the student would type it."""
    name = getattr(function, "__name__", None) or type(function).__name__
    return f"{name if isinstance(name, str) else 'answer'}({', '.join(short(arg) for arg in args)})"


def short(value: object) -> str:
    """A value's repr, cut in the middle where it is long."""
    try:
        text = repr(value).replace("`", "'")
    except Exception as error:  # a student's __repr__ may raise anything
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} … {text[-SHOWN // 4 :]}"


def named(error: BaseException) -> str:
    """An error's type and its own words; of an ExceptionGroup, those of the first error in it."""
    try:
        while isinstance(error, (Left, BaseExceptionGroup)):
            error = error.error if isinstance(error, Left) else error.exceptions[0]
        return f"{type(error).__name__}: {error}".replace("`", "'").rstrip(": ")
    except Exception:  # a student's __str__ may raise anything
        return type(error).__name__
