"""Exercises of 04_frames: a header, a mask, a frame, TCP as a stream, and fragments. websockets' own frames judge."""
# ruff: noqa: E501 (a sentence stands on one line, as the student reads it)

import random
import secrets
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.utils import apply_mask

from chatkit.exercises.exercise import Question
from chatkit.exercises.shown import Difference
from chatkit.exercises.trial import expect, short
from chatkit.texts import Sentence

chance = random.SystemRandom()
SIZES = (0, 1, 125, 126, 300, 65_535, 65_536)  # both sides of each border between the three forms of the length
WORDS = ("hi", "สวัสดี", "naïve café", "ครู", "👋🏽", "The tea is ready", "กินข้าวหรือยัง", "1 2 3")


def frame(payload: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True, mask: bool = False) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=mask)


# --- q1: the header -------------------------------------------------------------------------------------------------


async def check_header(header: Any) -> None:
    for size in chance.sample(SIZES, len(SIZES)):
        opcode, mask, fin = chance.choice((Opcode.TEXT, Opcode.BINARY)), chance.random() < 0.5, chance.random() < 0.5
        data = frame(secrets.token_bytes(size), opcode, fin=fin, mask=mask)
        await expect((fin, int(opcode), mask, size), header, data)
    await expect((True, 9, True, 4), header, frame(secrets.token_bytes(4), Opcode.PING, mask=True))


Q1 = Question(
    ask=Sentence(
        "Write `header(data)`: from the bytes of one frame the tuple `(fin, opcode, masked, length)`; "
        "`length` counts the bytes of the payload, in all three forms",
        "เขียน `header(data)`: รับไบต์ของหนึ่งเฟรม แล้วให้ tuple `(fin, opcode, masked, length)` "
        "โดย `length` คือจำนวนไบต์ของเพย์โหลด ให้ถูกทั้งสามแบบ",
    ),
    start="""
def header(data):
    ...
""",
    answer="header",
    check=check_header,
    why=Sentence(
        "Everything a receiver has to know stands in these 2 to 10 bytes: what it is, and where the next frame begins",
        "ทุกอย่างที่ผู้รับต้องรู้อยู่ใน 2 ถึง 10 ไบต์นี้: เป็นอะไร และเฟรมถัดไปเริ่มตรงไหน",
    ),
    hints=(
        Sentence("Look at RFC 6455, section 5.2: the picture of the frame", "ดู RFC 6455 หัวข้อ 5.2: รูปของเฟรม"),
        Sentence(
            "Four bits and the opcode share a byte, MASK and 7 bits of length the next; 126 means: the length is in the next 2 bytes, 127: in the next 8",
            "สี่บิตกับ opcode อยู่ในไบต์เดียวกัน MASK กับความยาว 7 บิตอยู่ในไบต์ถัดไป ถ้าเป็น 126 ความยาวอยู่ใน 2 ไบต์ถัดไป ถ้าเป็น 127 อยู่ใน 8 ไบต์ถัดไป",
        ),
        Sentence(
            '`bool(data[0] & 0x80)`, `data[0] & 0x0F`, `data[1] & 0x7F`, `int.from_bytes(data[2:…], "big")`',
            '`bool(data[0] & 0x80)`, `data[0] & 0x0F`, `data[1] & 0x7F`, `int.from_bytes(data[2:…], "big")`',
        ),
    ),
    solution="""
def header(data):
    length = data[1] & 0x7F
    if length == 126:
        length = int.from_bytes(data[2:4], "big")
    elif length == 127:
        length = int.from_bytes(data[2:10], "big")
    return bool(data[0] & 0x80), data[0] & 0x0F, bool(data[1] & 0x80), length
""",
)


# --- q2: the mask ---------------------------------------------------------------------------------------------------


