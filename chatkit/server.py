"""The server: websockets on one side, the hub on the other, and a door that knows whom to admit.

async with serve() as server:
    print(server.uri)
    await server.wait_closed()
"""

import asyncio
import errno
import ssl as tls
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any, Self, cast

from websockets.asyncio.server import Server as Listener, ServerConnection, serve as serve_websockets
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from chatkit.addresses import default_port, free_port, in_link, local_addresses
from chatkit.connections import Connections, Tasks, later
from chatkit.door import Door
from chatkit.errors import ChatError, FewFiles, LogUnavailable, PortTaken
from chatkit.events import Event, Who
from chatkit.fanout import Fanout
from chatkit.hub import Hub
from chatkit.labs.annex import Annex
from chatkit.limits import LIMITS, Reaper, room_for
from chatkit.log import SqliteLog
from chatkit.messages import SUBPROTOCOL
from chatkit.recipe import Recipe, quiet_logger
from chatkit.session import Session
from chatkit.spelling import check_text, cut_reason
from chatkit.web.answers import Connection, finish, forget_headers

LOCALHOST = "localhost"
CLOSE_TIMEOUT = 3.0  # seconds for the closing handshakes when the server stops

logger = quiet_logger("chatkit.server")

# Who serves which port in this process: run the cell again, and the old server makes room for the new one.
running: dict[int, "Server"] = {}


class Reception:
    """Who comes in, and what becomes of them: a session in a room, or a visit to a lab."""

    def __init__(self, door: Door, hub: Hub, annex: Annex) -> None:
        self.door, self.hub, self.annex, self.tasks = door, hub, annex, Tasks()

    def admit(self, connection: ServerConnection, request: Request) -> Response | Awaitable[Response | None] | None:
        """What the door says to a handshake; on a lab's path the lab, too, and it may take its time."""
        answer = self.door.admit(connection, request)
        return self.annex.labs.knock(connection, request, answer) if "/lab/" in request.path else answer

    async def handle(self, connection: ServerConnection) -> None:
        """One connection, from its handshake to its end: websockets calls this for each."""
        admission = self.door.admissions.pop(connection)
        if admission.lab:
            talk: Any = self.annex.labs.visit(connection, admission)
        else:
            forget_headers(connection)
            talk = Session(connection, admission, self.door, self.hub, self.tasks.spawn)
        self.door.inside.add(talk)
        try:
            await talk.run()
        finally:
            self.door.inside.discard(talk)


class Server:
    """A running chat server; made by `serve()`.

    uri:  where clients connect, like `ws://localhost:8765`.
    port: the TCP port, also where `serve(port=0)` took a free one.
    host, token, ssl, base_path: as they were given to `serve()`.
    """

    def __init__(
        self, recipe: "serve", port: int, listener: Listener, reception: Reception, connections: Connections
    ) -> None:
        self.host, self.token, self.ssl, self.base_path = recipe.host, recipe.token, recipe.ssl, recipe.base_path
        self.port, self.listener, self.hub = port, listener, reception.hub
        self.reception, self.connections = reception, connections
        self.loop = asyncio.get_running_loop()
        self.closing: asyncio.Future[asyncio.Task[None]] = self.loop.create_future()  # what stops it, once that began
        running[port] = self
        reception.tasks.spawn(self.tick())

    @property
    def uri(self) -> str:
        """The address for a client on this machine."""
        host = LOCALHOST if self.host in (None, "", "0.0.0.0", "::") else in_link(str(self.host))
        return f"{'wss' if self.ssl else 'ws'}://{host}:{self.port}{self.base_path.rstrip('/')}"

    @property
    def labs(self) -> Any:
        """The labs: who has done what, and the receipts. LogUnavailable where the log's file cannot be opened."""
        return self.reception.annex.labs

    def members(self, room: str | None = None) -> list[Who]:
        """Who is here: in one room, or in all of them."""
        rooms = self.hub.rooms.items()
        return [member.who for name, each in rooms if room in (None, name) for member in each.members.values()]

    def broadcast(self, text: str) -> None:
        """The operator speaks in every room. BadText: over the limits; LogUnavailable: not kept, not sent."""
        self.hub.broadcast(check_text(text))

    def close(self, code: int = 1001, reason: str = "") -> None:
        """Begin to stop: clients get the close code (RFC 6455, 7.4); wait_closed() tells when it is done."""
        if not self.closing.done():
            self.closing.set_result(self.loop.create_task(self.shut(code, cut_reason(reason))))

    async def wait_closed(self) -> None:
        """Until the server has stopped: no task, no socket, the log closed. Raises what kept it from that."""
        await asyncio.shield(await asyncio.shield(self.closing))

    async def stop(self) -> None:
        """Stop and wait for it: at most 5 seconds, also with clients that never read."""
        self.close()
        await self.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def shut(self, code: int, reason: str) -> None:
        self.hub.turn()  # what arrived is kept and acknowledged before anybody has to go
        self.listener.close(code=code, reason=reason)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self.listener.wait_closed()
        self.connections.drop(*self.connections.accepted)  # who did not answer in time, or is still shaking hands
        await self.listener.wait_closed()
        await self.reception.tasks.end()
        self.reception.annex.close()
        self.hub.log.close()
        if running.get(self.port) is self:
            del running[self.port]

    async def tick(self) -> None:
        """Once a second the reaper and a look at the log, every 15 seconds a sign of life."""
        reaper, beat = Reaper(self.hub.limits.unread_bytes), self.hub.limits.beat_seconds
        next_beat = self.loop.time() + beat
        while True:
            await asyncio.sleep(1)
            reaper.reap(self.connections.standing(), self.loop.time())
            self.hub.check_log()
            if self.loop.time() >= next_beat:
                next_beat += beat
                with suppress(LogUnavailable):
                    self.hub.beat()


