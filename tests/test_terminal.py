"""What a terminal shows, and what is typed into it."""

import asyncio
import os
import struct
import subprocess
import sys
import unicodedata
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from itertools import product

import pytest

from chatkit import connect, serve
from chatkit.events import NOBODY, Event, Who
from chatkit.tools.terminal import record
from tests.processes import PATIENCE, read_until, serving, start

MALI = Who("p1", "Mali")
EVIL = [
    "\x1b[2J",  # clears the screen
    "\x1b]52;c;aGk=\x07",  # writes the clipboard
    "\x1b]8;;http://evil.example\x1b\\here",
    "\x1bP$q\x1b\\",  # asks the terminal to type
    "\x9b31m",
    "a\rforged",
    "a\b\b",
    "a\nINFO forged",
    "a\u2028b",
    "\u202emirrored",
    "\u2066isolated\u2069",
    "\x7f",
]


@pytest.mark.parametrize("evil", EVIL)
def test_one_record_is_one_line_of_visible_characters(evil):
    for kind in ("msg", "notice", "joined", "left", "renamed", "line"):
        for lang, you in product(("en", "th", "both"), ("", "p1", "p2")):
            line = record(Event(kind, Who("p1", evil), room=evil, text=evil), lang, you)
            assert not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in line)
            assert not any(c in line for c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_the_seeds_look():
    hi = Event("msg", MALI, text="hi")
    assert record(hi, "en", you="p1") == "📩 You said: hi"
    assert record(hi, "en", you="p2") == record(hi, "en") == "📩 Mali says: hi"
    assert record(Event("joined", MALI), "en") == "✅ Mali joined"
    assert record(Event("left", MALI), "en") == "❌ Mali left"
    assert record(Event("line", MALI, text="Someone says: hi"), "en", you="p1") == "📩 Someone says: hi"


def test_an_operators_line_looks_different_on_both_sides():
    notice = Event("notice", Who("server", "Server"), text="hi")
    assert record(notice, "en") == "📤 hi"
    assert record(notice, "en", you="p1") == "📩 🟢 Server: hi"


def test_the_server_names_a_room_that_is_not_the_lobby():
    hi = Event("msg", MALI, room="blue", text="hi")
    assert record(hi, "en") == "📩 Mali says: hi  [blue]"
    assert record(hi, "en", you="p2") == "📩 Mali says: hi"


def test_somebody_without_a_name_has_one_in_each_language():
    hi = Event("msg", Who("p2", NOBODY), text="hi")
    assert record(hi, "en") == "📩 Someone says: hi"
    assert NOBODY not in record(hi, "th") and NOBODY not in record(Event("joined", hi.who), "th")


def test_thai_words_and_thai_text_stay_whole():
    assert record(Event("msg", Who("p1", "มะลิ"), text="น้ำ ที่ ผู้"), "th") == "📩 มะลิ พูดว่า: น้ำ ที่ ผู้"


async def test_output_that_nobody_reads_holds_up_neither_the_chat_nor_the_end():
    command = [sys.executable, "-m", "chatkit", "serve", "--port", "0", "--rate", "0"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            uri = (await asyncio.to_thread(process.stdout.readline)).decode().split()[-1]
            async with connect(uri) as chat:  # 300 lines of 3,000 bytes are far more than a pipe takes
                acks = [chat.send("x" * 3000) for _ in range(300)]
                assert await asyncio.wait_for(acks[-1], PATIENCE) == 300
            process.terminate()
            assert await asyncio.to_thread(process.wait, PATIENCE) == 0
        finally:
            process.kill()


async def test_a_reader_of_the_output_that_goes_away_does_not_stop_the_server():
    async with serving() as (process, uri):
        process._transport.get_pipe_transport(1).close()
        async with connect(uri) as chat:
            for text in ("one", "two"):
                await asyncio.wait_for(chat.send(text), PATIENCE)
        assert process.returncode is None


async def test_lines_typed_at_the_server_reach_everybody():
    async with serving(stdin=PIPE) as (process, uri), connect(uri, plain=True) as chat:
        process.stdin.write("สวัสดี\n\nlast line without an end".encode())
        process.stdin.close()
        heard = [event.text async for event in until(chat, 2)]
        assert heard == ["🟢 Server: สวัสดี", "🟢 Server: last line without an end"]
        assert await read_until(process, "📤 last") == "📤 last line without an end"
        await asyncio.wait_for(chat.send("the server is still there"), PATIENCE)


async def test_no_input_leaves_standard_input_alone():
    async with serving("--no-input", stdin=PIPE) as (process, uri), connect(uri, plain=True) as chat:
        process.stdin.write(b"ignored\n")
        await process.stdin.drain()
        await chat.send("heard")
        assert [event.text async for event in until(chat, 1)] == ["You said: heard"]


async def until(chat, count):
    async with asyncio.timeout(PATIENCE):
        async for event in chat:
            yield event
            count -= 1
            if not count:
                return


# A real terminal

needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")


class Terminal:
    """A process at a pseudo-terminal: what it draws, and a keyboard."""

    def __init__(self, process, keyboard):
        self.process, self.keyboard, self.drawn = process, keyboard, ""

    def press(self, keys):
        os.write(self.keyboard, keys.encode())

    async def shows(self, wanted, after=0):
        """Wait until it is drawn, after that place; returns the place behind it."""
        async with asyncio.timeout(PATIENCE):
            while wanted not in self.drawn[after:]:
                chunk = await asyncio.to_thread(os.read, self.keyboard, 65536)
                self.drawn += chunk.decode(errors="ignore")
        return self.drawn.index(wanted, after) + len(wanted)


@asynccontextmanager
async def joining(uri, *arguments):
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = await start("join", uri, *arguments, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    terminal = Terminal(process, ours)
    try:
        await terminal.shows("💬")
        yield terminal
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)


@needs_pty
async def test_typing_and_incoming_lines_never_mix():
    async with serve(port=0) as server, connect(server.uri, name="Mali") as mali:
        async with joining(server.uri, "--name", "Nok") as terminal:
            terminal.press("สวัสดี half")
            drawn = await terminal.shows("half")
            await mali.send("in the middle")
            drawn = await terminal.shows("📩 Mali says: in the middle", after=drawn)
            await terminal.shows("💬 สวัสดี half", after=drawn)  # drawn again below the new line
            terminal.press(" and whole\r")
            async with asyncio.timeout(PATIENCE):
                heard = [event async for event in until(mali, 3)]
            assert (heard[-1].who.name, heard[-1].text) == ("Nok", "สวัสดี half and whole")


@needs_pty
@pytest.mark.parametrize("keys", ["exit\r", "\x03", "\x04"], ids=["exit", "Ctrl+C", "Ctrl+D"])
async def test_three_ways_to_leave_end_with_code_0(keys):
    left = asyncio.Event()
    async with serve(port=0, on_event=lambda event: event.type == "left" and left.set()) as server:
        async with joining(server.uri) as terminal:
            terminal.press(keys)
            assert await asyncio.wait_for(terminal.process.wait(), PATIENCE) == 0
        await asyncio.wait_for(left.wait(), PATIENCE)


@needs_pty
async def test_names_that_look_the_same_are_told_apart():
    async with serve(port=0) as server, connect(server.uri, name="Mali") as mali:
        async with joining(server.uri) as terminal:
            await mali.send("one Mali")
            seen = await terminal.shows("📩 Mali says: one Mali")
            async with connect(server.uri, name="Маli") as other:  # the first two letters are Cyrillic
                await terminal.shows(f"✅ Маli #{other.you[-4:]} joined", after=seen)
                await mali.send("two of them")
                await terminal.shows(f"📩 Mali #{mali.you[-4:]} says: two of them", after=seen)


@needs_pty
async def test_why_the_line_is_down_is_said():
    async with serve(port=0) as server:
        port = server.port
        async with joining(server.uri) as terminal:
            await server.stop()
            async with await asyncio.start_server(not_a_chat, "localhost", port):
                await terminal.shows("418")


async def not_a_chat(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n")
    writer.close()


@needs_pty
async def test_a_dropped_line_and_its_return_are_shown_and_what_was_typed_meanwhile_is_sent():
    async with serve(port=0) as server:
        port = server.port
        async with joining(server.uri) as terminal:
            await server.stop()
            await terminal.shows("Connecting again in")
            terminal.press("typed in the dark\r")
            async with serve(port=port) as again, connect(again.uri, after=0) as mali:
                await terminal.shows("Connected again")
                async with asyncio.timeout(PATIENCE):
                    async for event in mali:
                        if event.text == "typed in the dark":
                            return
