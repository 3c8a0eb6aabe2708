"""The documents: PROTOCOL.md and ARCHITECTURE.md tell what is, the Thai keeps to the glossary, links lead somewhere."""

import asyncio
import importlib
import json
import pkgutil
import re
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect as connect_websockets
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from chatkit import Server, connect, serve, throttle
from chatkit.limits import CLOSE_CODES, LIMITS
from chatkit.messages import FROM_SERVER, KNOWN, decode, encode
from chatkit.panels import ChatPanel
from chatkit.texts import sentences
from tests import course
from tests.needs import ROOT
from tests.notebook_rules import NEVER, THAI, forbidden, glossary
from tests.test_project import LAYERS

PAPERS = {
    name: (ROOT / name).read_text("utf-8")
    for name in (
        "README.md",
        "thai_explanation.md",
        "TEACHING.md",
        "PROTOCOL.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    )
}
GLOSSARY = (ROOT / "GLOSSARY.md").read_text("utf-8")

# --- words ------------------------------------------------------------------------------------------------------------


def thai_lines() -> list[tuple[str, str]]:
    """Every line of Thai prose, code spans and links' targets taken out, with where it stands."""
    texts = json.loads((ROOT / "chatkit" / "texts" / "th.json").read_text("utf-8"))
    lines = [(f"th.json {key}", sentence) for key, sentence in texts.items()]
    for name, text in PAPERS.items():
        prose = re.sub(r"^```.*?^```$", lambda code: "\n" * code[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL)
        lines += [(f"{name}:{number}", line) for number, line in enumerate(prose.splitlines(), 1)]
    plain = ((where, re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "`", line))) for where, line in lines)
    return [(where, line) for where, line in plain if re.search(f"[{THAI}]", line)]


def test_thai_keeps_to_the_glossary() -> None:
    assert [(where, words) for where, line in thai_lines() if (words := forbidden(line))] == []


def test_thai_is_written_as_agreed() -> None:
    wrong = rf"{NEVER}|[{THAI}]\.(?=\s|$)|[{THAI}][A-Za-z0-9`]|[A-Za-z0-9`][{THAI}]"
    assert [(where, found[0]) for where, line in thai_lines() if (found := re.search(wrong, line))] == []


def test_a_notebook_is_not_taken_for_a_laptop() -> None:
    for name, text in PAPERS.items():
        thai = re.search("โน้ตบุ๊ก(?! Jupyter)", text)
        jupyter = re.search("โน้ตบุ๊ก Jupyter", text)
        assert not thai or (jupyter and jupyter.start() < thai.start()), f"{name}: say โน้ตบุ๊ก Jupyter first"


def test_the_formal_form_of_protocol_is_named_once() -> None:
    assert GLOSSARY.count("โพรโทคอล") == 1
    assert [name for name, text in PAPERS.items() if "โพรโทคอล" in text] == []


def test_every_term_of_the_glossary_has_its_address() -> None:
    terms = re.findall(r"^\| (?!term |---)([^|]+?) \|.*\| (?:<a id=\"([a-z0-9-]+)\"></a>)?", GLOSSARY, re.MULTILINE)
    assert len(terms) >= len(glossary()) > 50
    assert [(term, address) for term, address in terms if address != slug(term)] == []


