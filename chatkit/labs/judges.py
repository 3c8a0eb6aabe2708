"""What counts as each step of each lab, and what is said about what does not. No `await`, no socket.

A judge looks at one thing that was seen, and at where the student stands. It answers `Done`, `Wrong` (with the name of
the sentence), `Part` (a step in progress), or None: this has nothing to do with the step.
"""

import json
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from chatkit.labs.seen import Closed, GaveUp, Message, Opened, Ping, Refused, Seen, Try
from chatkit.labs.store import Progress
from chatkit.limits import LIMITS

__all__ = ["JUDGES", "Done", "Judge", "Part", "Verdict", "Wrong"]

PROTOCOL = "chatkit.v1"
HELLO = "สวัสดี"
TOKEN = "papaya"  # of lab 6; it opens nothing else
WORD = "papaya"  # what the other person in lab 3 says
SHOWN = 40  # letters of a message that an answer repeats


class Verdict:
    """What a judge says; `holes` fill its sentence."""

    def __init__(self, **holes: object) -> None:
        self.holes = holes


class Done(Verdict):
    """The step is done."""


class Wrong(Verdict):
    """Not this: `key` names the sentence that says why."""

    def __init__(self, key: str, **holes: object) -> None:
        super().__init__(**holes)
        self.key = key


class Part(Wrong):
    """Right so far, and something is still to come."""


Judge = Callable[[Seen, Progress], Verdict | None]

# --- texts and numbers ------------------------------------------------------------------------------------------------


def says(expected: str, is_told: bool = True, **near: str) -> Judge:
    """A judge of one exact text. near: {name of the sentence: what earns it}; is_told: the answer may repeat it."""

    def judge(seen: Seen, _: Progress) -> Verdict | None:
        if not isinstance(seen, Message):
            return None
        return Done() if seen.payload == expected else near_miss(seen, expected, is_told, near)

    return judge


def near_miss(seen: Message, expected: str, is_told: bool, near: Mapping[str, str]) -> Wrong:
    """What is wrong with a message that is not the one expected."""
    if seen.text is None:
        return Wrong("binary_for_text", size=seen.size)
    for key, mistaken in near.items():
        if seen.text.strip() == mistaken:
            return Wrong(key)
    if seen.text.strip() == expected:
        return Wrong("spaces")
    if seen.text.strip().strip("\"'“”‘’`") == expected:
        return Wrong("quotes")
    if is_socket_io(seen.text):
        return Wrong("socket_io")
    if is_json_object(seen.text):
        return Wrong("json_for_text")
    if seen.text.casefold() == expected.casefold():
        return Wrong("letter_case")
    return (
        Wrong("other_text", got=short(seen.text), wanted=expected) if is_told else Wrong("not_it", got=short(seen.text))
    )


def number(expected: float, near: Mapping[float, str] | None = None, tolerance: float = 0) -> Judge:
    """A judge of a number, with or without a unit behind it. near: {a known wrong number: its sentence}."""

    def judge(seen: Seen, _: Progress) -> Verdict | None:
        if not isinstance(seen, Message):
            return None
        if seen.text is None:
            return Wrong("binary_for_text", size=seen.size)
        if is_socket_io(seen.text):
            return Wrong("socket_io")
        value = read_number(seen.text)
        if value is None:
            return Wrong("no_number", got=short(seen.text))
        if abs(value - expected) <= tolerance:
            return Done()
        return Wrong((near or {}).get(value, "not_it"), got=short(seen.text))

    return judge


def read_number(text: str) -> float | None:
    """The number at the start of a text, or the only one in it: `18 B`, `๑๘`, `0x2`, `code 1009`; None without one."""
    if found := re.match(r"\s*0x([0-9a-f]+)\b", text, re.IGNORECASE):
        return int(found[1], 16)
    found = re.match(r"\s*[\"'`]?(\d+(?:\.\d+)?)(?![\d,])", text)
    numbers = [found[1]] if found else re.findall(r"(?<![\w.,-])\d+(?:\.\d+)?(?!\w|,\d)", text)
    return float(numbers[0]) if len(numbers) == 1 and len(numbers[0]) < 20 else None


def is_socket_io(text: str) -> bool:
    """Whether this is a packet of Socket.IO: `42["chat","hi"]`, or its `40` at the start."""
    return bool(re.match(r"4[0-4](?:/[^,\[]*,)?\d*[\[{]", text)) or text == "2probe"


def is_json_object(text: str) -> bool:
    return isinstance(read_json(text), dict)


