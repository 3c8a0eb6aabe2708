import asyncio
import contextlib
import logging
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from chatkit import Server, serve
from chatkit.errors import BadText, ChatError, LogUnavailable, PortTaken, TurnedAway
from chatkit.events import Event, Who
from chatkit.limits import LIMITS
from chatkit.server import free_port, running
from tests.chaos import Staller
from tests.chat import CEILING, close_code, dial, json_client, plain_client, wait_until


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


need_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1 (IPv6)")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server on a free port, where nobody is too fast."""
    async with serve(port=0, rate=0) as server:
        yield server


HANDSHAKE = "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"


async def get(port: int, request: str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") -> tuple[str, str, str]:
    """What an HTTP client reads: status line, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request.encode())
        async with asyncio.timeout(CEILING):
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()
    status, _, headers = head.partition("\r\n")
    return status, headers, body


async def status_of(uri: str, **options: Any) -> int:
    """The HTTP status with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with plain_client(uri, **options):
            pass
    return refused.value.response.status_code


def is_taken(port: int) -> bool:
    """Whether somebody listens there; found out without connecting, so it leaves nothing behind."""
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return False
    return True


# --- the plain dialect on a real socket ----------------------------------------------------------------------------


async def test_sender_hears_you_said_and_others_someone_says(server: Server) -> None:
    async with plain_client(server.uri) as one, plain_client(server.uri) as two:
        await wait_until(lambda: len(server.members()) == 2)
        await one.send("hi")
        assert await one.next() == "You said: hi"
        assert await two.next() == "Someone says: hi"
        server.broadcast("hello all")
        assert await one.next() == await two.next() == "🟢 Server: hello all"


async def test_a_name_in_the_address_is_the_plain_clients_name(server: Server) -> None:
    async with plain_client(f"{server.uri}/?name=%E0%B8%A1%E0%B8%B0%E0%B8%A5%E0%B8%B4") as mali:
        async with plain_client(server.uri) as other:
            await wait_until(lambda: len(server.members()) == 2)
            await mali.send("สวัสดี")
            assert await other.next() == "มะลิ says: สวัสดี"


@pytest.mark.parametrize("name", ["", "%20", "Server", "a" * 33, "%E2%80%8B"])
async def test_a_plain_client_with_a_bad_name_is_told_and_comes_in_without(server: Server, name: str) -> None:
    async with plain_client(f"{server.uri}/?name={name}") as one, plain_client(server.uri) as two:
        assert (await one.next()).startswith("⚠️ ")
        await wait_until(lambda: len(server.members()) == 2)
        await one.send("hi")
        assert await two.next() == "Someone says: hi"


async def test_what_a_plain_client_did_wrong_comes_back_as_one_line(server: Server) -> None:
    async with plain_client(server.uri) as client:
        await client.send("a" * 4_001)
        assert (await client.next()).startswith("⚠️ ")
        await client.send("better")
        assert await client.next() == "You said: better"


@pytest.mark.parametrize("offered", [["chatkit.v9"], ["mqtt", "graphql-ws"], ["Chatkit.V1"]])
async def test_an_unknown_subprotocol_is_let_in_as_plain(server: Server, offered: list[str]) -> None:
    async with plain_client(server.uri, subprotocols=[Subprotocol(each) for each in offered]) as client:
        assert client.websocket.subprotocol is None
        await client.send("hi")
        assert await client.next() == "You said: hi"


async def test_json_is_chosen_among_others(server: Server) -> None:
    async with dial(server.uri, subprotocols=[Subprotocol("mqtt"), Subprotocol("chatkit.v1")]) as websocket:
        assert websocket.subprotocol == "chatkit.v1"


async def test_nothing_is_compressed(server: Server) -> None:
    async with plain_client(server.uri, compression="deflate") as client:
        assert client.websocket.protocol.extensions == []


# --- the json dialect on a real socket -----------------------------------------------------------------------------


async def test_welcome_has_all_its_fields(server: Server) -> None:
    async with json_client(server.uri, name="Mali") as client:
        assert list(client.heard[0]) == [
            *("type", "you", "me", "name", "room", "epoch", "head", "oldest", "resumed", "members", "limits"),
        ]
        welcome = client.welcome
        assert (welcome["name"], welcome["room"], welcome["head"]) == ("Mali", "lobby", 0)
        assert welcome["members"] == [{"id": welcome["you"], "name": "Mali"}]
        assert len(welcome["me"]) >= 32 and welcome["me"] != welcome["you"]
        assert welcome["limits"]["message_bytes"] == 16 * 1024


async def test_limits_are_those_of_this_server() -> None:
    async with serve(port=0, rate=5, history=7, max_clients=3) as server, json_client(server.uri) as client:
        limits = client.welcome["limits"]
        assert (limits["rate"], limits["history"], limits["clients"]) == (5, 7, 3)


async def test_a_message_comes_back_with_number_and_ack(server: Server) -> None:
    async with json_client(server.uri, name="Mali") as client:
        await client.send("ที่ น้ำ ผู้ ปี๊บ กร์", id="a1")
        msg, ack = await client.hear("msg"), await client.hear("ack")
        assert (msg["seq"], msg["id"], msg["name"], msg["text"]) == (1, "a1", "Mali", "ที่ น้ำ ผู้ ปี๊บ กร์")
        assert msg["from"] == client.welcome["you"]
        assert ack == {"type": "ack", "id": "a1", "seq": 1}


async def test_an_id_may_have_128_characters_and_is_told_in_every_answer(server: Server) -> None:
    async with json_client(server.uri) as client:
        longest = "ก" * LIMITS.id
        await client.send("hi", id=longest)
        assert (await client.hear("ack"))["id"] == longest
        await client.send("nul \0", id=longest)
        assert (await client.hear("nack"))["id"] == longest
        await client.say(type="dance", id=longest)
        assert (await client.hear("nack"))["id"] == longest
        await client.say(type="dance", id=longest + "x")
        assert "id" not in await client.hear("nack")


async def test_hello_comes_first(server: Server) -> None:
    async with json_client(server.uri, greet=False) as client:
        await client.send("too early", id="a1")
        nack = await client.next()
        assert (nack["code"], nack["id"]) == ("hello_first", "a1")
        await client.say(type="dance")
        assert (await client.next())["code"] == "hello_first"
        await client.say(type="hello")
        assert (await client.hear("welcome"))["head"] == 0


async def test_a_second_hello_is_a_rename(server: Server) -> None:
    async with json_client(server.uri, name="Mali") as mali, json_client(server.uri, name="Noi") as noi:
        await mali.hear("joined")
        await mali.say(type="hello", name="Malee")
        for client in (mali, noi):
            renamed = await client.hear("renamed")
            assert renamed == {"type": "renamed", "who": {"id": mali.welcome["you"], "name": "Malee"}}
        assert [message["type"] for message in mali.heard].count("welcome") == 1
        assert {who.name for who in server.members()} == {"Malee", "Noi"}


async def test_a_bad_name_in_hello_is_refused_and_the_next_one_counts(server: Server) -> None:
    async with json_client(server.uri, greet=False) as client:
        await client.say(type="hello", name="  ")
        assert (await client.next())["code"] == "blank_name"
        await client.say(type="hello", name="Mali")
        assert (await client.next())["name"] == "Mali"


async def test_hello_without_a_name_takes_the_one_in_the_address(server: Server) -> None:
    async with json_client(f"{server.uri}/?name=Mali") as client:
        assert client.welcome["name"] == "Mali"
    async with json_client(f"{server.uri}/?name=Mali", name="Noi") as client:
        assert client.welcome["name"] == "Noi"
    async with json_client(server.uri) as client:
        assert client.welcome["name"] == "Someone"


async def test_others_hear_who_joined_and_left(server: Server) -> None:
    async with json_client(server.uri) as other:
        async with json_client(server.uri, name="Mali") as mali:
            who = {"id": mali.welcome["you"], "name": "Mali"}
            assert await other.hear("joined") == {"type": "joined", "who": who}
        assert await other.hear("left") == {"type": "left", "who": who}


async def test_the_older_socket_with_the_same_secret_is_closed_with_4001(server: Server) -> None:
    async with json_client(server.uri, name="Mali") as old:
        async with json_client(server.uri, name="Mali", me=old.welcome["me"]) as new:
            assert (await old.hear("nack"))["code"] == "replaced"
            assert await close_code(old.websocket) == 4001
            assert new.welcome["you"] == old.welcome["you"]
            assert [who.name for who in server.members()] == ["Mali"]


async def test_resume_tells_only_what_was_missed(server: Server) -> None:
    async with json_client(server.uri) as client:
        for number in range(5):
            await client.send(f"t{number}", id=f"a{number}")
        await client.texts(5)
        epoch = client.welcome["epoch"]
    async with json_client(server.uri, epoch=epoch, after=3) as client:
        assert client.welcome["resumed"] is True
        assert await client.texts(2) == ["t3", "t4"]


async def test_a_long_replay_is_whole_and_in_order(server: Server) -> None:
    pen = Who("p0", "Pen")
    server.hub.log.append([Event("msg", pen, id=f"a{number}", text="ก" * 500) for number in range(2_000)])
    async with json_client(server.uri, after=0) as client:
        for number in range(1, 2_001):
            assert (await client.hear("msg"))["seq"] == number


async def test_history_is_the_number_of_messages_kept() -> None:
    async with serve(port=0, rate=0, history=3) as server:
        async with json_client(server.uri) as client:
            for number in range(5):
                await client.send(f"t{number}", id=f"a{number}")
            await client.texts(5)
        async with json_client(server.uri, after=0) as client:
            assert (client.welcome["oldest"], client.welcome["head"], client.welcome["resumed"]) == (3, 5, False)
            assert await client.texts(3) == ["t2", "t3", "t4"]


async def test_too_fast_is_refused_with_a_time_to_try_again() -> None:
    async with serve(port=0, rate=2) as server, json_client(server.uri) as client:
        for number in range(12):
            await client.send("hi", id=f"a{number}")
        nack = await client.hear("nack")
        assert (nack["code"], nack["id"]) == ("rate", "a10")
        assert 0 < nack["retry_ms"] <= 501


# --- rooms ---------------------------------------------------------------------------------------------------------


async def test_the_path_is_the_room(server: Server) -> None:
    async with (
        json_client(f"{server.uri}/room/physics", name="Mali") as physics,
        json_client(f"{server.uri}/room/%E0%B8%AB%E0%B9%89%E0%B8%AD%E0%B8%87", name="Noi") as thai,
        json_client(server.uri) as lobby,
    ):
        assert (physics.welcome["room"], thai.welcome["room"]) == ("physics", "ห้อง")
        assert [who.name for who in server.members("physics")] == ["Mali"]
        assert [who.name for who in server.members("ห้อง")] == ["Noi"]
        assert len(server.members()) == 3 and server.members("empty") == []
        await physics.send("only here", id="a1")
        await physics.hear("ack")
        server.broadcast("everywhere")
        assert (await physics.hear("notice"))["seq"] == 2
        assert (await lobby.next())["type"] == "notice"
        assert (await thai.next())["text"] == "everywhere"


@pytest.mark.parametrize(
    "path", ["/rooms", "/room/", "/room/%20", "/room/a/b", "/lobby", "/room/%ff", "/../etc/passwd"]
)
async def test_a_path_that_is_no_room_is_404(server: Server, path: str) -> None:
    assert await status_of(server.uri + path) == 404
    assert " 404 " in (await get(server.port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))[0]


async def test_room_names_that_look_equal_are_one_room(server: Server) -> None:
    async with json_client(f"{server.uri}/room/Caf%C3%A9") as one, json_client(f"{server.uri}/room/Cafe%CC%81") as two:
        assert one.welcome["room"] == two.welcome["room"] == "Café"


# --- a handler survives everything ---------------------------------------------------------------------------------

ODD = [
    "",
    "hi",
    "[]",
    '"x"',
    "NaN",
    '{"type":"\\ud800"}',
    '{"type":"hello","me":"' + "\\ud800" * 16 + '"}',
    '{"type":"hello","name":"\\ud800"}',
    '{"type":"send","id":"a","text":"\\ud800"}',
    '{"type":"send","id":"a","text":"\\u0000"}',
    '{"type":"send","id":"\\ud800","text":"hi"}',
    '{"type":"send","id":"a","text":"' + "x" * 4_001 + '"}',
    '{"n":' + "9" * 5_000 + "}",
    '{"type":' + "[" * 990 + "]" * 990 + "}",
    "[" * 8_000 + "]" * 8_000,
    '{"type":"hello","after":-1}',
    '{"type":"hello","after":1e308}',
]


@pytest.mark.parametrize("greet", [True, False])
async def test_whatever_a_client_says_its_connection_and_the_others_live(server: Server, greet: bool) -> None:
    async with json_client(server.uri, name="Noi") as other, json_client(server.uri, greet=greet) as client:
        for message in ODD:
            await client.websocket.send(message)
            assert (await client.hear("nack", "msg"))["type"] == "nack", message[:50]
        await client.say(type="hello", name="Mali")
        await client.hear("welcome", "renamed")
        await client.send("still here", id="a1")
        assert await other.texts(1) == ["still here"]


async def test_a_binary_message_closes_with_1003(server: Server) -> None:
    for client_of in (plain_client, json_client):
        async with client_of(server.uri) as client:
            await client.websocket.send(b"hi")
            assert await close_code(client.websocket) == 1003


async def test_a_message_that_is_too_big_closes_with_1009(server: Server) -> None:
    async with plain_client(server.uri) as client, plain_client(server.uri) as other:
        await client.send("x" * (16 * 1024 + 1))
        assert await close_code(client.websocket) == 1009
        await other.send("hi")
        assert await other.next() == "You said: hi"


async def test_an_error_in_the_kit_itself_closes_with_1011_and_shows_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("inner matters")

    async with plain_client(server.uri) as client, plain_client(server.uri) as other:
        await wait_until(lambda: len(server.members()) == 2)
        with monkeypatch.context() as broken:
            broken.setattr(server.hub, "submit", fail)
            await client.send("hi")
            assert await close_code(client.websocket) == 1011
        assert client.websocket.close_reason == ""
        await other.send("hi")
        assert await other.next() == "You said: hi"
    assert "inner matters" in caplog.text


async def test_on_event_sees_everything_that_happens() -> None:
    happened: list[Event] = []
    async with serve(port=0, on_event=happened.append) as server:
        async with plain_client(f"{server.uri}/?name=Mali") as client:
            await client.send("hi")
            await client.next()
            server.broadcast("ho")
            await client.next()
        await wait_until(lambda: any(event.type == "left" for event in happened))
    assert [(event.type, event.who.name, event.seq, event.text) for event in happened] == [
        ("joined", "Mali", 0, ""),
        ("msg", "Mali", 1, "hi"),
        ("notice", "Server", 2, "ho"),
        ("left", "Mali", 0, ""),
    ]


async def test_an_error_in_on_event_disturbs_nobody() -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context))

    def fail(event: Event) -> None:
        raise RuntimeError(event.type)

    async with serve(port=0, on_event=fail) as server, json_client(server.uri) as client:
        await client.send("hi", id="a1")
        await client.hear("ack")
        await wait_until(lambda: len(problems) == 2)
    assert {str(problem["exception"]) for problem in problems} >= {"joined", "msg"}


