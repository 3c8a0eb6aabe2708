"""Receipts: true ones pass; forged, copied, edited and old ones do not; the gradebook holds no formula."""

import csv
import io
import re
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from chatkit.errors import LogUnavailable
from chatkit.labs import Store, labs
from chatkit.labs.receipts import ALPHABET, Receipt, as_csv, check, make_code, normal, read_lines
from chatkit.texts import say
from chatkit.tools.cli import main

NAMES = ("Mali", "น้ำใจ", "=HYPERLINK(1)", "Nok, Jr.")


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "class.db"


@pytest.fixture
def store(db: Path) -> Store:
    store = Store(str(db))
    for minute, name in enumerate(NAMES, 30_000_000):
        store.give_receipt(name, 3, minute)
    yield store
    store.close()


def problem(store: Store, line: str) -> str | None:
    (checked,) = check(read_lines(line), store.receipts(), store.secret)
    return checked.problem and checked.problem.en


def test_a_receipt_is_short_and_in_crockfords_letters() -> None:
    code = make_code(b"secret", 3, "Mali", 1)
    assert re.fullmatch(rf"CK-03-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", code)
    assert not set("ILOU") & set(ALPHABET)


@given(st.binary(min_size=1), st.integers(1, 15), st.text(), st.integers(0, 10**8))
def test_a_receipt_depends_on_secret_lab_name_and_minute(secret: bytes, lab: int, name: str, minute: int) -> None:
    name = name.encode(errors="ignore").decode()
    code = make_code(secret, lab, name, minute)
    assert normal(code) == code == make_code(secret, lab, name, minute)
    others = [(secret + b"x", lab, name, minute), (secret, lab, f"{name}x", minute), (secret, lab, name, minute + 1)]
    assert code not in [make_code(*other) for other in others]
    assert code[6:] != make_code(secret, lab + 1, name, minute)[6:]


@pytest.mark.parametrize("typed", ["ck-03-{0}-{1}", " CK-3-{0}-{1} ", "ck03{0}{1}", "CK-03-{0} {1}"])
def test_a_receipt_that_was_read_out_is_understood(store: Store, typed: str) -> None:
    first, second = store.receipts()[0].code.split("-")[2:]
    spoken = typed.format(first, second).lower().replace("0", "o").replace("1", "l") if "ck03" in typed else typed
    assert problem(store, spoken.format(first, second)) is None


def test_a_true_receipt_passes_alone_and_with_its_name(store: Store) -> None:
    for receipt in store.receipts():
        assert problem(store, receipt.code) is None
        line = io.StringIO()
        csv.writer(line).writerow([receipt.name, receipt.code])
        assert problem(store, line.getvalue()) is None


def test_a_forged_receipt_is_found(store: Store) -> None:
    assert problem(store, make_code(b"guessed", 3, "Mali", 30_000_000)) == say("receipt_unknown").en


def test_a_receipt_of_another_class_or_an_older_file_is_found(store: Store) -> None:
    with closing(Store()) as other:
        assert problem(store, other.give_receipt("Mali", 3, 30_000_000)) == say("receipt_unknown").en


def test_an_edited_receipt_is_found(store: Store) -> None:
    code = store.receipts()[0].code
    last = ALPHABET[(ALPHABET.index(code[-1]) + 1) % 32]
    for edited in (code.replace("CK-03", "CK-04"), code[:-1] + last):
        assert problem(store, f"Mali,{edited}") == say("receipt_edited").en


def test_a_copied_receipt_is_found(store: Store) -> None:
    code = store.receipts()[0].code
    assert problem(store, f"Nok,{code}") == say("receipt_copied", name="Mali").en
    *_, second = check(read_lines(f"{code}\n{code}\n"), store.receipts(), store.secret)
    assert second.problem == say("receipt_twice", line=1)
    assert all(
        each.problem is None for each in check(read_lines(f"Mali,{code}\nMali,{code}"), store.receipts(), store.secret)
    )


def test_an_old_receipt_is_found(store: Store) -> None:
    old = store.receipts()[0].code
    new = store.give_receipt("Mali", 3, 30_000_100)
    assert problem(store, old) == say("receipt_old", code=new).en
    assert problem(store, new) is None


