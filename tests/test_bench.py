"""The bench measures what it says; how fast that is, is another matter."""

import json
import socket
import threading

import pytest
from wcwidth import wcswidth

from chatkit.texts import say
from chatkit.tools import bench as module
from chatkit.tools.bench import bench
from chatkit.tools.bench.load import MARK, Client, Room, full_room
from chatkit.tools.bench.report import page, section
from chatkit.tools.bench.servers import BASELINE, KINDS, server
from chatkit.tools.cli import main

SIZES = {"clients": 8, "text_bytes": 100, "rounds": 1}
BESIDE = ("alone", "beside")
ROWS = {"speed": KINDS, "joins": KINDS, "class": (BASELINE, "json_file"), "replay": BESIDE, "labs": BESIDE}


@pytest.fixture(scope="module")
def steps():
    return []


@pytest.fixture(scope="module")
def figures(steps):
    return bench(clients=8, messages=20, rounds=1, class_size=5, tell=steps.append)


@pytest.mark.parametrize("part", ROWS)
def test_every_row_of_every_part_is_measured_and_compared(figures, part):
    assert tuple(figures[part]["servers"]) == tuple(figures[part]["ratios"]) == ROWS[part]
    for values in figures[part]["servers"].values():
        assert all(value >= 0 for value in values.values())
        assert all(
            value > 0 for name, value in values.items() if not name.endswith("cpu_us")
        )  # a clock may stand still


def test_windows_of_one_and_eight_and_what_a_write_carries(figures):
    for values in figures["speed"]["servers"].values():
        assert {"window_8_per_s", "window_1_per_s", "per_write"} <= set(values)
    assert figures["speed"]["servers"]["broadcast"]["per_write"] == pytest.approx(1, abs=0.1)


def test_ratios_are_beside_websockets_own_broadcast(figures):
    assert set(figures["speed"]["ratios"]["broadcast"].values()) <= {0.0, 1.0}
    fast, base = (figures["speed"]["servers"][kind]["window_8_per_s"] for kind in ("plain", "broadcast"))
    assert figures["speed"]["ratios"]["plain"]["window_8_per_s"] == pytest.approx(fast / base, abs=0.01)


def test_less_cpu_and_less_delay_is_more_times(figures):
    rounds = {
        "base": [{"a_per_s": 1.0, "a_cpu_us": 9.0, "p50_ms": 4.0}],
        "fast": [{"a_per_s": 2.0, "a_cpu_us": 3.0, "p50_ms": 1.0}],
    }
    assert section(rounds, "base")["ratios"]["fast"] == {"a_per_s": 2.0, "a_cpu_us": 3.0, "p50_ms": 4.0}


def test_ratios_are_taken_round_by_round():
    slow, fast = (
        [{"a_per_s": 1.0}, {"a_per_s": 10.0}, {"a_per_s": 100.0}],
        [{"a_per_s": 2.0}, {"a_per_s": 20.0}, {"a_per_s": 5.0}],
    )
    assert section({"base": slow, "fast": fast}, "base")["ratios"]["fast"]["a_per_s"] == 2.0


def test_a_class_and_a_talk_beside_readers_or_labs_hear_everything(figures):
    for part in ("class", "replay", "labs"):
        for measured in figures[part]["servers"].values():
            assert measured["delivered"] == 1 and 0 < measured["p50_ms"] <= measured["p99_ms"]


def test_it_says_what_it_is_doing(figures, steps):
    assert steps[0] == say("bench_doing_round", number=1, rounds=1) and say("bench_doing_replay") in steps


@pytest.mark.parametrize("lang", ["en", "th"])
def test_the_page_has_a_line_for_each_row_and_a_head_for_each_figure(figures, lang):
    lines = page(figures, lang).splitlines()
    for part, rows in ROWS.items():
        for row in rows:
            assert any(line.startswith(say(f"bench_row_{row}").in_(lang)) for line in lines)
        for name in next(iter(figures[part]["servers"].values())):
            assert any(say(f"bench_head_{name}").in_(lang) in line for line in lines)


@pytest.mark.parametrize("lang", ["en", "th"])
@pytest.mark.parametrize("times", [0.0, 1.0, 99.994, 1000.0])
def test_the_columns_stand_below_their_heads_in_thai_too(figures, lang, times):
    servers = figures["speed"]["servers"]
    ratios = {row: dict.fromkeys(values, times) for row, values in servers.items()}
    lines = page({"speed": {"servers": servers, "ratios": ratios}, **SIZES}, lang).splitlines()[3:]
    assert len({wcswidth(line) for line in lines}) == 1


def test_json_is_one_object(figures, monkeypatch, capsys):
    monkeypatch.setattr(module, "bench", lambda clients, messages, tell: figures)
    assert main(["bench", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(figures))
    assert main(["bench", "--lang", "th"]) == 0
    assert capsys.readouterr().out.rstrip() == page(figures, "th").rstrip()


def test_a_server_that_stops_answering_is_one_sentence(monkeypatch, capsys):
    def stuck(clients, messages, tell):
        raise TimeoutError

    monkeypatch.setattr(module, "bench", stuck)
    assert main(["bench", "--lang", "en"]) == 1
    assert capsys.readouterr().err.rstrip() == say("bench_stuck").en


def test_writes_are_counted_where_that_was_asked_for():
    for counts in (False, True):
        with server("json", None, counts) as running, full_room(running.port, "json", 3) as room:
            assert room.done == 1 and (running.used().writes > 0) == counts


def test_a_mark_counts_once_wherever_the_stream_is_cut():
    stream = (b"\x81\x68" + MARK + b"x" * 96) * 50
    for size in range(1, 300, 7):
        room = Room()
        room.clients = [client] = [Client(room, is_json=False)]
        client.socket.close()
        client.socket, wire = socket.socketpair()
        with client.socket, wire, room.selector:
            room.sent = room.behind = 1
            for start in range(0, len(stream), size):
                wire.sendall(stream[start : start + size])
                client.read()
            assert client.heard == room.done == 50


def test_a_server_that_hangs_up_ends_the_run():
    def hang_up():
        listener.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up).start()
        with pytest.raises((TimeoutError, ConnectionError)), full_room(listener.getsockname()[1], "plain", 1):
            pass
