"""The files for the students' own tools: equal to the committed ones, and read by their vendors' own programs."""

import asyncio
import json
import os
import platform
import re
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest
import yaml

from chatkit.labs import Lab, labs
from chatkit.labs.export import HOSTS, NO_HTTP, export, file_name, files
from tests.chat import wait_until
from tests.labs.served import serving
from tests.needs import NODE, NODE_MODULES, ROOT, need

COMMITTED = ROOT / "notebooks" / "labs"
COLLECTION = COMMITTED / "postman" / "collections" / "chatkit"

need_vendors = need(
    "needs node: apt-get install nodejs npm"
    if not NODE
    else "needs the vendors' own parsers: make build/node/node_modules"
    if not (NODE_MODULES / "@usebruno" / "lang").is_dir() or not (NODE_MODULES / "httpyac").is_dir()
    else ""
)


def test_the_committed_files_are_what_the_list_of_labs_says() -> None:
    """After a change of the labs: `chatkit labs export notebooks/labs`."""
    there = {path.relative_to(COMMITTED).as_posix(): path.read_text("utf-8") for path in committed()}
    assert there == files()


def committed() -> list[Path]:
    return [path for path in COMMITTED.rglob("*") if path.is_file() and path.name != ".DS_Store"]


def test_export_writes_them(tmp_path: Path) -> None:
    assert {path.relative_to(tmp_path).as_posix() for path in export(tmp_path)} == files().keys()
    assert {
        path.relative_to(tmp_path).as_posix(): path.read_text("utf-8")
        for path in tmp_path.rglob("*.*")
        if path.is_file()
    } == files()


def test_names_of_files_are_ascii_without_spaces() -> None:
    assert [name for name in files() if not re.fullmatch(r"[A-Za-z0-9./-]+", name)] == []


# --- Postman ----------------------------------------------------------------------------------------------------------

REQUEST_KEYS = {"$kind", "name", "description", "url", "order", "queryParams", "headers", "settings", "messages"}


@pytest.mark.parametrize("lab", labs().values(), ids=lambda lab: lab.slug)
def test_a_request_of_postman_says_what_its_lab_says(lab: Lab) -> None:
    """The linter never opens a message's file, and passes over keys that it does not know; so this one looks."""
    request = yaml.safe_load((COLLECTION / f"{lab.slug}.request.yaml").read_text("utf-8"))
    assert request.keys() <= REQUEST_KEYS
    assert request["$kind"] == "websocket-request"
    assert request["url"] == f"ws://{{{{host}}}}:{{{{port}}}}/lab/{lab.number}?name={{{{name}}}}"
    fields = [(row["key"], row["value"], row.get("disabled", False)) for row in request["queryParams"]]
    assert fields == [("name", "{{name}}", False), *((key, value, True) for key, value in lab.query[1:])]
    assert [(row["key"], row["value"], row["disabled"]) for row in request.get("headers", [])] == [
        (*header, True) for header in lab.headers
    ]
    assert request["settings"].keys() == {"handshakeTimeout", "retryCount", "retryDelay", "maxPayload"}
    assert all(type(value) is int for value in request["settings"].values())
    for step in lab.steps:
        assert step.do.en.replace("{{", "{").replace("}}", "}") in request["description"]
        assert step.do.th.replace("{{", "{").replace("}}", "}") in request["description"]


@pytest.mark.parametrize("lab", labs().values(), ids=lambda lab: lab.slug)
def test_saved_messages_of_postman_are_those_of_the_lab(lab: Lab) -> None:
    request = yaml.safe_load((COLLECTION / f"{lab.slug}.request.yaml").read_text("utf-8"))
    if not lab.messages:
        assert "messages" not in request
        return
    found = [yaml.safe_load(path.read_text("utf-8")) for path in (COLLECTION / request["messages"]).iterdir()]
    found.sort(key=lambda message: message["order"])
    assert [(each["name"], each["content"], each["contentType"]) for each in found] == [
        (message.name, message.content, message.kind) for message in lab.messages
    ]
    for each in found:
        assert each.keys() == {"$kind", "name", "content", "contentType", "order"}
        assert each["$kind"] == "websocket-message"
        assert each["contentType"] in ("text", "json", "xml", "html", "hex", "base64")


