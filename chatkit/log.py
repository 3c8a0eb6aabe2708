"""The numbered log: a room is a list of messages, and a message exists once it has its number."""

import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from typing import Any, NamedTuple

from chatkit.errors import LogUnavailable
from chatkit.events import Event, Who
from chatkit.limits import LIMITS
from chatkit.logfile import Files, TideMark, unavailable

# One page of a replay. As JSON it may grow sixfold (`\\u0001`), and must still be far under `Limits.unread_bytes`.
PAGE_SIZE = 24 * 1024  # bytes
PAGE_LENGTH = 64  # messages
OVERHEAD = 200  # what a message costs beside its text, bytes


class Kept(NamedTuple):
    """An event as it stands in the log. Not new: its id was there before, and `event` is what was kept then."""

    event: Event
    is_new: bool


class Page(NamedTuple):
    """A piece of the log, in order. is_full: nothing will ever be added to it."""

    events: list[Event]
    is_full: bool


VERSION = 1  # of the tables, in `PRAGMA user_version`; an older kit wrote none
# A later one, or a column that this one does not know.
NEWER = "SELECT user_version > ? OR (SELECT count() > 8 FROM pragma_table_info('messages')) FROM pragma_user_version"

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
    epoch:   names the log itself: numbers of two epochs never belong together.
    Raises LogUnavailable where the file cannot be opened, is a newer kit's, or is another server's.
    """

    def __init__(self, path: str = ":memory:", *, durable: bool = False, history: int = LIMITS.history) -> None:
        if not path:
            raise LogUnavailable(path, key="error_log_no_name")
        self.history = max(1, history)  # with none left, the next number would be 1 again
        with unavailable(path), ExitStack() as opened:
            self.tide = None if path == ":memory:" else opened.enter_context(closing(TideMark(path)))
            # No waiting for a lock: the whole chat would wait with us. The author is told to try again.
            self.db = opened.enter_context(closing(sqlite3.connect(path, timeout=0, isolation_level=None)))
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self.bring_up_to_date(path)
            self.heads: dict[str, int] = dict(self.db.execute("SELECT room, max(seq) FROM messages GROUP BY room"))
            self.total = sum(self.heads.values())
            self.epoch = self.find_epoch()
            self.files = Files(path) if self.tide else None
            self.opened = opened.pop_all()

    def bring_up_to_date(self, path: str) -> None:
        """The tables of this version, also where an older kit made the file."""
        if self.db.execute(NEWER, [VERSION]).fetchone()[0]:
            raise LogUnavailable(path, key="error_log_newer")
        self.db.executescript(SCHEMA)
        self.db.execute(f"PRAGMA user_version = {VERSION}")

    def find_epoch(self) -> str:
        """The log's own epoch; a new one where the log is new, or knows less than its tide mark: it was restored."""
        found: list[tuple[str]] = self.db.execute("SELECT epoch FROM log").fetchall()
        if found and (self.tide is None or self.tide.is_reached(self.total)):
            return found[0][0]
        epoch = secrets.token_hex(8)
        self.db.execute("DELETE FROM log")
        self.db.execute("INSERT INTO log VALUES (?)", (epoch,))
        self.mark()
        return epoch

    def append(self, batch: Sequence[Event]) -> list[Kept]:
        """Give each event its number, all in one transaction; LogUnavailable: none has one."""
        heads: dict[str, int] = {}
        self.check()
        with unavailable(), self.transaction(batch):
            kept = [self.insert(event, heads) for event in batch]
            for room, head in heads.items():
                if head > self.history:
                    self.db.execute("DELETE FROM messages WHERE room = ? AND seq <= ?", (room, head - self.history))
        self.heads |= heads
        self.total += sum(is_new for _, is_new in kept)
        self.mark()
        return kept

    def check(self) -> None:
        """LogUnavailable where the file is not what was opened: what is written to a deleted one is lost."""
        if self.files:
            self.files.check()

    def mark(self) -> None:
        if self.tide:
            self.tide.write(self.total)

    def transaction(self, batch: Sequence[Event]) -> AbstractContextManager[Any]:
        """All or nothing: `with` commits at the end, or rolls back. One insert is that already, at half the price."""
        if len(batch) == 1 and self.heads.get(batch[0].room, 0) < self.history:
            return nullcontext()
        self.db.execute("BEGIN IMMEDIATE")
        return self.db

    def insert(self, event: Event, heads: dict[str, int]) -> Kept:
        """The event with its number, or the one that already stands under its id; `heads`: where the rooms stand now.

        AUTOINCREMENT would burn a number for every refused duplicate.
        """
        room, who = event.room, event.who
        seq = heads.setdefault(room, self.heads.get(room, 0)) + 1
        row = (room, seq, event.id, event.type, who.id, who.name, event.ts, event.text)
        if self.db.execute(INSERT, row).rowcount:
            heads[room] = seq
            return Kept(Event(event.type, who, room, seq, event.id, event.ts, event.text), True)
        kept = self.db.execute(SELECT + "id = ?", (room, event.id)).fetchone()
        return Kept(event_of_row(kept), False)

    def read(self, room: str, after: int) -> Page:
        """The next page after a number: the events up to the next round number, or about 24 KiB of them.

        Round numbers, so that readers who began at different places soon want the same pages.
        """
        size, events = 0, []
        query = SELECT + "seq > ? ORDER BY seq LIMIT ?"
        with unavailable(), closing(self.db.execute(query, (room, after, PAGE_LENGTH))) as rows:
            for event in map(event_of_row, rows):
                events.append(event)
                size += len(event.text.encode()) + OVERHEAD
                if size >= PAGE_SIZE or event.seq % PAGE_LENGTH == 0:
                    return Page(events, True)
        return Page(events, False)

    def bounds(self, room: str) -> tuple[int, int]:
        """(oldest, head): the first and the last number that the room holds; (1, 0) for an empty one."""
        with unavailable():
            oldest = self.db.execute("SELECT min(seq) FROM messages WHERE room = ?", (room,)).fetchone()[0]
            return oldest or 1, self.heads.get(room, 0)

    def close(self) -> None:
        """Close the file. What was acked is in it already."""
        self.opened.close()


def event_of_row(row: tuple[str, str, str, str, int, str, float, str]) -> Event:
    type, who, name, room, seq, id, ts, text = row
    return Event(type, Who(who, name), room, seq, id, ts, text)
