"""Keeps an answer from taking the kernel away: watched while it runs, and ended with what it left running.

An answer may hold the event loop (`while True: pass`, `time.sleep(60)`), want to leave (`sys.exit()`), stop the loop,
or leave tasks, timers, threads and servers behind. Every step of its code is taken through `Driven`, and every 0.05 s
somebody looks where the loop is: a timer's signal on the main thread, a thread elsewhere, a tracer where there is
neither (the browser's own Python). The looks in one step are counted, not the time: where the machine is busy, fewer
looks come, too, and nobody is blamed for that.

What cannot be ended from inside: one call into C that neither comes back nor asks for signals, such as
`sum(range(10**12))`. Only a restart of the kernel helps then. Without signals (Windows, another thread) the same is
true of `pow(7, 10**9)`, of a regular expression that backtracks for ever, and of `time.sleep` until it is over. In the
browser's own Python a loop around a bare `except:` is not ended either: a tracer can raise one error only.
"""

import asyncio
import inspect
import linecache
import os
import re
import sys
import sysconfig
import time
import warnings
from _thread import get_ident
from collections.abc import Callable, Collection, Coroutine, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, ClassVar, Self

from chatkit.place import in_browser

LOOK = 0.05  # seconds between two looks, and between two beats of the loop
HELD = 4  # looks in one step of the loop: it is held up
ENOUGH = 40  # looks in one step: it is ended, after about 2 s
ANYWHERE = 200  # looks from then on at which only the answer's own lines are interrupted
HURRY = 0.002  # seconds between two looks from then on, until the loop turns: an `except:` may have eaten the first

paths = sysconfig.get_paths()
# In a browser the paths begin with two slashes, and the standard library is one zip file.
LIBRARIES = (
    *(paths[each].replace("//", "/") for each in ("stdlib", "platstdlib", "purelib", "platlib")),
    str(Path(os.__file__).parent),
)
OWN = (str(Path(__file__).resolve().parent.parent), "<frozen", *LIBRARIES)

#: The watch under which the answer's own code runs just now; its tasks, timers and servers inherit it.
ANSWERING: ContextVar["Watch | None"] = ContextVar("answering", default=None)


class TooLong(BaseException):
    """Raised in a step that does not end; a BaseException, so that an `except Exception` does not eat it."""


class Late(Exception):
    """Something was not done in its time. Not a TimeoutError: an answer may raise one of its own."""