async def check_unmask(unmask: Any) -> None:
    for text in ("hi", "Hello", chance.choice(WORDS) * 3, ""):
        mask, plain = secrets.token_bytes(4), text.encode()
        await expect(plain, unmask, mask, apply_mask(plain, mask))
    plain, mask = secrets.token_bytes(chance.randrange(50, 70)), secrets.token_bytes(4)
    await expect(plain, unmask, mask, apply_mask(plain, mask))


Q2 = Question(
    ask=Sentence(
        "Write `unmask(mask, payload)`: the bytes as they were before the client masked them; `mask` has 4 bytes",
        "เขียน `unmask(mask, payload)`: ให้ไบต์เดิมก่อนที่ไคลเอนต์จะมาสก์ โดย `mask` มี 4 ไบต์",
    ),
    start="""
def unmask(mask, payload):
    ...
""",
    answer="unmask",
    check=check_unmask,
    why=Sentence(
        "The mask travels in front of the payload, so anybody can undo it: masking keeps old proxies from being fooled, it hides nothing",
        "มาสก์เดินทางไปพร้อมกันข้างหน้าเพย์โหลด ใครก็ถอดได้: มาสก์มีไว้กันพร็อกซีเก่าถูกหลอก ไม่ได้ซ่อนอะไร",
    ),
    hints=(
        Sentence("Look at RFC 6455, section 5.3", "ดู RFC 6455 หัวข้อ 5.3"),
        Sentence(
            "Byte `i` of the payload is combined by XOR with byte `i % 4` of the mask; doing it twice undoes it",
            "ไบต์ที่ `i` ของเพย์โหลด XOR กับไบต์ที่ `i % 4` ของมาสก์ ทำสองครั้งจะได้ค่าเดิม",
        ),
        Sentence(
            "`return bytes(byte ^ mask[…] for i, byte in enumerate(payload))`",
            "`return bytes(byte ^ mask[…] for i, byte in enumerate(payload))`",
        ),
    ),
    solution="""
def unmask(mask, payload):
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
""",
)


# --- q3: a frame of one's own ---------------------------------------------------------------------------------------


async def check_text_frame(text_frame: Any) -> None:
    thai = "สวัสดี" * chance.randrange(8, 12)
    for text in ("hi", "", "ก" * 42, thai, "a" * 125, "a" * 126, "b" * 65_535, "c" * 65_536, secrets.token_hex(20)):
        try:
            await expect(frame(text.encode()), text_frame, text)
        except Difference as difference:
            count = f"`{short(text)}`: {len(text)} code points, {len(text.encode())} bytes"
            raise Difference(difference.said, (count,)) from None


Q3 = Question(
    ask=Sentence(
        "Write `text_frame(text)`: the bytes of one whole text frame as a server sends it, without a mask",
        "เขียน `text_frame(text)`: ไบต์ของเฟรมข้อความตัวอักษรทั้งเฟรมแบบที่เซิร์ฟเวอร์ส่ง คือไม่มีมาสก์",
    ),
    start="""
def text_frame(text):
    ...
""",
    answer="text_frame",
    check=check_text_frame,
    why=Sentence(
        "The length counts bytes, not characters: 42 Thai letters are 126 bytes and already need the second form",
        "ความยาวนับเป็นไบต์ ไม่ใช่ตัวอักษร: อักษรไทย 42 ตัวคือ 126 ไบต์ ซึ่งต้องใช้แบบที่สองแล้ว",
    ),
    hints=(
        Sentence(
            "Look at the three forms of the length above; when is each one used?",
            "ดูความยาวสามแบบด้านบน แต่ละแบบใช้เมื่อไร",
        ),
        Sentence(
            "Encode first, then count; the first byte is FIN and opcode 1; up to 125 one byte, up to 65535 three, else nine",
            "เข้ารหัสเป็นไบต์ก่อนแล้วค่อยนับ ไบต์แรกคือ FIN กับ opcode 1 ไม่เกิน 125 ใช้หนึ่งไบต์ ไม่เกิน 65535 ใช้สามไบต์ มากกว่านั้นใช้เก้าไบต์",
        ),
        Sentence(
            '`return b"\\x81" + bytes([126]) + len(payload).to_bytes(2, "big") + payload`: this is the second of three cases',
            '`return b"\\x81" + bytes([126]) + len(payload).to_bytes(2, "big") + payload` นี่คือกรณีที่สองจากสามกรณี',
        ),
    ),
    solution="""
def text_frame(text):
    payload = text.encode()
    if len(payload) <= 125:
        length = bytes([len(payload)])
    elif len(payload) <= 65535:
        length = bytes([126]) + len(payload).to_bytes(2, "big")
    else:
        length = bytes([127]) + len(payload).to_bytes(8, "big")
    return b"\\x81" + length + payload
""",
)


