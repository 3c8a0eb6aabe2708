"""Who is in which room, and who hears what. Nothing in this file awaits, and nothing in it knows a socket.

What arrives is collected; once in a turn of the event loop all of it is numbered in one transaction and told to
everybody. As nothing awaits between reading state and writing it, there are no locks and no half-states.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from msgspec import UNSET

from chatkit.dialects import JSON, PLAIN, Dialect
from chatkit.errors import BadMessage, ChatError, LogUnavailable
from chatkit.events import NOBODY, SERVER, Event, Who
from chatkit.fanout import Fanout, Frames, Outlet
from chatkit.limits import LIMITS, RECENT, Limits
from chatkit.log import Log
from chatkit.messages import Beat, Hello, Presence, Send, Welcome, encode, new_id

LOG_RETRY_MS = 1000  # when to try again a message that the log could not take
RENAME_SECONDS = 1.0  # a name may change this often
CROWD = 200  # people in a room; beyond that only the count and a few names of who came and went are told …
CROWD_SECONDS = 0.25  # … this often
CROWD_NAMES = 50  # … and this many
FULL_TURN = 64  # messages that do not wait for more
PAGES = 64  # pages of a replay that are kept, encoded, for the next who wants them


PutOut = Callable[[BadMessage], None]


class Scheduler(Protocol):
    """What the hub needs of an event loop."""

    def call_soon(self, callback: Callable[..., object], *args: object) -> object: ...
    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> object: ...
    def time(self) -> float: ...


@dataclass(eq=False, slots=True)
class Member:
    """One connection in one room.

    put_out: says why, and closes the connection. after: the last number that it was told while it catches up.
    renamed_until: when it may change its name again, in the loop's time.
    """

    who: Who
    room: str
    dialect: Dialect
    outlet: Outlet
    put_out: PutOut
    after: int = 0
    renamed_until: float = 0.0


@dataclass(slots=True)
class Room:
    """One room: who is here (presence), and who of them hears live; the others still read what they missed.

    names: whose each name is, in small letters.
    changes: who came, went or was renamed and is not told yet, each with the newcomer if it is one.
    quiet_until: a crowded room hears of its changes now and then only; the loop's time.
    """

    members: dict[str, Member] = field(default_factory=dict)
    live: dict[Dialect, dict[Member, Outlet]] = field(default_factory=lambda: {PLAIN: {}, JSON: {}})
    names: dict[str, str] = field(default_factory=dict)
    changes: list[tuple[Event, Member | None]] = field(default_factory=list)
    quiet_until: float = 0.0

    def free_name(self, id: str, name: str) -> str:
        """The name, with a number where somebody else in the room has it (`Mali·2`)."""
        free, number = name, 1
        while free != NOBODY and self.names.get(free.casefold(), id) != id:
            number += 1
            free = f"{name[: LIMITS.name - len(f'·{number}')]}·{number}"
        return free

    def add(self, member: Member) -> None:
        self.members[member.who.id] = member
        self.names[member.who.name.casefold()] = member.who.id

    def remove(self, member: Member) -> bool:
        """Whether it was here; one who was replaced is not."""
        if self.members.get(member.who.id) is not member:
            return False
        del self.members[member.who.id]
        self.live[member.dialect].pop(member, None)
        self.names.pop(member.who.name.casefold(), None)
        return True

    def rename(self, member: Member, name: str) -> None:
        self.names.pop(member.who.name.casefold(), None)
        member.who = Who(member.who.id, name)
        self.names[name.casefold()] = member.who.id

    def tell(self, told: Sequence[tuple[Member | None, Event]], fanout: Fanout) -> None:
        """Say numbered events to all who hear live. Encode once: 300 phones should not cost 300 encodings."""
        if self.live[JSON]:
            fanout.deliver(self.live[JSON].values(), Frames([JSON.encode(event) for _, event in told]))
        plain = self.live[PLAIN]
        speakers = {author for author, _ in told if author in plain}
        if others := [outlet for member, outlet in plain.items() if member not in speakers]:
            fanout.deliver(others, plain_frames((event, False) for _, event in told))
        for speaker in speakers:
            lines = plain_frames((event, author is speaker) for author, event in told)
            fanout.deliver([speaker.outlet], lines)

    def tell_changes(self, fanout: Fanout) -> None:
        """Say who came and went. A newcomer hears only what came after it: the rest stands in its welcome."""
        changes, self.changes = self.changes, []
        listeners = {each: each.outlet for each in self.members.values() if each.dialect is JSON}
        if len(self.members) > CROWD:
            fanout.deliver(listeners.values(), Frames([encode(summary(changes, len(self.members)))]))
            return
        texts = [JSON.encode(event) for event, _ in changes]
        for at, (_, newcomer) in enumerate(changes):
            if newcomer and listeners.pop(newcomer, None):
                fanout.deliver([newcomer.outlet], Frames(texts[at + 1 :]))
        fanout.deliver(listeners.values(), Frames(texts))


class Pages:
    """Pages of a replay, each encoded once for all who want it."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.kept: dict[tuple[str, int], tuple[Frames, int]] = {}

    def after(self, room: str, number: int) -> tuple[Frames, int, bool]:
        """The page after a number; its last number; whether more may follow."""
        if kept := self.kept.get((room, number)):
            return *kept, True
        events, is_full = self.log.read(room, number)
        frames, last = Frames([JSON.encode(event) for event in events]), events[-1].seq if events else number
        if is_full:  # nothing will ever be added to it
            self.kept[room, number] = frames, last
            if len(self.kept) > PAGES:
                del self.kept[next(iter(self.kept))]  # the one that was made first
        return frames, last, is_full


