"""The wire: the parser judged by websockets' own, recordings equal to what was sent, drawings that only show."""

import asyncio
import html.parser
import json
import re
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import websockets
from hypothesis import given, settings, strategies as st
from websockets import frames as judge
from websockets.asyncio.client import connect as dial
from websockets.streams import StreamReader

from chatkit import connect, serve
from chatkit.texts import LANGUAGES, sentences
from chatkit.wire import (
    Chunk,
    Drawing,
    Frame,
    Opcode,
    Recorder,
    Recording,
    Transcript,
    WireError,
    accept_key,
    apply_mask,
    check_frame,
    draw_frame,
    draw_handshake,
    draw_sequence,
    draw_table,
    encode_frame,
    parse_frame,
    parse_head,
)
from chatkit.wire.ink import align, width

unhurried = settings(deadline=None)  # a busy machine is no failure
KEY = bytes.fromhex("37fa213d")
NASTY = [
    "<img src=x onerror=alert(1)>",
    "</script>",
    "\u202eabc\u2066",
    "a\u200bb\u200d",
    "'\"&",
    "\x1b[31m\x9b",
    "ก" * 4000,
]
REQUEST = (
    b"GET /?name=Mali HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
DRAWINGS = (draw_handshake, draw_sequence, draw_table)


def frame_of(raw: bytes) -> Frame:
    frame, rest = parse_frame(raw)
    assert frame is not None and rest == b""
    return frame


def judged(raw: bytes, masked: bool) -> judge.Frame | None:
    """What websockets reads in the bytes; None where it wants more. ProtocolError where it refuses."""
    reader = StreamReader()
    reader.feed_data(raw)
    parser = judge.Frame.parse(reader.read_exact, mask=masked)
    try:
        next(parser)
    except StopIteration as done:
        frame: judge.Frame = done.value
        return frame
    return None


def recording_of(*chunks: tuple[str, bytes]) -> Recording:
    recording = Recording()
    for direction, data in chunks:
        recording.append(Chunk(direction, 0.0, data))  # type: ignore[arg-type]
    return recording


def talk(*messages: bytes) -> Transcript:
    """A transcript in which the client sends these frames after a handshake."""
    return Transcript(
        recording_of(("to_server", REQUEST), ("to_client", RESPONSE), *(("to_server", m) for m in messages))
    )


# Frames, judged by websockets.

lengths = st.one_of(st.integers(0, 130), st.sampled_from([65_535, 65_536, 70_000]))
masks = st.none() | st.binary(min_size=4, max_size=4)


@unhurried
@given(st.sampled_from(list(Opcode)), lengths, st.booleans(), masks, st.binary(max_size=20), st.data())
def test_a_frame_is_what_websockets_says(
    opcode: Opcode, length: int, fin: bool, mask: bytes | None, after: bytes, data: st.DataObject
) -> None:
    control = opcode >= 8
    payload, fin = bytes(i % 251 for i in range(min(length, 125) if control else length)), fin or control
    raw = encode_frame(opcode, payload, fin, mask)
    theirs = judged(raw, mask is not None)
    frame, rest = parse_frame(raw + after)
    assert frame is not None and theirs is not None
    assert (frame.opcode, frame.fin, frame.payload, rest) == (theirs.opcode, theirs.fin, theirs.data, after)
    assert (frame.raw, frame.mask) == (raw, mask)
    check_frame(frame, from_client=mask is not None)
    cut = data.draw(st.integers(0, len(raw) - 1))
    assert parse_frame(raw[:cut]) == (None, raw[:cut])
    assert judged(raw[:cut], mask is not None) is None


@unhurried
@given(st.sampled_from(list(judge.Opcode)), lengths, st.booleans())
def test_what_websockets_writes_is_read(opcode: judge.Opcode, length: int, masked: bool) -> None:
    payload = b"\xe0" * (min(length, 125) if opcode >= 8 else length)
    frame = frame_of(judge.Frame(opcode, payload).serialize(mask=masked))
    assert (frame.opcode, frame.payload, frame.mask is not None) == (opcode, payload, masked)
    assert encode_frame(frame.opcode, frame.payload, frame.fin, frame.mask) == frame.raw


@unhurried
@given(st.integers(0, 255), st.integers(0, 255), st.booleans())
def test_the_same_frames_are_refused(first: int, second: int, from_client: bool) -> None:
    length = {126: b"\x01\x00", 127: b"\x00\x00\x00\x00\x00\x01\x00\x00"}.get(second & 127, b"")
    size = {126: 256, 127: 65_536}.get(second & 127, second & 127)
    raw = bytes([first, second]) + length + (KEY if second & 128 else b"") + bytes(size)

    def is_refused_by_us() -> bool:
        try:
            check_frame(frame_of(raw), from_client)
        except WireError:
            return True
        return False

    def is_refused_by_websockets() -> bool:
        try:
            judged(raw, from_client)
        except websockets.exceptions.ProtocolError:
            return True
        return False

    assert is_refused_by_us() == is_refused_by_websockets()


@unhurried
@given(st.lists(st.tuples(st.binary(max_size=300), masks), min_size=1, max_size=5), st.data())
def test_a_stream_cut_anywhere_gives_the_same_frames(
    messages: list[tuple[bytes, bytes | None]], data: st.DataObject
) -> None:
    frames = [encode_frame(Opcode.BINARY, payload, mask=mask) for payload, mask in messages]
    stream = b"".join(frames)
    at = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    cuts = [stream[a:b] for a, b in zip([0, *at], [*at, len(stream)], strict=True)]
    transcript = talk(*filter(None, cuts))
    assert [frame.payload for frame in transcript.frames] == [payload for payload, _ in messages]
    assert transcript.stream("to_server") == REQUEST + stream


@pytest.mark.parametrize(
    ("length", "seven", "header"), [(0, 0, 2), (125, 125, 2), (126, 126, 4), (65_535, 126, 4), (65_536, 127, 10)]
)
def test_length_takes_7_or_16_or_64_bits(length: int, seven: int, header: int) -> None:
    raw = encode_frame(Opcode.BINARY, bytes(length))
    assert (frame_of(raw).seven, len(raw) - length) == (seven, header)


def test_the_rfc_examples() -> None:
    # RFC 6455, 5.7 and 1.3
    assert encode_frame(Opcode.TEXT, "Hello").hex() == "810548656c6c6f"
    assert encode_frame(Opcode.TEXT, "Hello", mask=KEY).hex() == "818537fa213d7f9f4d5158"
    assert encode_frame(Opcode.TEXT, "Hel", fin=False) + encode_frame(0, "lo") == bytes.fromhex("010348656c80026c6f")
    assert apply_mask(apply_mask(b"Hello", KEY), KEY) == b"Hello"
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("code", "raw"),
    [
        ("opcode", b"\x83\x00"),
        ("rsv", b"\xc1\x00"),
        ("unmasked", b"\x81\x00"),
        ("control_fragment", b"\x09\x80" + KEY),
        ("control_long", b"\x89\xfe\x00\x7e" + KEY + bytes(126)),
        ("length_form", b"\x81\xfe\x00\x01" + KEY + b"a"),
    ],
)
def test_a_broken_rule_is_named_in_both_languages(code: str, raw: bytes) -> None:
    with pytest.raises(WireError) as caught:
        check_frame(frame_of(raw), from_client=True)
    assert caught.value.code == code
    assert all("RFC 6455" in caught.value.sentence(lang) for lang in LANGUAGES)
    item = talk(raw).items[-1]
    assert item.error and item.error.code == code
    assert caught.value.sentence("en") in draw_table(talk(raw), "en").text


