import gc
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from chatkit.dialects import JSON
from chatkit.errors import LogUnavailable
from chatkit.events import SERVER, Event, Who
from chatkit.limits import LIMITS
from chatkit.log import VERSION, SqliteLog
from chatkit.logfile import unavailable

MALI, NOI = Who("p1", "Mali"), Who("p2", "น้อย")


@contextmanager
def opened(path: Path | str = ":memory:", **options: Any) -> Iterator[SqliteLog]:
    log = SqliteLog(str(path), **options)
    try:
        yield log
    finally:
        log.close()


@pytest.fixture
def log() -> Iterator[SqliteLog]:
    with opened() as log:
        yield log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


def msg(id: str, text: str = "hi", room: str = "lobby", who: Who = MALI) -> Event:
    return Event("msg", who, room, id=id, ts=1763800000.25, text=text)


def msgs(count: int, start: int = 1, room: str = "lobby") -> list[Event]:
    return [msg(f"m{number}", f"text {number}", room) for number in range(start, start + count)]


def numbers(log: SqliteLog, room: str = "lobby", after: int = 0) -> list[int]:
    """All numbers in a room, read page by page."""
    found: list[int] = []
    while page := log.read(room, found[-1] if found else after).events:
        found += [event.seq for event in page]
    return found


# --- numbers -------------------------------------------------------------------------------------------------------


def test_numbers_begin_at_one_and_have_no_gaps(log: SqliteLog) -> None:
    first, second = log.append(msgs(3)), log.append(msgs(2, start=4))
    assert [event.seq for event, _ in [*first, *second]] == [1, 2, 3, 4, 5]
    assert all(is_new for _, is_new in [*first, *second])
    assert numbers(log) == [1, 2, 3, 4, 5]


def test_each_room_counts_for_itself(log: SqliteLog) -> None:
    kept = log.append([msg("a"), msg("a", room="physics"), msg("b"), msg("b", room="physics")])
    assert [(event.room, event.seq) for event, _ in kept] == [
        ("lobby", 1),
        ("physics", 1),
        ("lobby", 2),
        ("physics", 2),
    ]


def test_an_event_comes_back_as_it_went_in(log: SqliteLog) -> None:
    text = "ที่ น้ำ ผู้ ปี๊บ กร์ 😀 e\u0301 \u202e'; DROP TABLE messages; --"
    kept = log.append([msg("a", text, who=NOI)])[0].event
    notice = log.append([Event("notice", SERVER, id="n", ts=2.5, text="🟢")])[0].event
    assert kept == Event("msg", NOI, seq=1, id="a", ts=1763800000.25, text=text)
    assert log.read("lobby", 0).events == [kept, notice]


def test_a_duplicate_gets_its_first_number_and_its_first_text(log: SqliteLog) -> None:
    first = log.append([msg("a", "first")])[0].event
    again, fresh = log.append([msg("a", "second", who=NOI), msg("b")])
    assert again == (first, False)
    assert (fresh.event.seq, fresh.is_new) == (2, True)
    assert [event.text for event in log.read("lobby", 0).events] == ["first", "hi"]


def test_a_duplicate_within_one_batch(log: SqliteLog) -> None:
    kept = log.append([msg("a"), msg("a"), msg("b"), msg("a")])
    assert [(event.seq, is_new) for event, is_new in kept] == [(1, True), (1, False), (2, True), (1, False)]


def test_the_same_id_in_two_rooms_is_two_messages(log: SqliteLog) -> None:
    assert [is_new for _, is_new in log.append([msg("a"), msg("a", room="physics")])] == [True, True]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6), max_size=12))
def test_duplicates_burn_no_numbers(batches: list[list[str]]) -> None:
    """The model is a list without repeats: an id's number is its place in it."""
    model: list[str] = []
    with opened() as log:
        for batch in batches:
            for id, (event, is_new) in zip(batch, log.append([msg(id) for id in batch]), strict=True):
                assert is_new == (id not in model)
                model += [id] if is_new else []
                assert event.seq == model.index(id) + 1
        assert [event.id for event in log.read("lobby", 0).events] == model
        assert log.bounds("lobby") == (1, len(model))


def test_an_empty_batch_changes_nothing(log: SqliteLog) -> None:
    assert log.append([]) == []
    assert log.bounds("lobby") == (1, 0)


# --- bounds, trimming, pages ---------------------------------------------------------------------------------------


def test_bounds_of_a_room_that_nobody_spoke_in(log: SqliteLog) -> None:
    assert log.bounds("empty") == (1, 0)
    assert log.read("empty", 0).events == []