class Left(Exception):
    """In place of what would end the kernel: SystemExit, KeyboardInterrupt, TooLong … `error` is the original."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}".rstrip(": "))
        self.error = error


def called(watch: "Watch | None", function: Callable[..., Any], *values: Any) -> Any:
    """Call code under this watch, or under none. Left instead of what would end the kernel."""
    token = ANSWERING.set(watch)
    try:
        return function(*values)
    except (Exception, asyncio.CancelledError):
        raise
    except BaseException as error:
        raise Left(error) from None
    finally:
        ANSWERING.reset(token)


class Driven(Coroutine[Any, Any, Any]):
    """A coroutine, taken step by step under a watch. `theirs`: it is the answer's own, not the check's."""

    #: Coroutines that eat their cancellation. Letting one go would run it again, so they stay, and stand still.
    undead: ClassVar[list[object]] = []

    def __init__(self, coroutine: Coroutine[Any, Any, Any], watch: "Watch", theirs: bool = True) -> None:
        self.coroutine, self.watch, self.theirs = coroutine, watch, theirs
        self.frozen = False

    def send(self, value: Any) -> Any:
        return self.step(self.coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        return self.step(self.coroutine.throw, *error)

    def step(self, resume: Callable[..., Any], *values: Any) -> Any:
        if self.frozen:
            raise asyncio.CancelledError
        cell = self.watch.cell
        asked = cell.cancelling() if cell else 0
        try:
            return called(self.watch if self.theirs else None, resume, *values)
        finally:
            while self.theirs and cell and cell.cancelling() > asked:
                cell.uncancel()  # the answer cancelled every task that it found; the cell's is not its own

    def freeze(self) -> None:
        """Never take another step."""
        self.frozen = True
        if inspect.iscoroutine(self.coroutine) and inspect.getcoroutinestate(self.coroutine) == inspect.CORO_CREATED:
            self.coroutine.close()  # nothing of it has run
        else:
            Driven.undead.append(self.coroutine)
            keep_for_ever(self.coroutine)

    def close(self) -> None:
        if not self.frozen:
            self.coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self

    __iter__ = __await__

    def __next__(self) -> Any:
        return self.send(None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.coroutine, name)  # cr_frame, cr_code …: what asyncio asks for to show a task


class Watch:
    """Watches one check: `async with Watch() as watch`. One at a time on a loop; the next one waits its turn.

    held:    the line at which the answer held up the loop, "" where it did not.
    endless: it did so until it was ended.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.cell, self.thread = asyncio.current_task(), get_ident()
        self.looks = 0
        self.begin()
        self.beat: asyncio.TimerHandle | None = None
        self.hurry: Callable[[float], object] = lambda seconds: None
        self.open = ExitStack()

    def begin(self) -> None:
        """Begin with the next try: nothing is known of it yet."""
        self.held, self.endless = "", False
        self.tasks: list[tuple[asyncio.Task[Any], Driven]] = []  # the answer's own
        self.servers: list[asyncio.Server] = []
        self.warned: list[warnings.WarningMessage] = []

    async def __aenter__(self) -> Self:
        if ANSWERING.get():
            raise RuntimeError("a check inside a check")
        # The loop itself knows whether somebody watches: its task factory says so. Nothing else is shared.
        while isinstance(getattr(self.loop.get_task_factory(), "__self__", None), Watch):  # noqa: ASYNC110
            await asyncio.sleep(LOOK)
        self.threads = running_threads()
        self.former = self.loop.get_task_factory()
        self.loop.set_task_factory(self.make_task)
        self.open.callback(self.loop.set_task_factory, self.former)
        self.open.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always")
        self.open.enter_context(swapped(warnings, "showwarning", self.hear_warning))
        for thing, name, new in self.exits():
            self.open.enter_context(swapped(thing, name, new))
        self.turn()
        self.open.enter_context(self.looking())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.beat:
            self.beat.cancel()
        self.open.close()

    # --- the answer's code ---

    def call(self, function: Callable[..., Any], *values: Any) -> Any:
        """Call a plain function of the answer's. Left instead of what would end the kernel."""
        return called(self, function, *values)

    async def run(self, coroutine: Coroutine[Any, Any, Any], seconds: float, theirs: bool = True) -> Any:
        """What a coroutine gives; Late after so many seconds of the loop's own time."""
        driven = Driven(coroutine, self, theirs)
        task = asyncio.ensure_future(driven)
        try:
            await settled([task], seconds)
            if not task.done():
                raise Late
            return task.result()
        finally:
            await self.finish([(task, driven)])

    async def finish(self, tasks: list[tuple[asyncio.Task[Any], Driven]]) -> None:
        """End these tasks: cancelled first, frozen where they go on."""
        for rude in (False, True):
            for task, driven in tasks:
                if not task.done():
                    if rude:
                        driven.freeze()
                        task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is known, and ours
                    task.cancel()
            await settled([task for task, _ in tasks], 0.2)
        for task, _ in tasks:
            if task.done() and not task.cancelled():
                task.exception()  # seen: asyncio need not report it

    def make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        """The loop's task factory for the time of the check."""
        if theirs := ANSWERING.get() is self and asyncio.iscoroutine(coroutine):  # of anything else asyncio says it
            if get_ident() != self.thread:  # asyncio itself says so only in its debug mode
                coroutine.close()
                raise RuntimeError("Non-thread-safe operation invoked on an event loop other than the current one")
            coroutine = Driven(coroutine, self)
        task: Any
        if self.former:
            task = self.former(loop, coroutine, **options)
        else:
            task = asyncio.Task(coroutine, loop=loop, **options)
        if theirs:
            self.tasks.append((task, coroutine))
        return task

    def exits(self) -> Iterator[tuple[Any, str, Any]]:
        """The ways out of a kernel that are no exception, and what stands there for the time of a check."""

        def leave(*_: object) -> None:
            raise SystemExit

        stop, create_server, all_tasks = self.loop.stop, self.loop.create_server, asyncio.all_tasks

        def own_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[asyncio.Task[Any]]:
            # An answer that cancels all tasks must not cancel those of the notebook.
            return {task for task, _ in self.running()} if ANSWERING.get() is self else all_tasks(loop)

        def stop_unless_answering() -> None:
            if ANSWERING.get():
                raise RuntimeError("this loop runs the notebook: nobody else may stop it")
            stop()

        async def create_and_keep(*values: Any, **options: Any) -> Any:
            server = await create_server(*values, **options)
            if ANSWERING.get() is self:
                self.servers.append(server)
            return server

        yield os, "_exit", leave
        yield self.loop, "stop", stop_unless_answering
        yield self.loop, "create_server", create_and_keep
        yield asyncio, "all_tasks", own_tasks
        if threading := sys.modules.get("threading"):
            yield threading, "excepthook", lambda _: None  # no traceback below the verdict
        if ipython := sys.modules.get("IPython"):
            yield ipython.get_ipython(), "ask_exit", leave  # what `exit()` calls in a notebook

    def hear_warning(self, message: Warning | str, category: type[Warning], file: str, line: int, *_: object) -> None:
        self.warned.append(warnings.WarningMessage(message, category, file, line))

    def never_awaited(self) -> str:
        """The name of a coroutine that was made and never awaited: `send` as in `ws.send(text)`; "" where was none."""
        found = (re.search(r"coroutine '(.+)' was never awaited", str(warning.message)) for warning in self.warned)
        return next((match[1].split(".")[-1] for match in found if match), "")

    # --- what it leaves behind ---

    def running(self) -> list[tuple[asyncio.Task[Any], Driven]]:
        return [(task, driven) for task, driven in self.tasks if not task.done()]

    async def left_over(self, seconds: float = 0.25) -> list[str]:
        """The names of the answer's tasks that still run after so many seconds, or died and nobody looked."""
        await settled([task for task, _ in self.running()], seconds)
        unseen = [pair for pair in self.tasks if pair[0].done() and getattr(pair[0], "_log_traceback", False)]
        return [getattr(driven.coroutine, "__name__", "task") for _, driven in (*self.running(), *unseen)]

    async def end(self) -> list[str]:
        """End everything that the answer left running; the names of it."""
        names = await self.left_over()
        await self.finish(self.tasks)
        for server in self.servers:
            if server.is_serving():
                names.append("server")
                server.close()
        for handle in (*getattr(self.loop, "_scheduled", ()), *getattr(self.loop, "_ready", ())):
            if not handle.cancelled() and handle._context.get(ANSWERING) is self:
                name = getattr(handle._callback, "__name__", "")
                if is_theirs(getattr(handle._callback, "__code__", None)):
                    names.append(name)
                    handle.cancel()
        return names + end_threads(self.threads)

    # --- looking ---

    def turn(self) -> None:
        """The loop turns: whatever ran before has ended its step."""
        if self.looks >= ENOUGH:
            self.hurry(LOOK)
        self.looks, self.turned = 0, time.monotonic()
        self.beat = self.loop.call_later(LOOK, self.turn)

    def look(self, frame: FrameType | None) -> bool:
        """Look where the loop is; true where this step is to be ended now."""
        self.looks += 1
        if self.looks < HELD or not (line := line_of_answer(frame)):
            return False
        self.held = self.held or line
        if self.looks < ENOUGH:
            return False
        if not self.endless:
            self.endless = True
            self.hurry(HURRY)
        # In a library's own lines the error might get lost, in a destructor for instance: so better in the answer's.
        return self.looks > ENOUGH + ANYWHERE or (frame is not None and is_theirs(frame.f_code))

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look every LOOK seconds, in the best way that there is here."""
        if in_browser():
            with self.tracing():
                yield
            return
        import signal  # not in the browser's Python, and neither are threads
        import threading

        on_main = threading.current_thread() is threading.main_thread()
        with self.by_signal() if on_main and hasattr(signal, "setitimer") else self.by_thread():
            yield

    @contextmanager
    def by_signal(self) -> Iterator[None]:
        import signal

        def rings(_number: int, frame: FrameType | None) -> None:
            if self.look(frame):
                raise TooLong

        def every(seconds: float) -> None:
            signal.setitimer(signal.ITIMER_REAL, seconds, seconds)

        before, timer = signal.signal(signal.SIGALRM, rings), signal.getitimer(signal.ITIMER_REAL)
        self.hurry = every
        every(LOOK)
        try:
            yield
        finally:
            every(0)
            signal.signal(signal.SIGALRM, before)
            signal.setitimer(signal.ITIMER_REAL, *timer)

    @contextmanager
    def by_thread(self) -> Iterator[None]:
        watched, pause = get_ident(), [LOOK]
        self.hurry = lambda seconds: pause.__setitem__(0, seconds)

        def look(frame: FrameType | None) -> None:
            # Between this look and the order nothing runs there: both need the one lock of the interpreter.
            if self.look(frame):
                raise_in(watched, TooLong)

        with looked_at(look, pause):
            yield

    @contextmanager
    def tracing(self) -> Iterator[None]:
        def trace(frame: FrameType, _event: str, _value: object) -> Any:
            if not is_theirs(frame.f_code):
                return None
            frame.f_trace_opcodes = True  # a loop on one line has no line to come to
            looks = int((time.monotonic() - self.turned) / LOOK) - 1
            if looks > self.looks:
                self.looks = looks - 1
                if self.look(frame):
                    raise TooLong  # this ends the tracing as well; `turn` begins it anew
            return trace

        before = sys.gettrace()
        self.hurry = lambda seconds: sys.settrace(trace)
        sys.settrace(trace)
        try:
            yield
        finally:
            sys.settrace(before)


@contextmanager
def looked_at(look: Callable[[FrameType | None], None], pause: list[float]) -> Iterator[None]:
    """Let a thread of its own look again and again where this one is; pause[0]: seconds between two looks."""
    import threading

    watched, over = get_ident(), threading.Event()

    def looking() -> None:
        while not over.wait(pause[0]):
            look(sys._current_frames().get(watched))

    thread = threading.Thread(target=looking, name="asyncio_look", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def settled(tasks: Collection[asyncio.Future[Any]], seconds: float) -> None:
    """Wait until all these are done, at most so many seconds of the loop's own time.

    That clock goes on by LOOK for every round of the loop, however long it took: where the machine stands still, so
    does the clock, and nobody is refused because something else was busy.
    """
    for _ in range(max(1, round(seconds / LOOK))):
        if all(task.done() for task in tasks):
            return
        await asyncio.wait(tasks, timeout=LOOK)


def line_of_answer(frame: FrameType | None) -> str:
    """The innermost line of the answer's that runs just now; "" where something else runs: all of it was `called`."""
    line = ""
    while frame and frame.f_code is not called.__code__:
        if not line and is_theirs(frame.f_code):
            text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
            line = text or f"{frame.f_code.co_name}, line {frame.f_lineno}"
        frame = frame.f_back
    return line if frame else ""


