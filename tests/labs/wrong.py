"""Wrong clients: each typical mistake once, the sentence it must get, and the right thing that counts after it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed

from chatkit.limits import LIMITS
from tests.labs.tools import Headers, Status, Tool

OWN_PAGE = "(this server's own page)"

Act = Callable[[Tool, int], Awaitable[None]]


def opens(
    path: str = "", headers: Headers | None = None, raw: str = "", timeout: float | None = None, **query: str
) -> Act:
    """Disconnect, and connect: with these Params, or with a whole query written by hand."""

    async def act(tool: Tool, lab: int) -> None:
        await tool.close()
        target = f"/lab/{lab}{path}?{raw}" if raw else tool.target(lab, path, **query)
        mine = {
            name: value.replace(OWN_PAGE, tool.uri.replace("ws://", "http://"))
            for name, value in (headers or {}).items()
        }
        with suppress(Status, TimeoutError):
            await tool.open(target, mine, timeout)

    return act


def second_tab() -> Act:
    async def act(tool: Tool, lab: int) -> None:
        await tool.open(tool.target(lab))

    return act


def sends(*payloads: str | bytes, tab: int = -1) -> Act:
    """Send these from the newest tab, or from another one."""

    async def act(tool: Tool, lab: int) -> None:
        for payload in payloads:
            with suppress(ConnectionClosed):
                await tool.lines[tab].send(payload)

    return act


def ends() -> Act:
    """Wait until the server ends it."""

    async def act(tool: Tool, lab: int) -> None:
        await tool.lines[-1].ended()

    return act


def leaves(tab: int = -1) -> Act:
    """Disconnect one tab."""

    async def act(tool: Tool, lab: int) -> None:
        await tool.lines.pop(tab).close()

    return act


def breaks_off() -> Act:
    """The line breaks without a close frame."""

    async def act(tool: Tool, lab: int) -> None:
        line = tool.lines.pop()
        line.websocket.transport.abort()  # type: ignore[attr-defined]
        await line.ended()

    return act


@dataclass(frozen=True)
class Wrong:
    """A client that does something wrong.

    key:   the sentence that it must get. holes: what fills it. place: the step, `2.1`; "" for all of the lab.
    facts: what the lab remembers of the steps before. right: what it does then, and gets the step's tick for.
    """

    what: str
    place: str
    key: str
    acts: tuple[Act, ...]
    right: tuple[Act, ...]
    holes: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    start: int | None = None  # steps done before; None: all before `place`

    @property
    def lab(self) -> int:
        return int(self.place.partition(".")[0])

    @property
    def done(self) -> int:
        """Steps that the place has before it."""
        return int(self.place.partition(".")[2] or 1) - 1


MALI = {"target": "/lab/2?name=Mali"}
SAY = sends("สวัสดี")
WHOLE = '{"type": "send", "id": "1", "text": "สวัสดี"}'
PROTOCOL = "sec-websocket-protocol"
BEARER = {"authorization": "Bearer papaya"}
TEXTS = {"texts": ["a", "b", "c"]}
MALI_2 = (opens(), SAY)


def json_is(what: str, key: str, text: str, **holes: Any) -> Wrong:
    return Wrong(what, "4.1", key, (opens(), sends(text)), (sends(WHOLE),), holes)


COLLECTION = (
    # the address
    Wrong("no name", "2", "no_name", (opens(raw="x=1"),), MALI_2, MALI),
    Wrong("no name, and talks", "2", "no_name", (opens(raw="x=1"), SAY), MALI_2, MALI),
    Wrong("name in capitals", "2", "name_case", (opens(raw="Name=Mali"),), MALI_2, {**MALI, "got": "Name"}),
    Wrong("name as a header", "2", "name_in_headers", (opens(raw="x=1", headers={"name": "Mali"}),), MALI_2, MALI),
    Wrong("an unknown variable", "2", "unresolved", (opens(raw="name=%7B%7Bname%7D%7D"),), MALI_2, {"got": "{{name}}"}),
    Wrong("Socket.IO's address", "2", "socket_io_address", (opens(raw="EIO=4&transport=websocket"),), MALI_2),
    # texts
    Wrong("binary for text", "2.1", "binary_for_text", (opens(), sends("สวัสดี".encode())), (SAY,), {"size": 18}),
    Wrong("JSON for text", "2.1", "json_for_text", (opens(), sends('{"text": "สวัสดี"}')), (SAY,)),
    Wrong("a line's end", "2.1", "spaces", (opens(), sends("สวัสดี\n")), (SAY,)),
    Wrong("quotes", "2.1", "quotes", (opens(), sends('"สวัสดี"')), (SAY,)),
    Wrong("Socket.IO's packet", "2.1", "socket_io", (opens(), sends('42["chat","สวัสดี"]')), (SAY,)),
    Wrong("another text", "2.1", "other_text", (opens(), sends("hi")), (SAY,), {"got": "hi", "wanted": "สวัสดี"}),
    Wrong("capitals", "10.1", "letter_case", (opens(), sends("Restart")), (sends("restart"),)),
    # numbers
    Wrong("a word for a number", "2.2", "no_number", (opens(), sends("six")), (sends("6"),), {"got": "six"}),
    Wrong("binary for a number", "2.2", "binary_for_text", (opens(), sends(b"6")), (sends("6"),), {"size": 1}),
    Wrong("Socket.IO for a number", "2.2", "socket_io", (opens(), sends("42[6]")), (sends("6"),)),
    Wrong("just wrong", "2.2", "not_it", (opens(), sends("7")), (sends("๖"),), {"got": "7"}),
    Wrong("bytes for letters", "2.2", "bytes_not_letters", (opens(), sends("18")), (sends("6 letters"),)),
    Wrong("what the eye sees", "2.2", "seen_letters", (opens(), sends("4")), (sends("6"),)),
    Wrong("two numbers", "2.3", "no_number", (opens(), sends("not 6, 18")), (sends("it is 18"),), {"got": "not 6, 18"}),
    Wrong("letters for bytes", "2.3", "letters_not_bytes", (opens(), sends("6")), (sends("18 B"),)),
    Wrong("the frame's bytes", "2.3", "whole_frame", (opens(), sends("24")), (sends("18"),)),
    # 1
    Wrong("the OK of HTTP", "1.2", "http_ok", (opens(), sends("200 OK")), (sends("101 Switching Protocols"),)),
    # 3
    Wrong("one tab only", "3.2", "one_tab", (opens(), sends("hi")), (second_tab(), sends("hi"))),
    Wrong("closes one too soon", "3.2", "one_tab", (opens(), second_tab(), leaves(), sends("hi")), (second_tab(), SAY)),
    Wrong("binary in a room", "3.2", "binary_for_text", (opens(), second_tab(), sends(b"x")), (SAY,), {"size": 1}),
    Wrong(
        "one tab left for the answer",
        "3.3",
        "one_tab",
        (opens(), sends("papaya")),
        (second_tab(), sends("papaya")),
        facts={"speaker": 1},
    ),
    Wrong(
        "the whole line for the word",
        "3.3",
        "only_word",
        (opens(), second_tab(), sends("Nid says: papaya")),
        (sends("papaya"),),
        facts={"speaker": 1},
    ),
    # 4
    json_is("no braces", "no_json", "type: send", got="type: send"),
    json_is("a list", "no_object", "[1]", got="[1]"),
    json_is("null", "no_object", "null", got="null"),
    json_is("single quotes", "single_quotes", "{'type': 'send', 'id': '1', 'text': 'x'}"),
    json_is("a comma too many", "trailing_comma", '{"type": "send", "id": "1", "text": "x",}'),
    json_is("curly quotes", "curly_quotes", "{“type”: “send”, “id”: “1”, “text”: “x”}"),
    json_is("no id", "missing", '{"type": "send", "text": "x"}', field="id"),
    json_is("Text for text", "field_case", '{"type": "send", "id": "1", "Text": "x"}', field="text", got="Text"),
    json_is("a number as id", "no_text_in_field", '{"type": "send", "id": 1, "text": "x"}', field="id"),
    json_is("another type", "not_send", '{"type": "chat", "id": "1", "text": "x"}', got="chat"),
    json_is("Socket.IO in JSON", "socket_io", '42["chat","hi"]'),
    Wrong(
        "JSON as binary",
        "4.1",
        "binary_for_text",
        (opens(), sends(WHOLE.encode())),
        (sends(WHOLE),),
        {"size": len(WHOLE.encode())},
    ),
    Wrong(
        "an empty text",
        "4.2",
        "still_there",
        (opens(), sends('{"type": "send", "id": "2", "text": ""}')),
        (sends('{"type": "send", "id": "2"}'),),
    ),
    Wrong("nothing more", "4.3", "no_more", (opens(), sends(WHOLE)), (sends(WHOLE[:-1] + ', "color": "red"}'),)),
    # 5
    Wrong(
        "another room",
        "5.1",
        "other_value",
        (opens(room="chemistry"),),
        (opens(room="physics"),),
        {"got": "chemistry", "wanted": "physics"},
    ),
    Wrong("a space", "5.1", "space_in_value", (opens(room="physics%20"),), (opens(room="physics"),)),
    Wrong("an empty room", "5.1", "empty_value", (opens(room=""),), (opens(room="physics"),)),
    Wrong("Room", "5.1", "param_case", (opens(Room="physics"),), (opens(room="physics"),), {"got": "Room"}),
    Wrong("a header", "5.1", "param_in_headers", (opens(headers={"room": "physics"}),), (opens(room="physics"),)),
    Wrong(
        "in the path",
        "5.1",
        "room_in_path",
        (opens("/physics"), opens()),
        (opens(room="physics"),),
        {"path": "/lab/5/physics"},
    ),
    Wrong("encoded twice", "5.2", "twice_encoded", (opens(room=quote(quote("ฟิสิกส์"))),), (opens(room=quote("ฟิสิกส์")),)),
    Wrong("still on", "5.3", "still_on", (opens(room="physics"),), (opens(),)),
    # 6
    Wrong(
        "right at once", "6.1", "too_right", (opens(headers=BEARER),), (opens(headers={"authorization": "x"}), opens())
    ),
    Wrong(
        "the token in Params",
        "6.1",
        "token_in_params",
        (opens(token="mango"),),
        (opens(headers={"authorization": "Bearer mango"}), opens()),
    ),
    Wrong(
        "no Bearer", "6.2", "no_bearer", (opens(headers={"authorization": "papaya"}), opens()), (opens(headers=BEARER),)
    ),
    Wrong(
        "Basic", "6.2", "basic", (opens(headers={"authorization": "Basic cGFwYXlh"}), opens()), (opens(headers=BEARER),)
    ),
    Wrong(
        "Papaya",
        "6.2",
        "letter_case",
        (opens(headers={"authorization": "Bearer Papaya"}), opens()),
        (opens(headers=BEARER),),
    ),
    Wrong(
        "another token",
        "6.2",
        "still_wrong",
        (opens(headers={"authorization": "Bearer kiwi"}), opens()),
        (opens(headers={"authorization": "bearer papaya"}),),
    ),
    # 7
    Wrong("on too soon", "7.1", "already_on", (opens(headers={PROTOCOL: "chatkit.v1"}),), (opens(),)),
    Wrong(
        "another version",
        "7.2",
        "unknown_protocol",
        (opens(headers={PROTOCOL: "chatkit.v2"}),),
        (opens(headers={PROTOCOL: "chatkit.v1"}),),
        {"got": "chatkit.v2"},
    ),
    Wrong(
        "capitals in the subprotocol",
        "7.2",
        "protocol_case",
        (opens(headers={PROTOCOL: "ChatKit.V1"}),),
        (opens(headers={PROTOCOL: "chatkit.v1"}),),
        {"got": "ChatKit.V1"},
    ),
    Wrong(
        "another header",
        "7.2",
        "header_name",
        (opens(headers={"subprotocol": "chatkit.v1"}),),
        (opens(headers={PROTOCOL: "chatkit.v1"}),),
        {"got": "subprotocol"},
    ),
    Wrong(
        "the whole header",
        "7.3",
        "only_value",
        (opens(headers={PROTOCOL: "chatkit.v1"}), sends(f"{PROTOCOL}: chatkit.v1")),
        (sends("chatkit.v1"),),
    ),
    # 8
    Wrong("hex as text", "8.2", "hex_as_text", (opens(), sends("E0 B8 AA")), (sends(b"\xe0\xb8\xaa"),)),
    Wrong("the letter as text", "8.2", "text_again", (opens(), sends("ส")), (sends(b"\xe0\xb8\xaa"),)),
    Wrong("the digits as bytes", "8.2", "ascii", (opens(), sends(b"e0b8aa")), (sends(b"\xe0\xb8\xaa"),), {"size": 6}),
    Wrong("Base64 chosen", "8.2", "as_base64", (opens(), sends(b"\x7b\x46\xfc\x69")), (sends(b"\xe0\xb8\xaa"),)),
    Wrong("turned round", "8.2", "reversed", (opens(), sends(b"\xaa\xb8\xe0")), (sends(b"\xe0\xb8\xaa"),)),
    Wrong(
        "other bytes", "8.2", "other_bytes", (opens(), sends(b"\x01\x02")), (sends(b"\xe0\xb8\xaa"),), {"got": "0102"}
    ),
    Wrong("the opcode of text", "8.3", "opcode_of_text", (opens(), sends("1")), (sends("0x2"),)),
    Wrong("the whole byte", "8.3", "with_fin", (opens(), sends("0x82")), (sends("2"),)),
    # 9
    Wrong(
        "too small", "9.1", "too_small", (opens(), sends("small")), (sends("a" * 10_000),), {"size": 5, "least": 10_000}
    ),
    Wrong(
        "too big at once",
        "9.1",
        "already_too_big",
        (opens(), sends("a" * 20_000), ends(), opens()),
        (sends("a" * 10_000),),
        {"limit": LIMITS.message_bytes},
    ),
    Wrong(
        "just fits",
        "9.2",
        "still_fits",
        (opens(), sends("a" * LIMITS.message_bytes)),
        (sends("a" * (LIMITS.message_bytes + 1)), ends(), opens()),
        {"size": LIMITS.message_bytes, "limit": LIMITS.message_bytes},
    ),
    Wrong(
        "leaves too soon",
        "9.2",
        "left_too_soon",
        (opens(), leaves(), opens()),
        (sends("a" * (LIMITS.message_bytes + 1)), ends(), opens()),
        {"code": 1000},
    ),
    Wrong("1006", "9.3", "not_1006", (opens(), sends("1006")), (sends("1009"),)),
    Wrong("1000", "9.3", "not_1000", (opens(), sends("1000")), (sends("1009"),)),
    Wrong("413", "9.3", "http_413", (opens(), sends("413")), (sends("1009"),)),
    # 10
    Wrong(
        "seconds, and other ones",
        "10.3",
        "not_it",
        (opens(), sends("9")),
        (sends("about 0.5 s"),),
        {"got": "9"},
        facts={"tries": [100.0, 100.5, 101.0]},
    ),
    Wrong(
        "milliseconds",
        "10.3",
        "milliseconds",
        (opens(), sends("3000 ms")),
        (sends("3"),),
        facts={"tries": [100.0, 103.0, 106.0]},
    ),
    # 11
    Wrong(
        "too patient", "11.2", "too_patient", (opens(slow="1"),), (opens(slow="1", timeout=0.2), opens()), {"slow": 1.0}
    ),
    Wrong(
        "too impatient",
        "11.3",
        "too_impatient",
        (opens(slow="8", timeout=0.05), opens()),
        (opens(slow="1"),),
        {"slow": 8.0, "waited": 0.0},
    ),
    Wrong("no number", "11.3", "no_slow", (opens(slow="very"),), (opens(slow="1"),), {"got": "very"}),
    # 12
    Wrong("the program is ended", "12.1", "no_close_frame", (opens(), breaks_off(), opens()), (leaves(), opens())),
    Wrong("the status", "12.3", "status_not_code", (opens(), sends("101")), (sends("1000"),), facts={"code": 1000}),
    # 13
    Wrong("one of them twice", "13.1", "same_twice", (opens(), sends("a", "a")), (sends("b", "c"),), {"got": "a"}),
    Wrong(
        "on the same connection",
        "13.2",
        "new_connection",
        (opens(), sends("d", "e", "f", "d")),
        (opens(), sends("d", "e", "f")),
        start=0,
    ),
    Wrong(
        "another text in between",
        "13.2",
        "not_the_same",
        (opens(), sends("a", "x")),
        (sends("a", "b", "c"),),
        {"place": 2, "got": "x", "wanted": "b"},
        TEXTS,
    ),
    Wrong(
        "a saved message", "13.3", "a_saved_one", (opens(), sends("a")), (sends("This request says hello."),), {}, TEXTS
    ),
    Wrong(
        "no sentence",
        "13.3",
        "too_short",
        (opens(), sends("done")),
        (sends("คำขอนี้ใช้ทักทายเซิร์ฟเวอร์"),),
        {"length": 4, "least": 20},
        TEXTS,
    ),
    # 15
    Wrong("the word ping", "15.1", "ping_as_text", (opens(), sends("/ping")), ()),
    Wrong(
        "a page from elsewhere",
        "15.2",
        "origin_refused",
        (opens(headers={"origin": "https://evil.example"}), opens()),
        (opens(headers={"origin": OWN_PAGE}),),
        {"origin": "https://evil.example"},
    ),
)