# --- q4: TCP is a stream --------------------------------------------------------------------------------------------


def torn(stream: bytes) -> list[bytes]:
    """The stream in pieces, cut where TCP pleases: in the middle of a header or of a letter."""
    cuts = sorted(chance.sample(range(1, len(stream)), min(4, len(stream) - 1)))
    return [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


async def check_texts(texts: Any) -> None:
    one, two = chance.sample(WORDS, 2)
    thai = frame("สวัสดี".encode())
    await try_texts(texts, [frame(one.encode())], [one])
    await try_texts(texts, [frame(one.encode()) + frame(two.encode())], [one, two])  # two messages stuck together
    await try_texts(texts, [thai[:6], thai[6:]], ["สวัสดี"])  # one message, cut inside a letter
    await try_texts(texts, [thai + frame(one.encode())[:-1]], ["สวัสดี"])  # the last one is still on its way
    await try_texts(texts, [thai, thai[:1]], ["สวัสดี"])
    for _ in range(5):
        said = [chance.choice(WORDS) for _ in range(chance.randrange(3, 6))]
        await try_texts(texts, torn(b"".join(frame(text.encode()) for text in said)), said)


async def try_texts(texts: Any, chunks: list[bytes], said: list[str]) -> None:
    try:
        await expect(said, texts, list(chunks))
    except Difference as difference:
        arrived = tuple(f"TCP piece {number}: {chunk!r}" for number, chunk in enumerate(chunks, 1))
        raise Difference(difference.said, arrived) from None


Q4 = Question(
    ask=Sentence(
        "Write `texts(chunks)`: TCP delivered the pieces `chunks` (bytes) of a stream of short text frames, each unmasked and at most 125 bytes; "
        "return the list of all texts that have arrived completely",
        "เขียน `texts(chunks)`: TCP ส่งชิ้นส่วน `chunks` (ไบต์) ของสายเฟรมข้อความตัวอักษรสั้น ๆ แต่ละเฟรมไม่มีมาสก์และไม่เกิน 125 ไบต์ "
        "ให้คืนลิสต์ของข้อความทั้งหมดที่มาครบแล้ว",
    ),
    start="""
def texts(chunks):
    ...
""",
    answer="texts",
    check=check_texts,
    why=Sentence(
        "TCP keeps the order of bytes and nothing else: where a message begins and ends is the frame's business",
        "TCP รักษาแค่ลำดับของไบต์เท่านั้น: ข้อความเริ่มและจบตรงไหนเป็นหน้าที่ของเฟรม",
    ),
    hints=(
        Sentence("Look at the pieces: does each one begin with `0x81`?", "ดูชิ้นส่วน: ทุกชิ้นขึ้นต้นด้วย `0x81` หรือไม่"),
        Sentence(
            "Join all pieces into one stream; take frames off its front while there is a whole one; decode a text only then",
            "ต่อทุกชิ้นเป็นสายเดียว แล้วตัดเฟรมจากด้านหน้าตราบที่ยังมีเฟรมครบ จากนั้นจึงถอดเป็นข้อความ",
        ),
        Sentence(
            "`while len(stream) >= 2 and len(stream) >= 2 + stream[1]:` … `stream = stream[…:]`",
            "`while len(stream) >= 2 and len(stream) >= 2 + stream[1]:` … `stream = stream[…:]`",
        ),
    ),
    solution="""
def texts(chunks):
    stream, found = b"".join(chunks), []
    while len(stream) >= 2 and len(stream) >= 2 + stream[1]:
        end = 2 + stream[1]
        found.append(stream[2:end].decode())
        stream = stream[end:]
    return found
""",
)


# --- q5: fragments --------------------------------------------------------------------------------------------------


def fragments(text: str, count: int) -> list[tuple[bool, int, bytes]]:
    """One text message as `count` frames, cut at any byte (RFC 6455, 5.4)."""
    payload = text.encode()
    cuts = sorted(chance.randrange(len(payload) + 1) for _ in range(count - 1))
    pieces = [payload[start:end] for start, end in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    return [
        (number == count - 1, int(Opcode.CONT if number else Opcode.TEXT), piece) for number, piece in enumerate(pieces)
    ]


async def check_messages(messages: Any) -> None:
    ping = (True, int(Opcode.PING), b"?")
    await expect(["hi", "ครู"], messages, [(True, 1, b"hi"), (True, 1, "ครู".encode())])
    await expect(["Hello"], messages, [(False, 1, b"Hel"), (True, 0, b"lo")])
    await expect(["ก"], messages, [(False, 1, b"\xe0\xb8"), ping, (True, 0, b"\x81")])
    for _ in range(5):
        said = [chance.choice(WORDS) for _ in range(3)]
        frames = [piece for text in said for piece in fragments(text, chance.randrange(1, 5))]
        frames.insert(chance.randrange(len(frames)), ping)
        await expect(said, messages, frames)


Q5 = Question(
    ask=Sentence(
        "Write `messages(frames)`: each frame is a tuple `(fin, opcode, payload)`; return the list of the text messages. "
        "A message may come in several frames, and a Ping may come between them",
        "เขียน `messages(frames)`: แต่ละเฟรมเป็น tuple `(fin, opcode, payload)` ให้คืนลิสต์ของข้อความตัวอักษร "
        "ข้อความหนึ่งอาจมาหลายเฟรม และอาจมี Ping คั่นกลาง",
    ),
    start="""
def messages(frames):
    ...
""",
    answer="messages",
    check=check_messages,
    why=Sentence(
        "One message may be many frames: a sender can begin before it knows the end, and a Ping still gets through",
        "ข้อความเดียวอาจเป็นหลายเฟรม: ผู้ส่งเริ่มส่งได้ก่อนรู้ว่าจบตรงไหน และ Ping ยังแทรกผ่านได้",
    ),
    hints=(
        Sentence(
            "Look at RFC 6455, section 5.4, and at opcodes 0, 1 and 9", "ดู RFC 6455 หัวข้อ 5.4 และ opcode 0, 1 กับ 9"
        ),
        Sentence(
            "Opcodes from 8 on are control frames: skip them; collect bytes until FIN, and decode the whole",
            "opcode ตั้งแต่ 8 ขึ้นไปเป็นเฟรมควบคุม: ข้ามไป เก็บไบต์จนถึง FIN แล้วถอดทั้งก้อน",
        ),
        Sentence(
            '`whole += payload`, then `if fin:` append `whole.decode()` and begin again with `whole = b""`',
            '`whole += payload` แล้ว `if fin:` เพิ่ม `whole.decode()` และเริ่มใหม่ด้วย `whole = b""`',
        ),
    ),
    solution="""
def messages(frames):
    whole, found = b"", []
    for fin, opcode, payload in frames:
        if opcode >= 8:
            continue
        whole += payload
        if fin:
            found.append(whole.decode())
            whole = b""
    return found
""",
)

QUESTIONS = {"q1": Q1, "q2": Q2, "q3": Q3, "q4": Q4, "q5": Q5}
