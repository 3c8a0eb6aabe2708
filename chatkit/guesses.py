"""Who guesses tokens? A token is one word that a class shares: at a thousand guesses a second it is no secret."""

import time
from collections.abc import Callable

from chatkit.errors import GuessedOften

AT_ONCE = 100.0  # wrong tokens from one address until the rest of them has to wait: one a second
ADDRESSES = 1_000  # that are remembered; the one that has not guessed for longest goes first


class Guesses:
    """Wrong tokens, counted for each address.

    A right one costs nothing, so a class behind one address comes in all at once. But while an address has to wait, the
    right one is not told from a wrong one there: else nobody who guesses would have to wait.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.paid: dict[str, float] = {}  # until when an address has paid for its guesses, a second for each

    def check(self, address: str, is_right: bool, is_final: bool = True) -> bool:
        """Whether the token was right; GuessedOften where this address has guessed too often to be told.

        is_final: not so where another token may follow; then nothing is counted, and who has to wait hears no.
        """
        now = self.clock()
        paid = max(self.paid.get(address, 0.0), now)
        wait = paid - now - AT_ONCE
        if wait > 0 and is_final:
            raise GuessedOften(wait)
        if is_final and not is_right:
            self.paid.pop(address, None)  # its place is behind all the others now
            self.paid[address] = paid + 1.0
            if len(self.paid) > ADDRESSES:
                del self.paid[next(iter(self.paid))]
        return is_right and wait <= 0
