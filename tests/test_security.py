"""Who gets in, what gets through, and what a hostile client can do to the others: nothing."""

import asyncio
import io
import json
import logging
import os
import re
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve as serve_websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

import chatkit
from chatkit import throttle
from chatkit.errors import BadMessage, Refused
from chatkit.limits import LIMITS
from chatkit.messages import parse_object
from chatkit.spelling import cut_reason
from tests.chat import CEILING, JsonClient, PlainClient, dial, json_client, plain_client, wait_until
from tests.needs import ROOT

SECRET = "กุญแจ-SECRET-42"
CHATKIT = Subprotocol("chatkit.v1")
ESCAPES = "\x1b[2J \x1b]52;c;aGk=\x07 \x1b]8;;http://x\x1b\\ \x1bP$qm\x1b\\ \x9b31m \x90 \r \b \x7f \u202e \u2066 end"
# What must never reach a terminal from somebody else: C0 but the kit's own newline, DEL, C1, bidi controls.
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
async def server() -> AsyncIterator[chatkit.Server]:
    async with chatkit.serve(port=0, rate=0) as server:
        yield server


@pytest.fixture
async def closed_server() -> AsyncIterator[chatkit.Server]:
    """A server that asks for a token."""
    async with chatkit.serve(port=0, token=SECRET) as server:
        yield server


async def ask(server: chatkit.Server, request: bytes) -> tuple[int, dict[str, str], str]:
    """Send bytes as they are; the answer's status (0: none), its headers and its body (RFC 9112)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    async with asyncio.timeout(CEILING):
        answer = b""
        while b"\r\n\r\n" not in answer and (more := await reader.read(65536)):
            answer += more
        if not answer.startswith(b"HTTP/1.1 101"):
            answer += await reader.read()
    writer.close()
    head, _, body = answer.decode().partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]) if status else 0, headers, body


async def shake_hands(server: chatkit.Server, path: str = "/", *, host: str | None = None, origins: Any = ()) -> int:
    """The status that a WebSocket handshake gets."""
    lines = [f"Host: {host or f'127.0.0.1:{server.port}'}", *(f"Origin: {origin}" for origin in origins)]
    request = "\r\n".join(
        [
            f"GET {path} HTTP/1.1",
            *lines,
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            "\r\n",
        ]
    )
    return (await ask(server, request.encode()))[0]


async def still_chats(server: chatkit.Server) -> None:
    """The server is well: somebody new comes in and is heard."""
    async with json_client(server.uri) as client, plain_client(server.uri) as other:
        await client.hear("joined")
        await client.send("still here", id=f"{time.monotonic()}")
        assert await other.next() == "Someone says: still here"


# S1, S2: who asks, and under which name


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1.evil.example:{port}",
        "http://evil-127.0.0.1:{port}",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1:{port}@evil.example",
        "http://127.0.0.1:{other}",
        "http://127.0.0.1",
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}",
        "null",
        "",
        "127.0.0.1:{port}",
    ],
)
async def test_page_from_elsewhere_may_not_connect(server: chatkit.Server, origin: str) -> None:
    asked = origin.format(port=server.port, other=server.port + 1)
    assert await shake_hands(server, origins=[asked]) == 403
    assert await shake_hands(server, origins=[f"http://127.0.0.1:{server.port}", asked]) == 403


async def test_own_page_and_programs_may_connect(server: chatkit.Server) -> None:
    assert await shake_hands(server) == 101
    assert await shake_hands(server, origins=[f"http://127.0.0.1:{server.port}"]) == 101
    host = f"localhost:{server.port}"
    assert await shake_hands(server, host=host, origins=[f"http://{host}"]) == 101


async def test_page_of_an_allowed_origin_may_connect() -> None:
    async with chatkit.serve(port=0, origins=["https://school.example"]) as server:
        assert await shake_hands(server, origins=["https://school.example"]) == 101
        for other in ("http://school.example", "https://school.example:444", "https://school.example.evil.example"):
            assert await shake_hands(server, origins=[other]) == 403


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "evil.example", "127.0.0.1.evil.example", "localhost.evil", ""]
)
async def test_other_name_for_this_server_is_rebinding(server: chatkit.Server, host: str) -> None:
    """A page of evil.example, whose name was made to point here, has the matching Origin."""
    host = host.format(port=server.port)
    assert await shake_hands(server, host=host or " ", origins=[f"http://{host}"]) in (400, 403)
    status, _, body = await ask(server, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert status in (400, 403)
    assert "<script" not in body


async def test_allowed_name_and_addresses_are_ours() -> None:
    async with chatkit.serve(port=0, allow_hosts=["Chat.School.example"]) as server:
        for host in ("chat.school.example", "CHAT.school.example:80", "192.168.1.7:8765", "[::1]:8765", "localhost"):
            assert await shake_hands(server, host=host, origins=[f"http://{host}"]) == 101


# S3, S4: the token


async def test_without_token_nothing_of_the_room_is_heard(
    monkeypatch: pytest.MonkeyPatch, closed_server: chatkit.Server
) -> None:
    assert LIMITS.hello_seconds == 5
    monkeypatch.setattr(closed_server.hub, "limits", replace(LIMITS, hello_seconds=0.5))
    with pytest.raises(InvalidStatus) as refused:
        async with plain_client(closed_server.uri):
            pass
    assert refused.value.response.status_code == 401
    async with json_client(closed_server.uri, token=SECRET) as inside:
        async with json_client(closed_server.uri, greet=False) as silent:
            await inside.send("secret plans", id="1")
            await inside.hear("ack")
            heard = [json.loads(message) async for message in until_closed(silent)]
            assert silent.websocket.close_code == 4401
            assert [message["type"] for message in heard] == ["nack"]
            assert "secret plans" not in str(heard)
        assert [message["type"] for message in inside.heard] == ["welcome", "msg", "ack"]  # it never was there


async def until_closed(client: JsonClient | PlainClient) -> AsyncIterator[str]:
    """What the client still hears, until the server closes."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(CEILING):
            while True:
                yield str(await client.websocket.recv())


