"""The way through each lab, as a student goes it who does everything right."""

import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import pytest

from chatkit.limits import LIMITS
from tests.labs.tools import Line, Status, Tool

Walk = Callable[[Tool], Awaitable[str]]


async def step(line: Line, payload: str | bytes, place: str) -> None:
    """Send the right thing, and see its tick."""
    await line.send(payload)
    await line.until(f"✅ {place}")


async def begin(tool: Tool, target: str, headers: dict[str, str] | None = None) -> Line:
    """Disconnect what was connected, and connect."""
    await tool.close()
    return await tool.open(target, headers)


async def receipt(line: Line) -> str:
    return (await line.until("🎓")).split()[-1]


async def refused(tool: Tool, target: str, headers: dict[str, str] | None = None) -> int:
    await tool.close()
    with pytest.raises(Status) as caught:
        await tool.open(target, headers)
    return caught.value.status


async def lab_1(tool: Tool) -> str:
    line = await tool.open(tool.target(1))
    await line.until("✅ 1.1")
    await step(line, "101", "1.2")
    await step(line, line.accept, "1.3")
    return await receipt(line)


async def lab_2(tool: Tool) -> str:
    line = await tool.open(tool.target(2))
    await step(line, "สวัสดี", "2.1")
    await step(line, "6", "2.2")
    await step(line, "18", "2.3")
    return await receipt(line)


async def lab_3(tool: Tool) -> str:
    first = await tool.open(tool.target(3))
    await first.until("➡️ 3.1")
    second = await tool.open(tool.target(3))
    await second.until("✅ 3.1")
    await first.send("ถึงแล้ว")
    assert await first.until("You said") == "You said: ถึงแล้ว"
    assert await second.until(tool.name) == f"{tool.name} says: ถึงแล้ว"
    await first.until("✅ 3.2")
    word = (await second.until("Nid says: ")).split()[-1]
    await step(second, word, "3.3")
    return await receipt(second)


async def lab_4(tool: Tool) -> str:
    line = await tool.open(tool.target(4))
    await line.send('{"type": "send", "id": "1", "text": "สวัสดี"}')
    assert '"ack"' in await line.until("{")
    await line.until("✅ 4.1")
    await line.send('{"type": "send", "id": "2"}')
    assert "'text'" in await line.until("{")
    await line.until("✅ 4.2")
    await step(line, '{"type": "send", "id": "3", "text": "hi", "color": "red"}', "4.3")
    return await receipt(line)


async def lab_5(tool: Tool) -> str:
    await (await begin(tool, tool.target(5))).until("➡️ 5.1")
    await (await begin(tool, tool.target(5, room="physics"))).until("✅ 5.1")
    await (await begin(tool, tool.target(5, room=quote("ฟิสิกส์")))).until("✅ 5.2")
    line = await begin(tool, tool.target(5))
    await line.until("✅ 5.3")
    return await receipt(line)


async def lab_6(tool: Tool) -> str:
    await (await begin(tool, tool.target(6))).until("➡️ 6.1")
    assert await refused(tool, tool.target(6), {"authorization": "Bearer mango"}) == 401
    line = await begin(tool, tool.target(6), {"authorization": "Bearer papaya"})
    await line.until("✅ 6.1")
    await line.until("✅ 6.2")
    assert await refused(tool, tool.target(6, "/nowhere"), {"authorization": "Bearer papaya"}) == 404
    line = await begin(tool, tool.target(6), {"authorization": "Bearer papaya"})
    await line.until("✅ 6.3")
    return await receipt(line)


async def lab_7(tool: Tool) -> str:
    await (await begin(tool, tool.target(7))).until("✅ 7.1")
    line = await begin(tool, tool.target(7), {"sec-websocket-protocol": "chatkit.v1"})
    await line.until("✅ 7.2")
    await step(line, line.subprotocol, "7.3")
    return await receipt(line)


async def lab_8(tool: Tool) -> str:
    line = await tool.open(tool.target(8))
    await step(line, "ส", "8.1")
    await step(line, bytes.fromhex("e0b8aa"), "8.2")
    await step(line, "2", "8.3")
    await step(line, "ก".encode(), "8.4")
    return await receipt(line)


async def lab_9(tool: Tool) -> str:
    line = await begin(tool, tool.target(9))
    await step(line, "a" * (LIMITS.message_bytes - 384), "9.1")
    await line.send("a" * (LIMITS.message_bytes + 1))
    code = await line.ended()
    line = await begin(tool, tool.target(9))
    await line.until("✅ 9.2")
    await step(line, str(code), "9.3")
    return await receipt(line)


async def lab_10(tool: Tool) -> str:
    line = await begin(tool, tool.target(10))
    await line.send("restart")
    await line.until("✅ 10.1")
    assert await line.ended() == 1012
    assert await refused(tool, tool.target(10)) == 503
    began = time.monotonic()
    assert await refused(tool, tool.target(10)) == 503
    paused = time.monotonic() - began
    line = await begin(tool, tool.target(10))
    await line.until("✅ 10.2")
    await step(line, f"{paused:.1f}", "10.3")
    return await receipt(line)


async def lab_11(tool: Tool) -> str:
    await (await begin(tool, tool.target(11))).until("✅ 11.1")
    await tool.close()
    with pytest.raises(TimeoutError):
        await tool.open(tool.target(11, slow="8"), timeout=0.2)
    await (await begin(tool, tool.target(11))).until("✅ 11.2")
    line = await begin(tool, tool.target(11, slow="1"))
    await line.until("✅ 11.3")
    return await receipt(line)


async def lab_12(tool: Tool) -> str:
    await (await begin(tool, tool.target(12))).close()
    line = await begin(tool, tool.target(12))
    await line.until("✅ 12.1")
    await line.send("log")
    code = (await line.until_holds("closed")).split()[-1]
    await line.until("✅ 12.2")
    await step(line, code, "12.3")
    return await receipt(line)


async def lab_13(tool: Tool) -> str:
    texts = ("hello", "สวัสดี", "👋")
    line = await begin(tool, tool.target(13))
    for text in texts:
        await line.send(text)
    await line.until("✅ 13.1")
    line = await begin(tool, tool.target(13))
    for text in texts:
        await line.send(text)
    await line.until("✅ 13.2")
    await step(line, "This request plays the same three messages.", "13.3")
    return await receipt(line)


async def lab_14(tool: Tool) -> str:
    """Needs a server whose address is written with 127.0.0.1, and that `localhost` reaches, too."""
    other = tool.uri
    local = other.replace("127.0.0.1", "localhost")
    line = None
    for place, tool.uri in enumerate((local, other, local), 1):
        line = await begin(tool, tool.target(14))
        await line.until(f"✅ 14.{place}")
    tool.uri = other
    assert line
    return await receipt(line)


WALKS: dict[int, Walk] = {
    1: lab_1, 2: lab_2, 3: lab_3, 4: lab_4, 5: lab_5, 6: lab_6, 7: lab_7, 8: lab_8, 9: lab_9, 10: lab_10,
    11: lab_11, 12: lab_12, 13: lab_13, 14: lab_14,
}  # fmt: skip
#: what a tool must be able to do for a lab, beside sending text
NEEDS: dict[int, set[str]] = {
    1: {"details"}, 6: {"headers"}, 7: {"subprotocol", "details"}, 8: {"binary"}, 11: {"timeout"},
}  # fmt: skip


def possible(tool: type[Tool]) -> list[int]:
    """The labs that a tool can do."""
    return [number for number in WALKS if NEEDS.get(number, set()) <= tool.can]
