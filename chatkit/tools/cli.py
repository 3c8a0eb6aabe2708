"""The commands: `chatkit lab · serve · join · doctor · bench`.

Each ends with exit code 0, with 1 where the world is in the way (a taken port, no server), and with 2 where an option
is wrong; never with a traceback. Ctrl+C and SIGTERM cancel the main task, and whatever it opened closes on the way out.
"""

import argparse
import asyncio
import io
import json
import math
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from importlib import import_module
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

from chatkit.addresses import join_links, reachable_addresses
from chatkit.client import Chat, connect
from chatkit.errors import ChatError, NoServer
from chatkit.events import Event
from chatkit.limits import LIMITS
from chatkit.server import Server, serve
from chatkit.texts import LANGUAGES, say, visible
from chatkit.tools.terminal import Show, conversation, on_terminal, piped_lines, record, screen

__all__ = ["main"]

FIRST_NOTEBOOK = "00_hello_room.ipynb"
LAST_ACKS = 2.0  # seconds that a person who leaves waits for what is still on its way
SPARE_FILES = 64  # files that a server needs beside its clients


class BadOption(ChatError):
    """What was typed on the command line cannot be used; `code` is the exit code."""

    def __init__(self, key: str, code: int = 2, **parts: object) -> None:
        super().__init__(**parts)
        self.key, self.code = key, code


class Parser(argparse.ArgumentParser):
    """argparse, but a wrong command line gets one sentence instead of a page."""

    def error(self, message: str) -> NoReturn:
        raise BadOption("cli_bad_usage", reason=visible(message).capitalize(), command=self.prog)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")  # an old code page without emoji shows "?" and goes on
    try:
        a_port(os.environ.get("CHATKIT_PORT", "0"))
        options = parser().parse_args(arguments)
        return int(options.run(options))
    except ChatError as error:
        print(error.sentence(language(arguments)), file=sys.stderr)
        return error.code if isinstance(error, BadOption) else 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0


def language(arguments: Sequence[str]) -> str:
    """The language of --lang, also where the rest of the line is wrong; else $CHATKIT_LANG, else English."""
    given = [after for before, after in pairwise(arguments) if before == "--lang"]
    given += [each.partition("=")[2] for each in arguments if each.startswith("--lang=")]
    given.append(os.environ.get("CHATKIT_LANG", ""))
    return next((lang for lang in given if lang in (*LANGUAGES, "both")), "en")


def run(command: Coroutine[Any, Any, int]) -> int:
    """Run a command on an event loop; SIGTERM ends it as Ctrl+C does: its main task is cancelled."""

    async def cancellable() -> int:
        with suppress(NotImplementedError):  # Windows has no SIGTERM to handle
            task = asyncio.current_task()
            assert task
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await command

    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        return runner.run(cancellable())


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop where the extra `fast` is installed; None is asyncio's own."""
    with suppress(ImportError):
        new_loop: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
        return new_loop
    return None


# What the options may be


def a_port(value: str) -> int:
    if value.isdecimal() and int(value) <= 65535:
        return int(value)
    raise BadOption("cli_bad_port", value=visible(value))


def a_rate(value: str) -> float:
    with suppress(ValueError):
        if 0 <= float(value) < math.inf:
            return float(value)
    raise BadOption("cli_bad_number", value=visible(value), least=0)


def a_count(value: str) -> int:
    if value.isdecimal() and int(value) > 0:
        return int(value)
    raise BadOption("cli_bad_number", value=visible(value), least=1)


def a_token(value: str) -> str:
    if value.strip():
        return value
    raise BadOption("cli_bad_token")


def an_origin(value: str) -> str:
    with suppress(ValueError):
        parts = urlsplit(value)
        if parts.scheme in ("http", "https") and parts.netloc and value == f"{parts.scheme}://{parts.netloc}":
            return value
    raise BadOption("cli_bad_origin", value=visible(value))


