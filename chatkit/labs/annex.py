"""The labs of a server, opened by the first handshake on `/lab/<n>`: whoever has no use for them pays nothing."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatkit.labs.run import Labs


class Annex:
    """db: the log's file, where progress and receipts are kept, too."""

    def __init__(self, db: str) -> None:
        self.db = db
        self.opened: Labs | None = None

    @property
    def labs(self) -> "Labs":
        """LogUnavailable where the log's file cannot be opened a second time."""
        if self.opened is None:
            run, store = import_module("chatkit.labs.run"), import_module("chatkit.labs.store")
            self.opened = run.Labs(store.Store(self.db))
        return self.opened

    def close(self) -> None:
        if self.opened:
            self.opened.close()
