"""A transcript: what the bytes of a recording mean, one item after the other. No network, nothing waits.

Whatever a transcript holds is safe to show and to save: its secrets are starred out (`secrets`). Only
`recording.chunks` in memory holds what was truly on the wire.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from chatkit.wire.frames import Frame, WireError, apply_mask, check_frame, header_size, parse_frame
from chatkit.wire.handshake import Head, parse_head
from chatkit.wire.recording import Chunk, Direction, Recording
from chatkit.wire.secrets import star_head, star_message


@dataclass(frozen=True)
class Item:
    """One thing of a transcript: a handshake head, a frame, other bytes ("bytes") or the end of one direction ("end").

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
class Transcript:
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
        raw, way.buffer, way.reads = self.clean_head(head_bytes + blank), rest, "bytes"
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
        payload = self.clean_message(b"" if frame.is_control else way.message, frame.payload)
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
            return done + self.clean_head(way.buffer)
        size = header_size(way.buffer)
        if way.reads == "bytes" or size is None:
            return done + way.buffer
        header, rest = part(way.buffer, size)
        mask = header[-4:] if header[1] & 0b1000_0000 else bytes(4)
        return done + header + apply_mask(self.clean_message(way.message, apply_mask(rest, mask)), mask)

    def clean_head(self, head: bytes) -> bytes:
        return self.note(head, star_head(head))

    def clean_message(self, before: bytes, payload: bytes) -> bytes:
        return self.note(payload, star_message(before, payload))

    def note(self, data: bytes, clean: bytes) -> bytes:
        """`clean`, and the memory of whether it is less than `data` was."""
        self.starred = self.starred or data != clean
        return clean

    def save(self, path: str | Path) -> None:
        """Write JSON Lines: a first line about the recording, then one line a chunk. Secrets are starred out."""
        clean = {way: self.stream(way) for way in self.ways}
        about = {"side": self.recording.side, "redacted": self.redacted, "missed": self.recording.missed}
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            print(json.dumps({"chatkit": "wire", **about}), file=file)
            for chunk in self.recording.chunks:
                data, clean[chunk.direction] = part(clean[chunk.direction], len(chunk.data))
                line = {"time": round(chunk.time, 6), "direction": chunk.direction, "hex": data.hex()}
                print(json.dumps(line), file=file)


def part(data: bytes, size: int) -> tuple[bytes, bytes]:
    return data[:size], data[size:]
