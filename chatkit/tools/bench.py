"""How fast is the server on this machine, and beside what?

Each server runs in a process of its own on the first core; the load comes from this process on the others. The chat is
always the same: everybody in one room hears every text. Speed differs from machine to machine and from minute to
minute, so the rounds are interleaved, the median counts, and the ratios are what to quote.
"""

import asyncio
import multiprocessing
import os
import selectors
import signal
import socket
import statistics
import tempfile
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn, cast

from websockets.asyncio import server as websockets
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from chatkit.limits import LIMITS
from chatkit.server import serve
from chatkit.texts import say
from chatkit.tools.cli import SPARE_FILES, raise_file_limit

__all__ = ["bench", "table"]

WINDOW = 8  # messages in flight
SECONDS = 2.0  # a phase ends after all its messages, or after this
PATIENCE = 15.0  # seconds until a server that does not keep up is given up; before the pings of its keepalive count
CLASS, CLASS_RATE, CLASS_SECONDS = 1_000, 200, 5  # each student one message in 5 seconds

CROWD = 50  # clients that come in together

# Stands once in each text and nowhere else in a frame, so that counting it counts deliveries. A single byte: no cut
# between two chunks can hide it.
MARK = b"@"
TEXT = MARK.decode() + "x" * 99
BASELINE = "broadcast"
LABELS = {
    "seed": "the seed: gather(send, …)",
    "broadcast": "websockets' own broadcast()",
    "plain": "kit, plain",
    "json": "kit, json",
    "json-file": "kit, json, log on a file",
}

# The servers, each in a process of its own


def chat_with(tell: Callable[[set[websockets.ServerConnection], str], Awaitable[None]]) -> Any:
    """The chat as a handler of websockets: everybody hears what anybody says."""
    clients: set[websockets.ServerConnection] = set()

    async def handler(connection: websockets.ServerConnection) -> None:
        clients.add(connection)
        with suppress(ConnectionClosed):
            async for text in connection:
                await tell(clients, f"Someone says: {text!s}")
        clients.discard(connection)

    return handler


async def tell_by_gather(clients: set[websockets.ServerConnection], text: str) -> None:
    await asyncio.gather(*(client.send(text) for client in clients))


async def tell_by_broadcast(clients: set[websockets.ServerConnection], text: str) -> None:
    websockets.broadcast(clients, text)


@asynccontextmanager
async def running(kind: str) -> AsyncIterator[int]:
    """The port of a running server of one kind."""
    if kind in ("seed", "broadcast"):
        tell = tell_by_gather if kind == "seed" else tell_by_broadcast
        async with websockets.serve(chat_with(tell), "127.0.0.1", 0, compression=None) as other:
            yield next(iter(other.sockets)).getsockname()[1]
        return
    with tempfile.TemporaryDirectory(prefix="chatkit-bench-") as folder:
        db = str(Path(folder) / "log.db") if kind == "json-file" else ":memory:"
        async with serve("127.0.0.1", 0, db=db, rate=0, history=LIMITS.history) as kit:
            yield kit.port


def server_process(kind: str, core: int | None, pipe: Connection) -> None:
    """Serve until the pipe says so; answers each question with the CPU seconds used so far."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that asked for the bench
    if core is not None:
        os.sched_setaffinity(0, {core})
    raise_file_limit()

    async def main() -> None:
        async with running(kind) as port:
            pipe.send(port)
            while await asyncio.to_thread(pipe.recv):
                pipe.send(time.process_time())

    asyncio.run(main())


@contextmanager
def server(kind: str, core: int | None) -> Iterator[tuple[int, Callable[[], float]]]:
    """A server in its own process: its port, and a function that tells the CPU seconds it has used."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=server_process, args=(kind, core, theirs), daemon=True)
    process.start()
    theirs.close()

    def cpu() -> float:
        ours.send(True)
        return cast(float, ours.recv())

    try:
        yield ours.recv(), cpu
    finally:
        ours.close()
        process.terminate()
        process.join()


# The load


