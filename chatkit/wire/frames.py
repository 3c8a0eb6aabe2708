"""Frames: what WebSocket puts around every message (RFC 6455, section 5). Bytes in, frames out; no sockets here.

 0               1               2               3
 7 6 5 4 3 2 1 0 7 6 5 4 3 2 1 0
+-+-+-+-+-------+-+-------------+----------------+----------------+
|F|R|R|R| opcode|M| length      | longer length: 2 or 8 bytes     |
|I|S|S|S|   4   |A|   7         | where the 7 bits say 126 or 127 |
|N|V|V|V|       |S|             |                                 |
| |1|2|3|       |K|             |                                 |
+-+-+-+-+-------+-+-------------+---------------------------------+
| masking key: 4 bytes, only where MASK is 1                      |
+-----------------------------------------------------------------+
| payload                                                         |
+-----------------------------------------------------------------+
"""

from dataclasses import dataclass
from enum import IntEnum

from chatkit.errors import ChatError


class Opcode(IntEnum):
    """What a frame is for (RFC 6455, 5.2 and 11.8). The other ten of the sixteen values are reserved."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class WireError(ChatError):
    """Bytes that break the protocol: `code` names the rule, `section` is where RFC 6455 states it."""

    def __init__(self, code: str, section: str = "", **parts: object) -> None:
        super().__init__(section=section, **parts)
        self.code = code
        self.key = f"wire_bad_{code}"


@dataclass(frozen=True)
class Frame:
    """One frame as it was on the wire (RFC 6455, 5.2).

    payload: what was meant, the mask already undone.
    mask:    the 4 bytes of the masking key; None where the MASK bit is 0.
    raw:     every byte of the frame, exactly as it came.
    """

    fin: bool
    rsv: int
    opcode: int
    mask: bytes | None
    payload: bytes
    raw: bytes

    @property
    def name(self) -> str:
        """The opcode's name, or its number where it is reserved (RFC 6455, 5.2)."""
        return Opcode(self.opcode).name if self.opcode in set(Opcode) else f"0x{self.opcode:X}"

    @property
    def is_control(self) -> bool:
        """Close, Ping and Pong steer the connection; they have the highest opcode bit set (RFC 6455, 5.5)."""
        return self.opcode >= 0x8

    @property
    def seven(self) -> int:
        """The 7 length bits: the length itself up to 125; 126 and 127 announce a longer field (RFC 6455, 5.2)."""
        return self.raw[1] & 0b0111_1111

    @property
    def masked(self) -> bytes:
        """The payload as it travelled; the same as `payload` where there is no mask (RFC 6455, 5.3)."""
        return self.raw[len(self.raw) - len(self.payload) :]


def parse_frame(data: bytes) -> tuple[Frame | None, bytes]:
    """The first frame of `data` and the bytes after it (RFC 6455, 5.2).

    `(None, data)` means: this frame is not complete, come back with more bytes. TCP may cut anywhere. Nothing is
    refused here, so that wrong frames can be looked at too; `check_frame` knows the rules.
    """
    size = header_size(data)
    if size is None:
        return None, data
    end = size + payload_length(data)
    if len(data) < end:
        return None, data
    first, second = data[0], data[1]
    mask = data[size - 4 : size] if second & 0b1000_0000 else None
    payload = apply_mask(data[size:end], mask) if mask else data[size:end]
    frame = Frame(bool(first & 0b1000_0000), first >> 4 & 0b111, first & 0b1111, mask, payload, data[:end])
    return frame, data[end:]


def header_size(data: bytes) -> int | None:
    """How many bytes stand before the payload: 2 to 14; None until all of them are here (RFC 6455, 5.2)."""
    if len(data) < 2:
        return None
    longer = {126: 2, 127: 8}.get(data[1] & 0b0111_1111, 0)
    size = 2 + longer + (4 if data[1] & 0b1000_0000 else 0)
    return size if len(data) >= size else None


def payload_length(data: bytes) -> int:
    """The payload's length in bytes, in 7, 16 or 64 bits, the largest byte first (RFC 6455, 5.2)."""
    seven = data[1] & 0b0111_1111
    if seven == 126:
        return int.from_bytes(data[2:4], "big")
    if seven == 127:
        return int.from_bytes(data[2:10], "big")
    return seven


def apply_mask(payload: bytes, mask: bytes) -> bytes:
    """Each byte XOR the key's byte at its place modulo 4; a second time undoes it (RFC 6455, 5.3).

    No secret: the key stands in front. It keeps proxies from reading a payload as HTTP (RFC 6455, 10.3).
    """
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def encode_frame(opcode: int, payload: bytes | str = b"", fin: bool = True, mask: bytes | None = None) -> bytes:
    """The bytes of one frame, its length in the shortest form (RFC 6455, 5.2).

    mask: 4 bytes, which a client must give and a server must not (RFC 6455, 5.1); None for no mask.
    Raises WireError where the frame would break a rule.
    """
    if isinstance(payload, str):
        payload = payload.encode()
    if mask is not None and len(mask) != 4:
        raise WireError("mask_size", "5.3", size=len(mask))
    masked = 0b1000_0000 if mask is not None else 0
    first = (0b1000_0000 if fin else 0) | opcode
    header = bytes([first]) + encode_length(len(payload), masked) + (mask or b"")
    raw = header + (apply_mask(payload, mask) if mask else payload)
    check_frame(Frame(fin, 0, opcode, mask, payload, raw))
    return raw


def encode_length(length: int, masked: int) -> bytes:
    """The length in its shortest form, behind the MASK bit: 1, 3 or 9 bytes (RFC 6455, 5.2)."""
    if length < 126:
        return bytes([masked | length])
    if length < 65_536:
        return bytes([masked | 126]) + length.to_bytes(2, "big")
    return bytes([masked | 127]) + length.to_bytes(8, "big")


def check_frame(frame: Frame, from_client: bool | None = None) -> None:
    """Raise WireError where the frame breaks a rule of RFC 6455, sections 5.1, 5.2 and 5.5.

    from_client: who sent it, because a client must mask and a server must not; None leaves that rule out.
    """
    if frame.opcode not in set(Opcode):
        raise WireError("opcode", "5.2", opcode=frame.name)
    if frame.rsv:
        raise WireError("rsv", "5.2", bits=f"{frame.rsv:03b}")
    if from_client is not None and from_client != (frame.mask is not None):
        raise WireError("unmasked" if from_client else "masked", "5.1")
    if frame.is_control and not frame.fin:
        raise WireError("control_fragment", "5.5", name=frame.name)
    if frame.is_control and len(frame.payload) > 125:
        raise WireError("control_long", "5.5", name=frame.name, length=len(frame.payload))
    if encode_length(len(frame.payload), frame.raw[1] & 0b1000_0000) != length_field(frame.raw):
        raise WireError("length_form", "5.2", length=len(frame.payload))


def length_field(data: bytes) -> bytes:
    """The bytes of a frame from the MASK bit to the end of the length: 1, 3 or 9 of them (RFC 6455, 5.2)."""
    return data[1 : 2 + {126: 2, 127: 8}.get(data[1] & 0b0111_1111, 0)]


def close_reason(payload: bytes) -> tuple[int | None, str]:
    """The code and the reason in a Close frame's payload; `(None, "")` where it is empty (RFC 6455, 5.5.1, 7.1.5)."""
    if len(payload) < 2:
        return None, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode(errors="replace")
