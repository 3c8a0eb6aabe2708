"""Exercises of 07_many_clients_teacher: an address for each client, what a plain line means, which paths are rooms."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect as connect_websockets
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from chatkit.client import connect
from chatkit.exercises.calls import Trial, gave, same, short
from chatkit.server import Server, serve

SECONDS = 5.0  # far more than a message needs on this machine


async def check_invite(trial: Trial, invite: Any) -> None:
    async with serve(port=0) as server:
        here = f"http://127.0.0.1:{server.port}/"
        for link in ("http://192.168.1.20:8765/", "https://chat.school.example/", here, here):
            room, name = f"kitchen{trial.chance.randrange(100)}", f"Mali{trial.chance.randrange(100)}"
            spelling = f"invite({short(link)}, {short(room)}, {short(name)})"
            got = await trial.call(invite, link, room, name, spelling=spelling)
            if not isinstance(got, str):
                raise trial.difference("no_text", got=short(got))
            wanted = "wss://" if link.startswith("https") else "ws://"
            if not got.startswith(wanted):
                raise trial.difference("first_word", call=spelling, got=short(got), wanted=wanted)
            if urlsplit(got).netloc != urlsplit(link).netloc:
                raise trial.difference("elsewhere", call=spelling, got=short(got), wanted=urlsplit(link).netloc)
            if link == here:
                await comes_in(trial, server, got, room, name)


async def comes_in(trial: Trial, server: Server, address: str, room: str, name: str) -> None:
    """Raise Difference where this address does not lead into this room under this name."""
    try:
        async with connect_websockets(address, proxy=None, open_timeout=SECONDS, close_timeout=SECONDS):
            here = {each: [who.name for who in server.members(each)] for each in (room, "lobby")}
    except InvalidStatus as error:
        raise trial.difference("refused", got=short(address), status=error.response.status_code) from None
    except (InvalidURI, InvalidHandshake, OSError, ValueError) as error:
        raise trial.difference("no_way", got=short(address), error=short(error)) from None
    if here[room] != [name]:
        seen = ", ".join(f"{who} → {each}" for each, names in here.items() for who in names)
        raise trial.difference("astray", got=short(address), name=name, room=room, seen=seen or "∅")


async def check_said(trial: Trial, said: Any) -> None:
    """The lines are what a plain client really hears on a real server."""
    word = trial.word()
    talk = [
        ("Kru Nok", "welcome!"),
        ("You", "hi"),
        ("Kru Nok", "he says: hi"),
        ("Kru Nok", "two things: tea, and: milk"),
        ("", "Kru Nok says: five minutes"),
        ("You", "Kru Nok says: hurry"),
        ("Kru Nok", "Mali said: hi"),
        ("You", "soup?"),
        ("Kru Nok", word),
        ("", word),
        ("You", f"{word}: {trial.word()} says: 🟢"),
    ]
    for (who, text), line in zip(talk, await lines_of(talk), strict=True):
        wanted = (who, text) if who else None
        spelling = f"said({short(line)})"
        got = await trial.call(said, line, spelling=spelling)
        if not same(tuple(got) if isinstance(got, list) else got, wanted):
            raise trial.difference(gave(got), call=spelling, got=short(got), wanted=short(wanted))


async def lines_of(talk: list[tuple[str, str]]) -> list[str]:
    """What a plain client hears when all this is said, one after the other; nobody: the server speaks."""
    lines = []
    async with serve(port=0, rate=0) as server, asyncio.timeout(SECONDS):
        async with connect_websockets(f"{server.uri}/?name=Postman", proxy=None) as postman:
            async with connect(server.uri, name="Kru Nok") as teacher:
                for who, text in talk:
                    if who == "You":
                        await postman.send(text)
                    elif who:
                        await teacher.send(text)
                    else:
                        server.broadcast(text)
                    lines.append(str(await postman.recv()))
    return lines


async def check_status(trial: Trial, status: Any) -> None:
    """The real server is the judge."""
    word = trial.chance.randbytes(3).hex()
    paths = [
        "/room/kitchen",
        "/",
        "/?name=Mali",
        "/socket.io/?EIO=4&transport=websocket",
        "/rooms/kitchen",
        "/chat/room/red",
        "/room/kitchen/door",
        "/room/",
        "/room/kitchen?name=Mali",
        "/kitchen",
        "/room",
        "/Room/kitchen",
        f"/room/{word}?room=/room/red",
        f"/{word}?room=/room/red",
        f"/room/{word}/{word}",
    ]
    async with serve(port=0) as server:
        for path in paths:
            wanted = await answer_to(server, path)
            got = await trial.call(status, path)
            if isinstance(got, bool) or not same(got, wanted):
                key = "ex_none" if got is None else "other"
                raise trial.difference(key, call=f"status({short(path)})", path=path, got=short(got), wanted=wanted)


async def answer_to(server: Server, path: str) -> int:
    """The status that a WebSocket client gets at this path."""
    try:
        async with connect_websockets(server.uri + path, proxy=None, open_timeout=SECONDS, close_timeout=SECONDS):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


CHECKS = {"q1": check_invite, "q2": check_said, "q3": check_status}
