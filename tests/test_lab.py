"""The learner's own copies, and `chatkit lab` on them."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from chatkit.texts import say
from chatkit.tools.cli import main
from chatkit.tools.copies import KIT, Copies, course, default_folder, digest
from tests.needs import ROOT

OUTPUT = {"output_type": "stream", "name": "stdout", "text": "the answer\n"}


def notebook(*sources: str, outputs: list[dict[str, str]] | None = None) -> str:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{n}",
            "metadata": {},
            "execution_count": 1,
            "source": text,
            "outputs": outputs or [],
        }
        for n, text in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def originals(tmp_path: Path) -> Path:
    """A course of two lessons, as its authors left it: executed."""
    place = tmp_path / "course"
    (place / "notebooks" / "images").mkdir(parents=True)
    (place / "notebooks" / "00_a.ipynb").write_text(notebook("1 + 1", outputs=[OUTPUT]), "utf-8")
    (place / "notebooks" / "01_b.ipynb").write_text(notebook("await q1.check(...)"), "utf-8")
    (place / "notebooks" / "images" / "panel.png").write_bytes(b"\x89PNG")
    (place / "GLOSSARY.md").write_text("words", "utf-8")
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "my-lessons"


def lesson(folder: Path, name: str) -> Path:
    return folder / "notebooks" / name


def write(path: Path, *sources: str) -> None:
    path.write_text(notebook(*sources, outputs=[OUTPUT]), "utf-8")


def sources(path: Path) -> list[str]:
    return [cell["source"] for cell in json.loads(path.read_text("utf-8"))["cells"]]


def test_copies_have_no_outputs_and_the_shape_of_the_course(originals: Path, folder: Path) -> None:
    done = Copies(originals, folder).hand_out()
    assert sorted(done.new) == [
        "GLOSSARY.md",
        "notebooks/00_a.ipynb",
        "notebooks/01_b.ipynb",
        "notebooks/images/panel.png",
    ]
    [cell] = json.loads(lesson(folder, "00_a.ipynb").read_text("utf-8"))["cells"]
    assert (cell["outputs"], cell["execution_count"], cell["source"]) == ([], None, "1 + 1")
    assert lesson(folder, "images/panel.png").read_bytes() == b"\x89PNG"


def test_a_second_time_nothing_is_touched(originals: Path, folder: Path) -> None:
    Copies(originals, folder).hand_out()
    write(lesson(folder, "00_a.ipynb"), "1 + 1")  # it was run
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = Copies(originals, folder).hand_out()
    assert (done.new, done.renewed, done.beside) == ([], [], {})
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_newer_original_replaces_an_untouched_copy(originals: Path, folder: Path) -> None:
    Copies(originals, folder).hand_out()
    write(lesson(folder, "00_a.ipynb"), "1 + 1")  # run, not changed
    write(lesson(originals, "00_a.ipynb"), "2 + 2")
    assert Copies(originals, folder).hand_out().renewed == ["notebooks/00_a.ipynb"]
    assert sources(lesson(folder, "00_a.ipynb")) == ["2 + 2"]


def test_what_a_student_changed_is_never_overwritten_and_the_newer_one_lies_beside_it(
    originals: Path, folder: Path
) -> None:
    Copies(originals, folder).hand_out()
    write(lesson(folder, "01_b.ipynb"), "await q1.check(mine)")
    for newer in ("second", "third"):
        write(lesson(originals, "01_b.ipynb"), newer)
        Copies(originals, folder).hand_out()
        assert sources(lesson(folder, "01_b.ipynb")) == ["await q1.check(mine)"]
        assert sources(lesson(folder, "01_b_new.ipynb")) == [newer]  # nobody touched it, so it follows
    write(lesson(folder, "01_b_new.ipynb"), "mine, too")
    write(lesson(originals, "01_b.ipynb"), "fourth")
    assert Copies(originals, folder).hand_out().beside == {"notebooks/01_b_new.ipynb": "notebooks/01_b_new2.ipynb"}
    assert sources(lesson(folder, "01_b_new.ipynb")) == ["mine, too"]
    assert Copies(originals, folder).hand_out().beside == {}


def test_a_copy_that_was_deleted_comes_back_and_one_laid_beside_does_not(originals: Path, folder: Path) -> None:
    Copies(originals, folder).hand_out()
    write(lesson(folder, "01_b.ipynb"), "mine")
    write(lesson(originals, "01_b.ipynb"), "newer")
    Copies(originals, folder).hand_out()
    lesson(folder, "00_a.ipynb").unlink()
    lesson(folder, "01_b_new.ipynb").unlink()
    done = Copies(originals, folder).hand_out()
    assert (done.new, done.beside) == (["notebooks/00_a.ipynb"], {})


@pytest.mark.parametrize("text", ["no json", "[]", "{}"])
def test_a_copy_that_is_no_notebook_any_more_counts_as_changed(originals: Path, folder: Path, text: str) -> None:
    Copies(originals, folder).hand_out()
    lesson(folder, "00_a.ipynb").write_text(text, "utf-8")
    write(lesson(originals, "00_a.ipynb"), "newer")
    assert Copies(originals, folder).hand_out().beside == {"notebooks/00_a.ipynb": "notebooks/00_a_new.ipynb"}
    assert lesson(folder, "00_a.ipynb").read_text("utf-8") == text


@pytest.mark.parametrize("text", [None, "broken", "[1]"])
def test_without_its_list_every_copy_that_differs_counts_as_changed(
    originals: Path, folder: Path, text: str | None
) -> None:
    Copies(originals, folder).hand_out()
    (folder / ".chatkit.json").unlink()
    if text:
        (folder / ".chatkit.json").write_text(text, "utf-8")
    write(lesson(originals, "00_a.ipynb"), "newer")
    done = Copies(originals, folder).hand_out()
    assert done.beside == {"notebooks/00_a.ipynb": "notebooks/00_a_new.ipynb"}
    assert "notebooks/01_b.ipynb" in done.kept


def test_fresh_starts_over_and_keeps_what_was_changed(originals: Path, folder: Path) -> None:
    Copies(originals, folder).hand_out()
    write(lesson(folder, "01_b.ipynb"), "mine")
    write(lesson(folder, "my_own.ipynb"), "not from the course")
    copies = Copies(originals, folder)
    assert copies.start_over() == folder / "old-1"
    copies.hand_out()
    assert sources(lesson(folder / "old-1", "01_b.ipynb")) == ["mine"]
    assert [path.name for path in (folder / "old-1").rglob("*.ipynb")] == ["01_b.ipynb"]
    assert sources(lesson(folder, "01_b.ipynb")) == ["await q1.check(...)"]
    assert lesson(folder, "my_own.ipynb").exists()
    assert Copies(originals, folder).start_over() is None


def test_what_was_printed_is_no_difference_and_a_word_is() -> None:
    name = "00_a.ipynb"
    ran, fresh = notebook("x", outputs=[OUTPUT]).encode(), notebook("x").encode()
    assert digest(ran, name) == digest(fresh, name) != digest(notebook("y").encode(), name)


# --- the course itself ------------------------------------------------------------------------------------------------


def test_links_of_the_lessons_and_the_papers_work_in_the_copy(folder: Path) -> None:
    Copies(ROOT, folder).hand_out()
    papers = {path: path.read_text("utf-8") for path in (folder / "GLOSSARY.md", folder / "thai_explanation.md")}
    for path in (folder / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        papers[path] = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    broken = [
        (path.name, link)
        for path, text in papers.items()
        for link in re.findall(r"\]\(([^)#\s]+)", text)
        if "://" not in link and not (path.parent / link).exists()
    ]
    assert broken == [] and len(papers) > 3


def test_every_file_of_the_course_is_handed_out() -> None:
    run = subprocess.run(["git", "ls-files", "notebooks"], cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip("needs a git clone to know which files are the project's")
    assert set(run.stdout.splitlines()) <= set(Copies(ROOT, ROOT / "my-lessons").names())


def test_a_clone_keeps_the_copies_in_a_folder_that_git_leaves_alone() -> None:
    assert course() == ROOT and default_folder() == ROOT / "my-lessons"
    assert "my-lessons/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_an_installed_kit_keeps_them_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit.tools.copies.KIT", tmp_path / "site-packages" / KIT.name)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert course() is None and default_folder() == tmp_path / "chatkit-lessons"
    (tmp_path / "site-packages" / KIT.name / "course" / "notebooks").mkdir(parents=True)
    (tmp_path / "site-packages" / KIT.name / "course" / "notebooks" / "index.ipynb").touch()
    assert course() == tmp_path / "site-packages" / KIT.name / "course"


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What JupyterLab would have been started with."""
    from jupyterlab.labapp import LabApp

    calls: list[list[str]] = []
    monkeypatch.setattr(LabApp, "launch_instance", calls.append)
    monkeypatch.setenv("CHATKIT_LANG", "both")
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")
    return calls


