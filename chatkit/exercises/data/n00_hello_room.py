"""Exercises of 00_hello_room: say hello in code, find a room, who hears what, and whose name `localhost` is."""
# ruff: noqa: E501 (a sentence stands on one line, as the student reads it)

import asyncio
import random
import secrets
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect as connect_websockets
from websockets.exceptions import InvalidHandshake, InvalidURI

from chatkit.client import Chat, connect
from chatkit.events import Event
from chatkit.exercises.exercise import Question
from chatkit.exercises.shown import Difference
from chatkit.exercises.trial import expect, outcome, short
from chatkit.server import serve
from chatkit.texts import Sentence

chance = random.SystemRandom()
SECONDS = 5.0  # far more than a message needs on this machine


async def talk(chat: Chat, until: str) -> list[Event]:
    """Every message and notice before the one with the text `until`."""
    heard: list[Event] = []
    async with asyncio.timeout(SECONDS):
        async for event in chat:
            if event.text == until:
                break
            if event.type in ("msg", "notice"):
                heard.append(event)
    return heard


def lines(heard: list[Event]) -> tuple[str, ...]:
    return tuple(f"{event.seq}  {event.who.name}: {event.text}" for event in heard) or ("nothing",)


# --- q1: say hello, get a number ------------------------------------------------------------------------------------


async def check_say_hello(say_hello: Any) -> None:
    async with serve(port=0, rate=0) as server, connect(server.uri, name="Watcher") as watcher:
        for _ in range(2):
            for _ in range(chance.randrange(1, 4)):
                before = await watcher.send("somebody else was first")
            text = f"hello {secrets.token_hex(3)}"
            number = await outcome(say_hello, server.uri, text)
            await watcher.send("that is all")
            heard = await talk(watcher, "that is all")
            judge_hello(number, before + 1, text, heard)


def judge_hello(number: object, wanted: int, text: str, heard: list[Event]) -> None:
    if not heard or heard[-1].text != text:
        raise Difference(
            Sentence(f"the room did not hear `{text}`; it heard:", f"ห้องไม่ได้ยิน `{text}` ได้ยินเพียง:"), lines(heard)
        )
    if number != wanted:
        raise Difference(
            Sentence(
                f"the room heard it as number {wanted}, your function gave `{short(number)}`",
                f"ห้องได้ยินเป็นหมายเลข {wanted} แต่ฟังก์ชันของคุณให้ `{short(number)}`",
            ),
            lines(heard),
        )


Q1 = Question(
    ask=Sentence(
        "Write `say_hello(uri, text)`: join the room at `uri`, send `text`, and return the number that the room gave it",
        "เขียน `say_hello(uri, text)`: เข้าห้องที่ `uri` ส่ง `text` แล้วคืนหมายเลขที่ห้องให้กับข้อความนั้น",
    ),
    start="""
from chatkit import connect

async def say_hello(uri, text):
    ...
""",
    answer="say_hello",
    check=check_say_hello,
    why=Sentence(
        "A message exists once it has a number; whoever holds the number knows that the room keeps the message",
        "ข้อความมีอยู่จริงเมื่อได้หมายเลข ใครได้หมายเลขก็รู้ว่าห้องเก็บข้อความนั้นไว้แล้ว",
    ),
    hints=(
        Sentence("Look at the cell above that sends by code", "ดูเซลล์ด้านบนที่ส่งด้วยโค้ด"),
        Sentence(
            "`chat.send` gives a promise of a number; `await` turns the promise into the number",
            "`chat.send` ให้คำสัญญาว่าจะมีหมายเลข `await` เปลี่ยนคำสัญญาเป็นหมายเลข",
        ),
        Sentence(
            "`async with connect(uri) as chat:` and in it `return await …`",
            "`async with connect(uri) as chat:` และข้างในเป็น `return await …`",
        ),
    ),
    solution="""
from chatkit import connect

async def say_hello(uri, text):
    async with connect(uri) as chat:
        return await chat.send(text)
""",
)


# --- q2: the address of a room --------------------------------------------------------------------------------------


