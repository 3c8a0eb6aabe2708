import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatkit import events
from chatkit.dialects import JSON, PLAIN, Hello, Json, Send, event_of, new_id
from chatkit.errors import BadMessage, BadText
from chatkit.events import SERVER, Event, Who
from chatkit.limits import LIMITS
from chatkit.texts import say

tried = settings(max_examples=50, deadline=None)

MALI, NOBODY = Who("p7", "Mali"), Who("p8", "Someone")
HI = Event("msg", MALI, seq=141, id="a1", ts=1763800000.123456, text="สวัสดี")


def code_of(message: str) -> str:
    with pytest.raises(BadMessage) as refused:
        JSON.decode(message)
    return refused.value.code


# --- plain: the seed's own words -----------------------------------------------------------------------------------


def test_the_sender_reads_you_said() -> None:
    assert PLAIN.encode(Event("msg", NOBODY, text="hi"), own=True) == "You said: hi"
    assert PLAIN.encode(Event("msg", MALI, text="hi"), own=True) == "You said: hi"


def test_the_others_read_who_says() -> None:
    assert PLAIN.encode(Event("msg", NOBODY, text="hi")) == "Someone says: hi"
    assert PLAIN.encode(Event("msg", MALI, text="hi")) == "Mali says: hi"


def test_everybody_reads_the_operator_behind_a_green_dot() -> None:
    notice = Event("notice", SERVER, text="hi")
    assert PLAIN.encode(notice) == PLAIN.encode(notice, own=True) == "\U0001f7e2 Server: hi"


@pytest.mark.parametrize("type", ["joined", "left", "renamed", "reset"])
def test_plain_has_no_word_for_presence(type: str) -> None:
    assert PLAIN.encode(Event(type, MALI)) is None


def test_plain_has_no_ack() -> None:
    assert PLAIN.ack("a1", 1) is None


def test_a_plain_refusal_is_one_line_behind_a_warning_sign() -> None:
    line = PLAIN.nack(BadText("bad_text"))
    assert line == f"⚠️ {say('nack_bad_text')}"
    assert line.startswith("\u26a0\ufe0f ") and "\n" not in line


@pytest.mark.parametrize("text", ["hi", "", " ", "two\nlines", '{"type":"hello"}', "สวัสดี", "🟢 Server: no"])
def test_every_plain_text_is_a_message_as_it_is(text: str) -> None:
    sent = PLAIN.decode(text)
    assert sent.text == text
    assert len(sent.id) == 32


def test_a_plain_text_over_the_limits_is_refused() -> None:
    with pytest.raises(BadText):
        PLAIN.decode("a" * (LIMITS.text + 1))


def test_two_plain_messages_never_share_an_id() -> None:
    assert PLAIN.decode("hi").id != PLAIN.decode("hi").id
    assert len(bytes.fromhex(new_id())) * 8 == 128


# --- json: what the server says, byte for byte ---------------------------------------------------------------------


def test_msg() -> None:
    assert JSON.encode(HI) == (
        '{"type":"msg","seq":141,"id":"a1","from":"p7","name":"Mali","ts":1763800000.123,"text":"สวัสดี"}'
    )


def test_msg_is_the_same_for_its_author() -> None:
    assert JSON.encode(HI, own=True) == JSON.encode(HI)


def test_notice() -> None:
    assert JSON.encode(Event("notice", SERVER, seq=142, id="b", ts=2.0, text="🟢")) == (
        '{"type":"notice","seq":142,"id":"b","from":"server","name":"Server","ts":2.0,"text":"🟢"}'
    )


@pytest.mark.parametrize("type", ["joined", "left", "renamed"])
def test_presence_has_no_number(type: str) -> None:
    assert JSON.encode(Event(type, MALI)) == f'{{"type":"{type}","who":{{"id":"p7","name":"Mali"}}}}'


def test_ack() -> None:
    assert JSON.ack("a1", 141) == '{"type":"ack","id":"a1","seq":141}'


def test_nack_with_all_its_fields_in_order() -> None:
    nack = JSON.nack(BadMessage("rate", id="a1", retry_ms=800))
    message = json.dumps({"en": say("nack_rate", "en"), "th": say("nack_rate", "th")}, ensure_ascii=False)
    message = message.replace('": "', '":"').replace('", "', '","')
    assert nack == f'{{"type":"nack","id":"a1","code":"rate","message":{message},"retry_ms":800}}'


def test_nack_without_id_and_without_retry() -> None:
    fields = json.loads(JSON.nack(BadMessage("bad_json")))
    assert list(fields) == ["type", "code", "message"]
    assert list(fields["message"]) == ["en", "th"]


