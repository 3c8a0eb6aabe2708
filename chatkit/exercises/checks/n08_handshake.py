"""Exercises of 08_handshake: the Accept key, the request and a refusal."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.utils import accept_key

from chatkit.exercises.calls import Trial, short
from chatkit.exercises.result import Difference
from chatkit.exercises.stage import quiet
from chatkit.exercises.watch import settled

SECONDS = 1.0  # for a server on this machine to answer
CODES = (403, 404, 426, 401, 400, 200, 301, 500, 503)

Gate = Callable[[ServerConnection, Request], Response | None]


@asynccontextmanager
async def server(gate: Gate | None = None) -> AsyncIterator[int]:
    """A real WebSocket server on a free port; `gate` may refuse."""

    async def idle(ws: ServerConnection) -> None:
        await ws.wait_closed()

    async with serve(idle, "127.0.0.1", 0, process_request=gate, logger=quiet, close_timeout=0.1) as running:
        yield running.sockets[0].getsockname()[1]


class Answer:
    """What the server wrote back to some bytes, and whether it then hung up."""

    def __init__(self, came: bytes, hung_up: bool) -> None:
        self.came, self.hung_up = came, hung_up
        self.head, _, self.body = came.partition(b"\r\n\r\n")
        self.status = self.head.split(b"\r\n")[0].decode(errors="replace")

    @property
    def switched(self) -> bool:
        return self.came.startswith(b"HTTP/1.1 101 ")


async def answer_to(request: bytes, port: int) -> Answer:
    """Send these very bytes; what comes back: a head that lets in, or everything until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    came = b""
    try:
        writer.write(request)
        for _ in range(64):
            reading = asyncio.ensure_future(reader.read(4096))
            await settled([reading], SECONDS)
            if not reading.done():
                reading.cancel()
                return Answer(came, hung_up=False)
            if not (piece := reading.result()):
                break
            came += piece
            if came.startswith(b"HTTP/1.1 101") and b"\r\n\r\n" in came:
                return Answer(came, hung_up=False)
        return Answer(came, hung_up=True)
    except ConnectionError:
        return Answer(came, hung_up=True)
    finally:
        writer.close()


def wire(request: bytes, answer: Answer) -> tuple[str, ...]:
    """Request and response, line by line, as they were sent."""
    sent = [f"→ {line!r}" for line in request[:600].splitlines(keepends=True)]
    came = [f"← {line!r}" for line in answer.came[:600].splitlines(keepends=True)]
    return (*sent, *(came or ["← ∅"]), *(["← ✂"] if answer.hung_up else []))


def head(key: str, port: int = 80, path: str = "/") -> bytes:
    """A request that is right in every line (RFC 6455, 4.1)."""
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def new_key(trial: Trial) -> str:
    """16 random bytes in Base64 (RFC 6455, 4.1), the same again for the same seed."""
    return base64.b64encode(trial.chance.randbytes(16)).decode()


async def check_accept(trial: Trial, accept: Any) -> None:
    for key in ("dGhlIHNhbXBsZSBub25jZQ==", *(new_key(trial) for _ in range(6))):
        await trial.expect(accept_key(key), accept, key)


async def check_upgrade(trial: Trial, upgrade: Any) -> None:
    seen: list[Request] = []
    async with server(lambda ws, request: seen.append(request)) as port:
        for _ in range(2):
            host, path, key = f"127.0.0.1:{port}", f"/room/{trial.chance.randbytes(3).hex()}", new_key(trial)
            request = trial.bytes_of(await trial.call(upgrade, host, path, key), "upgrade(…)")
            answer = await answer_to(request, port)
            refuse_head(trial, request, answer)
            refuse_meaning(trial, request, answer, {"path": path, "Host": host, "key": key}, seen)


def refuse_head(trial: Trial, request: bytes, answer: Answer) -> None:
    """Raise Difference where a real server did not let these bytes in."""
    lines = wire(request, answer)
    begun, end, after = request.partition(b"\r\n\r\n")
    if after:
        raise trial.difference("after", lines, count=len(after), got=short(after))
    if not answer.came:
        if not end and b"\n\n" in request.replace(b"\r", b""):
            raise trial.difference("line_ends", lines)
        raise trial.difference("still_waits" if not answer.hung_up else "hung_up", lines)
    if not answer.switched:
        reason = answer.body.decode(errors="replace").strip().splitlines()
        raise trial.difference("status", lines, status=answer.status, reason=reason[0] if reason else "∅")
    if (twice := twice_in(begun)) is not None:
        raise trial.difference("twice", lines, name=twice)


def twice_in(head: bytes) -> str | None:
    """The name of a header that stands in a head more than once."""
    names = [line.split(b":")[0].strip().lower().decode(errors="replace") for line in head.split(b"\r\n")[1:]]
    return next((name for name in names if names.count(name) > 1), None)


def refuse_meaning(trial: Trial, request: bytes, answer: Answer, wanted: dict[str, str], seen: list[Request]) -> None:
    """Raise Difference where the server took the bytes for something else than was asked for."""
    lines = wire(request, answer)
    if accept_key(wanted["key"]).encode() not in answer.head:
        raise trial.difference("other_key", lines, wanted=wanted["key"])
    for name, got in (("path", seen[-1].path), ("Host", seen[-1].headers.get("Host"))):
        if got != wanted[name]:
            raise trial.difference("read", lines, name=name, got=got, wanted=wanted[name])


async def check_refusal(trial: Trial, refusal: Any) -> None:
    def gate(ws: ServerConnection, request: Request) -> Response | None:
        code = int(request.path.strip("/"))
        return None if code == 101 else ws.respond(HTTPStatus(code), "101 reasons, and 200 more\n")

    async with server(gate) as port:
        for code in (403, 101, 500, 301, *trial.chance.sample(CODES, len(CODES)), 101):
            answer = await answer_to(head(new_key(trial), port, f"/{code}"), port)
            if not answer.came:
                raise trial.difference("no_answer", varies=True)
            wanted, call = None if code == 101 else code, f"refusal(b'{answer.status}…')"
            try:
                await trial.expect(wanted, refusal, answer.came, spelling=call)
            except Difference as found:
                raise Difference(found.key, found.said, wire(b"", answer)) from None


CHECKS = {"q1": check_accept, "q2": check_upgrade, "q3": check_refusal}
