"""The server: websockets on one side, the hub on the other, and a door that knows whom to admit.

async with serve() as server:
    print(server.uri)
    await server.wait_closed()
"""

import asyncio
import errno
import logging
import ssl as tls
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, Self, cast
from weakref import WeakSet

from websockets.asyncio.server import Server as Listener
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from chatkit.addresses import default_port, free_port, in_link, local_addresses
from chatkit.door import Connection, Door, finish
from chatkit.errors import ChatError, FewFiles, LogUnavailable, NotOpen, PortTaken
from chatkit.events import Event, Who
from chatkit.fanout import Fanout, Reaper
from chatkit.hub import Hub, Operator
from chatkit.limits import LIMITS, files_left
from chatkit.log import SqliteLog
from chatkit.messages import SUBPROTOCOL
from chatkit.session import Session
from chatkit.spelling import check_text, cut_reason

if TYPE_CHECKING:
    from chatkit.labs import Labs, Visit

Answer = Response | None
LOCALHOST = "localhost"
CLOSE_TIMEOUT = 3.0  # seconds for the closing handshakes when the server stops
BACKLOG = 1024  # connections that come in at once: a class
SPARE_FILES = 32  # files that a server needs beside its clients

logger = logging.getLogger("chatkit.server")
# websockets writes the request line and every frame at DEBUG, and both may hold a token.
logger.addFilter(lambda record: record.levelno > logging.DEBUG)

# Who serves which port in this process: run the cell again, and the old server makes room for the new one.
running: dict[int, "Server"] = {}


class Annex:
    """The labs: opened by the first handshake on `/lab/<n>`, so that whoever has no use for them pays nothing."""

    def __init__(self, db: str) -> None:
        self.db = db
        self.opened: Labs | None = None

    @property
    def labs(self) -> "Labs":
        """LogUnavailable where the log's file cannot be opened a second time."""
        if self.opened is None:
            from chatkit.labs import Labs, Store

            self.opened = Labs(Store(self.db))
        return self.opened

    def close(self) -> None:
        if self.opened:
            self.opened.close()


class Clients:
    """The connections of one server, from the first byte of the handshake to the last of the closing one.

    most: how many may be in; as many as `spare` more may knock and be told so, beyond that they are dropped.
    """

    def __init__(self, most: int, spare: int, annex: Annex) -> None:
        self.most, self.spare, self.annex = most, spare, annex
        self.sessions: set[Session | Visit] = set()
        self.accepted: WeakSet[ServerConnection] = WeakSet()  # websockets knows one only after its handshake
        self.tasks: set[asyncio.Task[None]] = set()

    def accept(self, create: Callable[..., ServerConnection], *args: Any, **options: Any) -> ServerConnection:
        """A new TCP connection; `create` makes it."""
        connection = create(*args, **options)
        self.accepted.add(connection)
        if len(self.accepted) > self.most + self.spare:
            asyncio.get_running_loop().call_later(0, self.drop, connection)
        return connection

    async def handle(self, door: Door, hub: Hub, fanout: Fanout, connection: ServerConnection) -> None:
        """One connection, from its handshake to its end: websockets calls this for each."""
        admission = door.admissions.pop(connection)
        if admission.lab is None:
            session: Session | Visit = Session(connection, admission, door, hub, fanout, self.spawn)
        else:
            session = self.annex.labs.visit(connection, admission)
        self.sessions.add(session)
        try:
            await session.run()
        finally:
            self.sessions.discard(session)

    def admit(self, door: Door, connection: ServerConnection, request: Request) -> Answer | Awaitable[Answer]:
        """What the door says to a handshake; on a lab's path the lab, too, and it may take its time."""
        answer = door.admit(connection, request)
        return self.annex.labs.knock(connection, request, answer) if "/lab/" in request.path else answer

    def is_full(self) -> bool:
        return len(self.sessions) >= self.most

    def connections(self) -> list[ServerConnection]:
        """Those whose transport stands: websockets gives it to them a little later."""
        return [each for each in self.accepted if "transport" in vars(each)]

    def drop(self, *connections: ServerConnection) -> None:
        for connection in {*connections} & {*self.connections()}:
            connection.transport.abort()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that belongs to this server: it is held here, and cancelled and awaited at the end."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def end(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Server:
    """A running chat server; made by `serve()`.

    uri:  where clients connect, like `ws://localhost:8765`.
    port: the TCP port, also where `serve(port=0)` took a free one.
    host, token, ssl, base_path: as they were given to `serve()`.
    """

    def __init__(self, recipe: "serve", port: int, listener: Listener, hub: Hub, clients: Clients) -> None:
        self.host, self.token, self.ssl, self.base_path = recipe.host, recipe.token, recipe.ssl, recipe.base_path
        self.port, self.listener, self.hub, self.clients = port, listener, hub, clients
        self.loop = asyncio.get_running_loop()
        self.stopped: asyncio.Future[None] = self.loop.create_future()
        self.closing: asyncio.Task[None] | None = None
        running[port] = self
        clients.spawn(self.tick())

    @property
    def uri(self) -> str:
        """The address for a client on this machine."""
        host = LOCALHOST if self.host in (None, "", "0.0.0.0", "::") else in_link(str(self.host))
        return f"{'wss' if self.ssl else 'ws'}://{host}:{self.port}{self.base_path.rstrip('/')}"

    @property
    def labs(self) -> "Labs":
        """The labs: who has done what, and the receipts. LogUnavailable where the log's file cannot be opened."""
        return self.clients.annex.labs

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
            self.closing = self.loop.create_task(self.shut(code, cut_reason(reason)))

    async def wait_closed(self) -> None:
        """Until the server has stopped: no task, no socket, the log closed."""
        await asyncio.shield(self.stopped)

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
        self.clients.drop(*self.clients.accepted)  # who did not answer in time, and who is still shaking hands
        await self.listener.wait_closed()
        await self.clients.end()
        self.clients.annex.close()
        self.hub.log.close()
        if running.get(self.port) is self:
            del running[self.port]
        self.stopped.set_result(None)

    async def tick(self) -> None:
        """Once a second the reaper, every 15 seconds a sign of life."""
        reaper, beat = Reaper(self.hub.limits.unread_bytes), self.hub.limits.beat_seconds
        next_beat = self.loop.time() + beat
        while True:
            await asyncio.sleep(1)
            reaper.reap(self.clients.connections(), self.loop.time())
            if self.loop.time() >= next_beat:
                next_beat += beat
                with suppress(LogUnavailable):
                    self.hub.beat()


