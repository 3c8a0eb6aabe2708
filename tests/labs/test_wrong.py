"""Every wrong client gets its sentence, in both languages, and the next right thing still counts."""

import re

import pytest

from chatkit.labs import labs
from chatkit.labs.lab import common
from chatkit.texts import Sentence
from tests.labs.served import serving
from tests.labs.tools import Postman, Tool, using
from tests.labs.wrong import COLLECTION, Wrong


@pytest.mark.parametrize("wrong", COLLECTION, ids=lambda wrong: f"{wrong.place} {wrong.what}")
async def test_a_wrong_client_gets_its_sentence_and_goes_on(wrong: Wrong) -> None:
    async with serving() as server, using(Postman, server.uri) as tool:
        keep(server, wrong)
        expected = server.labs.grader.labs[wrong.lab].sentence(wrong.key, **wrong.holes)
        for act in wrong.acts:
            await act(tool, wrong.lab)
        for language in expected:
            await hears(tool, f"❌ {wrong.place} {language}")
        for act in wrong.right:
            await act(tool, wrong.lab)
        if wrong.right:
            await hears(tool, f"✅ {wrong.lab}.{wrong.done + 1}")


def keep(server: object, wrong: Wrong) -> None:
    """Let the student have done the steps before."""
    at = server.labs.store.progress("Mali", wrong.lab)
    at.done, at.facts = wrong.done if wrong.start is None else wrong.start, dict(wrong.facts)
    server.labs.store.keep(at)


async def hears(tool: Tool, line: str) -> None:
    """One of the tool's lines has it already, or the newest one gets it."""
    if not any(timeless(heard).startswith(timeless(line)) for each in tool.lines for heard in each.heard):
        await tool.lines[-1].next(lambda heard: timeless(heard).startswith(timeless(line)))


def timeless(line: str) -> str:
    """A line without the seconds that were measured."""
    return re.sub(r"\d+\.\d(?= s;| วินาที แต่)", "…", line)


def spoken() -> set[tuple[int, str]]:
    """(lab, key) of every sentence that a lab of its own may say about a mistake."""
    return {(number, key) for number, lab in labs().items() for key in lab.sentences}


def test_the_collection_knows_every_mistake_that_a_lab_has_a_sentence_for() -> None:
    shown = {(wrong.lab, wrong.key) for wrong in COLLECTION} | {key for wrong in COLLECTION for key in [wrong.key]}
    assert {(number, key) for number, key in spoken() if (number, key) not in shown} == {
        *((1, key) for key in ("cut", "key")),  # need what was on the wire: test_details
        (3, "same_tab"),
        (13, "so_far"),  # no mistake: the way there
        (14, "not_local"),
        (14, "same_host"),
    }
    assert {key for key in common() if key not in shown} == {
        *("receipt", "receipt_again"),
        *("no_upgrade", "refused_401", "refused_503"),  # HTTP: test_details
    }


def test_every_sentence_stands_in_both_languages() -> None:
    for lab in labs().values():
        every = [lab.title, lab.about, *lab.sentences.values(), *(step.do for step in lab.steps)]
        for sentence in [*every, *(step.done for step in lab.steps), *common().values()]:
            assert isinstance(sentence, Sentence) and all(sentence)