def a_uri(value: str) -> str:
    """The address of a chat; `localhost:8765` means `ws://localhost:8765`."""
    scheme, mark, rest = value.partition("://")
    if not mark:
        return f"ws://{value}"
    if scheme in ("ws", "wss"):
        return value
    better = f"{'wss' if scheme == 'https' else 'ws'}://{rest}"
    raise BadOption("cli_uri_scheme", code=1, uri=visible(value), better=visible(better))


def parser() -> Parser:
    """The whole command line; `options.run(options)` runs what was chosen."""
    top = Parser(prog="chatkit", description="Learn WebSockets by chatting.")
    top.set_defaults(run=lambda _: print(top.format_help()) or 2)
    commands = top.add_subparsers(metavar="COMMAND", parser_class=Parser)

    lab = commands.add_parser("lab", help="open JupyterLab on the first notebook", description=open_lab.__doc__)
    lab.set_defaults(run=open_lab)
    lab.add_argument("notebook", nargs="?", default=FIRST_NOTEBOOK, help=f"a notebook; {FIRST_NOTEBOOK} if left out")
    lab.add_argument("--lang", choices=(*LANGUAGES, "both"), help="language of panels and sentences (both)")
    lab.add_argument("--port", type=a_port, help="port of JupyterLab (the first free one from 8888 on)")
    lab.add_argument("--no-browser", action="store_true", help="print the address only")

    server = commands.add_parser("serve", help="start a chat server", description=serve_chat.__doc__)
    server.set_defaults(run=lambda options: run(serve_chat(options)))
    add_serve_options(server)

    join = commands.add_parser("join", help="chat in this terminal", description=join_chat.__doc__)
    join.set_defaults(run=lambda options: run(join_chat(options)))
    join.add_argument("uri", nargs="?", type=a_uri, help="ws://localhost:8765 if left out; ws://host:port/room/name")
    join.add_argument("--name", help="what others see")
    join.add_argument("--plain", action="store_true", help="the plain dialect: live lines only, nothing is caught up")
    join.add_argument("--token", type=a_token, help="where the server asks for one")

    doctor = commands.add_parser("doctor", help="does this machine have what a chat needs?")
    doctor.set_defaults(run=see_doctor)
    doctor.add_argument("--json", action="store_true", help="one JSON object instead of sentences")

    bench = commands.add_parser("bench", help="how fast is the server on this machine?")
    bench.set_defaults(run=measure)
    bench.add_argument("--clients", type=a_count, default=200, help="clients in one room (200)")
    bench.add_argument("--messages", type=a_count, default=1_000, help="messages in each run (1000)")
    bench.add_argument("--json", action="store_true", help="one JSON object instead of a table")

    for each in (server, join, doctor):
        each.add_argument("--lang", choices=LANGUAGES, help="language of what is printed (en)")
    return top


def add_serve_options(server: argparse.ArgumentParser) -> None:
    where = server.add_mutually_exclusive_group()
    where.add_argument("--host", metavar="H", default="localhost", help="address to listen on (localhost)")
    where.add_argument("--lan", action="store_true", help="listen on every address; print them, and a QR code to join")
    server.add_argument("--port", metavar="N", type=a_port, help="port to listen on (8765); 0 takes a free one")
    server.add_argument("--db", metavar="FILE", default=":memory:", help="keep the messages in this file")
    server.add_argument("--durable", action="store_true", help="also survive a power cut (slower)")
    server.add_argument("--token", metavar="TEXT", type=a_token, help="only who knows it gets in")
    server.add_argument(
        "--rate", metavar="N", type=a_rate, default=LIMITS.rate, help="a client's messages a second; 0: no limit"
    )
    server.add_argument(
        "--max-clients", metavar="N", type=a_count, default=LIMITS.clients, help=f"at once ({LIMITS.clients})"
    )
    server.add_argument("--origin", metavar="URL", type=an_origin, action="append", default=[], help="let its pages in")
    server.add_argument("--allow-host", metavar="NAME", action="append", default=[], help="a name this server goes by")
    server.add_argument("--tls-cert", metavar="F", help="certificate (PEM), for wss://")
    server.add_argument("--tls-key", metavar="F", help="its private key (PEM)")
    server.add_argument("--no-input", action="store_true", help="do not broadcast lines typed here")


