"""`chatkit serve`: a chat server in this terminal.

What happens shows as one line each, a line typed here is broadcast, and Ctrl+C or SIGTERM stops the server.
"""

import argparse
import asyncio
import io
import signal
import ssl
from contextlib import suppress
from functools import partial

from chatkit.addresses import join_links, reachable_addresses
from chatkit.errors import ChatError
from chatkit.events import Event
from chatkit.limits import LIMITS
from chatkit.server import Server, serve
from chatkit.texts import say
from chatkit.tools import options as kinds
from chatkit.tools.options import BadOption, Parser, add_lang, language
from chatkit.tools.terminal import Show, ShowLater, on_terminal, piped_lines, record, screen

__all__ = ["add_options", "serve_chat"]


def add_options(parser: Parser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--host", metavar="H", default="localhost", help="help_host")
    where.add_argument("--lan", action="store_true", help="help_lan")
    add = parser.add_argument
    add("--port", metavar="N", type=kinds.a_port, help="help_port")
    add("--db", metavar="FILE", type=kinds.a_log, default=":memory:", help="help_db")
    add("--durable", action="store_true", help="help_durable")
    add("--token", metavar="TEXT", type=kinds.a_token, help="help_token")
    add("--rate", metavar="N", type=kinds.a_rate, default=LIMITS.rate, help="help_rate")
    add("--max-clients", metavar="N", type=kinds.a_count, default=LIMITS.clients, help="help_max_clients")
    add("--origin", metavar="URL", type=kinds.an_origin, action="append", default=[], help="help_origin")
    add("--allow-host", metavar="NAME", action="append", default=[], help="help_allow_host")
    add("--base-path", metavar="PATH", type=kinds.a_base_path, default="/", help="help_base_path")
    add("--tls-cert", metavar="F", help="help_tls_cert")
    add("--tls-key", metavar="F", help="help_tls_key")
    add("--no-input", action="store_true", help="help_no_input")
    add_lang(parser)


async def serve_chat(options: argparse.Namespace) -> int:
    """Serve until the task is cancelled; then everybody is told, and everything is kept."""
    lang = options.lang or language()
    with suppress(AttributeError):  # in the background (`&`) there is no keyboard: reading it would stop the process
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    with screen() as show:
        server = await listen(options, show, lang)
        try:
            show(say("cli_ready", uri=server.uri).in_(lang))
            if options.lan:
                show_links(server, options, show, lang)
            if not options.no_input:
                await broadcast_typed(server, show, lang)
            await asyncio.Event().wait()
        finally:
            await server.stop()
            show(say("cli_stopped").in_(lang))
    return 0


async def listen(options: argparse.Namespace, show: ShowLater, lang: str) -> Server:
    """A running server as the options want it; what happens in it is shown, and what its operator should know."""

    def on_event(event: Event) -> None:
        if event.type != "notice" or event.room == "lobby":  # it goes to every room; once is enough to read
            show(partial(record, event, lang))  # not worded here: the chat goes first

    def on_warning(error: ChatError) -> None:
        show(f"⚠️ {error.sentence(lang)}")

    host = None if options.lan else options.host
    wanted = {each: getattr(options, each) for each in ("db", "durable", "token", "rate", "max_clients", "base_path")}
    wanted |= {"origins": options.origin, "allow_hosts": options.allow_host}
    context = tls(options.tls_cert, options.tls_key)
    try:
        return await serve(host, options.port, **wanted, ssl=context, on_event=on_event, on_warning=on_warning)
    except OSError as error:  # no such address, or a port that only root may have
        reason = error.strerror or str(error)
        raise BadOption("cli_cannot_listen", code=1, host=str(host), reason=reason) from None


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
        raise BadOption("cli_bad_tls", cert=cert, private=key, reason=reason) from None
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


def show_links(server: Server, options: argparse.Namespace, show: Show, lang: str) -> None:
    """Every address under which others reach this machine, and the first one's link as a QR code."""
    links = join_links(reachable_addresses(), server.port, options.token, bool(options.tls_cert), options.base_path)
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
