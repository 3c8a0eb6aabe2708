import pytest

from chatkit.events import Event, Who


def test_an_event_cannot_be_changed() -> None:
    event = Event("msg", Who("p1", "Mali"), seq=1, text="hi")
    with pytest.raises(AttributeError):
        event.text = "bye"  # type: ignore[misc]
    assert event.room == "lobby"
