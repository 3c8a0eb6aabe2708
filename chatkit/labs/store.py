"""What is kept of the labs: who has done which step, and the receipts, in tables of their own in the log's file."""

import json
import secrets
import sqlite3
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from chatkit.labs.receipts import Receipt, make_code
from chatkit.labs.seen import Opened
from chatkit.logfile import unavailable

__all__ = ["Progress", "Store", "Tick"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS lab_progress (
    name TEXT, lab INTEGER, done INTEGER, tries INTEGER, facts TEXT, at REAL, PRIMARY KEY (name, lab)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lab_receipts (code TEXT PRIMARY KEY, lab INTEGER, name TEXT, minute INTEGER);
CREATE TABLE IF NOT EXISTS lab_secret (secret BLOB);
"""


@dataclass
class Progress:
    """How far one student is in one lab.

    done:  steps done. tries: things that were wrong since. facts: what later steps need, as JSON keeps it.
    here:  the student's open connections, as `Opened`, by number; not kept.
    """

    name: str
    lab: int
    done: int = 0
    tries: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    here: dict[int, Opened] = field(default_factory=dict)


class Tick(NamedTuple):
    """One field of the class's grid: who, which lab, steps done, things that were wrong since, seconds since 1970."""

    name: str
    lab: int
    done: int
    tries: int
    at: float


class Store:
    """Progress and receipts in SQLite: ":memory:", or the file of the log, which survives `kill -9`.

    Raises LogUnavailable, here and later, where the file cannot be read or written.
    """

    def __init__(self, path: str = ":memory:") -> None:
        with unavailable(path), ExitStack() as opened:
            # On the server's own thread: between two turns, so that the log never meets our lock.
            self.db = opened.enter_context(closing(sqlite3.connect(path, timeout=0, isolation_level=None)))
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("PRAGMA synchronous = NORMAL")
            self.db.executescript(SCHEMA)
            self.secret = self.find_secret() or self.new_secret()
            opened.pop_all()

    @classmethod
    def to_read(cls, path: str) -> Self:
        """A file that is there already, also while its server runs; nothing in it is changed."""
        store = cls.__new__(cls)
        with unavailable(path), ExitStack() as opened:
            address = f"{Path(path).absolute().as_uri()}?mode=ro"
            store.db = opened.enter_context(closing(sqlite3.connect(address, uri=True, isolation_level=None)))
            store.secret = store.find_secret() or b""
            opened.pop_all()
        return store

    def find_secret(self) -> bytes | None:
        """The secret of the receipts; None where no lab was ever used with this file."""
        found = self.db.execute("SELECT secret FROM lab_secret").fetchone()
        return bytes(found[0]) if found else None

    def new_secret(self) -> bytes:
        secret = secrets.token_bytes(32)
        self.db.execute("INSERT INTO lab_secret VALUES (?)", (secret,))
        return secret

    def progress(self, name: str, lab: int) -> Progress:
        """How far a student is in a lab; at its beginning where nothing is kept."""
        query = "SELECT done, tries, facts FROM lab_progress WHERE name = ? AND lab = ?"
        with unavailable():
            row = self.db.execute(query, (name, lab)).fetchone()
        return Progress(name, lab, row[0], row[1], json.loads(row[2])) if row else Progress(name, lab)

    def keep(self, at: Progress) -> None:
        """Keep what a student has done."""
        row = (at.name, at.lab, at.done, at.tries, json.dumps(at.facts), time.time())
        with unavailable():
            self.db.execute("INSERT OR REPLACE INTO lab_progress VALUES (?, ?, ?, ?, ?, ?)", row)

    def give_receipt(self, name: str, lab: int, minute: int) -> str:
        """A receipt for a lab that was done in this minute (of Unix time); it is kept, to be checked later."""
        code = make_code(self.secret, lab, name, minute)
        with unavailable():
            self.db.execute("INSERT OR IGNORE INTO lab_receipts VALUES (?, ?, ?, ?)", (code, lab, name, minute))
        return code

    def receipts(self) -> list[Receipt]:
        """All receipts that were given, the oldest first."""
        with unavailable():
            rows = self.db.execute("SELECT code, lab, name, minute FROM lab_receipts ORDER BY minute, rowid")
            return [Receipt(*row) for row in rows]

    def ticks(self) -> list[Tick]:
        """Everybody's progress, by name and lab."""
        with unavailable():
            rows = self.db.execute("SELECT name, lab, done, tries, at FROM lab_progress ORDER BY name, lab")
            return [Tick(*row) for row in rows]

    def close(self) -> None:
        self.db.close()
