"""Exercises of 05_server_and_client: four handlers, each run on a real server with real clients."""
# ruff: noqa: E501 (a sentence stands on one line, as the student reads it)

import asyncio
import secrets
from typing import Any

from chatkit.exercises.exercise import Question
from chatkit.exercises.stage import Stage, stage
from chatkit.texts import Sentence


def word() -> str:
    """A text nobody can have written down before."""
    return f"สวัสดี {secrets.token_hex(3)}"


# --- q1: echo -------------------------------------------------------------------------------------------------------


async def check_echo(echo: Any) -> None:
    async with stage(echo, "Ann", "Bob") as play:
        for name in ("Ann", "Ann", "Bob", "Ann"):
            text = word()
            await play.say(name, text)
            await play.hears(name, f"You said: {text}")
        await play.silence()


Q1 = Question(
    ask=Sentence(
        "Write the handler `echo(ws)`: whoever sends a text gets `You said: ` and the text, every time",
        "เขียน handler `echo(ws)`: ใครส่งข้อความมาก็ได้ `You said: ` ตามด้วยข้อความนั้นกลับไปทุกครั้ง",
    ),
    start="""
async def echo(ws):
    ...
""",
    answer="echo",
    check=check_echo,
    why=Sentence(
        "The server calls a handler once per connection; the loop in it is what makes a conversation",
        "เซิร์ฟเวอร์เรียก handler หนึ่งครั้งต่อหนึ่งการเชื่อมต่อ ลูปข้างในต่างหากที่ทำให้เป็นบทสนทนา",
    ),
    hints=(
        Sentence("Look at the first handler of this lesson, and count its loops", "ดู handler ตัวแรกของบทนี้ แล้วนับจำนวนลูป"),
        Sentence(
            "The handler lives as long as the connection: it has to take one text after the other, until there is no more",
            "handler มีชีวิตเท่ากับการเชื่อมต่อ: ต้องรับทีละข้อความไปเรื่อย ๆ จนกว่าจะหมด",
        ),
        Sentence("`async for text in ws:` … `await ws.send(…)`", "`async for text in ws:` … `await ws.send(…)`"),
    ),
    solution="""
async def echo(ws):
    async for text in ws:
        await ws.send(f"You said: {text}")
""",
)


# --- q2: once per connection ----------------------------------------------------------------------------------------


async def check_count(count: Any) -> None:
    async with stage(count, "Ann", "Bob") as play:
        numbers = {"Ann": 0, "Bob": 0}
        for name in ("Ann", "Ann", "Bob", "Ann", "Bob"):
            text = word()
            numbers[name] += 1
            await play.say(name, text)
            await play.hears(name, f"{numbers[name]}: {text}")
        await play.silence()


Q2 = Question(
    ask=Sentence(
        "This handler answers only the first text. Repair it: every text of a client comes back with its number, `1: hi`, `2: tea` …, and each client has numbers of its own",
        "handler นี้ตอบแค่ข้อความแรก แก้ให้ทุกข้อความของไคลเอนต์กลับมาพร้อมหมายเลข `1: hi`, `2: tea` … และไคลเอนต์แต่ละเครื่องมีหมายเลขของตัวเอง",
    ),
    start="""
async def count(ws):
    text = await ws.recv()
    await ws.send(f"1: {text}")
""",
    answer="count",
    check=check_count,
    why=Sentence(
        "A local variable of the handler belongs to one connection; a variable outside belongs to everybody",
        "ตัวแปรภายใน handler เป็นของการเชื่อมต่อเดียว ตัวแปรข้างนอกเป็นของทุกคน",
    ),
    hints=(
        Sentence(
            "Look where the handler ends: what happens to the connection then?",
            "ดูว่า handler จบตรงไหน แล้วการเชื่อมต่อจะเป็นอย่างไร",
        ),
        Sentence(
            "Loop over the texts, and keep the number in a variable that is born once per connection",
            "วนรับข้อความ และเก็บหมายเลขไว้ในตัวแปรที่เกิดครั้งเดียวต่อหนึ่งการเชื่อมต่อ",
        ),
        Sentence("`number = 0` before the loop, `number += 1` in it", "`number = 0` ก่อนลูป `number += 1` ในลูป"),
    ),
    solution="""
async def count(ws):
    number = 0
    async for text in ws:
        number += 1
        await ws.send(f"{number}: {text}")
""",
)


# --- q3: tell the others --------------------------------------------------------------------------------------------


async def check_relay(relay: Any) -> None:
    async with stage(relay, "Ann", "Bob", "Cat") as play:
        for speaker in ("Ann", "Cat"):
            await tell(play, speaker)
        await play.leave("Cat")
        await tell(play, "Ann")
        await play.join("Dan")
        await tell(play, "Dan")
        await tell(play, "Bob")


async def tell(play: Stage, speaker: str) -> None:
    """One speaks; they hear `You said`, all others `Someone says`, and nobody hears anything twice."""
    text = word()
    await play.say(speaker, text)
    for name in play.clients:
        await play.hears(name, f"{'You said' if name == speaker else 'Someone says'}: {text}")
    await play.silence()


