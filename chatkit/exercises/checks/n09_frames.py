"""Exercises of 09_frames: a header, a frame of one's own, and fragments. websockets' own frames judge."""

from typing import Any

from websockets.frames import Frame, Opcode
from websockets.utils import apply_mask

from chatkit.exercises.calls import Trial, short

SIZES = (0, 1, 125, 126, 127, 300, 65_535, 65_536)  # both sides of each border between the three forms of the length
WORDS = ("hi", "สวัสดี", "naïve café", "ครู", "👋🏽", "The tea is ready", "กินข้าวหรือยัง", "1 2 3")


def frame(payload: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=False)


async def check_header(trial: Trial, header: Any) -> None:
    """The payload is zeros: what counts is in front. Sizes rise, so that the first difference is the smallest."""
    for size in SIZES:
        for fin, mask in ((True, False), (True, True), (False, False), (False, True)):
            opcode = Opcode.TEXT if fin else Opcode.BINARY
            data = frame(bytes(size), opcode, fin=fin)
            if mask:  # zeros under a mask are the mask, over and over
                start, key = len(data) - size, trial.chance.randbytes(4)
                data = bytes((data[0], data[1] | 0x80)) + data[2:start] + key + apply_mask(bytes(size), key)
            await try_header(trial, header, data, (fin, int(opcode), mask, size))
    for opcode, fin in ((Opcode.CONT, False), (Opcode.CLOSE, True), (Opcode.PING, True), (Opcode.PONG, True)):
        size = trial.chance.randrange(2, 100)
        await try_header(trial, header, frame(bytes(size), opcode, fin=fin), (fin, int(opcode), False, size))
    await try_header(trial, header, b"\xc1\x02hi", (True, 1, False, 2))
    for size in (2**40 + 7, trial.chance.randrange(2**33, 2**62)):  # the payload is still on its way
        await try_header(trial, header, b"\x82\x7f" + size.to_bytes(8, "big"), (True, 2, False, size))


async def try_header(trial: Trial, header: Any, data: bytes, wanted: tuple[bool, int, bool, int]) -> None:
    shown = data if len(data) <= 14 else data[:14]
    more = "" if len(data) <= 14 else " …"
    await trial.expect(wanted, header, data, spelling=f"header({shown!r}{more})")


async def check_text_frame(trial: Trial, text_frame: Any) -> None:
    fixed = (
        "hi",
        "",
        "é",
        "a" * 125,
        "a" * 300,
        "ก" * 42,
        "สวัสดี" * 9,
        "👋🏽" * 17,
        "é" * 63,
        "a" * 126,
        "b" * 65_535,
        "c" * 65_536,
    )
    drawn = [trial.chance.choice(WORDS) * trial.chance.randrange(1, 60) for _ in range(4)]
    for text in (*fixed, *drawn):
        wanted, call = frame(text.encode()), f"text_frame({short(text)})"
        got = trial.bytes_of(await trial.call(text_frame, text), call)
        if got != wanted:
            lines = (
                f"{short(text)}: {len(text)} code points, {len(text.encode())} bytes",
                f"→ {short(got)}",
                f"= {short(wanted)}",
            )
            raise first_byte(trial, got, wanted, call, lines)


def first_byte(trial: Trial, got: bytes, wanted: bytes, call: str, lines: tuple[str, ...]) -> Exception:
    """The Difference that names the first byte that is another one, or where the bytes end too soon or too late."""
    caption = trial.difference("bytes").said
    at = next((n for n, (a, b) in enumerate(zip(got, wanted, strict=False)) if a != b), min(len(got), len(wanted)))
    if at == len(got) or at == len(wanted):
        return trial.difference("length", lines, caption, call=call, got=len(got), wanted=len(wanted))
    return trial.difference(
        "byte", lines, caption, call=call, at=at, got=f"0x{got[at]:02x}", wanted=f"0x{wanted[at]:02x}"
    )


def fragments(trial: Trial, text: str, count: int) -> list[tuple[bool, int, bytes]]:
    """One text message as `count` frames, cut at any byte (RFC 6455, 5.4)."""
    payload = text.encode()
    cuts = sorted(trial.chance.randrange(len(payload) + 1) for _ in range(count - 1))
    pieces = [payload[start:end] for start, end in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    return [
        (number == count - 1, int(Opcode.CONT if number else Opcode.TEXT), piece) for number, piece in enumerate(pieces)
    ]


async def check_messages(trial: Trial, messages: Any) -> None:
    """Every FIN counts: pieces without it are no message yet, whatever follows them."""
    ping, pong, close = (True, 9, b"?"), (True, 10, b"still here"), (True, 8, b"\x03\xe8")
    for wanted, frames in (
        ([], []),
        (["hi", "ครู"], [(True, 1, b"hi"), (True, 1, "ครู".encode())]),
        (["Hello"], [(False, 1, b"Hel"), (True, 0, b"lo")]),
        (["Hello"], [(False, 1, b"H"), (False, 0, b"el"), (True, 0, b"lo")]),
        (["Hello"], [(False, 1, b"Hel"), ping, (True, 0, b"lo")]),
        (["ก"], [(False, 1, b"\xe0\xb8"), ping, (True, 0, b"\x81")]),
        (["", "hi"], [(True, 1, b""), (False, 1, b""), (True, 0, b"hi")]),
        (["hi"], [(True, 1, b"hi"), (False, 1, b"not y"), (False, 0, b"et")]),
        (["hi", "bye"], [pong, (True, 1, b"hi"), (True, 9, b""), (True, 1, b"bye")]),
        (["bye"], [(True, 1, b"bye"), close]),
    ):
        await trial.expect(wanted, messages, list(frames))
    for _ in range(5):
        said = [trial.chance.choice(WORDS) for _ in range(3)]
        frames = [piece for text in said for piece in fragments(trial, text, trial.chance.randrange(1, 5))]
        frames.insert(trial.chance.randrange(len(frames)), trial.chance.choice((ping, pong)))
        await trial.expect(said, messages, frames)


CHECKS = {"q1": check_header, "q2": check_text_frame, "q3": check_messages}