@dataclass(eq=False)
class serve:
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
    opened: AsyncExitStack = field(default_factory=AsyncExitStack, init=False, repr=False)

    def __post_init__(self) -> None:
        self.base_path = f"/{self.base_path.strip('/')}/".replace("//", "/")

    def __await__(self) -> Generator[Any, None, Server]:
        return self.start().__await__()

    async def __aenter__(self) -> Server:
        return await self.opened.enter_async_context(await self)

    async def __aexit__(self, *exc_info: object) -> None:
        await self.opened.aclose()

    def __getattr__(self, name: str) -> NoReturn:
        raise NotOpen("serve", name)

    async def start(self) -> Server:
        """Open the log, then the door."""
        loop = asyncio.get_running_loop()
        earlier = running.get(default_port() if self.port is None else self.port)
        if earlier and earlier.loop is loop:
            await earlier.stop()
        operator = Operator(loop, self.on_event, self.on_warning)
        clients = self.clients(operator)
        limits = replace(LIMITS, rate=self.rate, clients=clients.most, history=self.history)
        log, fanout = SqliteLog(self.db, durable=self.durable, history=self.history), Fanout(loop)
        hub = Hub(log, fanout, loop, operator, limits)
        door = Door(
            token=self.token,
            origins=self.origins,
            names=self.allow_hosts,
            base_path=self.base_path,
            is_full=clients.is_full,
            warn=operator.warn,
        )
        try:
            port, listener = await self.listen(clients, door, partial(clients.handle, door, hub, fanout))
        except BaseException:
            log.close()
            raise
        return Server(self, port, listener, hub, clients)

    def clients(self, operator: Operator) -> Clients:
        """As many as were asked for, or as there are files for, with some left for who has to hear that it is full."""
        files = files_left() - SPARE_FILES
        backlog = int(max(16, min(BACKLOG, files // 16)))
        most = int(min(self.max_clients, max(1, files - 4 * backlog)))
        if most < self.max_clients:
            operator.warn(FewFiles(most))
        return Clients(most, backlog, Annex(self.db))

    async def listen(self, clients: Clients, door: Door, handle: Callable[..., Any]) -> tuple[int, Listener]:
        """Open the sockets. Where any port will do and somebody was faster, try another one."""
        wanted = default_port() if self.port is None else self.port
        while True:
            port = wanted or free_port()
            try:
                return port, await self.open_sockets(port, clients, door, handle)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                if wanted:
                    raise PortTaken(wanted, free_port(wanted + 1)) from None

    def open_sockets(self, port: int, clients: Clients, door: Door, handle: Callable[..., Any]) -> Awaitable[Listener]:
        """The websockets server behind this one; await it."""
        create = self.create_connection or partial(Connection, door.warn)
        return serve_websockets(
            handle,
            cast(str, local_addresses() if self.host == LOCALHOST else self.host or None),
            port,
            select_subprotocol=select_subprotocol,
            compression=None,  # a frame must be the same bytes for everybody
            process_request=partial(clients.admit, door),
            process_response=finish,
            server_header=None,
            ping_interval=15,
            ping_timeout=15,
            close_timeout=CLOSE_TIMEOUT,
            max_size=LIMITS.message_bytes,
            logger=logger,
            create_connection=cast(type[ServerConnection], partial(clients.accept, create)),
            ssl=self.ssl,
            backlog=clients.spare,
        )


def select_subprotocol(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """`chatkit.v1` where it is offered, else none: the door let it in as plain."""
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None


if __name__ == "__main__":
    import sys

    from chatkit.tools.cli import main

    sys.exit(main(["serve", *sys.argv[1:]]))