def test_a_receipt_whose_entry_was_changed_in_the_file_is_found(store: Store) -> None:
    code = store.receipts()[0].code
    store.db.execute("UPDATE lab_receipts SET name = 'Nok' WHERE code = ?", (code,))
    assert problem(store, code) == say("receipt_file_changed").en


@pytest.mark.parametrize("line", ["hello", "CK-03-7F2K", "Mali,", "XCK-03-AAAA-AAAA", "CK-03-UUUU-UUUU"])
def test_what_is_no_receipt_is_said_to_be_none(store: Store, line: str) -> None:
    assert problem(store, line) in (say("receipt_no_receipt").en, say("receipt_unknown").en)


def test_the_head_of_a_table_and_empty_lines_are_passed_over() -> None:
    assert read_lines("\ufeffname,receipt\n\nMali,CK-01-0000-0000\n,\n") == [(3, "Mali", "CK-01-0000-0000")]


def test_the_gradebook_is_what_canvas_wants_and_holds_no_formula(store: Store) -> None:
    handed_in = [(line, receipt.name, receipt.code) for line, receipt in enumerate(store.receipts(), 1)]
    handed_in.append((9, "Somsak", "CK-03-0000-0000"))
    rows = list(csv.DictReader(io.StringIO(as_csv(check(handed_in, store.receipts(), store.secret), labs()))))
    assert list(rows[0])[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert {row["Student"]: (row["ChatKit lab 03"], row["ChatKit labs"]) for row in rows} == {
        "Mali": ("1", "1"), "น้ำใจ": ("1", "1"), "'=HYPERLINK(1)": ("1", "1"), "Nok, Jr.": ("1", "1"),
        "Somsak": ("0", "0"),
    }  # fmt: skip


@given(st.text(min_size=1))
def test_no_name_begins_a_formula(name: str) -> None:
    receipt = Receipt(make_code(b"s", 1, "x", 1), 1, "x", 1)
    table = as_csv(check([(1, name, receipt.code)], [receipt], b"s"), [1])
    for row in list(csv.reader(io.StringIO(table, newline="")))[1:]:
        assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_checks_and_writes_a_gradebook(
    store: Store, db: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the server still has the file open."""
    handed_in, table = tmp_path / "in.csv", tmp_path / "grades.csv"
    code = store.receipts()[0].code
    handed_in.write_text(f"name,receipt\nMali,{code}\nNok,{code}\n", "utf-8")
    command = ["receipts", "check", str(handed_in), "--db", str(db), "--csv", str(table), "--lang", "en"]
    assert main(command) == 1
    good, bad, total, _ = capsys.readouterr().out.splitlines()
    assert good == f"✅ line 2: Mali {code}"
    assert bad == f"❌ line 3: Nok {code}: This receipt belongs to Mali."
    assert total == "2 receipts, 1 of them false."
    assert table.read_bytes().startswith(b"\xef\xbb\xbfStudent,")
    handed_in.write_text(code, "utf-8")
    assert main(["receipts", "check", str(handed_in), "--db", str(db), "--lang", "th"]) == 0
    assert "ไม่ถูกต้อง 0 ใบ" in capsys.readouterr().out


def test_the_command_asks_for_what_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receipts", "check", str(tmp_path / "in.txt")]) == 2
    assert "--db FILE" in capsys.readouterr().err
    assert main(["receipts"]) == 2
    assert "check, FILE" in capsys.readouterr().err


def test_the_command_has_a_sentence_for_what_is_not_there(
    store: Store, db: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["receipts", "check", str(tmp_path / "no.csv"), "--db", str(db)]) == 1
    assert "no.csv" in capsys.readouterr().err
    assert main(["receipts", "check", str(db), "--db", str(tmp_path / "none.db")]) == 1
    assert not (tmp_path / "none.db").exists()
    empty = tmp_path / "empty.txt"
    empty.write_text("", "utf-8")
    assert main(["receipts", "check", str(empty), "--db", str(db)]) == 1


def test_a_file_without_labs_is_no_file_of_receipts(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable):
        Store.to_read(str(tmp_path / "none.db"))
