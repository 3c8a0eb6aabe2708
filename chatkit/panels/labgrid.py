"""Everybody's ticks under a cell, live: a row for each student, a column for each lab; who is stuck stands first."""

import asyncio
from collections.abc import Callable
from html import escape
from typing import TypeVar

from chatkit.labs import Lab, labs
from chatkit.labs.receipts import Receipt, check, line_of, read_lines
from chatkit.labs.store import Tick
from chatkit.panels.background import BackgroundServer
from chatkit.panels.bridge import Mailbox
from chatkit.panels.picture import Pictured
from chatkit.panels.server import ServerPanel
from chatkit.server import Server
from chatkit.texts import Sentence, say
from chatkit.wire.ink import Drawing, align, page, safe

PAUSE = 0.5  # seconds from a change to its drawing: a class of 300 is a long table
STUCK = 3  # things that were wrong at one step
WAIT = 5.0  # seconds that `done` waits
# The names and the numbers of the labs stay in sight while a long table moves behind them.
STYLE = """<style>
div.chatkit-wire div.chatkit-labs { max-height: 45vh; overflow: auto; }
div.chatkit-wire div.chatkit-labs td { text-align: center; padding: 1px 3px; font-size: 13px; }
div.chatkit-wire div.chatkit-labs td.stuck { font-weight: bold; outline: 2px solid; outline-offset: -2px; }
div.chatkit-wire div.chatkit-labs th { position: sticky; top: 0; text-align: center; padding: 1px 3px;
  background: var(--jp-layout-color2, #eee); }
div.chatkit-wire div.chatkit-labs th:first-child { left: 0; text-align: start; max-width: 10em; overflow: hidden;
  text-overflow: ellipsis; padding: 1px 6px; }
div.chatkit-wire div.chatkit-labs thead th:first-child { z-index: 1; }
</style>"""

T = TypeVar("T")


class LabGrid(Pictured):
    """Who has done how much of which lab.

        grid = LabGrid(panel)
        await grid.done("Mali", 2)
        grid.receipts()

    server: a running server, or its panel; NotRunning where it does not run.
    ticks:  the newest tick of each (name, lab). lang: "en", "th" or "both"; None takes $CHATKIT_LANG, else both.
    """

    def __init__(self, server: Server | ServerPanel, lang: str | None = None) -> None:
        self.server: Server | BackgroundServer = server.running() if isinstance(server, ServerPanel) else server
        super().__init__(lang)
        self.news: Mailbox[Tick] = Mailbox(self.bridge, self.take)
        self.changed = asyncio.Event()
        self.due: asyncio.TimerHandle | None = None
        self.ticks = {(tick.name, tick.lab): tick for tick in self.ask(self.begin)}
        self.draw()

    # The server may live on a thread and a loop of its own.

    def ask(self, function: Callable[[Server], T]) -> T:
        """What a function of the server gives, on the server's own loop."""
        if isinstance(self.server, BackgroundServer):
            running = self.server
            return running.ask(lambda: function(running.server))
        return function(self.server)

    def begin(self, server: Server) -> list[Tick]:
        server.labs.grader.on_tick.append(self.news.put)
        ticks: list[Tick] = server.labs.store.ticks()
        return ticks

    def receipts(self) -> list[Receipt]:
        """All receipts that the server gave out, the oldest first."""
        return self.ask(lambda server: server.labs.store.receipts())

    def check(self, text: str) -> list[str]:
        """What receipts are worth, one a line, or `name,receipt`: a sentence for each."""
        secret = self.ask(lambda server: server.labs.store.secret)
        return [line_of(each).in_(self.lang) for each in check(read_lines(text), self.receipts(), secret)]

    async def done(self, name: str, lab: int) -> None:
        """Wait until somebody has done a lab. TimeoutError after five seconds."""
        async with asyncio.timeout(WAIT):
            while not self.is_done(self.ticks.get((name, lab))):
                self.changed.clear()
                await self.changed.wait()

    def close(self) -> None:
        """Stop following. What is shown stays."""
        self.ask(lambda server: server.labs.grader.on_tick.remove(self.news.put))

    # On the cell's loop only.

    def take(self, ticks: list[Tick]) -> None:
        for tick in ticks:
            self.ticks[tick.name, tick.lab] = tick
        self.changed.set()
        if self.due is None:
            self.due = self.bridge.later(PAUSE, self.draw)

    def draw(self) -> None:
        self.due = None
        self.picture.value = self.drawing.html

    @property
    def drawing(self) -> Drawing:
        """The table, in text and HTML."""
        if not self.ticks:
            nobody = say("labgrid_nobody").in_(self.lang)
            return Drawing(nobody, page(safe(nobody)))
        names = sorted({name for name, _ in self.ticks}, key=lambda name: (-self.stuck(name), name))
        rows = [[name, *(self.cell(name, lab) for lab in labs().values())] for name in names]
        legend = say("labgrid_legend", stuck=STUCK)
        head = [say("labgrid_name").in_(self.lang), *map(str, labs())]
        text = align([head, *rows])
        return Drawing(f"{text}\n\n{legend.in_(self.lang)}", self.html(head, rows, legend))

    def html(self, head: list[str], rows: list[list[str]], legend: Sentence) -> str:
        titles = [escape(lab.title.in_(self.lang), quote=True) for lab in labs().values()]
        first = f"<th>{escape(head[0])}</th>"
        first += "".join(
            f'<th scope="col" title="{title}">{number}</th>' for number, title in zip(labs(), titles, strict=True)
        )
        body = ""
        for name, *cells in rows:
            fields = "".join(f'<td class="stuck">{cell}</td>' if "✗" in cell else f"<td>{cell}</td>" for cell in cells)
            body += f'<tr><th scope="row">{safe(name)}</th>{fields}</tr>'
        table = f"<table><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>"
        return page(STYLE, f'<div class="chatkit-labs" tabindex="0">{table}</div>', legend.html(self.lang, "small"))

    def cell(self, name: str, lab: Lab) -> str:
        """`✅`, `2/3`, `2/3 ✗4`, or nothing where somebody has not begun."""
        tick = self.ticks.get((name, lab.number))
        if tick is None:
            return ""
        if self.is_done(tick):
            return "✅"
        wrong = f" ✗{tick.tries}" if tick.tries >= STUCK else ""
        return f"{tick.done}/{len(lab.steps)}{wrong}"

    def is_done(self, tick: Tick | None) -> bool:
        return tick is not None and tick.done == len(labs()[tick.lab].steps)

    def stuck(self, name: str) -> int:
        """In how many labs somebody is stuck."""
        return sum("✗" in self.cell(name, lab) for lab in labs().values())
