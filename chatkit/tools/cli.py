"""The command line: `chatkit lab · serve · join · labs · receipts · doctor · bench`.

Each command ends with exit code 0, with 1 where the world is in the way (a taken port, no server), and with 2 where an
option is wrong; never with a traceback. Ctrl+C and SIGTERM cancel the main task, and what it opened closes on the way.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from chatkit.errors import ChatError
from chatkit.texts import LANGUAGES
from chatkit.tools import bench, doctor, join, lab, labs, receipts, serve
from chatkit.tools.options import BadOption, Parser, a_port, help_in, language

__all__ = ["main", "parser"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")  # an old code page without emoji shows "?" and goes on
    lang = language(arguments)
    try:
        a_port(os.environ.get("CHATKIT_PORT", "0"))
        options = parser(lang).parse_args(arguments)
        return int(options.run(options))
    except ChatError as error:
        print(error.sentence(lang), file=sys.stderr)
        return error.code if isinstance(error, BadOption) else 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0


def run_as(command: str) -> NoReturn:
    """What `python -m chatkit.server` and `python -m chatkit.client` do."""
    sys.exit(main([command, *sys.argv[1:]]))


def parser(lang: str = "en") -> Parser:
    """The whole command line; `options.run(options)` runs what was chosen."""
    top = Parser(prog="chatkit", description="help_chatkit", formatter_class=help_in(lang))
    top.add_argument("--lang", choices=(*LANGUAGES, "both"), help="help_lang")
    top.set_defaults(run=lambda _: print(top.format_help()) or 2)
    commands = top.add_subparsers(title="help_commands", metavar="COMMAND", parser_class=Parser)

    def command(name: str, about: str, add_options: Callable[[Parser], None], work: Callable[[Any], int]) -> None:
        chosen = commands.add_parser(name, help=about, description=about, formatter_class=help_in(lang))
        add_options(chosen)
        chosen.set_defaults(run=work)

    command("lab", "help_lab", lab.add_options, lab.open_lab)
    command("serve", "help_serve", serve.add_options, lambda options: run(serve.serve_chat(options)))
    command("join", "help_join", join.add_options, lambda options: run(join.join_chat(options)))
    command("labs", "help_labs", labs.add_options, labs.show)
    command("receipts", "help_receipts", receipts.add_options, receipts.check_file)
    command("doctor", "help_doctor", doctor.add_options, doctor.show)
    command("bench", "help_bench", bench.add_options, bench.measure)
    return top


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run a command on an event loop; SIGTERM ends it as Ctrl+C does: its main task is cancelled."""

    async def cancellable() -> int:
        with suppress(NotImplementedError):  # Windows has no SIGTERM to handle
            task = asyncio.current_task()
            assert task
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    return asyncio.run(cancellable())