def test_only_the_newest_are_kept() -> None:
    with opened(history=3) as log:
        log.append([*msgs(5), msg("x", room="physics")])
        assert numbers(log) == [3, 4, 5]
        assert log.bounds("lobby") == (3, 5)
        assert log.bounds("physics") == (1, 1)
        assert log.append([msg("m9")])[0].event.seq == 6
        assert log.bounds("lobby") == (4, 6)


@pytest.mark.parametrize("history", [0, 1])
def test_however_little_is_kept_no_number_is_given_twice(history: int) -> None:
    with opened(history=history) as log:
        assert [log.append([event])[0].event.seq for event in msgs(4)] == [1, 2, 3, 4]


def test_reading_goes_on_after_a_number(log: SqliteLog) -> None:
    log.append(msgs(10))
    assert numbers(log, after=7) == [8, 9, 10]
    assert numbers(log, after=10) == numbers(log, after=11) == []


def test_a_long_history_comes_in_pages(log: SqliteLog) -> None:
    log.append([msg(f"m{number}", "ก" * LIMITS.text) for number in range(60)])
    first = log.read("lobby", 0).events
    assert 1 <= len(first) < 60
    assert numbers(log) == list(range(1, 61))


@pytest.mark.parametrize("text", ["hi", "", "ก" * LIMITS.text, "\x01" * LIMITS.text])
def test_a_page_is_less_than_a_client_may_leave_unread(log: SqliteLog, text: str) -> None:
    """The reaper aborts who has more than LIMITS.unread_bytes waiting: a replay must not do that to its own reader."""
    log.append([msg(f"{number:032}", text) for number in range(1_000 if len(text) > 2 else 3_000)])
    for after in (0, 500):
        page = b"".join(JSON.encode(event) for event in log.read("lobby", after).events)
        assert 0 < len(page) < LIMITS.unread_bytes


def test_one_text_that_fills_a_page_still_comes(log: SqliteLog) -> None:
    log.append([msg("a", "😀" * 100_000), msg("b")])
    assert numbers(log) == [1, 2]


# --- the file, and its epoch ---------------------------------------------------------------------------------------


def test_a_file_keeps_messages_and_epoch(path: Path) -> None:
    with opened(path) as log:
        epoch = log.epoch
        kept = [event for event, _ in log.append(msgs(3))]
    with opened(path) as log:
        assert log.epoch == epoch
        assert log.read("lobby", 0).events == kept
        assert log.append([msg("m1")])[0] == (kept[0], False)
        assert log.append([msg("new")])[0].event.seq == 4


def test_every_log_in_memory_has_an_epoch_of_its_own() -> None:
    with opened() as one, opened() as two:
        assert one.epoch and two.epoch and one.epoch != two.epoch


def test_a_deleted_file_is_a_new_log(path: Path) -> None:
    with opened(path) as log:
        epoch = log.epoch
        log.append(msgs(2))
    path.unlink()
    with opened(path) as log:
        assert log.epoch != epoch
        assert log.bounds("lobby") == (1, 0)


def test_a_restored_copy_is_a_new_log_with_the_old_messages(path: Path) -> None:
    backup = path.with_name("backup")
    with opened(path) as log:
        log.append(msgs(2))
        old = log.epoch
    copyfile(path, backup)
    with opened(path) as log:
        assert log.epoch == old
        log.append(msgs(2, start=3))
    copyfile(backup, path)
    with opened(path) as log:
        restored = log.epoch
        assert restored != old
        assert numbers(log) == [1, 2]
        log.append(msgs(1, start=9))
    with opened(path) as log:
        assert log.epoch == restored  # and that one stays


