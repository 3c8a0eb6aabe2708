"""Everything about addresses: URIs, rooms in paths, ports of this machine, and how others in the network reach it.

Nothing here sends a packet.
"""

import os
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import chain
from random import randrange
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from chatkit.errors import BadAddress, BadName
from chatkit.place import in_browser
from chatkit.spelling import clean_line
from chatkit.texts import visible

DEFAULT_PORT = 8765
DYNAMIC = 49152  # ports from here on are for whoever asks (RFC 6335, 6)

# Addresses for documentation (RFC 5737, RFC 3849): nobody has them, so the way there is the default route.
ELSEWHERE = ("192.0.2.1", "2001:db8::1")

# URIs and request lines


def check_uri(uri: str) -> str:
    """The address itself; BadAddress where it is none."""
    try:
        parse_uri(uri).host.encode("idna")
    except (InvalidURI, ValueError, AttributeError):  # a UnicodeError: a name that is none; AttributeError: no text
        raise BadAddress(uri) from None
    if urlsplit(uri).port == 0 or visible(uri) != uri:  # parse_uri reads 0 as "none given"
        raise BadAddress(uri)
    return uri


def is_nearby(uri: str) -> bool:
    """Whether an address is on this machine or in this network: a proxy (`http_proxy`) would not find it there."""
    host = urlsplit(uri).hostname or ""
    with suppress(ValueError):
        address = ip_address(host)
        return address.is_loopback or address.is_private or address.is_link_local
    return "." not in host or host.endswith(".local")  # `localhost`, and what a school calls its machines


def with_query(uri: str, **fields: str | None) -> str:
    """The address with these fields in its query, percent-encoded; None is left out."""
    query = urlencode({field: value for field, value in fields.items() if value is not None})
    return uri + (("&" if "?" in uri else "?") + query if query else "")


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """The path and the query of a request line (RFC 9112, 3.2), the query's values decoded."""
    path, _, query = target.partition("?")
    fields = parse_qs(query, keep_blank_values=True)
    return path, {key: values[0] for key, values in fields.items()}


def room_of(path: str, base_path: str = "/") -> str | None:
    """The room at a path: `/` is the lobby, `/room/<name>` a room; None where there is none.

    base_path: where the chat begins, like `/services/chat/`; its last slash may be left out, a path outside it leads
    nowhere.
    """
    if path and path == base_path.rstrip("/"):
        return "lobby"
    if not path.startswith(base_path):
        return None
    rest = path.removeprefix(base_path)
    prefix, mark, name = rest.partition("/")
    try:
        if mark and prefix == "room" and "/" not in name:
            return clean_line(unquote(name, errors="strict"))
    except (BadName, UnicodeDecodeError):
        return None
    return None if rest else "lobby"


def lab_of(path: str, base_path: str = "/") -> int | None:
    """The number of the lab at a path like `/lab/3`; None where there is none."""
    prefix, mark, number = path.removeprefix(base_path).partition("/")
    is_lab = path.startswith(base_path) and mark and prefix == "lab" and number.isascii() and number.isdecimal()
    return int(number[:9]) if is_lab else None


def host_of(address: str) -> str:
    """The name in `name:port` (a Host header), in small letters; "" where it is none."""
    try:
        return urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return ""


def is_ip_address(name: str) -> bool:
    """Whether a host is an address and not a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


# Ports of this machine


def default_port() -> int:
    """Where serve() listens and connect() goes when nobody says: 8765, or $CHATKIT_PORT."""
    return int(os.environ.get("CHATKIT_PORT", DEFAULT_PORT))


def local_addresses() -> list[str]:
    """127.0.0.1, and ::1 where the machine has it: a client may resolve `localhost` to either."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return ["127.0.0.1"]
    return ["127.0.0.1", "::1"]


def free_port(start: int = 0) -> int:
    """A port that nobody uses: the first one from `start` on, or any. Without sockets (`chatkit.lite`) all look so."""
    if in_browser():
        return start or randrange(DYNAMIC, 65536)
    if not start:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            start = int(probe.getsockname()[1])
    return next(filter(is_free, chain(range(start, 65536), range(1024, start))))


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine's own addresses."""
    try:
        for address in local_addresses():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            socket.create_server((address, port), family=family).close()
    except OSError:
        return False
    return True


# The network


def join_links(
    hosts: list[str], port: int, token: str | None = None, is_tls: bool = False, base_path: str = "/"
) -> list[str]:
    """The page of a server at each host. The token is in the fragment: no browser sends it, so no log can hold it."""
    fragment = f"#token={quote(token, safe='')}" if token else ""
    return [f"{'https' if is_tls else 'http'}://{host}:{port}{base_path}{fragment}" for host in hosts]


def reachable_addresses() -> list[str]:
    """Hosts as they stand in a link (IPv6 in brackets): the default route's first, IPv4 first; [] without a network."""
    found = [*map(default_address, ELSEWHERE), *named_addresses()]
    reachable = [ip_address(each) for each in found if each and is_reachable(each)]
    # A stable sort: the default route stays in front of its own kind.
    in_order = sorted(dict.fromkeys(reachable), key=lambda address: address.version)
    return [in_link(str(address)) for address in in_order]


def in_link(host: str) -> str:
    """A host as it stands in a link: IPv6 in brackets (RFC 3986, 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def default_address(target: str) -> str | None:
    """The own address on the way to `target`; None without a route. Connecting UDP only looks the route up."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((target, 9))
        address: str = probe.getsockname()[0]
        return address
    return None


def named_addresses() -> list[str]:
    """What this machine's own name stands for: further network cards, where the system lists them there."""
    with suppress(OSError):
        return [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_DGRAM)]
    return []


def is_reachable(host: str) -> bool:
    """Whether others can use it: not loopback, not `169.254…` (a card without network), not `fe80…` (needs a zone)."""
    address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    return not (address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast)
