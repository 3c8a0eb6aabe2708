"""Exercises of 12_nothing_lost: which numbers are missing, an id is kept once, and what is new among old entries."""

from typing import Any

from chatkit.exercises.calls import Trial, same, short


async def check_missing(trial: Trial, missing: Any) -> None:
    for numbers, head in (([1, 2, 3], 3), ([1, 3], 3), ([4, 1, 1], 4), ([1, 2], 4), ([3, 4], 4), ([], 2), ([], 0)):
        await trial.expect([n for n in range(1, head + 1) if n not in numbers], missing, list(numbers), head)
    for _ in range(6):
        head = trial.chance.randrange(5, 60)
        numbers = trial.chance.sample(range(1, head + 1), trial.chance.randrange(head))
        await trial.expect([n for n in range(1, head + 1) if n not in numbers], missing, numbers, head)


async def check_store(trial: Trial, store: Any) -> None:
    """Two rooms, the same ids in both: what was stored is in the log, and nowhere else."""
    for _ in range(2):
        await store_all(trial, store, [])


async def store_all(trial: Trial, store: Any, log: list[tuple[str, str]]) -> None:
    sent = [("a1", "hi"), ("b1", "hi"), ("a1", "hi"), ("c1", "tea"), ("b1", "hi"), ("a1", "changed")]
    fresh = [(trial.chance.randbytes(4).hex(), trial.word()) for _ in range(8)]
    sent += [trial.chance.choice(fresh) for _ in range(20)]
    kept: list[tuple[str, str]] = []
    for id, text in sent:
        if id not in [each for each, _ in kept]:
            kept.append((id, text))
        number = [each for each, _ in kept].index(id) + 1
        await trial.expect(number, store, log, id, text, spelling=f"store(log, {id!r}, {text!r})")
        if not same([tuple(each) if isinstance(each, (list, tuple)) else each for each in log], kept):
            raise trial.difference("log", id=short(id), got=short(log[-4:]), wanted=short(kept[-4:]))


async def check_fresh(trial: Trial, fresh: Any) -> None:
    cases: list[tuple[int, list[tuple[int, str]]]] = [
        (0, [(1, "hi"), (2, "tea")]),
        (2, [(1, "hi"), (2, "tea"), (3, "at four")]),
        (0, [(1, "hi"), (2, "hi")]),
        (2, [(3, "a"), (3, "a"), (4, "b")]),
        (5, [(4, "d"), (5, "e")]),
        (3, []),
    ]
    for _ in range(6):
        after = trial.chance.randrange(50)
        entries = [(number, trial.word()) for number in range(max(1, after - 3), after + 12)]
        cut = trial.chance.randrange(1, len(entries))
        cases.append((after, entries[:cut] + entries[max(0, cut - 4) :]))
    for after, entries in cases:
        new = {number: text for number, text in entries if number > after}
        await trial.expect(list(new.values()), fresh, after, list(entries))


CHECKS = {"q1": check_missing, "q2": check_store, "q3": check_fresh}
