"""A recording: the true bytes of one connection, as they came, and what they mean. No network: it can be replayed.

Tokens are secret: `?token=…`, `token` and `me` in a JSON message, cookies and authorization headers are shown and saved
as `****`, byte for byte as long as they were. Only `recording.chunks` in memory holds what was truly on the wire.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote_to_bytes

from chatkit.wire.frames import Frame, WireError, apply_mask, check_frame, header_size, parse_frame
from chatkit.wire.handshake import Head, parse_head

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

    on_chunk: functions that hear of each new chunk. redacted: whether a secret was starred out when it was saved.
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

    def save(self, path: str | Path) -> None:
        """Write JSON Lines: a first line about the recording, then one line a chunk. Secrets are starred out."""
        session = Session(self)
        clean = {way: session.stream(way) for way in session.ways}
        first = {"chatkit": "wire", "side": self.side, "redacted": session.redacted, "missed": self.missed}
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            print(json.dumps(first), file=file)
            for chunk in self.chunks:
                data, clean[chunk.direction] = part(clean[chunk.direction], len(chunk.data))
                line = {"time": round(chunk.time, 6), "direction": chunk.direction, "hex": data.hex()}
                print(json.dumps(line), file=file)

    @classmethod
    def load(cls, path: str | Path) -> "Recording":
        """Read what `save` wrote. WireError where the file is something else."""
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


def part(data: bytes, size: int) -> tuple[bytes, bytes]:
    return data[:size], data[size:]


@dataclass(frozen=True)
class Item:
    """One thing of a session: a handshake head, a frame, other bytes ("bytes") or the end of one direction ("end").

    number: 1, 2, 3 … for frames, 0 otherwise. raw: its bytes, secrets starred out.
    chunks: the chunks that hold its first and its last byte, counted from 1. error: the rule it breaks, if it does.
    """

    kind: Literal["request", "response", "frame", "bytes", "end"]
    direction: Direction
    time: float
    raw: bytes = b""
    number: int = 0
    chunks: tuple[int, int] = (0, 0)
    head: Head | None = None
    frame: Frame | None = None
    error: WireError | None = None


@dataclass
class Way:
    """How far one direction is read: `buffer` waits for the rest, `message` holds the fragments so far."""

    buffer: bytes = b""
    first: int = 0  # the chunk in which the buffer begins
    reads: Literal["head", "frames", "bytes"] = "head"
    message: bytes = b""


@dataclass
class Session:
    """What the bytes of a recording mean: `items` in order, and of these the `frames`; `frames[2]` is number 3."""

    recording: Recording
    items: list[Item] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    ways: dict[Direction, Way] = field(default_factory=lambda: {"to_server": Way(), "to_client": Way()})
    read: int = 0  # chunks
    starred: bool = False

    def __post_init__(self) -> None:
        self.update()

    @property
    def redacted(self) -> bool:
        """Whether a secret was starred out, now or when the recording was saved."""
        return self.starred or self.recording.redacted

    def head(self, kind: Literal["request", "response"]) -> Head | None:
        """The handshake's request or response; None while it is not there."""
        return next((item.head for item in self.items if item.kind == kind), None)

    def update(self) -> None:
        """Read the chunks that came since the last time: one chunk may hold many frames, or a piece of one."""
        while self.read < len(self.recording.chunks):
            chunk = self.recording.chunks[self.read]
            self.read += 1
            way = self.ways[chunk.direction]
            way.first = way.first if way.buffer else self.read
            way.buffer += chunk.data
            for item in self.parse(chunk, way):
                self.items.append(replace(item, chunks=(way.first, self.read)))
                way.first = self.read

    def parse(self, chunk: Chunk, way: Way) -> Iterator[Item]:
        """The items that became complete with this chunk: the head first, then frames (RFC 6455, 1.2)."""
        if not chunk.data:
            yield Item("end", chunk.direction, chunk.time)
        if way.reads == "head":
            yield from self.parse_start(chunk, way)
        while way.reads == "frames":
            frame, way.buffer = parse_frame(way.buffer)
            if frame is None:
                return
            yield self.frame_item(chunk, way, frame)
        if way.reads == "bytes" and way.buffer:
            raw, way.buffer = way.buffer, b""
            yield Item("bytes", chunk.direction, chunk.time, raw)

    def parse_start(self, chunk: Chunk, way: Way) -> Iterator[Item]:
        """The head, if it is complete. After `Upgrade` and `101` come frames; after any other head, other bytes."""
        head_bytes, blank, rest = way.buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        raw, way.buffer, way.reads = self.redact_head(head_bytes + blank), rest, "bytes"
        try:
            head, _ = parse_head(raw)
        except WireError as error:
            yield Item("bytes", chunk.direction, chunk.time, raw, error=error)
            return
        if head and head.get("Upgrade") and head.status in (None, 101):
            way.reads = "frames"
        kind: Literal["request", "response"] = "request" if chunk.direction == "to_server" else "response"
        yield Item(kind, chunk.direction, chunk.time, raw, head=head)

    def frame_item(self, chunk: Chunk, way: Way, frame: Frame) -> Item:
        """The frame with its secrets starred out, and the rule it breaks (RFC 6455, 5.1, 5.2, 5.5)."""
        error = None
        try:
            check_frame(frame, from_client=chunk.direction == "to_server")
        except WireError as broken:
            error = broken
        payload = self.redact_message(b"" if frame.is_control else way.message, frame.payload)
        if not frame.is_control:
            way.message = b"" if frame.fin else way.message + frame.payload
        masked = apply_mask(payload, frame.mask) if frame.mask else payload
        raw = frame.raw[: len(frame.raw) - len(payload)] + masked
        self.frames.append(replace(frame, payload=payload, raw=raw))
        return Item("frame", chunk.direction, chunk.time, raw, len(self.frames), frame=self.frames[-1], error=error)

    def stream(self, direction: Direction) -> bytes:
        """`recording.stream` with every secret starred out, the unfinished end as well."""
        way = self.ways[direction]
        done = b"".join(item.raw for item in self.items if item.direction == direction)
        if way.reads == "head":
            return done + self.redact_head(way.buffer)
        size = header_size(way.buffer)
        if way.reads == "bytes" or size is None:
            return done + way.buffer
        header, rest = part(way.buffer, size)
        mask = header[-4:] if header[1] & 0b1000_0000 else bytes(4)
        return done + header + apply_mask(self.redact_message(way.message, apply_mask(rest, mask)), mask)

    def redact_head(self, head: bytes) -> bytes:
        return self.note(head, SECRET_HEADER.sub(star, SECRET_QUERY.sub(star_token, head)))

    def redact_message(self, before: bytes, payload: bytes) -> bytes:
        """The payload, starred out; `before` is what the earlier fragments of the message held."""
        return self.note(payload, SECRET_FIELD.sub(star, before + payload)[len(before) :])

    def note(self, data: bytes, clean: bytes) -> bytes:
        self.starred = self.starred or data != clean
        return clean


# A secret ends where the bytes end, too: half a token is still a secret.
SECRET_QUERY = re.compile(rb"(?P<before>[?&](?P<name>[^=&\s]+)=)(?P<secret>[^&\s]*)")
SECRET_HEADER = re.compile(
    rb"(?im)(?P<before>^(?:(?:proxy-)?authorization|(?:set-)?cookie):[ \t]*)(?P<secret>[^\r\n]*)"
)
SECRET_FIELD = re.compile(rb'(?s)(?P<before>"(?:token|me)"\s*:\s*")(?P<secret>(?:[^"\\]|\\.)*)')


def star(found: re.Match[bytes]) -> bytes:
    return found["before"] + b"*" * len(found["secret"])


def star_token(found: re.Match[bytes]) -> bytes:
    """Only the token of a query is secret; its name may be percent-encoded, as the server would accept it."""
    return star(found) if unquote_to_bytes(found["name"]) == b"token" else found[0]