def test_welcome() -> None:
    said = JSON.welcome(MALI, "secret", "lobby", "e1", 140, 1, True, [MALI, NOBODY], LIMITS)
    assert said.startswith(
        '{"type":"welcome","you":"p7","me":"secret","name":"Mali","room":"lobby","epoch":"e1","head":140,"oldest":1,'
        '"resumed":true,"members":[{"id":"p7","name":"Mali"},{"id":"p8","name":"Someone"}],"limits":{'
    )
    assert list(json.loads(said))[-1] == "limits"


def test_limits_tell_every_limit_with_its_value() -> None:
    assert LIMITS["message_bytes"] == events.MAX_BYTES == 16384
    assert LIMITS["text"] == events.LIMITS.text == 4000
    assert LIMITS["name"] == events.MAX_NAME == 32
    assert (LIMITS["burst"], LIMITS["rate"]) == (events.BURST, events.RATE) == (10, 2)
    assert LIMITS["unread_bytes"] == events.MAX_UNREAD == 256 * 1024
    assert LIMITS["clients"] == events.MAX_CLIENTS == 2000
    assert LIMITS["hello_seconds"] == events.HELLO_TIMEOUT == 5
    assert LIMITS["history"] == events.HISTORY == 10_000


def test_beat() -> None:
    assert JSON.beat(142) == '{"type":"beat","head":142}'


# --- json: what the server understands -----------------------------------------------------------------------------


def test_hello_with_everything() -> None:
    message = '{"type":"hello","name":"Mali","me":"secret","epoch":"e1","after":131,"token":"t"}'
    assert JSON.decode(message) == Hello("Mali", "secret", "e1", 131, "t")


def test_hello_with_nothing() -> None:
    assert JSON.decode('{"type":"hello"}') == Hello(None, None, None, None, None)


def test_send() -> None:
    assert JSON.decode('{"type":"send","id":"a1","text":"ที่ น้ำ ผู้ ปี๊บ กร์"}') == Send("a1", "ที่ น้ำ ผู้ ปี๊บ กร์")


def test_unknown_fields_are_ignored() -> None:
    """Also those that only the server may stamp."""
    forged = {"from": "p1", "seq": 9, "ts": 1, "role": "teacher", "epoch": "x", "name": "Server", "room": "other"}
    assert JSON.decode(json.dumps({"type": "send", "id": "a1", "text": "hi"} | forged)) == Send("a1", "hi")
    assert JSON.decode('{"type":"hello","colour":"red"}') == Hello()


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hi",
        "{",
        "[]",
        '["type","send"]',
        '"send"',
        "1",
        "null",
        "true",
        "NaN",
        '{"type":"send","id":"a","text":"x","n":NaN}',
        '{"type":"send","id":"a","text":"x","n":-Infinity}',
        '{"type":"send","id":"a","text":"x","n":' + "9" * 5000 + "}",
        '{"type":"send","type":"hello"}',
        '{"type":"send","id":"a","id":"b","text":"x"}',
        '{"type":"send","id":"a","text":"x","n":{"k":1,"k":2}}',
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"type":"send","id":"a","text":"\n"}',
    ],
    ids=lambda message: message[:40],
)
def test_what_is_not_one_json_object_is_refused(message: str) -> None:
    assert code_of(message) == "bad_json"


@pytest.mark.parametrize("type", [None, 1, 1.5, True, "", "shout", "Send", "msg", "welcome", ["send"], {"a": 1}])
def test_unknown_type_is_refused_under_its_id(type: Any) -> None:
    with pytest.raises(BadMessage) as refused:
        JSON.decode(json.dumps({"type": type, "id": "a1"}))
    assert (refused.value.code, refused.value.id) == ("unknown_type", "a1")


def test_a_missing_type_is_an_unknown_type() -> None:
    assert code_of('{"id":"a1","text":"hi"}') == "unknown_type"


@pytest.mark.parametrize("type", ["\\ud800", "\\u001b[2J", "x" * 10_000])
def test_the_refusal_of_an_odd_type_can_be_sent(type: str) -> None:
    with pytest.raises(BadMessage) as refused:
        JSON.decode(f'{{"type":"{type}"}}')
    answer = JSON.nack(refused.value)
    assert len(answer.encode()) < 2_000
    assert "\\u001b" not in answer


