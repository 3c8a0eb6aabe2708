"""Exercises of 03_handshake: the Accept key, the request, a refusal, and what the key is not."""
# ruff: noqa: E501 (a sentence stands on one line, as the student reads it)

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.utils import accept_key, generate_key

from chatkit.exercises.exercise import Question
from chatkit.exercises.shown import Difference
from chatkit.exercises.stage import quiet
from chatkit.exercises.trial import expect, outcome, short
from chatkit.texts import Sentence

SECONDS = 1.0  # for a server on this machine to answer
REFUSALS = (400, 401, 403, 404, 426)

Gate = Callable[[ServerConnection, Request], Response | None]


@asynccontextmanager
async def server(gate: Gate | None = None) -> AsyncIterator[int]:
    """A real WebSocket server on a free port; `gate` may refuse."""

    async def idle(ws: ServerConnection) -> None:
        await ws.wait_closed()

    async with serve(idle, "127.0.0.1", 0, process_request=gate, logger=quiet, close_timeout=0.1) as running:
        yield running.sockets[0].getsockname()[1]


async def answer_to(request: bytes, port: int) -> bytes:
    """What the server writes back to these very bytes: its head up to the blank line, or all until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(SECONDS):
            return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as ended:
        return ended.partial
    except (TimeoutError, ConnectionError):
        return b""
    finally:
        writer.close()


def wire(request: bytes, response: bytes) -> tuple[str, ...]:
    """Request and response, line by line, as they were sent."""
    sent = [f"→ {line!r}" for line in request[:600].splitlines(keepends=True)]
    came = [f"← {line!r}" for line in response[:600].splitlines(keepends=True)]
    return (*sent, *(came or ["← nothing"]))


def head(key: str, port: int = 80, path: str = "/") -> bytes:
    """A request that is right in every line (RFC 6455, 4.1)."""
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


# --- q1: Key → Accept -----------------------------------------------------------------------------------------------


async def check_accept(accept: Any) -> None:
    await expect("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept, "dGhlIHNhbXBsZSBub25jZQ==")
    for _ in range(5):
        key = generate_key()
        await expect(accept_key(key), accept, key)


Q1 = Question(
    ask=Sentence(
        "Write `accept(key)`: from the text of `Sec-WebSocket-Key` to the text of `Sec-WebSocket-Accept`",
        "เขียน `accept(key)`: รับข้อความของ `Sec-WebSocket-Key` แล้วให้ข้อความของ `Sec-WebSocket-Accept`",
    ),
    start="""
def accept(key):
    ...
""",
    answer="accept",
    check=check_accept,
    why=Sentence(
        "Only a server that knows WebSocket can give this answer; an old web server or a cache cannot do it by accident",
        "มีแต่เซิร์ฟเวอร์ที่รู้จัก WebSocket ที่ตอบแบบนี้ได้ เว็บเซิร์ฟเวอร์เก่าหรือแคชไม่มีทางตอบถูกโดยบังเอิญ",
    ),
    hints=(
        Sentence(
            "Look at RFC 6455, section 1.3: a fixed text is added to the key",
            "ดู RFC 6455 หัวข้อ 1.3: มีข้อความคงที่ต่อท้าย key",
        ),
        Sentence(
            "The key stays text: add the text, take the SHA-1 of its bytes, and write these 20 bytes in Base64",
            "key ยังเป็นข้อความ: ต่อข้อความคงที่ หา SHA-1 ของไบต์ แล้วเขียน 20 ไบต์นั้นเป็น Base64",
        ),
        Sentence(
            "`return base64.b64encode(hashlib.sha1((key + GUID).encode()).…()).decode()`: bytes, not hexadecimal digits",
            "`return base64.b64encode(hashlib.sha1((key + GUID).encode()).…()).decode()` ต้องเป็นไบต์ ไม่ใช่เลขฐานสิบหก",
        ),
    ),
    solution="""
import base64
import hashlib

def accept(key):
    text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()