def is_theirs(code: CodeType | None) -> bool:
    """Whether this code stands in a student's file or cell, not in Python, a library or the kit."""
    return code is not None and not code.co_filename.startswith(OWN)


@contextmanager
def swapped(thing: Any, name: str, new: object) -> Iterator[None]:
    """Put something else in the place of an attribute for a while; nothing where the thing does not allow it."""
    own = name in getattr(thing, "__dict__", {})
    before = getattr(thing, name, None)
    try:
        setattr(thing, name, new)
    except AttributeError:
        yield
        return
    try:
        yield
    finally:
        if own:
            setattr(thing, name, before)
        else:
            delattr(thing, name)


def running_threads() -> set[Any]:
    """All threads; none where the threading module cannot be used."""
    with suppress(ImportError, RuntimeError):
        import threading

        return set(threading.enumerate())
    return set()


def end_threads(former: set[Any]) -> list[str]:
    """Ask the threads that came since to leave, by name; they do so at their next line of Python."""
    new = [thread for thread in running_threads() - former if not thread.name.startswith("asyncio_")]
    for thread in new:
        raise_in(thread.ident, SystemExit)
    return [thread.name for thread in new]


def keep_for_ever(thing: object) -> None:
    """Never let an object go, not even at the end of Python, which would run a coroutine once more while all falls."""
    with suppress(ImportError, AttributeError):
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def raise_in(thread: int | None, error: type[BaseException]) -> None:
    """Raise an error in another thread, at its next line of Python."""
    import ctypes

    if thread is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))
