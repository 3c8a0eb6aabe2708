import socket

import pytest

from chatkit import addresses


def network(monkeypatch: pytest.MonkeyPatch, routes: dict[str, str], names: list[str]) -> None:
    """A machine with these addresses on its default routes, and these for its name."""
    monkeypatch.setattr(addresses, "default_address", routes.get)
    monkeypatch.setattr(addresses, "named_addresses", lambda: names)


def test_default_route_comes_first_and_ipv4_before_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    network(monkeypatch, {"192.0.2.1": "192.168.1.5", "2001:db8::1": "2a00::5"}, ["10.0.0.7", "192.168.1.5", "2a00::6"])
    assert addresses.reachable_addresses() == ["192.168.1.5", "10.0.0.7", "[2a00::5]", "[2a00::6]"]


def test_addresses_that_nobody_else_can_use_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    network(monkeypatch, {"2001:db8::1": "fe80::1%eth0"}, ["127.0.1.1", "::1", "169.254.3.4", "0.0.0.0"])
    assert addresses.reachable_addresses() == []


def test_without_a_network_there_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert addresses.reachable_addresses() == []


def test_this_machine_can_listen_on_each_of_its_addresses() -> None:
    for host in addresses.reachable_addresses():
        bare = host.strip("[]")
        with socket.create_server((bare, 0), family=socket.AF_INET6 if ":" in bare else socket.AF_INET) as server:
            assert server.getsockname()[1]


def test_a_join_link_carries_the_token_where_no_log_sees_it() -> None:
    assert addresses.join_links(["192.168.1.5", "[2a00::5]"], 8765) == [
        "http://192.168.1.5:8765/",
        "http://[2a00::5]:8765/",
    ]
    assert addresses.join_links(["192.168.1.5"], 8765, "รหัส &/#", is_tls=True) == [
        "https://192.168.1.5:8765/#token=%E0%B8%A3%E0%B8%AB%E0%B8%B1%E0%B8%AA%20%26%2F%23"
    ]
