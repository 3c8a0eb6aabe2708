"""Two dialects of one chat: what happens, as text messages and back.

The client picks one with the subprotocol (RFC 6455, 1.9): none offered is `Plain`, `chatkit.v1` is `Json`.
Nothing here knows a socket: a text comes in, a command goes out; an event comes in, a text goes out.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard
from urllib.parse import parse_qs, unquote

from chatkit import events
from chatkit.events import MAX_ID, BadMessage, BadName, Event, Who, check_text, clean_line, is_unicode, visible

__all__ = [
    "JSON",
    "LIMITS",
    "PLAIN",
    "Dialect",
    "Hello",
    "Json",
    "Plain",
    "Send",
    "dump",
    "event_of",
    "new_id",
    "parse_object",
    "room_of",
    "split_target",
]


@dataclass(frozen=True, slots=True)
class Hello:
    """What a json client says first. `after`: the last number it knows; None for a newcomer."""

    name: str | None = None
    me: str | None = None
    epoch: str | None = None
    after: int | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """A text for everybody in the room, under an id that its sender chose."""

    id: str
    text: str


class Dialect(Protocol):
    """What the hub asks of a dialect. None means: this dialect has no word for it."""

    def decode(self, message: str, is_greeted: bool = True) -> Hello | Send: ...
    def encode(self, event: Event, own: bool = False) -> str | None: ...
    def ack(self, id: str, seq: int) -> str | None: ...
    def nack(self, error: BadMessage) -> str: ...


class Plain:
    """The seed's own words, byte for byte."""

    def decode(self, message: str, is_greeted: bool = True) -> Send:
        """Every text is a message to the room; BadMessage where it is over the limits."""
        return Send(new_id(), check_text(message))

    def encode(self, event: Event, own: bool = False) -> str | None:
        """The line that a plain client reads; `own` for the one who said it."""
        if event.type == "msg":
            return f"You said: {event.text}" if own else f"{event.who.name} says: {event.text}"
        if event.type == "notice":
            return f"🟢 Server: {event.text}"
        return None

    def ack(self, id: str, seq: int) -> None:
        """`You said: …` is the only receipt of this dialect."""

    def nack(self, error: BadMessage) -> str:
        """One line that begins with a warning sign."""
        return f"⚠️ {error.sentence()}"


class Json:
    """`chatkit.v1`: one JSON object per text message, `type` first."""

    subprotocol = "chatkit.v1"

    def decode(self, message: str, is_greeted: bool = True) -> Hello | Send:
        """The command in a message; BadMessage where it is none. Fields that are not known are left alone.

        is_greeted: hello was said before; until then nothing else is taken.
        """
        fields = parse_object(message)
        kind = fields.get("type")
        if kind == "hello":
            return decode_hello(fields)
        if not is_greeted:
            raise BadMessage("hello_first", id=readable_id(fields))
        if kind == "send":
            return decode_send(fields)
        raise BadMessage("unknown_type", id=readable_id(fields), type=visible(str(kind)[:MAX_ID]))

    def encode(self, event: Event, own: bool = False) -> str:
        """The same text for every reader: the author knows its own message by the id."""
        if event.type in ("joined", "left", "renamed"):
            return dump({"type": event.type, "who": person(event.who)})
        return dump(
            {
                "type": event.type,
                "seq": event.seq,
                "id": event.id,
                "from": event.who.id,
                "name": event.who.name,
                "ts": round(event.ts, 3),
                "text": event.text,
            }
        )

    def ack(self, id: str, seq: int) -> str:
        """The message is in the log, under this number."""
        return dump({"type": "ack", "id": id, "seq": seq})

    def nack(self, error: BadMessage) -> str:
        """Why a message was not taken; without `retry_ms` there is no use in trying again."""
        about = {"id": error.id} if error.id else {}
        again = {} if error.retry_ms is None else {"retry_ms": error.retry_ms}
        return dump({"type": "nack", **about, "code": error.code, "message": error.message(), **again})

    def welcome(
        self,
        who: Who,
        me: str,
        room: str,
        epoch: str,
        head: int,
        oldest: int,
        resumed: bool,
        members: Iterable[Who],
        limits: dict[str, float],
    ) -> str:
        """All that a client needs to go on: who it is, where the log stands, who is here, what the limits are.

        me: its secret; resumed: what it shows and what follows are one piece of the log.
        """
        return dump(
            {
                "type": "welcome",
                "you": who.id,
                "me": me,
                "name": who.name,
                "room": room,
                "epoch": epoch,
                "head": head,
                "oldest": oldest,
                "resumed": resumed,
                "members": [person(member) for member in members],
                "limits": limits,
            }
        )

    def beat(self, head: int) -> str:
        """A sign of life; a client behind `head` has missed something."""
        return dump({"type": "beat", "head": head})