async def closing(websocket: ClientConnection) -> int | None:
    """The code with which the server closes (RFC 6455, 7.4)."""
    _ = [message async for message in until_closed(PlainClient(websocket))]
    return websocket.close_code


WRONG = ["", " ", SECRET + "x", SECRET[:-1], SECRET.upper() + "1", "ก" * 1000, "x" * 10_000, "\0", "กุญแจ"]


@pytest.mark.parametrize("token", WRONG)
async def test_wrong_token_is_refused_at_the_handshake(closed_server: chatkit.Server, token: str) -> None:
    status = await shake_hands(closed_server, f"/?token={quote(token)}")
    assert status == 401 or (len(quote(token)) > 8_000 and status in (0, 414, 431))  # the line itself is too long
    assert await shake_hands(closed_server, f"/?token=%ff{quote(token[:9])}") == 401


@pytest.mark.parametrize("token", [*WRONG, "\ud800"])
async def test_wrong_token_in_hello_closes_with_4401(
    monkeypatch: pytest.MonkeyPatch, closed_server: chatkit.Server, token: str
) -> None:
    monkeypatch.setattr(closed_server.hub, "limits", replace(LIMITS, hello_seconds=0.3))  # for what is no token at all
    async with json_client(closed_server.uri, greet=False) as client:
        await client.say(type="hello", token=token)
        heard = [json.loads(message) async for message in until_closed(client)]
    assert {message["type"] for message in heard} == {"nack"}
    assert client.websocket.close_code == 4401


async def test_right_token_opens_in_every_way(closed_server: chatkit.Server) -> None:
    async with json_client(closed_server.uri, token=SECRET), plain_client(f"{closed_server.uri}?token={quote(SECRET)}"):
        async with chatkit.connect(closed_server.uri, token=SECRET) as chat:
            assert await chat.send("in") == 1
        async with chatkit.connect(closed_server.uri, token=SECRET, plain=True) as chat:
            await chat.send("in")
    with pytest.raises(Refused):
        await chatkit.connect(closed_server.uri, token="wrong")


