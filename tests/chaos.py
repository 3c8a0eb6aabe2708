"""Rough weather: a server process that can be killed, a link that can be cut, clients that never read."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from websockets.frames import Frame, Opcode

from chatkit import Chat, Event
from chatkit.server import free_port
from tests.needs import ROOT
from tests.processes import heed_ctrl_c

START = 30.0  # seconds that a new Python process may take on a busy machine


class ServerProcess:
    """`chatkit serve` as a process of its own, on one port and one file, as often as it is started."""

    def __init__(self, db: Path) -> None:
        self.db, self.port = db, free_port()
        self.uri = f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start it and wait for the line that says where it listens."""
        options = ["--port", str(self.port), "--db", str(self.db), "--rate", "0", "--no-input"]
        heed_ctrl_c()
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chatkit", "serve", *options),
            cwd=ROOT,
            env=environment,
            stdin=DEVNULL,
            stdout=PIPE,
        )
        assert self.process.stdout
        async with asyncio.timeout(START):
            while f":{self.port}" not in (line := (await self.process.stdout.readline()).decode()):
                assert line, "the server ended before it listened"
        self.output = asyncio.create_task(self.process.stdout.read())

    async def kill(self) -> None:
        """SIGKILL: no word of good-bye, nothing flushed."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self.output

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP: as a laptop that sleeps. The system still takes what comes for it."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    async def interrupt(self) -> int:
        """Ctrl+C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(START):
            return await self.process.wait()

    def memory(self) -> float:
        """What it holds in memory now (RSS), MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def rows(self) -> list[tuple[int, str, str, str]]:
        """The lobby's log, read past the kit: (seq, id, author's name, text) in order."""
        with closing(sqlite3.connect(self.db)) as db:
            query = "SELECT seq, id, name, text FROM messages WHERE room = 'lobby' ORDER BY seq"
            return db.execute(query).fetchall()


class Link:
    """A TCP link to a server that can be cut, or go on while the answers get lost."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.is_deaf = False  # what the server says is swallowed
        self.halves: set[asyncio.StreamWriter] = set()
        self.ever = 0  # connections made through it

    async def __aenter__(self) -> Self:
        self.listener = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        self.uri = f"ws://127.0.0.1:{self.listener.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.listener.close()
        self.cut()
        await self.listener.wait_closed()

    def cut(self) -> None:
        """The cable is out: both ends see a reset. The next connection finds a whole cable."""
        self.is_deaf = False
        for half in self.halves:
            half.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.ever += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self.halves |= both
        try:
            await asyncio.gather(self.pump(reader, far_writer), self.pump(far_reader, writer, answers=True))
        finally:
            self.halves -= both

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool = False) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if not (answers and self.is_deaf):
                    writer.write(data)
        writer.close()


class Staller:
    """A client that shakes hands, says hello if it is told to, and never reads a byte."""

    def __init__(self, port: int, path: str = "/", *, hello: dict[str, Any] | None = None) -> None:
        self.socket = socket.socket()
        self.pings = b""
        # Small, so that what it does not read waits in the server and not in the system.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        offer = "Sec-WebSocket-Protocol: chatkit.v1\r\n" if hello is not None else ""
        handshake = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
        )
        self.socket.send(handshake.encode())
        if hello is not None:
            self.say({"type": "hello", **hello})

    def say(self, message: dict[str, Any]) -> None:
        self.socket.send(Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True))

    def ping(self, count: int) -> int:
        """Pings, as many of them as the system takes; returns their bytes. ConnectionError once we are put out."""
        self.pings = self.pings or Frame(Opcode.PING, b"x" * 125).serialize(mask=True) * count
        sent = 0
        with suppress(BlockingIOError):
            sent = self.socket.send(self.pings)
        self.pings = self.pings[sent:]  # the next one goes on where this one was cut
        return sent

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.socket.close()


class Listener:
    """All that a chat tells, kept as it comes: `numbered` holds the messages, `events` the rest, too.

    last: the last number that was heard.
    """

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.events: list[Event] = []
        self.last = 0

    async def listen(self) -> None:
        async for event in self.chat:
            self.events.append(event)
            self.last = event.seq or self.last

    @property
    def numbered(self) -> list[Event]:
        return [event for event in self.events if event.seq]

    @property
    def seqs(self) -> list[int]:
        return [event.seq for event in self.numbered]

    def of_type(self, type: str) -> list[Event]:
        return [event for event in self.events if event.type == type]


@asynccontextmanager
async def listening(*chats: Chat) -> AsyncIterator[list[Listener]]:
    """Listeners for open chats, for as long as the block runs."""
    listeners = [Listener(chat) for chat in chats]
    tasks = [asyncio.create_task(listener.listen()) for listener in listeners]
    try:
        yield listeners
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
