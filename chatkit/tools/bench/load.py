"""The load: a room full of clients that do as little as they can, so that they cost less than the server."""

import selectors
import socket
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from websockets.frames import Frame, Opcode

__all__ = ["PATIENCE", "TEXT", "Client", "Room", "come_in", "full_room"]

PATIENCE = 15.0  # seconds until a server that does not keep up is given up; before the pings of its keepalive count
CROWD = 50  # clients that come in together

# Stands once in each text and nowhere else in a frame, so that counting it counts deliveries. A single byte: no cut
# between two chunks can hide it.
MARK = b"@"
TEXT = MARK.decode() + "x" * 99


class Room:
    """Everybody in the room, and how far all of them have heard. A message is done when the last one has it."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.selector = selectors.DefaultSelector()
        self.buffer = bytearray(256 * 1024)  # one for all: what is read is counted at once
        self.sent = self.done = self.behind = 0
        self.sent_at: list[float] = []
        self.delays: array[float] | None = None  # seconds of every delivery, where they are wanted

    def watch(self, clients: "Sequence[Client]") -> None:
        for client in clients:
            self.selector.register(client.socket, selectors.EVENT_READ, client)

    def close(self) -> None:
        self.selector.close()
        for client in self.clients:
            client.socket.close()

    def leave(self, clients: "Sequence[Client]") -> None:
        for client in clients:
            self.selector.unregister(client.socket)

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
    """One client: it counts the marks in the raw bytes. It answers no ping; a run is over before one is missed.

    path: where it goes, the lobby or elsewhere. is_counted: whether what it hears is a delivery of the room's.
    """

    def __init__(self, room: Room, is_json: bool, path: str = "/", is_counted: bool = True) -> None:
        self.room, self.is_json, self.path, self.is_counted = room, is_json, path, is_counted
        self.heard = 0
        self.socket = socket.socket()

    def connect(self, port: int) -> None:
        """The client's part of the handshake (RFC 6455, 4.1)."""
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect(("127.0.0.1", port))
        offer = "Sec-WebSocket-Protocol: chatkit.v1\r\n" if self.is_json else ""
        handshake = (
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"{offer}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.socket.sendall(handshake.encode())

    def greet(self) -> None:
        self.say('{"type":"hello","after":0}')

    def expect(self, answer: bytes) -> None:
        came = b""
        while answer not in came:
            came += self.socket.recv(65536) or lost()
        if not self.is_counted:  # what came with the answer is no delivery of the room's
            self.heard += came.count(MARK)

    def send(self, number: int) -> None:
        self.say(f'{{"type":"send","id":"{number}","text":"{TEXT}"}}' if self.is_json else TEXT)

    def say(self, text: str) -> None:
        self.socket.sendall(masked(text))

    def read(self) -> None:
        buffer = self.room.buffer
        size = self.socket.recv_into(buffer) or lost()
        found = buffer.count(MARK, 0, size)
        if found:
            before, self.heard = self.heard, self.heard + found
            if self.is_counted:
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
            come_in(room.clients[start : start + CROWD], port)
        room.watch(room.clients)
        room.behind = clients
        room.send()
        while room.done < room.sent:
            room.hear()
        yield room
    finally:
        room.close()


def come_in(newcomers: "Sequence[Client]", port: int) -> None:
    """Many come through the door together, as a class does, and say hello where the dialect asks for it."""
    for client in newcomers:
        client.connect(port)
    for client in newcomers:
        client.expect(b"\r\n\r\n")
    talkers = [client for client in newcomers if client.is_json]
    for client in talkers:
        client.greet()
    for client in talkers:
        client.expect(b"welcome")
