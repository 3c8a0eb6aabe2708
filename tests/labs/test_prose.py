"""What the labs say keeps the rules that hold the lessons' prose: equal numbers and code, and Thai as agreed."""

from collections.abc import Iterator

import pytest

from chatkit.labs import labs
from chatkit.labs.lab import common
from chatkit.texts import Sentence
from tests.notebook_rules import SENTENCES, sentence


def spoken() -> Iterator[tuple[str, Sentence]]:
    for key, said in common().items():
        yield f"common {key}", said
    for lab in labs().values():
        yield f"{lab.slug} title", lab.title
        yield f"{lab.slug} about", lab.about
        for step in lab.steps:
            yield f"{lab.slug} {step.name} do", step.do
            yield f"{lab.slug} {step.name} done", step.done
        for key, said in lab.sentences.items():
            yield f"{lab.slug} {key}", said


@pytest.mark.parametrize(("where", "said"), list(spoken()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_sentence_keeps_the_rules(where: str, said: Sentence) -> None:
    pair = sentence("it", said.en, said.th)
    assert [problem for rule in SENTENCES for problem in rule(pair)] == []