@pytest.mark.parametrize("id", [None, 1, "", True, ["a"], "a" * (LIMITS.id + 1), "\ud800", "a\0b"])
def test_send_needs_a_readable_id(id: Any) -> None:
    with pytest.raises(BadMessage) as refused:
        JSON.decode(json.dumps({"type": "send", "id": id, "text": "hi"}))
    assert (refused.value.code, refused.value.id) == ("bad_field", "")


@pytest.mark.parametrize("text", [None, 1, ["hi"], {"a": 1}, True])
def test_send_needs_a_text(text: Any) -> None:
    with pytest.raises(BadMessage) as refused:
        JSON.decode(json.dumps({"type": "send", "id": "a1", "text": text}))
    assert (refused.value.code, refused.value.id) == ("bad_field", "a1")


@pytest.mark.parametrize(
    ("text", "code"), [("a" * (LIMITS.text + 1), "too_long"), ("\0", "bad_text"), ("\ud83d", "bad_text")]
)
def test_a_bad_text_is_refused_under_its_id(text: str, code: str) -> None:
    with pytest.raises(BadText) as refused:
        JSON.decode(json.dumps({"type": "send", "id": "a1", "text": text}))
    assert (refused.value.code, refused.value.id, refused.value.retry_ms) == (code, "a1", None)


def test_a_surrogate_pair_is_one_character() -> None:
    sent = JSON.decode('{"type":"send","id":"a1","text":"\\ud83d\\ude00"}')
    assert isinstance(sent, Send) and sent.text == "😀"


@pytest.mark.parametrize("after", [-1, 1.0, 1e308, "1 OR 1=1", True, False, None, [1]])
def test_after_is_a_number_that_can_be(after: Any) -> None:
    assert code_of(json.dumps({"type": "hello", "after": after})) == "bad_field"


def test_after_may_be_zero_and_may_be_huge() -> None:
    for after in (0, 1, 10**30):
        hello = JSON.decode(json.dumps({"type": "hello", "after": after}))
        assert isinstance(hello, Hello) and hello.after == after


@pytest.mark.parametrize("field", ["name", "me", "epoch", "token"])
@pytest.mark.parametrize("value", [1, True, ["a"], {"a": 1}])
def test_hello_takes_only_strings(field: str, value: Any) -> None:
    assert code_of(json.dumps({"type": "hello", field: value})) == "bad_field"


@tried
@given(st.text())
def test_no_message_at_all_breaks_the_decoder(message: str) -> None:
    for dialect in (PLAIN, JSON):
        try:
            dialect.decode(message)
        except BadMessage as error:
            dialect.nack(error).encode()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3),
    max_leaves=5,
)


@tried
@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["hello", "send"]) | JSON_VALUES},
        optional={field: JSON_VALUES for field in ("id", "text", "name", "me", "epoch", "after", "token")},
    )
)
@example({"type": "hello", "me": "\ud800" * 16})
@example({"type": "\ud800"})
def test_no_object_at_all_breaks_the_decoder(fields: dict[str, Any]) -> None:
    """Whatever comes is a command that can be worked with, or a refusal that can be sent."""
    try:
        command = JSON.decode(json.dumps(fields))
    except BadMessage as error:
        JSON.nack(error).encode()
    else:
        assert isinstance(command, Hello | Send)
        if isinstance(command, Send):
            command.text.encode()
        elif command.me:
            command.me.encode()


# --- there and back ------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=100)


@tried
@given(TEXTS)
def test_a_text_arrives_as_it_was_sent(text: str) -> None:
    text = events.check_text(text)
    sent = JSON.decode(json.dumps({"type": "send", "id": "a", "text": text}))
    assert isinstance(sent, Send)
    heard = json.loads(JSON.encode(Event("msg", MALI, seq=1, text=sent.text)))
    assert heard["text"] == text


@tried
@given(
    st.builds(
        Event,
        st.sampled_from(["msg", "notice"]),
        st.builds(Who, st.text(max_size=9), TEXTS),
        seq=st.integers(1, 2**53),
        id=st.text(min_size=1, max_size=32),
        ts=st.integers(0, 2**42).map(lambda ms: ms / 1000),
        text=TEXTS,
    )
)
def test_a_client_reads_the_event_that_the_server_wrote(event: Event) -> None:
    assert event_of(json.loads(JSON.encode(event)), "lobby") == event


@pytest.mark.parametrize("type", ["joined", "left", "renamed"])
def test_a_client_reads_presence(type: str) -> None:
    event = Event(type, MALI, "physics")
    assert event_of(json.loads(JSON.encode(event)), "physics") == event


def test_the_subprotocol_has_its_name() -> None:
    assert Json.subprotocol == "chatkit.v1"
