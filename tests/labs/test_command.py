"""`chatkit labs`: the list, one of them, the files, in the language asked for."""

from pathlib import Path

import pytest

from chatkit.labs import labs
from chatkit.labs.export import files
from chatkit.tools.cli import main


@pytest.mark.parametrize("lang", ["en", "th"])
def test_the_list_has_every_lab_in_one_language(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labs", "--lang", lang]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:15] == [f"{number:>2}  {getattr(lab.title, lang)}" for number, lab in labs().items()]
    assert "/lab/1?name=Mali" in lines[-1]


@pytest.mark.parametrize("lang", ["en", "th"])
def test_one_lab_has_its_address_and_its_steps(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labs", "8", "--lang", lang]) == 0
    text = capsys.readouterr().out
    other = {"en": "th", "th": "en"}[lang]
    assert "/lab/8?name=Mali" in text
    for place, step in enumerate(labs()[8].steps, 1):
        assert f"  8.{place}  {getattr(step.do, lang)}\n" in text
        assert getattr(step.do, other) not in text


def test_both_languages_where_the_reader_wants_both(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHATKIT_LANG", "both")
    assert main(["labs", "8"]) == 0
    text = capsys.readouterr().out
    assert labs()[8].about.en in text and labs()[8].about.th in text


def test_a_brace_in_a_step_is_one_brace(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labs", "4", "--lang", "en"]) == 0
    assert '`{"type": "send", "id": "1"' in capsys.readouterr().out


def test_the_files_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labs", "export", str(tmp_path), "--lang", "en"]) == 0
    assert str(len(files())) in capsys.readouterr().out
    assert (tmp_path / "chatkit.http").read_text("utf-8") == files()["chatkit.http"]


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [(["99"], 2, "99"), (["x"], 2, "x"), (["export"], 2, "FOLDER"), (["2", "there"], 2, "there")],
)
def test_a_wrong_line_gets_a_sentence(
    arguments: list[str], code: int, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["labs", *arguments]) == code
    said = capsys.readouterr().err
    assert part in said and said.count("\n") == 1


def test_a_folder_that_cannot_be_written_gets_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["labs", "export", str(tmp_path / "file")]) == 1
    assert str(tmp_path) in capsys.readouterr().err
