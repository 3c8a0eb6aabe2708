import socket
from typing import Any

import pytest

from chatkit import addresses
from chatkit.errors import BadAddress


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


def test_behind_a_path_of_its_own_the_page_is_there() -> None:
    assert addresses.join_links(["192.168.1.5"], 8000, "papaya", base_path="/services/chat/") == [
        "http://192.168.1.5:8000/services/chat/#token=papaya"
    ]


# URIs and request lines


@pytest.mark.parametrize(
    "uri", ["ws://localhost:8765", "wss://school.example/room/blue?name=Mali", "ws://[::1]:1/", "ws://ห้อง.example"]
)
def test_an_address_of_a_chat_is_left_as_it_is(uri: str) -> None:
    assert addresses.check_uri(uri) == uri


@pytest.mark.parametrize(
    "uri", ["http://localhost", "ws://", "ws://[::1", "ws://a:b", "ws://a:99999", "ws://a:0", "ws://a\x1b", "ws://..a"]
)
def test_what_is_no_address_is_refused(uri: str) -> None:
    with pytest.raises(BadAddress):
        addresses.check_uri(uri)


@pytest.mark.parametrize("uri", [8765, ["ws://localhost"], b"ws://localhost"])
def test_what_is_no_text_is_no_address(uri: Any) -> None:
    with pytest.raises(BadAddress):
        addresses.check_uri(uri)


@pytest.mark.parametrize(
    ("host", "is_nearby"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("[::1]", True),
        ("192.168.1.5", True),
        ("10.0.0.7", True),
        ("[fe80::1]", True),
        ("teacher.local", True),
        ("teacher-pc", True),
        ("school.example", False),
        ("9.9.9.9", False),
        ("[2a00::5]", False),
    ],
)
def test_a_proxy_is_only_for_what_is_far_away(host: str, is_nearby: bool) -> None:
    assert addresses.is_nearby(f"ws://{host}:8765") is is_nearby


def test_a_request_line_is_a_path_and_the_first_of_each_field() -> None:
    assert addresses.split_target("/room/blue?name=%E0%B8%A1&token=&name=b") == (
        "/room/blue",
        {"name": "ม", "token": ""},
    )
    assert addresses.split_target("/") == ("/", {})


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("/", "lobby"),
        ("/room/blue", "blue"),
        ("/room/%E0%B8%AB%E0%B9%89%E0%B8%AD%E0%B8%87", "ห้อง"),
        ("", None),
        ("/room", None),
        ("/room/", None),
        ("/room/a/b", None),
        ("/room/%FF", None),
        ("/rooms/blue", None),
        ("/lobby", None),
        ("//", None),
    ],
)
def test_a_room_stands_in_the_path(path: str, room: str | None) -> None:
    assert addresses.room_of(path) == room


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("/services/chat/", "lobby"),
        ("/services/chat", "lobby"),
        ("/services/chat/room/blue", "blue"),
        ("/", None),
        ("/room/blue", None),
        ("/services/chatter", None),
    ],
)
def test_a_chat_may_begin_below_a_path(path: str, room: str | None) -> None:
    assert addresses.room_of(path, "/services/chat/") == room


@pytest.mark.parametrize(
    ("header", "host"),
    [("LocalHost:8765", "localhost"), ("[::1]:8765", "::1"), ("school.example", "school.example"), ("[::1", "")],
)
def test_the_host_of_a_header_has_no_port(header: str, host: str) -> None:
    assert addresses.host_of(header) == host


def test_a_name_is_no_ip_address() -> None:
    assert addresses.is_ip_address("127.0.0.1") and addresses.is_ip_address("::1")
    assert not addresses.is_ip_address("localhost") and not addresses.is_ip_address("0x7f.1")


# Ports


def test_the_default_port_is_8765_or_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATKIT_PORT", raising=False)
    assert addresses.default_port() == 8765
    monkeypatch.setenv("CHATKIT_PORT", "9000")
    assert addresses.default_port() == 9000


@pytest.mark.parametrize("host", addresses.local_addresses())
def test_a_port_that_somebody_listens_on_is_not_free(host: str) -> None:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as stranger:
        port = stranger.getsockname()[1]
        assert not addresses.is_free(port)
        assert addresses.free_port(port) != port


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", addresses.free_port())) as server:
        assert server.getsockname()[1]
