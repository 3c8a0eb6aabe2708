import pytest

from chatkit.errors import (
    BadAddress,
    BadMessage,
    BadName,
    BadText,
    ChatError,
    FewFiles,
    LogUnavailable,
    NoDialect,
    NoServer,
    NotOpen,
    PortTaken,
    Refused,
    Rejected,
    Throttled,
    TurnedAway,
)
from chatkit.texts import Sentence, visible

ERRORS = [
    BadText("too_long", limit=4000, length=4001),
    BadText("too_big", limit=16384, size=16385),
    BadText("bad_text"),
    BadName("blank_name"),
    BadName("bad_name"),
    BadName("long_name", limit=32, length=33),
    BadName("reserved_name", name="ครู"),
    BadName("name_sign", sign="🟢"),
    Rejected("muted", Sentence("Not now", "ยังไม่ได้")),
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
    *(LogUnavailable("chat.db", key=f"error_log_{why}") for why in ("gone", "in_use", "newer", "no_name")),
    TurnedAway(404, Sentence("Nothing", "ไม่มี"), "127.0.0.1"),
    FewFiles(100),
    Throttled(1.5),
    NotOpen("serve", "stop"),
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
    assert rate.said.each() == {"en": rate.sentence("en"), "th": rate.sentence("th")}


def test_a_sentence_never_carries_control_characters() -> None:
    for error in (NoServer("ws://\x1b[2J"), Refused(400, "\x1b]52;c;x\x07"), BadAddress("ws://a\nb")):
        assert visible(error.sentence()) == error.sentence()
