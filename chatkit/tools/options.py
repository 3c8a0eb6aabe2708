"""The command line: what an option may be, and help and complaints in the reader's own language.

Help texts are written as keys of `chatkit.texts`; the formatter says them. A wrong line gets one sentence, not a page.
"""

import argparse
import math
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any, NoReturn
from urllib.parse import urlsplit

from chatkit.errors import ChatError
from chatkit.texts import LANGUAGES, say, sentences

__all__ = [
    "BadOption",
    "Parser",
    "a_base_path",
    "a_count",
    "a_log",
    "a_port",
    "a_rate",
    "a_token",
    "a_uri",
    "add_lang",
    "an_origin",
    "help_in",
    "language",
]


class BadOption(ChatError):
    """What was typed on the command line cannot be used; `code` is the exit code."""

    def __init__(self, key: str, *, code: int = 2, **parts: object) -> None:
        super().__init__(**parts)
        self.key, self.code = key, code


# argparse says these in English only; whatever it says beside them is passed on as it is.
COMPLAINTS = {
    r"unrecognized arguments: (?P<what>.*)": "cli_unknown",
    r"argument (?P<option>[^:]*): expected one argument": "cli_no_value",
    r"argument (?P<option>[^:]*): invalid choice: '?(?P<value>.*?)'? \(choose from (?P<choices>.*)\)": "cli_bad_choice",
    r"argument (?P<option>[^:]*): not allowed with argument (?P<other>.*)": "cli_not_both",
    r"the following arguments are required: (?P<what>.*)": "cli_missing",
}


class Parser(argparse.ArgumentParser):
    """argparse, but a wrong command line gets one sentence instead of a page."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """A command complains of what it does not know itself: its own `--help` is the one to read."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        for pattern, key in COMPLAINTS.items():
            if found := re.fullmatch(pattern, message, re.DOTALL):
                parts: dict[str, Any] = found.groupdict()
                raise BadOption(key, command=self.prog, **parts)
        raise BadOption("cli_bad_usage", reason=message.capitalize(), command=self.prog)


class Help(argparse.HelpFormatter):
    """The page of `--help` in one language."""

    def __init__(self, prog: str, lang: str) -> None:
        super().__init__(prog, max_help_position=30)
        self.lang = lang

    def said(self, text: str | None) -> str | None:
        return say(text).in_(self.lang) if text in sentences("en") else text

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        words = f"{say('help_usage').in_(self.lang)}: "
        super().add_usage(usage, actions, groups, words if prefix is None else prefix)

    def add_text(self, text: str | None) -> None:
        super().add_text(self.said(text))

    def start_section(self, heading: str | None) -> None:
        headings = {"positional arguments": "help_arguments", "options": "help_options"}
        super().start_section(self.said(headings.get(heading or "", heading)))

    def _get_help_string(self, action: argparse.Action) -> str | None:
        said = self.said("help_help" if "--help" in action.option_strings else action.help)
        return said.replace("%", "%%") if said else said

    def _split_lines(self, text: str, width: int) -> list[str]:
        """At spaces only: a Thai vowel does not leave its consonant."""
        lines = [""]
        for word in text.split():
            if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
                lines.append("")
            lines[-1] = f"{lines[-1]} {word}".lstrip()
        return lines

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in self._split_lines(text, width))


def help_in(lang: str) -> "partial[Help]":
    """What argparse wants as `formatter_class`."""
    return partial(Help, lang=lang)


def add_lang(parser: Parser, languages: Sequence[str] = LANGUAGES, text: str = "help_lang") -> None:
    """`--lang`; what stands before the command counts where it is not given after it."""
    parser.add_argument("--lang", choices=languages, default=argparse.SUPPRESS, help=text)


def language(arguments: Sequence[str] = ()) -> str:
    """The language of --lang, also where the rest of the line is wrong; else $CHATKIT_LANG, else English."""
    given = [after for before, after in pairwise(arguments) if before == "--lang"]
    given += [each.partition("=")[2] for each in arguments if each.startswith("--lang=")]
    given.append(os.environ.get("CHATKIT_LANG", ""))
    return next((lang for lang in given if lang in (*LANGUAGES, "both")), "en")


# What the options may be


def a_port(value: str) -> int:
    if value.isdecimal() and int(value) <= 65535:
        return int(value)
    raise BadOption("cli_bad_port", value=value)


def a_rate(value: str) -> float:
    with suppress(ValueError):
        if 0 <= float(value) < math.inf:
            return float(value)
    raise BadOption("cli_bad_number", value=value, least=0)


def a_count(value: str) -> int:
    if value.isdecimal() and int(value) > 0:
        return int(value)
    raise BadOption("cli_bad_number", value=value, least=1)


def a_token(value: str) -> str:
    if value.strip():
        return value
    raise BadOption("cli_bad_token")


def a_log(value: str) -> str:
    """The file of a log: an empty name (an unset variable of the shell) would forget everything at the end."""
    if value.strip():
        return value
    raise BadOption("cli_bad_db")


def an_origin(value: str) -> str:
    """What a browser puts into the header Origin: scheme and host, or `null` for a page from a file."""
    with suppress(ValueError):
        parts = urlsplit(value)
        if parts.scheme in ("http", "https") and parts.netloc and value == f"{parts.scheme}://{parts.netloc}":
            return value
    if value == "null":
        return value
    raise BadOption("cli_bad_origin", value=value)


def a_base_path(value: str) -> str:
    """Where the chat begins; it ends with a slash, so that the page's own links stay below it."""
    if re.fullmatch(r"/([\w.~%@:-]+(/|$))*", value):
        return value if value.endswith("/") else f"{value}/"
    raise BadOption("cli_bad_path", value=value)


def a_uri(value: str) -> str:
    """The address of a chat; `localhost:8765` means `ws://localhost:8765`."""
    scheme, mark, rest = value.partition("://")
    if not mark:
        return f"ws://{value}"
    if scheme in ("ws", "wss"):
        return value
    better = f"{'wss' if scheme == 'https' else 'ws'}://{rest}"
    raise BadOption("cli_uri_scheme", code=1, uri=value, better=better)