""",
)


# --- q2: a request --------------------------------------------------------------------------------------------------


async def check_upgrade(upgrade: Any) -> None:
    seen: list[Request] = []
    async with server(lambda ws, request: seen.append(request)) as port:
        for _ in range(2):
            host, path, key = f"127.0.0.1:{port}", f"/room/{secrets.token_hex(3)}", generate_key()
            request = await outcome(upgrade, host, path, key)
            if not isinstance(request, bytes):
                raise Difference(Sentence(f"`{short(request)}` is not bytes", f"`{short(request)}` ไม่ใช่ไบต์"))
            response = await answer_to(request, port)
            refuse_request(request, response, host, path, key, seen)


def refuse_request(request: bytes, response: bytes, host: str, path: str, key: str, seen: list[Request]) -> None:
    """Raise Difference for the first thing that a real server did not take as it was meant."""
    lines = wire(request, response)
    if not response:
        raise Difference(
            Sentence(
                "the server still waits: a head ends with an empty line, and every line ends with `\\r\\n`",
                "เซิร์ฟเวอร์ยังรออยู่: ส่วนหัวต้องจบด้วยบรรทัดว่าง และทุกบรรทัดต้องจบด้วย `\\r\\n`",
            ),
            lines,
        )
    status = response.splitlines()[0].decode(errors="replace")
    if b" 101 " not in response.splitlines()[0]:
        raise Difference(Sentence(f"the server said `{status}`", f"เซิร์ฟเวอร์ตอบว่า `{status}`"), lines)
    if accept_key(key).encode() not in response:
        raise Difference(Sentence(f"it was let in, but not with the key `{key}`", f"เข้าได้ แต่ไม่ได้ใช้ key `{key}`"), lines)
    for name, got, wanted in (("path", seen[-1].path, path), ("Host", seen[-1].headers.get("Host"), host)):
        if got != wanted:
            raise Difference(
                Sentence(
                    f"the server read {name} `{got}`, expected `{wanted}`",
                    f"เซิร์ฟเวอร์อ่าน {name} ได้ `{got}` ที่ควรได้คือ `{wanted}`",
                ),
                lines,
            )


Q2 = Question(
    ask=Sentence(
        "Write `upgrade(host, path, key)`: the bytes of a request that a real server answers with `101`",
        "เขียน `upgrade(host, path, key)`: ไบต์ของคำขอที่เซิร์ฟเวอร์จริงตอบด้วย `101`",
    ),
    start="""
def upgrade(host, path, key):
    ...
""",
    answer="upgrade",
    check=check_upgrade,
    why=Sentence(
        "A WebSocket begins as an ordinary HTTP request, so it goes through the same port, and every line of it counts",
        "WebSocket เริ่มจากคำขอ HTTP ธรรมดา จึงใช้พอร์ตเดียวกันได้ และทุกบรรทัดมีความหมาย",
    ),
    hints=(
        Sentence("Look at the request of the live handshake above", "ดูคำขอของแฮนด์เชคจริงด้านบน"),
        Sentence(
            "One `GET` line and five headers: `Host`, `Upgrade`, `Connection`, `Sec-WebSocket-Key`, `Sec-WebSocket-Version`",
            "บรรทัด `GET` หนึ่งบรรทัด กับห้าส่วนหัว: `Host`, `Upgrade`, `Connection`, `Sec-WebSocket-Key`, `Sec-WebSocket-Version`",
        ),
        Sentence(
            '`return "\\r\\n".join([f"GET {path} HTTP/1.1", …, "", ""]).encode()`',
            '`return "\\r\\n".join([f"GET {path} HTTP/1.1", …, "", ""]).encode()`',
        ),
    ),
    solution="""
def upgrade(host, path, key):
    return "\\r\\n".join([
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        "",
        "",
    ]).encode()
""",
)


# --- q3: read a refusal ---------------------------------------------------------------------------------------------


async def check_status(status: Any) -> None:
    for code in [*secrets.SystemRandom().sample(REFUSALS, len(REFUSALS)), 101]:

        def gate(ws: ServerConnection, request: Request, code: int = code) -> Response | None:
            return None if code == 101 else ws.respond(HTTPStatus(code), f"200 reasons {secrets.token_hex(2)}\n")

        async with server(gate) as port:
            request = head(generate_key(), port)
            response = await answer_to(request, port)
        wanted = None if code == 101 else code
        try:
            await expect(wanted, status, response)
        except Difference as difference:
            raise Difference(difference.said, wire(b"", response)[: len(response.splitlines())]) from None


Q3 = Question(
    ask=Sentence(
        "Write `refusal(response)`: the number with which the server refused, from the bytes it sent; "
        "`None` where it did not refuse",
        "เขียน `refusal(response)`: รับไบต์ที่เซิร์ฟเวอร์ส่งมา แล้วให้รหัสที่ใช้ปฏิเสธเป็นตัวเลข ถ้าไม่ได้ปฏิเสธให้ `None`",
    ),
    start="""
