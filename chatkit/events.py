"""What happens in a chat. Nothing here knows a socket."""

from dataclasses import dataclass

NOBODY = "Someone"  # the name of a client that gave none


@dataclass(frozen=True, slots=True)
class Who:
    """A person in a room: `id` is public and stays the same across reconnects, `name` is what others see."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a room.

    type: "msg" and "notice" are numbered and kept in the log; "joined", "left" and "renamed" have no number.
        On a client also "reset" (what was shown before is no longer the room's truth) and "line" (plain dialect).
    seq:  the number in the room: 1, 2, 3 … without gaps; 0 where there is none.
    id:   chosen by the sender, the same on every try to send the message.
    ts:   when the server numbered it, seconds since 1970.
    """

    type: str
    who: Who
    room: str = "lobby"
    seq: int = 0
    id: str = ""
    ts: float = 0.0
    text: str = ""


SERVER = Who("server", "Server")
