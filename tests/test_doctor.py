"""What the doctor sees, and what it says to do."""

import asyncio
import json
import socket
from importlib import import_module, metadata

import pytest

from chatkit import serve
from chatkit.place import in_notebook
from chatkit.texts import LANGUAGES, Sentence, say
from chatkit.tools import checks as module
from chatkit.tools.cli import main
from chatkit.tools.doctor import doctor
from chatkit.tools.report import Finding, Report

NAMES = [
    "python",
    "packages",
    "event_loop",
    "port",
    "localhost",
    "loopback_v4",
    "loopback_v6",
    "network",
    "proxy",
    "firewall",
    "lessons",
]


@pytest.fixture
def taken_port(monkeypatch):
    """A port that a silent stranger holds, as the kit's own port."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.listen()
        port = stranger.getsockname()[1]
        monkeypatch.setenv("CHATKIT_PORT", str(port))
        monkeypatch.setattr(module, "PATIENCE", 0.3)
        yield port


async def finding(name):
    return next(each for each in (await doctor()).findings if each.name == name)


async def test_a_healthy_machine_is_green():
    report = await doctor("en")
    assert [each.name for each in report.findings] == NAMES
    assert report.ok and report.verdict == "Everything that a chat needs is here."
    assert {each.state for each in report.findings} <= {"ok", "note", "hint"}
    assert {(await finding("loopback_v4")).state, (await finding("event_loop")).state} == {"ok"}


async def test_every_line_that_is_not_green_ends_with_what_to_do_in_both_languages(taken_port, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.example:3128")
    monkeypatch.setattr(module, "reachable_addresses", list)
    monkeypatch.setattr(module, "local_addresses", lambda: ["127.0.0.1"])
    monkeypatch.setattr(metadata, "requires", lambda name: ["websockets>=99", "no-such-package>=1; extra == 'test'"])
    report = await doctor("both")
    assert not report.ok and "secret" not in str(report) + report.as_json()
    for each in report.findings:
        assert (each.advice is None) == (each.state == "ok")
        for lang in LANGUAGES:
            last = each.advice or each.text
            assert last.in_(lang) and each.lines(lang)[lang].endswith(last.in_(lang))
    states = {each.name: each.state for each in report.findings}
    assert {name for name, state in states.items() if state == "bad"} == {"packages", "port"}
    assert {name for name, state in states.items() if state == "note"} == {"loopback_v6", "network", "proxy"}


async def test_a_strangers_port_is_red_and_a_free_one_is_named(taken_port):
    found = await finding("port")
    assert found.state == "bad" and str(taken_port) in found.text.en
    free = int(found.advice.en.partition("CHATKIT_PORT=")[2].split()[0])
    with socket.create_server(("127.0.0.1", free)):
        pass


async def test_a_stranger_that_speaks_http_is_named(monkeypatch):
    async def answer(reader, writer):
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nServer: evil\x1b[2J/1.0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as stranger:
        monkeypatch.setenv("CHATKIT_PORT", str(stranger.sockets[0].getsockname()[1]))
        found = await finding("port")
    assert found.state == "bad" and "evil\\x1b[2J/1.0" in found.text.en


async def test_our_own_server_makes_room_and_another_one_can_be_joined(monkeypatch):
    async with serve(port=0) as server:
        monkeypatch.setenv("CHATKIT_PORT", str(server.port))
        assert (await finding("port")).state == "ok"
        monkeypatch.setattr(module, "running", {})  # as if another process ran it
        assert (await finding("port")).state == "note"
        await asyncio.to_thread(lambda: None)  # the server is still serving
        assert server.members() == []


async def test_a_loopback_that_does_not_answer_is_red(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setattr(module, "heard", lambda *_: asyncio.sleep(60))
    assert (await finding("loopback_v4")).state == "bad"


async def test_a_localhost_that_leads_elsewhere_is_red(monkeypatch):
    elsewhere = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.5", 0))]
    monkeypatch.setattr(module.socket, "getaddrinfo", lambda *_: elsewhere)
    found = module.localhost()
    assert found.state == "bad" and "203.0.113.5" in found.text.th


def test_the_report_shows_as_text_and_as_escaped_html():
    words = Sentence("<img src=x onerror=alert(1)>", "สวัสดี & ลาก่อน")
    report = Report([Finding("port", "bad", words, Sentence("do", "ทำ"))], "both")
    assert str(report).splitlines()[0] == "❌ <img src=x onerror=alert(1)> → do"
    assert str(report).splitlines()[1] == "   สวัสดี & ลาก่อน → ทำ"
    html = report._repr_html_()
    assert '<div lang="en" class="en">&lt;img src=x onerror=alert(1)&gt; → do</div>' in html
    assert '<div lang="th" class="th">สวัสดี &amp; ลาก่อน → ทำ</div>' in html and "<img" not in html


def test_the_command_prints_it_and_its_exit_code_says_it(capsys, monkeypatch, taken_port):
    assert main(["doctor", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False and [each["name"] for each in report["findings"]] == NAMES
    monkeypatch.setenv("CHATKIT_PORT", str(module.free_port()))
    assert main(["doctor", "--lang", "th"]) == 0
    said = capsys.readouterr().out
    assert say("doctor_good").th in said and say("doctor_good").en not in said


def test_outside_a_notebook_nothing_of_jupyter_is_imported():
    assert not in_notebook()


async def test_in_a_browser_it_says_what_cannot_be_there_and_where_the_progress_is(monkeypatch, tmp_path):
    monkeypatch.setattr("chatkit.tools.doctor.in_browser", lambda: True)
    # by its module: in the package, `progress` is the function of that name
    monkeypatch.setattr(import_module("chatkit.exercises.progress"), "home", lambda: tmp_path / "kept")
    findings = (await doctor("both")).findings
    assert [each.name for each in findings] == ["python", "packages", "port", "loopback_v4", "browser", "kept"]
    assert "Postman" in findings[4].advice.en and "Postman" in findings[4].advice.th
    assert (findings[5].state, list(tmp_path.joinpath("kept").iterdir())) == ("note", [])  # not under /drive
