"""The server: websockets on one side, the hub on the other, and a door that knows whom to admit.

async with serve() as server:
    print(server.uri)
    await server.wait_closed()
"""

import asyncio
import errno
import hmac
import logging
import socket
import ssl as tls
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address
from itertools import chain
from typing import Any, Self, cast
from urllib.parse import urlsplit
from weakref import WeakSet

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from chatkit import web
from chatkit.addresses import default_port
from chatkit.dialects import JSON, PLAIN, Dialect, Hello, Json, room_of, split_target
from chatkit.errors import BadMessage, BadName, LogUnavailable, PortTaken
from chatkit.events import NOBODY, Event, Who
from chatkit.fanout import Fanout, Reader, Reaper
from chatkit.hub import LOG_RETRY_MS, Hub, Member
from chatkit.limits import CLOSE_CODES, LIMITS
from chatkit.log import SqliteLog
from chatkit.spelling import check_text, clean_name, cut_reason

__all__ = ["Server", "Session", "free_port", "serve"]

LOCALHOST = "localhost"
CLOSE_TIMEOUT = 3.0  # seconds for the closing handshakes when the server stops

logger = logging.getLogger("chatkit.server")
# websockets writes the request line and every frame at DEBUG, and both may hold a token.
logger.addFilter(lambda record: record.levelno > logging.DEBUG)

# Who serves which port in this process: run the cell again, and the old server makes room for the new one.
running: dict[int, "Server"] = {}


