"""A network in memory: what TCP is to a program, for a Python that has no sockets, as in a browser.

There the event loop's `create_server` and `create_connection` lead here, and all that stands on them (asyncio's
streams, websockets, this kit) runs as it is. A connection is two ends with a pipe each way. What is written passes
three places, as it does with TCP:

    write() ─▶ backlog ─────────────────▶ on its way ──── delay ────▶ arrived ─▶ data_received()
               the writer's own memory    └─ the window: at most WINDOW bytes ─┘

A reader that sleeps leaves its bytes in the window. A full window lets the backlog grow; a high backlog tells the
writer to pause (`pause_writing`): that is back pressure, and all of it.
"""

import asyncio
import errno
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from socket import AF_INET, AF_INET6, EAI_NONAME, SO_RCVBUF, SO_SNDBUF, AddressFamily, gaierror
from typing import Any

from chatkit.addresses import DYNAMIC
from chatkit.errors import ChatError

Factory = Callable[[], asyncio.BaseProtocol]

WINDOW = 256 * 1024  # bytes on their way to a reader, and not yet read by it (RFC 9293, 3.8.6)
HIGH = 64 * 1024  # bytes of a backlog at which its writer is told to pause; at a quarter of it to go on: asyncio's own
LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None)


class NoTLS(ChatError):
    """Somebody asked for `wss://`; nothing leaves this program, so there is nothing to encrypt."""

    key = "lite_no_tls"


class Pipe:
    """One way of a connection: a row of bytes without borders, from one end to the other."""

    def __init__(self, network: "Network", writer: "End", reader: "End") -> None:
        self.network, self.writer, self.reader = network, writer, reader
        self.backlog = bytearray()
        self.under_way: deque[bytes] = deque()  # b"" is the end (FIN)
        self.arrived: deque[bytes] = deque()
        self.unread = 0  # bytes in these two: the window
        self.room = {
            SO_SNDBUF: WINDOW // 2,
            SO_RCVBUF: WINDOW // 2,
        }  # bytes that fit into it: at the writer's, the reader's
        self.is_ending = self.has_ended = False  # nothing more is to be written; and the end is on its way, too

    def put(self, data: bytes) -> None:
        self.backlog += data
        self.move()

    def end(self) -> None:
        """Nothing more will be written: the reader hears it behind all that was."""
        self.is_ending = True
        self.move()

    def move(self) -> None:
        """What the window has room for goes on its way; the rest waits, and the writer is told how much that is."""
        if part := bytes(self.backlog[: max(0, sum(self.room.values()) - self.unread)]):
            del self.backlog[: len(part)]
            self.unread += len(part)
            self.send(part)
        if self.is_ending and not self.backlog and not self.has_ended:
            self.has_ended = True
            self.send(b"")
        self.writer.pace()

    def send(self, part: bytes) -> None:
        self.under_way.append(part)
        self.network.loop.call_later(self.network.delay, self.land)

    def land(self) -> None:
        """One part has arrived; who waits for bytes gets all that are there, once the loop is free."""
        self.arrived.append(self.under_way.popleft())
        self.network.loop.call_soon(self.hand_over)

    def hand_over(self) -> None:
        """The reader gets what has arrived, unless it sleeps; one that has gone answers with a reset."""
        if self.network.is_cut or (self.reader.is_asleep and not self.reader.is_gone):
            return
        parts = list(self.arrived)
        self.arrived.clear()
        if data := b"".join(parts):
            self.unread -= len(data)
            if self.reader.is_gone:
                self.writer.lose(reset_by_peer())
                return
            self.reader.protocol.data_received(data)
            self.move()
        if parts and not parts[-1] and not self.reader.is_gone:
            self.reader.hear_end()