class Room:
    """Everybody in the room, and how far all of them have heard. A message is done when the last one has it."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.selector = selectors.DefaultSelector()
        self.buffer = bytearray(256 * 1024)  # one for all: what is read is counted at once
        self.sent = self.done = self.behind = 0
        self.sent_at: list[float] = []
        self.delays: array[float] | None = None  # seconds of every delivery, where they are wanted

    def send(self, speaker: int = 0) -> None:
        self.sent_at.append(time.perf_counter())
        self.sent += 1
        self.clients[speaker % len(self.clients)].send(self.sent)

    def hear(self, patience: float | None = None) -> None:
        """Read what has come; TimeoutError where nothing comes for too long and `patience` (seconds) names no end."""
        ready = self.selector.select(PATIENCE if patience is None else patience)
        if not ready and patience is None:
            raise TimeoutError
        for key, _ in ready:
            key.data.read()

    def count(self, before: int, now: int) -> None:
        """One client went from so many messages to so many."""
        if self.delays is not None:
            clock = time.perf_counter()
            self.delays.extend(clock - self.sent_at[number] for number in range(before, now))
        if before <= self.done < now:
            self.behind -= 1
            if not self.behind:
                counts = [client.heard for client in self.clients]
                self.done = min(counts)
                self.behind = counts.count(self.done)


class Client:
    """One client that does as little as it can: it counts the marks in the raw bytes, so that the load costs less
    than the server. It answers no ping; a run is over before one is missed."""

    def __init__(self, room: Room, is_json: bool) -> None:
        self.room, self.is_json = room, is_json
        self.heard = 0
        self.socket = socket.socket()

    def connect(self, port: int) -> None:
        """The client's part of the handshake (RFC 6455, 4.1)."""
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect(("127.0.0.1", port))
        offer = "Sec-WebSocket-Protocol: chatkit.v1\r\n" if self.is_json else ""
        handshake = (
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{offer}"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.socket.sendall(handshake.encode())

    def expect(self, answer: bytes) -> None:
        came = b""
        while answer not in came:
            came += self.socket.recv(65536) or lost()

    def send(self, number: int) -> None:
        self.socket.sendall(masked(f'{{"type":"send","id":"{number}","text":"{TEXT}"}}' if self.is_json else TEXT))

    def read(self) -> None:
        buffer = self.room.buffer
        size = self.socket.recv_into(buffer) or lost()
        found = buffer.count(MARK, 0, size)
        if found:
            before, self.heard = self.heard, self.heard + found
            self.room.count(before, self.heard)


def lost() -> NoReturn:
    raise TimeoutError("the server closed a connection")


def masked(text: str) -> bytes:
    """One text message as a client must send it: masked (RFC 6455, 5.3)."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=True)


@contextmanager
def full_room(port: int, kind: str, clients: int) -> Iterator[Room]:
    """Everybody comes in; when a first message has reached them all, the room is ready."""
    room = Room()
    room.clients = [Client(room, kind.startswith("json")) for _ in range(clients)]
    try:
        for start in range(0, clients, CROWD):
            let_in(room.clients[start : start + CROWD], port)
        for client in room.clients:
            room.selector.register(client.socket, selectors.EVENT_READ, client)
        room.behind = clients
        room.send()
        while room.done < room.sent:
            room.hear()
        yield room
    finally:
        room.selector.close()
        for client in room.clients:
            client.socket.close()


def let_in(newcomers: list[Client], port: int) -> None:
    """Many come through the door together, as a class does, and say hello where the dialect asks for it."""
    for client in newcomers:
        client.connect(port)
    for client in newcomers:
        client.expect(b"\r\n\r\n")
    talkers = [client for client in newcomers if client.is_json]
    for client in talkers:
        client.socket.sendall(masked('{"type":"hello","after":0}'))
    for client in talkers:
        client.expect(b"welcome")


def flood(room: Room, messages: int, window: int, cpu: Callable[[], float]) -> dict[str, float]:
    """Always `window` messages in flight, as fast as the server goes."""
    first, last, start, cpu_start = room.done, room.sent + messages, time.perf_counter(), cpu()
    while room.sent < last and time.perf_counter() - start < SECONDS:
        while room.sent < last and room.sent - room.done < window:
            room.send()
        room.hear()
    while room.done < room.sent:
        room.hear()
    seconds = time.perf_counter() - start
    deliveries = (room.done - first) * len(room.clients)
    return {"deliveries_per_s": deliveries / seconds, "cpu_us": (cpu() - cpu_start) / deliveries * 1e6}


def lesson(room: Room, messages: int, rate: float) -> dict[str, float]:
    """Everybody speaks in turn, `rate` messages a second: how long until each delivery, in milliseconds.

    A server that does not keep up is given up after a while: then what came counts.
    """
    room.delays = array("d")
    start = time.perf_counter()
    for number in range(messages):
        while (wait := start + number / rate - time.perf_counter()) > 0:
            room.hear(wait)
        room.send(number)
    end = time.perf_counter() + PATIENCE
    while room.done < room.sent and time.perf_counter() < end:
        room.hear(1)
    delays = sorted(room.delays)
    percentiles = {f"p{percent}_ms": round(delays[len(delays) * percent // 100] * 1e3, 1) for percent in (50, 99)}
    return {**percentiles, "delivered": round(len(delays) / (messages * len(room.clients)), 3)}


# The whole bench


def speed(port: int, kind: str, clients: int, messages: int, cpu: Callable[[], float]) -> dict[str, float]:
    with full_room(port, kind, clients) as room:
        figures = flood(room, messages, WINDOW, cpu)
        alone = flood(room, max(1, messages // 4), 1, cpu)
    return {**figures, "one_at_a_time_per_s": alone["deliveries_per_s"], "one_at_a_time_cpu_us": alone["cpu_us"]}


def bench(clients: int = 200, messages: int = 1_000, rounds: int = 5, class_size: int = CLASS) -> dict[str, Any]:
    """Measure every server in turn, several times; about a minute. Loopback only.

    clients: in the room. messages: in each run, fewer where 2 seconds are over. class_size: clients of the last part,
    where everybody speaks in turn, 200 messages a second for 5 seconds.
    """
    clients, class_size = (int(min(each, raise_file_limit() - SPARE_FILES)) for each in (clients, class_size))
    runs: dict[str, list[dict[str, float]]] = {kind: [] for kind in LABELS}
    lessons = {}
    with own_core() as core:
        for _ in range(rounds):
            for kind, measured in runs.items():
                with server(kind, core) as (port, cpu):
                    measured.append(speed(port, kind, clients, messages, cpu))
        for kind in (BASELINE, "json-file"):
            with server(kind, core) as (port, _), full_room(port, kind, class_size) as room:
                lessons[kind] = lesson(room, min(messages, CLASS_RATE * CLASS_SECONDS), CLASS_RATE)
    servers = {kind: {name: median(name, measured) for name in measured[0]} for kind, measured in runs.items()}
    return {
        "clients": clients,
        "messages": messages,
        "window": WINDOW,
        "rounds": rounds,
        "text_bytes": len(TEXT),
        "servers": servers,
        "ratios": {kind: ratios(measured, runs[BASELINE]) for kind, measured in runs.items()},
        "class": {"clients": class_size, "messages_per_s": CLASS_RATE, "servers": lessons},
    }


@contextmanager
def own_core() -> Iterator[int | None]:
    """The first core for the server, the others for the load; None where a process cannot choose."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cores) < 2:
        yield None
        return
    os.sched_setaffinity(0, cores[1:])
    try:
        yield cores[0]
    finally:
        os.sched_setaffinity(0, cores)


def median(name: str, measured: list[dict[str, float]]) -> float:
    return round(statistics.median(each[name] for each in measured), 2)


def ratios(measured: list[dict[str, float]], baseline: list[dict[str, float]]) -> dict[str, float]:
    """How many times the baseline; for the CPU, how many times less.

    Round by round, and then the median: a machine that is slow for a while is slow for both sides of a round.
    """
    rounds = [
        {name: figures[name] / base[name] for name in base} for figures, base in zip(measured, baseline, strict=True)
    ]
    times = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    times |= {name: 1 / each for name, each in times.items() if name.endswith("cpu_us")}
    return {name: round(each, 2) for name, each in times.items()}


def table(figures: dict[str, Any], lang: str = "en") -> str:
    """The figures for a person."""
    # One at a time the load costs as much as the server: there the CPU tells more than the speed.
    names = ("deliveries_per_s", "cpu_us", "one_at_a_time_per_s", "one_at_a_time_cpu_us")
    heads = ("deliveries/s", "CPU µs each", "one at a time/s", "CPU µs each")
    room = {name: figures[name] for name in ("clients", "text_bytes", "window", "rounds")}
    lines = [say("bench_room", **room).in_(lang), " " * 28 + "".join(f"{head:>18}      ×" for head in heads)]
    for kind, each in figures["servers"].items():
        cells = (
            f"{each[name]:18,.{2 * name.endswith('cpu_us')}f} {figures['ratios'][kind][name]:6.2f}" for name in names
        )
        lines.append(f"{LABELS[kind]:28}{''.join(cells)}")
    lesson = figures["class"]
    lines += ["", say("bench_class", clients=lesson["clients"], rate=lesson["messages_per_s"]).in_(lang)]
    for kind, each in lesson["servers"].items():
        late = f"p50 {each['p50_ms']:8,.1f} ms   p99 {each['p99_ms']:8,.1f} ms   {each['delivered']:7.1%}"
        lines.append(f"{LABELS[kind]:28} {late}")
    return "\n".join(lines)
