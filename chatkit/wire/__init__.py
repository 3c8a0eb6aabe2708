"""The wire: the true bytes of a connection, recorded, read and drawn. Judged in tests by `websockets.frames`.

frames     one frame: parse, encode, mask, check          (RFC 6455, section 5)
handshake  the HTTP before it, and the accept key         (RFC 6455, sections 1.3 and 4)
recording  a connection's chunks, saved and replayed; what they mean, secrets starred out
recorder   where the chunks come from: websockets' own doors
draw       handshake, frame, sequence and table, in text and HTML
"""

from chatkit.wire.draw import draw_frame, draw_handshake, draw_sequence, draw_table
from chatkit.wire.drawing import Drawing
from chatkit.wire.frames import Frame, Opcode, WireError, apply_mask, check_frame, encode_frame, parse_frame
from chatkit.wire.handshake import GUID, Head, accept_key, parse_head
from chatkit.wire.recorder import Recorder
from chatkit.wire.recording import Chunk, Item, Recording, Session

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
    "Session",
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
