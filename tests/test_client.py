import asyncio
import gc
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve as serve_websockets
from websockets.typing import Subprotocol

from chatkit import Chat, Event, Server, Who, client, connect, serve
from chatkit.addresses import is_nearby
from chatkit.errors import BadAddress, BadMessage, BadName, BadText, ChatError, NoDialect, NoServer, Refused
from chatkit.limits import LIMITS
from chatkit.memory import Gap, Unsent
from tests.chat import CEILING, json_client, plain_client, wait_until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnect in a hundredth of a second; the shape of the real delays has a test of its own."""

    def hundredths() -> Iterator[float]:
        while True:
            yield 0.01

    monkeypatch.setattr(client, "backoff", hundredths)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serve(port=0, rate=0) as server:
        yield server


@asynccontextmanager
async def stranger(handler: Callable[[ServerConnection], Awaitable[None]], **options: Any) -> AsyncIterator[str]:
    """A WebSocket server that is not ours; gives its address."""
    async with serve_websockets(handler, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def seq(sent: asyncio.Future[int]) -> int:
    async with asyncio.timeout(CEILING):
        return await sent


async def hear(chat: Chat, *types: str, count: int = 1) -> list[Event]:
    """The next events of these types (all, if none is given); others are passed over."""
    heard: list[Event] = []
    async with asyncio.timeout(CEILING):
        async for event in chat:
            if not types or event.type in types:
                heard.append(event)
            if len(heard) == count:
                break
    return heard


async def until(chat: Chat, state: str) -> None:
    await wait_until(lambda: chat.state == state)


def cut(chat: Chat) -> None:
    """The link is gone, without a goodbye."""
    assert chat.websocket
    chat.websocket.transport.abort()


# --- connecting ----------------------------------------------------------------------------------------------------


async def test_connect_send_and_iterate(server: Server) -> None:
    async with connect(server.uri, name="Mali") as mali, connect(server.uri, name="Noi") as noi:
        assert await seq(mali.send("สวัสดี")) == 1
        assert await seq(noi.send("hi")) == 2
        for chat in (mali, noi):
            one, two = await hear(chat, "msg", count=2)
            assert (one.seq, one.who, one.text) == (1, Who(mali.you, "Mali"), "สวัสดี")
            assert (two.seq, two.who, two.text) == (2, Who(noi.you, "Noi"), "hi")


async def test_await_and_async_with_are_both_fine(server: Server) -> None:
    chat = await connect(server.uri)
    assert chat.state == "open"
    await chat.close()
    async with connect(server.uri) as chat:
        assert chat.state == "open"
    assert chat.state == "closed"


async def test_without_an_address_it_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(port=0) as server:
        monkeypatch.setenv("CHATKIT_PORT", str(server.port))
        async with connect() as chat:
            assert chat.uri == f"ws://localhost:{server.port}"
            assert chat.state == "open"


async def test_a_chat_knows_who_and_where_it_is(server: Server) -> None:
    async with connect(f"{server.uri}/room/physics", name="  Mali ") as mali:
        assert (mali.name, mali.room, mali.epoch) == ("Mali", "physics", server.hub.log.epoch)
        assert mali.members == {mali.you: Who(mali.you, "Mali")}
        async with connect(f"{server.uri}/room/physics", name="Mali") as second:
            assert second.name == "Mali·2"
            assert set(second.members) == {mali.you, second.you}
            await hear(mali, "joined")
            assert mali.members[second.you].name == "Mali·2"
        await hear(mali, "left")
        assert set(mali.members) == {mali.you}


async def test_a_chat_knows_its_own_new_name(server: Server) -> None:
    async with connect(server.uri, name="Mali") as chat, connect(server.uri, name="Noi") as noi:
        assert chat.websocket and noi.websocket
        await noi.websocket.send('{"type":"hello","name":"Nok"}')
        await hear(chat, "renamed")
        assert chat.name == "Mali"
        await chat.websocket.send('{"type":"hello","name":"Malee"}')
        await wait_until(lambda: chat.name == "Malee")
        assert chat.members[chat.you].name == "Malee"


async def test_nobody_in_particular_is_someone(server: Server) -> None:
    async with connect(server.uri) as chat:
        assert chat.name == "Someone"


async def test_a_newcomer_hears_the_last_50_and_then_live(server: Server) -> None:
    server.hub.log.append([Event("msg", Who("p0", "Pen"), id=str(n), text=f"t{n}") for n in range(1, 61)])
    async with connect(server.uri) as chat:
        await seq(chat.send("live"))
        assert [event.seq for event in await hear(chat, "msg", count=51)] == list(range(11, 62))
        assert chat.last == 61


async def test_after_zero_hears_all_that_is_kept(server: Server) -> None:
    server.hub.log.append([Event("msg", Who("p0", "Pen"), id=str(n), text=f"t{n}") for n in range(1, 61)])
    async with connect(server.uri, after=0) as chat:
        assert [event.seq for event in await hear(chat, "msg", count=60)] == list(range(1, 61))
    async with connect(server.uri, after=58) as chat:
        assert [event.seq for event in await hear(chat, "msg", count=2)] == [59, 60]


async def test_a_notice_of_the_operator_is_heard(server: Server) -> None:
    async with connect(server.uri) as chat:
        server.broadcast("five minutes left")
        (notice,) = await hear(chat, "notice")
        assert (notice.seq, notice.who.name, notice.text) == (1, "Server", "five minutes left")


# --- when the first connection fails -------------------------------------------------------------------------------


async def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(NoServer) as failed:
        await connect(f"ws://127.0.0.1:{port}")
    assert str(port) in str(failed.value)


@pytest.mark.parametrize(
    "uri",
    [
        *("", "ws://", "http://localhost", "localhost:8765", "ws://localhost#x", "ws://[::1", "ws://mali@localhost"),
        *("ws://localhost:0", "ws://localhost:99999", "ws://localhost:x", "ws://" + "a" * 70, "ws://.", "ws://a\0b"),
    ],
)
async def test_an_address_that_is_none_is_refused_before_anything_happens(uri: str) -> None:
    with pytest.raises(BadAddress):
        connect(uri)


@pytest.mark.parametrize("name", ["", "  ", "Teacher", "ก" * 33])
async def test_a_bad_name_is_refused_before_anything_happens(name: str) -> None:
    with pytest.raises(BadName):
        connect("ws://localhost:1", name=name)


@pytest.mark.parametrize(("path", "code"), [("/nowhere", 404), ("/?token=no", 401)])
@pytest.mark.parametrize("plain", [False, True])
async def test_a_server_that_says_no_is_refused_with_its_status(path: str, code: int, plain: bool) -> None:
    async with serve(port=0, token="right") as server:
        with pytest.raises(Refused) as refused:
            await connect(server.uri + path, plain=plain)
        assert refused.value.code == code


async def test_a_full_server_is_refused() -> None:
    async with serve(port=0, max_clients=1) as server, plain_client(server.uri):
        with pytest.raises(Refused) as refused:
            await connect(server.uri)
        assert refused.value.code == 503


async def test_a_wrong_token_is_refused_and_the_right_one_opens() -> None:
    async with serve(port=0, token="รหัสผ่าน") as server:
        with pytest.raises(Refused) as refused:
            await connect(server.uri, token="wrong")
        assert refused.value.code == 4401
        for plain in (False, True):
            async with connect(server.uri, token="รหัสผ่าน", plain=plain) as chat:
                assert chat.state == "open"


async def test_a_server_of_another_kind_is_said_at_once() -> None:
    """Such as the one that a student wrote: it echoes, and knows no subprotocol."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(f"You said: {message}")

    async with stranger(echo) as uri:
        with pytest.raises(ChatError) as failed:
            async with asyncio.timeout(CEILING):
                await connect(uri)
        assert uri in str(failed.value)
        async with connect(uri, plain=True) as chat:
            assert await seq(chat.send("hi")) == 0
            assert [event.text for event in await hear(chat)] == ["You said: hi"]


