"""Exercises of 10_client_by_hand: TCP is a stream, a masked frame, and what a client has to answer."""

from typing import Any

from websockets.utils import apply_mask

from chatkit.exercises.calls import Trial, gave, same, short
from chatkit.exercises.checks.n09_frames import WORDS, first_byte, frame
from chatkit.exercises.result import Difference


def torn(trial: Trial, stream: bytes) -> list[bytes]:
    """The stream in pieces, cut where TCP pleases: in the middle of a header or of a letter."""
    cuts = sorted(trial.chance.sample(range(1, len(stream)), min(4, len(stream) - 1)))
    return [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


async def check_texts(trial: Trial, texts: Any) -> None:
    thai, tea, rice = frame("สวัสดี".encode()), frame(b"tea"), frame("กิน".encode())  # UTF-8 of กิ holds 0x81
    long, empty = "x" * 125, frame(b"")
    many = [trial.chance.choice(WORDS) for _ in range(41)]
    for chunks, said in (
        ([], []),
        ([tea], ["tea"]),
        ([tea + frame(b"hi")], ["tea", "hi"]),  # two messages stuck together
        ([thai[:6], thai[6:]], ["สวัสดี"]),  # one message, cut inside a letter
        ([thai[:1], thai[1:]], ["สวัสดี"]),  # cut inside the header
        ([thai + tea[:-1]], ["สวัสดี"]),  # the last one is still on its way
        ([thai, thai[:1]], ["สวัสดี"]),
        ([rice, b"", tea], ["กิน", "tea"]),
        ([empty + tea], ["", "tea"]),
        ([frame(long.encode())], [long]),
        ([b"".join(frame(text.encode()) for text in many)], many),
    ):
        await try_texts(trial, texts, chunks, said)
    for _ in range(5):
        said = [trial.chance.choice(WORDS) for _ in range(trial.chance.randrange(3, 6))]
        await try_texts(trial, texts, torn(trial, b"".join(frame(text.encode()) for text in said)), said)


async def try_texts(trial: Trial, texts: Any, chunks: list[bytes], said: list[str]) -> None:
    try:
        await trial.expect(said, texts, list(chunks))
    except Difference as found:
        arrived = tuple(f"TCP {number}: {short(chunk)}" for number, chunk in enumerate(chunks, 1)) or ("∅",)
        raise Difference(found.key, found.said, arrived, trial.difference("arrived").said) from None


async def check_client_frame(trial: Trial, client_frame: Any) -> None:
    masks = set()
    fixed = ("hi", "hi", "", "สวัสดี", "a" * 125, "ก" * 42, "b" * 300, "c" * 65_536)
    for text in (*fixed, *(trial.chance.choice(WORDS) * trial.chance.randrange(1, 30) for _ in range(4))):
        call = f"client_frame({short(text)})"
        got = trial.bytes_of(await trial.call(client_frame, text), call)
        masks.add(judge_client_frame(trial, got, text, call))
    if len(masks) < len(fixed):
        raise trial.difference("old_mask", masks=len(masks), frames=len(fixed) + 4)


def judge_client_frame(trial: Trial, got: bytes, text: str, call: str) -> bytes:
    """Raise Difference unless it is the text as a client sends it; its mask."""
    plain = text.encode()
    wanted = bytearray(frame(plain)[: -len(plain) or None])
    wanted[1] |= 0x80
    lines = (f"→ {short(got)}",)
    if len(got) > 1 and not got[1] & 0x80:
        raise trial.difference("no_mask", lines, trial.difference("bytes").said, call=call)
    size = len(wanted)
    if got[:size] != wanted:
        raise first_byte(trial, got[:size], bytes(wanted), call, lines)
    mask, payload = got[size : size + 4], got[size + 4 :]
    if len(got) != size + 4 + len(plain):
        whole = size + 4 + len(plain)
        raise trial.difference("length", lines, trial.difference("bytes").said, call=call, got=len(got), wanted=whole)
    if apply_mask(payload, mask) != plain:
        raise trial.difference(
            "unmasked" if payload == plain else "other_mask",
            lines,
            trial.difference("bytes").said,
            varies=True,
            call=call,
            got=short(apply_mask(payload, mask)),
            wanted=short(plain),
        )
    return mask


async def check_reply(trial: Trial, reply: Any) -> None:
    some = trial.chance.randbytes(5)
    for opcode, payload, wanted in (
        (1, b"hi", None),
        (9, b"?", (10, b"?")),
        (9, b"", (10, b"")),
        (9, some, (10, some)),
        (10, b"?", None),
        (8, b"\x03\xe8", (8, b"\x03\xe8")),
        (8, b"", (8, b"")),
        (8, b"\x03\xe9going away", (8, b"\x03\xe9")),
        (2, b"\x09", None),
        (0, b"lo", None),
    ):
        got = await trial.call(reply, opcode, payload)
        whole = (8, payload) if opcode == 8 else wanted  # the reason may go back as well (RFC 6455, 5.5.1)
        if not same(got, wanted) and not (wanted is not None and same(got, whole)):
            call = f"reply({opcode}, {payload!r})"
            raise trial.difference(gave(got), call=call, got=short(got), wanted=short(wanted))


CHECKS = {"q1": check_texts, "q2": check_client_frame, "q3": check_reply}
