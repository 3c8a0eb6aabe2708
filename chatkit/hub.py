"""Who is in which room, and who hears what. Nothing in this file awaits, and nothing in it knows a socket.

What arrives is collected; once in a turn of the event loop all of it is numbered in one transaction and told to
everybody. As nothing awaits between reading state and writing it, there are no locks and no half-states.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chatkit.dialects import JSON, LIMITS, PLAIN, Dialect, Hello, Send, new_id
from chatkit.events import (
    BURST,
    FLOOD,
    MAX_NAME,
    NOBODY,
    RECENT,
    SERVER,
    BadMessage,
    Event,
    LogUnavailable,
    Who,
)
from chatkit.log import Log

__all__ = ["Bucket", "Deliver", "Hub", "Member", "Reader", "Room", "public_id"]

LOG_RETRY_MS = 1000  # when to try again a message that the log could not take


class Reader(Protocol):
    """What the hub knows of a connection: texts go to it through `deliver`, and it can be closed."""

    def close(self, error: BadMessage) -> None: ...


Deliver = Callable[[Collection[Reader], Sequence[str]], None]


class Bucket:
    """How often somebody may speak: `burst` messages at once, then `rate` a second; a rate of 0 means always."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self.clock = rate, max(BURST, rate), clock
        self.tokens, self.since = float(self.burst), clock()

    def wait(self) -> float:
        """Take one token; 0.0 if there was one, else the seconds until there is."""
        if not self.rate:
            return 0.0
        now = self.clock()
        self.tokens = min(self.burst, self.tokens + (now - self.since) * self.rate)
        self.since = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return 0.0


@dataclass(eq=False, slots=True)
class Member:
    """One connection in one room. `refused`: messages that came too fast, less 10 for each that came in time."""

    who: Who
    room: str
    dialect: Dialect
    reader: Reader
    bucket: Bucket
    refused: int = 0


@dataclass(slots=True)
class Room:
    """Who is here (presence), and who of them hears live; the others are still reading what they missed."""

    members: dict[str, Member] = field(default_factory=dict)
    live: dict[Dialect, dict[Member, Reader]] = field(default_factory=lambda: {PLAIN: {}, JSON: {}})


