"""The wire: the true bytes of a connection, recorded, read and drawn. Judged in tests by `websockets.frames`.

frames      one frame: parse, encode, mask, check          (RFC 6455, section 5)
handshake   the HTTP before it, and the accept key         (RFC 6455, sections 1.3 and 4)
recorder    where the bytes come from: websockets' own two doors
recording   a connection's chunks, as they came
transcript  what they mean: heads, frames, broken rules; saved without its secrets
secrets     what is starred out
pictures    handshake, frame, sequence and table, in text and HTML
ink         what the pictures are drawn with
"""

from chatkit.wire.frames import Frame, Opcode, WireError, apply_mask, check_frame, encode_frame, parse_frame
from chatkit.wire.handshake import GUID, Head, accept_key, parse_head
from chatkit.wire.ink import Drawing
from chatkit.wire.pictures import draw_frame, draw_handshake, draw_sequence, draw_table
from chatkit.wire.recorder import Recorder
from chatkit.wire.recording import Chunk, Recording
from chatkit.wire.transcript import Item, Transcript

__all__ = [
    "GUID",
    "Chunk",
    "Drawing",
    "Frame",
    "Head",
    "Item",
    "Opcode",
    "Recorder",
    "Recording",
    "Transcript",
    "WireError",
    "accept_key",
    "apply_mask",
    "check_frame",
    "draw_frame",
    "draw_handshake",
    "draw_sequence",
    "draw_table",
    "encode_frame",
    "parse_frame",
    "parse_head",
]