async def test_who_tries_many_tokens_is_told_to_wait_in_hello_too(
    closed_server: chatkit.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "is_own", lambda address: False)  # loopback stands for the network
    at_the_door = closed_server.reception.door.throttle = throttle.Throttle(clock=lambda: 1.0)  # no second is ever over
    for _ in range(100):
        at_the_door.check("127.0.0.1", False)
    async with json_client(closed_server.uri, greet=False) as client:
        await client.say(type="hello", token="wrong")  # nobody has said so yet
        assert (await client.hear("nack"))["code"] == "token"
        assert await closing(client.websocket) == 4401
    async with json_client(closed_server.uri, greet=False) as client:
        for token in ("wrong", SECRET):
            await client.say(type="hello", token=token)
            nack = await client.hear("nack")
            assert (nack["code"], nack["retry_ms"]) == ("throttled", 1_001)
            assert set(nack["message"]) == {"en", "th"}
    with pytest.raises(InvalidStatus) as refused:
        async with plain_client(f"{closed_server.uri}?token={quote(SECRET)}"):
            pass
    assert refused.value.response.status_code == 429


# S5: the token in the log


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """Every logger of the process at DEBUG, tracebacks included, as text."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    levels = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)
    for logger, level in levels:
        logger.setLevel(level)


async def test_token_reaches_no_log(everything_logged: io.StringIO) -> None:
    secret = "TOKEN-s3cr3t"
    quiet = logging.getLogger("tests.quiet")  # our own bare client may not be what leaks
    quiet.disabled = True
    asyncio.get_running_loop().set_debug(True)
    async with chatkit.serve(port=0, token=secret) as server:
        for line in (f"GET /?token={secret} HTTP/0.9", f"GET /?token={secret} nonsense", f"?token={secret}"):
            await ask(server, f"{line}\r\nno header {secret}\r\n\r\n".encode())
        for method in ("GET", "POST"):
            await ask(server, f"{method} /?token={secret} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        for path in ("/", "/room/%ff", "/nowhere"):
            await shake_hands(server, f"{path}?token={secret}")
        await shake_hands(server, f"/?token={secret}", host="evil.example")
        await shake_hands(server, f"/?token=wrong{secret}")
        for plain in (False, True):
            async with chatkit.connect(server.uri, token=secret, plain=plain) as chat:
                await chat.send("hi")
                assert chat.memory.me is None or chat.memory.me not in everything_logged.getvalue()  # a secret, too
            with pytest.raises(chatkit.ChatError) as refused:
                await chatkit.connect(server.uri, token=f"wrong{secret}", plain=plain)
            assert secret not in str(refused.value)
        async with dial(server.uri, subprotocols=[CHATKIT], logger=quiet) as bad:
            for hello in ({"me": "\ud800" * 20}, {"name": 7}, {"token": f"wrong{secret}"}):
                await bad.send(json.dumps({"type": "hello", "token": secret} | hello))
            assert await closing(bad) == 4401
    assert "chatkit.server connection open" in everything_logged.getvalue()  # somebody listened at all
    assert secret not in everything_logged.getvalue()


# S6: what the page may do


async def test_page_may_run_nothing_but_itself(server: chatkit.Server) -> None:
    status, headers, body = await ask(server, f"GET / HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "deny"
    assert headers["referrer-policy"] == "no-referrer"
    policy = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert "*" not in headers["content-security-policy"]
    assert re.fullmatch(r"'sha256-[^' ]+'", policy["script-src"])
    assert not re.search(r"<[^>]+\son\w+=", body)  # no inline handlers


# S9: what a terminal shows


class ChatProcess:
    """A command of the kit as a process; `shown` is all that stood in its window."""

    def __init__(self, *arguments: str) -> None:
        self.arguments, self.shown = arguments, ""

    async def __aenter__(self) -> "ChatProcess":
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chatkit", *self.arguments),
            cwd=ROOT,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
        )
        self.watching = asyncio.create_task(self.watch())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        await self.watching

    async def watch(self) -> None:
        assert self.process.stdout
        while data := await self.process.stdout.readline():
            self.shown += data.decode()

    async def line(self, word: str) -> str:
        """The first line that holds the word."""
        await wait_until(lambda: word in self.shown, timeout=30)
        return next(line for line in self.shown.splitlines() if word in line)

    def type(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())

    async def ended(self) -> int:
        async with asyncio.timeout(10):
            await self.watching
            return await self.process.wait()


async def test_server_window_shows_no_control_characters() -> None:
    async with ChatProcess("serve", "--port", "0", "--rate", "0", "--no-input") as process:
        uri = re.search(r"ws://\S+", await process.line("ws://"))
        assert uri
        name = "Ma\x1b[2Jli\x9b\r\n\u202e\x07"
        async with json_client(uri[0], name=name) as mali:
            await mali.send(f"text {ESCAPES} 1", id="1")
            await mali.send("\n✅ forged joined", id="2")
            await mali.hear("ack")
            await process.line("forged")
            async with plain_client(f"{uri[0]}/room/{quote(name)}?name={quote(name)}") as plain:
                await plain.send(f"{ESCAPES} plain")
                await process.line("plain")
    assert not UNSAFE.search(process.shown)
    assert not [line for line in process.shown.splitlines() if line.startswith("✅ forged")]


async def test_clients_window_shows_no_control_characters() -> None:
    """A server of another make says what it likes, in every field and in the close reason."""

    async def hostile(connection: ServerConnection) -> None:
        await connection.recv()
        who = {"id": f"p{ESCAPES}", "name": f"Mali{ESCAPES}"}
        numbered = {"id": "x", "from": who["id"], "name": who["name"], "ts": 1.0, "text": f"{ESCAPES}\n✅ forged"}
        nack = {"type": "nack", "code": f"x{ESCAPES}", "message": {"en": f"nack{ESCAPES}", "th": ESCAPES}}
        for fields in (
            {"type": "welcome", "you": "p1", "me": "x" * 32, "name": f"me{ESCAPES}", "room": f"lobby{ESCAPES}"}
            | {"epoch": "e", "head": 0, "oldest": 1, "resumed": False, "members": [who], "limits": {}},
            {"type": "joined", "who": who},
            {"type": "msg", "seq": 1} | numbered,
            {"type": "notice", "seq": 2} | numbered,
            nack,
            {"type": "left", "who": who},
        ):
            await connection.send(json.dumps(fields))
        sent = json.loads(await connection.recv())
        await connection.send(json.dumps(nack | {"id": sent["id"]}))
        await connection.recv()
        await connection.close(4003, cut_reason(f"bye{ESCAPES}"))

    async def rude(connection: ServerConnection) -> None:
        await connection.close(4999, cut_reason(f"bye{ESCAPES}"))

    async with serve_websockets(hostile, "127.0.0.1", 0, subprotocols=[CHATKIT]) as one:
        async with serve_websockets(rude, "127.0.0.1", 0, subprotocols=[CHATKIT]) as two:
            ports = [next(iter(each.sockets)).getsockname()[1] for each in (one, two)]
            async with ChatProcess("join", f"ws://127.0.0.1:{ports[0]}", "--name", "Nok") as first:
                await first.line("Mali")
                first.type("refused")
                await first.line("nack")
                first.type("goes out")
                assert await first.ended() == 1
            async with ChatProcess("join", f"ws://127.0.0.1:{ports[1]}") as second:
                assert await second.ended() == 1
    assert "bye" in second.shown
    assert not UNSAFE.search(first.shown + second.shown)
    assert not [line for line in first.shown.splitlines() if line.startswith("✅ forged")]


# S14, S15, S16: text is text


THAI = "ที่ น้ำ ผู้ ปี๊บ กร์ เปล่า ก็ สิ่งที่ใหญ่กว่า"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (THAI, THAI),
        ("ส" + "้" * 200 + "!", "ส้้้้!"),
        ("a" + "\u0301" * 200 + "b", "a" + "\u0301" * 4 + "b"),
        ("ส้้้้้้้้ ส้้้้้้้้", "ส้้้้ ส้้้้"),
    ],
)
async def test_towers_of_marks_are_cut_and_thai_is_left_alone(server: chatkit.Server, sent: str, kept: str) -> None:
    async with json_client(server.uri, name="ผู้ใหญ่ที่ดี") as client, plain_client(server.uri) as plain:
        assert client.welcome["name"] == "ผู้ใหญ่ที่ดี"
        await client.send(sent, id="1")
        assert (await client.hear("msg"))["text"] == kept
        assert await plain.next() == f"ผู้ใหญ่ที่ดี says: {kept}"
        await plain.send(sent)
        assert await plain.next() == f"You said: {kept}"


async def test_every_text_comes_back_as_it_was(tmp_path: Path) -> None:
    texts = [
        "é",
        "e\u0301",
        "👩‍🏫🇹🇭🙂",
        "שלום مرحبا",
        " \t spaces \r\n ",
        "\u202e",
        "\x1b[0m",
        "'; DROP TABLE messages; --",
        "\uffff",
    ]
    async with chatkit.serve(port=0, rate=0, db=str(tmp_path / "room.db")) as server:
        async with json_client(server.uri) as client:
            for n, text in enumerate(texts):
                await client.send(text, id=str(n))
            assert await client.texts(len(texts)) == texts
    async with chatkit.serve(port=0, db=str(tmp_path / "room.db")) as server:
        async with json_client(server.uri, after=0) as client:
            assert await client.texts(len(texts)) == texts


HALF = "\ud800"
ODD_STRINGS = [
    {"type": "send", "id": "1", "text": f"x{HALF}"},
    {"type": "send", "id": "1", "text": "\udc00\ud800"},
    {"type": "send", "id": "1", "text": "nul\0"},
    {"type": "send", "id": HALF, "text": "x"},
    {"type": "send", "id": "\0", "text": "x"},
    {"type": HALF},
    {"type": "hello", "name": HALF},
    {"type": "hello", "me": HALF * 20},
    {"type": "hello", "name": "\u3164"},
    {"type": "hello", "name": "  "},
]


@pytest.mark.parametrize("message", ODD_STRINGS, ids=ascii)
@pytest.mark.parametrize("has_said_hello", [True, False])
async def test_half_a_surrogate_and_nul_get_a_nack(
    server: chatkit.Server, message: dict[str, str], has_said_hello: bool
) -> None:
    if has_said_hello and "me" in message:
        return  # only the first hello has a say in who we are
    async with json_client(server.uri, greet=has_said_hello) as client, json_client(server.uri) as other:
        await client.websocket.send(json.dumps(message))
        assert (await client.hear("nack"))["code"]
        await client.say(type="hello", name="Mali")
        await client.send("fine", id="fine")
        assert (await client.hear("ack"))["seq"] == 1
        assert (await other.hear("msg"))["text"] == "fine"
        assert not [message for message in other.heard if message["type"] == "nack"]


# S17, S18: what is no message


ODD_MESSAGES = [
    "",
    "hi",
    "null",
    "true",
    "7",
    '"hello"',
    "[]",
    '[{"type":"send"}]',
    "{",
    '{"type":"send","id":"1","text":NaN}',
    '{"type":"send","id":"1","text":"a","x":Infinity}',
    '{"type":"send","id":"1","text":"a","x":' + "9" * 5_000 + "}",
    '{"type":"send","id":"1","id":"2","text":"a"}',
    '{"type":"send","type":"hello","id":"1","text":"a"}',
    "[" * 8_000 + "]" * 8_000,
    '{"a":' * 2_000 + "1" + "}" * 2_000,
    '{"type":' + "[" * 900 + "]" * 900 + "}",
    '{"type":7}',
    '{"id":"1","text":"a"}',
    '{"type":"send","id":7,"text":"a"}',
    '{"type":"send","id":"","text":"a"}',
    '{"type":"send","text":"a"}',
    '{"type":"send","id":"1","text":["a"]}',
    '{"type":"send","id":"' + "i" * 129 + '","text":"a"}',
]


@pytest.mark.parametrize("message", ODD_MESSAGES, ids=lambda message: message[:40])
async def test_what_is_no_message_gets_a_nack_and_nobody_else_notices(server: chatkit.Server, message: str) -> None:
    async with json_client(server.uri) as client, json_client(server.uri) as other:
        await client.hear("joined")
        await client.websocket.send(message)
        nack = await client.next()
        assert nack["type"] == "nack"
        assert "retry_ms" not in nack
        assert set(nack["message"]) == {"en", "th"}
        await client.send("fine", id="fine")
        assert (await client.next())["text"] == "fine"
        assert (await other.next())["text"] == "fine"  # the first thing that it hears at all


def test_brackets_100_000_deep_are_no_message() -> None:
    for deep in ("[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000):
        with pytest.raises(BadMessage):
            parse_object(deep)


async def test_binary_and_bad_utf8_close_with_their_codes(server: chatkit.Server) -> None:
    async with json_client(server.uri) as client:
        await client.websocket.send(b"\x00\x01")
        assert await closing(client.websocket) == 1003
    for client_kind in (json_client, plain_client):
        async with client_kind(server.uri) as bad:
            bad.websocket.transport.write(Frame(Opcode.TEXT, b"caf\xe9").serialize(mask=True))
            assert await closing(bad.websocket) == 1007
    await still_chats(server)


async def test_too_big_a_message_closes_with_1009_before_it_has_come(server: chatkit.Server) -> None:
    async with json_client(server.uri) as client:
        await client.websocket.send('{"type":"no"}'.ljust(LIMITS.message_bytes))
        assert (await client.hear("nack"))["code"] == "unknown_type"
        await client.websocket.send('{"type":"no"}'.ljust(LIMITS.message_bytes + 1))
        assert await closing(client.websocket) == 1009
    for length in (2**63 - 1, 2**40, LIMITS.message_bytes + 1):
        async with plain_client(server.uri) as client:
            head = b"\x81\xff" + length.to_bytes(8) + b"mask"
            client.websocket.transport.write(head + b"x" * 1_000)
            assert await closing(client.websocket) == 1009
    async with plain_client(server.uri) as client:  # the same in fragments (RFC 6455, 5.4)
        for opcode in (Opcode.TEXT, *[Opcode.CONT] * 20):
            client.websocket.transport.write(Frame(opcode, b"x" * 1_000, fin=False).serialize(mask=True))
        assert await closing(client.websocket) == 1009
    await still_chats(server)


# S23: who speaks too fast


async def test_flooder_is_told_to_wait_and_then_put_out() -> None:
    async with chatkit.serve(port=0) as server:
        async with (
            json_client(server.uri) as reader,
            json_client(server.uri) as other,
            plain_client(server.uri) as flood,
        ):
            lines: list[str] = []

            async def listen() -> None:
                lines.extend([line async for line in until_closed(flood)])

            listening = asyncio.create_task(listen())
            began = time.monotonic()
            with suppress(ConnectionClosed):
                for n in range(1_000):
                    await flood.send(f"flood {n}")
                    if n == 100:
                        await other.send("me, too", id="1")
                        while (await reader.hear("msg"))["text"] != "me, too":
                            pass
                        assert flood.websocket.close_code is None  # heard while the flood goes on
            await listening
            assert flood.websocket.close_code == 1008
            told = [line for line in lines if line.startswith("You said: ")]
            assert 10 <= len(told) <= 10 + 2 * (time.monotonic() - began) + 1
            assert all(line.startswith("⚠️ ") for line in lines if line not in (*told, "Someone says: me, too"))
        await still_chats(server)


async def test_json_flooder_gets_the_time_to_wait_in_each_nack() -> None:
    async with chatkit.serve(port=0) as server, json_client(server.uri) as client:
        for n in range(30):
            await client.send("x", id=str(n))
        answers = [await client.hear("ack", "nack") for _ in range(30)]
        nacks = [answer for answer in answers if answer["type"] == "nack"]
        assert len(nacks) >= 15
        assert {nack["code"] for nack in nacks} == {"rate"}
        assert all(0 < nack["retry_ms"] <= 501 for nack in nacks)


async def test_who_waits_as_told_is_never_put_out(server: chatkit.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks one message after the other gets one nack for each, and comes again in time."""
    now = time.monotonic()
    async with json_client(server.uri) as client:
        [session] = server.reception.door.inside
        session.bucket.clock = lambda: now
        for n in range(1_000):
            for _ in range(2):
                await client.send("x", id=str(n))
                answer = await client.hear("ack", "nack")
                if answer["type"] == "ack":
                    break
                assert answer["code"] == "rate", f"put out after {n} messages"
                now += answer["retry_ms"] / 1000
    assert server.hub.log.bounds("lobby")[1] == 1_000