async def check_address(address: Any) -> None:
    async with serve(port=0) as server:
        for name in ("Mali", f"Ann{chance.randrange(100, 999)}", "มะลิ"):
            room = f"kitchen{chance.randrange(100, 999)}"
            link = await outcome(address, server.port, room, name)
            try:
                async with connect_websockets(link, proxy=None, open_timeout=SECONDS, close_timeout=SECONDS):
                    here = {each: [who.name for who in server.members(each)] for each in (room, "lobby")}
            except (InvalidURI, InvalidHandshake, OSError, TypeError, AttributeError, ValueError) as error:
                said = f"`{short(link)}`: {type(error).__name__}"
                raise Difference(
                    Sentence(f"nobody could connect to {said}", f"ไม่มีใครเชื่อมต่อได้ที่ {said}"), (short(error),)
                ) from None
            if here[room] != [name]:
                seen = tuple(f"{each}: {', '.join(names) or '–'}" for each, names in here.items())
                raise Difference(
                    Sentence(
                        f"`{short(link)}` does not lead `{name}` into room `{room}`; the server sees:",
                        f"`{short(link)}` ไม่ได้พา `{name}` เข้าห้อง `{room}` เซิร์ฟเวอร์เห็นว่า:",
                    ),
                    seen,
                )


Q2 = Question(
    ask=Sentence(
        "Write `address(port, room, name)`: the address under which `name` enters `room` of the server on this machine",
        "เขียน `address(port, room, name)`: ที่อยู่ที่ `name` ใช้เข้า `room` ของเซิร์ฟเวอร์บนเครื่องนี้",
    ),
    start="""
def address(port, room, name):
    ...
""",
    answer="address",
    check=check_address,
    why=Sentence(
        "An address says everything: which machine, which program on it (the port), which room (the path), and who comes (the query)",
        "ที่อยู่บอกทุกอย่าง: เครื่องไหน โปรแกรมไหนในเครื่อง (พอร์ต) ห้องไหน (เส้นทาง) และใครมา (query)",
    ),
    hints=(
        Sentence(
            "Look at the addresses in the cells above: what stands after the port?", "ดูที่อยู่ในเซลล์ด้านบน: หลังพอร์ตมีอะไร"
        ),
        Sentence(
            "The room is the path `/room/…`, the name comes after `?name=`",
            "ห้องคือเส้นทาง `/room/…` ชื่ออยู่หลัง `?name=`",
        ),
        Sentence(
            '`return f"ws://localhost:{port}/…/{room}?…={name}"`',
            '`return f"ws://localhost:{port}/…/{room}?…={name}"`',
        ),
    ),
    solution="""
def address(port, room, name):
    return f"ws://localhost:{port}/room/{room}?name={name}"
""",
)


# --- q3: who hears what ---------------------------------------------------------------------------------------------


async def check_heard(heard: Any) -> None:
    """The prediction is held against what three real clients hear on a real server."""
    async with serve(port=0) as server:
        paths = {"Ann": "", "Bob": "", "Cat": "/room/kitchen"}
        chats = {name: await connect(server.uri + path, name=name) for name, path in paths.items()}
        try:
            await chats["Ann"].send("hi")
            server.broadcast("tea")
            server.broadcast("that is all")
            truly = {name: [event.text for event in await talk(chat, "that is all")] for name, chat in chats.items()}
        finally:
            for chat in chats.values():
                await chat.close()
    for name, texts in truly.items():
        guess = heard.get(name) if isinstance(heard, dict) else None
        if guess != texts:
            raise Difference(
                Sentence(
                    f"it was tried just now: {name} did not hear `{short(guess)}`; the number of texts was {len(texts)}",
                    f"เพิ่งลองจริงเมื่อครู่: {name} ไม่ได้ยิน `{short(guess)}` จำนวนข้อความที่ได้ยินคือ {len(texts)}",
                )
            )