# --- the operator --------------------------------------------------------------------------------------------------


async def test_the_operator_cannot_say_what_is_over_the_limits(server: Server) -> None:
    with pytest.raises(BadText):
        server.broadcast("x" * 4_001)


async def test_the_operator_is_told_when_the_log_cannot_keep_the_word(server: Server) -> None:
    async with plain_client(server.uri) as client:
        await wait_until(server.members)
        server.hub.log.db.execute("PRAGMA query_only = ON")  # type: ignore[attr-defined]
        with pytest.raises(LogUnavailable):
            server.broadcast("lost")
        server.hub.log.db.execute("PRAGMA query_only = OFF")  # type: ignore[attr-defined]
        server.broadcast("kept")
        assert await client.next() == "🟢 Server: kept"


# --- ports, addresses, starting and stopping -----------------------------------------------------------------------


async def test_uri_is_where_clients_connect(server: Server) -> None:
    assert server.uri == f"ws://localhost:{server.port}"
    async with plain_client(server.uri):
        pass


async def test_port_zero_takes_a_free_one() -> None:
    async with serve(port=0) as one, serve(port=0) as two:
        assert 0 < one.port != two.port


async def test_no_port_is_the_one_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_PORT", str(port := free_port()))
    async with serve() as server:
        assert server.port == port


