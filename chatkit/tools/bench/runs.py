"""What is measured: floods, joins, a replay beside live talk, a class, and a chat beside busy labs.

A run gives figures by name; `…_per_s` is a speed, `…_cpu_us` the server's CPU for each, `…_ms` a delay.
"""

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from chatkit.tools.bench.load import PATIENCE, Client, Room, come_in, full_room
from chatkit.tools.bench.servers import Running

__all__ = ["beside_labs", "flood", "joins", "replay", "speed", "talk", "writes"]

Figures = dict[str, float]

SECONDS = 2.0  # a flood ends after all its messages, or after this


def speed(server: Running, kind: str, clients: int, messages: int) -> Figures:
    """Messages as fast as the server goes, eight in flight and one in flight."""
    with full_room(server.port, kind, clients) as room:
        figures: Figures = {}
        for window, share in ((8, messages), (1, max(1, messages // 4))):
            per_second, cpu_us = flood(server, room, share, window)
            figures |= {f"window_{window}_per_s": per_second, f"window_{window}_cpu_us": cpu_us}
    return figures


def flood(server: Running, room: Room, messages: int, window: int) -> tuple[float, float]:
    """Always `window` messages in flight: deliveries a second, and the server's CPU for each in microseconds."""
    first, last, start, before = room.done, room.sent + messages, time.perf_counter(), server.used()
    while room.sent < last and time.perf_counter() - start < SECONDS:
        while room.sent < last and room.sent - room.done < window:
            room.send()
        room.hear()
    while room.done < room.sent:
        room.hear()
    seconds = time.perf_counter() - start
    deliveries = (room.done - first) * len(room.clients)
    return deliveries / seconds, (server.used().cpu - before.cpu) / deliveries * 1e6


def writes(server: Running, kind: str, clients: int, messages: int) -> float:
    """Deliveries for each write to a socket, with eight messages in flight; for a server that counts its writes."""
    with full_room(server.port, kind, clients) as room:
        first, before = room.done, server.used().writes
        flood(server, room, messages, 8)
        return (room.done - first) * len(room.clients) / max(1, server.used().writes - before)


def joins(server: Running, kind: str, clients: int) -> Figures:
    """Everybody comes in, one by one into an empty room, and then as many again all at once."""
    figures: Figures = {}
    with closing(Room()) as crowd:
        for name, at_once in (("one_by_one", 1), ("burst", clients)):
            newcomers = [Client(crowd, kind.startswith("json")) for _ in range(clients)]
            crowd.clients += newcomers
            start, before = time.perf_counter(), server.used()
            for first in range(0, clients, at_once):
                come_in(newcomers[first : first + at_once], server.port)
            figures[f"{name}_per_s"] = clients / (time.perf_counter() - start)
            figures[f"{name}_cpu_us"] = (server.used().cpu - before.cpu) / clients * 1e6
    return figures


def talk(room: Room, messages: int, rate: float, meanwhile: Callable[[int], None] = lambda number: None) -> Figures:
    """Everybody speaks in turn, `rate` messages a second: how long until each delivery, and how many came.

    A server that does not keep up is given up after a while: then what came counts.
    """
    room.delays, first = array("d"), room.sent
    start = time.perf_counter()
    for number in range(messages):
        while (wait := start + number / rate - time.perf_counter()) > 0:
            room.hear(wait)
        room.send(number)
        meanwhile(number)
    end = time.perf_counter() + PATIENCE
    while room.done < room.sent and time.perf_counter() < end:
        room.hear(1)
    delays = sorted(room.delays) or [PATIENCE]
    percentiles = {f"p{percent}_ms": delays[len(delays) * percent // 100] * 1e3 for percent in (50, 99)}
    return {**percentiles, "delivered": len(delays) / ((room.sent - first) * len(room.clients))}


def replay(server: Running, clients: int, kept: int, readers: int, messages: int, rate: float) -> dict[str, Figures]:
    """The same talk twice: alone, and while `readers` come in who want all that is kept."""
    with full_room(server.port, "json", clients) as room:
        flood(server, room, kept, 50)
        alone = talk(room, messages, rate)
        with guests(room, [Client(room, is_json=True, is_counted=False) for _ in range(readers)], server) as late:
            beside = talk(room, messages, rate)
            while min(client.heard for client in late) < room.sent:
                room.hear()
    return {"alone": alone, "beside": beside}


def beside_labs(server: Running, clients: int, learners: int, messages: int, rate: float) -> dict[str, Figures]:
    """The same talk twice: alone, and while as many people try a lab on the same server."""
    with full_room(server.port, "json", clients) as room:
        alone = talk(room, messages, rate)
        paths = (f"/lab/1?name=learner-{number}" for number in range(learners))
        with guests(room, [Client(room, False, path=path, is_counted=False) for path in paths], server) as busy:
            beside = talk(room, messages, rate, lambda number: busy[number % learners].say("hello"))
    return {"alone": alone, "beside": beside}


@contextmanager
def guests(room: Room, clients: Sequence[Client], server: Running) -> Iterator[Sequence[Client]]:
    """People beside the room: what they hear is read, and is no delivery of the room's."""
    try:
        come_in(clients, server.port)
        room.watch(clients)
        yield clients
        room.leave(clients)
    finally:
        for client in clients:
            client.socket.close()