PLAIN, JSON = Plain(), Json()

# What a client may know beforehand; `welcome` sends it with the server's own rate, history and clients.
LIMITS: dict[str, float] = {
    "message_bytes": events.MAX_BYTES,
    "text": events.MAX_TEXT,
    "name": events.MAX_NAME,
    "id": events.MAX_ID,
    "burst": events.BURST,
    "rate": events.RATE,
    "unread_bytes": events.MAX_UNREAD,
    "clients": events.MAX_CLIENTS,
    "hello_seconds": events.HELLO_TIMEOUT,
    "history": events.HISTORY,
    "beat_seconds": events.BEAT,
}

dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def person(who: Who) -> dict[str, str]:
    return {"id": who.id, "name": who.name}


def new_id() -> str:
    """128 random bits: a counter would be used again after a crash."""
    return secrets.token_hex(16)


def parse_object(message: str) -> dict[str, Any]:
    """One JSON object, each key once; BadMessage for everything else."""
    try:
        fields = json.loads(message, parse_constant=refuse_constant, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError):  # no JSON, NaN, a number of 5,000 digits; brackets 100,000 deep
        raise BadMessage("bad_json") from None
    if not isinstance(fields, dict):
        raise BadMessage("bad_json")
    return fields


def refuse_constant(name: str) -> None:
    """NaN and Infinity are Python's own: no other language's parser would take them back."""
    raise ValueError(name)


def unique_keys(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of the pairs; ValueError where a key stands twice: two readers could read two different messages."""
    pairs = list(pairs)
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key stands twice")
    return fields


def is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and is_unicode(value)


def readable_id(fields: dict[str, Any]) -> str:
    """The message's id, "" where it has none that could be sent back."""
    id = fields.get("id")
    return id if is_text(id) and 0 < len(id) <= MAX_ID and "\0" not in id else ""


def decode_send(fields: dict[str, Any]) -> Send:
    id = readable_id(fields)
    if not id:
        raise BadMessage("bad_field", field="id", expected=f"string (1–{MAX_ID})")
    text = fields.get("text")
    if not isinstance(text, str):
        raise BadMessage("bad_field", id=id, field="text", expected="string")
    try:
        return Send(id, check_text(text))
    except BadMessage as error:
        error.id = id
        raise


def decode_hello(fields: dict[str, Any]) -> Hello:
    for field in ("name", "me", "epoch", "token"):
        if not is_text(fields.get(field) or ""):
            raise BadMessage("bad_field", field=field, expected="string")
    after = fields.get("after")
    if "after" in fields and (type(after) is not int or after < 0):  # True is an int, too
        raise BadMessage("bad_field", field="after", expected="integer ≥ 0")
    return Hello(fields.get("name"), fields.get("me"), fields.get("epoch"), after, fields.get("token"))


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """The path and the query of a request line (RFC 9112, 3.2), the query's values decoded."""
    path, _, query = target.partition("?")
    fields = parse_qs(query, keep_blank_values=True)
    return path, {key: values[0] for key, values in fields.items()}


def room_of(path: str) -> str | None:
    """The room at a path: `/` is the lobby, `/room/<name>` a room; None where there is none."""
    if path == "/":
        return "lobby"
    prefix, _, name = path.rpartition("/")
    try:
        return clean_line(unquote(name, errors="strict")) if prefix == "/room" else None
    except (BadName, UnicodeDecodeError):
        return None


def event_of(fields: dict[str, Any], room: str) -> Event:
    """The event in a server's message (`msg`, `notice`, `joined`, `left`, `renamed`); for clients."""
    if "who" in fields:
        return Event(fields["type"], Who(**fields["who"]), room)
    who = Who(fields["from"], fields["name"])
    return Event(fields["type"], who, room, fields["seq"], fields["id"], fields["ts"], fields["text"])
