"""The hub without sockets: texts land in lists, and the event loop is a list of calls that the test runs."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from chatkit.dialects import JSON, PLAIN
from chatkit.errors import BadMessage, ChatError, LogUnavailable
from chatkit.events import NOBODY, Event, Who
from chatkit.fanout import Frames
from chatkit.hub import FULL_TURN, Hub, public_id
from chatkit.limits import CLOSE_CODES, LIMITS
from chatkit.log import SqliteLog
from chatkit.messages import Hello, Send
from chatkit.rooms import CROWD, CROWD_NAMES, Member

SECRET = "s" * 32


class Ear:
    """An outlet: what was heard through it, and how it was closed."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.closed: list[int] = []

    def put_out(self, error: BadMessage) -> None:
        self.closed.append(CLOSE_CODES[error.code].code)

    def messages(self, *types: str) -> list[dict[str, Any]]:
        """What a json client heard, of these types."""
        return [message for message in map(json.loads, self.heard) if not types or message["type"] in types]

    def numbers(self) -> list[int]:
        return [message["seq"] for message in self.messages("msg", "notice")]


class Chat:
    """A hub, its event loop, its fan-out, and everything that was delivered."""

    def __init__(self, log: SqliteLog, **limits: Any) -> None:
        self.calls: list[tuple[Callable[..., object], tuple[object, ...]]] = []
        self.timers: list[tuple[float, Callable[..., object], tuple[object, ...]]] = []
        self.deliveries: list[tuple[set[Ear], list[str]]] = []
        self.happened: list[Event] = []
        self.warnings: list[ChatError] = []
        self.now = 1000.0
        self.log = log
        me: Any = self  # the loop and the fan-out in one
        self.hub = Hub(log, me, me, replace(LIMITS, rate=0, **limits), self.tell, self.warnings.append)

    def tell(self, event: Event) -> None:
        self.happened.append(event)

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        self.calls.append((function, args))

    def call_later(self, delay: float, function: Callable[..., object], *args: object) -> None:
        self.timers.append((self.now + delay, function, args))

    def time(self) -> float:
        return self.now

    def deliver(self, outlets: Collection[Any], frames: Frames) -> None:
        if outlets and frames.texts:
            texts = [text.decode() for text in frames.texts]
            self.deliveries.append((set(outlets), texts))
            for outlet in outlets:
                outlet.heard += texts

    def flush(self) -> None:
        """What was delivered is heard at once here."""

    def turn(self) -> None:
        """Until nothing more is to be done soon; a new message would wait for the next turn."""
        while self.calls:
            calls, self.calls = self.calls, []
            for function, args in calls:
                function(*args)

    def sleep(self, seconds: float) -> None:
        """Let the time pass, and what was to be done in it be done."""
        self.now += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for _, function, args in due:
            function(*args)
        self.turn()

    def plain(self, name: str = NOBODY, room: str = "lobby") -> tuple[Member, Ear]:
        ear: Any = Ear()
        return self.hub.join_plain(ear, ear.put_out, room, name), ear

    def json(self, name: str = NOBODY, room: str = "lobby", **hello: Any) -> tuple[Member, Ear]:
        """Somebody who says hello, reads all that is replayed, and is known to the others."""
        ear: Any = Ear()
        member = self.hub.join_json(ear, ear.put_out, room, name, Hello(name, **hello))
        while self.hub.catch_up(member):
            pass
        self.turn()
        return member, ear

    def say(self, member: Member, text: str, id: str | None = None) -> None:
        self.hub.submit(member, Send(id or f"id of {text}", text))

    def fill(self, count: int) -> None:
        """A talk of so many messages that nobody here has heard."""
        start = self.log.bounds("lobby")[1]
        self.log.append([Event("msg", PEN, id=f"f{start + n}", text=f"t{start + n}") for n in range(1, count + 1)])

    def types(self) -> list[str]:
        return [event.type for event in self.happened]


PEN = Who("p0", "Pen")


@pytest.fixture
def chat() -> Iterator[Chat]:
    with closing(SqliteLog()) as log:
        yield Chat(log)


# --- who hears what ------------------------------------------------------------------------------------------------


def test_plain_sender_hears_you_said_and_the_others_who_says(chat: Chat) -> None:
    mali, mali_ear = chat.plain("Mali")
    _, other_ear = chat.plain()
    chat.say(mali, "hi")
    chat.turn()
    assert mali_ear.heard == ["You said: hi"]
    assert other_ear.heard == ["Mali says: hi"]


