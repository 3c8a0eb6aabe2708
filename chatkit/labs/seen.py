"""What a lab sees of a client: plain facts about the wire, fed in from outside. Nothing here knows a socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qs, urlsplit

__all__ = ["Closed", "GaveUp", "Message", "Opened", "Ping", "Refused", "Seen", "Try"]


@dataclass(frozen=True)
class Try:
    """A request line and its headers (RFC 6455, 4.1). time: seconds since 1970; headers: names in small letters."""

    time: float
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def query(self) -> dict[str, str]:
        """The fields behind the `?`, decoded; of equal ones the first."""
        fields = parse_qs(self.target.partition("?")[2], keep_blank_values=True)
        return {key: values[0] for key, values in fields.items()}

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """A header's value; None where it was not sent."""
        return self.headers.get(name.lower())

    @property
    def host(self) -> str:
        """The name in `Host: name:port`, in small letters (RFC 9110, 7.2)."""
        return urlsplit(f"//{self.header('host') or ''}").hostname or ""

    @property
    def offered(self) -> list[str]:
        """The subprotocols that the client offers (RFC 6455, 1.9)."""
        value = self.header("sec-websocket-protocol") or ""
        return [each.strip() for each in value.split(",") if each.strip()]


@dataclass(frozen=True)
class Opened(Try):
    """A handshake that was answered with 101. connection: its number; accept: what the server answered to the key."""

    connection: int = 0
    subprotocol: str | None = None
    accept: str = ""


@dataclass(frozen=True)
class Refused(Try):
    """A handshake that was answered with an HTTP status of 400 or more."""

    status: int = 0


@dataclass(frozen=True)
class GaveUp(Try):
    """A client that went away before its handshake was answered, after `waited` seconds."""

    waited: float = 0.0


@dataclass(frozen=True)
class Message:
    """A whole message (RFC 6455, 5.6): text is str, binary is bytes."""

    time: float
    connection: int
    payload: str | bytes

    @property
    def size(self) -> int:
        """Bytes of payload on the wire."""
        return len(self.payload.encode() if isinstance(self.payload, str) else self.payload)

    @property
    def text(self) -> str | None:
        """The text; None for a binary message."""
        return self.payload if isinstance(self.payload, str) else None


@dataclass(frozen=True)
class Ping:
    """A ping that the client sent (RFC 6455, 5.5.2); websockets has already answered it. size: bytes of payload."""

    time: float
    connection: int
    size: int


@dataclass(frozen=True)
class Closed:
    """The end of a connection (RFC 6455, 7.1.5).

    received: the code in the client's close frame, 1005 for a frame without one, 1006 where none came.
    sent:     the code in the server's own close frame, None where it sent none.
    """

    time: float
    connection: int
    received: int
    sent: int | None = None


Seen = Opened | Refused | GaveUp | Message | Ping | Closed
