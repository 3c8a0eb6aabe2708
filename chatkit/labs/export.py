"""The labs as files for the students' own tools: Postman v3, Bruno, `.http` and Insomnia v5, all from one list.

Names of files are ASCII; each description is in both languages. What is switched off (a header that a later step needs,
a field of the address) is there, unticked.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from chatkit.labs.lab import Lab, Saved, fill, labs

__all__ = ["export", "files"]

HOSTS = {"local": "localhost", "teacher": "127.0.0.1"}  # the teacher's is to be changed to the address on the board
PORT = "8765"
NAME = "Mali"
NO_HTTP = {7, 15}  # labs that a `.http` file cannot do: no subprotocol, no ping
ANSWERS = {4: 4, 9: 2}  # lines that a message brings back at the least, where it is not the echo and two languages
TIMEOUT_MS = 5000
KEEP_ALIVE_MS = 10_000  # Bruno sends a real ping so often


def export(folder: Path) -> list[Path]:
    """Write all files below a folder; gives their paths. OSError where they cannot be written."""
    written = []
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")
        written.append(path)
    return written


def files() -> dict[str, str]:
    """{path below the folder: text} of every file."""
    every = list(labs().values())
    return dict(
        chain(postman(every), bruno(every), [("chatkit.http", http(every)), ("insomnia.yaml", insomnia(every))])
    )


# --- what they share --------------------------------------------------------------------------------------------------


def title(lab: Lab) -> str:
    return f"{lab.number:02} {lab.title.en} · {lab.title.th}"


def description(lab: Lab) -> str:
    """What the lab is about and what its steps are, in English and in Thai."""
    parts = []
    for language in ("en", "th"):
        steps = [f"{number}. {getattr(fill(step.do), language)}" for number, step in enumerate(lab.steps, 1)]
        parts.append("\n".join([getattr(lab.about, language), "", *steps]))
    return "\n\n".join(parts)


def address(lab: Lab, host: str = "{{host}}", port: str = "{{port}}", name: str = "{{name}}") -> str:
    return f"ws://{host}:{port}/lab/{lab.number}?name={name}"


def switched_off(lab: Lab) -> tuple[tuple[str, str], ...]:
    """The fields of the address that a later step ticks."""
    return lab.query[1:]


def file_name(message: Saved) -> str:
    return message.name.replace(" ", "-")


# --- YAML, as much as is needed ---------------------------------------------------------------------------------------


def text(value: str) -> str:
    """A text in double quotes: JSON's are YAML's, too (YAML 1.2, 1.3)."""
    return json.dumps(value, ensure_ascii=False)


def block(key: str, value: str, indent: int = 0) -> str:
    """A text of several lines, as it is."""
    space = " " * (indent + 2)
    lines = [f"{space}{line}" if line else "" for line in value.split("\n")]
    return "\n".join([f"{' ' * indent}{key}: |-", *lines])


def pairs(name: str, value: str, is_off: bool = False) -> str:
    return f"  - {{key: {text(name)}, value: {text(value)}{', disabled: true' if is_off else ''}}}"


def document(*lines: str) -> str:
    return "\n".join(lines) + "\n"


# --- Postman v3 -------------------------------------------------------------------------------------------------------


def postman(every: Iterable[Lab]) -> Iterator[tuple[str, str]]:
    folder = "postman/collections/chatkit"
    for lab in every:
        yield f"{folder}/{lab.slug}.request.yaml", postman_request(lab)
        for place, message in enumerate(lab.messages, 1):
            path = f"{folder}/.resources/{lab.slug}.resources/messages/{file_name(message)}.message.yaml"
            yield path, postman_message(message, place * 1000)
    for name, host in HOSTS.items():
        yield f"postman/environments/{name}.environment.yaml", postman_environment(name, host)


def postman_request(lab: Lab) -> str:
    off = [pairs(name, value, is_off=True) for name, value in lab.headers]
    settings = {
        "handshakeTimeout": lab.settings.get("timeout_ms", TIMEOUT_MS),
        "retryCount": lab.settings.get("retries", 0),
        "retryDelay": lab.settings.get("retry_ms", 5000),
        "maxPayload": 1,
    }
    return document(
        "$kind: websocket-request",
        f"name: {text(title(lab))}",
        block("description", description(lab)),
        f"url: {text(address(lab))}",
        f"order: {lab.number * 1000}",
        "queryParams:",
        pairs("name", "{{name}}"),
        *(pairs(name, value, is_off=True) for name, value in switched_off(lab)),
        *(["headers:", *off] if off else []),
        f"settings: {{{', '.join(f'{key}: {value}' for key, value in settings.items())}}}",
        *([f"messages: {text(f'./.resources/{lab.slug}.resources/messages')}"] if lab.messages else []),
    )


def postman_message(message: Saved, order: int) -> str:
    return document(
        "$kind: websocket-message",
        f"name: {text(message.name)}",
        f"content: {text(message.content)}",
        f"contentType: {message.kind}",
        f"order: {order}",
    )


def postman_environment(name: str, host: str) -> str:
    values = {"host": host, "port": PORT, "name": NAME}
    rows = [f"  - {{key: {key}, value: {text(value)}, enabled: true, type: default}}" for key, value in values.items()]
    return document(f"name: {name}", "values:", *rows)


# --- Bruno ------------------------------------------------------------------------------------------------------------


def bruno(every: Iterable[Lab]) -> Iterator[tuple[str, str]]:
    about = {"version": "1", "name": "chatkit", "type": "collection", "ignore": ["node_modules", ".git"]}
    yield "bruno/bruno.json", json.dumps(about, indent=2) + "\n"
    for lab in every:
        yield f"bruno/{lab.slug}.bru", bruno_request(lab)
    for name, host in HOSTS.items():
        yield f"bruno/environments/{name}.bru", bru("vars", [f"host: {host}", f"port: {PORT}", f"name: {NAME}"]) + "\n"


def bruno_request(lab: Lab) -> str:
    """A request in the order in which Bruno itself writes it."""
    first = [bru("meta", [f"name: {title(lab)}", "type: ws", f"seq: {lab.number}"])]
    first.append(bru("ws", [f"url: {address(lab)}", "body: ws", "auth: none"]))
    first.append(bru("params:query", ["name: {{name}}", *(f"~{key}: {value}" for key, value in switched_off(lab))]))
    if lab.headers:
        first.append(bru("headers", [f"~{name}: {value}" for name, value in lab.headers]))
    for place, message in enumerate(lab.messages):
        # Bruno knows text, json and xml; bytes are written by its user.
        if message.kind in ("text", "json"):
            selected = ["selected: true"] if place == 0 else []
            content = ["content: '''", f"  {message.content}", "'''"]
            first.append(bru("body:ws", [f"name: {message.name}", f"type: {message.kind}", *selected, *content]))
    timeout = lab.settings.get("timeout_ms", TIMEOUT_MS)
    first.append(bru("settings", ["encodeUrl: true", f"timeout: {timeout}", f"keepAliveInterval: {KEEP_ALIVE_MS}"]))
    first.append(bru("docs", description(lab).split("\n")))
    return "\n\n".join(first) + "\n"


def bru(name: str, lines: Iterable[str]) -> str:
    """One block of a `.bru` file."""
    return "\n".join([f"{name} {{", *(f"  {line}" for line in lines), "}"])


# --- .http ------------------------------------------------------------------------------------------------------------


def http(every: Iterable[Lab]) -> str:
    """A file for the HTTP clients of JetBrains and VS Code (httpYac). They wait for what each message brings back."""
    parts = [f"@host = {HOSTS['local']}\n@port = {PORT}\n@name = {NAME}\n"]
    for lab in every:
        if lab.number in NO_HTTP:
            continue
        notes = "\n".join(f"# {line}".rstrip() for line in description(lab).split("\n"))
        lines = [f"### {title(lab)}", notes, f"# @name lab{lab.number}", f"WEBSOCKET {address(lab)}"]
        lines += [f"# {name}: {value}" for name, value in lab.headers]
        lines += [""]
        for message in lab.messages:
            if message.kind in ("text", "json"):
                lines += [message.content, *["=== wait-for-server"] * ANSWERS.get(lab.number, 3)]
        parts.append("\n".join(lines) + "\n\n")
    return "\n".join(parts)


# --- Insomnia v5 ------------------------------------------------------------------------------------------------------


def insomnia(every: Iterable[Lab]) -> str:
    """One file: addresses, headers, environments. Its format has no place for messages, and nothing is unticked."""
    lines = [
        "type: collection.insomnia.rest/5.0",
        "name: ChatKit",
        'meta: {id: "wrk_chatkit", created: 0, modified: 0}',
        "collection:",
    ]
    for lab in every:
        lines += [
            f"  - name: {text(title(lab))}",
            f"    url: {text(f'ws://{{{{ _.host }}}}:{{{{ _.port }}}}/lab/{lab.number}')}",
            "    meta:",
            f"      id: {text(f'ws-req_chatkit_{lab.number:02}')}",
            "      created: 0",
            "      modified: 0",
            f"      sortKey: {lab.number}",
            block("description", description(lab), indent=6),
            "    parameters:",
            f"      - {{name: name, value: {text('{{ _.name }}')}}}",
        ]
    lines += [
        "environments:",
        "  name: Base Environment",
        '  meta: {id: "env_chatkit", created: 0, modified: 0}',
        f"  data: {{port: {text(PORT)}, name: {text(NAME)}, host: {text(HOSTS['local'])}}}",
        "  subEnvironments:",
    ]
    for name, host in HOSTS.items():
        meta = f'{{id: "env_chatkit_{name}", created: 0, modified: 0}}'
        lines += [f"    - name: {name}", f"      meta: {meta}", f"      data: {{host: {text(host)}}}"]
    return document(*lines)
