import unicodedata

import pytest
from hypothesis import example, given, settings, strategies as st

from chatkit.errors import BadName, BadText
from chatkit.limits import LIMITS
from chatkit.spelling import check_text, clean_name, cut_reason, skeleton
from chatkit.texts import visible

tried = settings(max_examples=50, deadline=None)

THAI = ["ที่", "น้ำ", "ผู้", "ปี๊บ", "กร์", "สวัสดี", "ฤๅษี", "เก้าอี้ไม้", "ที่ น้ำ ผู้ ปี๊บ กร์"]
EMOJI = ["👍🏽", "🐘", "👨‍👩‍👧", "🇹🇭"]


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


@pytest.mark.parametrize("name", ["Mali", "มะลิ", *THAI, "José", "O'Neil <b>", "Mali·2", "Нина"])
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


LOOK_ALIKES = [
    "Ｓerver",
    "Теасher",
    "ครูํ",
    "Sérver",
    "T e a c h e r",
    "ѕеrvеr",
    "ᴛᴇᴀᴄʜᴇʀ",
    "ＴＥＡＣＨＥＲ",
    "ครู์",
    "Server·2",
    "ครูู",
    "ครฺู",
]


@pytest.mark.parametrize("raw", LOOK_ALIKES)
def test_what_looks_like_a_reserved_name_is_reserved(raw: str) -> None:
    with pytest.raises(BadName) as refused:
        clean_name(raw)
    assert refused.value.code == "reserved_name"


@pytest.mark.parametrize(
    "raw", ["🟢 Server", "Mali 🟢", "Teacher says: free pizza. x", "Mali：hi", "│ x", "⚠️ stop", "✅ x"]
)
def test_a_name_that_looks_like_a_line_of_the_server_is_refused(raw: str) -> None:
    with pytest.raises(BadName) as refused:
        clean_name(raw)
    assert refused.value.code == "name_sign"


@pytest.mark.parametrize("raw", [5, None, b"Mali", ["Mali"]])
def test_what_is_no_text_is_no_name(raw: object) -> None:
    with pytest.raises(BadName):
        clean_name(raw)  # type: ignore[arg-type]


def test_names_that_cannot_be_told_apart_have_the_same_skeleton() -> None:
    assert skeleton("Mali") == skeleton("Маli") == skeleton("ｍａｌｉ") == skeleton("MALI")
    assert len({skeleton(name) for name in ("ครู", "ครูนก", "น้า", "นา", "น้ำ", "Mali", "Malee")}) == 7


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
