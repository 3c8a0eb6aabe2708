"""The recorder stands at websockets' own two doors and writes down what passes: no proxy, nothing replaced.

websockets keeps its protocol free of sockets ("sans-I/O"): bytes from the network go in through `receive_data`, bytes
for the network come out of `data_to_send`. Inside TLS, so they are readable with `wss://` too.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import Server, ServerConnection
from websockets.client import ClientProtocol
from websockets.protocol import Protocol
from websockets.server import ServerProtocol

from chatkit.wire.recording import Direction, Recording


class Doors:
    """A websockets protocol, watched at its doors; everything else goes straight to the protocol."""

    def __init__(self, protocol: Protocol, recording: Recording) -> None:
        ways: tuple[Direction, Direction] = ("to_client", "to_server")
        incoming, outgoing = ways if recording.side == "client" else ways[::-1]
        vars(self).update(_protocol=protocol, _recording=recording, _in=incoming, _out=outgoing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._protocol, name, value)

    def receive_data(self, data: bytes) -> None:
        self._recording.add(self._in, data)
        self._protocol.receive_data(data)

    def receive_eof(self) -> None:
        if not self._protocol.reader.eof:  # websockets may say it twice
            self._recording.add(self._in, b"")
        self._protocol.receive_eof()

    def data_to_send(self) -> list[bytes]:
        writes: list[bytes] = self._protocol.data_to_send()
        for data in writes:
            self._recording.add(self._out, data)
        return writes


class RecordedServerConnection(ServerConnection):
    """A server's connection whose bytes are in `recording`."""

    def __init__(self, protocol: ServerProtocol, server: Server, recording: Recording, **options: Any) -> None:
        super().__init__(cast(ServerProtocol, Doors(protocol, recording)), server, **options)
        self.recording = recording


class RecordedClientConnection(ClientConnection):
    """A client's connection whose bytes are in `recording`."""

    def __init__(self, protocol: ClientProtocol, recording: Recording, **options: Any) -> None:
        super().__init__(cast(ClientProtocol, Doors(protocol, recording)), **options)
        self.recording = recording


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
        return RecordedServerConnection(protocol, server, self.begin(Recording("server")), **options)

    def client_connection(self, protocol: ClientProtocol, **options: Any) -> RecordedClientConnection:
        """For `create_connection=` of `connect`: a client's side."""
        return RecordedClientConnection(protocol, self.begin(Recording("client")), **options)

    def begin(self, recording: Recording) -> Recording:
        self.recordings.append(recording)
        for listener in list(self.on_recording):
            # Later, so that a listener that fails cannot hurt the connection.
            asyncio.get_running_loop().call_soon(listener, recording)
        return recording
