"""Exercises of 04_your_own_panel: a line that is text and not HTML, an input box, and a callback of another thread."""

import asyncio
import inspect
import threading
from html.parser import HTMLParser
from typing import Any

from chatkit.exercises.calls import Trial, named, short
from chatkit.exercises.result import Difference


class Page(HTMLParser):
    """What a browser makes of some HTML: its elements, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = self.bold = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            self.open.remove(tag)

    def handle_data(self, data: str) -> None:
        self.text += data
        if "b" in self.open:
            self.bold += data


LINES = (
    ("Mali", "hi"),
    ("Mali", "<b>hi</b>"),
    ("<i>Somchai</i>", "hi"),
    ("Mali", "1 < 2 & 3 > 2"),
    ("Mali", "&lt;b&gt;"),
    ("มะลิ", 'สวัสดี "ครู" <img src=x onerror=alert(1)>'),
)


async def check_line(trial: Trial, line: Any) -> None:
    """What comes is read as a browser reads it: two elements of our own, and the very characters that were said."""
    for name, text in (*LINES, (f"Ann{trial.chance.randrange(99)}", f"{trial.word()} <{trial.word()}>")):
        html = await trial.call(line, name, text)
        call = f"line({short(name)}, {short(text)})"
        if not isinstance(html, str):
            key = "ex_none" if html is None else "no_text"
            raise trial.difference(key, call=call, got=short(html), wanted="'<p><b>…</b>: …</p>'")
        page = Page(html)
        lines, caption = (html,), trial.difference("html").said
        if page.tags != ["p", "b"]:
            raise trial.difference("elements", lines, caption, call=call, tags=", ".join(page.tags) or "∅")
        if page.bold != name:
            raise trial.difference("bold", lines, caption, call=call, got=short(page.bold), wanted=short(name))
        if page.text != f"{name}: {text}":
            raise trial.difference("reads", lines, caption, got=short(page.text), wanted=short(f"{name}: {text}"))


class Box:
    """An input box, as far as a callback knows it."""

    def __init__(self, value: str) -> None:
        self.value = value


async def check_submit(trial: Trial, submit: Any) -> None:
    word = trial.word()
    for typed, sent in (("hi", "hi"), (f"  {word} ", word), ("", None), ("   ", None)):
        box = Box(typed)
        heard: list[str] = []
        seen: list[str] = []

        async def send(text: str, box: Box = box, heard: list[str] = heard, seen: list[str] = seen) -> int:
            await asyncio.sleep(0.01)
            seen.append(box.value)
            heard.append(text)
            return len(heard)

        call = f"submit(box, send), box.value = {short(typed)}"
        got = await trial.call(submit, box, send, spelling=call)
        if heard != ([] if sent is None else [sent]):
            raise trial.difference("sent", call=call, got=short(heard), wanted=short([] if sent is None else [sent]))
        if got is not (sent is not None):
            raise trial.difference("ex_gave", call=call, got=short(got), wanted=short(sent is not None))
        if sent is not None and seen[0] == "":
            raise trial.difference("cleared_early", call=call)
        if sent is not None and box.value != "":
            raise trial.difference("not_cleared", call=call, got=short(box.value))
    await check_a_line_that_is_down(trial, submit)


async def check_a_line_that_is_down(trial: Trial, submit: Any) -> None:
    box = Box(trial.word())
    typed = box.value

    async def down(text: str) -> int:
        await asyncio.sleep(0.01)
        raise ConnectionError("the line is down")

    call = "submit(box, send), send raises ConnectionError"
    got = await trial.call(submit, box, down, spelling=call)
    if box.value != typed:
        raise trial.difference("lost", got=short(box.value), wanted=short(typed))
    if got is not False:
        raise trial.difference("ex_gave", call=call, got=short(got), wanted="False")


async def check_pressed(trial: Trial, pressed: Any) -> None:
    """`pressed` is called on another thread, as JupyterLab calls it; asyncio's own debug mode tells who may do what."""
    loop = asyncio.get_running_loop()
    debug = loop.get_debug()
    loop.set_debug(True)  # asyncio then refuses what only its own thread may do
    try:
        for _ in range(2):
            text, heard = trial.word(), asyncio.Event()
            where: list[tuple[int, str]] = []

            async def send(said: str, where: list[tuple[int, str]] = where, heard: asyncio.Event = heard) -> int:
                await asyncio.sleep(0)
                where.append((threading.get_ident(), said))
                heard.set()
                return 1

            await in_a_thread(trial, pressed, loop, send, text)
            await asyncio.wait([waiting := asyncio.ensure_future(heard.wait())], timeout=1.0)
            waiting.cancel()
            if not where:
                raise trial.difference("not_sent", text=text)
            if where[0] != (threading.get_ident(), text):
                key = "elsewhere" if where[0][1] == text else "sent"
                raise trial.difference(key, got=short(where[0][1]), wanted=short(text))
    finally:
        loop.set_debug(debug)


async def in_a_thread(trial: Trial, pressed: Any, *args: Any) -> None:
    """Call it on a thread of its own; where there are no threads (the browser's own Python), right here."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            if inspect.iscoroutine(got := trial.watch.call(pressed, *args)):
                got.close()
                raise trial.difference("not_plain")
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        run()
    for _ in range(40):
        if not thread.is_alive():
            break
        await asyncio.sleep(0.05)
    else:
        raise trial.difference("ex_too_long", call="pressed(loop, send, text)", seconds=2.0)
    if errors and isinstance(errors[0], Difference):
        raise errors[0]
    if errors:
        error = named(errors.pop())  # it would keep the coroutine that nobody awaited
        raise trial.difference("ex_raised", call="pressed(loop, send, text)", error=error)


CHECKS = {"q1": check_line, "q2": check_submit, "q3": check_pressed}
