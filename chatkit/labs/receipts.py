"""Receipts: `CK-03-7F2K-9QXD` says that somebody did lab 3. Short enough to read out, too long to guess.

The eight letters are 40 bits of HMAC-SHA256 over lab, name and minute, under a secret that stays in the server's file.
"""

import csv
import hmac
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from chatkit.texts import Sentence, say

__all__ = ["Checked", "Receipt", "as_csv", "check", "line_of", "make_code", "read_lines"]

# Crockford's base 32: no I, L, O, U, so that nothing read out is heard as something else.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALIKE = str.maketrans("ILO", "110")
LETTERS = 8  # of five bits each
SHAPE = re.compile(r"CK-?(\d{1,2})-?([0-9A-Z]{4})-?([0-9A-Z]{4})")


class Receipt(NamedTuple):
    """A receipt as the server keeps it; minute: of Unix time."""

    code: str
    lab: int
    name: str
    minute: int


def make_code(secret: bytes, lab: int, name: str, minute: int) -> str:
    """The receipt of a lab, a name and a minute."""
    digest = hmac.digest(secret, f"{lab}\0{name}\0{minute}".encode(), "sha256")
    bits = int.from_bytes(digest[: LETTERS * 5 // 8])
    letters = "".join(ALPHABET[bits >> 5 * place & 31] for place in reversed(range(LETTERS)))
    return f"CK-{lab:02}-{letters[:4]}-{letters[4:]}"


def normal(code: str) -> str | None:
    """A receipt as somebody typed it, in its one form; None where it is none. `O` is 0, `I` and `L` are 1."""
    prefix, _, rest = re.sub(r"\s", "", code).upper().partition("CK")
    found = SHAPE.fullmatch("CK" + rest.translate(ALIKE)) if not prefix else None
    return f"CK-{int(found[1]):02}-{found[2]}-{found[3]}" if found else None


@dataclass(frozen=True)
class Checked:
    """One line that was handed in, and what it is worth. name: "" where the line names nobody."""

    line: int
    name: str
    code: str
    receipt: Receipt | None
    problem: Sentence | None

    @property
    def student(self) -> str:
        """Whose it is: as the line says, else as the server knows."""
        return self.name or (self.receipt.name if self.receipt else "")


def read_lines(text: str) -> list[tuple[int, str, str]]:
    """(line, name, receipt) of a file with one receipt a line, or `name,receipt`; empty lines are passed over.

    A first line that holds no receipt is taken for the head of a table.
    """
    rows = [(number, row) for number, row in enumerate(csv.reader(io.StringIO(text.lstrip("\ufeff"))), 1)]
    found = [(number, ",".join(row[:-1]).strip(), row[-1].strip()) for number, row in rows if any(map(str.strip, row))]
    return found[1:] if len(found) > 1 and "CK" not in found[0][2].upper() else found


def check(handed_in: Iterable[tuple[int, str, str]], given: Iterable[Receipt], secret: bytes) -> list[Checked]:
    """What each line is worth, against what the server gave out.

    A line that names its student may come twice; of those that name nobody the second is a copy.
    """
    known = {receipt.code: receipt for receipt in given}
    newest = {(receipt.lab, receipt.name): receipt.code for receipt in known.values()}  # the oldest comes first
    first: dict[str, int] = {}
    checked = []
    for line, name, typed in handed_in:
        code = normal(typed)
        receipt = known.get(code or "")
        problem = wrong_with(name, code, receipt, known, newest, secret)
        if code and not name and not problem and first.setdefault(code, line) != line:
            problem = say("receipt_twice", line=first[code])
        checked.append(Checked(line, name, code or typed, receipt, problem))
    return checked


def wrong_with(
    name: str,
    code: str | None,
    receipt: Receipt | None,
    known: dict[str, Receipt],
    newest: dict[tuple[int, str], str],
    secret: bytes,
) -> Sentence | None:
    """Why a receipt is false; None for a true one."""
    if code is None:
        return say("receipt_no_receipt")
    if receipt is None:
        return say("receipt_edited") if is_near(code, known) else say("receipt_unknown")
    if not hmac.compare_digest(code, make_code(secret, receipt.lab, receipt.name, receipt.minute)):
        return say("receipt_file_changed")
    if name and name != receipt.name:
        return say("receipt_copied", name=receipt.name)
    if newest[receipt.lab, receipt.name] != code:
        return say("receipt_old", code=newest[receipt.lab, receipt.name])
    return None


def is_near(code: str, known: Iterable[str]) -> bool:
    """Whether a true receipt differs in the lab only, or in one or two letters: somebody changed it, or misread it."""
    return any(code[6:] == each[6:] or sum(map(str.__ne__, code, each)) <= 2 for each in known)


def line_of(each: Checked) -> Sentence:
    """What a receipt is worth, for a person."""
    who = f"{each.student} " if each.student else ""
    place = say("receipt_line", line=each.line, who=who, code=each.code)
    if each.problem is None:
        return Sentence(f"✅ {place.en}", f"✅ {place.th}")
    return Sentence(f"❌ {place.en}: {each.problem.en}", f"❌ {place.th}: {each.problem.th}")


# What a spreadsheet would take for the start of a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(checked: Iterable[Checked], labs: Iterable[int]) -> str:
    """A gradebook: a row for each student, 1 for each lab with a true receipt, and the total.

    The first five columns are those that Canvas wants; Moodle asks which column names the student.
    """
    done: dict[str, set[int]] = {}
    for each in checked:
        done.setdefault(each.student, set()).update({each.receipt.lab} if each.receipt and not each.problem else ())
    numbers = sorted(labs)
    table = io.StringIO()
    rows = csv.writer(table)
    columns = [f"ChatKit lab {number:02}" for number in numbers]
    rows.writerow(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *columns, "ChatKit labs"])
    for student in sorted(filter(None, done)):
        grades = [int(number in done[student]) for number in numbers]
        rows.writerow([safe(student), "", "", "", "", *grades, sum(grades)])
    return table.getvalue()


def safe(value: str) -> str:
    """A value that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(FORMULA) or value.lstrip().startswith(FORMULA) else value
