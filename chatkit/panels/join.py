"""How to join by phone: every address of a server that others reach, the first one as a QR code."""

from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anywidget
import segno
import traitlets
from websockets.asyncio.server import Server as OwnServer

from chatkit.addresses import in_link, join_links, reachable_addresses
from chatkit.panels.background import BackgroundServer, NotRunning
from chatkit.panels.display import put_out, script
from chatkit.panels.journal import Words
from chatkit.panels.server import ServerPanel
from chatkit.server import Server
from chatkit.texts import chosen, say

HERE = ("localhost", "127.0.0.1", "::1")  # hosts of a server that only its own computer reaches
EVERYWHERE = (None, "0.0.0.0", "::")  # hosts of a server that listens on every address


class OwnAddress:
    """Where a server listens that its author made with `websockets.serve`: no token, no TLS that we know of."""

    token, ssl, base_path = None, None, "/"

    def __init__(self, server: OwnServer) -> None:
        if not server.is_serving():
            raise NotRunning
        self.host, self.port = server.sockets[0].getsockname()[:2]


class CardView(anywidget.AnyWidget):
    """The card on the page. It asks for its content: what stands in a widget's state is saved with the notebook."""

    _esm = script("join.js")
    _css = Path(__file__).with_name("join.css")
    absent = traitlets.Dict().tag(sync=True)  # the words where nobody answers

    def __repr__(self) -> str:
        return "JoinCard()"


class JoinCard:
    """The way into a room for a phone, to be seen and as code.

        card = JoinCard(server)
        card.links[0]

    server: a running server, its panel, or one of your own (`websockets.serve`); NotRunning where it does not run.
    links:  the default route's first; where the server is open to this computer only, its link here.
    lang:   "en", "th" or "both"; None takes $CHATKIT_LANG, else both.

    Where Jupyter passes ports on (JupyterHub, jupyter-server-proxy) the card on the page offers that way, too.
    """

    def __init__(self, server: Server | ServerPanel | OwnServer, lang: str | None = None) -> None:
        running: Server | BackgroundServer | OwnAddress
        if isinstance(server, OwnServer):
            running = OwnAddress(server)
        else:
            running = server.running() if isinstance(server, ServerPanel) else server
        self.lang = chosen(lang)
        self.is_local = running.host in HERE
        # asyncio would give each address of host=None a port of its own where the port is 0; the kit's server does not.
        self.open_to_all = 'host="0.0.0.0"' if isinstance(running, OwnAddress) else "host=None"
        hosts = reachable_addresses() if running.host in EVERYWHERE else [in_link(str(running.host))]
        self.links = join_links(hosts, running.port, running.token, bool(running.ssl), running.base_path)
        fragment = f"#token={quote(running.token, safe='')}" if running.token else ""
        self.proxied = f"proxy/{running.port}{running.base_path}{fragment}"  # below the Jupyter server's own address
        self.view = CardView(absent=self.words("panel_dead"))
        self.view.on_msg(lambda _view, content, _buffers: self.show(content))

    def show(self, asked: dict[str, Any]) -> None:
        """Tell a view on the page what stands on the card."""
        self.view.send({"do": "card", "view": asked.get("view"), **self.content()})

    def content(self) -> dict[str, Any]:
        """What to do, with the links for it; a picture of the first one where another device can use it."""
        code = qr_code(self.links[0]) if self.links and not self.is_local else None
        proxied = {"words": self.words("panel_through_jupyter"), "path": self.proxied}
        return {"code": code, "ways": self.ways(), "proxied": proxied}

    def ways(self) -> list[dict[str, Any]]:
        if not self.links:
            return [{"words": [self.words("panel_no_network")], "links": []}]
        if self.is_local:
            return [{"words": [self.words("panel_here_only", host=self.open_to_all)], "links": self.links}]
        first = [self.words("panel_scan"), self.words("panel_or_open")]
        others = [{"words": [self.words("panel_other_links")], "links": self.links[1:]}] if self.links[1:] else []
        return [{"words": first, "links": self.links[:1]}, *others]

    def words(self, key: str, **holes: str) -> Words:
        """A sentence in the languages of this card."""
        return say(key, **holes).each(self.lang)

    def _ipython_display_(self) -> None:
        put_out(self.view, repr(self))

    def __repr__(self) -> str:
        return repr(self.view)


def qr_code(link: str) -> dict[str, Any]:
    """A QR code as `{"size": modules in a row, "path": the dark ones for SVG's <path d=…>}`."""
    matrix = segno.make(link, error="m").matrix
    runs = []
    for y, row in enumerate(matrix):
        x = 0
        for is_dark, cells in groupby(row):
            width = len(list(cells))
            if is_dark:
                runs.append(f"M{x} {y}h{width}v1h-{width}z")
            x += width
    return {"size": len(matrix), "path": "".join(runs)}