@dataclass(eq=False)
class serve(Recipe[Server]):
    """Serve a chat: `server = await serve()` or `async with serve() as server`. This is the recipe; `Server` runs.

    host:        "localhost" is 127.0.0.1 and ::1; None is every interface.
    port:        None is $CHATKIT_PORT or 8765; 0 takes a free one. This process's own server there makes room.
    db:          the file of the log; ":memory:" forgets everything at the end.
    durable:     survive a power cut, not only `kill -9`.
    token:       what clients must show to get in; None lets everybody in.
    rate:        messages a second from one client; 0 is no limit.
    max_clients: connections at once; fewer where the system lets a program open few files.
    origins:     pages from other addresses that may connect, like "https://school.example"; "null": from a file.
    allow_hosts: names besides localhost and IP addresses that the server goes by.
    base_path:   where the chat begins, behind a proxy that does not strip it, like "/services/chat/".
    ssl:         for wss://.
    history:     messages kept in each room.
    on_event:    is told everything that happens: `msg`, `notice`, `joined`, `left`, `renamed`.
    on_warning:  is told, as a ChatError, what the operator should know: a refused handshake, a log that cannot keep.
    create_connection: another class for websockets' connections, like a recorder's.

    Awaiting it raises PortTaken and LogUnavailable.
    """

    host: str | None = LOCALHOST
    port: int | None = None
    _: KW_ONLY
    db: str = ":memory:"
    durable: bool = False
    token: str | None = None
    rate: float = LIMITS.rate
    max_clients: int = LIMITS.clients
    origins: Sequence[str] = ()
    allow_hosts: Sequence[str] = ()
    base_path: str = "/"
    ssl: tls.SSLContext | None = None
    history: int = LIMITS.history
    on_event: Callable[[Event], None] | None = None
    on_warning: Callable[[ChatError], None] | None = None
    create_connection: Callable[..., ServerConnection] | None = None

    def __post_init__(self) -> None:
        self.base_path = f"/{self.base_path.strip('/')}/".replace("//", "/")

    async def start(self) -> Server:
        """Open the log, then the door."""
        loop = asyncio.get_running_loop()
        earlier = running.get(default_port() if self.port is None else self.port)
        if earlier and earlier.loop is loop:
            await earlier.stop()
        tell, warn = later(loop, self.on_event), later(loop, self.on_warning)
        most, backlog = room_for(self.max_clients)
        if most < self.max_clients:
            warn(FewFiles(most))
        limits = replace(LIMITS, rate=self.rate, clients=most, history=self.history)
        log = SqliteLog(self.db, durable=self.durable, history=self.history)
        door = Door(self.token, self.origins, self.allow_hosts, self.base_path, most, warn)
        reception = Reception(door, Hub(log, Fanout(loop), loop, limits, tell, warn), Annex(self.db))
        connections = Connections(most + backlog)
        try:
            port, listener = await self.listen(reception, connections, backlog)
        except BaseException:
            log.close()
            raise
        return Server(self, port, listener, reception, connections)

    async def listen(self, reception: Reception, connections: Connections, backlog: int) -> tuple[int, Listener]:
        """Open the sockets. Where any port will do and somebody was faster, try another one."""
        wanted = default_port() if self.port is None else self.port
        create = self.create_connection or partial(Connection, reception.door.warn)
        while True:
            port = wanted or free_port()
            try:
                return port, await serve_websockets(
                    reception.handle,
                    cast(str, local_addresses() if self.host == LOCALHOST else self.host or None),
                    port,
                    # The door let in as plain whoever did not offer it: no 400.
                    select_subprotocol=lambda _, offered: Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None,
                    compression=None,  # a frame must be the same bytes for everybody
                    process_request=reception.admit,
                    process_response=finish,
                    server_header=None,
                    ping_interval=15,
                    ping_timeout=15,
                    close_timeout=CLOSE_TIMEOUT,
                    max_size=LIMITS.message_bytes,
                    logger=logger,
                    create_connection=cast(type[ServerConnection], partial(connections.accept, create)),
                    ssl=self.ssl,
                    backlog=backlog,
                )
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                if wanted:
                    raise PortTaken(wanted, free_port(wanted + 1)) from None


if __name__ == "__main__":
    from chatkit.tools.cli import run_as

    run_as("serve")
