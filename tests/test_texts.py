import pytest

from chatkit.texts import LANGUAGES, say, sentences


def test_a_sentence_in_one_language_has_its_holes_filled() -> None:
    assert say("nack_dup").en == sentences("en")["nack_dup"]
    assert "8765" in say("error_port_taken", port=8765, free=8766).en
    assert "8766" in say("error_port_taken", port=8765, free=8766).th


def test_both_languages_are_english_first() -> None:
    said = say("nack_dup")
    assert str(said) == said.in_("both") == f"{said.en} · {said.th}"


def test_a_sentence_that_is_the_same_in_both_languages_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sentences("en"), "same", "Postman {port}")
    monkeypatch.setitem(sentences("th"), "same", "Postman {port}")
    assert str(say("same", port=1)) == "Postman 1"


def test_the_wire_carries_every_language() -> None:
    said = say("nack_dup")
    assert said.each() == {"en": said.en, "th": said.th}
    assert list(said.each()) == list(LANGUAGES)


def test_a_value_is_text_and_never_a_hole() -> None:
    assert "{port}" in say("error_no_server", uri="{port}").en


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("no_such_sentence")


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(AttributeError):
        say("nack_dup").in_("de")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_is_blank_or_has_loose_ends(lang: str) -> None:
    for key, sentence in sentences(lang).items():
        assert sentence and sentence == sentence.strip(), key


def test_thai_says_no_polite_particles_and_ends_without_a_full_stop() -> None:
    for key, sentence in sentences("th").items():
        assert not any(word in sentence for word in ("ครับ", "ค่ะ", "คะ ", "มัน ")), key
        assert not sentence.endswith((".", "。")), key