def test_lab_opens_a_copy_in_the_language_that_was_asked_for(
    started: list[list[str]], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import os

    assert main(["lab", "--folder", str(folder), "--lang", "th", "--port", "9999", "--no-browser"]) == 0
    assert os.environ["CHATKIT_LANG"] == "th"
    count = len({path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} - {"index"})
    said = say("lab_lessons", folder=str(folder), new=count, renewed=0, kept=0).th
    assert capsys.readouterr().out.splitlines() == [said, say("lab_opening", notebook="00_hello_room.ipynb").th]
    root, address, *others = started[0]
    assert root == f"--ServerApp.root_dir={folder}"
    assert address == "--LabApp.default_url=/lab/tree/notebooks/00_hello_room.ipynb"
    assert {"--port=9999", "--no-browser"} <= set(others)
    assert lesson(folder, "00_hello_room.ipynb").is_file()


def test_lab_opens_a_lesson_by_name_and_any_notebook_by_path(
    started: list[list[str]], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.ipynb").touch()
    assert main(["lab", "index", "--folder", str(folder)]) == 0
    assert main(["lab", "mine", "--folder", str(folder)]) == 0
    assert [call[:2] for call in started] == [
        [f"--ServerApp.root_dir={folder}", "--LabApp.default_url=/lab/tree/notebooks/index.ipynb"],
        [f"--ServerApp.root_dir={tmp_path}", "--LabApp.default_url=/lab/tree/mine.ipynb"],
    ]


def test_lab_says_what_lies_beside_and_where_the_old_ones_are(
    started: list[list[str]],
    originals: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("chatkit.tools.lab.course", lambda: originals)
    assert main(["lab", "00_a", "--folder", str(folder)]) == 0
    write(lesson(folder, "00_a.ipynb"), "mine")
    write(lesson(originals, "00_a.ipynb"), "newer")
    assert main(["lab", "00_a", "--folder", str(folder), "--lang", "en"]) == 0
    assert say("lab_beside", changed="00_a.ipynb", newer="00_a_new.ipynb").en in capsys.readouterr().out.splitlines()
    assert main(["lab", "00_a", "--folder", str(folder), "--fresh", "--lang", "en"]) == 0
    assert say("lab_old", folder=str(folder / "old-1")).en in capsys.readouterr().out.splitlines()


def test_a_lesson_that_is_not_there_is_one_sentence(
    started: list[list[str]], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lab", "no_such_lesson", "--folder", str(folder), "--lang", "en"]) == 1
    assert capsys.readouterr().err.rstrip() == say("cli_no_notebook", name="no_such_lesson", folder=str(folder)).en
    assert started == []


def test_a_folder_that_cannot_be_made_is_one_sentence(
    started: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["lab", "--folder", str(tmp_path / "file"), "--lang", "en"]) == 1
    assert main(["lab", "--folder", str(tmp_path / "file" / "below"), "--lang", "en"]) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        f"The lessons cannot be put into {tmp_path / 'file'}",
        f"The lessons cannot be put into {tmp_path / 'file' / 'below'}",
    ]


def test_an_installation_without_lessons_says_so(
    started: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("chatkit.tools.lab.course", lambda: None)
    assert main(["lab", "--lang", "th"]) == 1
    assert capsys.readouterr().err.rstrip() == say("lab_no_lessons").th
