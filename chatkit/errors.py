"""The errors that the kit raises.

ChatError
├── BadMessage       what a client sent is not acceptable (`code` says why)
│   ├── BadText      … because of its text
│   ├── BadName      … because of its name
│   └── Rejected     … in the words of the server that got it
├── LogUnavailable   the log cannot take messages just now
├── PortTaken        somebody else listens on that port
├── BadAddress       that is no WebSocket address
├── NoServer         nobody answers at that address
├── NoDialect        somebody answers, but not in the dialect asked for
├── Refused          the server answered, and said no
├── TurnedAway       this server refused a handshake
│   └── Throttled    … because of too many wrong tokens; a BadMessage, too
├── FewFiles         the system has no room for so many clients
└── NotOpen          connect() or serve() was not awaited
"""

from chatkit.limits import is_final
from chatkit.texts import Sentence, say


class ChatError(Exception):
    """The root of the kit's errors. Parts are stored; the sentence is built when somebody reads it."""

    key = ""
    is_final = False  # whether the next try to connect would end the same way

    def __init__(self, **parts: object) -> None:
        super().__init__(parts)
        self.parts = parts

    @property
    def said(self) -> Sentence:
        """What is wrong and what to do, in both languages."""
        return say(self.key, **self.parts)

    def sentence(self, lang: str = "both") -> str:
        """The same in "en", "th" or "both"."""
        return self.said.in_(lang)

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


class BadText(BadMessage):
    """A text was refused."""


class BadName(BadMessage):
    """A name was refused."""


class Rejected(BadMessage):
    """The server did not take a message, or us: `words` are its own."""

    def __init__(self, code: str, words: Sentence, *, id: str = "", retry_ms: int | None = None) -> None:
        super().__init__(code, id=id, retry_ms=retry_ms)
        self.words = words
        self.is_final = retry_ms is None

    @property
    def said(self) -> Sentence:
        return self.words


class LogUnavailable(ChatError):
    """The log cannot take messages: no number, no ack, no broadcast. `path`: the file, where it is about the file."""

    def __init__(self, path: str = "", reason: str = "", key: str = "") -> None:
        self.key = key or ("error_log_open" if path else "error_log")
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
        super().__init__(uri=uri)


class NoServer(ChatError):
    """Nobody answers at `uri`."""

    key = "error_no_server"

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class NoDialect(ChatError):
    """Whoever answers at `uri` does not speak `chatkit.v1`."""

    key = "error_no_dialect"

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class Refused(ChatError):
    """The server closed the door: `code` is an HTTP status (401, 403 …) or a close code (4001, 4401 …)."""

    def __init__(self, code: int, reason: str = "") -> None:
        self.code, self.reason, self.is_final = code, reason, is_final(code)
        self.key = (
            f"error_refused_{code}" if code in (401, 403, 404, 503, 1000, 1008, 4001, 4003, 4401) else "error_refused"
        )
        super().__init__(code=code, reason=reason)


class TurnedAway(ChatError):
    """This server refused a handshake: `who` (an address) got the HTTP `status`, and `why` in both languages."""

    key = "error_turned_away"

    def __init__(self, status: int, why: Sentence, who: str = "") -> None:
        self.status, self.why, self.who = status, why, who
        super().__init__(status=status, why=why, who=who)


class Throttled(BadMessage, TurnedAway):
    """So many wrong tokens came from this address that it has to wait `seconds`: in a handshake, or in hello."""

    def __init__(self, seconds: float) -> None:
        ChatError.__init__(self, seconds=int(seconds) + 1)  # not through both, which want different things
        self.code, self.key, self.id, self.retry_ms = "throttled", "nack_throttled", "", int(seconds * 1000) + 1
        self.status, self.why, self.who = 429, self.said, ""


class NotOpen(ChatError, AttributeError):
    """Something was asked of what `connect()` or `serve()` gave, before it was awaited."""

    key = "error_not_open"

    def __init__(self, verb: str, name: str) -> None:
        super().__init__(verb=verb, name=name)


class FewFiles(ChatError):
    """This system lets a program open so few files that only this many clients have room."""

    key = "error_few_files"

    def __init__(self, clients: int) -> None:
        super().__init__(clients=clients)