def test_a_log_that_was_not_closed_is_all_there(path: Path) -> None:
    """As after `kill -9`: nobody closes anything."""
    program = """
import os, sys
from chatkit.events import Event, Who
from chatkit.log import VERSION, SqliteLog
from chatkit.logfile import unavailable

log = SqliteLog(sys.argv[1])
log.append([Event("msg", Who("p1", "Mali"), id=f"m{n}", text=f"text {n}") for n in range(1, 4)])
print(log.epoch, flush=True)
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    with opened(path) as log:
        assert numbers(log) == [1, 2, 3]
        assert log.epoch == killed.stdout.strip()


def test_a_copy_restored_without_its_mark_is_a_new_log(path: Path) -> None:
    """N14: it may have grown past what a reader knows, so the mark alone can tell."""
    backup = path.with_name("backup")
    with opened(path) as log:
        log.append(msgs(2))
        old = log.epoch
    copyfile(path, backup)
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    copyfile(backup, path)
    with opened(path) as log:
        assert log.epoch != old
        assert numbers(log) == [1, 2]
        restored = log.epoch
    with opened(path) as log:
        assert log.epoch == restored


@pytest.mark.parametrize("mark", [b"", b"\xff\xfe", b"12 or so", b"-1"])
def test_a_damaged_mark_is_no_mark(path: Path, mark: bytes) -> None:
    with opened(path) as log:
        log.append(msgs(2))
        old = log.epoch
    mark_of(path).write_bytes(mark)
    with opened(path) as log:
        assert log.epoch != old
        repaired = log.epoch
    with opened(path) as log:
        assert log.epoch == repaired


def mark_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-tide")


def test_duplicates_do_not_raise_the_mark(path: Path) -> None:
    """Else a restart would find fewer messages than the mark says, and begin a new epoch."""
    with opened(path) as log:
        old = log.epoch
        for _ in range(3):
            log.append([*msgs(2), msg("m1")])
        assert int(mark_of(path).read_bytes()) == 2
    with opened(path) as log:
        assert log.epoch == old


def test_a_new_epoch_writes_its_own_mark(path: Path) -> None:
    """Else the old, higher one would stay, and every further restart would begin one more epoch."""
    with opened(path) as log:
        log.append(msgs(5))
    path.unlink()
    with opened(path) as log:
        epoch = log.epoch
        assert int(mark_of(path).read_bytes()) == 0
    with opened(path) as log:
        assert log.epoch == epoch


def test_a_mark_that_cannot_be_written_does_no_harm(path: Path) -> None:
    """As on a full disk: the messages are what counts."""
    with opened(path) as log:
        assert log.tide
        log.append(msgs(1))
        log.tide.file.close()
        with open("/dev/full" if Path("/dev/full").exists() else os.devnull, "r+b", buffering=0) as full:
            log.tide.file = full
            assert [event.seq for event, _ in log.append(msgs(2, start=2))] == [2, 3]


@pytest.mark.parametrize("newcomer", ["here", "in another process"])
def test_a_second_server_on_the_same_file_is_refused(path: Path, newcomer: str) -> None:
    """R28: two who give numbers would tell each half of the class another story."""
    program = "import sys; from chatkit.log import SqliteLog; SqliteLog(sys.argv[1])"
    with opened(path) as log:
        log.append(msgs(1))
        if newcomer == "here":
            with pytest.raises(LogUnavailable) as refused:
                SqliteLog(str(path))
            said = str(refused.value)
        else:
            other = subprocess.run(
                [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
            )
            assert other.returncode == 1
            said = other.stderr
        assert str(path) in said and "another server" in said
        assert [event.seq for event, _ in log.append(msgs(1, start=2))] == [2]
    with opened(path) as log:  # the file is free again
        assert numbers(log) == [1, 2]


def test_a_log_without_a_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """N14: `--db "$LOG"` where LOG is not set; SQLite would keep it in a temporary file and forget it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LogUnavailable) as refused:
        SqliteLog("")
    assert "empty" in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_log_of_a_newer_kit_is_refused_and_left_alone(path: Path) -> None:
    with opened(path) as log:
        log.append(msgs(2))
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE messages ADD COLUMN mood TEXT")
        db.execute("PRAGMA user_version = 99")
        db.commit()
    with pytest.raises(LogUnavailable) as refused:
        SqliteLog(str(path))
    assert "newer" in str(refused.value) and str(path) in str(refused.value)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)
        assert db.execute("SELECT count(*) FROM messages").fetchone() == (2,)


def test_a_column_more_is_a_newer_kits_too(path: Path) -> None:
    """Whoever added it did not say so in `user_version`: every message would be refused, "try again", for ever."""
    with opened(path) as log:
        log.append(msgs(2))
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE messages ADD COLUMN mood TEXT")
        db.commit()
    with pytest.raises(LogUnavailable) as refused:
        SqliteLog(str(path))
    assert "newer" in str(refused.value)


FIRST_SCHEMA = """
CREATE TABLE messages (
    room TEXT, seq INTEGER, id TEXT, type TEXT, who TEXT, name TEXT, ts REAL, text TEXT,
    PRIMARY KEY (room, seq), UNIQUE (room, id)
) WITHOUT ROWID;
CREATE TABLE log (epoch TEXT);
INSERT INTO log VALUES ('the first epoch');
INSERT INTO messages VALUES ('lobby', 1, 'a', 'msg', 'p1', 'Mali', 1763800000.25, 'สวัสดี');
"""