Q3 = Question(
    ask=Sentence(
        'Ann and Bob are in the lobby, Cat is in the room `kitchen`. Ann sends `hi`; then the server broadcasts `tea`. Write for each the list of the texts that appear, like `["hi", "tea"]`',
        'Ann กับ Bob อยู่ในล็อบบี้ Cat อยู่ในห้อง `kitchen` Ann ส่ง `hi` จากนั้นเซิร์ฟเวอร์กระจายข้อความ `tea` เขียนลิสต์ข้อความที่แต่ละคนเห็น เช่น `["hi", "tea"]`',
    ),
    start="""
heard = {"Ann": ..., "Bob": ..., "Cat": ...}
""",
    answer="heard",
    check=check_heard,
    why=Sentence(
        "A room is who hears each other; the author hears the own message too, because the room's log is the truth for all",
        "ห้องคือกลุ่มคนที่ได้ยินกัน ผู้ส่งก็เห็นข้อความของตัวเองด้วย เพราะบันทึกของห้องคือความจริงของทุกคน",
    ),
    hints=(
        Sentence("Look at Ann's own panel after she sent something", "ดูแผงของ Ann เองหลังส่งข้อความ"),
        Sentence(
            "Rooms do not hear each other; the server speaks to every room",
            "ห้องแต่ละห้องไม่ได้ยินกัน แต่เซิร์ฟเวอร์พูดกับทุกห้อง",
        ),
        Sentence(
            '`heard = {"Ann": ["hi", …], "Bob": […], "Cat": […]}`',
            '`heard = {"Ann": ["hi", …], "Bob": […], "Cat": […]}`',
        ),
    ),
    solution="""
heard = {"Ann": ["hi", "tea"], "Bob": ["hi", "tea"], "Cat": ["tea"]}
""",
)


# --- q4: whose name is localhost ------------------------------------------------------------------------------------

LAPTOP = "192.168.1.20"


async def check_reaches(reaches: Any) -> None:
    """Every pair of address and device, in any order: the answer has to read the address, not to know it."""
    other = f"192.168.1.{chance.randrange(100, 250)}"
    cases = [
        (f"ws://{host}:{chance.choice((8765, 8766, 9000))}{path}", device)
        for host in ("localhost", "127.0.0.1", LAPTOP, other)
        for path in ("", f"/room/{LAPTOP}", "/room/localhost")
        for device in ("laptop", "phone")
    ]
    for link, device in chance.sample(cases, len(cases)):
        host = urlsplit(link).hostname
        await expect(
            host == LAPTOP or (host in ("localhost", "127.0.0.1") and device == "laptop"), reaches, link, device
        )


Q4 = Question(
    ask=Sentence(
        f'The server runs on the laptop `{LAPTOP}`. Write `reaches(link, device)`: `True` where `link` (like `ws://localhost:8765/room/kitchen`), typed on `device` (`"laptop"` or `"phone"`), leads to that laptop, else `False`',
        f'เซิร์ฟเวอร์อยู่บนแล็ปท็อป `{LAPTOP}` เขียน `reaches(link, device)`: ให้ `True` ถ้า `link` (เช่น `ws://localhost:8765/room/kitchen`) ที่พิมพ์บน `device` (`"laptop"` หรือ `"phone"`) พาไปถึงแล็ปท็อปนั้น ไม่อย่างนั้นให้ `False`',
    ),
    start="""
def reaches(link, device):
    ...
""",
    answer="reaches",
    check=check_reaches,
    why=Sentence(
        "`localhost` means “this machine” to whoever says it: on the phone it is the phone",
        "`localhost` แปลว่า “เครื่องนี้” สำหรับผู้ที่พูด: บนโทรศัพท์ก็คือโทรศัพท์เครื่องนั้นเอง",
    ),
    hints=(
        Sentence("Look at the part of the link between `//` and the port", "ดูส่วนของลิงก์ที่อยู่ระหว่าง `//` กับพอร์ต"),
        Sentence(
            "`localhost` and `127.0.0.1` never leave the machine they are typed on",
            "`localhost` และ `127.0.0.1` ไม่ออกไปนอกเครื่องที่พิมพ์",
        ),
        Sentence(
            "`host = urlsplit(link).hostname`, then `return host == … or (host in (…) and device == …)`",
            "`host = urlsplit(link).hostname` แล้ว `return host == … or (host in (…) and device == …)`",
        ),
    ),
    solution=f"""
from urllib.parse import urlsplit

def reaches(link, device):
    host = urlsplit(link).hostname
    return host == "{LAPTOP}" or (host in ("localhost", "127.0.0.1") and device == "laptop")
""",
)

QUESTIONS = {"q1": Q1, "q2": Q2, "q3": Q3, "q4": Q4}