# S25: the close reason


async def test_long_close_reason_is_cut_between_letters(server: chatkit.Server) -> None:
    async with plain_client(server.uri) as client, chatkit.connect(server.uri) as chat:
        server.close(1001, "ก" * 42)
        await asyncio.wait_for(server.wait_closed(), 5)
        assert await closing(client.websocket) == 1001
        assert client.websocket.close_reason == "ก" * 41
        await chat.close()


# S26, S27, S28: who says what


async def test_number_author_and_time_are_the_servers(server: chatkit.Server) -> None:
    forged = {"from": "server", "name": "ครู", "seq": 999, "ts": 1.0, "role": "teacher", "epoch": "e", "room": "other"}
    async with json_client(server.uri, name="Mali", role="teacher", you="server", id="server") as client:
        await client.say(type="send", id="1", text="hi", **forged)
        heard = await client.hear("msg")
        assert (heard["from"], heard["name"], heard["seq"]) == (client.welcome["you"], "Mali", 1)
        assert abs(heard["ts"] - time.time()) < 60
        assert set(heard) == {"type", "seq", "id", "from", "name", "ts", "text"}
        for type in ("msg", "notice", "welcome", "ack", "joined", "beat"):
            await client.say(type=type, text="🟢", seq=5, who={"id": "x", "name": "x"}, **{"from": "server"})
            assert (await client.hear("nack"))["code"] == "unknown_type"
    assert [event.text for event in server.hub.log.read("lobby", 0).events] == ["hi"]


