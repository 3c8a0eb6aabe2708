"""Milestones of project_quiz: a question that is asked and judged, votes that count once, points that stay."""

import json
from typing import Any

from chatkit.exercises.calls import Trial, short
from chatkit.exercises.stage import Stage, stage

QUESTION = "7 × 8 = ?"


async def check_ask(trial: Trial, ask: Any) -> None:
    chance = trial.chance
    async with stage(trial, ask, "Ann", "Bob") as play:
        await play.hears("Ann", QUESTION)
        await play.hears("Bob", QUESTION)
        answers = [("Ann", "54", False), ("Bob", "56", True), ("Ann", "fifty-six", False), ("Bob", " 56 ", True)]
        answers += [
            ("Ann", "156", False),
            ("Ann", "", False),
            ("Bob", "560", False),
            ("Bob", "5 6", False),
            ("Ann", "56", True),
        ]
        for _ in range(chance.randrange(3, 9)):
            is_right = chance.random() < 0.5
            number = "56" if is_right else str(chance.randrange(57, 5600))
            answers.append((chance.choice(("Ann", "Bob")), number, is_right))
        for name, text, is_right in answers:
            await play.say(name, text)
            wanted = "right" if is_right else "wrong"
            if (got := await play.heard(name, wanted)) != wanted:
                raise play.difference("judged", name=name, text=short(text), wanted=wanted, got=short(got))
            await play.silence()


async def check_votes(trial: Trial, votes: Any) -> None:
    """A count may go on from an earlier check: what each vote adds to it is compared."""
    async with stage(trial, votes, "Ann", "Bob", "Cat") as play:
        await play.say("Ann", "2")
        counts = {await heard_count(play, name) for name in ("Ann", "Bob", "Cat")}
        if len(counts) > 1:
            raise play.difference("not_equal")
        count = counts.pop()
        await play.say("Bob", "4")
        await play.hears("Bob", "?")
        count = await vote(play, "Bob", "3", count)
        for name, text, wanted in (
            ("Ann", "2", "already"),
            ("Bob", "1", "already"),
            ("Cat", "two", "?"),
            ("Ann", "two", "?"),
            ("Bob", "12", "?"),
            ("Bob", "", "?"),
        ):
            await play.say(name, text)
            await play.hears(name, wanted)
        await play.silence()
        await play.leave("Ann")
        count = await vote(play, "Cat", trial.chance.choice("123"), count)
        await play.join("Dan", "Eve")
        await play.cut("Bob")
        for name in ("Dan", "Eve"):
            count = await vote(play, name, trial.chance.choice("123"), count)
        await play.silence()


async def vote(play: Stage, name: str, pick: str, before: tuple[int, int, int]) -> tuple[int, int, int]:
    """One votes, and everybody hears the count, of which one number has become larger by one."""
    wanted = tuple(count + (choice == pick) for choice, count in zip("123", before, strict=True))
    await play.say(name, pick)
    for listener in sorted(play.clients, key=lambda each: each != name):  # the voter first
        got = await heard_count(play, listener)
        if got != wanted:
            more = [now - then for now, then in zip(got, before, strict=True)]
            grew = dict(zip("123", more, strict=True))
            raise play.difference("count", name=name, pick=pick, listener=listener, got=grew)
    return wanted[0], wanted[1], wanted[2]


async def heard_count(play: Stage, name: str) -> tuple[int, int, int]:
    text = await play.heard(name, '{"1": …, "2": …, "3": …}')
    count = object_in(text)
    if count is None or count.keys() != set("123") or not all(isinstance(each, int) for each in count.values()):
        raise play.difference("no_count", name=name, got=short(text))
    return count["1"], count["2"], count["3"]


def object_in(text: str | bytes) -> dict[str, Any] | None:
    """The JSON object that a message is; None where it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


async def check_play(trial: Trial, play_quiz: Any) -> None:
    """Names are fresh in each try: points of an earlier one may still be there."""
    async with stage(trial, play_quiz, "Ann", "Bob") as play:
        mark = trial.chance.randbytes(2).hex()
        ann, bob = f"Ann {mark}", f"Bob {mark}"
        await play.say("Ann", ann)
        await play.say("Bob", bob)
        await play.silence()
        await play.say("Ann", "55")
        await play.hears("Ann", "wrong")
        await play.silence()
        await play.say("Ann", "56")
        await board(play, {ann: 1, bob: 0})
        await play.say("Bob", "56")
        await board(play, {ann: 1, bob: 1})
        await play.leave("Ann")
        await play.say("Bob", "56")
        await board(play, {ann: 1, bob: 2})
        await play.join("Ann")
        await play.say("Ann", ann, "56")
        await board(play, {ann: 2, bob: 2})
        await play.cut("Bob")
        for points in range(3, trial.chance.randrange(5, 8)):
            await play.say("Ann", "56")
            await board(play, {ann: points, bob: 2})


async def board(play: Stage, wanted: dict[str, int]) -> None:
    """Everybody hears the board, and it has these points; the names of an earlier check may stand on it, too."""
    for name in play.clients:
        text = await play.heard(name, json.dumps(wanted))
        found = object_in(text)
        if found is None:
            raise play.difference("no_board", name=name, got=short(text))
        got = {player: found.get(player, "–") for player in wanted}
        if got != wanted:
            told = {who.split()[0]: points for who, points in got.items()}
            raise play.difference("board", got=told, wanted={who.split()[0]: n for who, n in wanted.items()})
    await play.silence()


CHECKS = {"q1": check_ask, "q2": check_votes, "q3": check_play}
