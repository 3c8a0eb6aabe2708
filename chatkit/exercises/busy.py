"""Was the machine busy while a lesson measured? Then its numbers say more about the other programs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from chatkit.exercises.result import Shown
from chatkit.texts import say


@contextmanager
def note_if_busy(least: float) -> Iterator[None]:
    """Says so under the cell where its code got less than its share of a processor.

    least: processor seconds that the code needs in a second, from 0 to 1; below 1 where it waits now and then.
    """
    wall, own = time.perf_counter(), time.process_time()
    yield
    share = (time.process_time() - own) / (time.perf_counter() - wall)
    if share < least:
        from IPython.display import display

        said = say("busy_machine", share=round(100 * share), least=round(100 * least))
        display(Shown((said,)))  # follows the reading switch; outside a notebook it is printed