Q3 = Question(
    ask=Sentence(
        "Write the handler `relay(ws)`: the sender gets `You said: …`, all the others who are there get `Someone says: …`; people come and go",
        "เขียน handler `relay(ws)`: ผู้ส่งได้ `You said: …` คนอื่นทุกคนที่อยู่ได้ `Someone says: …` มีคนเข้าและออกได้ตลอด",
    ),
    start="""
people = set()

async def relay(ws):
    ...
""",
    answer="relay",
    check=check_relay,
    why=Sentence(
        "This is a chat: a set of connections that is right at every moment, also when somebody just left",
        "นี่คือแชต: เซตของการเชื่อมต่อที่ถูกต้องทุกขณะ แม้มีคนเพิ่งออกไป",
    ),
    hints=(
        Sentence("Look who is in `people`, and when they get out of it", "ดูว่าใครอยู่ใน `people` และออกเมื่อไร"),
        Sentence(
            "Put `ws` in at the start, take it out in `finally`; in between send to each of the others",
            "ใส่ `ws` ตอนเริ่ม เอาออกใน `finally` ระหว่างนั้นส่งให้คนอื่นทีละคน",
        ),
        Sentence(
            "`for other in people - {ws}:` … and `finally:` `people.discard(ws)`",
            "`for other in people - {ws}:` … และ `finally:` `people.discard(ws)`",
        ),
    ),
    solution="""
people = set()

async def relay(ws):
    people.add(ws)
    try:
        async for text in ws:
            await ws.send(f"You said: {text}")
            for other in people - {ws}:
                await other.send(f"Someone says: {text}")
    finally:
        people.discard(ws)
""",
)


# --- q4: speak and listen at once -----------------------------------------------------------------------------------


async def check_clock(clock: Any) -> None:
    async with stage(clock, "Ann") as play:
        heard = [await play.heard("Ann", f"tick {number}") for number in (1, 2)]
        for _ in range(2):
            text = word()
            await play.say("Ann", text)
            heard += [await play.heard("Ann", f"You said: {text}") for _ in range(2)]
            if f"You said: {text}" not in heard:
                raise play.difference("ex_silent", name="Ann", wanted=f"You said: {text}", seconds=0.2)
        ticks = [line for line in heard if not str(line).startswith("You said: ")]
        for number, tick in enumerate(ticks, 1):
            if tick != f"tick {number}":
                raise play.difference("ex_heard", name="Ann", wanted=f"tick {number}", got=tick)
        await play.leave("Ann")
        await asyncio.sleep(0)
        if left := play.left_over():
            raise play.difference("ex_left_over", task=left)


Q4 = Question(
    ask=Sentence(
        "Write the handler `clock(ws)`: it sends `tick 1`, `tick 2`, `tick 3` … every 0.1 seconds without being asked, and still answers every text at once with `You said: …`. When the client leaves, nothing keeps running",
        "เขียน handler `clock(ws)`: ส่ง `tick 1`, `tick 2`, `tick 3` … ทุก 0.1 วินาทีโดยไม่ต้องถาม และยังตอบทุกข้อความทันทีด้วย `You said: …` เมื่อไคลเอนต์ออกไป ต้องไม่มีอะไรทำงานค้าง",
    ),
    start="""
async def clock(ws):
    ...
""",
    answer="clock",
    check=check_clock,
    why=Sentence(
        "Two-way means that both sides speak when they like: one task sends, the handler listens, and whoever makes a task ends it",
        "สองทางแปลว่าทั้งสองฝ่ายพูดเมื่อไรก็ได้: ทาสก์หนึ่งส่ง handler ฟัง และใครสร้างทาสก์คนนั้นต้องจบทาสก์",
    ),
    hints=(
        Sentence("Look what the handler does while it waits for a text", "ดูว่า handler ทำอะไรระหว่างรอข้อความ"),
        Sentence(
            "Ticking is a coroutine of its own, started with `asyncio.create_task`; the handler itself loops over the texts, and cancels the task in `finally`",
            "การส่ง tick เป็นโครูทีนแยก เริ่มด้วย `asyncio.create_task` ตัว handler เองวนรับข้อความ และยกเลิกทาสก์ใน `finally`",
        ),
        Sentence(
            "`ticking = asyncio.create_task(tick(ws))`, then `try:` `async for text in ws:` … `finally:` `ticking.cancel()`",
            "`ticking = asyncio.create_task(tick(ws))` แล้ว `try:` `async for text in ws:` … `finally:` `ticking.cancel()`",
        ),
    ),
    solution="""
import asyncio

async def tick(ws):
    number = 0
    while True:
        number += 1
        await ws.send(f"tick {number}")
        await asyncio.sleep(0.1)

async def clock(ws):
    ticking = asyncio.create_task(tick(ws))
    try:
        async for text in ws:
            await ws.send(f"You said: {text}")
    finally:
        ticking.cancel()
        await asyncio.wait([ticking])
""",
)

QUESTIONS = {"q1": Q1, "q2": Q2, "q3": Q3, "q4": Q4}
