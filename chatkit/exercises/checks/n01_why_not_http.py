"""Exercises of 01_why_not_http: how long words wait, when HTTP is cheaper, and a client that asks and waits."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from chatkit.exercises.calls import Trial, gave, same, short, whole
from chatkit.exercises.result import Difference
from chatkit.exercises.stage import SECONDS, quiet
from chatkit.exercises.watch import settled


async def check_waits(trial: Trial, waits: Any) -> None:
    chance = trial.chance
    cases = [([500], 400), ([400], 400), ([100, 800, 950], 400), ([], 250)]
    for _ in range(4):
        every = chance.randrange(50, 900)
        cases.append((sorted(chance.randrange(1, 5 * every) for _ in range(chance.randrange(2, 6))), every))
    for spoken, every in cases:
        wanted, most = [-when % every for when in spoken], len(spoken) + 1
        spelling = f"waits({spoken}, {every})"
        got = await trial.call(waits, list(spoken), every, spelling=spelling)
        numbers = trial.items(got, most)
        if numbers is None or not same([whole(each) for each in numbers], wanted):
            raise trial.difference(
                gave(got), call=spelling, got=short(got if numbers is None else numbers), wanted=wanted
            )


async def check_questions(trial: Trial, questions: Any) -> None:
    chance = trial.chance
    cases = [(214, 404, 8, 20), (200, 400, 8, 25), (1000, 400, 10, 0)]
    for _ in range(5):
        cases.append(
            (chance.randrange(80, 900), chance.randrange(300, 900), chance.randrange(3, 60), chance.randrange(90))
        )
    for poll, handshake, frame, news in cases:
        wanted = (handshake + frame * news) // poll
        spelling = f"questions({poll}, {handshake}, {frame}, {news})"
        got = await trial.call(questions, poll, handshake, frame, news, spelling=spelling)
        if not same(whole(got), wanted):
            raise trial.difference(gave(got), call=spelling, got=short(got), wanted=wanted)


MOST = 20  # questions; a right answer needs one more than there are steps in a talk

Ask = Callable[[int], Awaitable[list[str]]]


async def check_listen(trial: Trial, listen: Any) -> None:
    """Talks by the number of texts that are there at the first, second … question: some questions are in vain."""
    chance = trial.chance
    vain = chance.randrange(1, 4)
    for steps in ((2, 3, 3, 6), (0, 1, 4), (vain, vain, vain, vain + 1, vain + chance.randrange(2, 5))):
        texts = [*(trial.word() for _ in range(steps[-1] - 1)), "bye"]
        wire: list[str] = []
        async with mailbox(texts, steps, wire) as ask:
            try:
                got = await trial.call(listen, ask, spelling="listen(ask)")
            except Difference as difference:
                if difference.key == "ex_too_long" and said_goodbye(wire):
                    raise trial.difference("goes_on", tuple(wire), count=len(wire)) from None
                raise Difference(difference.key, difference.said, tuple(wire)) from None
        heard = trial.items(got, MOST * MOST)
        if heard is None or not same(heard, texts):
            shown = short(got if heard is None else heard)
            raise trial.difference(gave(got), tuple(wire), call="listen(ask)", got=shown, wanted=short(texts))


def said_goodbye(wire: list[str]) -> bool:
    return any('"bye"]' in line for line in wire)


@asynccontextmanager
async def mailbox(texts: Sequence[str], steps: Sequence[int], wire: list[str]) -> AsyncIterator[Ask]:
    """A real HTTP server that answers long polls, and the function that asks it. `wire` is each question and answer."""
    over = asyncio.Event()

    async def answer(connection: ServerConnection, request: Request) -> Response:
        asked = len(wire)
        new = texts[int(request.path.rpartition("/")[2]) : steps[min(asked, len(steps) - 1)]]
        is_silent = asked >= MOST or (not new and asked >= len(steps))
        wire.append(f"GET {request.path} → {'…' if is_silent else json.dumps(new, ensure_ascii=False)}")
        if is_silent:
            await over.wait()  # nobody speaks any more
        return connection.respond(200, json.dumps(new))

    server = await serve(hang_up, "127.0.0.1", 0, process_request=answer, logger=quiet, open_timeout=None)
    try:
        yield partial(ask_at, server.sockets[0].getsockname()[1])
    finally:
        over.set()
        server.close()
        await settled([asyncio.ensure_future(server.wait_closed())], SECONDS)


async def ask_at(port: int, number: int) -> list[str]:
    """One question, one answer, as the lesson's `get` does it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET /wait/{number:d} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        response = await reader.read()
    finally:
        writer.close()
    new: list[str] = json.loads(response.partition(b"\r\n\r\n")[2])
    return new


async def hang_up(ws: ServerConnection) -> None:
    """Nobody comes here: every question is answered before."""


CHECKS = {"q1": check_waits, "q2": check_questions, "q3": check_listen}