class Operator:
    """Who runs the server, and what is said to them. Later, from the loop: an error in there must not stop a turn."""

    def __init__(
        self,
        loop: Scheduler,
        on_event: Callable[[Event], None] | None = None,
        on_warning: Callable[[ChatError], None] | None = None,
    ) -> None:
        self.loop, self.on_event, self.on_warning = loop, on_event, on_warning

    def hear(self, event: Event) -> None:
        """Something happened in a room."""
        if self.on_event:
            self.loop.call_soon(self.on_event, event)

    def warn(self, error: ChatError) -> None:
        """Something is in the way that the operator should know."""
        if self.on_warning:
            self.loop.call_soon(self.on_warning, error)


class Hub:
    """The chat itself.

    log:      gives the numbers.
    fanout:   carries frames to connections.
    loop:     runs things soon or later.
    operator: is told everything that happens.
    limits:   what `welcome` says of them.
    """

    def __init__(self, log: Log, fanout: Fanout, loop: Scheduler, operator: Operator, limits: Limits = LIMITS) -> None:
        self.log, self.fanout, self.loop, self.operator, self.limits = log, fanout, loop, operator, limits
        self.pages = Pages(log)
        self.rooms: dict[str, Room] = {}
        self.arrivals: list[tuple[Member, Event]] = []
        self.changed: set[str] = set()  # rooms with changes to tell
        self.is_due = False  # a turn will come
        self.is_warned = False  # the operator knows that the log cannot keep messages

    # Coming and going

    def join_plain(self, outlet: Outlet, put_out: PutOut, room: str, name: str) -> Member:
        """A plain client hears everything from now on."""
        who = Who(public_id(secrets.token_hex(16)), name)
        member = self.enter(Member(who, room, PLAIN, outlet, put_out))
        self.rooms[room].live[PLAIN][member] = outlet
        return member

    def join_json(self, outlet: Outlet, put_out: PutOut, room: str, name: str, hello: Hello) -> Member:
        """Welcome a json client. It hears live when it has caught up."""
        me = hello.me if hello.me and len(hello.me) >= 16 else secrets.token_hex(16)
        oldest, head = self.log.bounds(room)
        resumed, after = resume(hello, self.log.epoch, oldest, head)
        member = self.enter(Member(Who(public_id(me), name), room, JSON, outlet, put_out, after))
        members, limits = [each.who for each in self.rooms[room].members.values()], asdict(self.limits)
        epoch, who = self.log.epoch, member.who
        welcome = Welcome(who.id, me, who.name, room, epoch, head, oldest, resumed, members, limits)
        self.fanout.deliver([outlet], Frames([encode(welcome)]))
        return member

    def enter(self, member: Member) -> Member:
        """Put somebody into a room; whoever is there under the same secret goes, without a word to the others."""
        room = self.rooms.setdefault(member.room, Room())
        replaced = room.members.get(member.who.id)
        if replaced:
            room.remove(replaced)
            replaced.put_out(BadMessage("replaced"))
        member.who = Who(member.who.id, room.free_name(member.who.id, member.who.name))
        room.add(member)
        if not replaced or replaced.who != member.who:
            self.announce("renamed" if replaced else "joined", member, newcomer=member)
        return member

    def catch_up(self, member: Member) -> bool:
        """Tell a member the next page of what it missed. False: that was all, and from now on it hears live.

        The last page and hearing live are one step, so nothing can fall between them.
        """
        frames, member.after, is_full = self.pages.after(member.room, member.after)
        self.fanout.deliver([member.outlet], frames)
        room = self.rooms.get(member.room)
        if not is_full and room and room.members.get(member.who.id) is member:
            room.live[JSON][member] = member.outlet
        return is_full

    def rename(self, member: Member, name: str) -> None:
        """Another hello on the same connection changes the name; BadMessage where it just did."""
        room, now = self.rooms[member.room], self.loop.time()
        free = room.free_name(member.who.id, name)
        if free == member.who.name:
            return
        if now < member.renamed_until:
            raise BadMessage("rate", retry_ms=int((member.renamed_until - now) * 1000) + 1)
        member.renamed_until = now + RENAME_SECONDS
        room.rename(member, free)
        self.announce("renamed", member)

    def leave(self, member: Member) -> None:
        """Somebody is gone; one who was replaced has left already."""
        room = self.rooms.get(member.room)
        if room and room.remove(member):
            if not room.members:
                del self.rooms[member.room]
            self.announce("left", member)

    def announce(self, type: str, member: Member, newcomer: Member | None = None) -> None:
        """Who came, went or has another name: told in the next turn; no number, not kept."""
        event = Event(type, member.who, member.room)
        if room := self.rooms.get(member.room):
            room.changes.append((event, newcomer))
            self.changed.add(member.room)
            self.wake()
        self.operator.hear(event)

    # The turn

    def submit(self, member: Member, send: Send) -> None:
        """Take a message into the next turn."""
        event = Event("msg", member.who, member.room, id=send.id, ts=time.time(), text=send.text)
        self.arrivals.append((member, event))
        self.wake()

    def wake(self) -> None:
        """Have a turn soon."""
        if not self.is_due:
            self.is_due = True
            self.loop.call_soon(self.gather, 0)

    def gather(self, before: int) -> None:
        """Begin the turn when a pass of the loop has brought nothing more.

        So what was sent together is told together: another pass costs little, a second write to each of 200 much.
        """
        if before < len(self.arrivals) < FULL_TURN:
            self.loop.call_soon(self.gather, len(self.arrivals))
        else:
            self.turn()

    def turn(self) -> None:
        """Number what arrived in one transaction, tell it to everybody, and acknowledge it to its authors."""
        self.is_due = False
        self.tell_changes()
        arrivals, self.arrivals = self.arrivals, []
        if arrivals:
            try:
                self.keep_and_tell(arrivals)
            except LogUnavailable as error:
                self.refuse(arrivals, error)
        self.fanout.flush()

    def keep_and_tell(self, arrivals: Sequence[tuple[Member, Event]]) -> None:
        kept = self.log.append([event for _, event in arrivals])
        self.is_warned = False
        new: dict[str, list[tuple[Member | None, Event]]] = {}
        for (author, _), (event, is_new) in zip(arrivals, kept, strict=True):
            if is_new:
                new.setdefault(event.room, []).append((author, event))
                self.operator.hear(event)
        for room, told in new.items():
            if room in self.rooms:
                self.rooms[room].tell(told, self.fanout)
        for (author, _), (event, _) in zip(arrivals, kept, strict=True):
            self.acknowledge(author, event)

    def acknowledge(self, author: Member, event: Event) -> None:
        """The author's receipt; an id that somebody else used before gets none, and shows nothing of the other text."""
        if event.who.id != author.who.id:
            receipt: bytes | None = author.dialect.nack(BadMessage("dup", id=event.id))
        else:
            receipt = author.dialect.ack(event.id, event.seq)
        if receipt:
            self.fanout.deliver([author.outlet], Frames([receipt]))

    def refuse(self, arrivals: Sequence[tuple[Member, Event]], error: LogUnavailable) -> None:
        """Nothing was kept: no number, no ack, no broadcast. The operator hears it once, until it works again."""
        if not self.is_warned:
            self.operator.warn(error)
        self.is_warned = True
        for author, event in arrivals:
            nack = author.dialect.nack(BadMessage("log", id=event.id, retry_ms=LOG_RETRY_MS))
            self.fanout.deliver([author.outlet], Frames([nack]))

    def tell_changes(self) -> None:
        """Tell each room what changed in it; a crowded one not in every turn."""
        for name in list(self.changed):
            room, now = self.rooms.get(name), self.loop.time()
            if room and len(room.members) > CROWD:
                if now < room.quiet_until:
                    continue
                room.quiet_until = now + CROWD_SECONDS
                self.loop.call_later(CROWD_SECONDS, self.wake)
            self.changed.remove(name)
            if room:
                room.tell_changes(self.fanout)

    def broadcast(self, text: str) -> None:
        """The operator's word to every room, at once; LogUnavailable where it could not be kept."""
        self.turn()  # what arrived before it goes first
        rooms = dict.fromkeys(["lobby", *self.rooms])
        notices = [Event("notice", SERVER, room, id=new_id(), ts=time.time(), text=text) for room in rooms]
        kept = [event for event, _ in self.log.append(notices)]
        for event in kept:
            if event.room in self.rooms:
                self.rooms[event.room].tell([(None, event)], self.fanout)
        self.operator.hear(kept[0])  # it was said once, in however many rooms it stands

    def beat(self) -> None:
        """A sign of life to every json client, with its room's head."""
        for name, room in self.rooms.items():
            beat = Frames([encode(Beat(self.log.bounds(name)[1]))])
            self.fanout.deliver(room.live[JSON].values(), beat)