def test_nothing_of_postman_is_there_twice() -> None:
    for lab in labs().values():
        assert len({file_name(message) for message in lab.messages}) == len(lab.messages)
    assert len(list(COLLECTION.glob("*.request.yaml"))) == len(labs())


@pytest.mark.parametrize("name", HOSTS)
def test_an_environment_of_postman_gives_host_port_and_name(name: str) -> None:
    path = COMMITTED / "postman" / "environments" / f"{name}.environment.yaml"
    environment = yaml.safe_load(path.read_text("utf-8"))
    assert environment["name"] == name
    assert {row["key"]: row["value"] for row in environment["values"]} == {
        "host": HOSTS[name], "port": "8765", "name": "Mali",
    }  # fmt: skip
    assert all(row["enabled"] is True and row["type"] == "default" for row in environment["values"])


POSTMAN = "@postman/pm-bin-linux-x64"
BINARY = ROOT / "build" / "postman" / "node_modules" / POSTMAN / "bin" / "postman"
is_possible = bool(NODE) and sys.platform == "linux" and platform.machine() == "x86_64"


@pytest.mark.skipif(
    not is_possible or not (BINARY.exists() or os.environ.get("CI") == "true"),
    reason=f"Postman's linter is 180 MB: npm install --prefix build/postman {POSTMAN}@1.62.0",
)
def test_postmans_own_linter_says_nothing() -> None:
    if not BINARY.exists():
        command = ["npm", "install", "--prefix", "build/postman", "--no-audit", "--no-fund", f"{POSTMAN}@1.62.0"]
        subprocess.run(command, cwd=ROOT, check=True, timeout=600)
    command = [str(BINARY), "collection", "lint", str(COLLECTION)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (run.returncode, "No issues found" in run.stdout) == (0, True), run.stdout
    assert f"Scanned: {len(labs())}" in run.stdout


# --- Bruno ------------------------------------------------------------------------------------------------------------

BRUNO = """
const {bruToJsonV2, jsonToBruV2, bruToEnvJsonV2, envJsonToBruV2} = require("@usebruno/lang")
const {readFileSync} = require("fs")
const read = process.argv.slice(1).map(path => {
  const text = readFileSync(path, "utf8")
  const isEnvironment = path.includes("/environments/")
  const json = isEnvironment ? bruToEnvJsonV2(text) : bruToJsonV2(text)
  const copy = JSON.parse(JSON.stringify(json))
  return {path, json, back: isEnvironment ? envJsonToBruV2(copy) : jsonToBruV2(copy)}
})
console.log(JSON.stringify(read))
"""


@need_vendors
def test_brunos_own_parser_gives_the_files_back_unchanged() -> None:
    paths = sorted((COMMITTED / "bruno").rglob("*.bru"))
    environment = {**os.environ, "NODE_PATH": str(NODE_MODULES)}
    run = subprocess.run(
        [NODE, "-e", BRUNO, *map(str, paths)], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    read = json.loads(run.stdout)
    assert [
        each["path"] for each in read if each["back"].rstrip() != Path(each["path"]).read_text("utf-8").rstrip()
    ] == []
    requests = {int(each["json"]["meta"]["seq"]): each["json"] for each in read if "meta" in each["json"]}
    assert requests.keys() == labs().keys()
    for number, lab in labs().items():
        sent = requests[number].get("body", {}).get("ws", [])
        wanted = [(each.name, each.kind, each.content) for each in lab.messages if each.kind in ("text", "json")]
        assert [(each["name"], each["type"], each["content"]) for each in sent] == wanted
        assert requests[number]["meta"]["type"] == "ws"
        assert requests[number]["settings"]["keepAliveInterval"] > 0


# --- .http ------------------------------------------------------------------------------------------------------------


@need_vendors
@pytest.mark.parametrize("number", [2, 4, 10])
async def test_httpyac_runs_the_file(number: int, tmp_path: Path) -> None:
    """httpYac is what VS Code runs; it hears the two first lines, and two for each message."""
    async with serving() as server:
        host, port = server.uri.removeprefix("ws://").split(":")
        text = (COMMITTED / "chatkit.http").read_text("utf-8")
        mine = tmp_path / "chatkit.http"  # as its reader changes it: another host, another port
        for old, new in (("host = localhost", f"host = {host}"), ("port = 8765", f"port = {port}")):
            assert f"@{old}\n" in text
            text = text.replace(f"@{old}", f"@{new}")
        mine.write_text(text, "utf-8")
        process = await asyncio.create_subprocess_exec(
            NODE, str(NODE_MODULES / "httpyac" / "bin" / "httpyac.js"), "send", str(mine),
            "--name", f"lab{number}", "--no-color",
            stdin=PIPE, stdout=PIPE, stderr=STDOUT, cwd=tmp_path,
        )  # fmt: skip
        try:
            said = (await asyncio.wait_for(process.communicate(), 60))[0].decode()
        finally:
            if process.returncode is None:
                process.kill()
        done = {2: 1, 4: 2, 10: 1}[number]  # it leaves with its last message: that one may be too late
        await wait_until(lambda: server.labs.store.progress("Mali", number).done >= done)
        assert f"➡️ {number}.1" in said


def test_the_http_file_has_every_lab_that_it_can_do() -> None:
    text = (COMMITTED / "chatkit.http").read_text("utf-8")
    assert {int(number) for number in re.findall(r"^# @name lab(\d+)$", text, re.MULTILINE)} == labs().keys() - NO_HTTP


# --- Insomnia ---------------------------------------------------------------------------------------------------------

#: what Insomnia 11 reads of a collection, and of which type (its own `insomnia-schema.ts`); it leaves out the rest
META = {"id": str, "created": int, "modified": int, "description": str, "sortKey": int}
WEBSOCKET = {"name": str, "url": str, "meta": dict, "parameters": list, "headers": list}
ENVIRONMENT = {"name": str, "meta": dict, "data": dict, "subEnvironments": list}


def holds(table: dict[str, object], schema: dict[str, type]) -> bool:
    return table.keys() <= schema.keys() and all(type(value) is schema[key] for key, value in table.items())


def test_insomnias_file_keeps_to_its_schema() -> None:
    collection = yaml.safe_load((COMMITTED / "insomnia.yaml").read_text("utf-8"))
    assert collection["type"] == "collection.insomnia.rest/5.0"
    assert collection.keys() == {"type", "name", "meta", "collection", "environments"}
    ids = [collection["meta"]["id"], collection["environments"]["meta"]["id"]]
    for number, request in zip(labs(), collection["collection"], strict=True):
        assert holds(request, WEBSOCKET) and holds(request["meta"], META)
        assert request["url"] == f"ws://{{{{ _.host }}}}:{{{{ _.port }}}}/lab/{number}"
        assert request["parameters"] == [{"name": "name", "value": "{{ _.name }}"}]
        ids.append(request["meta"]["id"])
    environments = collection["environments"]
    assert holds(environments, ENVIRONMENT) and environments["data"] == {
        "port": "8765",
        "name": "Mali",
        "host": "localhost",
    }
    for each in environments["subEnvironments"]:
        assert holds(each, ENVIRONMENT) and each["data"] == {"host": HOSTS[each["name"]]}
        ids.append(each["meta"]["id"])
    assert len(set(ids)) == len(ids)
    assert all(id.startswith("ws-req_") for id in ids if "chatkit_0" in id)  # Insomnia tells its kinds by this