class Server:
    """A chat server; made by `serve()`.

    uri:  where clients connect, like `ws://localhost:8765`.
    port: the TCP port, also where `serve(port=0)` took a free one.
    """

    def __init__(
        self,
        host: str | None,
        port: int,
        *,
        token: str | None,
        max_clients: int,
        origins: Sequence[str],
        allow_hosts: Sequence[str],
        ssl: tls.SSLContext | None,
        create_connection: Callable[..., ServerConnection] | None,
        open_hub: Callable[[Fanout], Hub],
    ) -> None:
        self.host, self.port, self.token, self.max_clients, self.ssl = host, port, token, max_clients, ssl
        self.origins, self.allow_hosts = frozenset(origins), frozenset({LOCALHOST, *map(str.lower, allow_hosts)})
        self.create_connection = create_connection or ServerConnection
        self.open_hub = open_hub
        self.accepted: WeakSet[ServerConnection] = WeakSet()  # our own set: websockets forgets a closing connection
        self.sessions: set[Session] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.closing: asyncio.Task[None] | None = None

    # The public verbs

    @property
    def uri(self) -> str:
        """The address for a client on this machine."""
        host = LOCALHOST if self.host in (None, "0.0.0.0", "::") else str(self.host)
        return f"{'wss' if self.ssl else 'ws'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def members(self, room: str | None = None) -> list[Who]:
        """Who is here: in one room, or in all of them."""
        rooms = self.hub.rooms.items()
        return [member.who for name, each in rooms if room in (None, name) for member in each.members.values()]

    def broadcast(self, text: str) -> None:
        """The operator speaks in every room. BadText: over the limits; LogUnavailable: not kept, not sent."""
        self.hub.broadcast(check_text(text))

    def close(self, code: int = 1001, reason: str = "") -> None:
        """Begin to stop: clients get the close code (RFC 6455, 7.4); wait_closed() tells when it is done."""
        if self.closing is None:
            self.closing = asyncio.get_running_loop().create_task(self.shut(code, cut_reason(reason)))

    async def wait_closed(self) -> None:
        """Until the server has stopped: no task, no socket, the log closed."""
        await asyncio.shield(self.stopped)

    async def stop(self) -> None:
        """Stop and wait for it: at most 5 seconds, also with clients that never read."""
        self.close()
        await self.wait_closed()

    # Starting and stopping

    async def start(self) -> Self:
        """Listen; PortTaken where another program does already, LogUnavailable where the log cannot be opened."""
        if hasattr(self, "stopped"):
            return self
        self.loop = asyncio.get_running_loop()
        self.stopped: asyncio.Future[None] = self.loop.create_future()
        earlier = running.get(self.port)
        if earlier and earlier.loop is self.loop:
            await earlier.stop()
        self.fanout, self.reaper = Fanout(self.loop), Reaper(LIMITS.unread_bytes)
        self.hub = self.open_hub(self.fanout)
        try:
            self.websockets = await self.listen()
        except BaseException:
            self.hub.log.close()
            raise
        running[self.port] = self
        self.spawn(self.tick())
        return self

    async def listen(self) -> WebSocketServer:
        """Open the sockets. Where any port will do and somebody was faster, try another one."""
        wanted = self.port
        while True:
            self.port = wanted or free_port()
            try:
                return await self.open_sockets()
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                if wanted:
                    raise PortTaken(wanted, free_port(wanted + 1)) from None

    def open_sockets(self) -> WebSocketServer:
        """The websockets server behind this one; await it."""
        return serve_websockets(
            self.handle,
            local_addresses() if self.host == LOCALHOST else self.host,  # type: ignore[arg-type]
            self.port,
            select_subprotocol=select_dialect,
            compression=None,  # a frame must be the same bytes for everybody
            process_request=self.admit,
            ping_interval=15,
            ping_timeout=15,
            close_timeout=CLOSE_TIMEOUT,
            max_size=LIMITS.message_bytes,
            logger=logger,
            create_connection=cast(type[ServerConnection], self.accept),
            ssl=self.ssl,
            backlog=1024,  # a class that comes in at once
        )

    def accept(self, *args: Any, **kwargs: Any) -> ServerConnection:
        connection = self.create_connection(*args, **kwargs)
        self.accepted.add(connection)
        return connection

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that this server owns: it is held here, and cancelled and awaited at the end."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def tick(self) -> None:
        """Once a second the reaper, every 15 seconds a sign of life."""
        next_beat = self.loop.time() + LIMITS.beat_seconds
        while True:
            await asyncio.sleep(1)
            self.reaper.reap(self.connections(), self.loop.time())
            if self.loop.time() >= next_beat:
                next_beat += LIMITS.beat_seconds
                with suppress(LogUnavailable):
                    self.hub.beat()

    def connections(self) -> list[ServerConnection]:
        """All TCP connections, from the first byte of the handshake to the last of the closing one."""
        return [connection for connection in self.accepted if hasattr(connection, "transport")]

    async def shut(self, code: int, reason: str) -> None:
        self.hub.turn()  # what arrived is kept and acknowledged before anybody has to go
        self.fanout.flush()
        self.websockets.close(code=code, reason=reason)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self.websockets.wait_closed()
        for connection in self.connections():  # who did not answer in time, and who is still shaking hands
            connection.transport.abort()
        await self.websockets.wait_closed()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.hub.log.close()
        if running.get(self.port) is self:
            del running[self.port]
        self.stopped.set_result(None)

    def __await__(self) -> Generator[Any, None, Self]:
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        return await self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    # Admission

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let a handshake go on (None), or answer it: 403, 404, 401, 503, or the page for a browser."""
        host, origins = single(request.headers, "Host"), request.headers.get_all("Origin")
        if host is None or not self.is_our_host(host):
            return connection.respond(403, "This server does not go by that name (Host).\n")
        if not all(self.is_our_origin(origin, host) for origin in origins):
            return connection.respond(403, "Pages from elsewhere may not connect (Origin).\n")
        path, query = split_target(request.path)
        room = room_of(path)
        if room is None:
            return connection.respond(404, "No room here: use / or /room/name.\n")
        if request.method == "GET" and "Upgrade" not in request.headers:
            headers, body = web.page(host)
            return Response(200, "OK", Headers(headers), body)
        offered = query.get("token")
        if self.token and not self.opens(offered, asks_later=select_dialect_of(request) is JSON):
            return connection.respond(401, "A token is needed: ?token=…\n")
        if len(self.sessions) >= self.max_clients:
            return connection.respond(503, "The server is full.\n")
        return None

    def is_our_host(self, host: str) -> bool:
        """An IP address, localhost or an allowed name. Any other may be DNS rebinding: a page's trick to get in."""
        name = host_of(host)
        return name in self.allow_hosts or is_ip_address(name)

    def is_our_origin(self, origin: str, host: str) -> bool:
        """The page that asks came from this very server, or from an address that the operator allowed."""
        return origin in self.origins or origin.partition("://")[2].lower() == host.lower()

    def opens(self, offered: str | None, asks_later: bool = False) -> bool:
        """Whether a token is the right one; none at all will do where the client can still give it in its hello."""
        if offered is None:
            return asks_later
        pair = (each.encode(errors="surrogatepass") for each in (offered, str(self.token)))
        return hmac.compare_digest(*pair)  # constant time: how long a no takes says nothing

    async def handle(self, connection: ServerConnection) -> None:
        """One connection, from its handshake to its end."""
        session = Session(self, connection)
        self.sessions.add(session)
        try:
            await session.run()
        finally:
            self.sessions.discard(session)


