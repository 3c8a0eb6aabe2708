"""The network in memory behaves as sockets do, and the kit runs where there are neither those nor threads (a browser).

What both networks must do is tried on both.
"""

import asyncio
import errno
import socket
import subprocess
import sys
from typing import Any

import pytest

from chatkit import connect, serve
from chatkit.addresses import free_port
from chatkit.lite import Network, NoTLS
from tests.needs import ROOT

LOTS = bytes(range(256)) * 64 * 1024  # 16 MiB: more than window and buffers take


@pytest.fixture(params=["sockets", "memory"])
async def anywhere(request: pytest.FixtureRequest) -> None:
    if request.param == "memory":
        Network(asyncio.get_running_loop()).carry()


@pytest.fixture
async def network() -> Network:
    network = Network(asyncio.get_running_loop())
    network.carry()
    return network


class Watcher(asyncio.Protocol):
    """Notes what its transport tells it."""

    transport: Any

    def __init__(self) -> None:
        self.got, self.error = bytearray(), None
        self.made, self.paused, self.resumed, self.lost = (asyncio.Event() for _ in range(4))

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.made.set()

    def data_received(self, data: bytes) -> None:
        self.got += data

    def pause_writing(self) -> None:
        self.paused.set()

    def resume_writing(self) -> None:
        self.resumed.set()

    def connection_lost(self, error: Any) -> None:
        self.error = error
        self.lost.set()


async def pair(server_reads: bool = True) -> tuple[Watcher, Watcher, asyncio.AbstractServer]:
    """A client and the server's end of its connection."""
    loop = asyncio.get_running_loop()
    near, far = Watcher(), Watcher()
    server = await loop.create_server(lambda: far, "127.0.0.1", 0)
    await loop.create_connection(lambda: near, *server.sockets[0].getsockname())
    await far.made.wait()
    if not server_reads:
        await asyncio.sleep(0)  # Python 3.11.2 begins to read only behind `connection_made`, whatever that said
        far.transport.pause_reading()
    # Else a kernel may give the reader's buffer 32 MB, and LOTS fits in.
    far.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
    return near, far, server


@pytest.mark.usefixtures("anywhere")
async def test_each_end_knows_the_other_by_its_port() -> None:
    near, far, server = await pair()
    for ours, theirs in ((near, far), (far, near)):
        assert ours.transport.get_extra_info("peername") == theirs.transport.get_extra_info("sockname")
    assert near.transport.get_extra_info("peername") == server.sockets[0].getsockname()
    near.transport.close()
    await far.lost.wait()
    assert (near.error, far.error) == (None, None)
    server.close()


@pytest.mark.usefixtures("anywhere")
async def test_bytes_come_in_order_and_without_borders() -> None:
    near, far, server = await pair()
    for start in range(0, len(LOTS), 300_000):
        near.transport.write(LOTS[start : start + 300_000])
    near.transport.close()
    await far.lost.wait()
    assert far.got == LOTS
    server.close()


@pytest.mark.usefixtures("anywhere")
async def test_a_sleeping_reader_pauses_the_writer_until_it_wakes() -> None:
    near, far, server = await pair(server_reads=False)
    near.transport.write(LOTS)
    await near.paused.wait()
    assert near.transport.get_write_buffer_size() > 64 * 1024 and not far.got
    far.transport.resume_reading()
    await near.resumed.wait()
    near.transport.close()
    await far.lost.wait()
    assert far.got == LOTS
    server.close()


@pytest.mark.usefixtures("anywhere")
async def test_with_less_room_below_less_is_on_its_way() -> None:
    waits = []
    for room in (16_384, 131_072):
        near, far, server = await pair(server_reads=False)
        near.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
        far.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        near.transport.write(LOTS)
        waits.append(near.transport.get_write_buffer_size())
        near.transport.abort()
        far.transport.abort()
        server.close()
    assert waits[0] > waits[1]


