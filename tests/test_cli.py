"""The commands, as they are typed."""

import asyncio
import re
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE
from urllib.parse import unquote, urlsplit

import pytest
import segno
from websockets.asyncio.client import connect as connect_websockets
from websockets.asyncio.server import serve as serve_websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chatkit import connect, serve
from chatkit.addresses import local_addresses, reachable_addresses
from chatkit.texts import say
from chatkit.tools.cli import main
from chatkit.tools.options import a_uri
from chatkit.tools.serve import qr_code
from tests.processes import PATIENCE, finish, read_until, run, serving, start

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and limits")


@pytest.fixture
def nowhere():
    """The URI of a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"ws://localhost:{probe.getsockname()[1]}"


# serve


async def test_once_ready_it_prints_one_line_that_holds_the_uri():
    process = await start("serve", "--port", "0")
    line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode().rstrip()
    assert line.startswith("✅ ") and urlsplit(line.split()[-1]).scheme == "ws"
    process.kill()
    await process.communicate()


async def test_localhost_is_every_loopback_address():
    async with serving() as (_, uri):
        for host in local_addresses():
            host = f"[{host}]" if ":" in host else host
            async with connect(f"ws://{host}:{urlsplit(uri).port}") as chat:
                assert chat.state == "open"


async def test_joining_leaving_and_messages_show_in_the_seeds_look():
    async with serving() as (process, uri):
        async with connect_websockets(f"{uri}/?name=Mali") as mali:
            assert await read_until(process, "Mali") == "✅ Mali joined"
            await mali.send("hi \x1b[2J")
            assert await read_until(process, "hi") == "📩 Mali says: hi \\x1b[2J"
        assert await read_until(process, "Mali") == "❌ Mali left"


async def test_a_line_for_everybody_shows_once_however_many_rooms_there_are():
    async with serving(stdin=PIPE) as (process, uri):
        async with connect(f"{uri}/room/blue"), connect(f"{uri}/room/red"):
            process.stdin.write(b"first\nsecond\n")
            assert await read_until(process, "📤") == "📤 first"
            assert (await process.stdout.readline()).decode().rstrip() == "📤 second"


async def test_it_speaks_thai():
    async with serving("--lang", "th") as (process, uri), connect(uri, name="มะลิ"):
        assert await read_until(process, "มะลิ") == "✅ มะลิ เข้าห้องแล้ว"


@needs_posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_and_sigterm_say_1001_and_end_with_code_0(number):
    async with serving() as (process, uri):
        async with connect_websockets(uri) as client:
            process.send_signal(number)
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(client.recv(), PATIENCE)
            assert closed.value.rcvd.code == 1001
        code, _, err = await finish(process)
        assert (code, err) == (0, "")


@needs_posix
async def test_a_stalled_reader_does_not_keep_it_from_ending():
    async with serving("--rate", "0") as (process, uri):
        async with connect_websockets(uri, max_queue=1) as stalled, connect(uri) as chat:
            stalled.transport.pause_reading()
            for _ in range(100):
                await asyncio.wait_for(chat.send("x" * 4000), PATIENCE)
            process.send_signal(signal.SIGINT)
            code, _, err = await finish(process)
            assert (code, err) == (0, "")
            stalled.transport.abort()


async def test_a_taken_port_is_one_sentence_with_the_next_free_port():
    async with serve(port=0) as server:
        code, out, err = await run("serve", "--port", str(server.port))
        assert code == 1 and out == "" and err.count("\n") == 1
        assert str(server.port) in err
        free = int(err.split()[-1].rstrip("."))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", free))
        _, _, thai = await run("serve", "--port", str(server.port), "--lang", "th")
        assert thai.startswith(f"พอร์ต {server.port}") and thai.count("\n") == 1


WRONG = {
    "port-word": ["serve", "--port", "eighty"],
    "port-big": ["serve", "--port", "65536"],
    "port-negative": ["serve", "--port=-1"],
    "token-empty": ["serve", "--token", ""],
    "token-blank": ["serve", "--token", "  "],
    "db-empty": ["serve", "--db", ""],
    "value-missing": ["serve", "--db"],
    "rate-word": ["serve", "--rate", "often"],
    "rate-negative": ["serve", "--rate=-1"],
    "rate-nan": ["serve", "--rate", "nan"],
    "clients-none": ["serve", "--max-clients", "0"],
    "origin-bare": ["serve", "--origin", "school.example"],
    "origin-path": ["serve", "--origin", "https://school.example/chat"],
    "origin-odd": ["serve", "--origin", "https://[school"],
    "path-bare": ["serve", "--base-path", "services"],
    "path-odd": ["serve", "--base-path", "/a?b"],
    "tls-half": ["serve", "--tls-cert", "cert.pem"],
    "tls-missing": ["serve", "--tls-cert", "no.pem", "--tls-key", "no.pem"],
    "tls-wrong": ["serve", "--tls-cert", __file__, "--tls-key", __file__],
    "host-and-lan": ["serve", "--host", "::1", "--lan"],
    "unknown": ["serve", "--colour\x1b[31m"],
    "no-command": ["chat"],
    "no-language": ["serve", "--lang", "de"],
    "bench-none": ["bench", "--clients", "0"],
}


@pytest.mark.parametrize("lang", ["en", "th"])
@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_a_wrong_option_is_one_sentence_and_code_2(arguments, lang, capsys, monkeypatch):
    monkeypatch.setenv("CHATKIT_LANG", lang)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "\x1b" not in err
    assert any("ก" <= letter <= "๙" for letter in err) == (lang == "th")


@pytest.mark.parametrize("command", ["serve", "join", "doctor"])
@pytest.mark.parametrize("port", ["", "eighty", "99999"])
def test_a_wrong_port_in_the_environment_is_one_sentence(port, command, capsys, monkeypatch):
    monkeypatch.setenv("CHATKIT_PORT", port)
    assert main([command]) == 2
    assert capsys.readouterr().err.rstrip() == say("cli_bad_port", value=port).en


def test_lang_counts_also_where_the_rest_of_the_line_is_wrong(capsys):
    assert main(["serve", "--lang", "th", "--port", "x"]) == 2
    assert capsys.readouterr().err.rstrip() == say("cli_bad_port", value="x").th


def test_a_host_that_is_not_here_is_one_sentence(capsys):
    assert main(["serve", "--host", "192.0.2.77", "--port", "0"]) == 1
    assert "192.0.2.77" in capsys.readouterr().err


def test_a_log_that_cannot_be_opened_is_one_sentence(tmp_path, capsys):
    assert main(["serve", "--port", "0", "--db", str(tmp_path / "missing" / "log.db")]) == 1
    locked = tmp_path / "locked.db"
    with sqlite3.connect(locked, isolation_level=None) as owner:
        owner.execute("CREATE TABLE t (x)")
        owner.execute("BEGIN EXCLUSIVE")
        assert main(["serve", "--port", "0", "--db", str(locked)]) == 1
    owner.close()
    assert [line.partition(" cannot")[0] for line in capsys.readouterr().err.splitlines()] == [
        f"The log {tmp_path / 'missing' / 'log.db'}",
        f"The log {locked}",
    ]


@needs_posix
async def test_a_limit_too_low_for_the_clients_is_said_before_anybody_comes():
    serve_there = f'ulimit -n 300; exec "{sys.executable}" -m chatkit serve --port 0 --max-clients 2000'
    process = await asyncio.create_subprocess_exec("sh", "-c", serve_there, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    line = await read_until(process, "⚠️")
    assert re.fullmatch(re.escape(say("error_few_files", clients=0).en).replace("0", r"\d+"), line.removeprefix("⚠️ "))
    process.terminate()
    assert (await finish(process))[0] == 0


REFUSED = {
    "origin": ({"origin": "http://evil.example"}, "/", 403),
    "origin-null": ({"origin": "null"}, "/", 403),
    "path": ({}, "/chat", 404),
    "token": ({}, "/?token=wrong", 401),
}


@pytest.mark.parametrize(("headers", "path", "status"), REFUSED.values(), ids=REFUSED)
async def test_a_refused_handshake_is_one_line_that_says_who_and_why(headers, path, status):
    async with serving("--token", "รหัส", "--lang", "th") as (process, uri):
        with pytest.raises(InvalidStatus) as refused:
            await connect_websockets(f"{uri}{path}", **headers)
        assert refused.value.response.status_code == status
        line = await read_until(process, "⚠️")
        assert str(status) in line and ("127.0.0.1" in line or "::1" in line)
        assert re.search("[ก-๙]", line) and "wrong" not in line


async def test_an_address_that_is_not_percent_encoded_is_one_line_too():
    async with serving() as (process, uri):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(uri).port)
        writer.write("GET /?name=มาลี HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert say("door_not_encoded").en in await read_until(process, "⚠️")


async def test_a_page_from_a_file_gets_in_where_null_was_named():
    async with serving("--origin", "null") as (_, uri), connect_websockets(uri, origin="null") as page:
        await page.send("hi")
        assert await asyncio.wait_for(page.recv(), PATIENCE) == "You said: hi"


@pytest.mark.parametrize("path", ["/services/chat/", "/services/chat"])
async def test_a_chat_behind_a_path_is_there_and_nowhere_else(path):
    async with serving("--base-path", path) as (_, uri):
        assert urlsplit(uri).path == "/services/chat"
        async with connect(f"{uri}/room/blue") as chat, connect_websockets(uri):
            assert chat.room == "blue"
        with pytest.raises(InvalidStatus):
            await connect_websockets(f"ws://localhost:{urlsplit(uri).port}/")


@needs_posix
async def test_a_log_that_vanishes_is_said_when_a_message_cannot_be_kept(tmp_path):
    db = tmp_path / "room.db"
    async with serving("--db", str(db)) as (process, uri), connect(uri) as chat:
        await asyncio.wait_for(chat.send("kept"), PATIENCE)
        db.unlink()
        chat.send("lost")
        assert say("error_log_gone", path=str(db)).en in await read_until(process, "⚠️")


async def test_a_second_server_on_one_log_is_one_sentence(tmp_path):
    db = str(tmp_path / "room.db")
    async with serving("--db", db):
        code, out, err = await run("serve", "--port", "0", "--db", db)
        assert (code, out, err.rstrip()) == (1, "", say("error_log_in_use", path=db).en)


async def test_lan_prints_every_address_with_the_token_in_the_fragment():
    async with serving("--lan", "--token", "รหัส ผ่าน") as (process, uri):
        port = urlsplit(uri).port
        addresses = reachable_addresses()
        if not addresses:
            await read_until(process, "⚠️")
            return
        lines = [await read_until(process, "http://") for _ in addresses]
        links = [line.split()[-1] for line in lines]
        assert [urlsplit(link).netloc for link in links] == [f"{address}:{port}" for address in addresses]
        assert {unquote(urlsplit(link).fragment) for link in links} == {"token=รหัส ผ่าน"}
        assert await read_until(process, "▄") == qr_code(links[0]).splitlines()[1]
        async with connect(f"ws://{addresses[0]}:{port}", token="รหัส ผ่าน") as chat:
            assert chat.state == "open"


def test_the_qr_code_in_the_terminal_is_the_link():
    link = "http://192.168.1.5:8765/#token=abc"
    modules = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}  # light characters on a dark terminal
    rows = [row for line in qr_code(link).splitlines() for row in zip(*(modules[c] for c in line), strict=True)]
    wanted = [tuple(map(int, row)) for row in segno.make(link, micro=False).matrix_iter(border=2)]
    assert rows[: len(wanted)] == wanted


# join


async def test_piped_lines_are_sent_and_acknowledged_before_it_leaves():
    async with serve(port=0) as server:
        code, out, err = await run("join", server.uri, "--name", "Mali", typed="hi\n\nสวัสดี\nthird, no line end")
        assert (code, err) == (0, "")
        async with connect(server.uri, after=0) as chat, asyncio.timeout(PATIENCE):
            heard = []
            async for event in chat:
                heard.append((event.who.name, event.text))
                if event.text == "third, no line end":
                    break
        assert heard == [("Mali", "hi"), ("Mali", "สวัสดี"), ("Mali", "third, no line end")]
        assert "📩 You said: สวัสดี" in out.splitlines()


async def test_piped_lines_in_plain():
    said = []
    async with serve(port=0, on_event=lambda event: said.append((event.type, event.who.name, event.text))) as server:
        code, out, err = await run("join", server.uri, "--plain", "--name", "Mali", typed="one\ntwo\n")
        assert (code, err) == (0, "")
    assert [each for each in said if each[0] == "msg"] == [("msg", "Mali", "one"), ("msg", "Mali", "two")]
    assert {"📩 You said: one", "📩 You said: two"} <= set(out.splitlines())


async def test_more_lines_than_the_rate_allows_all_arrive():
    said = []
    async with serve(port=0, on_event=lambda event: said.append(event)) as server:
        code, _, err = await run("join", server.uri, typed="".join(f"{n}\n" for n in range(12)))
        assert (code, err) == (0, "")
    assert [event.text for event in said if event.type == "msg"] == [str(n) for n in range(12)]


async def test_a_piped_exit_leaves_and_a_line_over_the_limits_is_code_1():
    async with serve(port=0) as server:
        assert (await run("join", server.uri, typed="exit\nnever sent\n"))[0] == 0
        code, out, _ = await run("join", server.uri, typed="x" * 4001 + "\nfine\n")
        assert code == 1 and "⚠️" in out and "📩 You said: fine" in out and "never sent" not in out


async def test_no_server_is_one_sentence_and_code_1(nowhere):
    code, out, err = await run("join", nowhere, typed="hi\n")
    assert code == 1 and out == "" and err.rstrip() == say("error_no_server", uri=nowhere).en
    _, _, thai = await run("join", nowhere, "--lang", "th", typed="hi\n")
    assert thai.rstrip() == say("error_no_server", uri=nowhere).th


@pytest.mark.parametrize("plain", [[], ["--plain"]], ids=["json", "plain"])
@pytest.mark.parametrize("token", [[], ["--token", "ผิด"]], ids=["missing", "wrong"])
async def test_a_bad_token_is_one_sentence_and_code_1(token, plain):
    async with serve(port=0, token="รหัส") as server:
        code, _, err = await run("join", server.uri, *token, *plain, typed="hi\n")
        assert code == 1 and err.count("\n") == 1 and "token" in err
        assert (await run("join", server.uri, "--token", "รหัส", *plain, typed="hi\n"))[0] == 0


@pytest.mark.parametrize(
    "uri", ["http://localhost:8765", "https://localhost:8765", "ws://", "ws://[::1", "ws://a:b", "ws://a:99999"]
)
async def test_a_wrong_address_is_one_sentence_and_code_1(uri):
    code, out, err = await run("join", uri, typed="hi\n")
    assert code == 1 and out == "" and err.count("\n") == 1 and "ws://" in err


def test_an_address_without_a_scheme_is_a_chats():
    assert a_uri("localhost:8765/room/blue") == "ws://localhost:8765/room/blue"
    assert a_uri("wss://school.example") == "wss://school.example"


@pytest.mark.parametrize("code", [4001, 4003])
async def test_closed_for_good_is_one_sentence_and_code_1(code):
    async def put_out(connection):
        await connection.close(code, "\x1b[2J")

    async with serve_websockets(put_out, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        process = await start("join", f"ws://127.0.0.1:{port}", "--plain", stdin=PIPE)
        out = await asyncio.wait_for(process.stderr.readline(), PATIENCE)
        assert out.decode().rstrip() == say(f"error_refused_{code}").en
        assert (await finish(process))[0] == 1


@needs_posix
async def test_ctrl_c_while_a_pipe_is_open_leaves_with_code_0():
    left = asyncio.Event()
    async with serve(port=0, on_event=lambda event: event.type == "left" and left.set()) as server:
        process = await start("join", server.uri, stdin=PIPE)
        await read_until(process, "✅")
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(left.wait(), PATIENCE)
        assert (await finish(process))[0] == 0


# The other ways to start it


async def test_the_seeds_two_commands_still_work():
    process = await start("--port", "0", module="chatkit.server")
    uri = (await read_until(process, "ws://")).split()[-1]
    code, out, _ = await run(uri, "--name", "Mali", typed="hi\n", module="chatkit.client")
    assert code == 0 and "📩 You said: hi" in out.splitlines()
    process.kill()
    await process.communicate()


COMMANDS = [[], ["lab"], ["serve"], ["join"], ["labs"], ["receipts"], ["doctor"], ["bench"]]


def help_of(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_help_is_there_for_every_command(command, capsys):
    assert help_of(command, capsys).startswith(f"usage: {' '.join(['chatkit', *command])}")


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_help_speaks_thai_and_leaves_nothing_in_english(command, capsys, monkeypatch):
    page = help_of(["--lang", "th", *command], capsys)
    usage, *parts = page.split("\n\n")
    assert usage.startswith(f"{say('help_usage').th}: {' '.join(['chatkit', *command])}")
    lines = [line for part in parts for line in part.splitlines()]
    words = {line: re.split(r"\s{2,}", line.strip())[-1] for line in lines if line.strip() not in ("", "COMMAND")}
    without = [line for line, word in words.items() if not re.search("[ก-๙]", word) and not line.startswith(" " * 10)]
    assert [line for line in without if re.search("[a-z] [a-z]", line)] == []
    assert "help_" not in page
    monkeypatch.setenv("CHATKIT_LANG", "th")
    assert help_of(command, capsys) == page


def test_help_breaks_its_lines_at_spaces_only(capsys, monkeypatch):
    for columns in ("80", "50"):
        monkeypatch.setenv("COLUMNS", columns)
        page = help_of(["serve", "--lang", "th"], capsys)
        assert not re.search(r"^\s*[\u0e31\u0e33-\u0e3a\u0e47-\u0e4e]", page, re.MULTILINE)  # marks need a letter
        assert all(word in page for word in say("help_lan").th.split())


def test_no_command_shows_the_help(capsys):
    assert main([]) == 2
    assert "serve" in capsys.readouterr().out