class Session(Reader):
    """The talk with one client: what it says goes to the hub, what is wrong with it comes back."""

    def __init__(self, server: Server, connection: ServerConnection) -> None:
        super().__init__(connection)
        assert connection.request is not None
        path, query = split_target(connection.request.path)
        self.server, self.hub = server, server.hub
        self.room = room_of(path) or "lobby"
        self.name, token = query.get("name"), query.get("token")
        self.dialect: Dialect = JSON if connection.subprotocol else PLAIN
        self.is_admitted = not server.token or server.opens(token)
        self.member: Member | None = None

    async def run(self) -> None:
        """Receive until the client leaves; where a token is asked for, hello must come within 5 seconds."""
        if self.dialect is PLAIN:
            self.member = self.hub.join_plain(self, self.room, self.plain_name())
        try:
            async with asyncio.timeout(None if self.is_admitted else LIMITS.hello_seconds) as self.patience:
                async for message in self.connection:
                    await self.receive(message)
        except ConnectionClosed:
            pass  # however it ended, it ended
        except TimeoutError:
            await self.put_out(BadMessage("token"))
        finally:
            self.leave()

    def leave(self) -> None:
        if self.member:
            self.hub.leave(self.member)
            self.member = None

    def plain_name(self) -> str:
        """The name from the address; a plain client with a bad one is told, and comes in without."""
        try:
            return clean_name(self.name) if self.name is not None else NOBODY
        except BadName as error:
            self.tell(error)
            return NOBODY

    async def receive(self, message: str | bytes) -> None:
        """Do what one message asks for, or say what is wrong with it."""
        try:
            if isinstance(message, bytes):
                raise BadMessage("binary")
            command = self.dialect.decode(message, is_greeted=self.member is not None)
            if isinstance(command, Hello):
                await self.hello(command)
            elif self.member:
                self.hub.submit(self.member, command)
        except BadMessage as error:
            if error.code in CLOSE_CODES:
                await self.put_out(error)
            else:
                self.tell(error)

    async def hello(self, hello: Hello) -> None:
        """Admit, welcome, and tell what the client missed, page by page as fast as it reads."""
        if not self.is_admitted and not self.server.opens(hello.token):
            raise BadMessage("token")
        self.is_admitted = True
        self.patience.reschedule(None)
        raw = hello.name if hello.name is not None else self.name
        name = clean_name(raw) if raw is not None else NOBODY
        if self.member:
            self.hub.rename(self.member, name)
            return
        try:
            self.member, after = self.hub.join_json(self, self.room, name, hello)
            while (told := self.hub.replay(self.member, after)) is not None:
                after = told
                await self.drain()
        except LogUnavailable:
            self.leave()
            raise BadMessage("log", retry_ms=LOG_RETRY_MS) from None

    async def drain(self) -> None:
        """Wait until the client has read most of what was written to it."""
        self.flush()
        await self.connection.drain()

    def tell(self, error: BadMessage) -> None:
        self.server.fanout.deliver([self], [self.dialect.nack(error)])

    def close(self, error: BadMessage) -> None:
        """Put the client out, from code that does not await."""
        self.server.spawn(self.put_out(error))

    async def put_out(self, error: BadMessage) -> None:
        """Say why, then close: through a proxy the close code is lost, the message is not."""
        self.tell(error)
        self.flush()
        await self.connection.close(CLOSE_CODES[error.code].code, cut_reason(error.sentence("en")))


