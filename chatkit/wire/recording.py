"""A recording: the true bytes of one connection, as they came. A store and nothing else; `transcript` reads it."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from chatkit.wire.frames import WireError

Direction = Literal["to_server", "to_client"]
Side = Literal["client", "server"]
MAX_RECORDED = 8 * 1024 * 1024  # bytes kept of one connection; what comes later is counted, not kept


@dataclass(frozen=True)
class Chunk:
    """Bytes that went through a door in one piece: one write or one read. Empty: that side will send no more.

    time: seconds since the recording began.
    """

    direction: Direction
    time: float
    data: bytes = field(repr=False)  # true, secrets included


class Recording:
    """One connection as `side` saw it: `chunks` in the order in which they passed.

    on_chunk: functions that hear of each new chunk. redacted: whether secrets were starred out before it was loaded.
    missed:   bytes that came after the recording was full (MAX_RECORDED).
    """

    def __init__(self, side: Side = "client", redacted: bool = False) -> None:
        self.side, self.redacted = side, redacted
        self.chunks: list[Chunk] = []
        self.on_chunk: list[Callable[[Chunk], object]] = []
        self.missed = 0
        self._size = 0
        self._start = time.monotonic()

    def add(self, direction: Direction, data: bytes) -> None:
        """Record bytes that pass now."""
        self.append(Chunk(direction, time.monotonic() - self._start, bytes(data)))

    def append(self, chunk: Chunk) -> None:
        """Keep a chunk and tell the listeners, once the loop is free: one that fails must not hurt the connection.

        A full recording stops in both directions: half a conversation would mislead.
        """
        if self.missed or self._size + len(chunk.data) > MAX_RECORDED:
            self.missed += len(chunk.data)
        else:
            self._size += len(chunk.data)
            self.chunks.append(chunk)
        for listener in list(self.on_chunk):
            asyncio.get_running_loop().call_soon(listener, chunk)

    def stream(self, direction: Direction) -> bytes:
        """Everything that went one way, as TCP sees it: a row of bytes without borders."""
        return b"".join(chunk.data for chunk in self.chunks if chunk.direction == direction)

    @classmethod
    def load(cls, path: str | Path) -> "Recording":
        """Read what `Transcript.save` wrote. WireError where the file is something else."""
        try:
            first, *lines = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
            recording = cls(first["side"], first["redacted"])
            recording.chunks = [Chunk(line["direction"], line["time"], bytes.fromhex(line["hex"])) for line in lines]
            recording.missed = first["missed"]
        except (ValueError, KeyError, TypeError):
            raise WireError("file", path=Path(path).name) from None
        return recording

    async def replay(self, into: "Recording", speed: float = 1.0) -> None:
        """Play the chunks into another recording, at `speed` times the pace at which they came."""
        now, into.redacted = 0.0, self.redacted
        for chunk in self.chunks:
            await asyncio.sleep((chunk.time - now) / speed)
            now = chunk.time
            into.append(chunk)
