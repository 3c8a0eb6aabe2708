"""The bench measures what it says; how fast that is, is another matter."""

import json
import socket
import threading

import pytest

from chatkit.tools.bench import LABELS, MARK, Client, Room, bench, full_room, table
from chatkit.tools.cli import main


@pytest.fixture(scope="module")
def figures():
    return bench(clients=5, messages=20, rounds=1, class_size=5)


def test_every_server_is_measured(figures):
    assert list(figures["servers"]) == list(LABELS) == ["seed", "broadcast", "plain", "json", "json-file"]
    for measured in figures["servers"].values():
        assert measured["deliveries_per_s"] > 0 and measured["one_at_a_time_per_s"] > 0 and measured["cpu_us"] >= 0


def test_ratios_are_beside_websockets_own_broadcast(figures):
    assert set(figures["ratios"]["broadcast"].values()) <= {1.0}
    fast, base = (figures["servers"][kind]["deliveries_per_s"] for kind in ("plain", "broadcast"))
    assert figures["ratios"]["plain"]["deliveries_per_s"] == pytest.approx(fast / base, abs=0.01)


def test_a_class_hears_everything(figures):
    lesson = figures["class"]
    assert lesson["clients"] == 5 and set(lesson["servers"]) == {"broadcast", "json-file"}
    for measured in lesson["servers"].values():
        assert measured["delivered"] == 1 and 0 < measured["p50_ms"] <= measured["p99_ms"]


def test_the_table_has_a_line_for_each(figures):
    for lang in ("en", "th"):
        lines = table(figures, lang).splitlines()
        assert all(any(line.startswith(label) for line in lines) for label in LABELS.values())


def test_json_is_one_object(figures, monkeypatch, capsys):
    monkeypatch.setattr("chatkit.tools.bench.bench", lambda clients, messages: figures)
    assert main(["bench", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(figures))


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
