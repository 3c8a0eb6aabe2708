"""The one way from a widget's callback to a chat.

JupyterLab hands widget messages to kernel subshells: one and the same callback runs now on the main thread, now on a
`subshell-…` thread with an event loop of its own. A chat lives on the loop of the cell that made it, and asyncio's
objects are not for other threads. So every callback goes through here and runs on that loop, in that cell's context:
what it prints and how it fails is seen under that cell, not lost.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")
BACKLOG = 1_000  # things that a mailbox keeps for a loop that is busy


class Bridge:
    """Runs functions and tasks on the loop, and in the context, where the bridge was made.

    report: called on that loop with each error that nobody else would see.
    """

    def __init__(self, report: Callable[[Exception], None]) -> None:
        self.loop = asyncio.get_running_loop()
        self.context = contextvars.copy_context()
        self.report = report
        # The loop itself holds its tasks weakly: without this set one may vanish while it waits.
        self.tasks: set[asyncio.Task[None]] = set()

    def call(self, function: Callable[..., None], *args: object) -> None:
        """Run `function(*args)` on the loop soon; from any thread."""
        self.loop.call_soon_threadsafe(self.guard, function, *args, context=self.context)

    def guard(self, function: Callable[..., None], *args: object) -> None:
        # Any error at all: what is not reported here ends in a log file that nobody reads.
        try:
            function(*args)
        except Exception as error:
            self.report(error)

    def later(self, delay: float, function: Callable[[], None]) -> asyncio.TimerHandle:
        """Run `function()` after `delay` seconds; on the loop only."""
        return self.loop.call_later(delay, self.guard, function, context=self.context)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin a task that is held, reported when it fails, and ended by `close`; on the loop only."""
        task = self.loop.create_task(work, context=self.context)
        self.tasks.add(task)
        task.add_done_callback(self.finished, context=self.context)
        return task

    def finished(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self.report(error)

    async def close(self) -> None:
        """End every task, and return when they are gone."""
        tasks = self.tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Mailbox(Generic[T]):
    """What another thread has to say, handed over on the bridge's loop, many at once where there are many.

    While a cell blocks that loop the newest thousand are kept.
    """

    def __init__(self, bridge: Bridge, take: Callable[[list[T]], None]) -> None:
        self.bridge, self.take = bridge, take
        self.news: deque[T] = deque(maxlen=BACKLOG)

    def put(self, news: T) -> None:
        """From any thread."""
        self.news.append(news)
        if len(self.news) == 1:  # else the loop has been told already
            self.bridge.call(self.hand_over)

    def hand_over(self) -> None:
        taken = []
        while self.news:
            taken.append(self.news.popleft())
        self.take(taken)
