"""Milestones of project_board: strokes for all others, the picture for who comes late, and nothing but strokes."""

import json
from typing import Any

from chatkit.exercises.calls import Trial, short
from chatkit.exercises.result import Difference
from chatkit.exercises.stage import Stage, stage


def stroke(trial: Trial) -> str:
    """A line on the board that nobody can have drawn before."""
    return json.dumps([round(trial.chance.random(), 4) for _ in range(4)])


async def draw(play: Stage, name: str) -> str:
    """One draws; all others hear just that, and nothing more."""
    text = stroke(play.trial)
    await play.say(name, text)
    for other in play.clients:
        if other != name:
            await play.hears(other, text)
    await play.silence()
    return text


async def check_share(trial: Trial, share: Any) -> None:
    async with stage(trial, share, "Ann", "Bob", "Cat") as play:
        for name in ("Cat", "Ann", "Bob", "Ann"):
            await draw(play, name)
        await play.leave("Cat")
        await draw(play, "Ann")
        await play.join("Dan")
        await play.cut("Bob")
        for _ in range(trial.chance.randrange(2, 6)):
            await draw(play, trial.chance.choice(("Ann", "Dan")))
        if ghost := play.ghost():
            raise play.difference("ghost", name=ghost)


async def check_board(trial: Trial, board: Any) -> None:
    """A picture may be left from an earlier check, so it is wiped first. Sending takes a moment, as in a network."""
    async with stage(trial, board, "Ann", slow=True) as play:
        await wipe(play, "Ann")
        picture = [stroke(trial) for _ in range(5)]
        await play.say("Ann", *picture)
        await play.join("Dan")
        await play.hears("Dan", *picture)
        await play.silence()
        await play.leave("Dan")
        await play.join("Bob")
        meanwhile = [stroke(trial) for _ in range(3)]
        await play.say("Ann", *meanwhile)
        await play.hears("Bob", *picture, *meanwhile)
        await play.silence()
        await draw(play, "Bob")
        await play.say("Bob", "clear")
        await play.hears("Ann", "clear")
        await play.silence()
        last = await draw(play, "Ann")
        await play.join("Cat")
        await play.hears("Cat", last)
        await play.silence()


async def wipe(play: Stage, name: str) -> None:
    """Wipe the board, whatever of an earlier check is still on it; who wipes may hear that first."""
    while True:
        try:
            await play.silence(name)
            break
        except Difference as difference:
            if difference.key != "ex_one_more":
                raise
    play.wire.clear()
    await play.say(name, "clear")
    await play.silence()


#: none of these is a stroke
BAD = (
    "hello",
    "[0.1, 0.2, 0.3]",
    "[0.1, 0.2, 0.3, 1.5]",
    '["a", "b", "c", "d"]',
    "5",
    "[0.1, 0.2, 0.3, 0.4, 0.5]",
    "[-0.1, 0.2, 0.3, 0.4]",
    '{"x": 0.1}',
    "null",
    "[[0.1], 0.2, 0.3, 0.4]",
    '"abcd"',
    "[0.1, 0.2, 0.3, 0.4",
    "",
)


async def check_guard(trial: Trial, guard: Any) -> None:
    async with stage(trial, guard, "Ann", "Bob") as play:
        await draw(play, "Ann")
        bad = [*BAD]
        for _ in range(4):
            numbers = json.loads(stroke(trial))
            numbers[trial.chance.randrange(4)] = trial.chance.choice((None, "0.5", 1.01, -0.01, 7))
            bad.append(json.dumps(numbers))
        for text in bad:
            await refused(play, text)
        for text in ("[0, 0, 1, 1]", stroke(trial)):
            await play.say("Bob", text)
            await play.hears("Ann", text)
        await play.silence()


async def refused(play: Stage, text: str) -> None:
    """Ann alone hears that this is no stroke."""
    await play.say("Ann", text)
    try:
        await play.hears("Ann", "bad")
    except Difference as difference:
        if difference.key != "ex_silent":
            raise
        raise play.difference("not_refused", text=short(text)) from None
    await play.silence()


CHECKS = {"q1": check_share, "q2": check_board, "q3": check_guard}