class End(asyncio.Transport):
    """One end of a connection: the transport that a protocol gets.

    is_asleep: it reads nothing now, because it was told to pause or is closing. is_gone: `connection_lost` is called.
    """

    protocol: Any
    outgoing: Pipe
    incoming: Pipe

    def __init__(self, network: "Network", own: "Address", other: "Address") -> None:
        names = {"sockname": own.getsockname(), "peername": other.getsockname()}
        super().__init__({**names, "socket": Options(self)})
        self.network = network
        self.is_asleep = self.is_full = self.is_over = self.is_gone = False
        self.high, self.low = HIGH, HIGH // 4

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.outgoing.is_ending and not self.is_over:
            raise RuntimeError("Cannot call write() after write_eof()")
        if not self.is_over:
            self.outgoing.put(bytes(data))

    def pace(self) -> None:
        """Tell the writer to pause where the backlog is high, and to go on where it is low again."""
        size = len(self.outgoing.backlog)
        if size > self.high and not self.is_full and not self.is_over:
            self.is_full = True
            self.protocol.pause_writing()
        elif size <= self.low and self.is_full and not self.is_gone:
            self.is_full = False
            self.protocol.resume_writing()
        if self.is_over and self.outgoing.has_ended:
            self.network.loop.call_soon(self.lose, None)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.outgoing.end()

    def get_write_buffer_size(self) -> int:
        return len(self.outgoing.backlog)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self.low, self.high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = HIGH if high is None and low is None else 4 * (low or 0) if high is None else high
        self.low = self.high // 4 if low is None else low

    # Reading

    def is_reading(self) -> bool:
        return not self.is_asleep

    def pause_reading(self) -> None:
        self.is_asleep = True

    def resume_reading(self) -> None:
        self.is_asleep = self.is_over
        self.network.loop.call_soon(self.incoming.hand_over)

    def hear_end(self) -> None:
        """The other end writes no more. Unless the protocol wants to go on writing, that was it."""
        if not self.protocol.eof_received():
            self.close()

    # Ending

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        """Read no more; what was written goes out first, however long that takes."""
        if not self.is_over:
            self.is_asleep = self.is_over = True
            self.outgoing.end()

    def abort(self) -> None:
        """At once: the backlog is forgotten; what is on its way arrives."""
        self.is_asleep = self.is_over = True
        self.outgoing.backlog.clear()
        self.outgoing.end()

    def lose(self, error: Exception | None) -> None:
        """The connection is over for this end. Bytes that it never read become a reset at the other."""
        if self.is_gone:
            return
        self.is_asleep = self.is_over = self.is_gone = True
        self.outgoing.backlog.clear()
        self.network.ends.discard(self)
        if self.incoming.unread:
            self.network.loop.call_soon(self.incoming.hand_over)
        self.protocol.connection_lost(error)

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self.protocol
        return protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


@dataclass(frozen=True)
class Options:
    """What stands for a connection's socket: how much room there is in the window can be set."""

    end: End

    def setsockopt(self, _level: int, option: int, value: int) -> None:
        pipe = self.end.incoming if option == SO_RCVBUF else self.end.outgoing
        if option in pipe.room:
            pipe.room[option] = value


@dataclass(frozen=True)
class Address:
    """A host of this program's own and a port: what stands for a socket where one is asked for its name."""

    host: str
    port: int

    @classmethod
    def of(cls, host: str | None, port: int, anywhere: str = "127.0.0.1") -> "Address":
        return cls({"localhost": "127.0.0.1", "": anywhere, None: anywhere}.get(host) or str(host), port)

    @property
    def family(self) -> AddressFamily:
        return AF_INET6 if ":" in self.host else AF_INET

    def getsockname(self) -> tuple[str, int] | tuple[str, int, int, int]:
        return (self.host, self.port, 0, 0) if ":" in self.host else (self.host, self.port)


class Listener(asyncio.AbstractServer):
    """What `create_server` gives; `sockets` are addresses."""

    def __init__(self, network: "Network", factory: Factory, hosts: Iterable[str | None], port: int) -> None:
        self.network, self.factory, self.port = network, factory, port
        self.sockets = tuple(Address.of(host, port, "0.0.0.0") for host in hosts)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self.network.loop

    def is_serving(self) -> bool:
        return self.network.listeners.get(self.port) is self

    async def start_serving(self) -> None:
        self.network.listeners[self.port] = self

    async def serve_forever(self) -> None:
        await self.start_serving()
        try:
            await self.network.loop.create_future()
        finally:
            self.close()

    def close(self) -> None:
        """Nobody new comes in; who is in stays."""
        if self.is_serving():
            del self.network.listeners[self.port]

    async def wait_closed(self) -> None:
        """Closed is closed."""


