"""One room, and what is heard in it. Nothing in this file awaits, and nothing in it knows a socket."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chatkit.dialects import JSON, PLAIN, Dialect
from chatkit.errors import BadMessage
from chatkit.events import NOBODY, Event, Who
from chatkit.fanout import Fanout, Frames, Outlet
from chatkit.limits import LIMITS
from chatkit.log import SqliteLog
from chatkit.messages import Presence, encode

CROWD = 200  # people in a room; beyond that only the count and a few names of who came and went are told …
CROWD_NAMES = 50  # … and this many
PAGES = 256  # pages of a replay that are kept, encoded, for the next who wants them: a room of short messages has 157


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
    put_out: Callable[[BadMessage], None]
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

    def __init__(self, log: SqliteLog) -> None:
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


def plain_frames(lines: Iterable[tuple[Event, bool]]) -> Frames:
    """The lines of the events for a plain client; each with whether it is its own."""
    return Frames([line for event, own in lines if (line := PLAIN.encode(event, own))])


def summary(changes: Iterable[tuple[Event, Member | None]], count: int) -> Presence:
    """Many changes as one message: how it ended for each person, and how many are here."""
    last = {event.who.id: event for event, _ in changes}
    joined = [event.who for event in last.values() if event.type != "left"]
    left = [event.who for event in last.values() if event.type == "left"]
    return Presence(count, joined[:CROWD_NAMES], left[:CROWD_NAMES])
