"""The grader: what was seen goes in, lines come out. No `await`, no socket; the hub of the labs.

A line begins with ✅ (a step is done), ➡️ (what is next), ❌ (what was wrong) or 🎓 (the receipt). Each language has a
line of its own, so that a list of messages shows both. What a student says comes back as in any room: `You said: …`.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chatkit.errors import BadMessage, BadName, LogUnavailable
from chatkit.labs.judges import JUDGES, WORD, Done, Part, Wrong, opens, short, slowness
from chatkit.labs.lab import Lab, fill, labs
from chatkit.labs.seen import Closed, Message, Opened, Refused, Seen, Try
from chatkit.labs.store import Progress, Store, Tick
from chatkit.limits import LIMITS
from chatkit.spelling import clean_name, plain_lines
from chatkit.texts import LANGUAGES, Sentence

__all__ = ["Deed", "Grader", "HangUp", "Say", "student_of"]

VARIABLE = "{{"  # what stands in an address where a tool does not know its variable
AGAIN = "again"  # what a student sends to begin a finished lab anew
UNTOLD = 4  # lines kept for a student's next connection
LOG_LINES = 8  # of the server's log that lab 12 shows


@dataclass(frozen=True)
class Say:
    """Send this line; to the connection with this number."""

    connection: int
    line: str


@dataclass(frozen=True)
class HangUp:
    """Close this connection."""

    connection: int
    code: int
    reason: str


Deed = Say | HangUp


class Grader:
    """Grades every student in every lab.

    store: keeps progress and receipts. on_tick: functions that hear of each change, as a `Tick`.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.labs = labs()
        self.on_tick: list[Callable[[Tick], object]] = []
        self.present: dict[tuple[str, int], Progress] = {}  # whoever has a connection open
        self.unheard: dict[int, list[str]] = {}  # what a new connection was told it did wrong

    # Before the handshake is answered.

    def answer_to(self, name: str, lab: Lab, knock: Try) -> int:
        """The status with which a lab answers a handshake: 401 and 503 belong to labs 6 and 10, else 101."""
        if lab.number == 6 and knock.header("authorization") is not None and not opens(knock):
            return 401
        if lab.number == 10 and self.at(name, lab.number).facts.get("away"):
            return 503
        return 101

    def slowness(self, lab: Lab, knock: Try) -> float:
        """How long a lab lets a handshake wait, seconds: lab 11 as long as `?slow=` says."""
        return slowness(knock) if lab.number == 11 else 0.0

    # What was seen.

    def see(self, name: str, number: int, seen: Seen) -> list[Deed]:
        """Judge one thing; what is to be done about it, in order.

        name: the student, as `student_of` reads it from the address; "" for one who gave none.
        Raises LogUnavailable where the progress cannot be kept; then nothing has changed.
        """
        lab, at = self.labs[number], self.at(name, number)
        before = (at.done, at.tries, json.dumps(at.facts))
        if isinstance(seen, Opened):
            at.here[seen.connection] = seen
            self.present[name, number] = at
        try:
            deeds = list(self.deeds(lab, at, seen)) if name else list(self.nameless(lab, at, seen))
            if name and before != (at.done, at.tries, json.dumps(at.facts)):
                self.keep(at)
        except LogUnavailable:
            at.done, at.tries, at.facts = before[0], before[1], json.loads(before[2])
            raise
        finally:
            if isinstance(seen, Closed):
                self.leave(at, seen.connection)
        return deeds

    def leave(self, at: Progress, connection: int) -> None:
        at.here.pop(connection, None)
        self.unheard.pop(connection, None)
        if not at.here:
            self.present.pop((at.name, at.lab), None)

    def at(self, name: str, number: int) -> Progress:
        return self.present.get((name, number)) or (
            self.store.progress(name, number) if name else Progress(name, number)
        )

    def keep(self, at: Progress) -> None:
        self.store.keep(at)
        for listener in list(self.on_tick):
            listener(Tick(at.name, at.lab, at.done, at.tries, time.time()))

    def nameless(self, lab: Lab, at: Progress, seen: Seen) -> Iterator[Deed]:
        """Somebody without a name has no place for ticks: say how to give one."""
        if isinstance(seen, Opened | Message):
            here = at.here[seen.connection]
            yield from spoken(here, "❌", str(lab.number), why_no_name(lab, here))

    def deeds(self, lab: Lab, at: Progress, seen: Seen) -> Iterator[Deed]:
        if isinstance(seen, Opened):
            yield from self.tell_untold(at, seen)
        self.remember_unheard(at, seen)
        self.log(lab, at, seen)
        yield from self.play(lab, at, seen)
        if at.done == len(lab.steps):
            yield from self.after_the_end(lab, at, seen)
            return
        step = lab.steps[at.done]
        verdict = JUDGES[lab.number][step.name](seen, at)
        match verdict:
            case Done():
                yield from self.tell(lab, at, seen, "✅", fill(step.done, **verdict.holes))
                at.done, at.tries = at.done + 1, 0
                yield from self.go_on(lab, at, seen)
                yield from self.after(lab, at, seen)
            case Part():
                yield from self.tell(lab, at, seen, "➡️", lab.sentence(verdict.key, **verdict.holes))
            case Wrong():
                at.tries += 1
                yield from self.tell(lab, at, seen, "❌", lab.sentence(verdict.key, **verdict.holes))
                if isinstance(seen, Opened):
                    yield from self.next_step(lab, at, seen)
            case None if isinstance(seen, Opened | Message):
                yield from self.next_step(lab, at, seen)

    def go_on(self, lab: Lab, at: Progress, seen: Seen) -> Iterator[Deed]:
        """The next step, or the receipt."""
        if at.done < len(lab.steps):
            yield from self.next_step(lab, at, seen)
            return
        minute = int(seen.time // 60)
        at.facts["receipt"] = self.store.give_receipt(at.name, lab.number, minute)
        yield from self.tell(lab, at, seen, "🎓", lab.sentence("receipt", receipt=at.facts["receipt"]))

    def after_the_end(self, lab: Lab, at: Progress, seen: Seen) -> Iterator[Deed]:
        if isinstance(seen, Message) and seen.text == AGAIN:
            at.done, at.facts = 0, {}
            yield from self.next_step(lab, at, seen)
        elif isinstance(seen, Opened | Message):
            yield from self.tell(lab, at, seen, "🎓", lab.sentence("receipt_again", receipt=at.facts["receipt"]))

    def next_step(self, lab: Lab, at: Progress, seen: Seen) -> Iterator[Deed]:
        yield from self.tell(lab, at, seen, "➡️", fill(lab.steps[at.done].do))

    # Lines.

    def tell(self, lab: Lab, at: Progress, seen: Seen, mark: str, sentence: Sentence) -> Iterator[Deed]:
        """Say a line where the student hears it; where nobody does, keep it for the next connection."""
        place = str(lab.number) if mark == "🎓" else f"{lab.number}.{at.done + 1}"
        here = listener(at, seen)
        if here:
            yield from spoken(here, mark, place, sentence)
            if isinstance(seen, Opened) and mark == "❌":
                self.unheard[seen.connection] = [mark, place, *sentence]
        elif mark != "➡️":
            keep_untold(at, [mark, place, *sentence])

    def tell_untold(self, at: Progress, seen: Opened) -> Iterator[Deed]:
        """What happened while nobody was there to hear it."""
        for mark, place, *pair in at.facts.pop("untold", []):
            yield from spoken(seen, mark, place, Sentence(*pair))

    def remember_unheard(self, at: Progress, seen: Seen) -> None:
        """A client that breaks off at once has not read why it was wrong: say it again to its next connection."""
        if isinstance(seen, Message):
            self.unheard.pop(seen.connection, None)
        elif isinstance(seen, Closed) and seen.received == 1006 and seen.connection in self.unheard:
            keep_untold(at, self.unheard[seen.connection])

    # What a lab brings along by itself.

    def play(self, lab: Lab, at: Progress, seen: Seen) -> Iterator[Deed]:
        """The other side's part, before the judging: the echo of every room, and what some labs have beside it."""
        if isinstance(seen, Message) and seen.text is not None and len(seen.text) <= LIMITS.text:
            yield Say(seen.connection, f"You said: {plain_lines(seen.text)}")
        match lab.number, seen:
            case 3, Message(payload=str(text)):
                others = [number for number in at.here if number != seen.connection]
                yield from (Say(number, f"{at.name} says: {plain_lines(text)}") for number in others)
            case 4, Message(payload=str(text)):
                yield Say(seen.connection, answer_to_json(text))
            case 10, Refused(status=503) if at.facts.get("away"):
                at.facts["away"] -= 1
                at.facts["tries"].append(seen.time)
            case 12, Message(payload="log"):
                yield from (Say(seen.connection, line) for line in at.facts.get("log", []))

    def after(self, lab: Lab, at: Progress, seen: Seen) -> Iterator[Deed]:
        """What follows from a step that was just done."""
        if not isinstance(seen, Message):
            return
        match lab.number, at.done:
            case 3, 2:
                yield from (Say(number, f"Nid says: {WORD}") for number in at.here)
            case 10, 1:
                yield HangUp(seen.connection, 1012, "restart")

    def log(self, lab: Lab, at: Progress, seen: Seen) -> None:
        """Lab 12: what a server writes down of every connection."""
        if lab.number != 12 or not isinstance(seen, Opened | Closed):
            return
        clock = time.strftime("%H:%M:%S", time.localtime(seen.time))
        what = "101 open" if isinstance(seen, Opened) else f"closed, code {seen.received}"
        at.facts["log"] = [*at.facts.get("log", []), f"{clock} {at.name} {what}"][-LOG_LINES:]


def spoken(here: Opened, mark: str, place: str, sentence: Sentence) -> Iterator[Say]:
    """A line in each language that the client asked for: `?lang=th`, or both."""
    lang = here.query.get("lang", "")
    for each in (lang,) if lang in LANGUAGES else LANGUAGES:
        yield Say(here.connection, f"{mark} {place} {getattr(sentence, each)}")


def listener(at: Progress, seen: Seen) -> Opened | None:
    """The connection that did it; where it has none, or none any more, the student's newest one."""
    its_own = getattr(seen, "connection", None)
    if its_own in at.here and not isinstance(seen, Closed):
        return at.here[its_own]
    return next((at.here[number] for number in sorted(at.here, reverse=True) if number != its_own), None)


def keep_untold(at: Progress, line: list[str]) -> None:
    at.facts["untold"] = [*at.facts.get("untold", []), line][-UNTOLD:]


def student_of(target: str) -> str:
    """The student's name in an address, as everybody sees it; "" where there is none that can be used."""
    name = Try(0, target).query.get("name", "")
    try:
        return "" if VARIABLE in name else clean_name(name)
    except BadName:
        return ""


def why_no_name(lab: Lab, seen: Opened) -> Sentence:
    """What is wrong with the name in an address."""
    target = short(lab.target)
    if "EIO" in seen.query:
        return lab.sentence("socket_io_address")
    raw = seen.query.get("name")
    if raw is None:
        alike = next((key for key in seen.query if key.lower().strip() == "name"), None)
        key = "name_case" if alike else "name_in_headers" if seen.header("name") else "no_name"
        return lab.sentence(key, target=target, got=alike or "")
    if VARIABLE in raw:
        return lab.sentence("unresolved", got=short(raw))
    try:
        clean_name(raw)
    except BadName as error:
        return error.said
    return lab.sentence("no_name", target=target, got="")


def answer_to_json(text: str) -> str:
    """What a server of `chatkit.v1` answers to a `send`: an ack, or a nack that names the field."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return nack(BadMessage("bad_json"))
    for name in ("id", "text"):
        if not isinstance(fields.get(name), str):
            return nack(BadMessage("bad_field", field=name, expected="string"))
    return json.dumps({"type": "ack", "id": fields["id"], "seq": 1}, ensure_ascii=False)


def nack(error: BadMessage) -> str:
    message = {"type": "nack", "code": error.code, "message": error.said.each()}
    return json.dumps(message, ensure_ascii=False)