async def test_localhost_is_ipv4(server: Server) -> None:
    async with plain_client(f"ws://127.0.0.1:{server.port}"):
        pass


@need_ipv6
async def test_localhost_is_ipv6_too(server: Server) -> None:
    async with plain_client(f"ws://[::1]:{server.port}"):
        pass


@need_ipv6
async def test_an_ipv6_address_stands_in_brackets() -> None:
    async with serve("::1", 0) as server:
        assert server.uri == f"ws://[::1]:{server.port}"
        async with plain_client(server.uri):
            pass


@pytest.mark.parametrize("host", [None, ""])
async def test_no_host_is_every_interface(host: str | None) -> None:
    async with serve(host, 0) as server:
        assert server.uri == f"ws://localhost:{server.port}"
        async with plain_client(f"ws://127.0.0.1:{server.port}"), plain_client(server.uri):
            pass


async def test_a_taken_port_is_said_with_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken) as taken:
            await serve(port=port)
    assert taken.value.port == port
    assert taken.value.free != port
    async with serve(port=taken.value.free) as server:
        assert server.port == taken.value.free


@need_ipv6
async def test_a_port_taken_on_ipv6_only_is_taken() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        with pytest.raises(PortTaken):
            await serve(port=other.getsockname()[1])


async def test_after_the_last_port_there_is_still_a_free_one() -> None:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", 65_535)):
        with pytest.raises(PortTaken) as taken:
            await serve(port=65_535)
        assert 0 < taken.value.free < 65_535


