"""The kit's own code, shown in a notebook: `source(Hub.turn)`."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any


class Source:
    """The source of one thing: a highlighted block in a notebook, plain text anywhere else."""

    def __init__(self, thing: object) -> None:
        self.code = textwrap.dedent(inspect.getsource(unwrapped(thing))).rstrip()

    def __repr__(self) -> str:
        return self.code

    def _repr_markdown_(self) -> str:
        fence = "```"
        while fence in self.code:
            fence += "`"
        return f"{fence}python\n{self.code}\n{fence}"


def source(thing: object) -> Source:
    """The source code of a function, method, property, class or module.

    TypeError for what has no Python source (a number, a built-in); OSError where its file is gone.
    """
    return Source(thing)


def unwrapped(thing: Any) -> Any:
    """What stands behind a property, a bound method or a decorator."""
    getter: Callable[..., Any] | None = thing.fget if isinstance(thing, property) else None
    return inspect.unwrap(getter or thing) if callable(getter or thing) else thing
