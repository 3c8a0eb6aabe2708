import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatkit import events
from chatkit.errors import (
    BadAddress,
    BadMessage,
    BadName,
    BadText,
    ChatError,
    LogUnavailable,
    NoDialect,
    NoServer,
    PortTaken,
    Refused,
)
from chatkit.events import Event, Who
from chatkit.limits import LIMITS
from chatkit.spelling import check_text, clean_name, cut_reason
from chatkit.texts import visible

tried = settings(max_examples=50, deadline=None)

THAI = ["ที่", "น้ำ", "ผู้", "ปี๊บ", "กร์", "สวัสดี", "ฤๅษี", "เก้าอี้ไม้", "ที่ น้ำ ผู้ ปี๊บ กร์"]
EMOJI = ["👍🏽", "🟢", "👨‍👩‍👧", "🇹🇭"]


# --- what happened -----------------------------------------------------------------------------------------------


def test_an_event_cannot_be_changed() -> None:
    event = Event("msg", Who("p1", "Mali"), seq=1, text="hi")
    with pytest.raises(AttributeError):
        event.text = "bye"  # type: ignore[misc]
    assert event.room == "lobby"


def test_default_port_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_PORT", "9001")
    assert events.default_port() == 9001
    monkeypatch.delenv("CHATKIT_PORT")
    assert events.default_port() == 8765


# --- texts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*THAI, *EMOJI, "", " ", "a\nb\tc", "e\u0301 and é", "\u202eabc", "<b>&amp;</b>"])
def test_text_stays_as_it_is(text: str) -> None:
    assert check_text(text) == text


def test_text_of_4000_code_points_is_taken_and_one_more_is_not() -> None:
    assert check_text("ก" * LIMITS.text) == "ก" * LIMITS.text
    with pytest.raises(BadText) as refused:
        check_text("ก" * (LIMITS.text + 1))
    assert refused.value.code == "too_long"
    assert "4001" in str(refused.value) and "4000" in str(refused.value)


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "ok \udfff"])
def test_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadText) as refused:
        check_text(text)
    assert refused.value.code == "bad_text"


@pytest.mark.parametrize(
    ("tower", "left"),
    [
        ("ส" + "้" * 9, "ส" + "้" * 4),
        ("a" + "\u0301" * 200 + "b", "a" + "\u0301" * 4 + "b"),
        ("\u20dd" * 5, "\u20dd" * 4),
    ],
)
def test_more_than_four_marks_in_a_row_are_trimmed(tower: str, left: str) -> None:
    assert check_text(tower) == left


def test_each_letter_has_its_own_four_marks() -> None:
    text = ("ก" + "้" * 4) * 3
    assert check_text(text) == text


@tried
@given(st.text(max_size=200))
def test_checked_text_is_accepted_again_unchanged(text: str) -> None:
    if "\0" in text:
        return
    once = check_text(text)
    assert check_text(once) == once
    once.encode()


# --- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Mali", "มะลิ", *THAI, "José", "O'Neil <b>", "🟢", "Mali·2", "Нина"])
def test_name_stays_as_it_is(name: str) -> None:
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("  Mali  ", "Mali"),
        ("Ma\tli\n Ma", "Ma li Ma"),
        ("Mali\u200b", "Mali"),
        ("Ma\u202eli", "Mali"),
        ("\u2066Mali\u2069", "Mali"),
        ("\x1b[31mMali\x07", "[31mMali"),
        ("Ma\x9bli\x7f", "Mali"),
        ("Mali\u3164", "Mali"),
        ("Mali\u2028Noi", "Mali Noi"),
        ("Mali\ufe0f", "Mali"),
        ("Mali\U000e0100", "Mali"),
        ("Jose\u0301", "José"),
        ("Jose\u200b\u0301", "José"),
        ("a" + "\u0323" * 9, "ạ" + "\u0323" * 4),
    ],
)
def test_what_cannot_be_seen_goes_out_of_a_name(raw: str, name: str) -> None:
    assert clean_name(raw) == name


@pytest.mark.parametrize("raw", ["", "   ", "\t\n", "\u200b\u200d", "\u3164", "\u202e", "\u00a0\u2003", "\x1b"])
def test_blank_name_is_refused(raw: str) -> None:
    with pytest.raises(BadName) as refused:
        clean_name(raw)
    assert refused.value.code == "blank_name"


@pytest.mark.parametrize("raw", ["Server", "SERVER", " server ", "Teacher", "tea\u200bcher", "ครู", "ครู\u200b"])
def test_reserved_name_is_refused(raw: str) -> None:
    with pytest.raises(BadName) as refused:
        clean_name(raw)
    assert refused.value.code == "reserved_name"


def test_name_has_at_most_32_code_points_after_normalising() -> None:
    assert clean_name("e\u0301" * LIMITS.name) == "é" * LIMITS.name
    assert clean_name(" " + "ก" * LIMITS.name + "\u200b ") == "ก" * LIMITS.name
    with pytest.raises(BadName) as refused:
        clean_name("ก" * (LIMITS.name + 1))
    assert refused.value.code == "long_name"