async def test_a_server_that_could_not_start_leaves_nothing_open(tmp_path: Path) -> None:
    """Its log is closed, too: filterwarnings would turn an open database into an error."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(PortTaken):
            await serve(port=other.getsockname()[1], db=str(tmp_path / "chat.db"))
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_log_that_cannot_be_opened_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable):
        await serve(port=0, db=str(tmp_path / "no" / "folder" / "chat.db"))


async def test_serving_the_same_port_again_stops_the_older_server() -> None:
    """As re-running a notebook's cell does."""
    first = await serve(port=0)
    async with plain_client(first.uri) as client:
        second = await serve(port=first.port)
        assert await close_code(client.websocket) == 1001
        await first.wait_closed()
        async with plain_client(second.uri) as again:
            await again.send("hi")
            assert await again.next() == "You said: hi"
    await first.stop()
    assert is_taken(second.port)  # stopping the older one again does not hurt the newer one
    await second.stop()
    assert not is_taken(second.port)


async def test_the_same_file_is_served_again_with_all_that_was_said(tmp_path: Path) -> None:
    db = str(tmp_path / "chat.db")
    async with serve(port=0, db=db) as server:
        port = server.port
        async with json_client(server.uri) as client:
            await client.send("kept", id="a1")
            await client.hear("ack")
            epoch = client.welcome["epoch"]
    async with serve(port=port, db=db) as server, json_client(server.uri, epoch=epoch, after=0) as client:
        assert client.welcome["resumed"] is True
        assert await client.texts(1) == ["kept"]


