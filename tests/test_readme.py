"""What the README and the Thai explanation tell people to type works, and their Thai keeps to the glossary."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatkit.tools.cli import parser
from tests.needs import ROOT
from tests.notebook_rules import NEVER, THAI, forbidden

README = (ROOT / "README.md").read_text("utf-8")
EXPLANATION = (ROOT / "thai_explanation.md").read_text("utf-8")
PAPERS = {"README.md": README, "thai_explanation.md": EXPLANATION}
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> set[str]:
    """Lines to type in a shell, comments cut off, and the kit's commands inside sentences."""
    lines = "".join(blocks(text, "sh")).splitlines() + re.findall(r"`(chatkit \w[^`\n]*)`", text)
    return {line.split("#")[0].strip() for line in lines} - {""}


def typed(start: str) -> list[tuple[str, str]]:
    return sorted((name, line) for name, text in PAPERS.items() for line in commands(text) if line.startswith(start))


@contextmanager
def shell(command: str) -> Iterator[subprocess.Popen[str]]:
    """A command of the README as a person types it with `.venv` active; killed if it is still there at the end."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    running = subprocess.Popen(
        ["sh", "-c", f"exec {command}" if "|" not in command else command],
        env={**os.environ, "PATH": path, "PYTHONUTF8": "1", "CHATKIT_LANG": "en"},
        cwd=ROOT,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


# --- commands ---------------------------------------------------------------------------------------------------------


def test_the_two_commands_come_first() -> None:
    first = blocks(README, "sh")[0].splitlines()
    assert [line.split("#")[0].strip() for line in first] == ["make lab", "make test"]


@pytest.mark.parametrize(("paper", "line"), typed("make "))
def test_make_has_the_target(paper: str, line: str) -> None:
    targets = re.findall(r"^([\w./]+):", MAKEFILE, re.MULTILINE)
    assert line.removeprefix("make ") in targets


@pytest.mark.parametrize(("paper", "line"), typed("chatkit "))
def test_chatkit_takes_the_options(paper: str, line: str) -> None:
    assert parser().parse_args(shlex.split(line)[1:])


def test_windows_and_conda_test_what_make_tests() -> None:
    steps = re.findall(r"^\t\$\(BIN\)/(ruff .*|mypy|pytest)$", MAKEFILE, re.MULTILINE)
    windows = "".join(blocks(README, "powershell")).splitlines()
    conda = re.findall(r"`([^`]*)`", README.split("## With conda")[1].split("## ")[0])
    assert len(steps) == 4
    assert sorted(line.removeprefix(".venv\\Scripts\\") for line in windows[-4:]) == sorted(steps)
    assert set(steps) <= set(conda)


def test_windows_installs_what_make_installs() -> None:
    install = r"-m pip install .*(-c constraints\.txt -e ['\"]\.\[test\]['\"])"
    made, *_ = re.findall(install, MAKEFILE)
    shown, *_ = re.findall(install, README)
    assert shown == made.replace("'", '"')


# --- the chat of the README, for real ---------------------------------------------------------------------------------


def test_the_python_example_prints_what_the_readme_shows() -> None:
    program, *_ = blocks(README, "python")
    *_, shown = blocks(README, "text")
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONUTF8": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert (run.stdout, run.stderr) == (shown, "")


@pytest.mark.skipif(sys.platform == "win32", reason="types into a Unix shell")
def test_the_terminal_chat_of_the_readme(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_PORT", str(unused_tcp_port))
    ready, *_ = blocks(README, "text")
    (pipe,) = (line for line in commands(README) if line.startswith("echo "))
    with shell("chatkit serve") as server:
        assert server.stdout
        assert server.stdout.readline() == ready.replace("8765", str(unused_tcp_port))
        with shell(pipe) as somchai:
            heard, _ = somchai.communicate(timeout=20)
            assert somchai.returncode == 0, heard
        for line in server.stdout:
            if line.endswith("Somchai says: สวัสดี\n"):
                break
        server.send_signal(signal.SIGINT)
        said, _ = server.communicate(timeout=20)
        assert server.returncode == 0, said


# --- words ------------------------------------------------------------------------------------------------------------


def thai_lines() -> list[tuple[str, str]]:
    """Every line of Thai prose, code spans and links' targets taken out, with where it stands."""
    texts = json.loads((ROOT / "chatkit" / "texts" / "th.json").read_text("utf-8"))
    lines = [(f"th.json {key}", sentence) for key, sentence in texts.items()]
    for name, text in PAPERS.items():
        prose = re.sub(r"^```.*?^```$", lambda code: "\n" * code[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL)
        lines += [(f"{name}:{number}", line) for number, line in enumerate(prose.splitlines(), 1)]
    plain = ((where, re.sub(r"`[^`]*`|\]\([^)]*\)", "`", line)) for where, line in lines)
    return [(where, line) for where, line in plain if re.search(f"[{THAI}]", line)]


def test_thai_keeps_to_the_glossary() -> None:
    assert [(where, words) for where, line in thai_lines() if (words := forbidden(line))] == []


def test_thai_is_written_as_agreed() -> None:
    wrong = rf"{NEVER}|[{THAI}]\.(?=\s|$)|[{THAI}][A-Za-z0-9`]|[A-Za-z0-9`][{THAI}]"
    assert [(where, found[0]) for where, line in thai_lines() if (found := re.search(wrong, line))] == []


def test_the_formal_form_of_protocol_is_named_once() -> None:
    glossary = (ROOT / "GLOSSARY.md").read_text("utf-8")
    assert glossary.count("โพรโทคอล") == 1
    assert [name for name, text in PAPERS.items() if "โพรโทคอล" in text] == []


@pytest.mark.parametrize("name", [*PAPERS, "GLOSSARY.md", "CHANGELOG.md"])
def test_every_link_to_a_file_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text("utf-8"))
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_every_section_of_the_readme_is_in_both_languages() -> None:
    _, *sections = re.split(r"^## ", README, flags=re.MULTILINE)
    without = [section.splitlines()[0] for section in sections if "·" not in section.splitlines()[0]]
    assert without == []
    assert [section.splitlines()[0] for section in sections if not re.search(f"[{THAI}]", section)] == []
