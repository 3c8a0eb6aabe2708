"""The opening handshake: one HTTP request, one HTTP response, then no HTTP any more (RFC 6455, sections 1.3 and 4)."""

import base64
import hashlib
from dataclasses import dataclass

from chatkit.texts import visible
from chatkit.wire.frames import WireError

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # the same for everybody, for ever (RFC 6455, 1.3)


@dataclass(frozen=True)
class Head:
    """The head of an HTTP request or response: a start line, then `name: value` lines (RFC 6455, 1.3)."""

    start: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes

    def get(self, name: str) -> str | None:
        """The first header of that name, upper and lower case alike (RFC 6455, 4.1); None where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def status(self) -> int | None:
        """A response's status, 101 where the protocol was switched (RFC 6455, 4.2.2); None for a request."""
        words = self.start.split()
        return int(words[1]) if words[0].startswith("HTTP/") and len(words) > 1 and words[1].isdecimal() else None


def parse_head(data: bytes) -> tuple[Head | None, bytes]:
    """The HTTP head at the start of `data` and the bytes after its empty line (RFC 6455, 4.1 and 4.2.2).

    `(None, data)` means: the empty line has not come yet. WireError where a line is no header.
    """
    head, blank, rest = data.partition(b"\r\n\r\n")
    if not blank:
        return None, data
    start, *lines = head.decode("latin-1").split("\r\n")
    if not start.strip():
        raise WireError("head", "4.1", line=visible(start))
    return Head(start, tuple(parse_header(line) for line in lines), head + blank), rest


def parse_header(line: str) -> tuple[str, str]:
    """`Upgrade: websocket` as its two halves (RFC 9112, 5); WireError where there is no colon."""
    name, colon, value = line.partition(":")
    if not colon:
        raise WireError("head", "4.1", line=visible(line[:100]))
    return name, value.strip()


def accept_key(key: str) -> str:
    """What a server must answer to `Sec-WebSocket-Key` (RFC 6455, 1.3 and 4.2.2): Base64 of SHA-1 of key + GUID.

    No password, no secret: it proves that the other side speaks WebSocket and did not just answer any HTTP.
    """
    return base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()
