"""Exercises of 11_when_the_line_drops: what a Close frame says, whether a line is alive, and pauses with chance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from numbers import Real
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.protocol import State

from chatkit.exercises.calls import Trial, short
from chatkit.exercises.stage import PAUSE, quiet


async def check_why(trial: Trial, why: Any) -> None:
    """The payload of a Close frame (RFC 6455, 5.5.1); None where no frame came."""
    cases = [(1000, "see you"), (1001, ""), (4001, "you are here twice"), (1008, "เร็วเกินไป")]
    cases += [(trial.chance.randrange(3000, 5000), trial.word()) for _ in range(4)]
    for code, reason in cases:
        await trial.expect((code, reason), why, code.to_bytes(2, "big") + reason.encode())
    await trial.expect((1005, ""), why, b"")
    await trial.expect((1006, ""), why, None)


class Noted(ClientConnection):
    """A client's end that notes which frames it was asked to send."""

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        self.sent: list[str] = []

    @property
    def frames(self) -> str:
        return " ".join(self.sent) or "∅"

    async def ping(self, *values: Any) -> Any:
        self.sent.append("PING")
        return await super().ping(*values)

    async def send(self, *values: Any, **options: Any) -> None:
        self.sent.append("TEXT")
        await super().send(*values, **options)


ANSWERS = 1.5  # seconds for a Pong on loopback: far too many, but a machine may be busy
SILENT = 0.2  # seconds that an answer waits in vain


async def check_is_alive(trial: Trial, is_alive: Any) -> None:
    async with line() as (ws, far):
        text = trial.word()
        for says in ((), (text,)):  # a line on which nothing was said, and one where something waits to be read
            for each in says:
                await far.send(each)
            got = await trial.call(is_alive, ws, ANSWERS, spelling="is_alive(ws, 1.5)")
            if got is not True:
                raise trial.difference("alive", seconds=ANSWERS, got=short(got), sent=ws.frames)
            if ws.state is not State.OPEN:
                raise trial.difference("hung_up", seconds=ANSWERS)
        heard = asyncio.ensure_future(ws.recv())
        await asyncio.wait([heard], timeout=ANSWERS)
        if not heard.done() or heard.exception() or heard.result() != text:
            heard.cancel()
            raise trial.difference("eaten", text=short(text))
    async with line() as (ws, far):
        far.transport.pause_reading()  # as a phone that sleeps: TCP takes everything, nobody reads
        got = await trial.call(is_alive, ws, SILENT, spelling="is_alive(ws, 0.2)")
        if got is not False:
            raise trial.difference("silent", seconds=SILENT, got=short(got), sent=ws.frames)
    for end in ("close", "abort"):
        async with line() as (ws, far):
            if end == "close":
                await far.close()
            else:
                far.transport.abort()
            await ws.wait_closed()
            got = await trial.call(is_alive, ws, SILENT, spelling="is_alive(ws, 0.2)")
            if got is not False:
                raise trial.difference("closed", seconds=SILENT, got=short(got))


async def hear(ws: ServerConnection) -> None:
    async for _ in ws:
        pass


@asynccontextmanager
async def line() -> AsyncIterator[tuple[Noted, ServerConnection]]:
    """A client, and the server's end of its line."""
    server = await serve(hear, "127.0.0.1", 0, ping_interval=None, logger=quiet, close_timeout=PAUSE)
    uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    options: dict[str, Any] = {"proxy": None, "compression": None, "ping_interval": None, "close_timeout": PAUSE}
    ws = cast(Noted, await connect(uri, create_connection=Noted, **options))
    (far,) = server.connections
    try:
        yield ws, far
    finally:
        for each in (ws, far):
            each.transport.abort()
        server.close()
        await server.wait_closed()


MOST = 15  # seconds
TIMES = 100  # calls of one number: chance must show


async def check_pause(trial: Trial, pause: Any) -> None:
    for number in range(9):
        middle = min(MOST, 2**number)
        taken: list[Any] = [await trial.call(pause, number) for _ in range(TIMES)]
        if wrong := [each for each in taken if isinstance(each, bool) or not isinstance(each, (Real, Decimal))]:
            raise trial.difference("no_number", number=number, got=short(wrong[0]))
        holes = {"number": number, "middle": middle, "least": middle / 2, "most": middle * 1.5, "times": TIMES}
        taken = [float(each) for each in taken]
        low, high = min(taken), max(taken)
        for key, found, value in (
            ("no_chance", low == high, low),
            ("grows_on", middle == MOST and high > middle * 1.5, high),
            ("all_at_most", taken.count(MOST) > TIMES / 10, taken.count(MOST)),
            ("never_longer", high <= middle, high),
            ("never_shorter", low >= middle, low),
            ("too_short", low < middle / 2, low),
            ("too_long", high > middle * 1.5, high),
        ):
            if found:
                raise trial.difference(key, varies=True, got=f"{value:g}", **holes)


CHECKS = {"q1": check_why, "q2": check_is_alive, "q3": check_pause}