@pytest.mark.usefixtures("anywhere")
async def test_closing_waits_until_all_is_written_and_aborting_does_not() -> None:
    near, far, server = await pair(server_reads=False)
    near.transport.write(LOTS)
    near.transport.close()
    await asyncio.wait([asyncio.ensure_future(near.lost.wait())], timeout=0.1)
    assert not near.lost.is_set() and near.transport.is_closing()
    near.transport.abort()
    await near.lost.wait()
    far.transport.resume_reading()
    await far.lost.wait()
    assert 0 < len(far.got) < len(LOTS)
    server.close()


@pytest.mark.usefixtures("anywhere")
async def test_after_an_end_of_file_the_other_may_still_answer() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"you said: " + await reader.read())
        writer.close()

    async with await asyncio.start_server(answer, "localhost", 0) as server:
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
        writer.write(b"hi")
        writer.write_eof()
        assert await reader.read() == b"you said: hi"
        with pytest.raises(RuntimeError):
            writer.write(b"more")
        writer.close()
        await writer.wait_closed()


async def test_what_nobody_read_becomes_a_reset(network: Network) -> None:
    near, far, server = await pair(server_reads=False)
    near.transport.write(b"never read")
    far.transport.abort()
    await near.lost.wait()
    assert isinstance(near.error, ConnectionResetError)
    server.close()


@pytest.mark.usefixtures("anywhere")
async def test_nobody_listens() -> None:
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", free_port())


@pytest.mark.usefixtures("anywhere")
async def test_a_port_is_taken_until_its_server_is_closed() -> None:
    async def nothing(*_: object) -> None: ...

    server = await asyncio.start_server(nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(OSError) as taken:
        await asyncio.start_server(nothing, "127.0.0.1", port)
    assert taken.value.errno == errno.EADDRINUSE
    server.close()
    await server.wait_closed()
    async with await asyncio.start_server(nothing, "127.0.0.1", port):
        pass


# --- what only this one can ---


async def test_a_delay_keeps_the_order(network: Network) -> None:
    near, far, _ = await pair()
    network.delay = 0.05
    near.transport.write(b"first ")
    network.delay = 0
    near.transport.write(b"second")
    near.transport.close()
    await far.lost.wait()
    assert far.got == b"first second"


async def test_over_a_cut_line_nothing_comes_and_nobody_knows_until_it_is_mended(network: Network) -> None:
    near, far, _ = await pair()
    network.cut()
    near.transport.write(b"are you there?")
    for _ in range(10):
        await asyncio.sleep(0)
    assert not far.got and not near.lost.is_set() and near.transport.get_write_buffer_size() == 0
    network.mend()
    near.transport.close()
    await far.lost.wait()
    assert far.got == b"are you there?"


async def test_a_client_comes_back_after_a_reset_and_misses_nothing(network: Network) -> None:
    async with serve(port=8765) as server, connect(server.uri, name="Mali") as mali:
        async with connect(server.uri, name="Noi") as noi:
            await mali.send("before")
            network.reset()
            assert await mali.send("after") == 2
            heard = []
            async for event in noi:
                heard += [event.text] if event.seq else []
                if len(heard) == 2:
                    break
    assert heard == ["before", "after"]
    assert network.listeners == {} and network.ends == set()


async def test_no_other_computer_and_no_tls(network: Network) -> None:
    with pytest.raises(socket.gaierror):
        await asyncio.open_connection("chat.example", 80)
    with pytest.raises(NoTLS) as refused:
        await asyncio.open_connection("localhost", 443, ssl=True)
    assert "wss://" in refused.value.said.en and "wss://" in refused.value.said.th


def test_a_chat_without_sockets_threads_and_processes() -> None:
    """Only `addresses` may ask whether there are any: it knows what to do where there are none."""
    ran = subprocess.run([sys.executable, "-m", "tests.lite"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("sockets tried by: chatkit.addresses\n"), ran.stdout
