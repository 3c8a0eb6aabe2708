"""How far a cell is that takes its time: `for size in progress_bar(sizes): …`."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from chatkit.place import in_notebook
from chatkit.texts import Sentence, chosen, say

T = TypeVar("T")
Draw = Callable[[int], None]  # draws anew, with so many steps done
PAUSE = 0.1  # seconds between two drawings: a loop may be quicker than a page, and drawing is not free


def progress_bar(items: Iterable[T]) -> Iterator[T]:
    """The items one by one, and meanwhile a bar says how many are done; it goes away when the loop is over.

    All items are taken at once, to be counted. The bar is a widget in a notebook, and a line of text elsewhere.
    """
    steps = list(items)
    with (widget if in_notebook() else line)(len(steps)) as draw:
        drawn = time.monotonic()
        for done, step in enumerate(steps):
            if time.monotonic() - drawn >= PAUSE:
                draw(done)
                drawn = time.monotonic()
            yield step


@contextmanager
def widget(count: int) -> Iterator[Draw]:
    """A bar under the cell that runs. Its text, for who sees no widget, stays the same, so that it can be compared."""
    from IPython.display import display
    from ipywidgets import HTML, HBox, IntProgress

    bar, words = IntProgress(max=count), HTML()
    box = HBox([bar, words])

    def draw(done: int) -> None:
        bar.value, words.value = done, how_far(done, count).html(chosen(), tag="div")

    draw(0)
    display({**box._repr_mimebundle_(), "text/plain": say("bar_steps", count=count).in_(chosen())}, raw=True)
    try:
        yield draw
    finally:
        for each in (box, bar, words):
            each.close()


@contextmanager
def line(count: int) -> Iterator[Draw]:
    """A line that is written over and over."""

    def draw(done: int) -> None:
        print("\r⏳", how_far(done, count).in_(chosen()), end="", flush=True)

    draw(0)
    try:
        yield draw
    finally:
        print()


def how_far(done: int, count: int) -> Sentence:
    return say("bar_step", done=done, count=count)