async def test_id_of_somebody_elses_message_shows_and_changes_nothing(server: chatkit.Server) -> None:
    async with json_client(server.uri) as a, json_client(server.uri, after=0) as b:
        await a.send("the text of a", id="of a")
        await b.hear("msg")
        await b.send("another", id="of a")
        nack = await b.hear("ack", "nack")
        assert (nack["type"], nack["code"], nack["id"]) == ("nack", "dup", "of a")
        assert "seq" not in nack
        assert "the text of a" not in str(nack)
    assert [event.text for event in server.hub.log.read("lobby", 0).events] == ["the text of a"]


async def test_public_id_opens_nobodys_place(server: chatkit.Server) -> None:
    async with json_client(server.uri, name="Mali") as a:
        public = a.welcome["you"]
        for claim in (public, public * 2, "", public[1:]):
            async with json_client(server.uri, me=claim, you=public) as b:
                assert b.welcome["you"] != public
        await a.send("still me", id="1")
        assert (await a.hear("msg"))["from"] == public
        assert a.welcome["me"] not in str(a.heard[1:])
        async with json_client(server.uri, me=a.welcome["me"]) as same:
            assert same.welcome["you"] == public
            assert await closing(a.websocket) == 4001


# S29, S30, S31: odd requests


@pytest.mark.parametrize("after", [-1, 1e308, 1.0, "1 OR 1=1", "0", True, None, [], {}])
async def test_after_is_a_whole_number(server: chatkit.Server, after: Any) -> None:
    async with json_client(server.uri, greet=False) as client:
        await client.say(type="hello", after=after)
        nack = await client.next()
        assert (nack["type"], nack["code"]) == ("nack", "bad_field")
        await client.say(type="hello", after=10**300)  # a whole number, and beyond the head
        assert (await client.hear("welcome"))["resumed"] is False


