"""One room, everybody in it: phones and a notebook, and a server that dies and comes back."""

from collections import Counter
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from chatkit.addresses import free_port
from tests.browser.lab import Lab
from tests.browser.phones import NewPhone, killable_server
from tests.needs import need_chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

KRU = "from chatkit.panels import ChatPanel\nkru = ChatPanel('ws://127.0.0.1:{port}', name='kru')\nkru"


@need_chromium
async def test_phones_and_a_notebook_lose_and_double_nothing_when_the_server_dies(
    lab: Lab, page: Page, phone: NewPhone, tmp_path: Path
) -> None:
    port, db = free_port(), tmp_path / "room.db"
    url = f"http://127.0.0.1:{port}/"
    async with killable_server(port, db):
        mali = await (await phone("th-TH")).join(url, "มะลิ")
        somchai = await (await phone()).join(url, "สมชาย")
        notebook = await lab.open(page, lab.write("classroom.ipynb", KRU.format(port=port)))
        await notebook.run_all()
        kru = notebook.panel("kru")
        await kru.is_open()
        await kru.type("ถึงกันไหม")
        await mali.shows("ถึงกันไหม")
        await mali.send("ถึงแล้วครู")
        await kru.shows("มะลิ: ถึงแล้วครู")
    # Nobody answers now. What is said waits where it was said.
    await mali.is_in("reconnecting")
    await mali.send("ตอนที่หลุด หนึ่ง", "ตอนที่หลุด สอง")
    await somchai.send("น้ำที่นี่ใส")
    await kru.type("ครูก็พูดด้วย")
    said = ["ถึงกันไหม", "ถึงแล้วครู", "ตอนที่หลุด หนึ่ง", "ตอนที่หลุด สอง", "น้ำที่นี่ใส", "ครูก็พูดด้วย"]
    async with killable_server(port, db):
        await expect(mali.page.locator("#log .text")).to_have_count(len(said), timeout=20_000)
        order = await mali.page.locator("#log .text").all_inner_texts()
        assert Counter(order) == Counter(said)
        assert order.index("ตอนที่หลุด หนึ่ง") < order.index("ตอนที่หลุด สอง")
        await mali.shows(*order)
        await somchai.shows(*order)
        for text in said:
            await kru.shows(text, timeout=20.0)
        lines = [line for line in await kru.lines.all_inner_texts() if any(text in line for text in said)]
        assert [next(text for text in said if text in line) for line in lines] == order