def resume(hello: Hello, epoch: str, oldest: int, head: int) -> tuple[bool, int]:
    """Whether the log can go on where the client stands, and after which number it goes on."""
    if hello.after is UNSET:
        return False, max(oldest - 1, head - RECENT)
    if hello.epoch in (None, epoch) and oldest - 1 <= hello.after <= head:
        return True, hello.after
    return False, oldest - 1


def plain_frames(lines: Iterable[tuple[Event, bool]]) -> Frames:
    """The lines of the events for a plain client; each with whether it is its own."""
    return Frames([line for event, own in lines if (line := PLAIN.encode(event, own))])


def summary(changes: Iterable[tuple[Event, Member | None]], count: int) -> Presence:
    """Many changes as one message: how it ended for each person, and how many are here."""
    last = {event.who.id: event for event, _ in changes}
    joined = [event.who for event in last.values() if event.type != "left"]
    left = [event.who for event in last.values() if event.type == "left"]
    return Presence(count, joined[:CROWD_NAMES], left[:CROWD_NAMES])


def public_id(secret: str) -> str:
    """The id that others see, made from the secret that only its owner has.

    So it is the same after a reconnect or a restart of the server, and the server keeps no list of people.
    """
    return "p" + hashlib.sha256(secret.encode()).hexdigest()[:12]