async def test_rooms_name_is_only_a_name(server: chatkit.Server) -> None:
    async with json_client(server.uri) as lobby:
        await lobby.send("of the lobby", id="1")
        await lobby.hear("ack")
        name = "x' OR '1'='1"
        async with json_client(f"{server.uri}/room/{quote(name)}", after=0) as other:
            assert (other.welcome["head"], other.welcome["room"]) == (0, name)
    for path in (
        "/nowhere",
        "/room",
        "/room/",
        "/room/a/b",
        "/room/%00",
        "/room/%ff",
        "/lobby",
        "//",
        "/room/" + "x" * 33,
    ):
        assert await shake_hands(server, path) == 404


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET /../../etc/passwd HTTP/1.1", {404}),
        ("GET /..%2f..%2fetc/passwd HTTP/1.1", {404}),
        ("GET /web/../server.py HTTP/1.1", {404}),
        ("GET http://evil.example/ HTTP/1.1", {400, 404}),
        ("POST / HTTP/1.1", {405}),
        ("HEAD / HTTP/1.1", {405}),
        ("OPTIONS * HTTP/1.1", {404, 405}),
        ("TRACE / HTTP/1.1", {405}),
        ("CONNECT evil.example:80 HTTP/1.1", {404, 405}),
        ("GET / HTTP/1.0", {200, 400, 426, 505}),
        ("GET / HTTP/2.0", {0, 400, 505}),
        ("\x16\x03\x01", {0, 400}),
    ],
)
async def test_odd_requests_get_an_answer_and_nothing_else(
    server: chatkit.Server, line: str, expected: set[int]
) -> None:
    status, _, body = await ask(server, f"{line}\r\nHost: localhost:{server.port}\r\n\r\n".encode())
    assert status in expected
    assert "root:" not in body
    assert "import asyncio" not in body
    await still_chats(server)


