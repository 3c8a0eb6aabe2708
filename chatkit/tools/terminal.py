"""What a terminal shows, and what is typed into it.

Every record is one line of visible text: nothing that somebody else wrote can move the cursor, ring the bell or forge
a second line. Neither reading nor writing can hold up the event loop, so a paused terminal never pauses a chat.
"""

import asyncio
import os
import queue
import sys
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress

from chatkit.events import NOBODY, Event
from chatkit.texts import say, visible

__all__ = ["conversation", "on_terminal", "piped_lines", "record", "screen"]

Show = Callable[[str], None]
Line = str | Callable[[], str]  # or what words it, when it is written
ShowLater = Callable[[Line], None]

BACKLOG = 1_000  # lines that wait for a paused terminal; more are dropped
AHEAD = 100  # piped lines read ahead of the chat
PAUSE = 0.05  # seconds between two writes
LAST_WORDS = 1.0  # seconds that a closing screen waits for a slow terminal


def record(event: Event, lang: str, you: str = "", label: str = "") -> str:
    """The one line that shows an event on a terminal.

    you: the reader's own id, the server has none. label: the name as it is told apart from one that looks the same.
    """
    if event.type == "line":  # the plain dialect: the server's own words
        return f"📩 {visible(event.text)}"
    if event.type == "notice":
        return f"📩 🟢 {visible(event.who.name)}: {visible(event.text)}" if you else f"📤 {visible(event.text)}"
    key = {"msg": "cli_you_said" if you and event.who.id == you else "cli_says"}.get(event.type, f"cli_{event.type}")
    name = say("someone") if event.who.name == NOBODY else label or event.who.name
    line = say(key, name=name, text=event.text).in_(lang)
    return line if you or event.room == "lobby" else f"{line}  [{visible(event.room)}]"


@contextmanager
def screen() -> Iterator[ShowLater]:
    """Lines for standard output, written by a thread of its own.

    A window whose output is paused (Ctrl+S, a selection in a Windows console, a pipe that nobody reads) would block
    `print`, and with it everybody's chat. Past `BACKLOG` waiting lines the newest are dropped.
    """
    waiting: queue.Queue[Line | None] = queue.Queue(BACKLOG)

    def show(line: Line) -> None:
        with suppress(queue.Full):
            waiting.put_nowait(line)

    writer = threading.Thread(target=write_lines, args=(waiting,), name="screen", daemon=True)
    writer.start()
    try:
        yield show
    finally:
        with suppress(queue.Full):  # so many lines wait that nobody is reading
            waiting.put_nowait(None)
            writer.join(LAST_WORDS)


def write_lines(waiting: "queue.Queue[Line | None]") -> None:
    """Write each line until `None`, past Python's own buffers: their locks would hold up the end of the process."""
    sys.stdout.flush()
    raw = sys.stdout.buffer
    raw = getattr(raw, "raw", raw)
    encoding = sys.stdout.encoding or "utf-8"
    with suppress(OSError):  # whoever read the pipe has gone: nothing is left to be shown to
        for lines in batches(waiting):
            data = memoryview("".join(f"{line}{os.linesep}" for line in lines).encode(encoding, "replace"))
            while data:
                data = data[raw.write(data) or 0 :]


def batches(waiting: "queue.Queue[Line | None]") -> Iterator[list[str]]:
    """What waits, until `None`, every 50 ms: to wake this thread for each line would cost the chat a change of threads.

    A line that is there already is taken along.
    """
    line: Line | None = ""
    while line is not None and (line := waiting.get()) is not None:
        time.sleep(PAUSE)
        lines = []
        while line is not None:
            lines.append(line if isinstance(line, str) else line())
            if waiting.empty():
                break
            line = waiting.get()
        yield lines


async def piped_lines() -> AsyncGenerator[str, None]:
    """Lines of standard input, until its end; a thread reads them, so waiting for one holds nobody up."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    room = threading.Semaphore(AHEAD)

    def read() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            # A file object of its own: at the end of the process Python would wait for the lock of `sys.stdin`.
            with suppress(OSError), open(sys.stdin.fileno(), encoding="utf-8", errors="replace", closefd=False) as keys:
                for line in keys:
                    room.acquire()
                    loop.call_soon_threadsafe(lines.put_nowait, line.removesuffix("\n"))
            loop.call_soon_threadsafe(lines.put_nowait, None)

    if sys.stdin is None:  # started with its standard input closed
        return
    threading.Thread(target=read, name="standard input", daemon=True).start()
    while (line := await lines.get()) is not None:
        room.release()
        yield line


async def prompted_lines(prompt: str) -> AsyncGenerator[str, None]:
    """Lines typed at a prompt that stays below what comes in; Ctrl+C and Ctrl+D end them."""
    from prompt_toolkit import PromptSession

    session: PromptSession[str] = PromptSession(prompt)
    while True:
        try:
            line = await session.prompt_async(handle_sigint=False)
        except (EOFError, KeyboardInterrupt):
            return
        yield line


def on_terminal() -> bool:
    """Whether a person sits at both ends: keyboard and screen."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


@asynccontextmanager
async def conversation(prompt: str) -> AsyncIterator[tuple[Show, AsyncIterator[str]]]:
    """`show` for what comes in and an iterator of what goes out; on a terminal the two never mix."""
    if on_terminal():
        from prompt_toolkit.patch_stdout import patch_stdout

        with patch_stdout():
            async with aclosing(prompted_lines(prompt)) as typed:
                yield print, typed
    else:
        with screen() as show:
            async with aclosing(piped_lines()) as piped:
                yield show, piped