async def test_stop_may_be_called_again_and_by_several(server: Server) -> None:
    await asyncio.gather(server.stop(), server.stop(), server.wait_closed())
    once = server.closing
    server.close()
    await server.stop()
    assert server.closing is once
    assert not is_taken(server.port)


async def test_a_stop_that_fails_is_told_to_everybody_who_waits_for_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = asyncio.create_task(server.wait_closed())
    await asyncio.sleep(0)

    def fail() -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(server.reception.annex, "close", fail)
        for stopped in (server.stop(), waiting, server.wait_closed()):
            with pytest.raises(ZeroDivisionError):
                async with asyncio.timeout(CEILING):
                    await stopped
    server.closing = asyncio.get_running_loop().create_future()  # once more, for what is left
    await server.stop()


async def test_stop_leaves_no_task_and_no_socket() -> None:
    before = asyncio.all_tasks()
    async with serve(port=0) as server:
        async with plain_client(server.uri), json_client(server.uri) as client:
            await client.send("hi", id="a1")
            await client.hear("ack")
    assert asyncio.all_tasks() == before
    assert server.members() == [] and not server.reception.door.inside
    with pytest.raises(LogUnavailable):  # the log is closed
        server.hub.log.bounds("lobby")
    assert not is_taken(server.port)


async def test_clients_are_told_why_the_server_closes(server: Server) -> None:
    async with plain_client(server.uri) as client:
        await wait_until(server.members)
        server.close(1012, "ก" * 42)  # 126 bytes: more than a close frame may carry
        assert await close_code(client.websocket) == 1012
        assert client.websocket.close_reason == "ก" * 41
        await server.wait_closed()


