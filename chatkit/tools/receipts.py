"""`chatkit receipts check`: whether receipts of labs are true, and a gradebook for Moodle or Canvas."""

import argparse
import sys
from pathlib import Path

from chatkit.labs import Store, labs
from chatkit.labs.receipts import as_csv, check, line_of, read_lines
from chatkit.texts import say
from chatkit.tools.options import BadOption, Parser, a_log, add_lang, language

__all__ = ["add_options", "check_file"]


def add_options(parser: Parser) -> None:
    parser.add_argument("verb", metavar="check", choices=["check"], help="help_receipts_check")
    parser.add_argument("file", metavar="FILE", help="help_receipts_file")
    parser.add_argument("--db", metavar="FILE", type=a_log, help="help_receipts_db")
    parser.add_argument("--csv", metavar="OUT", help="help_receipts_csv")
    add_lang(parser)


def check_file(options: argparse.Namespace) -> int:
    """The command: a line for each receipt; exit code 1 where one of them is false."""
    lang = options.lang or language()
    if not options.db:
        raise BadOption("receipt_no_db")
    store = Store.to_read(options.db)
    try:
        checked = check(read_lines(text_of(options.file)), store.receipts(), store.secret)
    finally:
        store.close()
    for each in checked:
        print(line_of(each).in_(lang))
    false = sum(each.problem is not None for each in checked)
    print(say("receipt_sum", count=len(checked), false=false).in_(lang))
    if options.csv:
        write(options.csv, as_csv(checked, labs()))
        print(say("receipt_csv", path=options.csv).in_(lang))
    return 1 if false or not checked else 0


def text_of(path: str) -> str:
    """The text of a file, or of standard input for `-`; a table of Excel begins with a mark, which is left out."""
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption("receipt_no_file", code=1, path=path, reason=reason_of(error)) from None


def write(path: str, table: str) -> None:
    try:
        # A spreadsheet takes a file for UTF-8, and so Thai for Thai, by the mark at its beginning.
        Path(path).write_text(table, "utf-8-sig", newline="")
    except OSError as error:
        raise BadOption("receipt_no_file", code=1, path=path, reason=reason_of(error)) from None


def reason_of(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else error.reason) or str(error)
