"""What the chat's port answers to whoever asks for no WebSocket, or may not have one (RFC 9110)."""

from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from chatkit.errors import ChatError, TurnedAway
from chatkit.limits import LIMITS
from chatkit.texts import say
from chatkit.web import page

Warn = Callable[[ChatError], object]


class Connection(ServerConnection):
    """websockets' own, which also answers two kinds of handshake that websockets would drop without a word."""

    def __init__(self, warn: Warn, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.warn, self.ignored = warn, 0  # bytes of one who was refused

    def data_received(self, data: bytes) -> None:
        if self.response and self.response.status_code != 101:
            self.ignored += len(data)
            if self.ignored > LIMITS.unread_bytes:
                self.transport.abort()  # a little is read on, so that the answer is not lost to a reset
            return
        if self.request is None:
            head, end, _ = data.partition(b"\r\n\r\n")
            if data.startswith(b"GET ") and not data.partition(b"\n")[0].isascii():
                return self.refuse(TurnedAway(400, say("door_not_encoded"), address_of(self)))
            if b"\nupgrade:" not in head.lower():
                data = head + end  # a page is asked for; what follows is not read
        super().data_received(data)

    def refuse(self, refusal: TurnedAway) -> None:
        self.warn(refusal)
        self.transport.write(answer(self, refusal).serialize())
        self.transport.close()


def answer(connection: ServerConnection, refusal: TurnedAway) -> Response:
    """The HTTP response that says no, in both languages."""
    response = connection.respond(refusal.status, f"{refusal.why.en}\n{refusal.why.th}\n")
    response.headers["X-Content-Type-Options"] = "nosniff"
    if refusal.status == 405:
        response.headers["Allow"] = "GET"  # RFC 9110, 15.5.6
    return response


def phone_page(method: str, host: str) -> Response:
    """The page, for whoever asks for no WebSocket."""
    if method != "GET":
        raise TurnedAway(405, say("door_method"))
    headers, body = page(host)
    return Response(200, "OK", Headers(headers), body)


def finish(connection: ServerConnection, request: Request, response: Response) -> None:
    """What every answer has: no browser may take it for something else, and HEAD gets no body."""
    if response.status_code != 101:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.status_code in (400, 426):  # what a handshake has to be (RFC 6455, 4.2.2)
        response.headers.setdefault("Sec-WebSocket-Version", "13")
    if isinstance(connection, Connection) and connection.protocol.handshake_exc:  # websockets' own no, not the door's
        connection.warn(TurnedAway(response.status_code, say("door_no_handshake"), address_of(connection)))
    if request.method == "HEAD":
        response.body = b""


def forget_headers(connection: ServerConnection) -> None:
    """Let go of a handshake's headers: nobody asks for them again, and an idle client costs a fifth less."""
    for message in (connection.request, connection.response):
        if message:
            message.headers.clear()


def address_of(connection: ServerConnection) -> str:
    """Where a client comes from, for the operator."""
    return str((connection.remote_address or ("?",))[0])
