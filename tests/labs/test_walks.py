"""Somebody who does everything right, with no more than Postman can do, gets through every lab and has a receipt."""

import re

import pytest

from chatkit.labs import labs
from tests.labs.served import serving
from tests.labs.tools import Postman, using
from tests.labs.walks import WALKS


def test_there_is_a_way_through_every_lab_but_the_one_for_pings() -> None:
    assert [*WALKS, 15] == list(labs())


@pytest.mark.parametrize("number", WALKS)
async def test_postman_does_the_lab(number: int) -> None:
    async with serving() as server, using(Postman, server.uri) as tool:
        code = await WALKS[number](tool)
        assert re.fullmatch(rf"CK-{number:02}-[0-9A-Z]{{4}}-[0-9A-Z]{{4}}", code)
        assert [receipt.code for receipt in server.labs.store.receipts()] == [code]
