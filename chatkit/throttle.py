"""How fast an address may try tokens: one word that a class shares is no secret at a thousand tries a second."""

import time
from collections.abc import Callable
from ipaddress import ip_address

from chatkit.errors import Throttled

AT_ONCE = 100.0  # wrong tokens from one address until the next ones have to wait: one a second
ADDRESSES = 1_000  # that are remembered; the one that has not tried for longest goes first


class Throttle:
    """Wrong tokens, counted for each address.

    A right one costs nothing, so a class behind one address comes in all at once. But while an address has to wait, the
    right one is not told from a wrong one there: else nobody who tries them all would have to wait.
    This machine's own addresses never wait: a reverse proxy or a JupyterHub brings a whole class from there, and one
    bored student's script must not shut the door for all of it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.paid: dict[str, float] = {}  # until when an address has paid for its wrong tokens, a second for each

    def check(self, address: str, is_right: bool, is_final: bool = True) -> bool:
        """Whether the token was right; Throttled where this address has tried too often to be told.

        is_final: not so where another token may follow; then nothing is counted, and who has to wait hears no.
        """
        if is_own(address):
            return is_right
        now = self.clock()
        paid = max(self.paid.get(address, 0.0), now)
        wait = paid - now - AT_ONCE
        if wait > 0 and is_final:
            raise Throttled(wait)
        if is_final and not is_right:
            self.paid.pop(address, None)  # its place is behind all the others now
            self.paid[address] = paid + 1.0
            if len(self.paid) > ADDRESSES:
                del self.paid[next(iter(self.paid))]
        return is_right and wait <= 0


def is_own(address: str) -> bool:
    """Whether an address is this machine's (RFC 6890, 2.2.2); a socket without one is, too."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True