def slug(term: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")


# --- links ------------------------------------------------------------------------------------------------------------


def addresses(text: str) -> set[str]:
    """What a link into this Markdown can name: headings as GitHub and JupyterLab spell them, and `<a id>`."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\u0e00-\u0e7f -]", "", heading).strip().lower().replace(" ", "-") for heading in headings)
    return {*plain, *re.findall(r'<a id="([^"]+)">', text)}


@pytest.mark.parametrize("name", [*PAPERS, "GLOSSARY.md", "CHANGELOG.md"])
def test_every_link_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, place = link.partition("#")
        if "://" in link:
            continue
        target = ROOT / path if path else ROOT / name
        if not target.exists() or (place and place not in addresses(target.read_text("utf-8"))):
            broken.append(link)
    assert broken == []


MADE = re.compile(
    r"^<!-- (lessons|map|ways|answers) ?(\w*?) ?(en|th|both) -->\n(?:\|.*\n|```mermaid\n(?:.*\n)*?```\n)*", re.MULTILINE
)


def renewed(text: str) -> str:
    """A paper with what is made from the course anew under each of its marks, `<!-- answers 02_await en -->`."""

    def made(found: re.Match[str]) -> str:
        what, lesson, lang = found.groups()
        make: dict[str, Callable[[], str]] = {
            "lessons": lambda: course.lesson_table(lang),
            "map": course.map_picture,
            "ways": lambda: course.way_table(lang),
            "answers": lambda: course.answers_table(lesson, lang),
        }
        return f"{found[0].splitlines()[0]}\n{make[what]()}"

    return MADE.sub(made, text)


@pytest.mark.parametrize("name", ["README.md", "thai_explanation.md", "TEACHING.md"])
def test_what_is_told_of_the_course_is_what_the_notebooks_say(name: str) -> None:
    assert MADE.search(PAPERS[name]) and PAPERS[name] == renewed(PAPERS[name]), "python -m tests.test_docs"
    assert "](notebooks/index.ipynb)" in PAPERS[name]


@pytest.mark.parametrize("name", ["README.md", "TEACHING.md", "PROTOCOL.md"])
def test_every_section_is_in_both_languages(name: str) -> None:
    _, *sections = re.split(r"^## ", PAPERS[name], flags=re.MULTILINE)
    assert [section.splitlines()[0] for section in sections if "·" not in section.splitlines()[0]] == []
    assert [section.splitlines()[0] for section in sections if not re.search(f"[{THAI}]", section)] == []


# --- the wire ---------------------------------------------------------------------------------------------------------

PROTOCOL = PAPERS["PROTOCOL.md"]
PATIENCE = 30  # seconds that anything may take on a busy machine


def fenced(mark: str, language: str) -> list[str]:
    """What stands in the fences under `<!-- mark -->`."""
    return re.findall(rf"^<!-- {mark} -->\n```{language}\n(.*?)^```$", PROTOCOL, re.MULTILINE | re.DOTALL)


def table(head: str, text: str = PROTOCOL) -> list[list[str]]:
    """The rows of the table that begins with this head, each cell without its backquotes."""
    lines = text.split(f"\n{head}", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def objects(blocks: list[str]) -> list[dict[str, Any]]:
    """The JSON objects that stand one after the other in these blocks."""
    text, found = "".join(blocks).strip(), []
    while text:
        fields, end = json.JSONDecoder().raw_decode(text)
        found.append(fields)
        text = text[end:].strip()
    return found


EXAMPLES = [(decode, fields) for fields in objects(fenced("from client", "json"))]
EXAMPLES += [(FROM_SERVER.decode, fields) for fields in objects(fenced("from server", "json"))]


@pytest.mark.parametrize(("read", "fields"), EXAMPLES)
def test_the_kit_reads_and_writes_each_example_as_it_stands(read: Callable[[str], Any], fields: dict[str, Any]) -> None:
    line = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    assert encode(read(line)).decode() == line


def test_every_message_has_an_example() -> None:
    assert {fields["type"] for _, fields in EXAMPLES} == {"hello", "send", *KNOWN}


DIALOGUES = fenced("dialogue", "text")
LINE = re.compile(r"(\w+) (connects to|→|←|is closed with|says) (.*)")
#: fields whose value is another one in every talk; an example's value stands for the real one from then on
OWN = {"you", "me", "epoch", "from", "id"}


class Stage:
    """Plays a dialogue with a real server. `real`: what an example's made-up value stands for."""

    def __init__(self, server: Server, stack: AsyncExitStack) -> None:
        self.server, self.stack = server, stack
        self.clients: dict[str, ClientConnection] = {}
        self.real: dict[str, str] = {}

    async def play(self, line: str) -> None:
        part = LINE.fullmatch(line)
        assert part, line
        who, does, what = part[1], part[2], part[3].replace("⏎", "\n")
        match does:
            case "connects to":
                uri, *dialect = what.replace("ws://localhost:8765", self.server.uri).split(" as ")
                opening = connect_websockets(uri, subprotocols=[*map(Subprotocol, dialect)] or None, proxy=None)
                self.clients[who] = await self.stack.enter_async_context(opening)
            case "→":
                for mine in re.findall(r'"id":"([^"]+)"', what):
                    self.real[mine] = mine
                for shown, real in self.real.items():
                    what = what.replace(f'"{shown}"', f'"{real}"')
                await self.clients[who].send(what)
            case "←":
                heard = await self.clients[who].recv()
                if what.startswith("{"):
                    self.compare(json.loads(what.replace("{…}", '"…"').replace(",…", ',"…":0')), json.loads(heard))
                else:
                    assert heard == what
            case "is closed with":
                with pytest.raises(ConnectionClosed) as closed:
                    await self.clients.pop(who).recv()
                assert closed.value.rcvd and closed.value.rcvd.code == int(what)
            case "says":  # the operator
                self.server.broadcast(what)

    def compare(self, shown: Any, heard: Any, field: str = "") -> None:
        """The same message, but for what is another one each time, and what `…` leaves out."""
        if shown == "…" or field == "ts":
            return
        if isinstance(shown, dict):
            assert [key for key in heard if key in shown or "…" not in shown] == [key for key in shown if key != "…"]
            for key in shown.keys() - {"…"}:
                self.compare(shown[key], heard[key], key)
        elif isinstance(shown, list):
            for one, other in zip(shown, heard, strict=True):
                self.compare(one, other)
        else:
            assert (self.real.setdefault(shown, heard) if field in OWN else shown) == heard

    async def nothing_more(self) -> None:
        """Nobody has heard anything that the dialogue does not show."""
        for client in self.clients.values():
            await (await client.ping())  # what was on its way came before the pong
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await client.recv()


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda text: text.split(" ", 1)[0])
async def test_a_real_server_holds_each_dialogue(dialogue: str) -> None:
    async with asyncio.timeout(PATIENCE), serve(port=0) as server, AsyncExitStack() as stack:
        stage = Stage(server, stack)
        for line in dialogue.splitlines():
            await stage.play(line)
        await stage.nothing_more()


