"""Every message of `chatkit.v1`, one class each: who reads this file knows the protocol. Both sides use it.

One JSON object per text message, `type` first. A field that this version does not know is left alone, wherever it
stands. A type that it does not know is refused by the server and passed over by a client.
"""

import secrets
from typing import Annotated, Any, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from chatkit.errors import BadMessage
from chatkit.events import Event, Who
from chatkit.limits import LIMITS
from chatkit.spelling import check_text, is_unicode, parse_object

SUBPROTOCOL = "chatkit.v1"

MessageId = Annotated[str, Meta(min_length=1, max_length=LIMITS.id, pattern="^[^\0]*$")]


class Message(Struct, omit_defaults=True, tag_field="type", tag=str.lower):
    """What all messages are. The class's name in small letters is the `type` on the wire."""


# What a client says


class Hello(Message):
    """Comes first, and again with another `name`. after: the last number that the client knows; none for a newcomer.

    me: the secret that an earlier welcome gave; epoch: the log that `after` belongs to; token: where one is asked for.
    """

    name: str | None = None
    me: str | None = None
    epoch: str | None = None
    after: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    token: str | None = None


class Send(Message):
    """A text for everybody in the room, under an id that its sender chose and keeps when it sends it again."""

    id: MessageId
    text: str


# What the server says


class Welcome(Message):
    """All that a client needs to go on: who it is, where the log stands, who is here, what the limits are.

    you: its public id; me: its secret; resumed: what it shows and what follows are one piece of the log.
    """

    you: str
    me: str
    name: str
    room: str
    epoch: str
    head: int
    oldest: int
    resumed: bool
    members: list[Who]
    limits: dict[str, Any] = {}


class Ack(Message):
    """The message is in the log, under this number."""

    id: str
    seq: int


class Nack(Message):
    """Why a message was not taken, in both languages; without `retry_ms` there is no use in trying again."""

    code: str
    message: dict[str, str] = {}
    id: str = ""
    retry_ms: int | None = None


class Msg(Message):
    """A text, numbered. The same bytes for every reader: its author knows it by the id."""

    seq: int
    id: str
    author: str = field(name="from")
    name: str
    ts: float
    text: str


class Notice(Msg):
    """The operator's words, numbered like a message."""


class Joined(Message):
    """Who is here has changed; no number, not kept."""

    who: Who


class Left(Joined):
    """Somebody is gone."""


class Renamed(Joined):
    """Somebody has another name from now on."""


class Presence(Message):
    """The same in a large room: how many are here, and some of the names that came and went."""

    count: int
    joined: list[Who] = []
    left: list[Who] = []


class Beat(Message):
    """A sign of life; a client behind `head` has missed something."""

    head: int


FROM_CLIENT = msgspec.json.Decoder(Hello | Send)
FromServer = Welcome | Ack | Nack | Msg | Notice | Joined | Left | Renamed | Presence | Beat
FROM_SERVER = msgspec.json.Decoder(FromServer)
KNOWN = frozenset(kind.__name__.lower() for kind in get_args(FromServer))
EXPECTED = {"id": f"string (1–{LIMITS.id})", "after": "integer ≥ 0"}  # of the other fields: a string

encode = msgspec.json.Encoder().encode  # UTF-8, as it goes into a frame


def new_id() -> str:
    """128 random bits: a counter would be used again after a crash."""
    return secrets.token_hex(16)


# The server's ear


def decode(text: str, is_greeted: bool = True) -> Hello | Send:
    """The command in a client's message; BadMessage where it is none, or is over the limits.

    is_greeted: hello was said before; until then nothing else is taken.
    """
    fields = parse_object(text)
    try:
        command = FROM_CLIENT.decode(text)
        if not is_greeted and isinstance(command, Send):
            raise ValueError("hello comes first")
        return Send(command.id, check_text(command.text)) if isinstance(command, Send) else command
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise wrong(fields, str(error), is_greeted) from None
    except BadMessage as error:
        error.id = fields["id"]
        raise


def wrong(fields: dict[str, Any], error: str, is_greeted: bool) -> BadMessage:
    """Which field of a message is wrong, and under which id its sender will know it again."""
    id, type = fields.get("id"), fields.get("type")
    id = id if isinstance(id, str) and 0 < len(id) <= LIMITS.id and "\0" not in id and is_unicode(id) else ""
    if type != "hello" and not is_greeted:
        return BadMessage("hello_first", id=id)
    if type not in ("hello", "send"):
        return BadMessage("unknown_type", id=id, type=str(type)[: LIMITS.id])
    # JSON lets half of a surrogate pair (`"\\ud800"`) into a string, and msgspec does not say into which.
    halves = (name for name, value in fields.items() if isinstance(value, str) and not is_unicode(value))
    name = (error.partition("`$.")[2] or error.partition("field `")[2]).rstrip("`") or next(halves, "")
    if name in ("text", "name") and isinstance(fields.get(name), str):
        return BadMessage(f"bad_{name}", id=id)
    return BadMessage("bad_field", id=id, field=name, expected=EXPECTED.get(name, "string"))


# A client's ear


class Unknown(Struct):
    """A message of a type that this version does not know; where it has a number, that number is taken."""

    seq: int | None = None


def hear(text: str) -> FromServer | Unknown:
    """The server's message; BadMessage where it cannot be read."""
    try:
        message: FromServer = FROM_SERVER.decode(text)
        return message
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        fields = parse_object(text)
    type, seq = fields.get("type"), fields.get("seq")
    if not isinstance(type, str) or type in KNOWN:
        raise BadMessage("bad_json")
    return Unknown(seq if isinstance(seq, int) else None)


# Events and messages


def message_of(event: Event) -> Message:
    """The message that tells an event."""
    who, kind = event.who, KINDS[event.type]
    if issubclass(kind, Joined):
        return kind(who)
    return kind(event.seq, event.id, who.id, who.name, round(event.ts, 3), event.text)


KINDS: dict[str, type[Msg | Joined]] = {k.__name__.lower(): k for k in (Msg, Notice, Joined, Left, Renamed)}


def event_of(message: Msg | Joined, room: str) -> Event:
    """The event that a message tells."""
    kind = type(message).__name__.lower()
    if isinstance(message, Joined):
        return Event(kind, message.who, room)
    return Event(kind, Who(message.author, message.name), room, message.seq, message.id, message.ts, message.text)


def nack_of(error: BadMessage) -> Nack:
    """A refusal as the wire carries it."""
    return Nack(error.code, error.said.each(), error.id, error.retry_ms)
