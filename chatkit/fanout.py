"""One encoded frame for everybody, one write per client and turn, and no mercy for who never reads.

Two ideas make it fast. With compression off, a server's frame is the same bytes for every client: encode it once.
And the frames of one loop turn can be joined: each client costs one `transport.write`, not one per message.
"""

import asyncio
from collections.abc import Collection, Sequence

from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN


class Frames:
    """Texts in UTF-8, and the same as WebSocket frames (RFC 6455, 5.2), encoded once for all who get them."""

    __slots__ = ("data", "texts")

    def __init__(self, texts: Sequence[bytes]) -> None:
        self.texts = texts
        self.data = b"".join([Frame(Opcode.TEXT, text).serialize(mask=False) for text in texts])

    def then(self, frames: "Frames") -> "Pile":
        return Pile([self, frames])


class Pile(list[Frames]):
    """What several deliveries of one turn have for one client.

    Joined once, when it is written: adding each to what waits would copy the whole of it again and again.
    """

    def then(self, frames: Frames) -> "Pile":
        self.append(frames)
        return self

    @property
    def texts(self) -> list[bytes]:
        return [text for frames in self for text in frames.texts]

    @property
    def data(self) -> bytes:
        return b"".join([frames.data for frames in self])


NOTHING = Frames([])


class Outlet:
    """One connection as the fan-out sees it, with what waits for the end of the turn.

    Slots, and what never changes found beforehand: after each write to a socket the processor's cache is cold, so for
    every client each object that is touched costs more than what is done with it.
    """

    __slots__ = ("connection", "is_transparent", "pending", "protocol", "transport")

    def __init__(self, connection: ServerConnection) -> None:
        self.connection, self.protocol, self.transport = connection, connection.protocol, connection.transport
        # A frame is the same bytes below websockets as above where no extension was negotiated (RFC 6455, 9), and where
        # nobody, like the recorder, has put something in between to see every byte that leaves.
        is_watched = type(connection).send_data is not Connection.send_data
        self.is_transparent = not is_watched and not connection.protocol.extensions
        self.pending: Frames | Pile = NOTHING


class Fanout:
    """Collects what a turn says and writes it when the turn is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: list[Outlet] = []

    def deliver(self, outlets: Collection[Outlet], frames: Frames) -> None:
        """Hand frames to many connections; they are written together, at the end of this turn."""
        if not frames.texts:
            return
        waiting = self.waiting
        if not waiting:
            self.loop.call_soon(self.flush)
        for outlet in outlets:
            if outlet.pending is NOTHING:
                outlet.pending = frames
                waiting.append(outlet)
            else:
                outlet.pending = outlet.pending.then(frames)

    def flush(self) -> None:
        """The end of a turn: one write for each client that somebody spoke to.

        Finished frames go past websockets only where it would write the same bytes at once: the connection is open,
        no fragmented message is under way, and nobody wants to see what passes.
        """
        waiting, self.waiting = self.waiting, []
        for outlet in waiting:
            frames, outlet.pending = outlet.pending, NOTHING
            protocol = outlet.protocol
            if outlet.is_transparent and protocol.state is OPEN and not protocol.expect_continuation_frame:
                outlet.transport.write(frames.data)
            else:
                for text in frames.texts:
                    broadcast([outlet.connection], text, text=True)