def refusal(response):
    ...
""",
    answer="refusal",
    check=check_status,
    why=Sentence(
        "A browser hides this number from JavaScript (it shows only 1006), so you have to know where to look for it",
        "เบราว์เซอร์ไม่บอกรหัสนี้แก่ JavaScript (เห็นแค่ 1006) คุณจึงต้องรู้ว่าจะดูได้จากที่ไหน",
    ),
    hints=(
        Sentence("Look at the first line of each response above", "ดูบรรทัดแรกของการตอบกลับแต่ละครั้งด้านบน"),
        Sentence(
            "The number is the second word of the first line; `101` means welcome, any other a refusal",
            "รหัสคือคำที่สองของบรรทัดแรก `101` แปลว่ายินดีต้อนรับ รหัสอื่นคือปฏิเสธ",
        ),
        Sentence("`code = int(response.split()[…])`, then an `if`", "`code = int(response.split()[…])` แล้วตามด้วย `if`"),
    ),
    solution="""
def refusal(response):
    code = int(response.split()[1])
    return None if code == 101 else code
""",
)


# --- q4: the key is not a password ----------------------------------------------------------------------------------

CHOICES = ("both are let in", "the second is refused", "the first is put out")


async def check_same_key(answer: Any) -> None:
    """Two real clients send one key; the prediction is held against what then happens."""
    if answer not in CHOICES:
        raise Difference(
            Sentence(f"`{short(answer)}` is none of `{CHOICES}`", f"`{short(answer)}` ไม่ใช่ข้อใดใน `{CHOICES}`")
        )
    async with server() as port:
        request = head(generate_key(), port)
        answers = [await answer_to(request, port) for _ in range(2)]
    both_in = all(answer.startswith(b"HTTP/1.1 101") for answer in answers)
    if both_in and answer != CHOICES[0]:
        lines = (*wire(request, answers[0]), *wire(request, answers[1]))
        raise Difference(Sentence("look what the server answered to each", "ดูว่าเซิร์ฟเวอร์ตอบแต่ละเครื่องว่าอะไร"), lines)


Q4 = Question(
    ask=Sentence(
        "Two clients send the very same `Sec-WebSocket-Key`. What does the server do? Choose one: "
        + ", ".join(f'`"{choice}"`' for choice in CHOICES),
        "ไคลเอนต์สองเครื่องส่ง `Sec-WebSocket-Key` เดียวกันทุกตัวอักษร เซิร์ฟเวอร์ทำอย่างไร เลือกหนึ่งข้อ: "
        + ", ".join(f'`"{choice}"`' for choice in CHOICES),
    ),
    start="""
same_key = ...
""",
    answer="same_key",
    check=check_same_key,
    why=Sentence(
        "The key is no password and no name: it proves nothing about the client, it only makes the server prove itself",
        "key ไม่ใช่รหัสผ่านและไม่ใช่ชื่อ: ไม่ได้พิสูจน์อะไรเกี่ยวกับไคลเอนต์ แค่ให้เซิร์ฟเวอร์พิสูจน์ตัวเอง",
    ),
    hints=(
        Sentence("Look at who computes something from the key", "ดูว่าใครคำนวณอะไรจาก key"),
        Sentence("Does the server keep a key after it has answered?", "หลังตอบแล้ว เซิร์ฟเวอร์เก็บ key ไว้หรือไม่"),
        Sentence('`same_key = "both …"` or `same_key = "the …"`', '`same_key = "both …"` หรือ `same_key = "the …"`'),
    ),
    solution="""
same_key = "both are let in"
""",
)

QUESTIONS = {"q1": Q1, "q2": Q2, "q3": Q3, "q4": Q4}