def test_a_log_of_the_first_kit_goes_on(path: Path) -> None:
    """It had no `user_version`; its messages, its numbers and its epoch stay."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(FIRST_SCHEMA)
    mark_of(path).write_bytes(b"%020d" % 1)
    with opened(path) as log:
        assert log.epoch == "the first epoch"
        assert log.read("lobby", 0).events == [
            Event("msg", MALI, "lobby", 1, "a", 1763800000.25, "สวัสดี"),
        ]
        assert [event.seq for event, _ in log.append(msgs(1))] == [2]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)


@pytest.mark.parametrize(("durable", "level"), [(False, 1), (True, 2)])
def test_durable_waits_for_the_disk(path: Path, durable: bool, level: int) -> None:
    with opened(path, durable=durable) as log:
        assert log.db.execute("PRAGMA synchronous").fetchone() == (level,)
        assert log.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# --- when it cannot ------------------------------------------------------------------------------------------------


def test_a_locked_file_takes_nothing_and_recovers(path: Path) -> None:
    with opened(path) as log, closing(sqlite3.connect(path, isolation_level=None)) as other:
        log.append(msgs(1))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogUnavailable):
            log.append(msgs(2, start=2))
        assert numbers(log) == [1]  # reading goes on
        other.execute("ROLLBACK")
        assert [event.seq for event, _ in log.append(msgs(2, start=2))] == [2, 3]


def test_a_log_that_is_read_only_takes_nothing_and_recovers(path: Path) -> None:
    with opened(path) as log:
        log.append(msgs(1))
        log.db.execute("PRAGMA query_only = ON")
        with pytest.raises(LogUnavailable):
            log.append(msgs(2, start=2))
        log.db.execute("PRAGMA query_only = OFF")
        assert [event.seq for event, _ in log.append(msgs(2, start=2))] == [2, 3]


def test_a_full_disk_takes_none_of_a_batch_and_recovers(path: Path) -> None:
    with opened(path) as log:
        log.append(msgs(1))
        pages = log.db.execute("PRAGMA page_count").fetchone()[0]
        log.db.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(LogUnavailable):
            log.append([msg(f"big{number}", "x" * LIMITS.text) for number in range(50)])
        assert numbers(log) == [1]
        log.db.execute("PRAGMA max_page_count = 1000000")
        assert log.append([msg("big0")])[0].event.seq == 2


def delete(path: Path) -> None:
    path.unlink()


def delete_all(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


def replace(path: Path) -> None:
    other = path.with_name("other")
    copyfile(path, other)
    os.replace(other, path)


def delete_wal(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody delete an open file")
@pytest.mark.parametrize("harm", [delete, delete_all, truncate, cut_off, replace, delete_wal])
def test_what_is_not_in_a_file_that_is_there_has_no_number(path: Path, harm: Callable[[Path], None]) -> None:
    """N9: a stray `rm`, a folder that cleans up or syncs. SQLite itself would notice nothing until the end."""
    log = SqliteLog(str(path))
    try:
        log.append(msgs(1))
        harm(path)
        for n in range(2):
            with pytest.raises(LogUnavailable) as refused:
                log.append([msg(f"late {n}")])
            assert str(path) in str(refused.value)
    finally:
        log.close()


def test_a_log_may_be_read_and_copied_while_it_runs(path: Path) -> None:
    """Who looks into the file, or backs it up, does no harm."""
    with opened(path) as log:
        for start in range(1, 100, 10):
            log.append(msgs(10, start=start))
            with closing(sqlite3.connect(path)) as other, closing(sqlite3.connect(path.with_name("copy"))) as copy:
                assert other.execute("SELECT count(*) FROM messages").fetchone() == (start + 9,)
                other.backup(copy)
                other.execute("PRAGMA wal_checkpoint")


@pytest.mark.parametrize("error", [OSError("no space left"), sqlite3.OperationalError("disk I/O error")])
def test_whatever_the_disk_says_is_log_unavailable(error: Exception) -> None:
    with pytest.raises(LogUnavailable) as refused, unavailable("chat.db"):
        raise error
    assert str(error) in str(refused.value)


def test_a_log_that_could_not_be_opened_leaves_nothing_open(path: Path) -> None:
    """Python 3.13 warns of a database that nobody closed, and a warning is an error here. Its lock is free, too."""
    path.write_text("homework, do not lose\n" * 100)
    with pytest.raises(LogUnavailable):
        SqliteLog(str(path))
    gc.collect()
    path.unlink()
    with opened(path) as log:
        assert log.append(msgs(1))


def test_a_batch_is_kept_whole_or_not_at_all(log: SqliteLog) -> None:
    bad = msg("b", text=object())  # type: ignore[arg-type]
    with pytest.raises(LogUnavailable):
        log.append([msg("a"), bad])
    assert numbers(log) == []
    assert log.append([msg("c")])[0].event.seq == 1


@pytest.mark.parametrize("name", ["", "no/such/folder/chat.db"])
def test_a_path_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(LogUnavailable) as refused:
        SqliteLog(str(tmp_path / name))
    assert str(tmp_path) in str(refused.value)


def test_a_file_that_is_no_log_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("homework, do not lose\n" * 100)
    with pytest.raises(LogUnavailable):
        SqliteLog(str(path))
    assert path.read_text().startswith("homework")