class Network:
    """All that can be reached in one program: listeners by port, and the ends of every connection.

    delay:  seconds from a write to its arrival; of what is written from now on.
    is_cut: nothing arrives, and nobody is told, as with a cable that is out; `cut()` and `mend()` change it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float = 0.0) -> None:
        self.loop, self.delay, self.is_cut = loop, delay, False
        self.listeners: dict[int, Listener] = {}
        self.ends: set[End] = set()
        self.ports = count(DYNAMIC)

    def carry(self) -> None:
        """From now on the loop's servers and connections are made here."""
        for method in (self.create_server, self.create_connection):
            setattr(self.loop, method.__name__, method)

    def cut(self) -> None:
        self.is_cut = True

    def mend(self) -> None:
        """What was under way arrives after all: TCP has sent it again."""
        self.is_cut = False
        for end in self.ends:
            self.loop.call_soon(end.incoming.hand_over)

    def reset(self) -> None:
        """Every connection is over at both ends, without a goodbye."""
        for end in list(self.ends):
            end.lose(reset_by_peer())

    async def create_server(
        self,
        factory: Factory,
        host: str | list[str] | None = None,
        port: int | None = None,
        *,
        ssl: object = None,
        start_serving: bool = True,
        **_: object,
    ) -> Listener:
        """As `loop.create_server`."""
        if ssl:
            raise NoTLS
        port = port or next(each for each in self.ports if each not in self.listeners)
        if port in self.listeners:
            raise OSError(errno.EADDRINUSE, f"error while attempting to bind on port {port}: address already in use")
        hosts = [host] if isinstance(host, str) or host is None else host
        for each in hosts:
            check_host(each)
        listener = Listener(self, factory, hosts, port)
        if start_serving:
            await listener.start_serving()
        return listener

    async def create_connection(
        self,
        factory: Factory,
        host: str | None = None,
        port: int | None = None,
        *,
        ssl: object = None,
        **_: object,
    ) -> tuple[End, asyncio.BaseProtocol]:
        """As `loop.create_connection`."""
        check_host(host)
        if ssl:
            raise NoTLS
        there = Address.of(host, port or 0)
        await asyncio.sleep(2 * self.delay)  # there and back: TCP's own handshake (RFC 9293, 3.5)
        if there.port not in self.listeners:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed {there.getsockname()}")
        here = Address(there.host, next(self.ports))
        near, far = End(self, here, there), End(self, there, here)
        near.outgoing = far.incoming = Pipe(self, near, far)
        far.outgoing = near.incoming = Pipe(self, far, near)
        self.ends |= {near, far}
        near.protocol, far.protocol = factory(), self.listeners[there.port].factory()
        self.loop.call_soon(far.protocol.connection_made, far)
        near.protocol.connection_made(near)
        return near, near.protocol


def carry() -> None:
    """From now on the running loop's network is in memory: `import chatkit` calls this in a browser.

    There Pyodide bends two things where it can: its `time.sleep` lets the loop go on, and its `asyncio.run` runs inside
    of a running loop. Both lessons and programs count on Python's own, which come back. And with a task factory its
    loop calls a function that Python 3.14 has no more.
    """
    Network(asyncio.get_running_loop()).carry()
    time.sleep = getattr(time.sleep, "__wrapped__", time.sleep)
    asyncio.run = getattr(asyncio.run, "__wrapped__", asyncio.run)
    vars(asyncio.tasks).setdefault("_set_task_name", lambda task, name: name and task.set_name(name))


def reset_by_peer() -> ConnectionResetError:
    """What a program hears of a TCP reset (RFC 9293, 3.5.2)."""
    return ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


def check_host(host: str | None) -> None:
    """The only computer in this network is this one."""
    if host not in LOCAL:
        raise gaierror(EAI_NONAME, "Name or service not known")
