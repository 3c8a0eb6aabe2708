"""The list of labs, as data: what each asks for and says, in English and Thai, and the request that students open."""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from chatkit.limits import LIMITS
from chatkit.texts import Sentence, filled

__all__ = ["Lab", "Saved", "Step", "common", "fill", "labs"]


@dataclass(frozen=True)
class Step:
    """One idea. do: what to do; done: what it showed. name: its judge in `judges`."""

    name: str
    do: Sentence
    done: Sentence


@dataclass(frozen=True)
class Saved:
    """A message that the students' tools have ready; kind: text, json, hex or base64."""

    name: str
    kind: str
    content: str


@dataclass(frozen=True)
class Lab:
    """One lab: its number, its name in files, its steps, its sentences, and the request that begins it."""

    number: int
    slug: str
    title: Sentence
    about: Sentence
    steps: tuple[Step, ...]
    sentences: dict[str, Sentence]
    messages: tuple[Saved, ...]
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    settings: dict[str, int] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """Path and query, as they stand in the address."""
        return f"/lab/{self.number}?{urlencode(self.query, quote_via=quote)}"

    def sentence(self, key: str, **holes: object) -> Sentence:
        """What the lab says for a key of its own, or of all labs; KeyError where neither has it."""
        return fill(self.sentences.get(key) or common()[key], **holes)


def fill(template: Sentence, **holes: object) -> Sentence:
    """The sentence with its holes filled; a str in a hole becomes visible, whoever wrote it."""
    return Sentence(filled(template.en, "en", holes), filled(template.th, "th", holes))


@cache
def labs() -> dict[int, Lab]:
    """All labs by number."""
    found = sorted(path.name for path in files(__package__).joinpath("data").iterdir() if path.name[:2].isdigit())
    return {int(name[:2]): load(name) for name in found}


@cache
def common() -> dict[str, Sentence]:
    """The sentences that every lab may say."""
    return sentences(read("common.toml")["say"])


def read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("data", name).read_text("utf-8"))


def sentences(table: dict[str, dict[str, str]]) -> dict[str, Sentence]:
    return {key: Sentence(**pair) for key, pair in table.items()}


def load(name: str) -> Lab:
    """A lab from its file, `02-say-hello.toml`."""
    table = read(name)
    request = table.get("request", {})
    return Lab(
        number=int(name[:2]),
        slug=name.removesuffix(".toml"),
        title=Sentence(**table["title"]),
        about=Sentence(**table["about"]),
        steps=tuple(Step(step["name"], Sentence(**step["do"]), Sentence(**step["done"])) for step in table["step"]),
        sentences=sentences(table.get("say", {})),
        messages=tuple(saved(message) for message in table.get("message", ())),
        query=(("name", "Mali"), *map(tuple, request.get("query", ()))),
        headers=tuple(map(tuple, request.get("headers", ()))),
        settings=request.get("settings", {}),
    )


def saved(message: dict[str, Any]) -> Saved:
    """A saved message; `letters` and `over` make the long ones: so many letters `a`, over the limit or in all."""
    content = message.get("content", "")
    if "over" in message:
        content = "a" * (LIMITS.message_bytes + message["over"])
    return Saved(message["name"], message.get("kind", "text"), content)
