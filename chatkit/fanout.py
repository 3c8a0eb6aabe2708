"""One encoded frame for everybody, one write per client and turn, and no mercy for who never reads.

Two ideas make it fast. With compression off, a server's frame is the same bytes for every client: encode it once.
And the frames of one loop turn can be joined: each client costs one `transport.write`, not one per message.
"""

import asyncio
from collections.abc import Collection, Sequence
from weakref import WeakKeyDictionary

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.frames import Frame, Opcode
from websockets.protocol import State

__all__ = ["Fanout", "Frames", "Reader", "Reaper", "can_write_directly"]


class Frames:
    """Texts, and the same as WebSocket frames (RFC 6455, 5.2), encoded once."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.data = b"".join(Frame(Opcode.TEXT, text.encode()).serialize(mask=False) for text in texts)


class Reader:
    """One connection as the fan-out sees it, with the frames that wait for the end of the turn."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.pending: list[Frames] = []

    def flush(self) -> None:
        """Write all that waits, in one go."""
        pending, self.pending = self.pending, []
        if can_write_directly(self.connection):
            data = pending[0].data if len(pending) == 1 else b"".join([frames.data for frames in pending])
            self.connection.transport.write(data)
            return
        for frames in pending:
            for text in frames.texts:
                broadcast([self.connection], text)


class Fanout:
    """Collects what a turn says and writes it when the turn is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: list[Reader] = []

    def deliver(self, readers: Collection[Reader], texts: Sequence[str]) -> None:
        """Hand texts to many connections; they are written together, at the end of this turn."""
        if not readers or not texts:
            return
        frames = Frames(texts)
        if not self.waiting:
            self.loop.call_soon(self.flush)
        for reader in readers:
            if not reader.pending:
                self.waiting.append(reader)
            reader.pending.append(frames)

    def flush(self) -> None:
        """The end of a turn: one write for each client that somebody spoke to."""
        waiting, self.waiting = self.waiting, []
        for reader in waiting:
            reader.flush()


def can_write_directly(connection: ServerConnection) -> bool:
    """Whether finished frames may go past websockets, straight to the transport.

    Only where websockets would write the same bytes at once: an open connection without extensions, no fragmented
    message under way, nothing queued. And only for its own class: a subclass may want to see every byte.
    """
    protocol = connection.protocol
    return (
        type(connection) is ServerConnection
        and protocol.state is State.OPEN
        and not protocol.extensions
        and not protocol.expect_continuation_frame
        and not protocol.writes
    )


class Reaper:
    """Puts out the connections that do not read.

    websockets alone would keep them for ever: the keepalive waits in `drain()` before its own time-out starts. To abort
    one is safe, because its reader resumes where it stood.

    max_unread: bytes in the write buffer, at two looks in a row: a burst that is read within a second is no offence.
    patience:   seconds without the buffer getting smaller.
    """

    def __init__(self, max_unread: int, patience: float = 10.0) -> None:
        self.max_unread, self.patience = max_unread, patience
        self.seen: WeakKeyDictionary[ServerConnection, tuple[int, float]] = WeakKeyDictionary()

    def reap(self, connections: Collection[ServerConnection], now: float) -> None:
        """Abort who is over the limit; call it once a second with the loop's time."""
        for connection in connections:
            unread = connection.transport.get_write_buffer_size()
            last, since = self.seen.get(connection, (0, now))
            if unread == 0 or unread < last:
                since = now
            self.seen[connection] = (unread, since)
            if min(unread, last) > self.max_unread or now - since >= self.patience:
                connection.transport.abort()