def test_wrong_frames_are_not_encoded() -> None:
    for wrong in ({"opcode": 3}, {"opcode": Opcode.PING, "payload": bytes(126)}, {"opcode": 8, "fin": False}):
        with pytest.raises(WireError):
            encode_frame(**wrong)  # type: ignore[arg-type]
    with pytest.raises(WireError, match="4 bytes"):
        encode_frame(Opcode.TEXT, "hi", mask=b"abc")


# The handshake.


def test_a_head_is_a_start_line_and_headers() -> None:
    head, rest = parse_head(RESPONSE + b"\x81\x00")
    assert head and head.status == 101 and rest == b"\x81\x00"
    assert head.get("sec-websocket-ACCEPT") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert head.get("Origin") is None
    assert parse_head(RESPONSE[:-1]) == (None, RESPONSE[:-1])
    for no_head in (b"GET / HTTP/1.1\r\nno colon here\r\n\r\n", b"\r\nHost: localhost\r\n\r\n"):
        with pytest.raises(WireError):
            parse_head(no_head)


def test_the_sum_says_whether_the_answer_is_right() -> None:
    for response, mark in ((RESPONSE, "✓"), (RESPONSE.replace(b"s3pP", b"xxxx"), "✗")):
        transcript = Transcript(recording_of(("to_server", REQUEST), ("to_client", response)))
        for lang in LANGUAGES:
            drawing = draw_handshake(transcript, lang)
            assert mark in drawing.text and mark in drawing.html