def read_json(text: str) -> Any:
    """The value of a JSON text; `...` where it is none (`null` is one, and its value is None)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return ...


def short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def opened(seen: Seen, _: Progress) -> Verdict | None:
    """A judge that any connection satisfies."""
    return Done() if isinstance(seen, Opened) else None


# --- 1 Connect --------------------------------------------------------------------------------------------------------


def accept(seen: Seen, at: Progress) -> Verdict | None:
    if not isinstance(seen, Message):
        return None
    if seen.text is None:
        return Wrong("binary_for_text", size=seen.size)
    text, mine = seen.text.strip(), list(at.here.values())
    if any(text == each.accept for each in mine):
        return Done()
    if any(text == each.header("sec-websocket-key") for each in mine):
        return Wrong("key")
    if any(text.strip("\"'“”‘’`") == each.accept for each in mine):
        return Wrong("quotes")
    if any(each.accept in text for each in mine):
        return Wrong("only_value")
    if any(f"{text}=" == each.accept for each in mine):
        return Wrong("cut")
    return Wrong("not_it", got=short(seen.text))


# --- 3 Three in one room ----------------------------------------------------------------------------------------------


def second_tab(seen: Seen, at: Progress) -> Verdict | None:
    return Done() if isinstance(seen, Opened) and len(at.here) > 1 else None


def heard(seen: Seen, at: Progress) -> Verdict | None:
    if not isinstance(seen, Message):
        return None
    if seen.text is None:
        return Wrong("binary_for_text", size=seen.size)
    if len(at.here) < 2:
        return Wrong("one_tab")
    at.facts["speaker"] = seen.connection
    return Done(text=short(seen.text))


def answer(seen: Seen, at: Progress) -> Verdict | None:
    verdict = says(WORD, is_told=False, only_word=f"Nid says: {WORD}")(seen, at)
    if isinstance(verdict, Done) and isinstance(seen, Message) and seen.connection == at.facts.get("speaker"):
        return Wrong("same_tab") if len(at.here) > 1 else Wrong("one_tab")
    return verdict


# --- 4 JSON -----------------------------------------------------------------------------------------------------------

NEEDED = ("type", "id", "text")


def json_message(seen: Seen) -> dict[str, Any] | Wrong | None:
    """The object in a message, or what is wrong with it."""
    if not isinstance(seen, Message):
        return None
    if seen.text is None:
        return Wrong("binary_for_text", size=seen.size)
    value = read_json(seen.text)
    if isinstance(value, dict):
        return value
    if value is not ...:
        return Wrong("no_object", got=short(seen.text))
    if is_socket_io(seen.text):
        return Wrong("socket_io")
    if is_json_object(seen.text.replace("'", '"')):
        return Wrong("single_quotes")
    if is_json_object(re.sub(r",\s*}", "}", seen.text)):
        return Wrong("trailing_comma")
    if is_json_object(re.sub("[“”]", '"', seen.text)):
        return Wrong("curly_quotes")
    return Wrong("no_json", got=short(seen.text))


def field_fault(fields: dict[str, Any], needed: tuple[str, ...]) -> Wrong | None:
    """The first needed field that is not there, or is no text."""
    for name in needed:
        if name not in fields:
            alike = next((each for each in fields if each.lower() == name), None)
            return Wrong("field_case", got=alike, field=name) if alike else Wrong("missing", field=name)
        if not isinstance(fields[name], str) or not fields[name]:
            return Wrong("no_text_in_field", field=name)
    return None if fields["type"] == "send" else Wrong("not_send", got=short(fields["type"]))


def whole_json(seen: Seen, _: Progress) -> Verdict | None:
    fields = json_message(seen)
    return (field_fault(fields, NEEDED) or Done()) if isinstance(fields, dict) else fields


def without_text(seen: Seen, _: Progress) -> Verdict | None:
    fields = json_message(seen)
    if not isinstance(fields, dict):
        return fields
    if "text" in fields:
        return Wrong("still_there")
    return field_fault(fields, NEEDED[:2]) or Done()


def one_more_field(seen: Seen, _: Progress) -> Verdict | None:
    fields = json_message(seen)
    if not isinstance(fields, dict):
        return fields
    more = [name for name in fields if name not in NEEDED]
    return field_fault(fields, NEEDED) or (Done(field=short(more[0])) if more else Wrong("no_more"))


# --- 5 Params ---------------------------------------------------------------------------------------------------------


def param(name: str, wanted: str) -> Judge:
    """A judge of a field in the address."""

    def judge(seen: Seen, _: Progress) -> Verdict | None:
        if isinstance(seen, Refused) and seen.status == 404:
            return Wrong("room_in_path", path=short(seen.path))
        if not isinstance(seen, Opened):
            return None
        got = seen.query.get(name)
        if got == wanted:
            return Done(raw=seen.target.partition("?")[2])
        if got is None:
            return no_param(seen, name)
        if got.strip() == wanted:
            return Wrong("space_in_value")
        if got == "":
            return Wrong("empty_value")
        if "%E0" in got.upper():
            return Wrong("twice_encoded")
        return Wrong("other_value", got=short(got), wanted=wanted)

    return judge


def no_param(seen: Opened, name: str) -> Wrong | None:
    """Where a field that is not in the address may have gone."""
    if seen.header(name) is not None:
        return Wrong("param_in_headers")
    alike = next((each for each in seen.query if each.lower().strip() == name), None)
    return Wrong("param_case", got=alike) if alike else None


def room_off(seen: Seen, _: Progress) -> Verdict | None:
    if not isinstance(seen, Opened):
        return None
    if "room" not in seen.query:
        return Done()
    return Wrong("still_on") if seen.query["room"] else Wrong("empty_value")


# --- 6 Headers --------------------------------------------------------------------------------------------------------


def credentials(seen: Try) -> tuple[str, str] | None:
    """Scheme and token of an `Authorization` header (RFC 6750, 2.1); None without one."""
    value = seen.header("authorization")
    scheme, _, token = (value or "").strip().partition(" ")
    return None if value is None else (scheme.lower(), token.strip())


def opens(seen: Try) -> bool:
    return credentials(seen) == ("bearer", TOKEN)


def wrong_token(seen: Seen, _: Progress) -> Verdict | None:
    if isinstance(seen, Refused) and seen.status == 401:
        return Done()
    if not isinstance(seen, Opened):
        return None
    return Wrong("too_right") if opens(seen) else Wrong("token_in_params") if "token" in seen.query else None


def right_token(seen: Seen, _: Progress) -> Verdict | None:
    if isinstance(seen, Opened):
        return Done() if opens(seen) else Wrong("token_in_params") if "token" in seen.query else None
    if not isinstance(seen, Refused) or seen.status != 401:
        return None
    scheme, token = credentials(seen) or ("", "")
    if scheme == TOKEN:
        return Wrong("no_bearer")
    if scheme == "basic":
        return Wrong("basic")
    return Wrong("letter_case") if token.lower() == TOKEN else Wrong("still_wrong")


def wrong_path(seen: Seen, _: Progress) -> Verdict | None:
    return Done(path=short(seen.path)) if isinstance(seen, Refused) and seen.status == 404 else None


# --- 7 Subprotocol ----------------------------------------------------------------------------------------------------


def protocol_off(seen: Seen, _: Progress) -> Verdict | None:
    return None if not isinstance(seen, Opened) else Wrong("already_on") if seen.offered else Done()


def protocol_on(seen: Seen, _: Progress) -> Verdict | None:
    if not isinstance(seen, Opened):
        return None
    if PROTOCOL in seen.offered:
        return Done()
    if any(each.lower() == PROTOCOL for each in seen.offered):
        return Wrong("protocol_case", got=short(seen.offered[0]))
    if seen.offered:
        return Wrong("unknown_protocol", got=short(seen.offered[0]))
    alike = next((name for name in seen.headers if "protocol" in name and not name.startswith("x-forwarded")), None)
    return Wrong("header_name", got=short(alike)) if alike else None


def protocol_read(seen: Seen, at: Progress) -> Verdict | None:
    verdict = says(PROTOCOL, is_told=False)(seen, at)
    is_inside = isinstance(seen, Message) and f": {PROTOCOL}" in (seen.text or "")
    return Wrong("only_value") if isinstance(verdict, Wrong) and is_inside else verdict


# --- 8 Binary ---------------------------------------------------------------------------------------------------------


def binary(character: str) -> Judge:
    """A judge of the bytes of one Thai letter, as a binary message."""
    wanted = character.encode()
    spelt = wanted.hex()

    def judge(seen: Seen, _: Progress) -> Verdict | None:
        if not isinstance(seen, Message):
            return None
        if seen.payload == wanted:
            return Done()
        if seen.text is not None:
            is_hex = re.sub(r"[\s:,]|0x", "", seen.text.lower()) == spelt
            return Wrong("hex_as_text") if is_hex else Wrong("text_again")
        got = bytes(seen.payload)  # type: ignore[arg-type]
        if got.lower() == spelt.encode():
            return Wrong("ascii", size=len(got))
        if got == as_base64(spelt):
            return Wrong("as_base64")
        return Wrong("reversed") if got == wanted[::-1] else Wrong("other_bytes", got=short(got.hex()))

    return judge


def as_base64(text: str) -> bytes:
    """What a lenient reader makes of a text that it takes for Base64: whole bytes, the rest cut off."""
    places = {letter: place for place, letter in enumerate(BASE64)}
    bits = "".join(f"{places[letter]:06b}" for letter in text)
    return bytes(int(bits[start : start + 8], 2) for start in range(0, len(bits) // 8 * 8, 8))


BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

# --- 9 Too big --------------------------------------------------------------------------------------------------------

BIG = 10_000  # bytes of a message that is big, and still fits


def big(seen: Seen, _: Progress) -> Verdict | None:
    if isinstance(seen, Closed) and seen.sent == 1009:
        return Wrong("already_too_big", limit=LIMITS.message_bytes)
    if not isinstance(seen, Message):
        return None
    return Done(size=seen.size) if seen.size >= BIG else Wrong("too_small", size=seen.size, least=BIG)


def too_big(seen: Seen, _: Progress) -> Verdict | None:
    if isinstance(seen, Message):
        return Wrong("still_fits", size=seen.size, limit=LIMITS.message_bytes)
    if not isinstance(seen, Closed):
        return None
    return Done() if seen.sent == 1009 else Wrong("left_too_soon", code=seen.received)


# --- 10 The server restarts -------------------------------------------------------------------------------------------

AWAY = 2  # tries that find the server away


def restart(seen: Seen, at: Progress) -> Verdict | None:
    verdict = says("restart")(seen, at)
    if isinstance(verdict, Done):
        at.facts |= {"tries": [seen.time], "away": AWAY}
    return verdict


def came_back(seen: Seen, at: Progress) -> Verdict | None:
    if isinstance(seen, Opened):
        at.facts["tries"].append(seen.time)
        return Done(count=len(at.facts["tries"]) - 1)
    return None


def gap(seen: Seen, at: Progress) -> Verdict | None:
    """The pause between two tries, in seconds; any of them will do, to about a second."""
    times = at.facts["tries"]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    verdicts = [number(pause, tolerance=max(1.0, pause / 5))(seen, at) for pause in pauses]
    if any(isinstance(verdict, Done) for verdict in verdicts):
        return Done()
    value = read_number(seen.text) if isinstance(seen, Message) and seen.text else None
    if value and any(abs(value / 1000 - pause) <= pause / 5 for pause in pauses):
        return Wrong("milliseconds")
    return verdicts[0]


# --- 11 Slow ----------------------------------------------------------------------------------------------------------

SLOWEST = 8  # seconds; after 10 the server itself gives up a handshake


def slowness(seen: Try) -> float:
    """How long the server is to think about a handshake, seconds: `?slow=5`; 0 where nothing was asked for."""
    value = read_number(seen.query.get("slow", "")) or 0
    return min(float(value), SLOWEST)


def gave_up(seen: Seen, _: Progress) -> Verdict | None:
    if isinstance(seen, GaveUp):
        return Done(waited=seen.waited)
    return waited_or_not(seen, "too_patient")


def patient(seen: Seen, _: Progress) -> Verdict | None:
    if isinstance(seen, GaveUp):
        return Wrong("too_impatient", waited=seen.waited, slow=slowness(seen))
    return waited_or_not(seen, None)


def waited_or_not(seen: Seen, key: str | None) -> Verdict | None:
    """An open connection, slow or not: `key` is what to say of one that waited, None where that is right."""
    if not isinstance(seen, Opened):
        return None
    slow = slowness(seen)
    if slow:
        return Wrong(key, slow=slow) if key else Done(slow=slow)
    return Wrong("no_slow", got=short(seen.query["slow"])) if "slow" in seen.query else no_param(seen, "slow")


# --- 12 The close code ------------------------------------------------------------------------------------------------


def left(seen: Seen, at: Progress) -> Verdict | None:
    if not isinstance(seen, Closed):
        return None
    if seen.received == 1006:
        return Wrong("no_close_frame")
    at.facts["code"] = seen.received
    return Done()


def code_read(seen: Seen, at: Progress) -> Verdict | None:
    return number(at.facts["code"], {101: "status_not_code"})(seen, at)


# --- 13 Saved messages ------------------------------------------------------------------------------------------------

SENTENCE = 20  # letters of a description's first sentence


def three_texts(seen: Seen, at: Progress) -> Verdict | None:
    if isinstance(seen, Opened):
        at.facts["texts"] = []
        return None
    if not isinstance(seen, Message):
        return None
    if seen.text is None:
        return Wrong("binary_for_text", size=seen.size)
    texts = at.facts.setdefault("texts", [])
    if seen.text in texts:
        return Wrong("same_twice", got=short(seen.text))
    texts.append(seen.text[: LIMITS.text])
    return Done() if len(texts) == 3 else Part("so_far", count=len(texts))


def same_three(seen: Seen, at: Progress) -> Verdict | None:
    if isinstance(seen, Opened):
        at.facts["again"] = 0
        return None
    if not isinstance(seen, Message):
        return None
    if seen.text is None:
        return Wrong("binary_for_text", size=seen.size)
    if "again" not in at.facts:
        return Wrong("new_connection")
    place = at.facts["again"]
    wanted = at.facts["texts"][place]
    if seen.text[: LIMITS.text] != wanted:
        at.facts["again"] = 0
        return Wrong("not_the_same", place=place + 1, got=short(seen.text), wanted=short(wanted))
    at.facts["again"] += 1
    return Done() if place == 2 else Part("so_far", count=place + 1)


def described(seen: Seen, at: Progress) -> Verdict | None:
    if not isinstance(seen, Message):
        return None
    if seen.text is None:
        return Wrong("binary_for_text", size=seen.size)
    if seen.text in at.facts["texts"]:
        return Wrong("a_saved_one")
    length = len(seen.text.strip())
    return Done() if length >= SENTENCE else Wrong("too_short", length=length, least=SENTENCE)


# --- 14 Environments --------------------------------------------------------------------------------------------------


def host_local(seen: Seen, _: Progress) -> Verdict | None:
    if not isinstance(seen, Opened):
        return None
    return Done() if seen.host == "localhost" else Wrong("not_local", host=short(seen.host))


def host_other(seen: Seen, _: Progress) -> Verdict | None:
    if not isinstance(seen, Opened):
        return None
    return Wrong("same_host") if seen.host == "localhost" else Done(host=short(seen.host))


# --- 15 Ping and Origin -----------------------------------------------------------------------------------------------


def ping(seen: Seen, _: Progress) -> Verdict | None:
    if isinstance(seen, Ping):
        return Done(size=seen.size)
    is_word = isinstance(seen, Message) and (seen.text or "").strip().lower().lstrip("/") in ("ping", "pong")
    return Wrong("ping_as_text") if is_word else None


def origin(seen: Seen, _: Progress) -> Verdict | None:
    if isinstance(seen, Refused) and seen.status == 403:
        return Wrong("origin_refused", origin=short(seen.header("origin") or ""))
    if not isinstance(seen, Opened):
        return None
    value = seen.header("origin")
    return None if value is None else Done(origin=short(value))


#: the judge of each step, by lab and the step's name in its file
JUDGES: dict[int, dict[str, Judge]] = {
    1: {"open": opened, "status": number(101, {200: "http_ok"}), "accept": accept},
    2: {
        "say": says(HELLO),
        "letters": number(6, {18: "bytes_not_letters", 4: "seen_letters", 24: "bytes_not_letters"}),
        "bytes": number(18, {6: "letters_not_bytes", 24: "whole_frame", 20: "whole_frame"}),
    },
    3: {"tab": second_tab, "hear": heard, "answer": answer},
    4: {"whole": whole_json, "without": without_text, "more": one_more_field},
    5: {"room": param("room", "physics"), "thai": param("room", "ฟิสิกส์"), "off": room_off},
    6: {"wrong": wrong_token, "right": right_token, "path": wrong_path},
    7: {"off": protocol_off, "on": protocol_on, "read": protocol_read},
    8: {
        "text": says("ส"),
        "binary": binary("ส"),
        "opcode": number(2, {1: "opcode_of_text", 130: "with_fin", 82: "with_fin"}),
        "other": binary("ก"),
    },
    9: {"big": big, "too_big": too_big, "code": number(1009, {1006: "not_1006", 1000: "not_1000", 413: "http_413"})},
    10: {"restart": restart, "back": came_back, "gap": gap},
    11: {"open": opened, "give_up": gave_up, "patient": patient},
    12: {"leave": left, "log": says("log"), "code": code_read},
    13: {"three": three_texts, "again": same_three, "describe": described},
    14: {"local": host_local, "other": host_other, "back": host_local},
    15: {"ping": ping, "origin": origin},
}
