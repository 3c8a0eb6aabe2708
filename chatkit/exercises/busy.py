"""Was the machine busy while a lesson measured? Then its numbers say more about the other programs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from chatkit.texts import chosen, say


@contextmanager
def note_if_busy(least: float) -> Iterator[None]:
    """Says so under the cell where its code got less than its share of a processor.

    least: processor seconds that the code needs in a second, from 0 to 1; below 1 where it waits now and then.
    """
    wall, own = time.perf_counter(), time.process_time()
    yield
    share = (time.process_time() - own) / (time.perf_counter() - wall)
    if share < least:
        print(say("busy_machine", share=round(100 * share), least=round(100 * least)).in_(chosen()))
