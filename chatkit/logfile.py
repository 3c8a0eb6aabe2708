"""The files of a log on a disk: the mark beside it, the lock for one server, and whether they are still there."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import zip_longest

from chatkit.errors import LogUnavailable

MARK_SIZE = 20  # digits


class TideMark:
    """A small file beside the log: how many messages the log has ever taken, and the lock of the server that uses it.

    A log that knows of fewer was restored from a copy, and so was one that has lost its mark: the next numbers would
    be given a second time, so it needs a new epoch.
    """

    def __init__(self, path: str) -> None:
        self.file = os.fdopen(os.open(f"{path}-tide", os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        try:
            lock(self.file.fileno())
        except OSError:
            self.file.close()
            raise LogUnavailable(path, key="error_log_in_use") from None

    def is_reached(self, total: int) -> bool:
        """Whether a log with this many messages is at its mark, or past it."""
        digits = self.file.read()
        return digits.isdigit() and total >= int(digits)

    def write(self, total: int) -> None:
        with suppress(OSError):  # a mark that is too low does no harm
            self.file.seek(0)
            self.file.write(b"%0*d" % (MARK_SIZE, total))

    def close(self) -> None:
        self.file.close()


def lock(file: int) -> None:
    """Take a file for this process alone, until it is closed or the process ends; OSError where another has it."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, MARK_SIZE, os.SEEK_SET)  # behind the mark
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Files:
    """The log's two files as they were when it was opened: what is written to a deleted file is lost at the end."""

    def __init__(self, path: str) -> None:
        self.paths = (path, f"{path}-wal")
        self.seen = [os.stat(each) for each in self.paths]

    def check(self) -> None:
        """LogUnavailable where one of them was deleted, replaced or cut off."""
        try:
            now = [os.stat(each) for each in self.paths]
        except OSError:
            now = []
        for was, found in zip_longest(self.seen, now):
            if found is None or not os.path.samestat(was, found) or found.st_size < was.st_size:
                raise LogUnavailable(self.paths[0], key="error_log_gone")
        self.seen = now


@contextmanager
def unavailable(path: str = "") -> Iterator[None]:
    """Whatever SQLite or the disk has to say, the kit says LogUnavailable."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LogUnavailable(path, str(error)) from error
