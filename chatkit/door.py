"""The door: whom to admit, decided once, in the opening handshake (RFC 6455, 4.2)."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from chatkit.addresses import host_of, is_ip_address, lab_of, room_of, split_target
from chatkit.dialects import JSON, PLAIN, Dialect
from chatkit.errors import TurnedAway
from chatkit.messages import SUBPROTOCOL
from chatkit.texts import say
from chatkit.throttle import Throttle
from chatkit.web.answers import Warn, address_of, answer, phone_page

LABS = 15  # `/lab/1` … `/lab/15`


@dataclass(frozen=True, slots=True)
class Admission:
    """What the door found out about a client, for its session.

    room, name:  as the address says; name None: none was given.
    dialect:     what the two will speak.
    is_trusted:  no token is needed, or the address held it; otherwise hello has to bring it.
    lab:         the number of the exercise at `/lab/<n>`, None in a room.
    """

    room: str
    name: str | None
    dialect: Dialect
    is_trusted: bool
    lab: int | None = None


class Door:
    """Admits or refuses.

    token:     what clients must show; None lets everybody in.
    origins:   pages from other addresses that may connect; "null" is a page from a file.
    names:     hosts that this server goes by, besides localhost and IP addresses.
    base_path: where the chat begins, like `/services/chat/`.
    most:      how many may be inside.
    warn:      is told of each refusal.
    """

    def __init__(
        self, token: str | None, origins: Collection[str], names: Collection[str], base_path: str, most: int, warn: Warn
    ) -> None:
        self.token, self.base_path, self.most, self.warn = token, base_path, most, warn
        self.origins, self.names = frozenset(origins), frozenset({"localhost", *map(str.lower, names)})
        self.inside: set[object] = set()
        self.throttle = Throttle()
        self.admissions: WeakKeyDictionary[ServerConnection, Admission] = WeakKeyDictionary()

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let a handshake go on (None), or answer it: 403, 404, 405, 401, 503, or the page for a browser."""
        try:
            host = self.check_host(request.headers)
            path, query = split_target(request.path)
            room = self.check_path(path)
            if "Upgrade" not in request.headers:
                return phone_page(request.method, host)
            dialect = dialect_offered(request)
            is_trusted = self.check_token(query.get("token"), dialect, request, connection)
            if len(self.inside) >= self.most:
                raise TurnedAway(503, say("door_full"))
        except TurnedAway as refusal:
            self.warn(TurnedAway(refusal.status, refusal.why, address_of(connection)))
            return answer(connection, refusal)
        lab = lab_of(path, self.base_path)
        self.admissions[connection] = Admission(room, query.get("name"), dialect, is_trusted, lab)
        return None

    def check_host(self, headers: Headers) -> str:
        """The Host header: an IP address, localhost or an allowed name; and the Origin, where there is one.

        Any other name may be DNS rebinding: a page's trick to get in.
        """
        hosts = headers.get_all("Host")
        name = host_of(hosts[0]) if len(hosts) == 1 else ""
        if name not in self.names and not is_ip_address(name):
            raise TurnedAway(403, say("door_host"))
        for origin in headers.get_all("Origin"):
            if origin not in self.origins and origin.partition("://")[2].lower() != hosts[0].lower():
                raise TurnedAway(403, say("door_origin", origin=origin))
        return hosts[0]

    def check_path(self, path: str) -> str:
        """The room at a path; a lab is none that others are in."""
        lab = lab_of(path, self.base_path)
        room = room_of(path, self.base_path) if lab is None else f"lab/{lab}"
        if room is None or (lab is not None and not 1 <= lab <= LABS):
            raise TurnedAway(404, say("door_path", path=path))
        return room

    def check_token(self, offered: str | None, dialect: Dialect, request: Request, client: ServerConnection) -> bool:
        """Whether the address held the token; False where hello still can bring it.

        A proxy on the way may use `?token=` for itself: then it is hello's alone that counts.
        """
        is_proxied = any(name.lower().startswith("x-forwarded-") for name in request.headers)
        is_final = dialect is PLAIN or not (offered is None or is_proxied)
        is_right = self.opens(offered, client, is_final)
        if is_final and not is_right:
            raise TurnedAway(401, say("door_token"))
        return is_right

    def opens(self, offered: str | None, client: ServerConnection, is_final: bool = True) -> bool:
        """Whether a token is the right one, or none is needed; Throttled where too many were not."""
        if self.token is None or offered is None:
            return self.token is None
        pair = (each.encode(errors="surrogatepass") for each in (offered, self.token))
        is_right = hmac.compare_digest(*pair)  # constant time: how long a no takes says nothing
        return self.throttle.check(address_of(client), is_right, is_final)


def dialect_offered(request: Request) -> Dialect:
    """What a handshake asks for; an unknown subprotocol is let in as plain (a strict 400 would break Postman)."""
    offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol")).split(",")
    return JSON if SUBPROTOCOL in map(str.strip, offered) else PLAIN