UPGRADE = "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#: what a client may ask, and how it is answered
ASKED = [
    ("GET / HTTP/1.1", UPGRADE + KEY, 101),
    ("GET / HTTP/1.1", "Host: localhost\r\n", 200),
    ("GET / HTTP/1.1", UPGRADE, 400),
    ("GET /?name=มะลิ HTTP/1.1", UPGRADE + KEY, 400),
    ("GET /?token=mango HTTP/1.1", UPGRADE + KEY, 401),
    ("GET / HTTP/1.1", (UPGRADE + KEY).replace("localhost", "evil.example"), 403),
    ("GET / HTTP/1.1", UPGRADE + KEY + "Origin: https://evil.example\r\n", 403),
    ("GET /nowhere HTTP/1.1", UPGRADE + KEY, 404),
    ("POST / HTTP/1.1", "Host: localhost\r\n", 405),
    ("GET / HTTP/1.1", "Host: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n", 426),
    ("GET /?token=mango HTTP/1.1", UPGRADE + KEY, 429),
    ("GET / HTTP/1.1", UPGRADE + KEY, 503),
]


@pytest.mark.parametrize(("line", "headers", "status"), ASKED)
async def test_the_handshake_is_answered_as_it_says(
    line: str, headers: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "is_own", lambda address: False)  # loopback stands for the network
    options = {401: {"token": "papaya"}, 429: {"token": "papaya"}, 503: {"max_clients": 0}}.get(status, {})
    async with asyncio.timeout(PATIENCE), serve(port=0, **options) as server:
        at_the_door = server.reception.door.throttle = throttle.Throttle(clock=lambda: 1.0)
        for number in range(202 if status == 429 else 0):
            at_the_door.check(("127.0.0.1", "::1")[number % 2], False)
        reader, writer = await asyncio.open_connection("localhost", server.port)
        writer.write(f"{line}\r\n{headers}\r\n".encode())
        assert (await reader.readline()).split()[1] == str(status).encode()
        writer.close()
        await writer.wait_closed()


def test_the_table_of_the_handshake_is_complete() -> None:
    assert [int(status) for status, _ in table("| status |")] == list(dict.fromkeys(status for *_, status in ASKED))


def test_the_codes_of_nack_are_those_of_the_kit() -> None:
    rows = table("| code | why")
    assert [code for code, *_ in rows] == [key[5:] for key in sentences("en") if key.startswith("nack_")]
    closing = {code: int(then) for code, _, then in rows if then.isdecimal()}
    assert closing == {
        code: each.code for code, each in CLOSE_CODES.items() if code in dict.fromkeys(r[0] for r in rows)
    }


def test_the_limits_are_those_of_the_kit() -> None:
    assert {name: value for name, value, _ in table("| name | value |")} == {
        name: str(value) for name, value in asdict(LIMITS).items()
    }


def test_the_close_codes_are_those_of_the_kit() -> None:
    by_websockets = {1000, 1001, 1007, 1009, 1011}
    rows = table("| code | meaning")
    assert {int(code) for code, *_ in rows} == by_websockets | {each.code for each in CLOSE_CODES.values()}
    assert {int(code) for code, _, final in rows if final} == {e.code for e in CLOSE_CODES.values() if e.is_final}


