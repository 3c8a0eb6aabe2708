"""The numbered log: a room is a list of messages, and a message exists once it has its number."""

import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import BinaryIO, NamedTuple, Protocol

from chatkit.events import HISTORY, Event, LogUnavailable, Who

__all__ = ["Kept", "Log", "SqliteLog"]

# One page of a replay, bytes. As JSON it may grow sixfold (`\\u0001`), and must still be far under MAX_UNREAD.
PAGE = 24 * 1024
OVERHEAD = 200  # what a message costs beside its text, bytes


class Kept(NamedTuple):
    """An event as it stands in the log. Not new: its id was there before, and `event` is what was kept then."""

    event: Event
    is_new: bool


class Log(Protocol):
    """What the hub needs of a log. `epoch` names the log itself: numbers of two epochs never belong together."""

    epoch: str

    def append(self, batch: Sequence[Event]) -> list[Kept]: ...
    def read(self, room: str, after: int) -> list[Event]: ...
    def bounds(self, room: str) -> tuple[int, int]: ...
    def close(self) -> None: ...


SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    room TEXT, seq INTEGER, id TEXT, type TEXT, who TEXT, name TEXT, ts REAL, text TEXT,
    PRIMARY KEY (room, seq), UNIQUE (room, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (epoch TEXT);
"""

INSERT = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (room, id) DO NOTHING"
SELECT = "SELECT type, who, name, room, seq, id, ts, text FROM messages WHERE room = ? AND "


class SqliteLog:
    """The log in SQLite: ":memory:", or a file that survives `kill -9`.

    durable: survive a power cut, too (`synchronous=FULL`, about ten times the price of a commit).
    history: messages kept in each room, at least 1.
    Raises LogUnavailable where the file cannot be opened.
    """

    def __init__(self, path: str = ":memory:", *, durable: bool = False, history: int = HISTORY) -> None:
        self.history = max(1, history)  # with none left, the next number would be 1 again
        with unavailable(path):
            # No waiting for a lock: the whole chat would wait with us. The author is told to try again.
            self.db = sqlite3.connect(path, timeout=0, isolation_level=None)
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self.db.executescript(SCHEMA)
            self.tide = None if path == ":memory:" else open_tide_mark(path)
            self.total = sum(head for (head,) in self.db.execute("SELECT max(seq) FROM messages GROUP BY room"))
            self.epoch = self.find_epoch()

    def find_epoch(self) -> str:
        """The log's own epoch; a new one where the log is new, or older than its tide mark: it was restored."""
        found: list[tuple[str]] = self.db.execute("SELECT epoch FROM log").fetchall()
        if found and self.total >= read_tide_mark(self.tide):
            return found[0][0]
        epoch = secrets.token_hex(8)
        self.db.execute("DELETE FROM log")
        self.db.execute("INSERT INTO log VALUES (?)", (epoch,))
        write_tide_mark(self.tide, self.total)
        return epoch

    def append(self, batch: Sequence[Event]) -> list[Kept]:
        """Give each event its number, all in one transaction; LogUnavailable: none has one."""
        heads: dict[str, int] = {}
        with unavailable(), self.transaction():
            kept = [self.insert(event, heads) for event in batch]
            for room, head in heads.items():
                if head > self.history:
                    self.db.execute("DELETE FROM messages WHERE room = ? AND seq <= ?", (room, head - self.history))
        self.total += sum(is_new for _, is_new in kept)
        write_tide_mark(self.tide, self.total)
        return kept

    def transaction(self) -> sqlite3.Connection:
        """Begin one: `with` commits it at the end, or rolls it back."""
        self.db.execute("BEGIN IMMEDIATE")
        return self.db

    def insert(self, event: Event, heads: dict[str, int]) -> Kept:
        """The event with its number, or the one that already stands under its id; `heads`: where the rooms stand now.

        The number is found inside the transaction. AUTOINCREMENT would burn one for every refused duplicate.
        """
        room, who = event.room, event.who
        if room not in heads:
            heads[room] = self.head(room)
        seq = heads[room] + 1
        row = (room, seq, event.id, event.type, who.id, who.name, event.ts, event.text)
        if self.db.execute(INSERT, row).rowcount:
            heads[room] = seq
            return Kept(Event(event.type, who, room, seq, event.id, event.ts, event.text), True)
        kept = self.db.execute(SELECT + "id = ?", (room, event.id)).fetchone()
        return Kept(event_of_row(kept), False)

    def head(self, room: str) -> int:
        found: tuple[int | None] = self.db.execute("SELECT max(seq) FROM messages WHERE room = ?", (room,)).fetchone()
        return found[0] or 0

    def read(self, room: str, after: int) -> list[Event]:
        """The next page (about 24 KiB, at least one event) after a number; [] at the end."""
        page, size = [], 0
        with unavailable(), closing(self.db.execute(SELECT + "seq > ? ORDER BY seq", (room, after))) as rows:
            for row in rows:
                page.append(event_of_row(row))
                size += len(page[-1].text.encode()) + OVERHEAD
                if size >= PAGE:
                    break
        return page

    def bounds(self, room: str) -> tuple[int, int]:
        """(oldest, head): the first and the last number that the room holds; (1, 0) for an empty one."""
        with unavailable():
            oldest = self.db.execute("SELECT min(seq) FROM messages WHERE room = ?", (room,)).fetchone()[0]
            return oldest or 1, self.head(room)

    def close(self) -> None:
        """Close the file. What was acked is in it already."""
        self.db.close()
        if self.tide:
            self.tide.close()


@contextmanager
def unavailable(path: str = "") -> Iterator[None]:
    """Whatever SQLite or the disk has to say, the kit says LogUnavailable."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LogUnavailable(path, str(error)) from error


def event_of_row(row: tuple[str, str, str, str, int, str, float, str]) -> Event:
    type, who, name, room, seq, id, ts, text = row
    return Event(type, Who(who, name), room, seq, id, ts, text)


# The tide mark: a file beside the log that holds how many messages the log has ever taken. A log that knows of fewer
# was restored from a copy: its next numbers would be given a second time, so it needs a new epoch.


def open_tide_mark(path: str) -> BinaryIO:
    return os.fdopen(os.open(f"{path}-tide", os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)


def read_tide_mark(tide: BinaryIO | None) -> int:
    digits = tide.read() if tide else b""
    return int(digits) if digits.isdigit() else 0


def write_tide_mark(tide: BinaryIO | None, total: int) -> None:
    if tide:
        with suppress(OSError):  # a mark that is too low does no harm
            tide.seek(0)
            tide.write(b"%020d" % total)
