"""The addresses under which other machines of the network reach this one. Nothing here sends a packet."""

import os
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote

__all__ = ["in_link", "join_links", "reachable_addresses"]

# Addresses for documentation (RFC 5737, RFC 3849): nobody has them, so the way there is the default route.
ELSEWHERE = ("192.0.2.1", "2001:db8::1")


def join_links(hosts: list[str], port: int, token: str | None = None, is_tls: bool = False) -> list[str]:
    """The page of a server at each host. The token is in the fragment: no browser sends it, so no log can hold it."""
    fragment = f"#token={quote(token, safe='')}" if token else ""
    return [f"{'https' if is_tls else 'http'}://{host}:{port}/{fragment}" for host in hosts]


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


DEFAULT_PORT = 8765


def default_port() -> int:
    """Where serve() listens and connect() goes when nobody says: 8765, or $CHATKIT_PORT."""
    return int(os.environ.get("CHATKIT_PORT", DEFAULT_PORT))
