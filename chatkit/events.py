"""What happens in a chat, the limits it keeps, and the errors it raises. Nothing here knows a socket.

ChatError
├── BadMessage       what a client sent is not acceptable (`code` says why)
│   ├── BadText      … because of its text
│   └── BadName      … because of its name
├── LogUnavailable   the log cannot take messages just now
├── PortTaken        somebody else listens on that port
├── BadAddress       that is no WebSocket address
├── NoServer         nobody answers at that address
├── NoDialect        somebody answers, but not in the dialect asked for
└── Refused          the server answered, and said no
"""

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from chatkit.texts import both, say

__all__ = [
    "BadAddress",
    "BadMessage",
    "BadName",
    "BadText",
    "ChatError",
    "Event",
    "LogUnavailable",
    "NoDialect",
    "NoServer",
    "PortTaken",
    "Refused",
    "Who",
    "check_text",
    "clean_line",
    "clean_name",
    "cut_reason",
    "default_port",
    "visible",
]

# The limits, each with its unit. A client reads them in `welcome.limits`.
MAX_BYTES = 16 * 1024  # one message on the wire, bytes
MAX_TEXT = 4_000  # one text, code points
MAX_NAME = 32  # one name, code points after normalising
MAX_ID = 128  # one message id, code points
BURST = 10  # messages a client may send at once …
RATE = 2.0  # … and then each second
FLOOD = 500  # refused messages until a client is put out (1008)
MAX_UNREAD = 256 * 1024  # output that a client has not read yet, bytes
MAX_CLIENTS = 2_000
HELLO_TIMEOUT = 5.0  # seconds to say hello where a token is asked for
HISTORY = 10_000  # messages kept in a room
RECENT = 50  # messages shown to a newcomer
BEAT = 15.0  # seconds between two beats
SILENCE = 45.0  # seconds without any frame, then a client reconnects

DEFAULT_PORT = 8765
NOBODY = "Someone"  # the name of a client that gave none
RESERVED = frozenset({"server", "teacher", "ครู"})
MAX_MARKS = 4  # combining marks in a row; Thai needs two


# Refusals that end the connection: the nack's word and the close code that follows it (RFC 6455, 7.4).
CLOSE_CODES = {"binary": 1003, "flood": 1008, "replaced": 4001, "token": 4401}


class ChatError(Exception):
    """The root of the kit's errors. Parts are stored; the sentence is built when somebody reads it."""

    key = ""

    def __init__(self, **parts: object) -> None:
        super().__init__(parts)
        self.parts = parts

    def sentence(self, lang: str = "both") -> str:
        """What is wrong and what to do, in "en", "th" or "both"."""
        return say(self.key, lang, **self.parts)

    def __str__(self) -> str:
        return self.sentence("en")


class BadMessage(ChatError):
    """A message was refused.

    code:     the word that stands in the nack.
    id:       the message's id, "" where the message had none that could be read.
    retry_ms: when to try again, milliseconds; None means never.
    """

    def __init__(self, code: str, *, id: str = "", retry_ms: int | None = None, **parts: object) -> None:
        super().__init__(**parts)
        self.code, self.id, self.retry_ms = code, id, retry_ms
        self.key = f"nack_{code}"

    def message(self) -> dict[str, str]:
        """The sentence in both languages, as a nack carries it."""
        return both(self.key, **self.parts)


class BadText(BadMessage):
    """A text was refused."""


class BadName(BadMessage):
    """A name was refused."""


class LogUnavailable(ChatError):
    """The log is locked, full or read-only: no number, no ack, no broadcast. `path`: it could not even be opened."""

    def __init__(self, path: str = "", reason: str = "") -> None:
        self.key = "error_log_open" if path else "error_log"
        super().__init__(path=path, reason=reason)


class PortTaken(ChatError):
    """Somebody else listens on `port`; `free` is the next one that nobody uses."""

    key = "error_port_taken"

    def __init__(self, port: int, free: int) -> None:
        super().__init__(port=port, free=free)
        self.port, self.free = port, free


class BadAddress(ChatError):
    """`uri` is no WebSocket address (RFC 6455, 3)."""

    key = "error_bad_uri"

    def __init__(self, uri: str) -> None:
        super().__init__(uri=visible(uri))


