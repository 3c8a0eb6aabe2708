"""Exercises of 06_rooms_and_names: what is wrong with a message, the room at an address, a name that is free."""

import json
from typing import Any

from chatkit.exercises.calls import Trial

# From small to large; a known wrong answer stumbles at a message of its own.
MESSAGES: tuple[tuple[str, str | None], ...] = (
    ('{"type": "say", "text": "hi"}', None),
    ("hi", "json"),
    ("[1]", "json"),
    ('{"text": "hi"}', "type"),
    ('{"type": "dance", "text": "hi"}', "type"),
    ('{"type": "say", "txt": "hi"}', "text"),
    ('{"type": "say", "text": 5}', "text"),
    ('{"type": "say", "text": ""}', None),
    ('{"type": "say", "text": "hi", "colour": "red"}', None),
    ('{"type": "dance", "text": 5}', "type"),
    ('"say"', "json"),
    ("null", "json"),
    ('{"type": 1, "text": "hi"}', "type"),
    ('{"type": "say", "text": null}', "text"),
    ('{"type": "say", "text": ["hi"]}', "text"),
    ('{"type": "say"', "json"),
)


async def check_fault(trial: Trial, fault: Any) -> None:
    for text, wanted in MESSAGES:
        await trial.expect(wanted, fault, text)
    for _ in range(12):
        fields = {"type": "say", "text": trial.word(), trial.chance.randbytes(2).hex(): trial.chance.randrange(99)}
        wanted = trial.chance.choice((None, "type", "text"))
        if wanted:
            fields[wanted] = trial.chance.choice((7, None, True))
        await trial.expect(wanted, fault, json.dumps(fields, ensure_ascii=False))


TARGETS: tuple[tuple[str, str | None], ...] = (
    ("/room/art", "art"),
    ("/", "lobby"),
    ("/room/art?name=Bob", "art"),
    ("/?name=Bob", "lobby"),
    ("/room/%E0%B8%84%E0%B8%A3%E0%B8%B9", "ครู"),
    ("/elsewhere", None),
    ("/room/", None),
    ("/room/art/2", None),
    ("/room/why%3Fnot", "why?not"),
    ("/rooms/art", None),
    ("/school/room/art", None),
    ("/room/Art%20Class", "Art Class"),
    ("/room/tea+milk", "tea+milk"),
    ("/room/50%2525", "50%25"),
)


async def check_room(trial: Trial, room: Any) -> None:
    for target, wanted in TARGETS:
        await trial.expect(wanted, room, target)
    for _ in range(8):
        name = trial.chance.randbytes(3).hex()
        query = trial.chance.choice(("", "?name=Ann", "?name=Ann&token=/room/x"))
        await trial.expect(name, room, f"/room/{name}{query}")


NAMES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Mali", (), "Mali"),
    ("Mali", ("Somchai",), "Mali"),
    ("Mali", ("Somchai", "Mali"), "Mali·2"),
    ("mali", ("Mali",), "mali·2"),
    ("Mali", ("MALI", "Mali·2"), "Mali·3"),
    ("Mali", ("Mali", "Mali·3"), "Mali·2"),
    ("มะลิ", ("มะลิ", "Ann", "มะลิ·2"), "มะลิ·3"),
    ("Mal", ("Mali",), "Mal"),
)


async def check_free_name(trial: Trial, free_name: Any) -> None:
    for name, taken, wanted in NAMES:
        await trial.expect(wanted, free_name, name, list(taken))
    for _ in range(8):
        name, count = f"Ann{trial.chance.randrange(1000)}", trial.chance.randrange(1, 30)
        there = [name.upper(), *(f"{name}·{number}" for number in range(2, count + 1)), "Somchai"]
        trial.chance.shuffle(there)
        await trial.expect(f"{name}·{count + 1}", free_name, name, there)


CHECKS = {"q1": check_fault, "q2": check_room, "q3": check_free_name}
