"""One client's talk: what it says goes to the hub, what is wrong with it comes back."""

import asyncio

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from chatkit.connections import Spawn
from chatkit.dialects import PLAIN
from chatkit.door import Admission, Door
from chatkit.errors import BadMessage, BadName, LogUnavailable
from chatkit.events import NOBODY
from chatkit.fanout import Frames, Outlet
from chatkit.hub import LOG_RETRY_MS, Hub
from chatkit.limits import CLOSE_CODES, Bucket
from chatkit.messages import Hello
from chatkit.rooms import Member
from chatkit.spelling import clean_name, cut_reason

BREATH = 8  # messages of one client until the others have their turn


class Session:
    """The talk with one client, from the handshake to the end.

    spawn: runs a coroutine beside it, which the server owns.
    """

    __slots__ = ("admission", "bucket", "connection", "door", "hub", "member", "outlet", "refused", "spawn")

    def __init__(self, connection: ServerConnection, admission: Admission, door: Door, hub: Hub, spawn: Spawn) -> None:
        self.connection, self.admission, self.door = connection, admission, door
        self.hub, self.spawn = hub, spawn
        self.outlet = Outlet(connection)
        self.bucket = Bucket(hub.limits)
        self.refused = 0  # messages that were refused, less ten for each that was not
        self.member: Member | None = None

    async def run(self) -> None:
        """Receive until the client leaves; where a token is asked for, hello must come within 5 seconds."""
        if self.admission.dialect is PLAIN:
            self.member = self.hub.join_plain(self.outlet, self.put_out, self.admission.room, self.plain_name())
        elif not self.admission.is_trusted:
            asyncio.get_running_loop().call_later(self.hub.limits.hello_seconds, self.lose_patience)
        try:
            await self.listen()
        except ConnectionClosed:
            pass  # however it ended, it ended
        finally:
            self.leave()

    def leave(self) -> None:
        if self.member:
            self.hub.leave(self.member)
            self.member = None

    def lose_patience(self) -> None:
        if self.member is None:
            self.put_out(BadMessage("token"))

    async def listen(self) -> None:
        heard = 0
        async for message in self.connection:
            await self.receive(message)
            heard += 1
            if heard % BREATH == 0:
                await asyncio.sleep(0)  # whoever sends 10,000 at once must not keep the others waiting

    def plain_name(self) -> str:
        """The name from the address; a plain client with a bad one is told, and comes in without."""
        try:
            return NOBODY if self.admission.name is None else clean_name(self.admission.name)
        except BadName as error:
            self.tell(error)
            return NOBODY

    async def receive(self, message: str | bytes) -> None:
        """Do what one message asks for, or say what is wrong with it. Whatever is said takes from one bucket."""
        wait = self.bucket.wait()
        try:
            if isinstance(message, bytes):
                raise BadMessage("binary")
            command = self.admission.dialect.decode(message, is_greeted=self.member is not None)
            if wait:
                raise BadMessage("rate", id=getattr(command, "id", ""), retry_ms=int(wait * 1000) + 1)
            if isinstance(command, Hello):
                await self.hello(command)
            elif self.member:
                self.hub.submit(self.member, command)
            self.refused = max(0, self.refused - 10)
        except BadMessage as error:
            self.refused += 1
            if self.refused > self.hub.limits.flood:
                error = BadMessage("flood", id=error.id)
            if error.code in CLOSE_CODES:
                await self.close(error)
            elif not wait or error.code == "rate":  # who is too fast and wrong hears nothing
                self.tell(error)

    async def hello(self, hello: Hello) -> None:
        """Admit, welcome, and tell what the client missed, page by page as fast as it reads."""
        is_trusted = self.member or (hello.token is None and self.admission.is_trusted)
        if not is_trusted and not self.door.opens(hello.token or "", self.connection):
            raise BadMessage("token")
        raw = self.admission.name if hello.name is None else hello.name
        name = NOBODY if raw is None else clean_name(raw)
        if self.member:
            self.hub.rename(self.member, name)
            return
        try:
            self.member = self.hub.join_json(self.outlet, self.put_out, self.admission.room, name, hello)
            self.bucket = Bucket(self.hub.limits)  # hello itself is no message to anybody
            while self.hub.catch_up(self.member):
                await self.drain()
        except LogUnavailable:
            self.leave()
            raise BadMessage("log", retry_ms=LOG_RETRY_MS) from None

    async def drain(self) -> None:
        """Wait until the client has read most of what was written to it, and let the others have their turn."""
        self.hub.fanout.flush()
        await self.connection.drain()
        await asyncio.sleep(0)

    def tell(self, error: BadMessage) -> None:
        self.hub.fanout.deliver([self.outlet], Frames([self.admission.dialect.nack(error)]))

    def put_out(self, error: BadMessage) -> None:
        """Close the connection, from code that does not await."""
        self.spawn(self.close(error))

    async def close(self, error: BadMessage) -> None:
        """Say why, then close: through a proxy the close code is lost, the message is not."""
        self.tell(error)
        self.hub.fanout.flush()
        await self.connection.close(CLOSE_CODES[error.code].code, cut_reason(error.said.en))