# The commands


async def serve_chat(options: argparse.Namespace) -> int:
    """Start a chat server. A line typed here is broadcast to everybody; Ctrl+C stops the server."""
    lang = options.lang or language(())
    with suppress(AttributeError):  # in the background (`&`) there is no keyboard: reading it would stop the process
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    with screen() as show:
        make_room(options.max_clients, show, lang)
        server = await listen(options, show, lang)
        try:
            show(say("cli_ready", uri=server.uri).in_(lang))
            if options.lan:
                show_links(server, options, show, lang)
            if not options.no_input:
                await broadcast_typed(server, show, lang)
            await asyncio.Event().wait()  # until the task is cancelled
        finally:
            await server.stop()
            show(say("cli_stopped").in_(lang))
    return 0


async def listen(options: argparse.Namespace, show: Show, lang: str) -> Server:
    host = None if options.lan else options.host

    def on_event(event: Event) -> None:
        if event.type != "notice" or event.room == "lobby":  # it goes to every room; once is enough to read
            show(record(event, lang))

    try:
        return await serve(
            host,
            options.port,
            db=options.db,
            durable=options.durable,
            token=options.token,
            rate=options.rate,
            max_clients=options.max_clients,
            origins=options.origin,
            allow_hosts=options.allow_host,
            ssl=tls(options.tls_cert, options.tls_key),
            on_event=on_event,
        )
    except OSError as error:  # no such address, or a port that only root may have
        reason = error.strerror or str(error)
        raise BadOption("cli_cannot_listen", code=1, host=visible(str(host)), reason=reason) from None


def tls(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    if not cert and not key:
        return None
    if not (cert and key):
        raise BadOption("cli_tls_pair")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key, password=lambda: "")  # never ask for a passphrase
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadOption("cli_bad_tls", cert=visible(cert), private=visible(key), reason=reason) from None
    return context


async def broadcast_typed(server: Server, show: Show, lang: str) -> None:
    """Broadcast each line of standard input, until it ends."""
    if on_terminal():
        show(say("cli_type_to_all").in_(lang))
    async for line in piped_lines():
        if line.strip():
            try:
                server.broadcast(line)
            except ChatError as error:
                show(f"⚠️ {error.sentence(lang)}")


def make_room(clients: int, show: Show, lang: str) -> None:
    """Raise the number of open files to what the system allows; say so where that is too few for the clients."""
    limit = raise_file_limit()
    if limit < clients + SPARE_FILES:
        show(say("cli_few_files", limit=limit, clients=max(0, limit - SPARE_FILES)).in_(lang))


def raise_file_limit() -> float:
    """Open files that this process may have from now on; infinity where the system sets no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # macOS names a hard limit that it then refuses
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return math.inf if soft == resource.RLIM_INFINITY else soft


def show_links(server: Server, options: argparse.Namespace, show: Show, lang: str) -> None:
    """Every address under which others reach this machine, and the first one's link as a QR code."""
    links = join_links(reachable_addresses(), server.port, options.token, is_tls=bool(options.tls_cert))
    for link in links:
        show(say("cli_lan_address", link=link).in_(lang))
    if not links:
        show(say("cli_lan_none").in_(lang))
        return
    show(qr_code(links[0]))
    show(say("cli_lan_scan", link=links[0]).in_(lang))


def qr_code(link: str) -> str:
    import segno

    drawing = io.StringIO()
    segno.make(link, micro=False).terminal(drawing, border=2, compact=True)
    return drawing.getvalue().rstrip("\n")


async def join_chat(options: argparse.Namespace) -> int:
    """Chat in this terminal. `exit`, Ctrl+C or Ctrl+D leaves; lines from a pipe are sent, then it leaves."""
    lang = options.lang or language(())
    async with conversation("💬 ") as (show, lines):
        on_state = state_lines(show, lang)
        async with connect(
            options.uri, name=options.name, token=options.token, plain=options.plain, on_state=on_state
        ) as chat:
            hearing = asyncio.create_task(hear(chat, show, lang))
            speaking = asyncio.create_task(speak(chat, lines, show, lang))
            try:
                await asyncio.wait({hearing, speaking}, return_when=asyncio.FIRST_COMPLETED)
                if speaking.done():
                    return speaking.result()
                await hearing
            finally:
                for task in (hearing, speaking):
                    task.cancel()
                await asyncio.gather(hearing, speaking, return_exceptions=True)
        raise chat.reason or NoServer(chat.uri)