def request(line: str, *headers: str, body: str = "") -> bytes:
    """A request as it goes over the wire; its Host is this machine."""
    return ("\r\n".join([line, "Host: localhost", *headers, "", ""]) + body).encode()


H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (request("GET / HTTP/1.1") * 2, {200}),
        (request("GET / HTTP/1.1") * 50, {200}),
        (request("GET / HTTP/1.1", "Content-Length: 5", body="hello"), {0, 200}),
        (request("GET / HTTP/1.1", "Transfer-Encoding: chunked", body="5\r\nhello\r\n0\r\n\r\n"), {0, 200, 400, 501}),
        (request("POST / HTTP/1.1", "Content-Length: 9", body='{"a":"b"}'), {0, 405}),
        (request("HEAD / HTTP/1.1"), {405}),
        (request("GET / HTTP/1.1", *H2C), {200, 400, 426}),
        (request("GET / HTTP/1.1", "Upgrade: websocket"), {400, 426}),
        (request("GET / HTTP/1.1", "no header at all"), {0, 400}),
        (request("GET / HTTP/1.1", "X: " + "x" * 9_000), {0, 400, 431}),
        (request("GET / HTTP/1.1", *["X: y"] * 300), {0, 400, 431}),
        (request("GET /" + "x" * 9_000 + " HTTP/1.1"), {0, 400, 404, 414}),
        (request("GET /?name=มาลี HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket"), {400}),
        (request("GET /room/ฟิสิกส์ HTTP/1.1"), {400}),
        (b"GET / HTTP/1.1\r\n\r\n", {400, 403}),
        (request("GET / HTTP/1.1", "Host: localhost"), {400, 403}),
        (request("GET / HTTP/1.1", "Host: evil.example"), {400, 403}),
    ],
    ids=lambda value: ascii(value[:60]) if isinstance(value, bytes) else None,
)
async def test_each_odd_request_gets_one_whole_answer_or_a_clean_end(
    server: chatkit.Server, sent: bytes, expected: set[int], caplog: pytest.LogCaptureFixture
) -> None:
    """N15, N19: no traceback on the terminal, nothing that a browser may take for something else, no version told."""
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    status, headers, body = await ask(server, sent)
    assert status in expected
    if status:
        if status not in (414, 431):  # these two are websockets' own, and repeat nothing that was sent
            assert headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"\d", headers.get("server", ""))
        assert headers.get("allow") == ("get" if status == 405 else None)  # `ask` lowers it
        assert (body == "") == sent.startswith(b"HEAD")
        assert len(body.encode()) == int(headers["content-length"]) or not body
    if "มาลี".encode() in sent:
        assert "%E0%B8%A1" in body and re.search("[ก-๙]", body)
    await still_chats(server)
    assert not problems
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_who_was_refused_is_not_listened_to_any_more(server: chatkit.Server) -> None:
    """After its 403, somebody goes on talking: the server takes next to nothing of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request("GET / HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", "Origin: http://evil.example"))
    assert b" 403 " in await reader.readline()
    sent, piece = 0, b"x" * 65_536
    with suppress(ConnectionError):
        async with asyncio.timeout(20):
            while sent < 64 * 2**20:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
    assert sent < 64 * 2**20  # what it does not take, the system's own buffers hold
    writer.transport.abort()


async def test_error_in_the_server_closes_with_1011_and_says_nothing(
    server: chatkit.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with json_client(server.uri) as client:
        with monkeypatch.context() as broken:
            broken.setattr(server.hub, "submit", lambda *_: 1 / 0)
            await client.send("x", id="1")
            heard = [message async for message in until_closed(client)]
        assert (client.websocket.close_code, client.websocket.close_reason, heard) == (1011, "", [])
    await still_chats(server)
    await wait_until(lambda: not server.members())
