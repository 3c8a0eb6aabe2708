"""Was the machine busy while a lesson measured? Told by processor time: nothing here waits for a busy machine."""

import pytest

from chatkit.exercises import busy, note_if_busy


class Clock:
    """A `time` whose processor gives this program so many seconds in each second."""

    def __init__(self, share: float) -> None:
        self.share, self.now = share, 100.0

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.now * self.share


@pytest.mark.parametrize(("share", "is_said"), [(0.9, False), (0.7, False), (0.25, True)])
def test_it_speaks_only_where_others_took_the_processor(
    share: float, is_said: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(share)
    monkeypatch.setattr(busy, "time", clock)
    monkeypatch.delenv("CHATKIT_LANG", raising=False)
    with note_if_busy(least=0.69):
        clock.now += 4
    said = capsys.readouterr().out
    assert bool(said) == is_said
    if is_said:
        assert "got 25 % of a processor and needs 69 %" in said and "ได้ใช้หน่วยประมวลผลแค่ 25 %" in said


def test_a_measurement_that_failed_is_its_own_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), note_if_busy(least=2):
        raise ZeroDivisionError
    assert capsys.readouterr().out == ""
