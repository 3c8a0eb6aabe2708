"""Exercises of 00_hello_room: say hello in code, find a room, and who hears what."""

import asyncio
from collections.abc import Mapping
from typing import Any

from websockets.asyncio.client import connect as connect_websockets
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from chatkit.client import Chat, connect
from chatkit.events import Event
from chatkit.exercises.calls import Trial, has_placeholder, same, short
from chatkit.server import Server, serve

SECONDS = 5.0  # far more than a message needs on this machine
END = "that is all"


async def talk(chat: Chat) -> list[Event]:
    """Every message and notice before the one that ends it."""
    heard: list[Event] = []
    async with asyncio.timeout(SECONDS):
        async for event in chat:
            if event.text == END:
                break
            if event.type in ("msg", "notice"):
                heard.append(event)
    return heard


def lines(heard: list[Event]) -> tuple[str, ...]:
    return tuple(f"{event.seq}  {event.who.name}: {event.text}" for event in heard) or ("∅",)


async def check_say_hello(trial: Trial, say_hello: Any) -> None:
    async with serve(port=0, rate=0) as server, connect(server.uri, name="Watcher") as watcher:
        for others in (1, trial.chance.randrange(2, 5)):
            for _ in range(others):
                before = await watcher.send("somebody else was first")
            text = f"hello {trial.chance.randbytes(3).hex()}"
            number = await trial.call(say_hello, server.uri, text)
            await watcher.send(END)
            heard = [event for event in await talk(watcher) if event.text != "somebody else was first"]
            judge_hello(trial, number, before + 1, text, heard)
            await nobody_stays(trial, server)


def judge_hello(trial: Trial, number: object, wanted: int, text: str, heard: list[Event]) -> None:
    caption = trial.difference("room_log").said
    if text not in [event.text for event in heard]:
        raise trial.difference("not_heard", lines(heard), caption, text=text)
    if len(heard) > 1:
        raise trial.difference("more", lines(heard), caption, count=len(heard))
    if not same(number, wanted):
        raise trial.difference("number", lines(heard), caption, wanted=wanted, got=short(number))


async def nobody_stays(trial: Trial, server: Server) -> None:
    """Raise Difference where the function left a connection open."""
    for _ in range(10):
        names = [who.name for who in server.members("lobby")]
        if names == ["Watcher"]:
            return
        await asyncio.sleep(0.05)
    raise trial.difference("stays")


async def check_address(trial: Trial, address: Any) -> None:
    async with serve(port=0) as server:
        for name in ("Mali", "มะลิ", f"Ann{trial.chance.randrange(100, 999)}"):
            room = f"kitchen{trial.chance.randrange(100, 999)}"
            link = await trial.call(address, server.port, room, name)
            if not isinstance(link, str):
                raise trial.difference("no_text", got=short(link))
            try:
                async with connect_websockets(link, proxy=None, open_timeout=SECONDS, close_timeout=SECONDS):
                    here = {each: [who.name for who in server.members(each)] for each in (room, "lobby")}
            except InvalidStatus as error:
                raise trial.difference("refused", link=short(link), status=error.response.status_code) from None
            except (InvalidURI, InvalidHandshake, OSError, ValueError) as error:
                caption = trial.difference("python_says").said
                raise trial.difference("no_way", (short(error),), caption, link=short(link)) from None
            if here[room] != [name]:
                seen = tuple(f"{each}: {', '.join(names) or '∅'}" for each, names in here.items())
                caption = trial.difference("server_sees").said
                raise trial.difference("astray", seen, caption, link=short(link), name=name, room=room)


async def check_heard(trial: Trial, heard: Any) -> None:
    """The prediction is held against what three real clients hear on a real server."""
    if not isinstance(heard, Mapping):
        raise trial.difference("no_dict", got=short(heard))
    async with serve(port=0) as server:
        paths = {"Ann": "", "Bob": "", "Cat": "/room/kitchen"}
        chats = {name: await connect(server.uri + path, name=name) for name, path in paths.items()}
        try:
            await chats["Ann"].send("hi")
            server.broadcast("tea")
            server.broadcast(END)
            truly = {name: [event.text for event in await talk(chat)] for name, chat in chats.items()}
        finally:
            for chat in chats.values():
                await chat.close()
    for name, texts in truly.items():
        if name not in heard:
            raise trial.difference("no_dict", got=short(heard))
        guess = heard[name]
        if guess is ... or has_placeholder(guess):
            raise trial.difference("ex_placeholder", call=f"heard[{name!r}]", got=short(guess))
        if (items := trial.items(guess, len(texts) + 1)) is None:
            raise trial.difference("no_list", name=name, got=short(guess))
        if not same(items, texts):
            raise trial.difference("other", name=name, count=len(texts), got=short(guess))


CHECKS = {"q1": check_say_hello, "q2": check_address, "q3": check_heard}
