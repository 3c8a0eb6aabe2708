"""What an installed ChatKit has: a wheel is built, unpacked where no clone is, and used."""

import json
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from chatkit.addresses import free_port
from chatkit.tools.copies import Copies
from tests.needs import ROOT
from tests.processes import PATIENCE


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that stands for site-packages."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", str(ROOT)]
    run = subprocess.run([*build, "--wheel-dir", str(place)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    [wheel] = place.glob("chatkit-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(place / "site")
    return place / "site"


@contextmanager
def command(installed: Path, home: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """`chatkit …` of the wheel, by somebody whose home is empty."""
    surroundings = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(home), "USERPROFILE": str(home)}
    surroundings |= {"PYTHONUTF8": "1", "CHATKIT_LANG": "en", "JUPYTER_CONFIG_DIR": str(home / "config")}
    process = subprocess.Popen(
        [sys.executable, "-m", "chatkit", *arguments],
        cwd=home, env=surroundings, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def get(address: str) -> bytes:
    """What a page says; JupyterLab prints its address a moment before it listens there."""
    for _ in range(PATIENCE * 10):
        try:
            with urlopen(address, timeout=PATIENCE) as answer:
                return bytes(answer.read())
        except URLError:
            time.sleep(0.1)
    raise AssertionError(f"nobody ever listened at {address}")


def test_the_wheel_has_the_course_and_says_that_it_is_typed(installed: Path) -> None:
    course = installed / "chatkit" / "course"
    files = set(Copies(ROOT, course).names())
    assert {"GLOSSARY.md", "thai_explanation.md", "notebooks/index.ipynb"} <= files
    assert set(Copies(course, course).names()) == files
    assert [name for name in files if (course / name).read_bytes() != (ROOT / name).read_bytes()] == []
    assert (installed / "chatkit" / "py.typed").exists()


def test_lab_of_an_installed_kit_serves_the_first_lesson_without_its_outputs(installed: Path, tmp_path: Path) -> None:
    with command(installed, tmp_path, "lab", "--no-browser", "--port", str(free_port())) as lab:
        assert lab.stdout
        said = []
        for line in lab.stdout:
            said.append(line)
            if found := re.match(r"\s+(http://127\.0\.0\.1:\d+)/lab/tree/(\S+)\?token=(\w+)", line):
                break
        else:
            raise AssertionError("".join(said))
        server, path, token = found.groups()
        lesson = json.loads(get(f"{server}/api/contents/{path}?token={token}"))
        setting = "@jupyterlab/apputils-extension:notification"
        settings = json.loads(get(f"{server}/lab/api/settings/{setting}?token={token}"))
    folder = tmp_path / "chatkit-lessons"
    assert str(folder) in said[0]
    assert path == "notebooks/00_hello_room.ipynb" and (folder / path).is_file()
    assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"
    assert all(cell.get("outputs") in (None, []) for cell in lesson["content"]["cells"])


def test_doctor_of_an_installed_kit_knows_where_the_lessons_are(installed: Path, tmp_path: Path) -> None:
    with command(installed, tmp_path, "doctor", "--json") as doctor:
        out, _ = doctor.communicate(timeout=PATIENCE)
    [line] = [each for each in json.loads(out)["findings"] if each["name"] == "lessons"]
    assert line["state"] == "ok" and str(tmp_path / "chatkit-lessons") in line["text"]["en"]
