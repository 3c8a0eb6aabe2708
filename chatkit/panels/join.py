"""How to join by phone: every address of a server that others reach, the first one as a QR code."""

from html import escape
from typing import Any

import ipywidgets as widgets
import segno

from chatkit.addresses import in_link, join_links, reachable_addresses
from chatkit.panels.server import ServerPanel
from chatkit.server import Server
from chatkit.texts import chosen, say

# Black on white whatever the theme: many cameras do not read the reverse. `border`: the quiet zone a QR code needs.
INK = {"dark": "#000", "light": "#fff", "border": 4, "scale": 6}
HERE = ("localhost", "127.0.0.1", "::1")  # hosts of a server that only its own computer reaches
EVERYWHERE = (None, "0.0.0.0", "::")  # hosts of a server that listens on every address
CARD = (
    '<div style="display:flex; flex-wrap:wrap; align-items:center; gap:16px; line-height:1.7; max-width:720px; '
    'font-size:var(--jp-content-font-size1, 14px); color:var(--jp-content-font-color1, inherit)">'
    '<div style="line-height:0; border-radius:8px; overflow:hidden">{picture}</div>'
    '<div style="flex:1; min-width:240px; overflow-wrap:anywhere">{words}</div></div>'
)


class JoinCard:
    """The way into a room for a phone, to be seen and as code.

        card = JoinCard(server)
        card.links[0]

    server: a running server, or its panel; NotRunning where it does not run.
    links:  the default route's first; where the server is open to this computer only, its link here.
    lang:   "en", "th" or "both"; None takes $CHATKIT_LANG, else both.
    """

    def __init__(self, server: Server | ServerPanel, lang: str | None = None) -> None:
        running = server.running() if isinstance(server, ServerPanel) else server
        self.lang = chosen(lang)
        self.is_local = running.host in HERE
        hosts = reachable_addresses() if running.host in EVERYWHERE else [in_link(str(running.host))]
        self.links = join_links(hosts, running.port, running.token, is_tls=bool(running.ssl))
        # A widget, not HTML output: what a cell puts out is saved with the notebook, and here that may be a token.
        self.view = widgets.HTML(self.html())

    def html(self) -> str:
        """The card: what to do, the links, and a picture of the first one where another device can use it."""
        if not self.links:
            return CARD.format(picture="", words=self.words("panel_no_network"))
        first, *others = map(shown, self.links)
        if self.is_local:
            return CARD.format(picture="", words=self.words("panel_here_only") + first)
        words = self.words("panel_scan") + self.words("panel_or_open") + first
        if others:
            words += self.words("panel_other_links") + "".join(others)
        return CARD.format(picture=segno.make(self.links[0], error="m").svg_inline(**INK), words=words)

    def words(self, key: str) -> str:
        """A sentence in the languages of this card, each on a line of its own."""
        return say(key).html(self.lang, "div")

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle: dict[str, Any] = self.view._repr_mimebundle_()
        return bundle | {"text/plain": repr(self)}

    def __repr__(self) -> str:
        return "JoinCard()"


def shown(link: str) -> str:
    """A link as it is read and clicked."""
    address = escape(link)
    return f'<div><a href="{address}" target="_blank" rel="noopener"><b>{address}</b></a></div>'
