"""Two dialects of one chat: what happens, as text messages and back.

The client picks one with the subprotocol (RFC 6455, 1.9): none offered is `Plain`, `chatkit.v1` is `Json`.
Nothing here knows a socket: a text comes in, a command goes out; an event comes in, UTF-8 for a text message goes out.
"""

from chatkit import messages
from chatkit.errors import BadMessage
from chatkit.events import Event
from chatkit.messages import Hello, Send, new_id
from chatkit.spelling import check_text, plain_lines


class Plain:
    """Bare lines of text, byte for byte as PROTOCOL.md's table has them."""

    def decode(self, message: str, is_greeted: bool = True) -> Send:
        """Every text is a message to the room; BadMessage where it is over the limits."""
        return Send(new_id(), check_text(message))

    def encode(self, event: Event, own: bool = False) -> bytes | None:
        """The line that a plain client reads; `own` for the one who said it."""
        text = plain_lines(event.text)
        if event.type == "msg":
            return (f"You said: {text}" if own else f"{event.who.name} says: {text}").encode()
        if event.type == "notice":
            return f"🟢 Server: {text}".encode()
        return None

    def ack(self, id: str, seq: int) -> None:
        """`You said: …` is the only receipt of this dialect."""

    def nack(self, error: BadMessage) -> bytes:
        """One line that begins with a warning sign."""
        return f"⚠️ {error.said}".encode()


class Json:
    """`chatkit.v1`: one JSON object per text message, as `messages` has it."""

    def decode(self, message: str, is_greeted: bool = True) -> Hello | Send:
        """The command in a message; BadMessage where it is none."""
        return messages.decode(message, is_greeted)

    def encode(self, event: Event, own: bool = False) -> bytes:
        """The same for every reader: the author knows its own message by the id."""
        return messages.encode(messages.message_of(event))

    def ack(self, id: str, seq: int) -> bytes:
        """The message is in the log, under this number."""
        return messages.encode(messages.Ack(id, seq))

    def nack(self, error: BadMessage) -> bytes:
        """Why a message was not taken."""
        return messages.encode(messages.nack_of(error))


PLAIN, JSON = Plain(), Json()
Dialect = Plain | Json  # None for an event or an ack means: this dialect has no word for it
