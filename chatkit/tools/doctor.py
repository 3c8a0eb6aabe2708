"""Does this machine have what a chat needs? Each line that is not green ends with what to do.

from chatkit.tools.doctor import doctor
await doctor()
"""

import asyncio
import json
import platform
import re
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from html import escape
from importlib import metadata
from typing import Any
from urllib.request import getproxies

from packaging.requirements import Requirement

from chatkit.addresses import default_port, free_port, reachable_addresses
from chatkit.client import connect
from chatkit.errors import ChatError
from chatkit.server import running, serve
from chatkit.texts import Sentence, chosen, say, visible

__all__ = ["Finding", "Report", "doctor"]

PATIENCE = 3.0  # seconds that one check may take
MARKS = {"ok": "✅", "note": "⚠️", "bad": "❌", "hint": "💡"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. state: "ok", "note" (works, but), "bad" (a chat needs it) or "hint"."""

    name: str
    state: str
    text: Sentence
    advice: Sentence | None = None

    def lines(self, lang: str) -> dict[str, str]:
        """The line in one language, or in each of both."""
        advice = self.advice.each(lang) if self.advice else {}
        return {each: text + (f" → {advice[each]}" if advice else "") for each, text in self.text.each(lang).items()}


@dataclass(frozen=True)
class Report:
    """What the doctor found: text in a terminal, a table in a notebook."""

    findings: list[Finding]
    lang: str = "both"

    @property
    def ok(self) -> bool:
        """Whether everything that a chat needs is here."""
        return all(finding.state != "bad" for finding in self.findings)

    @property
    def verdict(self) -> str:
        return say("doctor_good" if self.ok else "doctor_not_good").in_(self.lang)

    def as_json(self) -> str:
        """One JSON object, always with both languages."""
        return json.dumps({"ok": self.ok, "findings": [asdict(each) for each in self.findings]}, ensure_ascii=False)

    def __repr__(self) -> str:
        rows = [f"{MARKS[each.state]} " + "\n   ".join(each.lines(self.lang).values()) for each in self.findings]
        return "\n".join([*rows, self.verdict])

    def _repr_html_(self) -> str:
        rows = [
            f'<tr><td style="vertical-align:top">{MARKS[finding.state]}</td><td style="text-align:left">'
            + "".join(
                f'<div lang="{each}" class="{each}">{escape(line)}</div>'
                for each, line in finding.lines(self.lang).items()
            )
            + "</td></tr>"
            for finding in self.findings
        ]
        return f"<table>{''.join(rows)}</table><p>{escape(self.verdict)}</p>"


async def doctor(lang: str | None = None) -> Report:
    """Look at everything; takes about a second. lang: "en", "th" or "both"; None is $CHATKIT_LANG, else both."""
    lang = chosen(lang)
    findings = [python(), packages(), await event_loop(), await port()]
    findings += [localhost(), await loopback("127.0.0.1"), await loopback("::1"), network(), proxy(), firewall()]
    if in_notebook():
        findings.append(widgets(lang))
    return Report(findings, lang)


def found(name: str, state: str, key: str, advice: str | None = None, **parts: object) -> Finding:
    return Finding(name, state, say(f"doctor_{key}", **parts), say(f"doctor_{advice}", **parts) if advice else None)


def python() -> Finding:
    return found("python", "ok", "python", version=platform.python_version(), system=platform.system())


def packages() -> Finding:
    """What `pip` knows to be needed, beside what is installed."""
    needed = [Requirement(line) for line in metadata.requires("chatkit") or ()]
    versions, wrong = [], []
    for each in needed:
        if each.marker and not each.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(each.name)
        except metadata.PackageNotFoundError:
            version = ""
        versions.append(f"{each.name} {version}")
        if not version or not each.specifier.contains(version, prereleases=True):
            wrong.append(f"{each.name}{each.specifier}")
    if not wrong:
        return found("packages", "ok", "packages", versions=", ".join(versions))
    command = f"{sys.executable} -m pip install " + " ".join(f'"{each}"' for each in wrong)
    return found("packages", "bad", "packages_bad", "packages_do", wrong=", ".join(wrong), command=command)


async def event_loop() -> Finding:
    """From the loop to a thread and back: the way that every click in a panel takes."""
    start, back = time.perf_counter(), asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.to_thread(loop.call_soon_threadsafe, back.set)
            await back.wait()
    except TimeoutError:
        return found("event_loop", "bad", "loop_bad", "loop_do", seconds=PATIENCE)
    return found("event_loop", "ok", "loop", ms=since(start))


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel; nothing is imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")


ROUND_TRIP = """
export default { render({ model, el }) {
  const start = performance.now();
  el.textContent = model.get("waiting");
  model.on("msg:custom", () => {
    el.textContent = model.get("answered").replaceAll("{ms}", Math.round(performance.now() - start));
  });
  model.send({});
} };
"""


def widgets(lang: str) -> Finding:
    """Show a line that asks the kernel, and turns green when the answer has come back to the page."""
    import anywidget
    import traitlets
    from IPython.display import display

    class RoundTrip(anywidget.AnyWidget):
        _esm = ROUND_TRIP
        waiting = traitlets.Unicode(say("doctor_widgets_waiting").in_(lang)).tag(sync=True)
        answered = traitlets.Unicode(say("doctor_widgets_answered", ms="{ms}").in_(lang)).tag(sync=True)

        def __repr__(self) -> str:  # where no widget can be shown
            return str(self.waiting)

    line = RoundTrip()
    line.on_msg(lambda widget, content, buffers: widget.send({}))
    display(line)
    return found("widgets", "hint", "widgets")


async def port() -> Finding:
    """Whether the kit's own port is free; and if not, whose it is."""
    number = default_port()
    if number in running:
        return found("port", "ok", "port_own", port=number)
    answers = [await get_page(host, number) for host in ("127.0.0.1", "::1")]
    answer = next((each for each in answers if each is not None), None)
    if answer is None:
        return found("port", "ok", "port_free", port=number)
    parts = {"port": number, "free": free_port(number + 1)}
    if b"ChatKit" in answer:
        return found("port", "note", "port_chatkit", "port_chatkit_do", **parts)
    server = re.search(rb"(?im)^server: *([^\r\n]{1,60})", answer)
    if server:
        program = visible(server[1].decode(errors="replace"))
        return found("port", "bad", "port_taken", "port_taken_do", program=program, **parts)
    return found("port", "bad", "port_silent", "port_taken_do", **parts)


async def get_page(host: str, number: int) -> bytes | None:
    """The beginning of what a port answers to `GET /`: b"" where that is no HTTP, None where nobody listens."""
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, number), PATIENCE)
    except (OSError, TimeoutError):
        return None
    try:
        writer.write(f"GET / HTTP/1.1\r\nHost: localhost:{number}\r\nConnection: close\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(64 * 1024), PATIENCE)
    except (OSError, TimeoutError):
        return b""
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
    return answer if answer.startswith(b"HTTP/") else b""


def localhost() -> Finding:
    try:
        addresses = sorted({str(info[4][0]) for info in socket.getaddrinfo("localhost", None)})
    except OSError:
        addresses = []
    parts = {"addresses": ", ".join(addresses) or "–"}
    if addresses and all(each == "::1" or each.startswith("127.") for each in addresses):
        return found("localhost", "ok", "localhost", **parts)
    return found("localhost", "bad", "localhost_bad", "localhost_do", **parts)


async def loopback(host: str) -> Finding:
    """A real server, a real client, one message there and back."""
    name = "loopback_v6" if ":" in host else "loopback_v4"
    if name == "loopback_v6" and not has_v6():
        return found(name, "note", "no_v6", "no_v6_do")
    try:
        async with asyncio.timeout(PATIENCE), serve(host, 0) as server, connect(server.uri) as chat:
            start = time.perf_counter()
            await chat.send("สวัสดี")
            await heard(aiter(chat), "สวัสดี")
            return found(name, "ok", "loopback", host=host, ms=since(start))
    except (ChatError, OSError, TimeoutError) as error:
        reason = visible(str(error) or type(error).__name__)
        return found(name, "bad", "loopback_bad", "loopback_do", host=host, reason=reason)


async def heard(events: AsyncIterator[Any], text: str) -> None:
    async for event in events:
        if event.text == text:
            return


def has_v6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def network() -> Finding:
    addresses = reachable_addresses()
    if addresses:
        return found("network", "ok", "lan", addresses=", ".join(addresses))
    return found("network", "note", "no_lan", "no_lan_do")


def proxy() -> Finding:
    """The names only: a proxy's address may hold a password."""
    names = sorted(name for name in getproxies() if name != "no")
    if not names:
        return found("proxy", "ok", "no_proxy")
    return found("proxy", "note", "proxy", "proxy_do", names=", ".join(f"{name}_proxy" for name in names))


def firewall() -> Finding:
    system = {"Windows": "Windows", "Darwin": "macOS"}.get(platform.system(), "Linux")
    return found("firewall", "hint", "firewall", f"firewall_{system.lower()}_do", system=system, port=default_port())


def since(start: float) -> float:
    """Milliseconds since then."""
    return (time.perf_counter() - start) * 1e3