# --- the plan of the house --------------------------------------------------------------------------------------------

ARCHITECTURE = PAPERS["ARCHITECTURE.md"]
GROUPS = ("heart", "wings", "leaves")
PICTURE = re.compile(r"(?<=<!-- picture -->\n```mermaid\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def group(name: str) -> list[str]:
    """The modules of a table of ARCHITECTURE.md, in its order."""
    rows = ARCHITECTURE.split(f"<!-- {name} -->\n", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| \[(\w+)\]", rows, re.MULTILINE)


def below() -> dict[str, set[str]]:
    """{module: modules that it may import and that are drawn below it}; what only belongs to a folder goes with it."""
    drawn = {module for name in GROUPS for module in group(name)}
    leaves = set(group("leaves"))
    table: dict[str, set[str]] = {module: set() for module in drawn}
    for layer, allowed in LAYERS.items():
        module = layer.split(".")[0]
        if module in drawn:
            table[module] |= allowed & drawn
    return {module: found if module in leaves else found - leaves for module, found in table.items()}


def picture() -> str:
    """ARCHITECTURE.md's picture, as mermaid: one arrow for each import that no other arrows lead to."""
    table = below()

    def reached(module: str) -> set[str]:
        return {module}.union(*map(reached, table[module]))

    lines = ["flowchart TD"]
    for name in GROUPS:
        lines += [f"    subgraph {name}", *(f"        {module}" for module in group(name)), "    end"]
    for module, found in sorted(table.items()):
        direct = (other for other in sorted(found) if not any(other in reached(each) for each in found - {other}))
        lines += [f"    {module} --> {other}" for other in direct]
    lines.append("    heart --> leaves")
    return "\n".join([*lines, ""])


def test_every_module_has_its_place_in_the_plan() -> None:
    layers = {layer.split(".")[0] for layer in LAYERS if not layer.startswith("__")}
    assert sorted(module for name in GROUPS for module in group(name)) == sorted(layers)


def test_the_picture_is_the_table_by_which_imports_are_judged() -> None:
    found = PICTURE.search(ARCHITECTURE)
    assert found and found[0] == picture(), "python -m tests.test_docs"


@pytest.mark.parametrize("module", [module for name in GROUPS for module in group(name)])
def test_a_module_of_the_plan_says_what_it_is(module: str) -> None:
    assert importlib.import_module(f"chatkit.{module}").__doc__


WALK = re.findall(
    r"^\| `(chatkit/[\w/.]+)` \| `([\w.]+)` \|", "".join(ARCHITECTURE.split("<!-- walk -->")[1:]), re.MULTILINE
)


@pytest.mark.parametrize(("file", "door"), WALK)
def test_every_door_of_the_walk_is_there(file: str, door: str) -> None:
    if file.endswith(".js"):
        defined = rf"^\s*(?:export )?(?:async )?(?:function )?{door}\([^;]*\) {{$"
        assert re.search(defined, (ROOT / file).read_text("utf-8"), re.MULTILINE)
    else:
        assert callable(pkgutil.resolve_name(f"{file.removesuffix('.py').replace('/', '.')}:{door}"))


class Follower:
    """Notes every Python function of the kit that is entered, once it is told to."""

    def __init__(self) -> None:
        self.passed: list[tuple[str, str]] = []

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT / "chatkit"):
            self.passed.append((path.relative_to(ROOT).as_posix(), frame.f_code.co_qualname))


async def test_a_real_message_walks_through_these_doors_in_this_order() -> None:
    follower = Follower()
    async with asyncio.timeout(PATIENCE), serve(port=0) as server, connect(server.uri, name="Nok") as nok:
        panel = ChatPanel(server.uri, "Mali")
        async for event in nok:
            if event.type == "joined":
                break
        sys.setprofile(follower)
        try:
            panel.obey({"do": "submit", "view": "1", "text": "hi"})
            await panel.heard("hi", timeout=PATIENCE)
        finally:
            sys.setprofile(None)
        await panel.close()
    steps = iter(follower.passed)
    missed = [door for door in WALK if door[0].endswith(".py") and door not in steps]
    assert missed == []


if __name__ == "__main__":
    made = {name: renewed(text) for name, text in PAPERS.items()}
    made["ARCHITECTURE.md"] = PICTURE.sub(lambda _: picture(), PAPERS["ARCHITECTURE.md"], count=1)
    for name, text in made.items():
        (ROOT / name).write_text(text, "utf-8")
