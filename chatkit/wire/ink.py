"""What a picture is drawn with: words made safe, columns, tables; one picture in two forms, text and HTML."""

import codecs
import html
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from wcwidth import wcswidth

from chatkit.spelling import is_invisible
from chatkit.texts import say, visible
from chatkit.wire.frames import Frame, Opcode, close_reason

STYLE = """<style>
.chatkit-wire { color: var(--jp-ui-font-color1, #1a1a1a); background: var(--jp-layout-color1, #fff); padding: 8px;
  font: 14px/1.6 var(--jp-ui-font-family, system-ui, sans-serif); overflow-x: auto; overflow-wrap: anywhere; }
div.chatkit-wire.chatkit-wire code, div.chatkit-wire pre { color: inherit; background: none;
  font-family: var(--jp-code-font-family, monospace); font-size: 13px; padding: 0; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.chatkit-wire small { color: var(--jp-ui-font-color2, #555); }
.chatkit-wire-columns { display: flex; flex-wrap: wrap; gap: 12px; }
.chatkit-wire-box { border: 1px solid var(--jp-border-color1, #888); border-radius: 4px; padding: 4px 8px; }
.chatkit-wire-box > * { display: block; }
.chatkit-wire-box > small { padding-inline-start: 2em; }
.chatkit-wire-box { flex: 1 1 280px; }
.chatkit-wire-box:nth-child(3) { flex-basis: 100%; }
.chatkit-wire-fields { display: flex; flex-wrap: wrap; margin: 6px 0; }
.chatkit-wire-fields > div { border: 1px solid var(--jp-border-color1, #888); padding: 2px 8px; max-width: 22em; }
.chatkit-wire-fields > .chatkit-wire-key { border-style: dashed; }
.chatkit-wire-fields > .chatkit-wire-payload { border: 3px double; }
.chatkit-wire-fields b, .chatkit-wire-fields code, .chatkit-wire-fields small { display: block; }
div.chatkit-wire table { border-collapse: collapse; margin: 4px 0; font-size: inherit; color: inherit; }
div.chatkit-wire th, div.chatkit-wire td { border: 1px solid var(--jp-border-color2, #bbb); padding: 1px 6px;
  text-align: start; white-space: nowrap; }
div.chatkit-wire td:last-child { white-space: normal; }
.chatkit-wire-cells { display: flex; flex-wrap: wrap; }
.chatkit-wire-cells > div { border: 1px solid var(--jp-border-color2, #bbb); padding: 1px 6px; text-align: center; }
.chatkit-wire-cells > div:first-child { text-align: start; font-weight: bold; }
.chatkit-wire-lines { border: solid var(--jp-border-color1, #888); border-width: 0 3px; margin: 0 2em; padding: 2px 0; }
.chatkit-wire-ends { display: flex; justify-content: space-between; font-weight: bold; }
.chatkit-wire-step { padding: 2px 8px 0; }
.chatkit-wire-arrow { display: flex; align-items: center; line-height: 1; }
.chatkit-wire-arrow i { flex: 1; border-top: 2px solid; }
</style>"""

QUOTES = "“{}”"
MAX_CELLS = 32  # characters (or bytes) of a payload shown one by one
MAX_PREVIEW = 200  # characters of a payload shown in a line; a JSON message has its text behind 100 others


@dataclass(frozen=True)
class Drawing:
    """A picture that Jupyter shows as HTML and a terminal as text."""

    text: str
    html: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.html


def page(*parts: str) -> str:
    """The parts as one piece of HTML with its own style."""
    return f'{STYLE}<div class="chatkit-wire">{"".join(parts)}</div>'


def spelt(text: str) -> str:
    """The text in one line, everything spelt out that cannot be seen (`\\u200b`) or that steers what shows it."""
    return visible("".join(c.encode("unicode_escape").decode() if is_invisible(c) else c for c in text))


def safe(text: str) -> str:
    """Any text as HTML that shows it and does nothing: escaped, and its writing direction kept inside."""
    return f"<bdi>{html.escape(spelt(text), quote=True)}</bdi>"


def width(text: str) -> int:
    """How many columns of a terminal the text takes, once it is `spelt`: a Thai mark takes none, an emoji two."""
    return wcswidth(text)


def fit(text: str, columns: int) -> str:
    """The text, or as much of its beginning as the columns hold, and a sign that there is more."""
    if width(text) <= columns:
        return text
    return next(text[:end] for end in range(columns, -1, -1) if width(text[:end]) < columns) + "…"


def pad(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def align(rows: Iterable[Iterable[str]]) -> str:
    """Rows of words as a table in plain text."""
    table = [[spelt(cell) for cell in row] for row in rows]
    columns = [max(map(width, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(map(pad, row, columns)).rstrip() for row in table)
    return "\n".join(lines)


def html_table(rows: Iterable[Iterable[str]]) -> str:
    """Rows of ready HTML; the first row holds the headings."""
    first, *others = [list(row) for row in rows]
    head = "".join(f"<th>{cell}</th>" for cell in first)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in others)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def cut(text: str, lang: str, limit: int = MAX_PREVIEW, quotes: str = "{}") -> str:
    """The beginning of a text, safe to print, in quotes or not; and how many bytes were left out."""
    rest = len(text[limit:].encode())
    return quotes.format(spelt(text[:limit])) + (f" {say('wire_more', count=rest).in_(lang)}" if rest else "")


def preview(frame: Frame, lang: str) -> str:
    """A payload in one line: text in quotes, a Close with its code, everything else as bytes."""
    if frame.opcode == Opcode.CLOSE:
        code, reason = close_reason(frame.payload)
        return f"{code or ''} {cut(reason, lang, quotes=QUOTES)}".strip()
    # A library's pings hold random bytes, some of which happen to be text: bytes they are, all of them.
    if frame.opcode in (Opcode.BINARY, Opcode.PING, Opcode.PONG) or not is_text(frame.payload):
        return cut_bytes(frame.payload, lang)
    return cut(frame.payload.decode(errors="replace"), lang, quotes=QUOTES)


def is_text(payload: bytes) -> bool:
    """Whether the bytes are UTF-8, a character cut off at either end aside: a fragment may begin or end inside one."""
    bare = payload.lstrip(bytes(range(0x80, 0xC0)))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(bare)
    except UnicodeDecodeError:
        return False
    return len(payload) - len(bare) < 4


def cut_bytes(data: bytes, lang: str, limit: int = MAX_CELLS) -> str:
    """The beginning of some bytes in hexadecimal, and how many were left out."""
    rest = len(data) - limit
    return data[:limit].hex(" ") + (f" {say('wire_more', count=rest).in_(lang)}" if rest > 0 else "")


def characters(payload: bytes) -> list[tuple[str, bytes]]:
    """Each character with its bytes (RFC 3629); a byte that is no UTF-8 stands alone, without a character."""
    text = payload.decode("utf-8", "surrogateescape")
    return [("", bytes([ord(c) - 0xDC00])) if "\udc80" <= c <= "\udcff" else (c, c.encode()) for c in text]


def glyph(c: str) -> str:
    """A character that can be seen standing alone: a mark gets a place to sit, a space a sign."""
    if c == " ":
        return "␣"
    return "◌" + c if unicodedata.category(c or " ") in ("Mn", "Me", "Mc") else spelt(c)