async def test_a_server_without_our_subprotocol_is_said_at_once_even_if_it_is_silent() -> None:
    async def silent(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with stranger(silent) as uri:
        with pytest.raises(NoDialect):
            async with asyncio.timeout(CEILING):
                await connect(uri)


@pytest.mark.parametrize("nonsense", ["hi", "{}", "[]", '{"type":"welcome"}', '{"type":"msg","seq":"x"}'])
async def test_a_server_that_talks_nonsense_is_an_error_that_can_be_read(nonsense: str) -> None:
    async def babble(connection: ServerConnection) -> None:
        with suppress(Exception):
            await connection.send(nonsense)
            await connection.wait_closed()

    async with stranger(babble, subprotocols=[Subprotocol("chatkit.v1")]) as uri:
        with pytest.raises(ChatError):
            async with asyncio.timeout(CEILING):
                await connect(uri)


async def test_giving_up_on_a_silent_server_leaves_nothing_behind() -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context))

    async def silent(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with stranger(silent, subprotocols=[Subprotocol("chatkit.v1")]) as uri:
        before = asyncio.all_tasks()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connect(uri)
        assert asyncio.all_tasks() <= before
    gc.collect()
    assert problems == []


# --- sending -------------------------------------------------------------------------------------------------------


async def test_send_is_queued_at_once_and_its_number_comes_later(server: Server) -> None:
    async with connect(server.uri) as chat:
        sent = [chat.send(f"t{number}") for number in range(20)]
        assert not any(each.done() for each in sent)
        assert [await seq(each) for each in sent] == list(range(1, 21))
        assert [event.text for event in await hear(chat, "msg", count=20)] == [f"t{n}" for n in range(20)]


@pytest.mark.parametrize("text", ["x" * (LIMITS.text + 1), "a\0b", "\ud800", "\x01" * LIMITS.text])
async def test_a_text_over_the_limits_never_enters_the_outbox(server: Server, text: str) -> None:
    """The last one is short enough in characters, and 24 kB as JSON."""
    async with connect(server.uri) as chat:
        with pytest.raises(BadText):
            chat.send(text)
        assert not chat.memory.outbox
        assert await seq(chat.send("fine")) == 1


@pytest.mark.parametrize("text", ["😀" * LIMITS.text, "ก" * LIMITS.text, "", "a\nb", "ที่ น้ำ ผู้ ปี๊บ กร์"])
async def test_a_text_within_the_limits_arrives_as_it_is(server: Server, text: str) -> None:
    async with connect(server.uri) as chat:
        await seq(chat.send(text))
        assert [event.text for event in await hear(chat, "msg")] == [text]


async def test_too_fast_is_sent_again_under_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(port=0, rate=50) as server, connect(server.uri) as chat:
        ids: list[str] = []
        wire_form = chat.memory.wire_form
        monkeypatch.setattr(chat.memory, "wire_form", lambda unsent: ids.append(unsent.id) or wire_form(unsent))
        sent = [chat.send(str(number)) for number in range(60)]
        assert [await seq(each) for each in sent] == list(range(1, 61))
        assert len(ids) > 2 * len(set(ids)) == 120  # some were refused, and came again as what they were


async def test_a_message_refused_for_good_raises_and_the_next_one_goes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with json_client(server.uri) as thief, connect(server.uri) as chat:
        await thief.send("faster", id="the same")
        await thief.hear("ack")
        with monkeypatch.context() as patch:
            patch.setattr("chatkit.memory.new_id", lambda: "the same")
            sent = chat.send("mine")
        with pytest.raises(BadMessage) as refused:
            await seq(sent)
        assert refused.value.code == "dup"
        assert refused.value.sentence("th") != refused.value.sentence("en")
        assert await seq(chat.send("next")) == 2


async def test_a_text_of_exactly_the_size_goes_and_one_byte_more_does_not(server: Server) -> None:
    async with connect(server.uri) as chat:

        def size(text: str) -> int:
            return len(chat.memory.wire_form(Unsent("0" * 32, text, print)).encode())

        fits = "🙂" * 3_000 + "\x01" * 700  # four bytes each, and six in JSON
        fits += "x" * (LIMITS.message_bytes - size(fits))
        assert size(fits) == LIMITS.message_bytes and len(fits) < LIMITS.text
        assert await seq(chat.send(fits)) == 1
        with pytest.raises(BadText) as refused:
            chat.send(fits + "x")
        assert refused.value.code == "too_big"
        assert (await hear(chat, "msg"))[0].text == fits


async def test_a_text_that_is_too_big_for_the_server_is_dropped_and_no_other(server: Server) -> None:
    """1009 (RFC 6455, 7.4.1) is about what was on its way; where nothing was, nothing is dropped."""
    async with connect(server.uri) as chat:
        assert chat.memory.hang_up(1009).code == 1009
        waiting = chat.memory.write("not on its way", lambda outcome: pytest.fail(str(outcome)))
        chat.memory.hang_up(1009)
        assert list(chat.memory.outbox) == [waiting]
        chat.memory.outbox.clear()


async def test_who_no_longer_waits_for_a_number_disturbs_nobody(server: Server) -> None:
    async with connect(server.uri) as chat:
        chat.send("one").cancel()
        assert await seq(chat.send("two")) == 2
        assert [event.text for event in await hear(chat, "msg", count=2)] == ["one", "two"]


# --- states --------------------------------------------------------------------------------------------------------


async def test_on_state_sees_each_change(tmp_path: Path) -> None:
    states: list[str] = []
    delays: list[float] = []

    def note(chat: Chat) -> None:
        states.append(chat.state)
        delays.append(chat.retry_in)

    db = str(tmp_path / "chat.db")
    server = await serve(port=0, db=db)
    chat = await connect(server.uri, on_state=note)
    await wait_until(lambda: states == ["open"])
    await server.stop()
    await wait_until(lambda: len(states) > 1)  # on_state is called after the state is set
    assert states[:2] == ["open", "reconnecting"] and delays[1] == 0.01
    async with serve(port=server.port, db=db):
        await wait_until(lambda: states[-2:] == ["connecting", "open"])
        await chat.close()
        await wait_until(lambda: states[-1] == "closed")


async def test_closing_is_a_goodbye_with_1000() -> None:
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.put_nowait(connection.close_code)

    async with stranger(handler) as uri:
        chat = await connect(uri, plain=True)
        await chat.close()
        async with asyncio.timeout(CEILING):
            assert await codes.get() == 1000
    assert chat.state == "closed" and chat.reason is None


async def test_closing_ends_the_iteration_and_is_idempotent(server: Server) -> None:
    chat = await connect(server.uri)
    await seq(chat.send("last"))
    await chat.close()
    await chat.close()
    for _ in range(2):  # and whoever iterates later comes to the end, too
        assert [event.type async for event in chat] in (["msg"], [])


async def test_closing_leaves_no_task(server: Server) -> None:
    before = asyncio.all_tasks()
    chat = await connect(server.uri)
    await chat.close()
    await wait_until(lambda: not server.reception.door.inside)
    assert asyncio.all_tasks() <= before


async def test_what_is_unsent_at_the_end_is_an_error_and_not_a_wait_for_ever(server: Server) -> None:
    chat = await connect(server.uri)
    await server.stop()
    await until(chat, "reconnecting")
    sent = chat.send("too late")
    await chat.close()
    with pytest.raises(ChatError):
        await seq(sent)
    with pytest.raises(ChatError):
        chat.send("even later")


async def test_closing_while_it_reconnects(server: Server) -> None:
    chat = await connect(server.uri)
    await server.stop()
    await until(chat, "reconnecting")
    async with asyncio.timeout(CEILING):
        await chat.close()
    assert chat.state == "closed"


@pytest.mark.parametrize("plain", [False, True])
async def test_a_flood_is_put_out_and_does_not_come_back(plain: bool) -> None:
    states: list[str] = []

    async def flooded(connection: ServerConnection) -> None:
        if not plain:
            await connection.recv()
            await connection.send(WELCOME)
        await connection.close(1008, "flood")

    async with stranger(flooded, subprotocols=None if plain else [Subprotocol("chatkit.v1")]) as uri:
        chat = await connect(uri, plain=plain, on_state=lambda chat: states.append(chat.state))
        await wait_until(lambda: states[-1:] == ["closed"])
    assert isinstance(chat.reason, Refused) and chat.reason.code == 1008
    assert states == ["open", "closed"]
    with pytest.raises(Refused):
        chat.send("let me in")


WELCOME = (
    '{"type":"welcome","you":"p1","me":"s","name":"Mali","room":"lobby","epoch":"e","head":0,"oldest":1,'
    '"resumed":false,"members":[{"id":"p1","name":"Mali"}],"limits":{}}'
)


async def test_the_older_of_two_with_the_same_secret_is_closed(server: Server) -> None:
    async with connect(server.uri, name="Mali") as chat, json_client(server.uri, me=chat.memory.me) as other:
        await until(chat, "closed")
        assert isinstance(chat.reason, Refused) and chat.reason.code == 4001
        assert other.welcome["you"] == chat.you


# --- the line drops ------------------------------------------------------------------------------------------------


async def test_resume_without_gap_or_repeat(server: Server) -> None:
    async with connect(server.uri, name="Mali") as mali, connect(server.uri, name="Noi") as noi:
        you = mali.you
        for number in range(30):
            if number % 10 == 5:
                await until(mali, "open")
                cut(mali)
            await seq(noi.send(f"t{number}"))
        events = await hear(mali, "msg", "reset", count=30)
        assert [event.seq for event in events] == list(range(1, 31))
        assert mali.you == you and mali.name == "Mali"


async def test_what_was_sent_offline_goes_out_in_order_when_the_server_is_back(tmp_path: Path) -> None:
    db = str(tmp_path / "chat.db")
    server = await serve(port=0, db=db, rate=0)
    async with connect(server.uri, name="Mali") as chat:
        assert await seq(chat.send("before")) == 1
        epoch = chat.epoch
        await server.stop()
        await until(chat, "reconnecting")
        sent = [chat.send(f"offline {number}") for number in range(3)]
        async with serve(port=server.port, db=db, rate=0):
            assert [await seq(each) for each in sent] == [2, 3, 4]
            events = await hear(chat, "msg", "reset", count=4)
            assert [event.text for event in events] == ["before", "offline 0", "offline 1", "offline 2"]
            assert chat.epoch == epoch
            await chat.close()


async def test_an_ack_that_was_lost_with_the_line_comes_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connect(server.uri) as chat:
        monkeypatch.setattr(server.hub, "acknowledge", lambda author, event: cut(chat))
        sent = chat.send("once")
        await wait_until(lambda: server.hub.log.bounds("lobby") == (1, 1))
        monkeypatch.undo()
        assert await seq(sent) == 1
        assert await seq(chat.send("next")) == 2
        assert [event.text for event in await hear(chat, "msg", count=2)] == ["once", "next"]


async def test_another_epoch_resets_what_was_shown() -> None:
    """As with a server that keeps nothing: after its restart the numbers begin anew."""
    server = await serve(port=0, rate=0)
    async with connect(server.uri) as chat:
        await seq(chat.send("old"))
        epoch = chat.epoch
        await server.stop()
        async with serve(port=server.port, rate=0):
            await seq(chat.send("new"))
            events = await hear(chat, "msg", "reset", count=3)
            assert [(event.type, event.seq, event.text) for event in events] == [
                ("msg", 1, "old"),
                ("reset", 0, ""),
                ("msg", 1, "new"),
            ]
            assert chat.epoch != epoch and chat.last == 1
            await chat.close()


async def test_a_hole_in_the_numbers_is_asked_for_again(server: Server) -> None:
    async with connect(server.uri) as chat, json_client(server.uri) as other:
        await other.send("one", id="a1")
        await hear(chat, "msg")
        chat.memory.hear('{"type":"beat","head":1}')  # nothing is missing
        with pytest.raises(Gap):
            chat.memory.hear('{"type":"beat","head":2}')
        with pytest.raises(Gap):
            chat.memory.hear('{"type":"msg","seq":3,"id":"x","from":"p","name":"n","ts":1,"text":"three"}')
        chat.memory.hear('{"type":"msg","seq":1,"id":"a1","from":"p","name":"n","ts":1,"text":"repeat"}')
        chat.memory.hear('{"type":"party","with":"cake"}')  # what this version does not know
        assert chat.events.empty() and chat.last == 1


async def test_silence_is_a_dead_line(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[str] = []
    async with connect(server.uri, on_state=lambda chat: states.append(chat.state)) as chat:
        monkeypatch.setattr(client, "SILENCE", 0.05)
        await seq(chat.send("the last sign of life"))
        await wait_until(lambda: "reconnecting" in states)
        monkeypatch.undo()
        await wait_until(lambda: states[-1] == "open")
        assert await seq(chat.send("back")) == 2


async def test_a_wrong_token_after_a_restart_ends_it() -> None:
    server = await serve(port=0)
    async with connect(server.uri) as chat:
        await server.stop()
        async with serve(port=server.port, token="new"):
            await until(chat, "closed")
            assert isinstance(chat.reason, Refused) and chat.reason.code == 4401


async def test_a_full_server_is_tried_again(server: Server) -> None:
    async with connect(server.uri) as chat:
        server.reception.door.most = 0
        cut(chat)
        await wait_until(lambda: isinstance(chat.reason, Refused) and chat.reason.code == 503)
        server.reception.door.most = 1
        await until(chat, "open")
        assert await seq(chat.send("back")) == 1


# --- the plain dialect ---------------------------------------------------------------------------------------------


async def test_plain_reads_the_seeds_own_lines(server: Server) -> None:
    async with connect(server.uri, name="มะลิ", plain=True) as mali, plain_client(server.uri) as other:
        await wait_until(lambda: len(server.members()) == 2)
        await seq(mali.send("hi"))
        assert await other.next() == "มะลิ says: hi"
        await other.send("ho")
        server.broadcast("all")
        lines = await hear(mali, count=3)
        assert {event.type for event in lines} == {"line"}
        assert sorted(event.text for event in lines) == sorted(["You said: hi", "Someone says: ho", "🟢 Server: all"])


async def test_plain_learns_of_a_refusal_and_goes_on() -> None:
    async with serve(port=0, rate=0.001) as server, connect(server.uri, plain=True) as chat:
        for number in range(10):
            await seq(chat.send(f"t{number}"))
        with pytest.raises(BadMessage) as refused:
            await seq(chat.send("too fast"))
        assert str(refused.value).startswith("⚠️ ")


async def test_plain_reconnects_and_sends_what_waited() -> None:
    server = await serve(port=0)
    async with connect(server.uri, plain=True) as chat:
        await server.stop()
        await until(chat, "reconnecting")
        sent = chat.send("patient")
        async with serve(port=server.port):
            await seq(sent)
            assert [event.text for event in await hear(chat)] == ["You said: patient"]
            await chat.close()


async def test_plain_keeps_the_query_of_its_address(server: Server) -> None:
    async with connect(f"{server.uri}/room/physics?x=1", name="Mali & Noi", plain=True) as chat:
        await wait_until(lambda: server.members("physics"))
        assert [who.name for who in server.members("physics")] == ["Mali & Noi"]
        assert chat.room == "physics"


# --- the way there -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_proxy_is_passed_by_on_this_machine(server: Server, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody is there
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with connect(f"ws://{host}:{server.port}") as chat:
        assert await seq(chat.send("direct")) == 1


@pytest.mark.parametrize(
    ("host", "is_near"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("[::1]", True),
        ("192.168.1.5", True),
        ("10.0.0.5", True),
        ("172.16.0.1", True),
        ("169.254.1.1", True),
        ("[fe80::1]", True),
        ("teacher.local", True),
        ("chat.example.org", False),
        ("8.8.8.8", False),
        ("teacher-pc", True),
        ("localhost.example.org", False),
    ],
)
def test_a_proxy_is_only_for_what_is_far_away(host: str, is_near: bool) -> None:
    assert is_nearby(f"ws://{host}:8765") is is_near


async def test_a_recorder_of_the_wire_sees_the_connection(server: Server) -> None:
    received: list[bytes] = []

    class Recorded(ClientConnection):
        def data_received(self, data: bytes) -> None:
            received.append(data)
            super().data_received(data)

    async with connect(server.uri, create_connection=Recorded) as chat:
        await seq(chat.send("on record"))
    assert b"on record" in b"".join(received)


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

        async with await asyncio.start_server(hang_up, sock=listener.dup()):
            with pytest.raises(NoServer):
                await connect(f"wss://127.0.0.1:{port}")


# --- the delays ----------------------------------------------------------------------------------------------------

real_backoff = client.backoff


def test_the_first_delay_is_anything_up_to_a_second() -> None:
    firsts = [next(real_backoff()) for _ in range(300)]
    assert 0 <= min(firsts) < 0.1 and 0.9 < max(firsts) < 1


def test_delays_grow_by_the_factor_up_to_fifteen_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 1.0)
    _, *delays = islice(real_backoff(), 10)
    expected = [min(1.6**n, 15.0) for n in range(1, 10)]
    assert delays == pytest.approx(expected)
    assert delays[-1] == 15.0


def test_delays_are_given_or_taken_thirty_percent() -> None:
    longest = [list(islice(real_backoff(), 12))[-1] for _ in range(300)]
    assert 0.7 * 15 <= min(longest) < 0.75 * 15 and 1.25 * 15 < max(longest) <= 1.3 * 15
