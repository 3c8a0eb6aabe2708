"""What the README and the Thai explanation tell people to type works, and the code that they show is the kit's own."""

import asyncio
import os
import pkgutil
import re
import shlex
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect as connect_websockets

from chatkit import serve, source
from chatkit.texts import say
from chatkit.tools.cli import parser
from chatkit.wire import GUID, Opcode, accept_key, encode_frame
from tests.needs import ROOT
from tests.processes import PATIENCE

README = (ROOT / "README.md").read_text("utf-8")
EXPLANATION = (ROOT / "thai_explanation.md").read_text("utf-8")
TEACHING = (ROOT / "TEACHING.md").read_text("utf-8")
PAPERS = {"README.md": README, "thai_explanation.md": EXPLANATION, "TEACHING.md": TEACHING}
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
    targets = re.findall(r"^([\w./-]+):", MAKEFILE, re.MULTILINE)
    assert line.removeprefix("make ") in targets


@pytest.mark.parametrize(("paper", "line"), typed("chatkit "))
def test_chatkit_takes_the_options(paper: str, line: str) -> None:
    assert parser().parse_args(shlex.split(line)[1:])


def test_windows_and_conda_test_what_make_tests() -> None:
    steps = re.findall(r"^\t\$\(BIN\)/(ruff .*|mypy|pytest)(?: -n .*)?$", MAKEFILE, re.MULTILINE)
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


def test_the_server_says_in_thai_what_the_explanation_shows() -> None:
    ready, *_ = blocks(EXPLANATION, "text")
    assert ready == f"{say('cli_ready', uri='ws://localhost:8765').th}\n"


# --- the code of the Thai explanation ---------------------------------------------------------------------------------


def shown(mark: str) -> dict[str, str]:
    """{name: code} of the Python blocks under `<!-- mark: name -->`."""
    return dict(re.findall(rf"^<!-- {mark}: (\S+) -->\n```python\n(.*?)^```$", EXPLANATION, re.MULTILINE | re.DOTALL))


PROGRAMS, SOURCES = shown("program"), shown("source")


def test_every_python_block_of_the_explanation_is_a_program_or_the_kits_own_code() -> None:
    assert len(blocks(EXPLANATION, "python")) == len(PROGRAMS) + len(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_shown_code_is_the_kits_own(name: str) -> None:
    assert SOURCES[name] == f"{source(pkgutil.resolve_name(dotted(name)))!r}\n"


def dotted(name: str) -> str:
    """`chatkit.server.Server.handle` as pkgutil wants it: the module, a colon, and what is in it."""
    module, capital, rest = re.match(r"([a-z_.]+)\.([A-Z])(.*)", name).groups()  # type: ignore[union-attr]
    return f"{module}:{capital}{rest}"


@pytest.mark.parametrize("name", [*PROGRAMS, *SOURCES])
def test_what_is_explained_line_by_line_stands_in_the_code(name: str) -> None:
    code = (PROGRAMS | SOURCES)[name]
    _, after = EXPLANATION.split(code, 1)
    table = re.match(r"```\n+(?:[^|`\n][^\n]*\n+)*((?:\|.*\n)+)", after)
    lines = re.findall(r"^\| `(.*?)` \|", table[1], re.MULTILINE) if table else []
    assert lines or name == "mali.py"
    assert [line for line in lines if line not in map(str.strip, code.splitlines())] == []


@asynccontextmanager
async def running(name: str, port: int) -> AsyncIterator[Process]:
    """A program of the explanation at a port of its own, its input and output at hand; gone afterwards."""
    code = PROGRAMS[name].replace("8765", str(port))
    environment = {**os.environ, "PYTHONUTF8": "1"}
    options = {"env": environment, "cwd": ROOT, "stdin": PIPE, "stdout": PIPE, "stderr": STDOUT}
    program = await asyncio.create_subprocess_exec(sys.executable, "-W", "error", "-u", "-c", code, **options)
    try:
        yield program
    finally:
        if program.returncode is None:
            program.kill()
        await program.communicate()


async def test_the_two_small_programs_chat(unused_tcp_port: int) -> None:
    async with asyncio.timeout(PATIENCE), running("server.py", unused_tcp_port):
        await listening(unused_tcp_port)
        async with running("client.py", unused_tcp_port) as bob:
            assert await talk(bob, "มาแล้ว") == "You said: มาแล้ว\n"
            async with running("client.py", unused_tcp_port) as ann:
                assert await talk(ann, "สวัสดี") == "You said: สวัสดี\n"
                assert await heard(bob) == "Someone says: สวัสดี\n"
                for client in (ann, bob):
                    assert await client.communicate(b"exit\n") == (b"", None)
                    assert client.returncode == 0


async def listening(port: int) -> None:
    """Until somebody answers at a port."""
    while True:
        with suppress(OSError):
            async with connect_websockets(f"ws://localhost:{port}"):
                return
        await asyncio.sleep(0.05)


async def talk(client: Process, line: str) -> str:
    """Type a line; what the client prints next."""
    assert client.stdin
    client.stdin.write(f"{line}\n".encode())
    return await heard(client)


async def heard(client: Process) -> str:
    assert client.stdout
    return (await client.stdout.readline()).decode()


async def test_the_client_of_the_kit_hears_its_own_number() -> None:
    async with asyncio.timeout(PATIENCE), serve(port=0) as server, running("mali.py", server.port) as mali:
        out, _ = await mali.communicate()
    assert out.decode() == "ข้อความที่ 1\nมะลิ: สวัสดี\n"


def test_the_bytes_of_the_explanation_are_those_of_the_wire() -> None:
    handshake = re.findall(r"Sec-WebSocket-(?:Key|Accept): (\S+)", EXPLANATION)
    assert accept_key(handshake[0]) == handshake[1]
    assert GUID in EXPLANATION
    text = "สวัสดี"
    assert (len(text), len(text.encode())) == (6, 18)
    frames = [bytes.fromhex(block) for block in blocks(EXPLANATION, "text") if re.fullmatch(r"[0-9a-f\s]+", block)]
    key = bytes.fromhex("37 fa 21 3d")
    assert frames == [encode_frame(Opcode.TEXT, text), encode_frame(Opcode.TEXT, text, mask=key)]
    assert [len(frame) for frame in frames] == [20, 24]
