"""Does this machine have what a chat needs? Each line that is not green ends with what to do.

from chatkit import doctor
await doctor()
"""

import argparse
import asyncio

from chatkit.place import in_browser, in_notebook
from chatkit.texts import chosen
from chatkit.tools import checks
from chatkit.tools.options import Parser, add_lang, language
from chatkit.tools.report import Report

__all__ = ["add_options", "doctor", "show"]


def add_options(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="help_doctor_json")
    add_lang(parser)


def show(options: argparse.Namespace) -> int:
    """The command: the report on standard output, and whether all is well as exit code."""
    report = asyncio.run(doctor(lang=options.lang or language()))
    print(report.as_json() if options.json else report)
    return 0 if report.ok else 1


async def doctor(lang: str | None = None) -> Report:
    """Look at everything; takes about a second. lang: "en", "th" or "both"; None is $CHATKIT_LANG, else both."""
    lang = chosen(lang)
    findings = [checks.python(), checks.packages()]
    if in_browser():
        findings += [await checks.port(), await checks.loopback("127.0.0.1"), checks.browser(), checks.kept()]
    else:
        findings += [await checks.event_loop(), await checks.port()]
        findings += [checks.localhost(), await checks.loopback("127.0.0.1"), await checks.loopback("::1")]
        findings += [checks.network(), checks.proxy(), checks.firewall(), checks.lessons()]
    if in_notebook():
        findings.append(checks.widgets(lang))
    return Report(findings, lang)
