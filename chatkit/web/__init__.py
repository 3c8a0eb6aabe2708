"""The phone page: one self-contained document, served by the chat's own port to a plain `GET /`.

`index.html`, `style.css` and the modules in SCRIPTS are written to be read one by one; what goes out is one file, so
that the page asks for nothing but itself and its WebSocket. The policy allows exactly that script and that style, by
their hashes.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template

from chatkit.texts import LANGUAGES, say, sentences

__all__ = ["page"]

# Each after those that it imports from.
SCRIPTS = ("words.js", "shelf.js", "chat.js", "line.js", "rows.js", "log.js", "view.js", "app.js")

# A CSP source cannot spell `[::1]:8765`; there 'self' has to do, as it does in every browser since 2022.
PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


def page(host: str = "") -> tuple[list[tuple[str, str]], bytes]:
    """The page and all its headers; host: the request's Host, already admitted by the server.

    Safari before 16 does not count `ws://` as 'self', hence the host in the policy.
    """
    body, policy = document()
    sockets = f" ws://{host} wss://{host}" if PLAIN_HOST.fullmatch(host) else ""
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", f"{policy}; connect-src 'self'{sockets}"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    return headers, body


@cache
def document() -> tuple[bytes, str]:
    """All the files as one, and the policy (CSP level 3) that lets just these run; made once."""
    style, script = asset("style.css"), joined(SCRIPTS)
    body = Template(asset("index.html")).substitute(
        style=style, script=script, texts=embed(page_texts()), noscript=say("page_needs_script").in_()
    )
    policy = (
        f"default-src 'none'; script-src '{fingerprint(script)}'; style-src '{fingerprint(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        # Text stays text even if someone writes innerHTML one day.
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return body.encode(), policy


def joined(names: Iterable[str]) -> str:
    """Modules as one script: they see each other without a word, so what they import and export is left out."""
    modules = [re.sub(r"^import [^;]*;\n|^export ", "", asset(name), flags=re.MULTILINE) for name in names]
    return "\n\n".join(['"use strict";', *modules])


def page_texts() -> dict[str, dict[str, str]]:
    """The page's sentences in every language: `{"en": {"page_join": …}, "th": …}`."""
    return {
        lang: {key: sentence for key, sentence in sentences(lang).items() if key.startswith("page_")}
        for lang in LANGUAGES
    }


def embed(value: object) -> str:
    """JSON for a <script> element: with `<` escaped, no sentence can end the element."""
    return json.dumps(value, ensure_ascii=False).replace("<", r"\u003c")


def asset(name: str) -> str:
    """One file of this folder, with `\n` line ends on every system: the hash is over what the browser reads."""
    return "\n".join(files(__name__).joinpath(name).read_text("utf-8").splitlines())


def fingerprint(source: str) -> str:
    """`sha256-…` of an inline script or style, as a CSP hash-source."""
    return "sha256-" + b64encode(sha256(source.encode()).digest()).decode()