async def test_what_arrived_before_the_end_is_kept_and_acknowledged(tmp_path: Path) -> None:
    async with serve(port=0, db=str(tmp_path / "chat.db"), rate=0) as server:
        async with json_client(server.uri) as client:
            session = next(iter(server.reception.door.inside))
            await session.receive('{"type":"send","id":"a1","text":"last words"}')
            server.close()
            assert (await client.hear("ack"))["seq"] == 1
            assert await close_code(client.websocket) == 1001


async def test_async_with_and_await_are_both_fine() -> None:
    server = await serve(port=0)
    async with server as same:
        assert same is server
        assert is_taken(server.port)
    assert not is_taken(server.port)


async def test_the_last_turn_is_taken_at_the_end_even_if_the_loop_has_not_come_to_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with json_client(server.uri) as client:
        session = next(iter(server.reception.door.inside))
        monkeypatch.setattr(server.hub, "gather", lambda before: None)  # the turn that was due is never begun
        await session.receive('{"type":"send","id":"a1","text":"last words"}')  # type: ignore[attr-defined]
        assert server.hub.log.bounds("lobby") == (1, 0)
        server.close()
        assert (await client.hear("ack"))["seq"] == 1
        assert await close_code(client.websocket) == 1001


async def test_only_a_taken_port_is_said_to_be_taken() -> None:
    """192.0.2.1 is nobody's address (RFC 5737): that is another problem than a port."""
    with pytest.raises(OSError):
        await serve("192.0.2.1", 0)


async def test_a_server_that_ends_leaves_the_port_to_who_has_it_now(server: Server) -> None:
    """One in another thread may serve the same port on another address."""
    other: Any = object()
    running[server.port] = other
    await server.stop()
    assert running.pop(server.port) is other


async def test_a_second_server_on_the_same_log_is_refused(tmp_path: Path) -> None:
    db = str(tmp_path / "chat.db")
    async with serve(port=0, db=db) as server, json_client(server.uri) as client:
        with pytest.raises(LogUnavailable) as refused:
            await serve(port=0, db=db)
        assert db in refused.value.sentence("en") and db in refused.value.sentence("th")
        await client.send("still here", id="a1")
        await client.hear("ack")


async def test_a_sign_of_life_comes_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.server.LIMITS", replace(LIMITS, beat_seconds=0.5))
    async with serve(port=0) as server, json_client(server.uri) as client:
        for _ in range(3):
            assert await client.hear("beat") == {"type": "beat", "head": 0}


async def test_a_beat_that_the_log_cannot_give_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.server.LIMITS", replace(LIMITS, beat_seconds=0.5))
    async with serve(port=0) as server, json_client(server.uri) as client:
        asked: list[str] = []

        def fail(room: str) -> tuple[int, int]:
            asked.append(room)
            raise LogUnavailable

        with monkeypatch.context() as broken:
            broken.setattr(server.hub.log, "bounds", fail)
            await wait_until(lambda: asked)
        assert await client.hear("beat") == {"type": "beat", "head": 0}  # the next one


