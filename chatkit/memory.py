"""What one reader remembers of a room. Nothing in this file awaits, and nothing in it knows a socket: the hub's mirror.

A message of the server goes in, what is to be shown comes out. With the epoch of the log, the last number shown and
the outbox, it can lose the connection at any moment: hello says where to go on, and what nobody has acknowledged goes
out again under the same id.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import UNSET

from chatkit import messages
from chatkit.errors import BadText, ChatError, Refused, Rejected
from chatkit.events import NOBODY, SERVER, Event, Who
from chatkit.limits import CLOSE_CODES, LIMITS
from chatkit.messages import Hello, Send, encode, event_of, new_id
from chatkit.spelling import check_text, cut_name, heard_sentence, plain_lines
from chatkit.texts import Sentence

Outcome = int | ChatError  # of a text: its number, or why it has none


class Gap(Exception):
    """A number is missing: only the log can tell what it was, so connect again and ask."""


@dataclass(slots=True)
class Unsent:
    """A text in the outbox, until the server has answered for it."""

    id: str
    text: str
    settle: Callable[[Outcome], None]


class Memory:
    """Where one reader stands in one room.

    name, you, room: as the server knows us. members: who is here, by id; count: how many, in a large room more.
    last: the last number shown, None before the first; epoch: the log it belongs to.
    pause: seconds that the server asked us to wait before the next text.
    """

    subprotocol: str | None = messages.SUBPROTOCOL

    def __init__(self, name: str | None = None, token: str | None = None, after: int | None = None) -> None:
        self.asked_name, self.token, self.last = name, token, after
        self.name, self.you, self.room = name or NOBODY, "", "lobby"
        self.me: str | None = None
        self.epoch: str | None = None
        self.members: dict[str, Who] = {}
        self.count = 0
        self.outbox: deque[Unsent] = deque()
        self.is_open = False  # the welcome has come
        self.is_in_flight = False  # the first of the outbox is on its way
        self.pause = 0.0

    # What we say

    def hello(self) -> str | None:
        """The first message of a connection: who we are, and after which number to go on."""
        hello = Hello(self.asked_name, self.me, self.epoch, UNSET if self.last is None else self.last, self.token)
        return encode(hello).decode()

    def write(self, text: str, settle: Callable[[Outcome], None]) -> Unsent:
        """Put a text into the outbox; BadText where it is over the limits: there it would be refused for ever."""
        unsent = Unsent(new_id(), check_text(text), settle)
        size = len(self.wire_form(unsent).encode())
        if size > LIMITS.message_bytes:
            raise BadText("too_big", limit=LIMITS.message_bytes, size=size)
        self.outbox.append(unsent)
        return unsent

    def next(self) -> str | None:
        """What goes out now: one text at a time, so their order is kept; None while nothing may."""
        if not self.is_open or self.is_in_flight or not self.outbox:
            return None
        self.is_in_flight = True
        return self.wire_form(self.outbox[0])

    def wire_form(self, unsent: Unsent) -> str:
        return encode(Send(unsent.id, unsent.text)).decode()

    def answer(self, outcome: Outcome) -> None:
        """The first of the outbox has its number, or was refused for good."""
        self.is_in_flight = False
        self.outbox.popleft().settle(outcome)

    def hang_up(self, code: int = 1006, reason: str = "") -> Refused:
        """The connection is gone, with this close code (RFC 6455, 7.4); what was on its way has no answer."""
        if code == 1009 and self.is_in_flight:  # it would close every connection that carries it
            self.answer(BadText("too_big", limit=LIMITS.message_bytes, size=LIMITS.message_bytes + 1))
        self.is_open = self.is_in_flight = False
        self.pause = 0.0
        return Refused(code, reason)

    # What we hear

    def hear(self, text: str) -> list[Event]:
        """What to show of one message. Raises Gap, Refused, Rejected, and BadMessage for what is no message at all."""
        match messages.hear(text):
            case messages.Msg() as message:
                return self.numbered(message)
            case messages.Joined() as message:
                return self.presence(event_of(message, self.room))
            case messages.Presence() as message:
                return self.crowd(message)
            case messages.Welcome() as message:
                return self.welcome(message)
            case messages.Ack(id, seq) if self.is_answer(id):
                self.answer(seq)
            case messages.Nack() as message:
                self.refused(message)
            case messages.Beat(head) if self.last is not None and head > self.last:
                raise Gap
            case messages.Unknown(int(seq)):
                self.is_new(seq)
        return []

    def welcome(self, message: messages.Welcome) -> list[Event]:
        """We are in. Where the log cannot go on after our last number, what was shown is void."""
        is_void = not message.resumed and self.last is not None
        if is_void:
            self.last = None
        if self.last is None and message.head == 0:
            self.last = 0  # whoever saw an empty room has seen all of it: the next time it is no newcomer
        self.epoch, self.me, self.you = message.epoch, message.me, message.you
        self.name, self.room = cut_name(message.name), cut_name(message.room)
        self.members = {who.id: Who(who.id, cut_name(who.name)) for who in message.members}
        self.count, self.is_open = len(self.members), True
        return [Event("reset", SERVER, self.room)] if is_void else []

    def numbered(self, message: messages.Msg) -> list[Event]:
        """Each number once, in order. Our own text under its number is an answer as good as the ack."""
        is_new = self.is_new(message.seq)
        if message.author == self.you and self.is_answer(message.id):
            self.answer(message.seq)
        message.name, message.text = cut_name(message.name), message.text[: LIMITS.text]
        return [event_of(message, self.room)] if is_new else []

    def is_new(self, seq: int) -> bool:
        """Take a number; a missing one before it means to connect again and ask for it."""
        if self.last is not None and seq > self.last + 1:
            raise Gap
        is_new = self.last is None or seq > self.last
        self.last = seq if is_new else self.last
        return is_new

    def presence(self, event: Event) -> list[Event]:
        who, was_here = Who(event.who.id, cut_name(event.who.name)), event.who.id in self.members
        if event.type == "left":
            self.members.pop(who.id, None)
            self.count -= was_here or self.count > len(self.members)  # in a large room we know some of the names only
        else:
            self.members[who.id] = who
            self.count += not was_here
        if who.id == self.you:
            self.name = who.name
        return [Event(event.type, who, self.room)]

    def crowd(self, message: messages.Presence) -> list[Event]:
        """A large room: some of the names that came and went, and how many are here."""
        changes = [Event("joined", who, self.room) for who in message.joined if who.id != self.you]
        changes += [Event("left", who, self.room) for who in message.left if who.id != self.you]
        shown = [event for change in changes for event in self.presence(change)]
        self.count = message.count
        return shown

    def is_answer(self, id: str) -> bool:
        return bool(self.outbox) and self.outbox[0].id == id

    def refused(self, message: messages.Nack) -> None:
        """A nack: try again later, give the text up, or give the connection up."""
        rejected = Rejected(
            message.code, heard_sentence(message.message, message.code), id=message.id, retry_ms=message.retry_ms
        )
        if message.code in CLOSE_CODES:
            raise Refused(CLOSE_CODES[message.code].code)
        if not self.is_open or (not message.id and message.retry_ms is not None):
            raise rejected
        # One text is in flight at a time, so a nack without an id is about that one.
        if self.is_answer(message.id) or (self.is_in_flight and not message.id):
            if message.retry_ms is None:
                self.answer(rejected)
            else:
                self.is_in_flight, self.pause = False, message.retry_ms / 1000


class PlainMemory(Memory):
    """The same in the plain dialect: live only. A text whose echo was lost with the line may arrive twice."""

    subprotocol = None

    def hello(self) -> None:
        """Nothing to say first: name and token stand in the address, and whoever is connected is in."""
        self.is_open = True

    def wire_form(self, unsent: Unsent) -> str:
        return unsent.text

    def hear(self, text: str) -> list[Event]:
        """A line; our own words coming back are the receipt, a warning sign is a refusal."""
        if self.is_in_flight and text == f"You said: {plain_lines(self.outbox[0].text)}":
            self.answer(0)
        elif self.is_in_flight and text.startswith("⚠️ "):
            self.answer(Rejected("plain", Sentence(text, text)))
        return [Event("line", SERVER, self.room, text=text)]
