"""Answers that would take the kernel away: each is refused in words, and the next check works as if nothing had been."""
# ruff: noqa: E501 (a student's lines stand in one string each)

import asyncio
import linecache
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from chatkit.exercises import Exercise, exercise
from chatkit.exercises.calls import Trial
from chatkit.exercises.exercise import answer_of
from chatkit.exercises.progress import solved
from chatkit.exercises.questions import Question
from chatkit.exercises.stage import stage
from chatkit.exercises.watch import Watch
from chatkit.texts import Sentence

pytestmark = pytest.mark.usefixtures("swept")


#: plain functions: (name, code of `unmask`, what the English sentence says)
FUNCTIONS = [
    ("one line", "while True: pass", "for 2 seconds nothing else could run"),
    ("bare except", "while True:\n        try: len(b'')\n        except: pass", "for 2 seconds"),
    ("base exception", "while True:\n        try:\n            len(b'')\n        except BaseException:\n            continue", "for 2"),
    ("sleeps", "import time; time.sleep(3600)", "time.sleep(3600)"),
    ("sleeps a little", "import time; time.sleep(0.6); return payload", "nothing else could run"),
    ("big power", "return pow(7, 10**9)", "pow(7, 10**9)"),
    ("backtracking", "import re; re.match('(a+)+$', 'a' * 99 + 'b')", "for 2 seconds"),
    ("recursion", "return unmask(mask, payload)", "RecursionError"),
    ("exit", "import sys; sys.exit()", "SystemExit"),
    ("exit at once", "import os; os._exit(3)", "SystemExit"),
    ("interrupt", "raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("cancelled", "import asyncio; raise asyncio.CancelledError", "CancelledError"),
    ("generator exit", "raise GeneratorExit", "GeneratorExit"),
    ("own base exception", "raise type('Mine', (BaseException,), {})", "Mine"),
    ("no words", "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})", "Mute"),
    ("equal to all", "return type('All', (), {'__eq__': lambda *_: True, '__ne__': lambda *_: False})()", "gave"),
    ("bytes equal to all", "return type('B', (bytes,), {'__eq__': lambda *_: True, '__ne__': lambda *_: False})()", "gave"),
    ("no repr", "return type('Dumb', (), {'__repr__': lambda self: 1 / 0})()", "whose repr raises ZeroDivisionError"),
    ("repr leaves", "return type('Off', (), {'__repr__': lambda self: exit()})()", "SystemExit"),
    ("endless repr", "return type('R', (), {'__repr__': lambda self: [0 for _ in iter(int, 1)]})()", "for 2 seconds"),
    ("endless generator", "return iter(lambda: mask, None)", "gave"),
    ("large", "return b'x' * 50_000_000", "…"),
    ("many parts", "return list(range(50_000))", "…"),
]  # fmt: skip

#: handlers: (name, code of `echo`, what the English sentence says)
HANDLERS = [
    ("hot loop", "while True: pass", "for 2 seconds"),
    ("closed line", "while True:\n        try:\n            await ws.send(f'You said: {await ws.recv()}')\n        except: continue", "for 2 seconds"),
    ("sleeps", "import time\n    async for text in ws:\n        time.sleep(60)", "time.sleep(60)"),
    ("exit", "import sys\n    async for text in ws:\n        sys.exit()", "SystemExit"),
    ("exit in a task", "import asyncio, sys\n    async def off(): sys.exit(1)\n    async for text in ws:\n        await asyncio.create_task(off())", "SystemExit"),
    ("interrupt", "raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("stubborn", "import asyncio\n    while True:\n        try: await asyncio.sleep(0.01)\n        except BaseException: pass", "heard nothing"),
    ("cancels all", "import asyncio\n    for task in asyncio.all_tasks(): task.cancel()\n    await ws.recv()", "closed (code 1000)"),
    ("cancels all that there are", "from asyncio.tasks import all_tasks\n    for task in all_tasks(): task.cancel()\n    await ws.recv()", "CancelledError"),
    ("no coroutine", "import asyncio\n    asyncio.create_task(asyncio.sleep)", "a coroutine was expected"),
    ("stops the loop", "import asyncio\n    asyncio.get_running_loop().stop()", "runs the notebook"),
    ("flood", "while True: await ws.send('x')", "'x'"),
    ("has yield", "yield ws", "has a `yield`"),
    ("leaves a task", "import asyncio\n    async def on(): await asyncio.sleep(99)\n    asyncio.create_task(on())\n    async for text in ws: await ws.send(f'You said: {text}')", "this still runs: `on`"),
    ("leaves a stubborn task", "import asyncio\n    async def on():\n        while True:\n            try: await asyncio.sleep(0.01)\n            except BaseException: pass\n    asyncio.create_task(on())\n    async for text in ws: await ws.send(f'You said: {text}')", "this still runs: `on`"),
    ("leaves a dead task", "import asyncio\n    async def on(): 1 / 0\n    asyncio.create_task(on())\n    async for text in ws: await ws.send(f'You said: {text}')", "this still runs: `on`"),
    ("leaves a timer", "import asyncio\n    def on(): asyncio.get_running_loop().call_later(0.01, on)\n    on()\n    async for text in ws: await ws.send(f'You said: {text}')", "this still runs: `on`"),
    ("leaves a thread", "import threading, time\n    def on():\n        while True: time.sleep(0.01)\n    threading.Thread(target=on, name='ticker', daemon=True).start()\n    async for text in ws: await ws.send(f'You said: {text}')", "this still runs: `ticker`"),
    ("leaves a server", "import asyncio\n    await asyncio.start_server(lambda *_: None, '127.0.0.1', 0)\n    async for text in ws: await ws.send(f'You said: {text}')", "this still runs: `server`"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_HOME", str(tmp_path))
    monkeypatch.setenv("CHATKIT_LANG", "en")


def answer(code: str, name: str) -> Any:
    """What a cell leaves behind, with its lines where Python looks for them, as a notebook does."""
    code = textwrap.dedent(code)
    linecache.cache["a cell"] = (len(code), None, code.splitlines(keepends=True), "a cell")
    names: dict[str, Any] = {}
    exec(compile(code, "a cell", "exec"), names)
    return names[name]


def unmasking() -> Exercise:
    """An exercise on a plain function, as small as can be."""

    async def check(trial: Trial, unmask: Any) -> None:
        mask = trial.chance.randbytes(4)
        await trial.expect(b"hi", unmask, mask, bytes(a ^ b for a, b in zip(b"hi", mask, strict=False)))

    text = Sentence("text", "ข้อความ")
    solution = "def unmask(mask, payload):\n    return bytes(a ^ b for a, b in zip(payload, mask))"
    start = "def unmask(mask, payload):\n    ..."
    return Exercise("09_frames", "q0", Question(text, "unmask", start, check, text, (text,) * 3, solution))


async def test_an_answer_that_cancels_all_tasks_cancels_none_of_the_notebook() -> None:
    code = "import asyncio\nasync def echo(ws):\n    for task in asyncio.all_tasks(): task.cancel()"
    other = asyncio.ensure_future(asyncio.sleep(0.01, "still here"))
    checking = exercise("03_server_and_client", "q1").check(answer_of(code, "echo"))
    assert not await asyncio.wait_for(checking.run(), 60)  # type: ignore[arg-type]
    assert await other == "still here"


async def test_a_coroutine_that_eats_its_end_does_no_harm_at_the_end_of_python() -> None:
    """It stands still for ever; Python, as it ends, would run it once more, and fall over it."""
    lines = (
        "import asyncio",
        "from chatkit.exercises import exercise",
        "async def listen(ask):",
        "    queue = asyncio.Queue()",
        "    while True:",
        "        try: await queue.get()",
        "        except asyncio.CancelledError: pass",
        "async def main(): print((await exercise('01_why_not_http', 'q3').check(listen)).state)",
        "asyncio.run(main())",
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "\n".join(lines), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate()
    assert (process.returncode, out.strip(), errors) == (0, b"not yet", b"")


async def refused_and_gone(asked: Exercise, code: str, says: str) -> None:
    before = asyncio.all_tasks(), asyncio.get_running_loop().get_task_factory()
    result = await asked.check(answer(code, asked.question.answer))
    assert result.state == "not yet"
    assert says in repr(result)
    assert solved(asked.lesson) == {}
    if new := asyncio.all_tasks() - before[0]:
        assert (await asyncio.wait(new, timeout=10))[1] == set()
    assert asyncio.get_running_loop().get_task_factory() is before[1]
    assert await asked.check(answer_of(asked.question.solution, asked.question.answer))


@pytest.mark.parametrize(("name", "code", "says"), FUNCTIONS, ids=[name for name, _, _ in FUNCTIONS])
async def test_a_function_cannot_take_the_kernel_away(name: str, code: str, says: str) -> None:
    await refused_and_gone(unmasking(), f"def unmask(mask, payload):\n    {code}", says)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # a thread was asked to leave
@pytest.mark.parametrize(("name", "code", "says"), HANDLERS, ids=[name for name, _, _ in HANDLERS])
async def test_a_handler_cannot_take_the_kernel_away(name: str, code: str, says: str) -> None:
    await refused_and_gone(exercise("03_server_and_client", "q1"), f"async def echo(ws):\n    {code}", says)
    await asyncio.sleep(0)
    assert not [thread for thread in threading.enumerate() if thread.name == "ticker" and not await ended(thread)]


async def ended(thread: threading.Thread) -> bool:
    """Whether a thread ends within the time that it takes to come to its next line."""
    await asyncio.to_thread(thread.join, 5)
    return not thread.is_alive()


async def test_an_async_function_that_never_waits_is_ended() -> None:
    await refused_and_gone(
        exercise("00_hello_room", "q1"), "async def say_hello(uri, text):\n    while True: pass", "for 2 seconds"
    )


async def test_lines_that_never_end_when_they_are_run_are_ended() -> None:
    result = await unmasking().check_code("while True: pass", "lines")
    assert result.state == "not yet" and "TooLong" in repr(result)


async def test_two_checks_at_once_take_turns() -> None:
    asked = exercise("03_server_and_client", "q3")
    relay = answer_of(asked.question.solution, "relay")
    assert [bool(result) for result in await asyncio.gather(asked.check(relay), asked.check(relay))] == [True, True]


async def test_a_check_inside_a_check_is_refused() -> None:
    async def say_hello(uri: str, text: str) -> int:
        await exercise("00_hello_room", "q1").check(say_hello)
        return 1

    assert "a check inside a check" in repr(await exercise("00_hello_room", "q1").check(say_hello))


async def test_a_cell_that_is_cancelled_ends_its_check() -> None:
    waits = answer("import asyncio\nasync def say_hello(uri, text):\n    await asyncio.Event().wait()", "say_hello")
    cell = asyncio.ensure_future(exercise("00_hello_room", "q1").check(waits).run())  # type: ignore[arg-type]
    while not [task for task in asyncio.all_tasks() if "wait_for" in str(task)]:  # noqa: ASYNC110
        await asyncio.sleep(0)
    cell.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cell
    assert asyncio.get_running_loop().get_task_factory() is None


LOOP = "while True:\n        pass"
BARE = "while True:\n        try:\n            pass\n        except:\n            pass"


@pytest.mark.parametrize(("way", "code"), [("by_thread", LOOP), ("by_thread", BARE), ("tracing", LOOP)])
async def test_without_signals_a_thread_or_a_tracer_looks(way: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, in a thread, and in the browser's own Python."""
    monkeypatch.setattr(Watch, "looking", getattr(Watch, way))
    await refused_and_gone(unmasking(), f"def unmask(mask, payload):\n    {code}", "for 2 seconds")
    handler = f"async def echo(ws):\n    await ws.recv()\n    {code}"
    await refused_and_gone(exercise("03_server_and_client", "q1"), handler, "for 2 seconds")


CELLS = (
    "import os, sys, tempfile\nos.environ['CHATKIT_HOME'] = tempfile.mkdtemp()\nfrom chatkit.exercises import exercise\n"
    "q, echo = exercise('03_server_and_client', 'q1'), exercise('09_frames', 'q2')",
    "async def leaves(ws):\n    exit()\nprint((await q.check(leaves)).state)",
    "async def leaves(ws):\n    sys.exit(1)\nprint((await q.check(leaves)).state)",
    "async def stays(ws):\n    while True: pass\nprint((await q.check(stays)).state)",
    "def quits(text): quit()\nprint((await echo.check(quits)).state)",
    "def quits(text): os._exit(3)\nprint((await echo.check(quits)).state)",
    "print('the kernel lives')",
)


def test_a_real_kernel_lives_on() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    printed = [output.text for cell in notebook.cells for output in cell.outputs if output.output_type == "stream"]
    assert printed == ["not yet\n"] * 5 + ["the kernel lives\n"]


async def test_the_official_relay_holds_in_front_of_a_reader_that_stops_reading() -> None:
    """One phone sleeps with its screen off; the others hear everything meanwhile."""
    question = exercise("03_server_and_client", "q3").question
    relay = answer_of(question.solution, "relay")
    async with Watch() as watch, stage(Trial(question, 1, watch), relay, "Ann", "Bob", "Cat") as play:
        play.clients["Cat"].transport.pause_reading()
        for number in range(60):
            text = f"{number} " + "x" * 200_000
            await play.say("Ann", text)
            await play.hears("Ann", f"You said: {text}", seconds=20)
            await play.hears("Bob", f"Someone says: {text}", seconds=20)
        await play.cut("Cat")