def test_a_plain_client_without_a_name_is_someone(chat: Chat) -> None:
    nobody, _ = chat.plain()
    _, plain_ear = chat.plain()
    _, json_ear = chat.json()
    chat.say(nobody, "hi")
    chat.turn()
    assert plain_ear.heard == ["Someone says: hi"]
    assert json_ear.messages("msg")[0]["name"] == "Someone"


def test_both_dialects_hear_each_other(chat: Chat) -> None:
    plain, plain_ear = chat.plain("Plain")
    jason, json_ear = chat.json("Jason")
    chat.say(plain, "from plain")
    chat.say(jason, "from json")
    chat.turn()
    assert plain_ear.heard == ["You said: from plain", "Jason says: from json"]
    assert [(m["name"], m["text"]) for m in json_ear.messages("msg")] == [
        ("Plain", "from plain"),
        ("Jason", "from json"),
    ]


def test_several_plain_speakers_in_one_turn_each_read_their_own_lines(chat: Chat) -> None:
    (one, one_ear), (two, two_ear), (_, three_ear) = chat.plain("One"), chat.plain("Two"), chat.plain()
    for member, text in ((one, "a"), (two, "b"), (one, "c")):
        chat.say(member, text)
    chat.turn()
    assert one_ear.heard == ["You said: a", "Two says: b", "You said: c"]
    assert two_ear.heard == ["One says: a", "You said: b", "One says: c"]
    assert three_ear.heard == ["One says: a", "Two says: b", "One says: c"]


def test_the_author_of_a_json_message_hears_it_and_its_ack(chat: Chat) -> None:
    mali, ear = chat.json("Mali")
    chat.say(mali, "hi", id="a1")
    chat.turn()
    msg, ack = ear.messages("msg", "ack")
    assert (msg["seq"], msg["id"], msg["from"], msg["name"], msg["text"]) == (1, "a1", mali.who.id, "Mali", "hi")
    assert ack == {"type": "ack", "id": "a1", "seq": 1}


def test_rooms_do_not_hear_each_other(chat: Chat) -> None:
    mali, _ = chat.plain("Mali", room="physics")
    _, lobby = chat.plain()
    _, same = chat.json(room="physics")
    chat.say(mali, "hi")
    chat.turn()
    assert lobby.heard == []
    assert same.numbers() == [1]


def test_plain_clients_hear_nothing_of_coming_and_going(chat: Chat) -> None:
    _, ear = chat.plain()
    mali, _ = chat.json("Mali")
    chat.hub.rename(mali, "Noi")
    chat.hub.leave(mali)
    assert ear.heard == []


def test_everybody_in_every_room_hears_the_operator(chat: Chat) -> None:
    _, plain = chat.plain()
    _, lobby = chat.json()
    _, physics = chat.json(room="physics")
    chat.hub.broadcast("ห้าโมงแล้ว")
    assert plain.heard == ["🟢 Server: ห้าโมงแล้ว"]
    for ear in (lobby, physics):
        (notice,) = ear.messages("notice")
        assert (notice["seq"], notice["text"], notice["name"]) == (1, "ห้าโมงแล้ว", "Server")


def test_the_operator_is_heard_after_what_came_before(chat: Chat) -> None:
    mali, ear = chat.json("Mali")
    chat.say(mali, "first")
    chat.hub.broadcast("second")
    chat.turn()
    assert [m["text"] for m in ear.messages("msg", "notice")] == ["first", "second"]
    assert ear.numbers() == [1, 2]


def test_an_operator_alone_is_kept_for_who_comes_later(chat: Chat) -> None:
    chat.hub.broadcast("welcome all")
    _, ear = chat.json()
    assert [m["text"] for m in ear.messages("notice")] == ["welcome all"]


# --- the turn ------------------------------------------------------------------------------------------------------


def test_nothing_happens_before_the_turn(chat: Chat) -> None:
    mali, ear = chat.plain("Mali")
    chat.say(mali, "hi")
    assert ear.heard == []
    assert chat.log.bounds("lobby") == (1, 0)


