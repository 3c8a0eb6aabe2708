"""Exercises of 13_safe_room: who is let in, what is left of a name, and when somebody is put out."""

import asyncio
import unicodedata
from typing import Any

from websockets.exceptions import ConnectionClosed

from chatkit.exercises.calls import Trial, short
from chatkit.exercises.stage import SECONDS, Stage, code_of, stage
from chatkit.exercises.watch import settled

OURS = ["localhost:8765", "127.0.0.1:8765"]
# Each known wrong answer stumbles at a handshake of its own.
HANDSHAKES: tuple[tuple[str, str | None, bool], ...] = (
    ("localhost:8765", None, True),
    ("localhost:8765", "http://localhost:8765", True),
    ("127.0.0.1:8765", "http://127.0.0.1:8765", True),
    ("localhost:8765", "https://evil.example", False),
    ("localhost:8765", "null", False),
    ("evil.example:8765", "http://evil.example:8765", False),
    ("localhost:8765", "http://localhost:8765.evil.example", False),
    ("localhost:8765", "http://evil.example?localhost:8765", False),
    ("evil.example:8765", None, False),
    ("localhost:8765", "http://127.0.0.1:8765", False),
    ("localhost:8765", "http://localhost:9999", False),
    ("localhost:8765", "https://localhost:8765", False),
    ("localhost:9999", None, False),
    ("localhost", None, False),
)


async def check_admit(trial: Trial, admit: Any) -> None:
    for host, origin, wanted in HANDSHAKES:
        await trial.expect(wanted, admit, host, origin, list(OURS))
    for _ in range(8):
        names = [f"{trial.chance.randbytes(3).hex()}.example:{trial.chance.randrange(1024, 65536)}" for _ in range(3)]
        host = trial.chance.choice(names)
        origin = f"http://{trial.chance.choice(names)}"
        ours = names[:2]
        await trial.expect(host in ours and origin == f"http://{host}", admit, host, origin, ours)


LONGEST = 20
NAMES = (
    "Mali",
    "  Mali ",
    "มะลิ",
    "Ma\u200bli",
    "\u202eilaM",
    "Mali\x07",
    "Jose\u0301",
    "น้ำ",
    " \u200b ",
    "m" * LONGEST,
    "e\u0301" * LONGEST,
    "m" * (LONGEST + 1),
    "Mali  Lek",
    "\u200b Mali",
    "Jose\u200b\u0301",
    "Ma\u00a0li",
)


def cleaned(name: str) -> str | None:
    shown = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf"))
    shown = unicodedata.normalize("NFC", shown).strip()
    return shown if 0 < len(shown) <= LONGEST else None


async def check_clean(trial: Trial, clean: Any) -> None:
    for name in NAMES:
        await expect_name(trial, clean, name)
    for _ in range(8):
        letters = [*trial.chance.choice(("Somchai", "สมชาย", "Zoe\u0308")), "\u200b", "\u2066", "\u00ad"]
        trial.chance.shuffle(letters)
        await expect_name(trial, clean, "".join(letters))


async def expect_name(trial: Trial, clean: Any, name: str) -> None:
    """What is invisible is spelt out in the sentence, else nobody would see what was asked."""
    await trial.expect(
        cleaned(name), clean, name, spelling=f"clean({ascii(name) if not name.isprintable() else name!r})"
    )


async def check_guard(trial: Trial, guard: Any) -> None:
    async with stage(trial, guard, "Ann", "Bob", "Cat") as play:
        await answered(play, "Ann", '{"text": "hi"}', "ok")
        await answered(play, "Ann", "hello", "no")
        await answered(play, "Cat", "5", "ok")
        await answered(play, "Cat", "[]", "ok")
        await answered(play, "Cat", "[1, 2", "no")
        await answered(play, "Bob", "{text}", "no")
        await answered(play, "Ann", '"tea?"', "ok")
        await answered(play, "Ann", "", "no")
        await put_out(play, "Ann")
        await answered(play, "Bob", "null", "ok")
        await play.join("Dan")
        rounds = ["ok"] * trial.chance.randrange(2, 9) + ["no"] * 2
        trial.chance.shuffle(rounds)
        for wanted in rounds:
            await answered(play, "Dan", f'{{"text": "{trial.word()}"}}' if wanted == "ok" else trial.word(), wanted)
        await put_out(play, "Dan")


async def answered(play: Stage, name: str, text: str, wanted: str) -> None:
    """One says something, hears this, and is still there."""
    await play.say(name, text)
    await play.hears(name, wanted)
    await play.silence(name)


async def put_out(play: Stage, name: str) -> None:
    """The third text that is no JSON: `no` once more, and the end with 1008."""
    code = await last_no(play, name)
    if code is None:
        await answered(play, name, "0", "ok")
        late = await last_no(play, name)
        in_a_row = late or await last_no(play, name) or await last_no(play, name)
        raise play.difference("late" if late else "in_a_row" if in_a_row else "stays", name=name)
    if code != "1008":
        raise play.difference("code", name=name, code=code)
    play.clients.pop(name)


async def last_no(play: Stage, name: str) -> str | None:
    """Say what is no JSON; the code with which the server ends the connection after its `no`, None where it stays."""
    await play.say(name, "bye")
    await play.hears(name, "no")
    return await closing(play, name)


async def closing(play: Stage, name: str) -> str | None:
    """The code with which the server ends this connection now; None where it does not."""
    receiving = asyncio.ensure_future(play.clients[name].recv())
    await settled([receiving], SECONDS / 2)
    receiving.cancel()
    [got] = await asyncio.gather(receiving, return_exceptions=True)
    if isinstance(got, ConnectionClosed):
        play.wire.append(f"server ✗ {name}: {code_of(got)}")
        return code_of(got)
    if isinstance(got, (str, bytes)):
        raise play.difference("ex_one_more", name=name, got=short(got))
    return None


CHECKS = {"q1": check_admit, "q2": check_clean, "q3": check_guard}