def test_half_a_surrogate_pair_is_no_name() -> None:
    with pytest.raises(BadName) as refused:
        clean_name("Mali\ud800")
    assert refused.value.code == "bad_name"


@tried
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\u200be\u0301\u0323\u202e \u0e49")), max_size=40))
@example("e\u200b\u0301")
def test_clean_name_is_one_visible_line_and_stays_the_same(raw: str) -> None:
    try:
        name = clean_name(raw)
    except BadName:
        return
    assert clean_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert 1 <= len(name) <= LIMITS.name
    assert name == visible(name) == name.strip()


# --- what a terminal and a close frame may carry -----------------------------------------------------------------


def test_control_characters_become_visible() -> None:
    assert visible("\x1b[2J\r\b\x07\x9b\x7f\n") == "\\x1b[2J\\r\\x08\\x07\\x9b\\x7f\\n"
    assert visible("a\u202eb\u2069\u2028") == "a\\u202eb\\u2069\\u2028"


@pytest.mark.parametrize("text", [*THAI, *EMOJI, "plain ASCII ~"])
def test_visible_leaves_what_is_visible(text: str) -> None:
    assert visible(text) == text


@tried
@given(st.text(alphabet=st.characters(exclude_categories=())))
@example("\ud800")
def test_nothing_that_steers_a_terminal_gets_through(text: str) -> None:
    shown = visible(text)
    assert not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in shown)
    assert not set(shown) & set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    shown.encode()  # and it can be written at all


def test_close_reason_is_cut_between_characters() -> None:
    assert cut_reason("ก" * 42) == "ก" * 41  # 126 bytes → 123
    assert cut_reason("a" + "ก" * 41) == "a" + "ก" * 40
    assert cut_reason("a" * 124) == "a" * 123
    assert cut_reason("ลาก่อน") == "ลาก่อน"


@tried
@given(st.text())
def test_close_reason_never_has_more_than_123_bytes(reason: str) -> None:
    cut = cut_reason(reason)
    assert len(cut.encode()) <= 123
    assert reason.startswith(cut)
    assert cut == reason or len(cut.encode()) > 119  # no more is cut than has to be


# --- errors ------------------------------------------------------------------------------------------------------

ERRORS = [
    BadText("too_long", limit=4000, length=4001),
    BadText("too_big", limit=16384, size=16385),
    BadText("bad_text"),
    BadName("blank_name"),
    BadName("bad_name"),
    BadName("long_name", limit=32, length=33),
    BadName("reserved_name", name="ครู"),
    BadMessage("bad_json"),
    BadMessage("bad_field", field="id", expected="string"),
    BadMessage("unknown_type", type="shout"),
    BadMessage("hello_first"),
    BadMessage("rate", retry_ms=500),
    BadMessage("dup", id="x"),
    BadMessage("log", retry_ms=1000),
    BadMessage("token"),
    BadMessage("binary"),
    BadMessage("flood"),
    BadMessage("replaced"),
    LogUnavailable(),
    LogUnavailable("chat.db", "disk I/O error"),
    PortTaken(8765, 8766),
    BadAddress("http://x"),
    NoServer("ws://localhost:1"),
    NoDialect("ws://localhost:1"),
    *(Refused(code, "No") for code in (400, 401, 403, 404, 503, 1006, 1008, 1011, 4001, 4003, 4401)),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{type(error).__name__}-{error.key}")
def test_every_error_says_what_is_wrong_in_both_languages(error: ChatError) -> None:
    english, thai = error.sentence("en"), error.sentence("th")
    assert isinstance(error, ChatError)
    assert str(error) == english
    assert english and thai and english != thai
    assert any("\u0e00" <= c <= "\u0e7f" for c in thai)
    assert error.sentence() == f"{english} · {thai}"
    assert not set("{}") & set(english) or "hello" in english or "send" in english  # every hole is filled


def test_the_tree_of_errors() -> None:
    assert issubclass(BadText, BadMessage) and issubclass(BadName, BadMessage)
    for error in (BadMessage, PortTaken, NoServer, Refused, LogUnavailable, BadAddress):
        assert issubclass(error, ChatError)
    assert not issubclass(PortTaken, BadMessage)


def test_errors_keep_their_parts() -> None:
    assert (PortTaken(8765, 8766).port, PortTaken(8765, 8766).free) == (8765, 8766)
    assert (Refused(401, "No").code, Refused(401, "No").reason) == (401, "No")
    rate = BadMessage("rate", id="m1", retry_ms=800)
    assert (rate.code, rate.id, rate.retry_ms) == ("rate", "m1", 800)
    assert rate.message() == {"en": rate.sentence("en"), "th": rate.sentence("th")}


def test_a_sentence_never_carries_control_characters() -> None:
    for error in (NoServer("ws://\x1b[2J"), Refused(400, "\x1b]52;c;x\x07"), BadAddress("ws://a\nb")):
        assert visible(error.sentence()) == error.sentence()