class NoServer(ChatError):
    """Nobody answers at `uri`."""

    key = "error_no_server"

    def __init__(self, uri: str) -> None:
        super().__init__(uri=visible(uri))


class NoDialect(ChatError):
    """Whoever answers at `uri` does not speak `chatkit.v1`."""

    key = "error_no_dialect"

    def __init__(self, uri: str) -> None:
        super().__init__(uri=visible(uri))


class Refused(ChatError):
    """The server closed the door: `code` is an HTTP status (401, 403 …) or a close code (4001, 4401 …)."""

    def __init__(self, code: int, reason: str = "") -> None:
        self.code, self.reason = code, reason
        self.key = (
            f"error_refused_{code}" if code in (401, 403, 404, 503, 1000, 1008, 4001, 4003, 4401) else "error_refused"
        )
        super().__init__(code=code, reason=visible(reason))


@dataclass(frozen=True, slots=True)
class Who:
    """A person in a room: `id` is public and stays the same across reconnects, `name` is what others see."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a room.

    type: "msg" and "notice" are numbered and kept in the log; "joined", "left" and "renamed" have no number.
        On a client also "reset" (what was shown before is no longer the room's truth) and "line" (plain dialect).
    seq:  the number in the room: 1, 2, 3 … without gaps; 0 where there is none.
    id:   chosen by the sender, the same on every try to send the message.
    ts:   when the server numbered it, seconds since 1970.
    """

    type: str
    who: Who
    room: str = "lobby"
    seq: int = 0
    id: str = ""
    ts: float = 0.0
    text: str = ""


SERVER = Who("server", "Server")


def default_port() -> int:
    """Where serve() listens and connect() goes when nobody says: 8765, or $CHATKIT_PORT."""
    return int(os.environ.get("CHATKIT_PORT", DEFAULT_PORT))


def check_text(text: str) -> str:
    """The text as it will be kept; BadText where it is too long, or no text at all (NUL, half a surrogate pair)."""
    if len(text) > MAX_TEXT:
        raise BadText("too_long", limit=MAX_TEXT, length=len(text))
    if "\0" in text or not is_unicode(text):
        raise BadText("bad_text")
    return trim_marks(text)


def clean_name(raw: str) -> str:
    """A person's name as others will see it; BadName where it is blank, too long or reserved."""
    name = clean_line(raw)
    if name.casefold() in RESERVED:
        raise BadName("reserved_name", name=name)
    return name


def clean_line(raw: str) -> str:
    """The name of a person or a room: NFC, one line, nothing invisible. BadName where nothing is left, or too much."""
    if not is_unicode(raw):
        raise BadName("bad_name")
    shown = "".join(c for c in raw if not is_invisible(c))
    name = trim_marks(unicodedata.normalize("NFC", " ".join(shown.split())))
    if not name:
        raise BadName("blank_name")
    if len(name) > MAX_NAME:
        raise BadName("long_name", limit=MAX_NAME, length=len(name))
    return name


def is_unicode(text: str) -> bool:
    """Whether the text can be written as UTF-8: JSON lets half of a surrogate pair (`"\\ud800"`) into a str."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# Letters and marks that show nothing: two names that differ only in these would look the same.
BLANKS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def is_invisible(c: str) -> bool:
    """Whether a character of a name shows nothing: control, format (bidi, zero width), private, or a blank letter."""
    return (unicodedata.category(c) in ("Cc", "Cf", "Co", "Zl", "Zp") and not c.isspace()) or bool(BLANKS.match(c))


def trim_marks(text: str) -> str:
    """The text with at most four combining marks in a row (UTS #39, 5.4): no letter towers over its neighbours."""
    return text if text.isascii() else "".join(without_towers(text))


def without_towers(text: str) -> Iterator[str]:
    marks = 0
    for c in text:
        marks = marks + 1 if unicodedata.category(c) in ("Mn", "Me") else 0
        if marks <= MAX_MARKS:
            yield c


# C0, DEL, C1, what turns the writing direction of everything that follows it, and halves of surrogate pairs.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """The text for a terminal or a log record: one line, every control character spelt out (`\\x1b`)."""
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def cut_reason(reason: str) -> str:
    """A close reason in at most 123 bytes, cut between characters: a control frame holds 125 (RFC 6455, 5.5)."""
    return reason.encode()[:123].decode(errors="ignore")
