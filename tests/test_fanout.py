import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, broadcast, serve

from chatkit.fanout import Fanout, Frames, Outlet
from chatkit.limits import Reaper
from chatkit.web.answers import Connection
from tests.chat import CEILING, dial

SIZES = [0, 125, 126, 65_535, 65_536]


class Tap:
    """A transport that also writes down what passes it."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(bytes(data))
        self.transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)


class Watched(ServerConnection):
    """A subclass, as a recorder of the wire brings one."""

    def send_data(self) -> None:
        super().send_data()


@asynccontextmanager
async def pair(**options: Any) -> AsyncIterator[tuple[ServerConnection, ClientConnection]]:
    """Both ends of one real connection."""
    accepted: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        accepted.set_result(connection)
        await connection.wait_closed()

    compression = options.setdefault("compression", None)
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        port = server.sockets[0].getsockname()[1]
        async with dial(f"ws://127.0.0.1:{port}", max_size=None, compression=compression) as client:
            yield await accepted, client


def frames(*texts: str) -> Frames:
    return Frames([text.encode() for text in texts])


def tap(connection: ServerConnection) -> Tap:
    connection.transport = Tap(connection.transport)  # type: ignore[assignment]
    return connection.transport  # type: ignore[return-value]


async def heard(client: ClientConnection, count: int) -> list[str]:
    async with asyncio.timeout(CEILING):
        return [str(await client.recv()) for _ in range(count)]


async def next_turn() -> None:
    """Until everything that was scheduled before has run."""
    turn = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, None)
    await turn


# --- the bytes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_frames_are_the_bytes_that_websockets_would_write(size: int) -> None:
    text = "a" * size
    async with pair() as (connection, client):
        transport = tap(connection)
        broadcast([connection], text)
        by_websockets = b"".join(transport.written)
        transport.written.clear()
        Fanout(connection.loop).deliver([reader := Outlet(connection)], frames(text))
        assert reader.pending.texts
        await next_turn()
        assert b"".join(transport.written) == by_websockets == frames(text).data
        assert await heard(client, 2) == [text, text]


async def test_many_texts_are_the_frames_of_each_in_order() -> None:
    texts = ["สวัสดี", "", "🟢 Server: hi", "x" * 70_000]
    assert frames(*texts).data == b"".join(frames(text).data for text in texts)
    async with pair() as (connection, client):
        Fanout(connection.loop).deliver([Outlet(connection)], frames(*texts))
        assert await heard(client, len(texts)) == texts


# --- one write per client and turn ---------------------------------------------------------------------------------


async def test_one_write_for_each_client_and_turn() -> None:
    async with pair() as (one, one_client), pair() as (two, two_client):
        taps = [tap(one), tap(two)]
        fanout, readers = Fanout(one.loop), [Outlet(one), Outlet(two)]
        fanout.deliver(readers, frames("to all"))
        fanout.deliver(readers[:1], frames("to one", "and again"))
        fanout.deliver(readers, frames("to all once more"))
        assert [each.written for each in taps] == [[], []]  # not before the end of the turn
        await next_turn()
        assert [len(each.written) for each in taps] == [1, 1]
        assert await heard(one_client, 4) == ["to all", "to one", "and again", "to all once more"]
        assert await heard(two_client, 2) == ["to all", "to all once more"]


async def test_the_next_turn_writes_again() -> None:
    async with pair() as (connection, client):
        transport, fanout, reader = tap(connection), Fanout(connection.loop), Outlet(connection)
        for text in ("first", "second"):
            fanout.deliver([reader], frames(text))
            await next_turn()
        assert len(transport.written) == 2
        await next_turn()
        assert len(transport.written) == 2
        assert await heard(client, 2) == ["first", "second"]


@pytest.mark.parametrize(("count", "texts"), [(0, ["hi"]), (1, [])])
async def test_nothing_to_say_is_no_write(count: int, texts: list[str]) -> None:
    async with pair() as (connection, _):
        transport = tap(connection)
        Fanout(connection.loop).deliver([Outlet(connection)] * count, frames(*texts))
        await next_turn()
        assert transport.written == []


async def test_a_flush_in_between_keeps_the_order_and_says_nothing_twice() -> None:
    async with pair() as (connection, client):
        fanout, reader = Fanout(connection.loop), Outlet(connection)
        fanout.deliver([reader], frames("first"))
        fanout.flush()
        fanout.deliver([reader], frames("second"))
        await next_turn()
        fanout.deliver([reader], frames("last"))
        assert await heard(client, 3) == ["first", "second", "last"]


async def test_who_is_gone_does_not_hold_the_others() -> None:
    async with pair() as (gone, gone_client), pair() as (here, client):
        fanout = Fanout(here.loop)
        gone_client.transport.abort()
        await gone.wait_closed()
        fanout.deliver([Outlet(gone), Outlet(here)], frames("hi"))
        assert await heard(client, 1) == ["hi"]


# --- where it must not write past websockets -----------------------------------------------------------------------


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> list[ServerConnection]:
    """To whom websockets itself had to send; all others are written to directly."""
    asked: list[ServerConnection] = []

    def spy(connections: list[ServerConnection], text: bytes, **options: Any) -> None:
        asked.extend(connections)
        broadcast(connections, text, **options)

    monkeypatch.setattr("chatkit.fanout.broadcast", spy)
    return asked


@pytest.mark.parametrize("kind", [ServerConnection, partial(Connection, print)])
async def test_an_open_connection_that_nobody_watches_is_written_to_directly(kind: Any, past: list[Any]) -> None:
    async with pair(create_connection=kind) as (connection, client):
        Fanout(connection.loop).deliver([Outlet(connection)], frames("hi"))
        assert await heard(client, 1) == ["hi"]
        assert past == []


async def test_a_subclass_sees_every_frame() -> None:
    async with pair(create_connection=Watched) as (connection, client):
        sent: list[bytes] = []
        send_text = connection.protocol.send_text
        connection.protocol.send_text = lambda data: sent.append(data) or send_text(data)  # type: ignore[assignment]
        Fanout(connection.loop).deliver([Outlet(connection)], frames("one", "two"))
        assert await heard(client, 2) == ["one", "two"]
        assert sent == [b"one", b"two"]


async def test_a_compressed_connection_gets_compressed_frames() -> None:
    async with pair(compression="deflate") as (connection, client):
        assert connection.protocol.extensions
        transport = tap(connection)
        Fanout(connection.loop).deliver([Outlet(connection)], frames("hi " * 100))
        assert await heard(client, 1) == ["hi " * 100]
        assert len(b"".join(transport.written)) < 100


async def test_nothing_goes_past_websockets_into_a_fragmented_message() -> None:
    async with pair() as (connection, client):
        go_on = asyncio.Event()

        async def fragments() -> AsyncIterator[str]:
            yield "half "
            await go_on.wait()
            yield "whole"

        sending = asyncio.create_task(connection.send(fragments()))
        while not connection.protocol.expect_continuation_frame:
            await next_turn()
        transport, fanout, reader = tap(connection), Fanout(connection.loop), Outlet(connection)
        fanout.deliver([reader], frames("not now"))
        fanout.flush()
        assert transport.written == []
        go_on.set()
        await sending
        fanout.deliver([reader], frames("now"))
        assert await heard(client, 2) == ["half whole", "now"]


@pytest.mark.parametrize("close", [lambda server, client: server.close(), lambda server, client: client.close()])
async def test_nothing_is_written_after_the_closing_handshake(
    close: Callable[[ServerConnection, ClientConnection], Awaitable[None]],
) -> None:
    async with pair() as (connection, client):
        await close(connection, client)
        transport = tap(connection)
        Fanout(connection.loop).deliver([Outlet(connection)], frames("too late"))
        await next_turn()
        assert transport.written == []


# --- the reaper ----------------------------------------------------------------------------------------------------


class Buffer:
    """A connection as the reaper sees it: so many bytes wait in its transport."""

    def __init__(self, unread: int = 0) -> None:
        self.unread = unread
        self.aborted = 0
        self.transport = self

    def get_write_buffer_size(self) -> int:
        return self.unread

    def abort(self) -> None:
        self.aborted += 1


@pytest.fixture
def reaper() -> Iterator[Reaper]:
    return Reaper(max_unread=1_000, patience=10.0)


def reap(reaper: Reaper, *buffers: Buffer, now: float) -> None:
    reaper.reap(buffers, now)  # type: ignore[arg-type]


def test_who_reads_stays(reaper: Reaper) -> None:
    buffer = Buffer()
    for now in range(100):
        reap(reaper, buffer, now=now)
    assert not buffer.aborted


def test_over_the_cap_at_two_looks_is_out(reaper: Reaper) -> None:
    over, at = Buffer(1_001), Buffer(1_000)
    for now in (0, 1):
        assert not over.aborted
        reap(reaper, over, at, now=now)
    assert (over.aborted, at.aborted) == (1, 0)


def test_a_burst_that_is_read_by_the_next_look_is_no_offence(reaper: Reaper) -> None:
    buffer = Buffer()
    for now in range(100):
        buffer.unread = 5_000 if now % 2 else 900
        reap(reaper, buffer, now=now)
    assert not buffer.aborted


def test_who_reads_nothing_for_ten_seconds_is_out(reaper: Reaper) -> None:
    stalled = Buffer(1)
    for now in range(10):
        reap(reaper, stalled, now=now)
        assert not stalled.aborted
    reap(reaper, stalled, now=10)
    assert stalled.aborted


def test_a_buffer_that_only_grows_is_not_read(reaper: Reaper) -> None:
    stalled = Buffer(1)
    for now in range(11):
        stalled.unread += 10
        reap(reaper, stalled, now=now)
    assert stalled.aborted


def test_who_reads_slowly_stays(reaper: Reaper) -> None:
    slow = Buffer(900)
    for now in range(0, 80, 8):
        slow.unread -= 10
        reap(reaper, slow, now=now)
    assert not slow.aborted


def test_who_has_read_all_gets_the_whole_patience_again(reaper: Reaper) -> None:
    buffer = Buffer(5)
    reap(reaper, buffer, now=0)
    buffer.unread = 0
    reap(reaper, buffer, now=9)
    buffer.unread = 5
    reap(reaper, buffer, now=18)
    assert not buffer.aborted
    reap(reaper, buffer, now=28)
    assert buffer.aborted


def test_one_stalled_reader_does_not_cost_the_others(reaper: Reaper) -> None:
    stalled, fine = Buffer(5), Buffer()
    for now in (0, 10):
        reap(reaper, stalled, fine, now=now)
    assert (stalled.aborted, fine.aborted) == (1, 0)


async def test_a_real_connection_over_the_cap_is_aborted() -> None:
    async with pair() as (connection, client):
        client.transport.pause_reading()
        while not connection.transport.get_write_buffer_size():  # until the system takes no more
            broadcast([connection], "x" * 1_000_000)
        reaper = Reaper(max_unread=1)
        for now in (0.0, 1.0):
            reaper.reap([connection], now)
        async with asyncio.timeout(CEILING):
            await connection.wait_closed()
        assert connection.transport.is_closing()
        client.transport.abort()