async def test_websockets_own_keepalive_is_on(server: Server) -> None:
    async with plain_client(server.uri):
        [connection] = server.connections.standing()
        assert (connection.ping_interval, connection.ping_timeout) == (15, 15)


async def test_a_replay_waits_for_its_reader(server: Server) -> None:
    """5 MB for one who reads nothing: no more of it waits in the server than anybody may leave unread."""
    pen = Who("p0", "Pen")
    server.hub.log.append([Event("msg", pen, id=f"a{number}", text="x" * 4_000) for number in range(1_300)])
    async with json_client(server.uri) as witness:
        with Staller(server.port, hello={"after": 0}):
            await witness.hear("joined")
            most = 0
            for number in range(100):  # many turns of the loop
                await witness.send("hi", id=str(number))
                await witness.hear("ack")
                sizes = [each.transport.get_write_buffer_size() for each in server.connections.standing()]
                most = max(most, *sizes)
            assert 0 < most < LIMITS.unread_bytes


async def test_who_could_not_be_told_what_it_missed_may_come_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log fails between the welcome and the replay: nobody is half in."""

    def fail(member: object) -> bool:
        raise LogUnavailable

    async with json_client(server.uri, name="Noi") as other, json_client(server.uri, greet=False) as client:
        with monkeypatch.context() as broken:
            broken.setattr(server.hub, "catch_up", fail)
            await client.say(type="hello", name="Mali")
            nack = await client.hear("nack")
            assert nack["code"] == "log" and nack["retry_ms"] > 0
        assert [who.name for who in server.members()] == ["Noi"]
        await client.say(type="hello", name="Mali")
        await client.hear("welcome")
        await client.send("at last", id="a1")
        assert await other.texts(1) == ["at last"]


# --- admission -----------------------------------------------------------------------------------------------------


async def test_a_full_server_answers_503_and_takes_the_next_when_one_leaves() -> None:
    async with serve(port=0, max_clients=2) as server:
        async with plain_client(server.uri):
            async with plain_client(server.uri):
                assert await status_of(server.uri) == 503
                assert " 200 " in (await get(server.port))[0]
            await wait_until(lambda: len(server.reception.door.inside) == 1)
            async with plain_client(server.uri) as client:
                await client.send("hi")
                assert await client.next() == "You said: hi"


async def test_the_first_of_two_names_counts(server: Server) -> None:
    async with json_client(f"{server.uri}/?name=Mali&name=Noi") as client:
        assert client.welcome["name"] == "Mali"


@pytest.mark.parametrize(
    "asked",
    ["/?token=no", "/nowhere", "/?name=มาลี"],
)
async def test_the_operator_hears_of_every_refusal(asked: str) -> None:
    warnings: list[ChatError] = []
    async with serve(port=0, token="รหัส", on_warning=warnings.append) as server:
        status, _, body = await get(
            server.port, f"GET {asked} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n{HANDSHAKE}\r\n"
        )
        await wait_until(lambda: warnings)
    [warning] = warnings
    assert isinstance(warning, TurnedAway) and warning.who == "127.0.0.1"
    assert f" {warning.status} " in status
    assert warning.why.en in body and warning.why.th in body  # the client gets the same words
    for lang in ("en", "th"):
        assert getattr(warning.why, lang) in warning.sentence(lang) and "127.0.0.1" in warning.sentence(lang)


@pytest.mark.parametrize(
    "headers",
    [
        HANDSHAKE.replace("13", "12"),
        HANDSHAKE.replace("Upgrade", "close"),
        HANDSHAKE.replace("Sec-WebSocket-Key", "X-Key"),
    ],
)
async def test_a_handshake_that_is_none_is_told_what_one_is_and_the_operator_hears_of_it(headers: str) -> None:
    """RFC 6455, 4.2.2: the answer names the version that the server speaks."""
    warnings: list[ChatError] = []
    async with serve(port=0, on_warning=warnings.append) as server:
        request = f"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n{headers}\r\n"
        status, answer, _ = await get(server.port, request)
        await wait_until(lambda: warnings)
    [warning] = warnings
    assert isinstance(warning, TurnedAway) and warning.who == "127.0.0.1"
    assert f" {warning.status} " in status and warning.status in (400, 426)
    assert "Sec-WebSocket-Version: 13" in answer.splitlines()


async def test_a_browser_gets_the_page(server: Server) -> None:
    status, headers, body = await get(server.port)
    assert status == "HTTP/1.1 200 OK"
    assert "text/html; charset=utf-8" in headers and "Content-Security-Policy" in headers
    assert body.lower().startswith("<!doctype html>") and "</html>" in body
    assert " 200 " in (await get(server.port, "GET /room/physics HTTP/1.1\r\nHost: 192.168.1.5\r\n\r\n"))[0]


async def test_a_request_that_is_no_get_gets_no_page(server: Server) -> None:
    for method in ("POST", "PUT", "DELETE"):
        status, _, body = await get(server.port, f"{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        assert " 40" in status and "<html" not in body


async def test_garbage_instead_of_a_handshake_hurts_nobody(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    async with plain_client(server.uri) as client:
        with contextlib.suppress(OSError):
            await get(server.port, "\x16\x03\x01\x02\r\n\r\n")
        socket.create_connection(("127.0.0.1", server.port)).close()
        await client.send("hi")
        assert await client.next() == "You said: hi"


async def test_a_token_is_asked_for_in_the_address() -> None:
    async with serve(port=0, token="รหัส") as server:
        assert await status_of(server.uri) == 401
        assert await status_of(f"{server.uri}/?token=no") == 401
        async with plain_client(f"{server.uri}/?token=%E0%B8%A3%E0%B8%AB%E0%B8%B1%E0%B8%AA") as client:
            await client.send("hi")
            assert await client.next() == "You said: hi"


async def test_who_brings_the_token_in_hello_is_not_put_out_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.server.LIMITS", replace(LIMITS, hello_seconds=0.2))
    async with serve(port=0, token="รหัส") as server, json_client(server.uri, token="รหัส", name="Mali") as client:
        async with json_client(server.uri, greet=False) as later:  # it came after, and its time is up
            assert await close_code(later.websocket) == 4401
        await client.send("still here", id="a1")
        await client.hear("ack")
        assert [who.name for who in server.members()] == ["Mali"]


async def test_behind_a_proxy_that_has_a_token_of_its_own_hellos_counts() -> None:
    """jupyter-server-proxy passes its `?token=` on."""
    async with serve(port=0, token="รหัส") as server:
        proxied = {"additional_headers": {"X-Forwarded-For": "10.0.0.1"}, "subprotocols": [Subprotocol("chatkit.v1")]}
        async with dial(f"{server.uri}/?token=jupyters", **proxied) as websocket:
            await websocket.send('{"type":"hello","token":"รหัส"}')
            assert '"welcome"' in str(await websocket.recv())
        async with dial(f"{server.uri}/?token=jupyters", **proxied) as websocket:
            await websocket.send('{"type":"hello","token":"jupyters"}')
            assert await close_code(websocket) == 4401


async def test_another_class_of_connection_sees_every_frame() -> None:
    sent: list[bytes] = []

    class Watched(ServerConnection):
        def send_data(self) -> None:
            sent.extend(self.protocol.writes)
            super().send_data()

    async with serve(port=0, create_connection=Watched) as server, plain_client(server.uri) as client:
        await client.send("hi")
        assert await client.next() == "You said: hi"
        assert any(b"You said: hi" in data for data in sent)


# --- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost that nobody but this test trusts."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command = ["openssl", "req", *kind, "-keyout", str(key), "-out", str(cert), *subject]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return cert, key


@pytest.mark.skipif(not which("openssl"), reason="needs openssl to make a certificate")
async def test_tls(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    trusting = ssl.create_default_context(cafile=str(cert))
    async with serve(port=0, ssl=context) as server:
        assert server.uri == f"wss://localhost:{server.port}"
        async with plain_client(server.uri, ssl=trusting) as one, plain_client(server.uri, ssl=trusting) as two:
            await wait_until(lambda: len(server.members()) == 2)
            await one.send("สวัสดี")
            assert await one.next() == "You said: สวัสดี"
            assert await two.next() == "Someone says: สวัสดี"
