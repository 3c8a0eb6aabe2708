"""Right clients of other makes: each does the labs that its maker made possible."""

import re

import pytest

from chatkit.labs import labs
from tests.chat import wait_until
from tests.labs.makes import JAVA, JavaClient, Kit, NodeWs, Page, WebsocketClient, Wscat
from tests.labs.served import Served, serving
from tests.labs.tools import Tool, using
from tests.labs.walks import WALKS, possible
from tests.needs import need, need_chromium, need_node

need_java = need("" if JAVA else "needs java and its compiler: apt-get install default-jdk-headless")


async def does(tool: Tool, number: int, server: Served) -> None:
    code = await WALKS[number](tool)
    assert re.fullmatch(rf"CK-{number:02}-\w{{4}}-\w{{4}}", code)
    assert code in [receipt.code for receipt in server.labs.store.receipts()]


@pytest.mark.parametrize("number", possible(WebsocketClient))
async def test_websocket_client_does_the_lab(number: int) -> None:
    async with serving() as server, using(WebsocketClient, server.uri) as tool:
        await does(tool, number, server)


@need_node
@pytest.mark.parametrize("number", possible(NodeWs))
async def test_ws_on_node_does_the_lab(number: int) -> None:
    async with serving() as server, using(NodeWs, server.uri) as tool:
        await does(tool, number, server)


@need_java
@pytest.mark.parametrize("number", [2, 8])
async def test_java_does_the_lab(number: int) -> None:
    async with serving() as server, using(JavaClient, server.uri) as tool:
        await does(tool, number, server)


@need_node
@pytest.mark.parametrize("number", [2, 3, 4, 13])
async def test_wscat_does_the_lab(number: int) -> None:
    async with serving() as server, using(Wscat, server.uri) as tool:
        await does(tool, number, server)


@need_node
async def test_wscat_does_the_last_lab() -> None:
    """A ping, and an Origin: what Postman cannot do."""
    async with serving() as server, using(Wscat, server.uri) as tool:
        line = await tool.open(tool.target(15))
        await line.until("➡️ 15.1")
        await line.send("/ping")
        await line.until("✅ 15.1")
        await tool.close()
        line = await tool.open(tool.target(15), {"Origin": server.uri.replace("ws://", "http://")})
        await line.until("✅ 15.2")
        assert "CK-15-" in await line.until("🎓 15")


@need_chromium
async def test_a_page_does_its_labs() -> None:
    """One browser for all of them; the last one's Origin is there without asking."""
    async with serving() as server:
        tool = Page(server.uri)
        await tool.start()
        try:
            for number in (2, 3, 4, 5, 8, 9, 12, 13):
                await does(tool, number, server)
                await tool.close()
            at = server.labs.store.progress("Mali", 15)
            at.done = 1
            server.labs.store.keep(at)
            line = await tool.open(tool.target(15))
            await line.until("✅ 15.2")
        finally:
            await tool.stop()


@pytest.mark.parametrize("number", [2, 4, 13])
async def test_the_kits_own_client_does_the_lab(number: int) -> None:
    async with serving() as server, using(Kit, server.uri) as tool:
        await does(tool, number, server)


@need_node
async def test_ws_on_node_hangs_up_where_its_subprotocol_is_not_chosen_and_is_told_the_next_time() -> None:
    """So does Postman, which is made of it."""
    async with serving() as server, using(NodeWs, server.uri) as tool:
        await (await tool.open(tool.target(7))).until("✅ 7.1")
        await tool.close()
        with pytest.raises(TimeoutError):
            await tool.open(tool.target(7), {"sec-websocket-protocol": "ChatKit.V1"})
        line = await tool.open(tool.target(7))
        await line.until("❌ 7.2")
        await wait_until(lambda: server.labs.store.progress("Mali", 7).done == 1)


def test_every_lab_is_done_by_a_client_that_is_not_ours() -> None:
    assert {*possible(WebsocketClient), 15} == labs().keys()