def test_after_a_refusal_there_are_no_frames() -> None:
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nno\n"
    transcript = Transcript(recording_of(("to_server", REQUEST), ("to_client", refusal)))
    assert [item.kind for item in transcript.items] == ["request", "response", "bytes"]
    assert transcript.frames == []
    assert sentences("en")["wire_note_401"] in draw_handshake(transcript, "en").text


def test_only_a_connection_that_changes_is_said_to_change() -> None:
    upgrade = sentences("en")["wire_note_connection"]
    for answer, count in ((RESPONSE, 2), (b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n", 1)):
        transcript = Transcript(recording_of(("to_server", REQUEST), ("to_client", answer)))
        assert draw_handshake(transcript, "en").text.count(upgrade) == count


def test_bytes_that_are_no_http_are_shown_as_bytes() -> None:
    transcript = Transcript(recording_of(("to_server", b"hello\r\nthere\r\n\r\n\x00")))
    assert transcript.items[0].kind == "bytes" and transcript.items[0].error
    draw_table(transcript)


# Secrets.


@unhurried
@given(st.data())
def test_a_token_is_hidden_wherever_tcp_cuts(data: st.DataObject) -> None:
    hello = json.dumps({"type": "hello", "token": 'hun"ter2ก', "me": "s3cret"}).encode()
    at = data.draw(st.integers(1, len(hello) - 1))
    frames = encode_frame(1, hello[:at], fin=False, mask=KEY) + encode_frame(0, hello[at:], mask=KEY)
    stream = REQUEST.replace(b"name=", b"%74oken=hunter2&name=") + frames
    cut = data.draw(st.integers(1, len(stream)))
    chunks = [("to_server", stream[:cut]), ("to_client", RESPONSE), ("to_server", stream[cut:])]
    for count in (1, 3):
        transcript = Transcript(recording_of(*chunks[:count]))
        clean = transcript.stream("to_server")
        assert len(clean) == len(transcript.recording.stream("to_server"))
        seen = clean[:cut] + b"".join(frame.payload for frame in transcript.frames)
        assert b"hunter2" not in seen and b"ter2" not in seen and b"s3cret" not in seen
    assert transcript.redacted


def test_a_cookie_and_an_authorization_are_hidden() -> None:
    request = REQUEST.replace(b"Host:", b"cookie: a=1; b=2\r\nAuthorization: token abc\r\nHost:")
    head = Transcript(recording_of(("to_server", request))).head("request")
    assert head and (head.get("Cookie"), head.get("Authorization")) == ("*" * 8, "*" * 9)


def test_a_token_is_hidden_in_what_is_no_head() -> None:
    transcript = Transcript(recording_of(("to_server", b"GET / HTTP/1.1\r\nGET /?token=hunter2\x1b\r\n\r\n")))
    shown = draw_table(transcript).text + repr(transcript.items) + repr(transcript.recording.chunks)
    assert transcript.items[0].error and "hunter2" not in shown and "\x1b" not in draw_table(transcript).text


def test_a_ping_between_two_fragments_is_no_part_of_their_message() -> None:
    frames = [encode_frame(1, '{"token":"hun', False, KEY), encode_frame(9, "ping", mask=KEY)]
    transcript = talk(*frames, encode_frame(0, 'ter2"}', mask=KEY))
    assert [frame.payload for frame in transcript.frames] == [b'{"token":"***', b"ping", b'****"}']


def test_the_bytes_of_every_ping_and_pong_are_shown_alike() -> None:
    shown = draw_table(talk(*(encode_frame(code, b, mask=KEY) for code in (9, 10) for b in (b"p1ng", b"\xff1ng")))).text
    assert shown.count("70 31 6e 67") == shown.count("ff 31 6e 67") == 2 and "p1ng" not in shown


def test_text_that_speaks_of_a_token_is_not_touched() -> None:
    text = json.dumps({"type": "send", "text": 'my "token": "x"'}).encode()
    transcript = talk(encode_frame(1, text, mask=KEY))
    assert transcript.frames[0].payload == text and not transcript.redacted


# Recordings.


@pytest.fixture
async def recorded() -> AsyncIterator[tuple[Recording, Recording]]:
    """A chat in both dialects with everything in it, as the client and as the server recorded it."""
    theirs, ours = Recorder(), Recorder()
    async with serve("127.0.0.1", 0, rate=0, token="hunter2", create_connection=theirs.server_connection) as server:
        uri = f"{server.uri}/?name=Mali&token=hunter2"
        async with dial(uri, compression=None, create_connection=ours.client_connection) as chat:  # type: ignore[arg-type]
            for text in ("สวัสดี", *NASTY):
                await chat.send(text)
                assert str(await chat.recv()).startswith("You said: ")
            await chat.send(["cut ", "in ", "three"])
            assert await chat.recv() == "You said: cut in three"
            await (await chat.ping(b"are you there"))
            await chat.close(1000, "ลาก่อน")
        await server.stop()
    yield ours.recordings[0], theirs.recordings[0]


async def test_bytes_out_are_bytes_in(recorded: tuple[Recording, Recording]) -> None:
    client, server = recorded
    assert (client.side, server.side) == ("client", "server")
    for way in ("to_server", "to_client"):
        assert client.stream(way) == server.stream(way) != b""  # type: ignore[arg-type]
    names = [frame.name for frame in Transcript(client).frames]
    assert {"TEXT", "CONTINUATION", "PING", "PONG", "CLOSE"} <= set(names)
    assert [f.name for f in Transcript(server).frames if f.mask] == [
        f.name for f in Transcript(client).frames if f.mask
    ]
    assert not [item for item in Transcript(client).items if item.error]
    assert Transcript(client).items[-1].kind == "end"


async def test_the_kits_client_is_recorded_and_its_secrets_are_not(tmp_path: Path) -> None:
    theirs, ours = Recorder(), Recorder()
    async with serve("127.0.0.1", 0, token="hunter2", create_connection=theirs.server_connection) as server:
        async with connect(server.uri, name="Mali", token="hunter2", create_connection=ours.client_connection) as chat:  # type: ignore[arg-type]
            await chat.send("สวัสดี")
        await server.stop()
    client, host = ours.recordings[0], theirs.recordings[0]
    for way in ("to_server", "to_client"):
        assert client.stream(way) == host.stream(way) != b""  # type: ignore[arg-type]
    for recording in (client, host):
        transcript = Transcript(recording)
        shown = "".join(f"{draw(transcript)}{draw(transcript).html}" for draw in DRAWINGS)
        transcript.save(tmp_path / "wire.jsonl")
        loaded = Transcript(Recording.load(tmp_path / "wire.jsonl"))
        payloads = b"".join(frame.payload for frame in loaded.frames)
        assert "hunter2" not in shown and b"hunter2" not in payloads + loaded.stream("to_server")
        assert sentences("th")["wire_redacted"] in shown
        assert loaded.redacted and b'"me": "***' in payloads.replace(b'":"', b'": "')


async def test_a_recording_is_replayed_without_network(recorded: tuple[Recording, Recording], tmp_path: Path) -> None:
    original = recorded[0]
    Transcript(original).save(tmp_path / "wire.jsonl")
    loaded = Recording.load(tmp_path / "wire.jsonl")
    copy, heard = Recording(), []
    copy.on_chunk.append(heard.append)
    await loaded.replay(copy, speed=1000)
    await asyncio.sleep(0)
    assert heard == copy.chunks == loaded.chunks
    for draw in DRAWINGS:
        again = draw(Transcript(copy)).text
        assert re.sub(r"\d\.\d{3}", "", again) == re.sub(r"\d\.\d{3}", "", draw(Transcript(original)).text)


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    for text in ("", "{}", "[1]", "not json", '{"side": "client", "redacted": false, "missed": 0}\n{"hex": "zz"}'):
        (tmp_path / "x.jsonl").write_text(text)
        with pytest.raises(WireError, match=re.escape("x.jsonl")):
            Recording.load(tmp_path / "x.jsonl")


async def test_recording_does_not_change_the_chat() -> None:
    transcripts = []
    for options in ({}, {"create_connection": Recorder().server_connection}):
        async with serve("127.0.0.1", 0, **options) as server:  # type: ignore[arg-type]
            async with connect(server.uri, name="Mali") as mali, dial(server.uri) as plain:
                await mali.send("สวัสดี")
                said = [await plain.recv()]
                await plain.send("hi")
                said.append(await plain.recv())
                server.broadcast("welcome")
                said.append(await plain.recv())
                async for event in mali:
                    if event.type in ("msg", "notice"):
                        said.append(f"{event.seq} {event.who.name} {event.text}")
                    if event.type == "notice":
                        break
            await server.stop()
        transcripts.append(said)
    assert transcripts[0] == transcripts[1] and len(transcripts[0]) == 6


async def test_a_listener_that_fails_does_not_hurt_the_chat() -> None:
    recorder, failed = Recorder(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context["exception"]))

    def listen(recording: Recording) -> None:
        recording.on_chunk.append(lambda chunk: 1 / 0)

    recorder.on_recording.append(listen)
    async with serve("127.0.0.1", 0, create_connection=recorder.server_connection) as server:
        async with connect(server.uri) as chat:
            assert await chat.send("hi") == 1
        await server.stop()
    assert isinstance(failed[0], ZeroDivisionError)


async def test_a_line_that_breaks_without_a_word_has_an_end() -> None:
    recorder = Recorder()
    async with serve("127.0.0.1", 0, create_connection=recorder.server_connection) as server:
        client = await dial(server.uri)
        ended = asyncio.Event()
        recorder.recordings[0].on_chunk.append(lambda chunk: None if chunk.data else ended.set())
        # No time to linger: TCP says "reset", which is no end of a stream.
        sock = client.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.transport.abort()
        await asyncio.wait_for(ended.wait(), 5)
        await server.stop()
    ends = [item.direction for item in Transcript(recorder.recordings[0]).items if item.kind == "end"]
    assert ends.count("to_server") == 1


def test_a_full_recording_stops_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.wire.recording.MAX_RECORDED", len(REQUEST) + len(RESPONSE))
    transcript = talk(b"\x81\x00", b"\x81\x00")
    assert (transcript.frames, transcript.recording.missed) == ([], 4)
    assert "4" in draw_table(transcript, "en").text.splitlines()[-1]


def test_a_chunk_may_hold_two_frames_or_a_piece_of_one() -> None:
    frame = encode_frame(1, "hello", mask=KEY)
    items = talk(frame + frame + frame[:4], frame[4:]).items[2:]
    assert [item.chunks for item in items] == [(3, 3), (3, 3), (3, 4)]
    assert [item.number for item in items] == [1, 2, 3]
    waiting = talk(frame[:-1])
    assert sentences("en")["wire_waiting"].format(count=10) in draw_sequence(waiting, "en").text


# Drawings.


class Elements(html.parser.HTMLParser):
    """Which elements and attributes a page has, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(name for name, _ in attributes)}

    def handle_data(self, data: str) -> None:
        self.text += data


def drawings(transcript: Transcript) -> list[Drawing]:
    whole = [draw(transcript, lang) for draw in DRAWINGS for lang in ("en", "th", "both")]
    return whole + [draw_frame(frame, mask=on) for frame in transcript.frames for on in (True, False)]


def test_nothing_in_a_message_becomes_html_or_steers_a_terminal() -> None:
    frames = [encode_frame(1, text, mask=KEY) for text in NASTY]
    frames += [encode_frame(8, b"\x03\xe8<img src=x>\x1b", mask=KEY), encode_frame(9, "<b>\u202e", mask=KEY)]
    nasty = [("to_server", REQUEST.replace(b"Mali", b"<script>\x1b'\"")), ("to_client", RESPONSE + b"\x81\x05<img>")]
    for drawing in drawings(Transcript(recording_of(*nasty, *(("to_server", frame) for frame in frames)))):
        page = Elements(drawing.html)
        assert page.seen <= set("style div class b code small span bdi br i table thead tbody tr th td".split())
        for shown in (drawing.text, page.text):
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", shown)
        assert len(drawing.text) < 10_000


def test_a_message_shows_as_the_text_it_is() -> None:
    transcript = talk(*(encode_frame(1, text, mask=KEY) for text in NASTY))
    shown = Elements(draw_table(transcript, "en").html).text
    assert "<img src=x onerror=alert(1)>" in shown and "</script>" in shown
    assert r"\u202eabc\u2066" in shown and r"a\u200bb\u200d" in shown and r"\x1b[31m" in shown
    assert "11400 more bytes" in shown
    long = draw_frame(transcript.frames[-1], "en")
    assert "4000 code points, 12000 bytes" in long.text and "… 11904 more bytes" in long.text


def test_a_frame_that_breaks_a_rule_says_which() -> None:
    picture = draw_frame(frame_of(b"\x83\x00"), "en")
    assert "✗ opcode 0x3 is reserved" in picture.text and "✗ opcode 0x3 is reserved" in picture._repr_html_()


def test_characters_stand_beside_their_bytes() -> None:
    frame = frame_of(encode_frame(1, "สวัสดี", mask=KEY))
    meant, travelled = draw_frame(frame, "en"), draw_frame(frame, "en", mask=True)
    for form in (meant.text, meant.html):
        assert all(part in form for part in ("6 code points, 18 bytes", "U+0E2A", "e0 b8 aa", "◌ั", "37 fa 21 3d"))
    assert re.search(r"\bd7 +37 +e0\b", travelled.text)
    assert "FIN          1" in meant.text and "0010010" in meant.text


def test_fragments_and_bytes_that_are_no_text_are_shown() -> None:
    thai = "ก".encode()
    frames = [encode_frame(1, thai[:2], fin=False), encode_frame(0, thai[2:]), encode_frame(2, b"\xff\x00")]
    transcript = Transcript(recording_of(("to_server", REQUEST), ("to_client", RESPONSE + b"".join(frames))))
    table = draw_table(transcript, "en").text
    assert "TEXT …" in table and "ff 00" in table
    for frame in transcript.frames:
        draw_frame(frame)
    assert draw_frame(frame_of(encode_frame(8)), "en").text.endswith("0 bytes")


def test_a_sequence_has_arrows_both_ways() -> None:
    transcript = Transcript(recording_of(("to_server", REQUEST), ("to_client", RESPONSE)))
    lines = draw_sequence(transcript, "th").text.splitlines()
    assert "ไคลเอนต์" in lines[0] and "▶" in lines[1] and "◀" in lines[2]


def test_columns_stand_under_each_other_whatever_the_script() -> None:
    table = align([["สวัสดี", "|"], ["👨‍👩‍👧 日本", "|"], ["hi\u200b\n", "|"]])
    assert len({width(line) for line in table.splitlines()}) == 1
    rows = draw_sequence(talk(encode_frame(1, "日" * 99, mask=KEY)), "en").text.splitlines()
    assert len({width(row[: row.rindex("│")]) for row in rows}) == 1 and "日…" in rows[3]


def test_a_picture_speaks_the_chosen_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_LANG", "th")
    transcript = talk(encode_frame(1, "hi", mask=KEY))
    for picture in (draw_frame(transcript.frames[0]), *(draw(transcript) for draw in DRAWINGS)):
        assert re.search("[ก-๛]", picture.text) and not re.search("bytes|request|client", picture.text)


def test_an_empty_transcript_says_so() -> None:
    for draw in DRAWINGS:
        assert sentences("en")["wire_empty"] in draw(Transcript(Recording()), "en").text