class Hub:
    """The chat itself.

    log:       gives the numbers.
    deliver:   hands texts to readers (the fan-out).
    call_soon: runs a function in the next turn of the event loop.
    limits:    what `welcome` says of them; its `rate` is kept here.
    on_event:  is told everything that happens; nothing that it does can stop a turn.
    """

    def __init__(
        self,
        log: Log,
        deliver: Deliver,
        call_soon: Callable[..., object],
        limits: dict[str, float] = LIMITS,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.log, self.deliver, self.call_soon = log, deliver, call_soon
        self.limits, self.on_event = limits, on_event
        self.rooms: dict[str, Room] = {}
        self.arrivals: list[tuple[Member, Event]] = []

    # Coming and going

    def join_plain(self, reader: Reader, room: str, name: str) -> Member:
        """A plain client hears everything from now on."""
        member = self.enter(PLAIN, reader, room, public_id(secrets.token_hex(16)), name)
        self.rooms[room].live[PLAIN][member] = reader
        return member

    def join_json(self, reader: Reader, room: str, name: str, hello: Hello) -> tuple[Member, int]:
        """Welcome a json client. Returns it with the number after which its replay begins."""
        me = hello.me if hello.me and len(hello.me) >= 16 else secrets.token_hex(16)
        oldest, head = self.log.bounds(room)
        resumed, after = self.resume(hello, oldest, head)
        member = self.enter(JSON, reader, room, public_id(me), name)
        members = [other.who for other in self.rooms[room].members.values()]
        welcome = JSON.welcome(member.who, me, room, self.log.epoch, head, oldest, resumed, members, self.limits)
        self.deliver([reader], [welcome])
        return member, after

    def resume(self, hello: Hello, oldest: int, head: int) -> tuple[bool, int]:
        """Whether the log can go on where the client stands, and after which number it goes on."""
        if hello.after is None:
            return False, max(oldest - 1, head - RECENT)
        if hello.epoch in (None, self.log.epoch) and oldest - 1 <= hello.after <= head:
            return True, hello.after
        return False, oldest - 1

    def enter(self, dialect: Dialect, reader: Reader, room: str, id: str, name: str) -> Member:
        """Put somebody into a room; whoever is there under the same secret goes, without a word to the others."""
        members = self.rooms.setdefault(room, Room()).members
        replaced = members.get(id)
        if replaced:
            self.forget(replaced)
            replaced.reader.close(BadMessage("replaced"))
        member = Member(Who(id, self.free_name(room, id, name)), room, dialect, reader, Bucket(self.limits["rate"]))
        self.rooms.setdefault(room, Room()).members[id] = member
        if not replaced:
            self.announce(Event("joined", member.who, room), besides=member)
        elif replaced.who != member.who:
            self.announce(Event("renamed", member.who, room), besides=member)
        return member

    def replay(self, member: Member, after: int) -> int | None:
        """Tell a member the next page after a number, and return the last number told.

        None: that was all. The last page and hearing live are one step, so nothing can fall between them.
        """
        page = self.log.read(member.room, after)
        self.deliver([member.reader], encode_all(member.dialect, page))
        if page and page[-1].seq < self.log.bounds(member.room)[1]:
            return page[-1].seq
        if self.is_here(member):
            self.rooms[member.room].live[member.dialect][member] = member.reader
        return None

    def rename(self, member: Member, name: str) -> None:
        """Another hello on the same connection changes the name."""
        renamed = Who(member.who.id, self.free_name(member.room, member.who.id, name))
        if renamed != member.who:
            member.who = renamed
            self.announce(Event("renamed", renamed, member.room))

    def leave(self, member: Member) -> None:
        """Somebody is gone; one who was replaced has left already."""
        if self.forget(member):
            self.announce(Event("left", member.who, member.room))

    def forget(self, member: Member) -> bool:
        if not self.is_here(member):
            return False
        room = self.rooms[member.room]
        del room.members[member.who.id]
        room.live[member.dialect].pop(member, None)
        if not room.members:
            del self.rooms[member.room]
        return True

    def is_here(self, member: Member) -> bool:
        return member.room in self.rooms and self.rooms[member.room].members.get(member.who.id) is member

    def free_name(self, room: str, id: str, name: str) -> str:
        """The name, with a number where somebody else in the room has it (`Mali·2`)."""
        others = self.rooms[room].members.values() if room in self.rooms else ()
        taken = {other.who.name.casefold() for other in others if other.who.id != id}
        free, number = name, 1
        while free != NOBODY and free.casefold() in taken:
            number += 1
            free = f"{name[: MAX_NAME - len(f'·{number}')]}·{number}"
        return free

    # The turn

    def submit(self, member: Member, send: Send) -> None:
        """Take a message into the next turn; BadMessage where its author speaks too fast."""
        seconds = member.bucket.wait()
        if seconds:
            member.refused += 1
            if member.refused > FLOOD:
                raise BadMessage("flood", id=send.id)
            raise BadMessage("rate", id=send.id, retry_ms=int(seconds * 1000) + 1)
        member.refused = max(0, member.refused - BURST)
        if not self.arrivals:
            self.call_soon(self.turn)
        event = Event("msg", member.who, member.room, id=send.id, ts=time.time(), text=send.text)
        self.arrivals.append((member, event))

    def turn(self) -> None:
        """Number what arrived in one transaction, tell it to everybody, and acknowledge it to its authors."""
        arrivals, self.arrivals = self.arrivals, []
        if not arrivals:
            return
        try:
            kept = self.log.append([event for _, event in arrivals])
        except LogUnavailable:
            for author, event in arrivals:
                self.refuse(author, BadMessage("log", id=event.id, retry_ms=LOG_RETRY_MS))
            return
        new: dict[str, list[tuple[Member, Event]]] = {}
        for (author, _), (event, is_new) in zip(arrivals, kept, strict=True):
            if is_new:
                new.setdefault(event.room, []).append((author, event))
        for room, told in new.items():
            self.tell(room, told)
            self.report(event for _, event in told)
        for (author, _), (event, _) in zip(arrivals, kept, strict=True):
            self.acknowledge(author, event)

    def broadcast(self, text: str) -> None:
        """The operator's word to every room, at once; LogUnavailable where it could not be kept."""
        self.turn()  # what arrived before it goes first
        rooms = dict.fromkeys(["lobby", *self.rooms])
        notices = [Event("notice", SERVER, room, id=new_id(), ts=time.time(), text=text) for room in rooms]
        kept = [event for event, _ in self.log.append(notices)]
        for event in kept:
            self.tell(event.room, [(None, event)])
        self.report(kept[:1])  # it was said once, in however many rooms it stands

    def tell(self, room: str, told: Sequence[tuple[Member | None, Event]]) -> None:
        """Say numbered events to all who hear live. Encode once: 300 phones should not cost 300 json.dumps."""
        events = [event for _, event in told]
        live = self.rooms[room].live if room in self.rooms else Room().live
        if live[JSON]:
            self.deliver(live[JSON].values(), encode_all(JSON, events))
        plain = live[PLAIN]
        speakers = {author for author, _ in told if author in plain}
        if others := [reader for member, reader in plain.items() if member not in speakers]:
            self.deliver(others, encode_all(PLAIN, events))
        for speaker in speakers:
            lines = [PLAIN.encode(event, own=author is speaker) for author, event in told]
            self.deliver([speaker.reader], [line for line in lines if line])

    def announce(self, event: Event, besides: Member | None = None) -> None:
        """Tell who came, went or changed the name: no number, not kept."""
        room = self.rooms.get(event.room)
        others = [member for member in room.members.values() if member is not besides] if room else []
        for dialect in (PLAIN, JSON):
            readers = [member.reader for member in others if member.dialect is dialect]
            self.deliver(readers, encode_all(dialect, [event]))
        self.report([event])

    def acknowledge(self, author: Member, event: Event) -> None:
        """The author's receipt; an id that somebody else used before gets none, and shows nothing of the other text."""
        if event.who.id != author.who.id:
            self.refuse(author, BadMessage("dup", id=event.id))
        elif receipt := author.dialect.ack(event.id, event.seq):
            self.deliver([author.reader], [receipt])

    def refuse(self, author: Member, error: BadMessage) -> None:
        self.deliver([author.reader], [author.dialect.nack(error)])

    def report(self, events: Iterable[Event]) -> None:
        if self.on_event:
            for event in events:
                self.call_soon(self.on_event, event)  # later: an error in there must not stop a turn

    def beat(self) -> None:
        """A sign of life to every json client, with its room's head."""
        for name, room in self.rooms.items():
            self.deliver(room.live[JSON].values(), [JSON.beat(self.log.bounds(name)[1])])


def encode_all(dialect: Dialect, events: Iterable[Event]) -> list[str]:
    """The texts of the events that a dialect has a word for."""
    return [text for event in events if (text := dialect.encode(event))]


def public_id(secret: str) -> str:
    """The id that others see, made from the secret that only its owner has.

    So it is the same after a reconnect or a restart of the server, and the server keeps no list of people.
    """
    return "p" + hashlib.sha256(secret.encode()).hexdigest()[:12]
