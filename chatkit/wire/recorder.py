"""The recorder stands at websockets' own two doors and writes down what passes: no proxy, nothing replaced.

websockets keeps its protocol free of sockets ("sans-I/O"): bytes from the network go in through `receive_data`, bytes
for the network come out of `data_to_send`. Inside TLS, so they are readable with `wss://` too.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection
from websockets.client import ClientProtocol
from websockets.server import ServerProtocol

from chatkit.wire.recording import Direction, Recording


class Recorded(Connection):
    """A connection that writes down what it puts into one door and takes from the other, and does nothing else."""

    def __init__(self, recording: Recording, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.recording = recording
        ways: tuple[Direction, Direction] = ("to_client", "to_server")
        self.incoming, self.outgoing = ways if recording.side == "client" else ways[::-1]

    def data_received(self, data: bytes) -> None:
        self.recording.add(self.incoming, data)
        super().data_received(data)  # … protocol.receive_data(data)

    def send_data(self) -> None:
        # What data_to_send is about to hand out; b"" stands for the end.
        for data in self.protocol.writes:
            self.recording.add(self.outgoing, data)
        super().send_data()  # … protocol.data_to_send()

    def eof_received(self) -> None:
        self.recording.add(self.incoming, b"")
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.protocol.reader.eof:  # the line broke without a word
            self.recording.add(self.incoming, b"")
        super().connection_lost(exc)


class RecordedServerConnection(Recorded, ServerConnection):
    """A server's connection whose bytes are in `recording`."""


class RecordedClientConnection(Recorded, ClientConnection):
    """A client's connection whose bytes are in `recording`."""


class Recorder:
    """Records each connection that is made through it: `serve(create_connection=recorder.server_connection)`.

    recordings:   one a connection, the newest last, at most `keep`; a client that reconnects gets a new one.
    on_recording: functions that hear of each new recording.
    """

    def __init__(self, keep: int = 100) -> None:
        self.recordings: deque[Recording] = deque(maxlen=keep)
        self.on_recording: list[Callable[[Recording], object]] = []

    def server_connection(self, protocol: ServerProtocol, server: Server, **options: Any) -> RecordedServerConnection:
        """For `create_connection=` of `serve`: a server's side, whoever connects."""
        return RecordedServerConnection(self.begin(Recording("server")), protocol, server, **options)

    def client_connection(self, protocol: ClientProtocol, **options: Any) -> RecordedClientConnection:
        """For `create_connection=` of `connect`: a client's side."""
        return RecordedClientConnection(self.begin(Recording("client")), protocol, **options)

    def begin(self, recording: Recording) -> Recording:
        self.recordings.append(recording)
        for listener in list(self.on_recording):
            # Later, so that a listener that fails cannot hurt the connection.
            asyncio.get_running_loop().call_soon(listener, recording)
        return recording
