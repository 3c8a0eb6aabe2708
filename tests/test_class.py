"""One person, or one machine, must not be able to silence a class: what attackers and bad days have shown (N1 … N20).

Every measure is a number of things done, or a comparison with the same machine a moment before: never seconds.
"""

import asyncio
import gc
import json
import logging
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve as serve_websockets
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.typing import Subprotocol

import chatkit
from chatkit import client as client_module, session
from chatkit.errors import BadName, ChatError, FewFiles, NoDialect, NoServer, NotOpen, Refused
from chatkit.events import Event, Who
from chatkit.fanout import NOTHING, Fanout, Frames, Outlet
from chatkit.limits import LIMITS, files_left
from tests.chaos import Link, ServerProcess, listening
from tests.chat import CEILING, JsonClient, json_client, plain_client, text_frame, wait_until
from tests.needs import ROOT

CHATKIT = Subprotocol("chatkit.v1")
PEN = Who("p0", "Pen")


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a client does: the teacher's terminal stays free of tracebacks."""
    yield
    assert not [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the server's sessions have received so far, in order."""
    seen: list[str] = []
    receive = session.Session.receive

    async def noted(self: session.Session, message: str | bytes) -> None:
        seen.append(str(message))
        await receive(self, message)

    monkeypatch.setattr(session.Session, "receive", noted)
    return seen


# N1: ten thousand bad messages in one go

BURST = 10_000


async def flood(attacker: Any, text: str, count: int = BURST) -> None:
    """The same message again and again, all of it on its way before anybody else gets a word in."""
    attacker.websocket.transport.write(text_frame(text) * count)


async def left_over(attacker: Any) -> list[str]:
    """What somebody hears until the server has had enough of them (1008)."""
    heard: list[str] = []
    with suppress(ConnectionClosed):
        async with asyncio.timeout(60):
            while True:
                heard.append(str(await attacker.websocket.recv()))
    return heard


@asynccontextmanager
async def attack(monkeypatch: pytest.MonkeyPatch, kind: str, rate: float) -> AsyncIterator[tuple[Any, JsonClient, str]]:
    """Somebody bad, somebody who wants to talk, and what the bad one says."""
    monkeypatch.setattr("chatkit.server.CLOSE_TIMEOUT", 0.2)  # who floods does not answer the closing handshake
    token = "s3cret" if kind == "no token" else None
    bad = {"json": "{}", "plain": "\0", "no hello": "1", "no token": '{"type":"hello"}'}[kind]
    async with chatkit.serve(port=0, rate=rate, token=token) as server, AsyncExitStack() as stack:
        witness = await stack.enter_async_context(json_client(server.uri, name="Mali", token=token))
        if kind == "plain":
            attacker: Any = await stack.enter_async_context(plain_client(server.uri))
        else:
            attacker = await stack.enter_async_context(json_client(server.uri, greet=kind == "json", name="Eve"))
        yield attacker, witness, bad


@pytest.mark.parametrize("rate", [LIMITS.rate, 0])
@pytest.mark.parametrize("kind", ["json", "plain", "no hello"])
async def test_ten_thousand_bad_messages_delay_nobody(
    kind: str, rate: float, received: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others get their turn after a few of them; the flooder hears few answers, and is put out."""
    async with attack(monkeypatch, kind, rate) as (attacker, witness, bad):
        await flood(attacker, bad)
        await wait_until(lambda: bad in received)
        before = received.count(bad)
        await witness.send("may I?", id="1")
        assert (await witness.hear("ack"))["seq"] == 1
        assert received.count(bad) - before < LIMITS.flood / 2  # it is not even put out yet, and we are heard
        heard = await left_over(attacker)
        assert attacker.websocket.close_code == 1008
        if rate:
            assert len(heard) <= LIMITS.burst + rate * 60 + 1  # what is over the bucket is not even answered
        assert received.count(bad) < 2 * LIMITS.flood


async def test_without_the_token_the_first_bad_hello_is_the_last(
    received: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with attack(monkeypatch, "no token", 0) as (attacker, witness, bad):
        await flood(attacker, bad)
        heard = await left_over(attacker)
        assert [json.loads(each)["code"] for each in heard] == ["token"]
        assert attacker.websocket.close_code == 4401
        await witness.send("may I?", id="1")
        await witness.hear("ack")
        assert received.count(bad) < LIMITS.flood


async def test_too_many_good_messages_count_as_well(received: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is told to wait 500 times and does not is put out, in one bucket with the bad ones."""
    async with attack(monkeypatch, "json", LIMITS.rate) as (attacker, witness, bad):
        mixed = text_frame(bad) + text_frame('{"type":"hello","name":"Eve"}') + text_frame('{"type":"send"}')
        attacker.websocket.transport.write(mixed * 2_000)
        heard = await left_over(attacker)
        assert attacker.websocket.close_code == 1008
        nacks = [each for each in map(json.loads, heard) if each["type"] == "nack"]
        assert len([nack for nack in nacks if nack["code"] != "rate"]) <= LIMITS.burst + 1  # and the last word
        await witness.send("may I?", id="1")
        await witness.hear("ack")


def test_frames_that_wait_are_joined_once() -> None:
    """Four times the frames cost about four times the work; added one to the other, they would cost sixteen times."""

    class Sink(Outlet):
        def __init__(self) -> None:
            self.pending, self.is_transparent = NOTHING, True
            self.protocol: Any = SimpleNamespace(state=State.OPEN, expect_continuation_frame=False)
            self.transport: Any = SimpleNamespace(write=len)

    def seconds(count: int) -> float:
        loop: Any = SimpleNamespace(call_soon=lambda callback: None)
        outlet, frames, fanout = Sink(), Frames([b"x" * 200]), Fanout(loop)
        began = time.process_time()
        for _ in range(count):
            fanout.deliver([outlet], frames)
        fanout.flush()
        return time.process_time() - began

    few, many = (min(seconds(count) for _ in range(7)) for count in (5_000, 20_000))
    assert many < 10 * few


# N2: the system gives few files

FEW_FILES = """
import asyncio, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
import chatkit

async def main():
    async with chatkit.serve("127.0.0.1", 0, on_warning=lambda error: print("warned", type(error).__name__)) as server:
        print("port", server.port, server.hub.limits.clients, flush=True)
        await server.wait_closed()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of this kind")
async def test_more_clients_than_the_system_has_files_for_are_told_or_dropped() -> None:
    """256 files and 330 clients: as many as there is room for get in, the next are told, the rest dropped. No more."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", FEW_FILES), cwd=ROOT, env=os.environ, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            warned, listens = sorted([await process.stdout.readline() for _ in range(2)], reverse=True)
            assert warned == b"warned FewFiles\n"
            _, port, most = listens.split()
            status = []
            for _ in range(33):  # ten at a time: the system itself makes wait who finds its queue full
                status += await asyncio.gather(*(knock(int(port)) for _ in range(10)))
            writers = [writer for _, writer in status]
            counts = {code: [each for each, _ in status].count(code) for code in (101, 503, 0)}
            assert counts[101] == int(most) > 100
            assert counts[503] > 0
            assert sum(counts.values()) == 330
            for code, writer in status[:200]:  # some of those who are in go, and there is room again
                if code == 101:
                    writer.transport.abort()
            while (again := await knock(int(port)))[0] != 101:
                again[1].transport.abort()
            writers.append(again[1])
            for writer in writers:
                writer.transport.abort()
    finally:
        process.terminate()
        _, errors = await process.communicate()
    assert b"Traceback" not in errors and len(errors) < 2_000, errors[-2_000:]


async def knock(port: int) -> tuple[int, asyncio.StreamWriter]:
    """A handshake: the status of the answer (0: dropped without one), and the connection, left open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with suppress(ConnectionError):
        line = await reader.readline()
        return int(line.split()[1]) if line else 0, writer
    return 0, writer


async def test_who_has_gone_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gone is gone, not only when the garbage collector comes by: until then all the others were dropped."""
    monkeypatch.setattr("chatkit.limits.files_left", lambda: 100)
    gc.disable()
    try:
        async with chatkit.serve("127.0.0.1", 0) as server:
            for _ in range(2 * server.connections.most):
                status, writer = await knock(server.port)
                assert status == 101
                writer.transport.abort()
                await wait_until(lambda: not server.connections.accepted)
    finally:
        gc.enable()


async def test_who_was_refused_and_does_not_hang_up_makes_room_for_the_next_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.limits.files_left", lambda: 100)
    async with chatkit.serve("127.0.0.1", 0) as server:
        inside = [await knock(server.port) for _ in range(server.hub.limits.clients)]
        refused = [await knock(server.port) for _ in range(40)]
        assert {status for status, _ in inside} == {101}
        assert [status for status, _ in refused] == [503] * 40
        assert len(server.connections.accepted) <= server.connections.most + 1
        for _, writer in inside + refused:
            writer.transport.abort()


async def test_a_server_has_no_more_places_than_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.limits.files_left", lambda: 200)
    warnings: list[ChatError] = []
    async with chatkit.serve(port=0, on_warning=warnings.append) as server, json_client(server.uri) as client:
        most = server.hub.limits.clients
        assert 50 < most < 200
        assert client.welcome["limits"]["clients"] == most
        [warning] = warnings
        assert isinstance(warning, FewFiles) and str(most) in warning.sentence("th")


class System:
    """Instead of the module `resource`: a system with this hard limit, which takes nothing over `most`."""

    RLIMIT_NOFILE, RLIM_INFINITY = 7, -1

    def __init__(self, soft: int, hard: int, most: int) -> None:
        self.limits, self.most = (soft, hard), most

    def getrlimit(self, _: int) -> tuple[int, int]:
        return self.limits

    def setrlimit(self, _: int, limits: tuple[int, int]) -> None:
        if not 0 <= limits[0] <= self.most:
            raise ValueError("not allowed to raise maximum limit")
        self.limits = limits


@pytest.mark.parametrize(
    ("soft", "hard", "most", "expected"),
    [
        (1_024, 4_096, 4_096, 4_096),  # Linux: up to the hard limit
        (256, -1, 10_240, 10_240),  # macOS: no hard limit, and yet not more than 10,240
        (256, 256, 256, 256),
        (-1, -1, 0, -1),
    ],
)
def test_the_limit_of_files_is_raised_as_far_as_the_system_allows(
    soft: int, hard: int, most: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R16."""
    system = System(soft, hard, most)
    monkeypatch.setitem(sys.modules, "resource", system)  # type: ignore[arg-type]
    left = files_left()
    assert system.limits[0] == expected
    assert left == float("inf") if expected == -1 else expected - 100 < left < expected


def test_windows_has_no_limit_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert files_left() == float("inf")


# N3: six hundred renames


@pytest.mark.parametrize("rate", [LIMITS.rate, 0])
async def test_renames_reach_the_others_once_a_second(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.server.CLOSE_TIMEOUT", 0.2)
    loop = asyncio.get_running_loop()
    async with chatkit.serve(port=0, rate=rate) as server, json_client(server.uri, name="Mali") as reader:
        async with json_client(server.uri, name="Eve") as renamer:
            began = loop.time()
            for number in range(600):
                with suppress(ConnectionClosed):
                    await renamer.say(type="hello", name=f"Eve {number}")
            with suppress(ConnectionClosed):
                await renamer.say(type="send", id="last", text="last")
                await renamer.hear("ack", "nack")
            async with json_client(server.uri, name="Nok") as other:
                await other.send("after all that", id="1")
                while (await reader.hear("msg"))["text"] != "after all that":
                    pass
            told = [message for message in reader.heard if message["type"] == "renamed"]
            assert 1 <= len(told) <= 1 + (loop.time() - began)


# N4: on_state


def raises(chat: chatkit.Chat) -> None:
    raise RuntimeError(f"mine at {chat.state}")


def takes_nothing() -> None:
    """Not what on_state is given."""


@pytest.fixture
async def reported() -> list[BaseException]:
    """The errors that the event loop reports."""
    errors: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    return errors


@pytest.mark.parametrize("on_state", [raises, takes_nothing, lambda chat, extra: None], ids=["raises", "none", "two"])
async def test_on_state_that_fails_is_told_as_its_own_and_the_chat_goes_on(
    on_state: Any, reported: list[BaseException], quick_retry: None
) -> None:
    async with asyncio.timeout(CEILING), chatkit.serve(port=0) as server, Link(server.port) as link:
        chat = await chatkit.connect(link.uri, on_state=on_state)
        assert await chat.send("one") == 1
        link.cut()
        await wait_until(lambda: link.ever == 2 and chat.state == "open")
        assert await chat.send("two") == 2
        await chat.close()
        await asyncio.sleep(0)
    kind = RuntimeError if on_state is raises else TypeError
    assert {type(error) for error in reported} == {kind}
    assert len(reported) == 5  # open, reconnecting, connecting, open, closed


@pytest.fixture
def quick_retry(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Clients that come back at once; how many delays each round of them has taken."""
    taken: list[int] = []

    def delays() -> Iterator[float]:
        taken.append(0)
        while True:
            taken[-1] += 1
            yield 0.01

    monkeypatch.setattr(client_module, "backoff", delays)
    return taken


# N5, N16: a server of another make


def welcome(**fields: Any) -> str:
    known: dict[str, Any] = {"type": "welcome", "you": "p1", "me": "x" * 32, "name": "Mali", "room": "lobby"}
    known |= {"epoch": "e", "head": 0, "oldest": 1, "resumed": False, "members": [{"id": "p1", "name": "Mali"}]}
    return json.dumps(known | {"limits": {}} | fields)


@asynccontextmanager
async def other_server(
    *messages: str, then: Callable[[ServerConnection], Awaitable[None]] | None = None
) -> AsyncIterator[str]:
    """A server that hears hello, says this, and does what `then` says, or waits; its address."""

    async def talk(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await connection.recv()
            for message in messages:
                await connection.send(message)
            if then:
                await then(connection)
            async for said in connection:
                await connection.send(
                    json.dumps({"type": "ack", "id": json.loads(said)["id"], "seq": 9, "mood": "good"})
                )

    async with serve_websockets(talk, "127.0.0.1", 0, subprotocols=[CHATKIT], max_size=None) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def test_what_a_newer_server_adds_is_left_alone() -> None:
    """A field, a type, a role, a reason in one language only: at every place of the protocol."""
    new = {"role": "teacher", "badge": {"colour": [1, 2]}}
    mali, nok, pim = ({"id": f"p{n}", "name": name} | new for n, name in enumerate(("Mali", "Nok", "Pim"), 1))
    msg = {"type": "msg", "id": "x", "from": "p2", "name": "Nok", "ts": 1.5, "text": "hi"}
    messages = [
        welcome(members=[mali, nok], rules={"paused": False}, role="teacher", limits={"dances": 3}),
        json.dumps({"type": "joined", "who": pim, "by": "door"}),
        json.dumps({"type": "rules", "paused": True}),
        json.dumps(msg | new | {"seq": 1}),
        json.dumps(msg | {"seq": 2, "type": "card", "kind": "poll", "answers": ["a"]}),  # numbered, and unknown
        json.dumps(msg | {"seq": 3, "text": "after the card"}),
        json.dumps({"type": "presence", "count": 3, "joined": [], "left": [], "quiet": True}),
        json.dumps({"type": "nack", "code": "muted", "id": "nobody's", "message": {"fr": "chut"}, "until": 5}),
        json.dumps({"type": "renamed", "who": {"id": "p3", "name": "Pimmy", "role": None}}),
        json.dumps({"type": "left", "who": nok}),
        json.dumps({"type": "beat", "head": 3, "load": 0.5}),
    ]
    async with other_server(*messages) as uri, chatkit.connect(uri, name="Mali") as chat:
        async with listening(chat) as [heard]:
            assert await asyncio.wait_for(chat.send("still here"), CEILING) == 9
            await wait_until(lambda: heard.of_type("left"))
            assert [event.text for event in heard.numbered] == ["hi", "after the card"]
            assert {who.name for who in chat.members.values()} == {"Mali", "Pimmy"}
            assert (chat.state, chat.last, chat.reason) == ("open", 3, None)


async def test_a_newer_client_is_understood_as_well() -> None:
    async with chatkit.serve(port=0) as server, json_client(server.uri, name="Mali", colour={"r": 1}) as client:
        await client.say(type="send", id="1", text="hi", reply_to=5, parts=[{"x": None}])
        assert (await client.hear("ack", "nack"))["seq"] == 1
        await client.say(type="typing", id="t")
        nack = await client.hear("nack")
        assert (nack["code"], nack["id"]) == ("unknown_type", "t")


async def test_a_client_keeps_its_own_limits_whatever_a_server_sends() -> None:
    """A name of 150 KB in a panel's status would be sent to the browser ten times a second."""
    huge = "ก" * 50_000
    who = {"id": "p2", "name": huge}
    msg = {"id": "x", "from": "p2", "name": huge, "ts": 1.5, "text": huge}
    messages = [
        welcome(name=huge, members=[who]),
        welcome(room=huge, members=[{"id": "p9", "name": huge}]),
        json.dumps({"type": "joined", "who": who}),
        json.dumps({"type": "renamed", "who": {"id": "p1", "name": huge}}),
        json.dumps({"type": "msg", "seq": 1} | msg),
        json.dumps({"type": "notice", "seq": 2} | msg),
        json.dumps({"type": "presence", "count": 3, "joined": [{"id": "p3", "name": huge}]}),
    ]

    async def refuse(connection: ServerConnection) -> None:
        id = json.loads(await connection.recv())["id"]
        await connection.send(
            json.dumps({"type": "nack", "id": id, "code": huge[:1], "message": {"en": huge, "th": huge}})
        )

    async with other_server(*messages, then=refuse) as uri, chatkit.connect(uri) as chat:
        with pytest.raises(ChatError) as refused:
            await asyncio.wait_for(chat.send("hi"), CEILING)
        assert len(refused.value.sentence("th")) <= LIMITS.text
        shown = [chat.name, chat.room, *(each.name for each in chat.members.values())]
        events = [chat.events.get_nowait() for _ in range(chat.events.qsize())]
        shown += [event.who.name for event in events if event]
        assert {event.type for event in events if event} >= {"joined", "renamed", "msg", "notice"}
        assert max(map(len, shown)) <= 2 * LIMITS.name
        assert max(len(event.text) for event in events if event) == LIMITS.text


# N6: wrong types

WRONG: list[Any] = [{}, [], 0, False, 7, 1.5, True, ["x"], {"x": 1}]


@pytest.mark.parametrize("field", ["name", "me", "epoch", "after", "token"])
async def test_a_field_of_the_wrong_type_is_named_and_nothing_breaks(field: str) -> None:
    wrong = [each for each in WRONG if field != "after" or type(each) is not int] + (
        ["5", -1] if field == "after" else []
    )
    async with chatkit.serve(port=0, rate=0) as server, json_client(server.uri, greet=False) as client:
        for is_greeted in (False, True):
            for value in wrong:
                await client.say(type="hello", **{field: value})
                nack = await client.next()
                assert (nack["type"], nack["code"]) == ("nack", "bad_field"), value
                assert field in nack["message"]["en"] and field in nack["message"]["th"]
            if not is_greeted:
                await client.say(type="hello", name="Mali")
                await client.hear("welcome")
        await client.send("still here", id="1")
        await client.hear("ack")


@pytest.mark.parametrize("field", ["id", "text", "type"])
async def test_a_send_of_the_wrong_type_is_refused_and_nothing_breaks(field: str) -> None:
    async with chatkit.serve(port=0, rate=0) as server, json_client(server.uri, name="Mali") as client:
        for value in [*WRONG, None]:
            await client.say(**{"type": "send", "id": "x", "text": "hi"} | {field: value})
            nack = await client.next()
            assert (nack["type"], nack["code"]) == ("nack", "unknown_type" if field == "type" else "bad_field"), value
        await client.send("still here", id="1")
        await client.hear("ack")


# N7: many catch up at once


class Thirsty(asyncio.Protocol):
    """A reader of a whole room that costs the test nothing: it counts bytes until the last number has come."""

    def __init__(self, port: int, last: int, done: asyncio.Future[int]) -> None:
        self.port, self.last, self.done = port, f'"seq":{last},'.encode(), done
        self.size, self.tail = 0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(
            f"GET /room/long HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: chatkit.v1\r\n\r\n".encode()
        )
        transport.write(text_frame('{"type":"hello","after":0}'))

    def data_received(self, data: bytes) -> None:
        self.size += len(data)
        if self.last in self.tail + data and not self.done.done():
            self.done.set_result(self.size)
        self.tail = data[-20:]

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError())


async def test_thirty_who_read_ten_thousand_messages_leave_the_others_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readers, last = 30, 10_000
    encoded: list[int] = []
    async with chatkit.serve(port=0, rate=0) as server, json_client(server.uri) as witness:
        server.hub.log.append([Event("msg", PEN, "long", id=str(n), text=f"text {n}") for n in range(last)])
        encode = chatkit.hub.JSON.encode
        monkeypatch.setattr(
            chatkit.hub.JSON, "encode", lambda event: encoded.append(event.seq) or encode(event), raising=False
        )
        loop = asyncio.get_running_loop()
        finished = [loop.create_future() for _ in range(readers)]
        transports = [
            (
                await loop.create_connection(
                    lambda done=done: Thirsty(server.port, last, done), "127.0.0.1", server.port
                )
            )[0]
            for done in finished
        ]
        echoes = 0
        while not all(done.done() for done in finished):
            await witness.send("hi", id=f"w{echoes}")
            await witness.hear("ack")
            echoes += 1
        sizes = {await done for done in finished}
        assert min(sizes) > 90 * last
        for transport in transports:
            transport.abort()
    pages = -(-last // 64)
    print(f"{echoes} echoes while {readers} readers read {pages} pages each; {len(encoded)} messages were encoded")
    assert echoes > pages / 20  # one a page would be one in every pass of the loop; an echo takes a few of them
    assert len([seq for seq in encoded if seq]) < 2 * last + echoes  # once for all who want them, not thirty times


# N10, N11, N18: the way to the server


@asynccontextmanager
async def portal(answer: bytes) -> AsyncIterator[int]:
    """What stands in the way of a phone in a hotel: it answers every request like this; its port."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]


PORTALS = {
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nlogin",
    "302": b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\nContent-Length: 0\r\n\r\n",
    "302 to a broken address": b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
    "302 to nowhere": b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
    "302 to a relative address": b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
    "302 to port x": b"HTTP/1.1 302 Found\r\nLocation: ws://portal.example:x/\r\nContent-Length: 0\r\n\r\n",
    "511": b"HTTP/1.1 511 Network Authentication Required\r\nContent-Length: 0\r\n\r\n",
    "garbage": b"\x00\xff<html>\r\n\r\n",
    "no subprotocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("answer", PORTALS)
async def test_a_portal_in_the_way_is_waited_for_and_said(answer: str, quick_retry: list[int]) -> None:
    async with chatkit.serve(port=0) as server, Link(server.port) as link, portal(PORTALS[answer]) as port:
        async with chatkit.connect(link.uri) as chat:
            assert await chat.send("one") == 1
            link.target = port
            link.cut()
            await wait_until(lambda: sum(quick_retry) >= 3)  # it was tried, and tried again
            assert chat.state in ("reconnecting", "connecting")
            assert isinstance(chat.reason, (Refused, NoServer, NoDialect))
            assert chat.reason.sentence("th")
            link.target = server.port
            assert await asyncio.wait_for(chat.send("two"), CEILING) == 2


async def test_a_server_that_closes_after_each_welcome_is_asked_less_and_less_often(
    quick_retry: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.close(1011)

    async with other_server(welcome(), then=close) as uri, chatkit.connect(uri) as chat:
        await wait_until(lambda: sum(quick_retry) >= 6)
        assert len(quick_retry) == 1  # the same row of delays, further and further along
        monkeypatch.setattr(client_module, "STEADY", 0.0)
        await wait_until(lambda: len(quick_retry) >= 4)  # every line that held long enough begins a new one
        assert chat.state != "closed"


async def test_a_frozen_server_is_a_dead_line_as_soon_as_an_answer_is_due(
    tmp_path: Path, quick_retry: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel of a frozen process still takes connections and bytes: only the answer tells."""
    assert client_module.ANSWER == 8
    monkeypatch.setattr(client_module, "ANSWER", 0.3)
    async with ServerProcess(tmp_path / "room.db") as server, chatkit.connect(server.uri) as chat:
        states: list[str] = []
        chat.recipe.on_state = lambda chat: states.append(chat.state)
        assert await chat.send("one") == 1
        with server.frozen():
            sent = chat.send("two")
            await wait_until(lambda: "reconnecting" in states)
            assert isinstance(chat.reason, NoServer) or chat.state == "connecting"
            assert not sent.done()
        assert await asyncio.wait_for(sent, 30) == 2
        assert [text for *_, text in server.rows()] == ["one", "two"]


async def test_a_quiet_line_is_not_a_dead_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is in flight: then nothing is due."""
    monkeypatch.setattr(client_module, "ANSWER", 0.02)
    states: list[str] = []
    async with chatkit.serve(port=0) as server:
        async with chatkit.connect(server.uri, on_state=lambda chat: states.append(chat.state)) as chat:
            assert await chat.send("one") == 1
            await asyncio.sleep(0.1)  # five times as long as an answer may take
            assert states == ["open"]


# N12: who says what, in plain


NAMES = [
    "🟢 Server",
    "Ｓerver",
    "Ｔeacher",
    "Теасher",
    "ครูํ",
    "Teacher says: x",
    "server",
    "SERVER ",
    "T e a c h e r",
    "คร​ู",
]


@pytest.mark.parametrize("name", NAMES)
async def test_nobody_can_take_the_servers_or_the_teachers_name(name: str) -> None:
    async with chatkit.serve(port=0, rate=0) as server, json_client(server.uri, greet=False) as client:
        await client.say(type="hello", name=name)
        assert (await client.next())["type"] == "nack"
        await client.say(type="hello", name="Mali")
        await client.hear("welcome")
        await client.say(type="hello", name=name)
        assert (await client.hear("nack"))["code"] in ("reserved_name", "name_sign")
        async with chatkit.connect(server.uri, plain=True) as plain:
            assert plain.name == "Someone"
        with pytest.raises(BadName):
            chatkit.connect(server.uri, name=name)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\v", "\f", "\x1e"])
async def test_no_line_of_a_message_can_pass_for_the_servers(end: str) -> None:
    forged = f"hi{end}🟢 Server: exam cancelled{end}{end}Teacher says: go home"
    async with chatkit.serve(port=0, rate=0) as server, plain_client(server.uri) as author:
        async with plain_client(server.uri) as other, json_client(server.uri) as witness:
            await author.send(forged)
            for line in (await author.next(), await other.next()):
                first, *further = line.splitlines()
                assert first in ("You said: hi", "Someone says: hi")
                assert len(further) == 3 and all(each.startswith("│ ") for each in further)
            assert (await witness.hear("msg"))["text"] == forged  # json needs no sign: text is text there


# N17: before await


async def test_what_is_not_open_yet_says_so() -> None:
    recipe, server = chatkit.connect("ws://localhost:1"), chatkit.serve(port=0)
    asked: list[Callable[[], Any]] = [
        *(lambda name=name: getattr(recipe, name) for name in ("send", "close", "state", "members", "last")),
        *(lambda name=name: getattr(server, name) for name in ("stop", "broadcast", "uri", "members", "wait_closed")),
    ]
    for ask in asked:
        with pytest.raises(NotOpen) as refused:
            ask()
        assert "await" in refused.value.sentence("en") and "await" in refused.value.sentence("th")


@pytest.mark.parametrize("name", [5, b"Mali", ["Mali"], True])
async def test_a_name_that_is_no_text_is_said_at_once(name: Any) -> None:
    with pytest.raises(BadName) as refused:
        chatkit.connect("ws://localhost:1", name=name)
    assert refused.value.sentence("th")
