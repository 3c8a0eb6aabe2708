"""One check each: what a chat needs from this machine. Nothing is asked of another machine."""

import asyncio
import platform
import re
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from importlib import metadata
from typing import Any
from urllib.request import getproxies

from packaging.requirements import Requirement

from chatkit.addresses import default_port, free_port, local_addresses, reachable_addresses
from chatkit.client import connect
from chatkit.errors import ChatError
from chatkit.server import running, serve
from chatkit.texts import say, visible
from chatkit.tools.copies import KIT, course, default_folder, is_lesson
from chatkit.tools.report import Finding, found

PATIENCE = 3.0  # seconds that one check may take


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


def browser() -> Finding:
    return found("browser", "note", "browser", "browser_do")


def kept() -> Finding:
    """Whether the browser keeps the learner's progress when the page is closed."""
    from chatkit.exercises.progress import home  # asked for in a browser only: doctor should be quick

    folder = home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.joinpath("doctor").write_text("here", "utf-8")
        folder.joinpath("doctor").unlink()
    except OSError:
        is_kept = False
    else:
        is_kept = folder.is_relative_to("/drive")
    if is_kept:
        return found("kept", "ok", "kept", file=str(folder / "progress.json"))
    return found("kept", "note", "not_kept", "not_kept_do")


ROUND_TRIP = """
export default { render({ model, el }) {
  el.textContent = model.get("waiting");
  const stopAsking = insist(() => model.send({ sent: performance.now() }));
  const onMessage = ({ sent }) => {
    stopAsking();
    el.textContent = model.get("answered").replaceAll("{ms}", Math.round(performance.now() - sent));
  };
  model.on("msg:custom", onMessage);
  return () => {
    stopAsking();
    model.off("msg:custom", onMessage);
  };
} };
"""


def widgets(lang: str) -> Finding:
    """Show a line that asks the kernel, and turns green when the answer has come back to the page."""
    import anywidget
    import traitlets
    from IPython.display import display

    class RoundTrip(anywidget.AnyWidget):
        _esm = (KIT / "kernel.js").read_text("utf-8") + ROUND_TRIP
        waiting = traitlets.Unicode(say("doctor_widgets_waiting").in_(lang)).tag(sync=True)
        answered = traitlets.Unicode(say("doctor_widgets_answered", ms="{ms}").in_(lang)).tag(sync=True)

        def __repr__(self) -> str:  # where no widget can be shown
            return str(self.waiting)

    line = RoundTrip()
    line.on_msg(lambda widget, content, buffers: widget.send(content))
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
    if host not in local_addresses():
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


def lessons() -> Finding:
    """Whether the notebooks came with the kit; a chat needs none."""
    originals = course()
    if originals is None:
        return found("lessons", "note", "no_lessons", "no_lessons_do")
    count = sum(is_lesson(path.name) for path in (originals / "notebooks").glob("*.ipynb"))
    return found("lessons", "ok", "lessons", count=count, folder=str(default_folder()))


def since(start: float) -> float:
    """Milliseconds since then."""
    return (time.perf_counter() - start) * 1e3
