"""Who is in which room, and who hears what. Nothing in this file awaits, and nothing in it knows a socket.

What arrives is collected; once in a turn of the event loop all of it is numbered in one transaction and told to
everybody. As nothing awaits between reading state and writing it, there are no locks and no half-states.
"""

import hashlib
import secrets
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from msgspec import UNSET

from chatkit.dialects import JSON, PLAIN
from chatkit.errors import BadMessage, LogUnavailable
from chatkit.events import SERVER, Event, Who
from chatkit.fanout import Fanout, Frames, Outlet
from chatkit.limits import RECENT, Limits
from chatkit.log import SqliteLog
from chatkit.messages import Beat, Hello, Send, Welcome, encode, new_id
from chatkit.rooms import CROWD, Member, Pages, Room

LOG_RETRY_MS = 1000  # when to try again a message that the log could not take
RENAME_SECONDS = 1.0  # a name may change this often
CROWD_SECONDS = 0.25  # a crowded room hears of who came and went this often
FULL_TURN = 64  # messages that do not wait for more

Operator = Callable[[Any], object]
PutOut = Callable[[BadMessage], None]


class Hub:
    """The chat itself.

    log:        gives the numbers.
    fanout:     carries frames to connections.
    loop:       runs things soon or later.
    limits:     what `welcome` says of them.
    tell, warn: let the operator know what happens, and what is in the way.
    """

    def __init__(
        self, log: SqliteLog, fanout: Fanout, loop: AbstractEventLoop, limits: Limits, tell: Operator, warn: Operator
    ) -> None:
        self.log, self.fanout, self.loop, self.limits, self.tell, self.warn = log, fanout, loop, limits, tell, warn
        self.pages = Pages(log)
        self.rooms: dict[str, Room] = {}
        self.arrivals: list[tuple[Member, Event]] = []
        self.changed: set[str] = set()  # rooms with changes to tell
        self.usual = 1  # messages of the last turn
        self.is_due = self.is_warned = False  # a turn will come; the operator knows that the log cannot keep messages

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
        self.answer(member, encode(welcome))
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
        self.tell(event)

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
            self.loop.call_soon(self.gather, self.usual)

    def gather(self, enough: int) -> None:
        """Begin the turn when as many arrived as in the last one, or when a pass of the loop has brought nothing more.

        So what was sent together is told together: another pass costs little, a second write to each of 200 much.
        """
        count = len(self.arrivals)
        if count in (0, enough) or count >= FULL_TURN:
            self.turn()
        else:
            self.loop.call_soon(self.gather, count)

    def turn(self) -> None:
        """Number what arrived in one transaction, tell it to everybody, and acknowledge it to its authors."""
        self.is_due = False
        self.tell_changes()
        arrivals, self.arrivals = self.arrivals, []
        if arrivals:
            self.usual = len(arrivals)
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
                self.tell(event)
        for room, told in new.items():
            if room in self.rooms:
                self.rooms[room].tell(told, self.fanout)
        for (author, _), (event, _) in zip(arrivals, kept, strict=True):
            self.acknowledge(author, event)

    def acknowledge(self, author: Member, event: Event) -> None:
        """The author's receipt; an id that somebody else used before gets none, and shows nothing of the other text."""
        if event.who.id != author.who.id:
            self.answer(author, author.dialect.nack(BadMessage("dup", id=event.id)))
        elif receipt := author.dialect.ack(event.id, event.seq):
            self.answer(author, receipt)

    def refuse(self, arrivals: Sequence[tuple[Member, Event]], error: LogUnavailable) -> None:
        """Nothing was kept: no number, no ack, no broadcast. The operator hears it once, until it works again."""
        if not self.is_warned:
            self.warn(error)
        self.is_warned = True
        for author, event in arrivals:
            self.answer(author, author.dialect.nack(BadMessage("log", id=event.id, retry_ms=LOG_RETRY_MS)))

    def answer(self, author: Member, text: bytes) -> None:
        self.fanout.deliver([author.outlet], Frames([text]))

    def check_log(self) -> None:
        """Is the log still there? Nobody may have spoken since it went."""
        try:
            self.log.check()
        except LogUnavailable as error:
            self.refuse([], error)

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
        self.tell(kept[0])  # it was said once, in however many rooms it stands

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


def public_id(secret: str) -> str:
    """The id that others see, made from the secret that only its owner has.

    So it is the same after a reconnect or a restart of the server, and the server keeps no list of people.
    """
    return "p" + hashlib.sha256(secret.encode()).hexdigest()[:12]