def serve(
    host: str | None = LOCALHOST,
    port: int | None = None,
    *,
    db: str = ":memory:",
    durable: bool = False,
    token: str | None = None,
    rate: float = LIMITS.rate,
    max_clients: int = LIMITS.clients,
    origins: Sequence[str] = (),
    allow_hosts: Sequence[str] = (),
    ssl: tls.SSLContext | None = None,
    history: int = LIMITS.history,
    on_event: Callable[[Event], None] | None = None,
    create_connection: Callable[..., ServerConnection] | None = None,
) -> Server:
    """Serve a chat: `server = await serve()` or `async with serve() as server`.

    host:        "localhost" is 127.0.0.1 and ::1; None is every interface.
    port:        None is $CHATKIT_PORT or 8765; 0 takes a free one. This process's own server there makes room.
    db:          the file of the log; ":memory:" forgets everything at the end.
    durable:     survive a power cut, not only `kill -9`.
    token:       what clients must show to get in; None lets everybody in.
    rate:        messages a second from one client; 0 is no limit.
    origins:     pages from other addresses that may connect, like "https://school.example".
    allow_hosts: names besides localhost and IP addresses that the server goes by.
    history:     messages kept in each room.
    on_event:    is told everything that happens: `msg`, `notice`, `joined`, `left`, `renamed`.
    create_connection: another class for websockets' connections, like a recorder's.

    Raises PortTaken and LogUnavailable.
    """

    def open_hub(fanout: Fanout) -> Hub:
        log = SqliteLog(db, durable=durable, history=history)
        limits = replace(LIMITS, rate=rate, clients=max_clients, history=history)
        return Hub(log, fanout.deliver, fanout.loop.call_soon, limits, on_event)  # type: ignore[arg-type]

    return Server(
        host or None,
        default_port() if port is None else port,
        token=token,
        max_clients=max_clients,
        origins=origins,
        allow_hosts=allow_hosts,
        ssl=ssl,
        create_connection=create_connection,
        open_hub=open_hub,
    )


def select_dialect(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The json dialect where it is offered; anything else is let in as plain (a strict 400 would break Postman)."""
    return Subprotocol(Json.subprotocol) if Json.subprotocol in offered else None


def select_dialect_of(request: Request) -> Dialect:
    """The dialect that a handshake will get."""
    offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol")).split(",")
    return JSON if Json.subprotocol in map(str.strip, offered) else PLAIN


def single(headers: Headers, name: str) -> str | None:
    """A header that must stand exactly once."""
    values = headers.get_all(name)
    return values[0] if len(values) == 1 else None


def host_of(address: str) -> str:
    """The name in `name:port`, in small letters; "" where it is none."""
    try:
        return urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return ""


def is_ip_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def local_addresses() -> list[str]:
    """127.0.0.1, and ::1 where the machine has it: a client may resolve `localhost` to either."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return ["127.0.0.1"]
    return ["127.0.0.1", "::1"]


def free_port(start: int = 0) -> int:
    """A port that nobody uses: the first one from `start` on, or any."""
    if not start:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            start = int(probe.getsockname()[1])
    return next(filter(is_free, chain(range(start, 65536), range(1024, start))))


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine's own addresses."""
    try:
        for address in local_addresses():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            socket.create_server((address, port), family=family).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    import sys

    from chatkit.tools.cli import main

    sys.exit(main(["serve", *sys.argv[1:]]))