def test_many_messages_make_one_turn_and_one_transaction(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    append = chat.log.append
    monkeypatch.setattr(chat.log, "append", lambda batch: batches.append(len(batch)) or append(batch))
    mali, _ = chat.json("Mali")
    chat.turn()
    for number in range(20):
        chat.say(mali, str(number))
    assert len(chat.calls) == 1
    chat.turn()
    assert batches == [20]


def test_one_delivery_per_dialect_and_turn(chat: Chat) -> None:
    """Encode once: every reader of a dialect gets the same texts in the same call."""
    jsons, plains = [chat.json() for _ in range(5)], [chat.plain() for _ in range(5)]
    speaker, speaker_ear = chat.json("Mali")
    chat.deliveries.clear()
    for text in "abc":
        chat.say(speaker, text)
    chat.turn()
    to_jsons, to_plains, *acks = chat.deliveries
    assert to_jsons[0] == {ear for _, ear in jsons} | {speaker_ear} and len(to_jsons[1]) == 3
    assert to_plains == ({ear for _, ear in plains}, [f"Mali says: {text}" for text in "abc"])
    assert acks == [
        ({speaker_ear}, [f'{{"type":"ack","id":"id of {text}","seq":{n}}}'])
        for n, text in ((1, "a"), (2, "b"), (3, "c"))
    ]


def test_one_order_for_everybody(chat: Chat) -> None:
    members = [chat.json(str(number)) for number in range(3)]
    for turn in range(4):
        for number, (member, _) in enumerate(members):
            chat.say(member, f"{turn}.{number}")
        chat.turn()
    texts = [[m["text"] for m in ear.messages("msg")] for _, ear in members]
    assert texts[0] == texts[1] == texts[2] == [f"{turn}.{number}" for turn in range(4) for number in range(3)]
    assert members[0][1].numbers() == list(range(1, 13))


def test_who_left_before_the_turn_is_still_heard(chat: Chat) -> None:
    mali, _ = chat.plain("Mali")
    _, ear = chat.plain()
    chat.say(mali, "bye")
    chat.hub.leave(mali)
    chat.turn()
    assert ear.heard == ["Mali says: bye"]


def test_a_message_into_a_room_that_is_empty_by_now_is_kept(chat: Chat) -> None:
    mali, _ = chat.json("Mali")
    chat.say(mali, "bye")
    chat.hub.leave(mali)
    chat.turn()
    assert [event.text for event in chat.log.read("lobby", 0).events] == ["bye"]


# --- acks, duplicates, a log that cannot ---------------------------------------------------------------------------


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[tuple[Chat, sqlite3.Connection]]:
    """A chat on a file, and somebody else who can lock that file."""
    path = str(tmp_path / "chat.db")
    with closing(SqliteLog(path)) as log, closing(sqlite3.connect(path, isolation_level=None)) as other:
        yield Chat(log), other


def test_no_ack_and_no_broadcast_while_the_log_is_locked(filed: tuple[Chat, sqlite3.Connection]) -> None:
    chat, other = filed
    mali, ear = chat.json("Mali")
    plain, plain_ear = chat.plain()
    other.execute("BEGIN IMMEDIATE")
    chat.say(mali, "hi", id="a1")
    chat.say(plain, "ho")
    chat.turn()
    (nack,) = ear.messages("msg", "ack", "nack")
    assert (nack["type"], nack["id"], nack["code"]) == ("nack", "a1", "log")
    assert nack["retry_ms"] > 0
    assert len(plain_ear.heard) == 1 and plain_ear.heard[0].startswith("⚠️ ")
    with pytest.raises(LogUnavailable):
        chat.hub.broadcast("hello?")
    other.execute("ROLLBACK")
    chat.say(mali, "hi", id="a1")
    chat.turn()
    assert ear.messages("ack") == [{"type": "ack", "id": "a1", "seq": 1}]
    assert plain_ear.heard[1:] == ["Mali says: hi"]


def test_the_ack_comes_after_the_commit(filed: tuple[Chat, sqlite3.Connection]) -> None:
    chat, other = filed
    mali, _ = chat.json("Mali")
    deliver, committed = chat.deliver, []

    def look(outlets: Collection[Any], frames: Frames) -> None:
        for text in frames.texts if outlets else ():
            if json.loads(text)["type"] in ("ack", "msg"):
                committed.append(other.execute("SELECT count(*) FROM messages").fetchone()[0])
        deliver(outlets, frames)

    chat.deliver = look  # type: ignore[method-assign]
    chat.say(mali, "hi")
    chat.turn()
    assert committed == [1, 1]  # another connection to the file sees the message already


def test_a_repeat_gets_the_number_it_has_and_is_told_to_nobody(chat: Chat) -> None:
    mali, ear = chat.json("Mali", me=SECRET)
    _, other = chat.json()
    chat.say(mali, "hi", id="a1")
    chat.turn()
    chat.say(mali, "between", id="a2")
    chat.say(mali, "hi", id="a1")
    chat.turn()
    assert [(m["id"], m["seq"]) for m in ear.messages("ack")] == [("a1", 1), ("a2", 2), ("a1", 1)]
    assert other.numbers() == [1, 2]


def test_a_repeat_in_the_same_turn_is_one_message_with_two_acks(chat: Chat) -> None:
    mali, ear = chat.json("Mali")
    chat.say(mali, "hi", id="a1")
    chat.say(mali, "hi", id="a1")
    chat.turn()
    assert ear.numbers() == [1]
    assert [m["seq"] for m in ear.messages("ack")] == [1, 1]


def test_a_repeat_after_a_reconnect_is_acked_because_the_secret_is_the_same(chat: Chat) -> None:
    mali, _ = chat.json("Mali", me=SECRET)
    chat.say(mali, "hi", id="a1")
    chat.turn()
    chat.hub.leave(mali)
    again, ear = chat.json("Mali", me=SECRET, epoch=chat.log.epoch, after=0)
    chat.say(again, "hi", id="a1")
    chat.turn()
    assert ear.messages("ack") == [{"type": "ack", "id": "a1", "seq": 1}]
    assert ear.numbers() == [1]


def test_somebody_elses_id_is_refused_and_shows_nothing(chat: Chat) -> None:
    mali, _ = chat.json("Mali")
    thief, ear = chat.json("Thief")
    chat.say(mali, "secret text", id="a1")
    chat.turn()
    ear.heard.clear()
    chat.say(thief, "mine now", id="a1")
    chat.turn()
    (nack,) = ear.messages()
    assert (nack["type"], nack["code"], nack["id"]) == ("nack", "dup", "a1")
    assert "retry_ms" not in nack and "secret text" not in ear.heard[0]
    assert [event.text for event in chat.log.read("lobby", 0).events] == ["secret text"]


# --- welcome, resume, replay ---------------------------------------------------------------------------------------


def welcome_of(ear: Ear) -> dict[str, Any]:
    first = ear.messages()[0]
    assert first["type"] == "welcome"  # nothing comes before it
    return first


def test_welcome_tells_where_everything_stands(chat: Chat) -> None:
    chat.fill(3)
    noi, _ = chat.plain("Noi")
    mali, ear = chat.json("Mali", me=SECRET)
    welcome = welcome_of(ear)
    assert (welcome["you"], welcome["me"], welcome["name"]) == (mali.who.id, SECRET, "Mali")
    assert (welcome["room"], welcome["epoch"]) == ("lobby", chat.log.epoch)
    assert (welcome["oldest"], welcome["head"], welcome["resumed"]) == (1, 3, False)
    assert welcome["members"] == [{"id": noi.who.id, "name": "Noi"}, {"id": mali.who.id, "name": "Mali"}]
    assert welcome["limits"] == asdict(chat.hub.limits)


def test_a_newcomer_hears_the_last_50(chat: Chat) -> None:
    chat.fill(60)
    _, ear = chat.json()
    assert welcome_of(ear)["resumed"] is False
    assert ear.numbers() == list(range(11, 61))


def test_a_newcomer_in_a_young_room_hears_all(chat: Chat) -> None:
    chat.fill(3)
    assert chat.json()[1].numbers() == [1, 2, 3]


def test_after_zero_is_all_that_is_kept(chat: Chat) -> None:
    chat.fill(120)
    _, ear = chat.json(after=0)
    assert welcome_of(ear)["resumed"] is True
    assert ear.numbers() == list(range(1, 121))


def test_resume_goes_on_after_the_last_number(chat: Chat) -> None:
    chat.fill(10)
    _, ear = chat.json(epoch=chat.log.epoch, after=7)
    assert welcome_of(ear)["resumed"] is True
    assert ear.numbers() == [8, 9, 10]


def test_resume_at_the_head_replays_nothing_twice_over(chat: Chat) -> None:
    chat.fill(10)
    for _ in range(2):
        member, ear = chat.json(me=SECRET, epoch=chat.log.epoch, after=10)
        assert welcome_of(ear)["resumed"] is True
        assert ear.numbers() == []
        chat.hub.leave(member)


def test_another_epoch_starts_anew(chat: Chat) -> None:
    chat.fill(10)
    _, ear = chat.json(epoch="another", after=7)
    assert welcome_of(ear)["resumed"] is False
    assert ear.numbers() == list(range(1, 11))


def test_a_number_beyond_the_head_starts_anew_also_in_the_same_epoch(chat: Chat) -> None:
    chat.fill(10)
    for after in (11, 10**30):
        _, ear = chat.json(epoch=chat.log.epoch, after=after)
        assert welcome_of(ear)["resumed"] is False
        assert ear.numbers() == list(range(1, 11))


@pytest.mark.parametrize(("after", "resumed"), [(0, False), (4, False), (5, True), (8, True)])
def test_a_trimmed_history_leaves_no_silent_hole(after: int, resumed: bool) -> None:
    with closing(SqliteLog(history=5)) as log:
        chat = Chat(log)
        chat.fill(10)  # 6 … 10 are kept
        _, ear = chat.json(epoch=log.epoch, after=after)
        assert welcome_of(ear)["resumed"] is resumed
        assert welcome_of(ear)["oldest"] == 6
        assert ear.numbers() == list(range(after + 1 if resumed else 6, 11))


def test_an_empty_room_is_resumed_at_zero(chat: Chat) -> None:
    _, ear = chat.json(after=0)
    assert welcome_of(ear)["resumed"] is True
    assert (welcome_of(ear)["oldest"], welcome_of(ear)["head"]) == (1, 0)


def test_replay_and_live_are_the_same_bytes(chat: Chat) -> None:
    mali, live = chat.json("Mali")
    chat.say(mali, "สวัสดี")
    chat.turn()
    _, later = chat.json(after=0)
    assert [t for t in live.heard if '"msg"' in t] == [t for t in later.heard if '"msg"' in t]


def test_no_gap_and_no_repeat_at_the_seam(chat: Chat) -> None:
    """Others talk between every two pages of a replay; the reader still hears each number once, in order."""
    speaker, _ = chat.plain("Noi")
    chat.fill(1_000)
    ear: Any = Ear()
    member = chat.hub.join_json(ear, ear.put_out, "lobby", "Mali", Hello("Mali", after=0))
    pages = 0
    while chat.hub.catch_up(member):
        pages += 1
        chat.say(speaker, f"page {pages}")
        chat.turn()
    chat.say(speaker, "live")
    chat.turn()
    assert pages > 1
    assert ear.numbers() == list(range(1, 1_000 + pages + 2))


def test_what_waits_for_the_turn_while_somebody_joins_is_heard_once(chat: Chat) -> None:
    speaker, _ = chat.plain("Noi")
    chat.say(speaker, "on the way")
    ear: Any = Ear()
    assert not chat.hub.catch_up(chat.hub.join_json(ear, ear.put_out, "lobby", "Mali", Hello("Mali")))
    assert ear.numbers() == []
    chat.turn()
    assert ear.numbers() == [1]


def test_who_left_during_the_replay_does_not_come_back(chat: Chat) -> None:
    chat.fill(3)
    ear: Any = Ear()
    member = chat.hub.join_json(ear, ear.put_out, "lobby", "Mali", Hello("Mali"))
    chat.hub.leave(member)
    assert not chat.hub.catch_up(member)
    assert chat.hub.rooms == {}


def test_beat_tells_the_head_of_the_own_room_to_who_hears_live(chat: Chat) -> None:
    _, lobby = chat.json()
    _, physics = chat.json(room="physics")
    _, plain = chat.plain()
    reading: Any = Ear()
    chat.hub.join_json(reading, reading.put_out, "lobby", "Mali", Hello("Mali"))
    chat.fill(7)
    chat.hub.beat()
    assert lobby.messages("beat") == [{"type": "beat", "head": 7}]
    assert physics.messages("beat") == [{"type": "beat", "head": 0}]
    assert plain.heard == [] and reading.messages("beat") == []


# --- who is here ---------------------------------------------------------------------------------------------------


def test_others_hear_who_came_went_and_changed_the_name(chat: Chat) -> None:
    _, ear = chat.json("Noi")
    mali, mali_ear = chat.json("Mali")
    chat.hub.rename(mali, "Malee")
    chat.turn()
    chat.hub.leave(mali)
    chat.turn()
    assert [(m["type"], m["who"]["name"]) for m in ear.messages("joined", "left", "renamed")] == [
        ("joined", "Mali"),
        ("renamed", "Malee"),
        ("left", "Malee"),
    ]
    assert [m["type"] for m in mali_ear.messages("joined", "left", "renamed")] == ["renamed"]


def test_leaving_twice_is_said_once(chat: Chat) -> None:
    _, ear = chat.json()
    mali, _ = chat.json("Mali")
    chat.hub.leave(mali)
    chat.hub.leave(mali)
    chat.turn()
    assert len(ear.messages("left")) == 1


def test_an_empty_room_is_forgotten(chat: Chat) -> None:
    members = [chat.json(room="physics")[0], chat.plain(room="physics")[0]]
    for member in members:
        chat.hub.leave(member)
    assert chat.hub.rooms == {}


def test_the_same_secret_replaces_the_older_connection(chat: Chat) -> None:
    _, other = chat.json("Noi")
    old, old_ear = chat.json("Mali", me=SECRET)
    new, new_ear = chat.json("Mali", me=SECRET)
    assert old_ear.closed == [4001] and new_ear.closed == []
    assert new.who == old.who
    assert [m["type"] for m in other.messages("joined", "left", "renamed")] == ["joined"]  # nothing changed for them
    old_ear.heard.clear()
    chat.hub.leave(old)  # its socket ends later
    chat.say(new, "still here")
    chat.turn()
    assert old_ear.heard == []
    assert new_ear.numbers() == [1]
    assert [member.who for member in chat.hub.rooms["lobby"].members.values()].count(new.who) == 1


def test_a_replacement_under_another_name_is_a_rename(chat: Chat) -> None:
    _, other = chat.json("Noi")
    chat.json("Mali", me=SECRET)
    chat.json("Malee", me=SECRET)
    assert [(m["type"], m["who"]["name"]) for m in other.messages("joined", "left", "renamed")] == [
        ("joined", "Mali"),
        ("renamed", "Malee"),
    ]


def test_the_only_one_in_a_room_can_be_replaced(chat: Chat) -> None:
    chat.json("Mali", me=SECRET)
    new, ear = chat.json("Mali", me=SECRET)
    chat.say(new, "hi")
    chat.turn()
    assert ear.numbers() == [1]


def test_the_same_secret_in_two_rooms_is_no_replacement(chat: Chat) -> None:
    _, lobby = chat.json("Mali", me=SECRET)
    chat.json("Mali", me=SECRET, room="physics")
    assert lobby.closed == []


def test_a_public_id_opens_nothing(chat: Chat) -> None:
    """Who says another's public id in hello is somebody new; only the secret makes the same person."""
    mali, mali_ear = chat.json("Mali", me=SECRET)
    thief, ear = chat.json("Mali", me=mali.who.id)
    assert mali_ear.closed == []
    assert thief.who.id != mali.who.id
    assert SECRET not in "".join(ear.heard)


def test_the_public_id_tells_nothing_of_the_secret_and_survives_a_restart() -> None:
    assert public_id(SECRET) == public_id(SECRET) != public_id(SECRET + "x")
    assert SECRET not in public_id(SECRET) and public_id(SECRET).startswith("p")


def test_the_public_id_cannot_be_found_by_trying() -> None:
    assert len(public_id(SECRET)) == 13  # 48 bits


@pytest.mark.parametrize(("me", "is_kept"), [("", False), ("x", False), ("x" * 15, False), ("x" * 16, True)])
def test_a_secret_that_can_be_guessed_is_not_taken(chat: Chat, me: str, is_kept: bool) -> None:
    _, ear = chat.json("Mali", me=me)
    secret = welcome_of(ear)["me"]
    assert (secret == me) is is_kept
    assert len(secret) >= 16


def test_equal_names_get_a_suffix(chat: Chat) -> None:
    names = [chat.json("Mali")[0].who.name, chat.plain("Mali")[0].who.name, chat.json("MALI")[0].who.name]
    assert names == ["Mali", "Mali·2", "MALI·3"]
    assert chat.json("Mali", room="physics")[0].who.name == "Mali"


def test_a_name_that_became_free_is_given_again(chat: Chat) -> None:
    mali, _ = chat.json("Mali")
    chat.hub.leave(mali)
    assert chat.json("Mali")[0].who.name == "Mali"


def test_a_suffix_fits_into_the_limit(chat: Chat) -> None:
    for _ in range(12):
        member, _ = chat.json("ก" * 32)
    assert member.who.name == "ก" * 29 + "·12"


def test_who_gave_no_name_needs_no_number(chat: Chat) -> None:
    assert [chat.plain()[0].who.name, chat.json()[0].who.name] == ["Someone", "Someone"]


def test_renaming_to_the_own_name_is_nothing(chat: Chat) -> None:
    mali, ear = chat.json("Mali")
    chat.hub.rename(mali, "Mali")
    assert ear.messages("renamed") == []
    assert mali.who.name == "Mali"


def test_what_was_said_keeps_the_name_it_was_said_under(chat: Chat) -> None:
    mali, ear = chat.json("Mali")
    chat.say(mali, "before")
    chat.hub.rename(mali, "Malee")
    chat.say(mali, "after")
    chat.turn()
    assert [(m["name"], m["text"]) for m in ear.messages("msg")] == [("Mali", "before"), ("Malee", "after")]


# --- on_event ------------------------------------------------------------------------------------------------------


def test_on_event_is_told_everything_with_its_room_and_number(chat: Chat) -> None:
    mali, _ = chat.json("Mali", room="physics")
    chat.say(mali, "hi")
    chat.turn()
    chat.hub.broadcast("hear me")
    chat.hub.rename(mali, "Malee")
    chat.hub.leave(mali)
    chat.turn()
    told = [(event.type, event.room, event.seq) for event in chat.happened]
    assert told == [
        ("joined", "physics", 0),
        ("msg", "physics", 1),
        ("notice", "lobby", 1),  # in every room, but said once
        ("renamed", "physics", 0),
        ("left", "physics", 0),
    ]


def test_a_repeat_is_no_event(chat: Chat) -> None:
    mali, _ = chat.json("Mali")
    for _ in range(2):
        chat.say(mali, "hi", id="a1")
        chat.turn()
    chat.turn()
    assert chat.types() == ["joined", "msg"]


def test_plain_and_json_are_told_apart_by_their_dialect(chat: Chat) -> None:
    assert chat.plain()[0].dialect is PLAIN
    assert chat.json()[0].dialect is JSON


def test_the_author_on_two_sockets_gets_the_same_number_on_both(chat: Chat) -> None:
    """The old socket of a client that came back still holds the message which the new one sends again."""
    old, old_ear = chat.json("Mali", me=SECRET)
    new, new_ear = chat.json("Mali", me=SECRET)
    for member in (old, new):
        chat.say(member, "hi", id="same")
    chat.turn()
    assert [ear.messages("ack") for ear in (old_ear, new_ear)] == [[{"type": "ack", "id": "same", "seq": 1}]] * 2
    assert chat.log.bounds("lobby") == (1, 1)
    assert old_ear.closed == [4001]


# --- a class -------------------------------------------------------------------------------------------------------


def test_who_comes_in_together_is_told_together(chat: Chat) -> None:
    """One delivery for those who were here; each newcomer hears only who came after it."""
    _, here = chat.json("Noi")
    chat.deliveries.clear()
    ears: list[Any] = [Ear() for _ in range(5)]
    for number, ear in enumerate(ears):
        chat.hub.catch_up(chat.hub.join_json(ear, ear.put_out, "lobby", f"s{number}", Hello()))
    chat.turn()
    told = [texts for outlets, texts in chat.deliveries if here in outlets]
    assert [len(texts) for texts in told] == [5]
    for number, ear in enumerate(ears):
        later = [f"s{each}" for each in range(number + 1, 5)]
        assert [message["who"]["name"] for message in ear.messages("joined")] == later
        members = [who["name"] for who in ear.messages("welcome")[0]["members"]]
        assert members + later == ["Noi", *(f"s{each}" for each in range(5))]


def test_a_crowd_is_told_the_count_and_some_names_four_times_a_second(chat: Chat) -> None:
    crowd = [chat.json(f"s{number}") for number in range(CROWD + 1)]
    _, ear = crowd[0]
    chat.sleep(1)
    ear.heard.clear()
    for number in range(CROWD_NAMES + 10):
        chat.json(f"late {number}")
    assert len(ear.messages("presence")) == 1  # the others have to wait for theirs
    for step in range(1, 4):
        chat.sleep(0.25)
        chat.json(f"step {step}")
    assert len(ear.messages("presence")) <= 4
    chat.sleep(0.25)
    told = ear.messages("presence")
    assert told[-1]["count"] == CROWD + 1 + CROWD_NAMES + 10 + 3
    assert max(len(message.get("joined", [])) for message in told) <= CROWD_NAMES
    assert ear.messages("joined") == []


def test_a_crowd_hears_how_it_ended_for_each_person(chat: Chat) -> None:
    crowd = [chat.json(f"s{number}", me=f"{number:032}") for number in range(CROWD + 2)]
    chat.sleep(1)
    _, ear = crowd[0]
    ear.heard.clear()
    gone, _ = crowd[1]
    for _ in range(3):
        chat.hub.leave(gone)
        other: Any = Ear()
        gone = chat.hub.join_json(other, other.put_out, "lobby", "s1", Hello(me=f"{1:032}"))
    chat.sleep(1)
    (told,) = ear.messages("presence")
    assert told["joined"] == [{"id": gone.who.id, "name": "s1"}] and "left" not in told


@pytest.mark.parametrize("pace", ["at once", "one by one"])
def test_what_a_class_costs_grows_with_its_number_and_not_with_its_square(pace: str) -> None:
    """N20: all that is told of who comes and goes, times who hears it; twice the people cost about twice as much."""

    def told(people: int) -> int:
        with closing(SqliteLog()) as log:
            chat = Chat(log)
            members = []
            for number in range(people):
                ear: Any = Ear()
                members.append(chat.hub.join_json(ear, ear.put_out, "lobby", f"s{number}", Hello()))
                chat.hub.catch_up(members[-1])
                if pace == "one by one":
                    chat.turn()
            chat.sleep(1)
            for member in members:
                chat.hub.leave(member)
                if pace == "one by one":
                    chat.turn()
            chat.sleep(1)
            kinds = ('{"type":"joined"', '{"type":"left"', '{"type":"presence"')
            return sum(
                len(outlets) * len(text)
                for outlets, texts in chat.deliveries
                for text in texts
                if text.startswith(kinds)
            )

    few, many = told(500), told(1_000)
    print(f"{few / 1e6:.1f} MB for 500, {many / 1e6:.1f} MB for 1,000")
    assert many < 3 * few


def test_a_name_changes_once_a_second(chat: Chat) -> None:
    _, ear = chat.json("Noi")
    mali, _ = chat.json("Mali")
    chat.hub.rename(mali, "Malee")
    for number in range(600):
        with pytest.raises(BadMessage) as refused:
            chat.hub.rename(mali, f"Mali {number}")
    assert refused.value.code == "rate" and refused.value.retry_ms == 1001
    chat.turn()
    chat.sleep(1.5)
    chat.hub.rename(mali, "Mali")
    chat.turn()
    assert [message["who"]["name"] for message in ear.messages("renamed")] == ["Malee", "Mali"]


def test_a_page_of_a_replay_is_encoded_once_for_all(chat: Chat) -> None:
    chat.fill(1_000)
    pages = []
    for number in range(30):
        ear: Any = Ear()
        member = chat.hub.join_json(ear, ear.put_out, "lobby", "Mali", Hello(after=number % 3))
        while True:
            frames, *_ = chat.hub.pages.after("lobby", member.after)
            pages.append(id(frames))
            if not chat.hub.catch_up(member):
                break
        assert ear.numbers() == list(range(number % 3 + 1, 1_001))
    # 15 full pages in common, two first ones of their own, and the last one, which may still grow.
    assert len(set(pages)) <= 15 + 2 + 30


def test_what_keeps_coming_is_told_in_one_turn(chat: Chat) -> None:
    """While each pass of the loop brings more, the turn waits; one like the last turn does not, nor a full one."""

    def one_pass() -> None:
        calls, chat.calls = chat.calls, []
        for function, args in calls:
            function(*args)

    mali, ear = chat.json("Mali")
    chat.turn()
    chat.deliveries.clear()
    chat.say(mali, "0")
    for number in range(1, 3):
        chat.say(mali, str(number))
        one_pass()
        assert ear.numbers() == []
    one_pass()
    assert ear.numbers() == [1, 2, 3]
    assert len([texts for _, texts in chat.deliveries if '"msg"' in texts[0]]) == 1
    for count, heard in ((3, 6), (FULL_TURN, FULL_TURN + 6)):
        for number in range(heard - count, heard):
            chat.say(mali, str(number))
        one_pass()
        assert ear.numbers() == list(range(1, heard + 1))


def test_the_operator_hears_once_that_the_log_cannot_keep(filed: tuple[Chat, sqlite3.Connection]) -> None:
    chat, other = filed
    mali, _ = chat.json("Mali")
    for _ in range(2):
        other.execute("BEGIN IMMEDIATE")
        for number in range(3):
            chat.say(mali, "hi", id=f"a{number}")
            chat.turn()
        other.execute("ROLLBACK")
        chat.say(mali, "hi")
        chat.turn()
    assert [type(error) for error in chat.warnings] == [LogUnavailable] * 2