def state_lines(show: Show, lang: str) -> Callable[[Chat], None]:
    """What to do at each change of the connection: show it, so that nobody types into a dead line unknowingly."""
    opened = chain(["cli_open"], repeat("cli_open_again"))

    def on_state(chat: Chat) -> None:
        if chat.state == "open":
            show(say(next(opened), uri=chat.uri, name=visible(chat.name)).in_(lang))
        elif chat.state == "reconnecting":
            show(say("cli_reconnecting", seconds=chat.retry_in).in_(lang))

    return on_state


async def hear(chat: Chat, show: Show, lang: str) -> None:
    """Show what happens in the room, until the connection is closed for good."""
    async for event in chat:
        show(record(event, lang, chat.you))


async def speak(chat: Chat, lines: AsyncIterator[str], show: Show, lang: str) -> int:
    """Send each line, until `exit` or the end; returns 1 where one of them was refused, else 0."""
    on_the_way: set[asyncio.Future[int]] = set()
    refused = 0

    def settle(ack: asyncio.Future[int]) -> None:
        nonlocal refused
        on_the_way.discard(ack)
        if not ack.cancelled() and (error := ack.exception()):
            refused = 1
            show(f"⚠️ {error.sentence(lang) if isinstance(error, ChatError) else error}")

    async for line in lines:
        if line.strip() == "exit":
            break
        if line.strip():
            try:
                ack = chat.send(line)
            except ChatError as error:  # over the limits
                refused = 1
                show(f"⚠️ {error.sentence(lang)}")
                continue
            on_the_way.add(ack)
            ack.add_done_callback(settle)
            if not on_terminal():
                await asyncio.wait({ack})  # a pipe can wait; a person goes on typing
    if on_the_way:
        await asyncio.wait(on_the_way, timeout=LAST_ACKS)
    return 0 if on_terminal() else refused


def open_lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on a notebook of the course."""
    notebook = find_notebook(options.notebook)
    try:
        from jupyterlab.labapp import LabApp
    except ImportError:
        raise BadOption("cli_no_lab", code=1, python=sys.executable) from None
    os.environ["CHATKIT_LANG"] = options.lang or os.environ.get("CHATKIT_LANG", "both")  # for the kernels
    root = notebook.parents[notebook.parent.name == "notebooks"]  # the whole clone: lessons link to its other files
    address = quote(notebook.relative_to(root).as_posix())
    arguments = [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{address}"]
    if options.port is not None:
        arguments.append(f"--port={options.port}")
    if options.no_browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # a container, most likely; JupyterLab asks root to say so
        arguments.append("--allow-root")
    LabApp.launch_instance(arguments)
    return 0


def find_notebook(name: str) -> Path:
    """A notebook by its path, or by its name in the course's `notebooks/`, here or in this clone."""
    file = Path(name) if name.endswith(".ipynb") else Path(f"{name}.ipynb")
    clone = Path(__file__).resolve().parent.parent
    for found in (file, "notebooks" / file, clone / "notebooks" / file):
        if found.is_file():
            return found.resolve()
    raise BadOption("cli_no_notebook", code=1, name=visible(name))


def see_doctor(options: argparse.Namespace) -> int:
    from chatkit.tools.doctor import doctor

    report = asyncio.run(doctor(lang=options.lang or language(())))
    print(report.as_json() if options.json else report)
    return 0 if report.ok else 1


def measure(options: argparse.Namespace) -> int:
    from chatkit.tools.bench import bench, table

    try:
        figures = bench(options.clients, options.messages)
    except TimeoutError:
        raise BadOption("bench_stuck", code=1) from None
    print(json.dumps(figures) if options.json else table(figures, language(())))
    return 0
