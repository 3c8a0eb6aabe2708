"""Nothing is lost, nothing is doubled, nobody holds up anybody: shown on real sockets and real processes."""

import asyncio
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, closing, contextmanager
from pathlib import Path

import pytest

import chatkit
from chatkit.errors import BadText, LogUnavailable
from chatkit.events import Event, Who
from chatkit.limits import LIMITS
from chatkit.log import SqliteLog
from chatkit.memory import Outcome, Unsent
from chatkit.messages import new_id
from chatkit.server import free_port
from tests.chaos import START, Link, Listener, ServerProcess, Staller, listening
from tests.chat import JsonClient, json_client, plain_client, wait_until

MALI = Who("p1", "Mali")
Spoilt = Callable[[sqlite3.Connection, Path], AbstractContextManager[None]]


@pytest.fixture
def quick_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that come back within 50 ms: the test is about what they find, not about how long they wait."""

    def delays() -> Iterator[float]:
        while True:
            yield random.uniform(0, 0.05)

    monkeypatch.setattr("chatkit.client.backoff", delays)


# R1


async def test_killed_five_times_the_server_loses_nothing(tmp_path: Path) -> None:
    """20 clients × 200 messages, `kill -9` five times at random, restarted on the same file."""
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(2**32)))
    print(f"CHAOS_SEED={seed}")
    chance = random.Random(seed)
    clients, messages, kills = 20, 200, 5
    acks: dict[str, int] = {}
    kill_at = sorted(chance.sample(range(1, clients * messages), kills))

    async def speak(chat: chatkit.Chat, wait: bool) -> None:
        """Half of them wait for each ack, half put all they have to say into the outbox at once."""
        pending = []
        for n in range(messages):
            ack = chat.send(f"{chat.name} {n}")
            pending.append((chat.memory.outbox[-1].id, ack))
            ack.add_done_callback(lambda ack, id=chat.memory.outbox[-1].id: acks.update({id: ack.result()}))
            if wait:
                await ack
        await asyncio.gather(*(ack for _, ack in pending))

    async def kill(server: ServerProcess) -> None:
        for number in kill_at:
            await wait_until(lambda number=number: len(acks) >= number, timeout=60)
            await asyncio.sleep(chance.uniform(0, 0.02))
            await server.kill()
            await asyncio.sleep(chance.uniform(0, 0.2))
            await server.start()

    async with ServerProcess(tmp_path / "room.db") as server, AsyncExitStack() as stack:
        chats = [
            await stack.enter_async_context(chatkit.connect(server.uri, name=f"c{n}", after=0)) for n in range(clients)
        ]
        listeners = await stack.enter_async_context(listening(*chats))
        async with asyncio.timeout(120):
            await asyncio.gather(kill(server), *(speak(chat, wait=n % 2 == 0) for n, chat in enumerate(chats)))
        rows = server.rows()
        # What a chat knows and what its listener has read are two things: the events wait in a queue between them.
        await wait_until(lambda: all(len(listener.numbered) >= len(rows) for listener in listeners), timeout=60)

    ids = {id: seq for seq, id, _, _ in rows}
    assert [seq for seq, *_ in rows] == list(range(1, clients * messages + 1))  # each once, no holes
    assert acks == ids  # every acked message is in the log under the number of its ack, and every sent one was acked
    for n in range(clients):
        assert [text for _, _, name, text in rows if name == f"c{n}"] == [f"c{n} {m}" for m in range(messages)]
    for listener in listeners:  # one order for all: what each one saw is the log
        assert [(e.seq, e.id, e.who.name, e.text) for e in listener.numbered] == rows
        assert not listener.of_type("reset")


# R2, R3: the same message twice


async def test_ack_lost_after_commit_comes_again_with_the_first_number(quick_retry: None) -> None:
    async with chatkit.serve(port=0) as server, Link(server.port) as link:
        async with chatkit.connect(link.uri, name="Mali") as mali, json_client(server.uri) as witness:
            link.is_deaf = True
            ack = mali.send("once")
            heard = await witness.hear("msg")
            assert (heard["seq"], heard["text"]) == (1, "once")  # committed, and told to everybody
            await witness.send("later", id="later")
            await witness.hear("ack")
            assert not ack.done()
            link.cut()
            assert await asyncio.wait_for(ack, 5) == 1
            assert [event.text for event in server.hub.log.read("lobby", 0).events] == ["once", "later"]
            assert await mali.send("again") == 3
            assert [m["text"] for m in witness.heard if m["type"] == "msg"] == ["once", "later"]


async def test_same_id_on_two_sockets_in_one_turn_is_one_message() -> None:
    async with chatkit.serve(port=0) as server, json_client(server.uri) as a, json_client(server.uri) as b:
        turns: list[int] = []
        append = server.hub.log.append
        server.hub.log.append = lambda batch: turns.append(len(batch)) or append(batch)  # type: ignore[method-assign]
        await asyncio.gather(a.send("of a", id="same"), b.send("of b", id="same"))
        answers = [await client.hear("ack", "nack") for client in (a, b)]
        assert turns == [2]
        kept = server.hub.log.read("lobby", 0).events
        assert [event.text for event in kept] == ["of a"]
        assert (answers[0]["type"], answers[0]["seq"]) == ("ack", 1)
        assert (answers[1]["type"], answers[1]["code"]) == ("nack", "dup")
        assert "of a" not in str(answers[1])


# R4, R5, R9: cut and resume


async def test_resume_while_others_speak_has_no_gap_and_no_repeat() -> None:
    """200 times: come back with `after` in the middle of 200 messages a second (and more)."""
    async with chatkit.serve(port=0, rate=0) as server, json_client(server.uri) as publisher:
        spoken = 0

        async def publish() -> None:
            nonlocal spoken
            while True:
                spoken += 1
                await publisher.send(f"{spoken}", id=f"{spoken}")
                await asyncio.sleep(0.005 if spoken % 7 else 0)

        async def listen() -> None:
            async for _ in publisher.websocket:
                pass

        tasks = [asyncio.create_task(publish()), asyncio.create_task(listen())]
        try:
            await wait_until(lambda: server.hub.log.bounds("lobby")[1] >= 100, timeout=10)
            last, me = 100, "one client that comes back"
            for _ in range(200):
                async with json_client(server.uri, me=me, epoch=server.hub.log.epoch, after=last) as client:
                    assert client.welcome["resumed"]
                    head = client.welcome["head"]
                    while last < head + 2:  # past the replay, into what is live
                        message = await client.hear("msg")
                        assert (message["seq"], message["text"]) == (last + 1, str(last + 1))
                        last += 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_resume_without_news_replays_nothing(quick_retry: None) -> None:
    async with chatkit.serve(port=0) as server, Link(server.port) as link:
        async with chatkit.connect(link.uri) as reader, chatkit.connect(server.uri) as writer:
            async with listening(reader) as [heard]:
                await writer.send("one")
                await wait_until(lambda: heard.seqs == [1])
                for connections in (2, 3):
                    link.cut()
                    await wait_until(lambda n=connections: link.ever == n and reader.state == "open")
                await writer.send("two")
                await wait_until(lambda: heard.last == 2)
                assert heard.seqs == [1, 2]
                assert not heard.of_type("reset")


async def test_reader_of_an_empty_room_hears_all_that_was_said_while_it_was_away(quick_retry: None) -> None:
    """It has no number yet, but it is no newcomer: 60 messages are more than a newcomer gets."""
    async with chatkit.serve(port=0, rate=0) as server, Link(server.port) as link:
        async with chatkit.connect(link.uri) as reader, chatkit.connect(server.uri) as writer:
            async with listening(reader) as [heard]:
                link.is_deaf = True
                for ack in [writer.send(str(n)) for n in range(60)]:
                    await ack
                link.cut()
                await wait_until(lambda: heard.last == 60)
                assert heard.seqs == list(range(1, 61))


async def test_sender_whose_link_is_cut_keeps_its_order(quick_retry: None) -> None:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(2**32)))
    print(f"CHAOS_SEED={seed}")
    chance = random.Random(seed)
    async with chatkit.serve(port=0, rate=0) as server, Link(server.port) as link:
        async with chatkit.connect(link.uri) as sender:
            acks = [sender.send(str(n)) for n in range(1, 101)]
            for number in sorted(chance.sample(range(1, 95), 12)):
                await wait_until(lambda number=number: acks[number - 1].done())
                link.is_deaf = chance.random() < 0.5
                for _ in range(chance.randrange(8)):  # anywhere between send, commit and ack
                    await asyncio.sleep(0)
                link.cut()
            assert await asyncio.wait_for(asyncio.gather(*acks), 10) == list(range(1, 101))
        assert link.ever > 1
        kept = [*server.hub.log.read("lobby", 0).events, *server.hub.log.read("lobby", 64).events]
        assert [event.text for event in kept] == [str(n) for n in range(1, 101)]


# R6, R7: the log is not the one that the reader knows


def shown(heard: Listener) -> list[str]:
    """What the reader was shown, with a "reset" where all before it was void."""
    return [event.text or event.type for event in heard.events if event.seq or event.type == "reset"]


def fill_log(path: Path, *texts: str) -> None:
    with closing(SqliteLog(str(path))) as log:
        log.append([Event("msg", MALI, id=new_id(), text=text) for text in texts])


async def test_deleted_log_clears_what_a_reader_shows(tmp_path: Path, quick_retry: None) -> None:
    path, port = tmp_path / "room.db", free_port()
    async with AsyncExitStack() as stack:
        async with chatkit.serve(port=port, db=str(path)) as server:
            reader = await stack.enter_async_context(chatkit.connect(server.uri))
            [heard] = await stack.enter_async_context(listening(reader))
            for text in ("old one", "old two"):
                await reader.send(text)
            epoch = reader.epoch
        for file in tmp_path.iterdir():
            file.unlink()
        fill_log(path, "new one", "new two", "new three")  # its numbers run past the reader's
        async with chatkit.serve(port=port, db=str(path)) as server:
            assert await asyncio.wait_for(reader.send("new four"), 10) == 4
            await wait_until(lambda: heard.last == 4)
            assert reader.epoch != epoch
            assert shown(heard) == ["old one", "old two", "reset", "new one", "new two", "new three", "new four"]


async def test_restored_copy_is_another_log(tmp_path: Path, quick_retry: None) -> None:
    """Number 3 is given a second time after the restore: the two must never stand in one list."""
    path, copy, port = tmp_path / "room.db", tmp_path / "copy.db", free_port()
    async with AsyncExitStack() as stack:
        async with chatkit.serve(port=port, db=str(path)) as server:
            reader = await stack.enter_async_context(chatkit.connect(server.uri))
            [heard] = await stack.enter_async_context(listening(reader))
            for text in ("one", "two"):
                await reader.send(text)
            with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(copy)) as backup:
                db.backup(backup)
            await reader.send("lost three")
        shutil.copy(copy, path)
        fill_log(path, "other three", "other four")
        async with chatkit.serve(port=port, db=str(path)) as server:
            await wait_until(lambda: heard.last == 4, timeout=10)
            assert shown(heard) == ["one", "two", "lost three", "reset", "one", "two", "other three", "other four"]


async def test_copy_restored_without_its_mark_is_another_log(tmp_path: Path, quick_retry: None) -> None:
    """N14: it has grown past what the reader knows, and the file that says how far it had come is gone."""
    path, copy, port = tmp_path / "room.db", tmp_path / "copy.db", free_port()
    async with AsyncExitStack() as stack:
        async with chatkit.serve(port=port, db=str(path)) as server:
            reader = await stack.enter_async_context(chatkit.connect(server.uri))
            [heard] = await stack.enter_async_context(listening(reader))
            await reader.send("one")
            with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(copy)) as backup:
                db.backup(backup)
            await reader.send("lost two")
        for file in tmp_path.glob("room.db*"):
            file.unlink()
        shutil.copy(copy, path)
        fill_log(path, "other two", "other three")
        async with chatkit.serve(port=port, db=str(path)) as server:
            await wait_until(lambda: heard.last == 3, timeout=START)
            assert shown(heard) == ["one", "lost two", "reset", "one", "other two", "other three"]


async def test_number_beyond_the_head_is_no_place_to_go_on_from() -> None:
    async with chatkit.serve(port=0) as server, json_client(server.uri) as first:
        await first.send("one", id="1")
        await first.hear("ack")
        async with json_client(server.uri, epoch=server.hub.log.epoch, after=1_000) as lost:
            assert lost.welcome["resumed"] is False
            assert await lost.texts(1) == ["one"]
        async with json_client(server.uri, epoch="of another log", after=1) as stranger:
            assert stranger.welcome["resumed"] is False
            assert await stranger.texts(1) == ["one"]


async def test_trimmed_history_is_said_and_not_skipped(quick_retry: None) -> None:
    async with chatkit.serve(port=0, rate=0, history=10) as server, Link(server.port) as link:
        async with chatkit.connect(link.uri) as reader, chatkit.connect(server.uri) as writer:
            async with listening(reader) as [heard]:
                await writer.send("1")
                await wait_until(lambda: heard.last == 1)
                link.is_deaf = True
                for n in range(2, 31):
                    await writer.send(str(n))
                async with json_client(server.uri, epoch=reader.epoch, after=1) as raw:
                    assert (raw.welcome["resumed"], raw.welcome["oldest"], raw.welcome["head"]) == (False, 21, 30)
                link.cut()
                await wait_until(lambda: heard.last == 30)
                assert shown(heard) == ["1", "reset", *(str(n) for n in range(21, 31))]


# R8


def test_ten_thousand_repeats_leave_no_hole_in_the_numbers() -> None:
    chance = random.Random(8)
    first: dict[str, int] = {}
    fresh = 0
    with closing(SqliteLog(history=20_000)) as log:
        while fresh < 10_000:
            batch = []
            for _ in range(chance.randrange(1, 40)):
                if first and chance.random() < 0.5:
                    batch.append(Event("msg", MALI, id=str(chance.randrange(fresh + 1)), text="x"))
                else:
                    fresh += 1
                    batch.append(Event("msg", MALI, id=str(fresh), text="x"))
            for event, is_new in log.append(batch):
                assert is_new == (event.id not in first)
                assert event.seq == first.setdefault(event.id, len(first) + 1)
        assert log.bounds("lobby") == (1, len(first))


# R10, R11, R12, S24: who does not read


async def test_one_of_fifty_stops_reading_and_only_that_one_is_put_out(quick_retry: None) -> None:
    """5 MB: everybody else hears each message before the next one is said; the one resumes all of it later."""
    text, last = "🙂" * 4_000, 320  # 16 kB each
    async with chatkit.serve(port=0, rate=0) as server, AsyncExitStack() as stack:
        chats = [await stack.enter_async_context(chatkit.connect(server.uri, name=f"c{n}")) for n in range(50)]
        stalled, *others = await stack.enter_async_context(listening(*chats))
        await chats[-1].send("begin")
        await wait_until(lambda: all(chat.last == 1 for chat in chats))
        dropped: list[str] = []
        for chat in chats[1:]:
            chat.recipe.on_state = lambda chat: dropped.append(f"{chat.name} {chat.state}")
        assert stalled.chat.websocket
        stalled.chat.websocket.transport.pause_reading()
        for seq in range(2, last + 1):
            assert await chats[-1].send(text) == seq
            await wait_until(lambda seq=seq: all(other.last == seq for other in others), timeout=START)
        assert not dropped
        await wait_until(lambda: len(server.members()) == 49, timeout=START)  # aborted
        assert len(stalled.numbered) < last
        stalled.chat.websocket.transport.resume_reading()
        await wait_until(lambda: stalled.last == last, timeout=START)
        assert stalled.seqs == list(range(1, last + 1))
        assert not stalled.of_type("reset")
        for chat in chats:
            chat.recipe.on_state = None


async def fill(speaker: JsonClient, server: chatkit.Server) -> None:
    """Speak until whoever does not read stalls: more than 32 KiB wait in the server, and no cap (256 KiB) helps."""
    while (unread := most_unread(server)) <= 40_000:
        for _ in range(4):
            await speaker.send("x" * 4_000, id=new_id())
        for _ in range(4):
            await speaker.hear("ack")
    assert unread < LIMITS.unread_bytes


def most_unread(server: chatkit.Server) -> int:
    return max(connection.transport.get_write_buffer_size() for connection in server.connections.standing())


async def test_readers_that_never_read_hold_up_nobody(tmp_path: Path) -> None:
    """A flood of 5 MB, a flood of pings, and Ctrl+C, against a real process; beside it one that stalls in silence."""

    async def floods() -> None:
        async with ServerProcess(tmp_path / "room.db") as server, AsyncExitStack() as stack:
            await flood(server, stack)
            await pings(server)
            await control_c(server)

    await asyncio.gather(silence(), floods())


async def flood(server: ServerProcess, stack: AsyncExitStack) -> None:
    """Three that never read and 5 MB: they are put out; the others hear each message before the next one is said."""
    chats = [await stack.enter_async_context(chatkit.connect(server.uri, name=f"c{n}")) for n in range(5)]
    listeners = await stack.enter_async_context(listening(*chats))
    for n in range(3):
        stack.enter_context(Staller(server.port, hello={"name": f"stalled{n}"}))
    await wait_until(lambda: len(chats[0].members) == 8, timeout=START)
    for _ in range(320):
        seq = await chats[0].send("🙂" * 4_000)
        await wait_until(lambda seq=seq: all(listener.last == seq for listener in listeners), timeout=START)
    await wait_until(lambda: len(chats[0].members) == 5, timeout=START)


async def pings(server: ServerProcess) -> None:
    """A flood of pings: each is answered at once, and the answers pile up. What the server holds of them has an end."""
    async with json_client(f"{server.uri}/room/pings") as witness:
        with Staller(server.port, "/room/pings", hello={}) as pinger:
            await witness.hear("joined")
            sent, before, most = 0, server.memory(), 0.0
            with pytest.raises(ConnectionError):
                async with asyncio.timeout(2 * START):
                    while True:
                        sent += pinger.ping(2_000)
                        most = max(most, server.memory() - before)
                        await asyncio.sleep(0.002)
            await witness.hear("left")
            print(f"{sent / 2**20:.0f} MiB of pings; the server held up to {most:.0f} MiB more than before")


async def control_c(server: ServerProcess) -> None:
    """Somebody does not read, somebody else dribbles a handshake, and the operator goes home."""
    async with json_client(server.uri) as speaker:
        with Staller(server.port, hello={}):
            await speaker.hear("joined")
            for n in range(1_000):
                await speaker.send("x" * 4_000, id=str(n))
            dribbler = (await asyncio.open_connection("127.0.0.1", server.port))[1]
            dribbler.write(b"GET / HTTP/1.1\r\nHost: loc")
            await dribbler.drain()
            assert await server.interrupt() == 0
            dribbler.close()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", server.port)


async def silence() -> None:
    """More than 32 KiB wait for one who never reads, and nothing more comes: the keepalive alone would hang."""
    async with chatkit.serve(port=0, rate=0) as server, json_client(server.uri) as speaker:
        with Staller(server.port, hello={}):
            await speaker.hear("joined")
            await fill(speaker, server)
            async with asyncio.timeout(START):  # websockets' own keepalive would wait for ever
                while '"left"' not in str(await speaker.websocket.recv()):
                    pass


async def test_stop_waits_for_nobody_and_frees_the_port(quick_retry: None) -> None:
    server = await chatkit.serve(port=0, rate=0)
    async with json_client(server.uri) as speaker:
        with Staller(server.port, hello={}):
            await speaker.hear("joined")
            await fill(speaker, server)
            dribbler = (await asyncio.open_connection("127.0.0.1", server.port))[1]
            dribbler.write(b"GET / HTTP/1.1\r\nHost: loc")
            await wait_until(lambda: len(server.connections.standing()) == 3)
            await asyncio.wait_for(server.stop(), START)  # without an abort it would wait for ever
            dribbler.close()
    async with chatkit.serve(port=server.port) as again:
        assert again.port == server.port


# R19: the log cannot take it


@contextmanager
def locked(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Another program holds the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def read_only(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    db.execute("PRAGMA query_only = ON")
    yield
    db.execute("PRAGMA query_only = OFF")


@contextmanager
def full(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """The disk has not one page more than the file."""
    db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
    yield
    db.execute("PRAGMA max_page_count = 1000000")


@pytest.mark.parametrize("spoilt", [locked, read_only, full])
async def test_log_that_cannot_write_means_no_ack_and_no_broadcast(tmp_path: Path, spoilt: Spoilt) -> None:
    path = tmp_path / "room.db"
    text = "x" * 4_000  # a page of its own
    async with chatkit.serve(port=0, rate=0, db=str(path)) as server, AsyncExitStack() as stack:
        author = await stack.enter_async_context(json_client(server.uri))
        reader = await stack.enter_async_context(json_client(server.uri))
        plain = await stack.enter_async_context(plain_client(server.uri))
        await author.hear("joined")
        await author.hear("joined")
        with spoilt(server.hub.log.db, path):  # type: ignore[attr-defined]
            for n in range(3):
                await author.send(text, id=f"lost {n}")
                nack = await author.next()
                assert (nack["type"], nack["code"], nack["id"]) == ("nack", "log", f"lost {n}")
                assert nack["retry_ms"] > 0
            await plain.send(text)
            assert (await plain.next()).startswith("⚠️ ")
            with pytest.raises(LogUnavailable):
                server.broadcast(text)
            assert server.hub.log.read("lobby", 0).events == []
        await author.send(text, id="lost 0")
        assert await author.hear("ack") == {"type": "ack", "id": "lost 0", "seq": 1}
        heard = await reader.hear("msg", "notice")
        assert (heard["id"], heard["seq"]) == ("lost 0", 1)  # the first that it hears, under the first number
        assert await plain.next() == f"Someone says: {text}"


@pytest.mark.parametrize("harm", ["delete", "truncate", "replace"])
async def test_log_that_is_gone_acks_nothing_and_the_operator_is_told(tmp_path: Path, harm: str) -> None:
    """N9: what is written to a file that nobody will find again is not kept."""
    path, warnings = tmp_path / "room.db", list[chatkit.ChatError]()
    async with chatkit.serve(port=0, rate=0, db=str(path), on_warning=warnings.append) as server:
        async with json_client(server.uri) as author, json_client(server.uri) as reader:
            await author.send("kept", id="1")
            await author.hear("ack")
            if harm == "delete":
                path.unlink()
            elif harm == "truncate":
                os.truncate(path, 0)
            else:
                shutil.copy(path, tmp_path / "other")
                os.replace(tmp_path / "other", path)
            for n in range(3):
                await author.send("lost", id=f"lost {n}")
                nack = await author.hear("ack", "nack")
                assert (nack["type"], nack["code"], nack["id"]) == ("nack", "log", f"lost {n}")
            with pytest.raises(LogUnavailable):
                server.broadcast("lost")
            await author.say(type="hello", name="Mali")
            await reader.hear("renamed")  # whatever was told before it has come
            assert [each["text"] for each in reader.heard if each["type"] in ("msg", "notice")] == ["kept"]
    [warning] = warnings
    assert isinstance(warning, LogUnavailable)
    assert str(path) in warning.sentence("en") and str(path) in warning.sentence("th")


async def test_log_that_goes_away_while_nobody_speaks_is_told_once(tmp_path: Path) -> None:
    path, warnings = tmp_path / "room.db", list[chatkit.ChatError]()
    async with chatkit.serve(port=0, db=str(path), on_warning=warnings.append) as server:
        path.unlink()
        await wait_until(lambda: warnings, timeout=START)
        looks: list[int] = []
        check = server.hub.log.check
        server.hub.log.check = lambda: looks.append(1) or check()  # type: ignore[method-assign]
        await wait_until(lambda: len(looks) == 2, timeout=START)
    assert [type(warning) for warning in warnings] == [LogUnavailable]


async def test_client_sends_again_until_the_log_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "room.db"
    async with chatkit.serve(port=0, db=str(path)) as server, chatkit.connect(server.uri) as chat:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            acks = [chat.send("one"), chat.send("two")]
            await wait_until(lambda: not chat.memory.is_in_flight)  # it was refused, and told when to come again
            other.execute("ROLLBACK")
        assert await asyncio.wait_for(asyncio.gather(*acks), 5) == [1, 2]
        assert chat.state == "open"


# R21: a message that nobody will ever take


async def test_message_over_the_limits_never_enters_the_outbox() -> None:
    async with chatkit.serve(port=0) as server, chatkit.connect(server.uri) as chat:
        for poison in ("x" * 4_001, "\0", "\ud800", "\n" * 3_000 + '"' * 1_000 + "🙂" * 4_000):
            with pytest.raises(BadText):
                chat.send(poison)
            assert not chat.memory.outbox
        assert await chat.send("fine") == 1


@pytest.mark.parametrize(("poison", "connections"), [("\0", 1), ("y" * 20_000, 2), ("y" * 4_001, 1)])
async def test_poison_in_the_outbox_is_dropped_and_the_next_message_goes(
    poison: str, connections: int, quick_retry: None
) -> None:
    """It got past the client's own checks, as one of an older version may: the server refuses it, or closes (1009)."""
    async with chatkit.serve(port=0) as server, Link(server.port) as link, chatkit.connect(link.uri) as chat:
        outcomes: list[Outcome] = []
        chat.memory.outbox.append(Unsent(new_id(), poison, outcomes.append))
        fine = chat.send("fine")
        assert await asyncio.wait_for(fine, 5) == 1
        assert [type(outcome) for outcome in outcomes] != [int] and len(outcomes) == 1
        assert link.ever == connections  # no endless round of 1009
        assert not chat.memory.outbox
