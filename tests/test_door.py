"""Whom the door admits, decided from the request alone; the same over real sockets is in test_security."""

from ipaddress import ip_address
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from chatkit.dialects import JSON, PLAIN
from chatkit.door import LABS, Admission, Door, dialect_offered
from chatkit.errors import ChatError, TurnedAway
from chatkit.labs import labs
from chatkit.throttle import Throttle

UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade"}
OFFER = {"Sec-WebSocket-Protocol": "chatkit.v1"}


class Handshakes:
    """A door, and what became of the handshakes at it."""

    def __init__(self, **options: Any) -> None:
        self.warnings: list[ChatError] = []
        usual: dict[str, Any] = {"token": None, "origins": (), "names": (), "base_path": "/", "most": 10}
        self.door = Door(**usual | options, warn=self.warnings.append)

    def knock(
        self, target: str = "/", *more: tuple[str, str], host: str | None = "localhost:8765", **fields: str
    ) -> Any:
        """The status of a refusal, or the Admission."""
        headers = Headers([("Host", host)] if host is not None else [])
        for key, value in (*(UPGRADE | fields).items(), *more):
            headers[key] = value
        connection: Any = Connection()
        answer = self.door.admit(connection, Request(target, headers))
        return answer.status_code if answer else self.door.admissions[connection]


class Connection:
    """As much of websockets' own as a refusal needs."""

    remote_address = ("192.0.2.7", 50_000)

    def respond(self, status: int, text: str) -> Response:
        return Response(status, "", Headers(), text.encode())


def test_what_the_address_says_is_kept_for_the_session() -> None:
    door = Handshakes()
    assert door.knock() == Admission("lobby", None, PLAIN, True)
    assert door.knock("/room/physics?name=Mali", **OFFER) == Admission("physics", "Mali", JSON, True)
    assert door.knock("/lab/3", **OFFER).lab == 3


def test_the_first_of_two_names_counts() -> None:
    assert Handshakes().knock("/?name=Mali&name=Noi").name == "Mali"
    assert Handshakes().knock("/?name=&name=Noi").name == ""  # given, and blank: its owner is told


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8765", "127.0.0.1:8765", "[::1]:8765", "192.168.1.5", "::1"])
def test_hosts_that_are_ours(host: str) -> None:
    assert isinstance(Handshakes().knock(host=host), Admission) or host == "::1"  # which needs brackets


@pytest.mark.parametrize("host", [None, "", "evil.example", "localhost.", "localhost@evil.example", "[::1", "a:b:c"])
def test_hosts_that_are_not(host: str | None) -> None:
    assert Handshakes().knock(host=host) == 403


def test_two_hosts_are_none() -> None:
    """Which of them a proxy on the way believed, nobody knows."""
    for second in ("localhost:8765", "evil.example"):
        assert Handshakes().knock("/", ("Host", second)) == 403


def test_origin_and_host_are_compared_whatever_their_letters_are() -> None:
    door = Handshakes(names=["School.example"])
    assert isinstance(door.knock(host="SCHOOL.example:80", Origin="http://school.EXAMPLE:80"), Admission)
    assert door.knock(host="school.example:80", Origin="http://school.example:81") == 403


def test_each_of_two_origins_must_be_ours() -> None:
    door = Handshakes()
    ours, evil = "http://localhost:8765", "http://evil.example"
    assert isinstance(door.knock("/", ("Origin", ours)), Admission)
    for pair in ((ours, evil), (evil, ours)):
        assert door.knock("/", *(("Origin", each) for each in pair)) == 403


def test_a_page_from_a_file_only_where_that_is_allowed() -> None:
    assert Handshakes().knock(Origin="null") == 403
    assert isinstance(Handshakes(origins=["null"]).knock(Origin="null"), Admission)


@pytest.mark.parametrize("base", ["/", "/services/chat/"])
def test_the_chat_begins_where_it_was_told_to(base: str) -> None:
    door = Handshakes(base_path=base)
    assert door.knock(f"{base}room/physics").room == "physics"
    assert door.knock(f"{base}lab/15").lab == 15
    for outside in (f"{base}nowhere", f"{base}lab/0", f"{base}lab/16", "/other/room/physics"):
        assert door.knock(outside) == 404
    if base != "/":
        assert door.knock("/room/physics") == 404


@pytest.mark.parametrize(
    ("target", "fields", "expected"),
    [
        ("/?token=right", {}, True),
        ("/?token=right", OFFER, True),
        ("/", OFFER, False),  # hello may still bring it
        ("/", {}, 401),
        ("/?token=wrong", {}, 401),
        ("/?token=wrong", OFFER, 401),
        ("/?token=", OFFER, 401),
        ("/?token=wrong&token=right", OFFER, 401),
        ("/?token=wrong", OFFER | {"X-Forwarded-Proto": "https"}, False),  # that was the proxy's own
        ("/?token=wrong", {"X-Forwarded-For": "10.0.0.1"}, 401),
    ],
)
def test_where_the_token_may_come_from(target: str, fields: dict[str, str], expected: bool | int) -> None:
    found = Handshakes(token="right").knock(target, **fields)
    assert found == expected if isinstance(found, int) else found.is_trusted is expected


def test_no_token_is_too_odd_to_be_compared() -> None:
    """An operator's own may come from a command line in another encoding."""
    door = Handshakes(token="\udc80\ud800").door
    client: Any = Connection()
    assert door.opens("\udc80\ud800", client)
    for offered in ("", "\ud800", "รหัส", "x" * 100_000, None):
        assert not door.opens(offered, client)


def test_who_guesses_tokens_has_to_wait_and_the_others_have_not() -> None:
    """A hundred at once, then one a second, also for the right one: else nobody who guesses would have to wait."""
    house, now = Handshakes(token="right"), 1000.0
    house.door.throttle = Throttle(clock=lambda: now)
    assert isinstance(house.knock("/?token=right"), Admission)
    for number in range(100):
        assert house.knock(f"/?token={number}", **(OFFER if number % 2 else {})) == 401
    assert isinstance(house.knock("/?token=right"), Admission)  # the first hundred are forgiven
    assert house.knock("/?token=100") == 401
    through_a_proxy = OFFER | {"X-Forwarded-For": "10.0.0.1"}
    assert {house.knock(f"/?token={word}") for word in ("wrong", "right")} == {429}
    assert {house.knock(f"/?token={word}", **through_a_proxy).is_trusted for word in ("wrong", "right")} == {False}
    warning = house.warnings[-1]
    assert isinstance(warning, TurnedAway) and warning.who == "192.0.2.7" and "1" in warning.sentence("th")
    assert house.knock("/") == 401  # no token is no guess
    somebody_else: Any = Connection()
    somebody_else.remote_address = ("192.0.2.8", 50_000)
    assert house.door.opens("right", somebody_else)
    now += 1.0
    assert isinstance(house.knock("/?token=right"), Admission)


def test_a_proxys_own_token_is_no_guess() -> None:
    house = Handshakes(token="right")
    for _ in range(200):
        assert not house.knock("/?token=jupyter", **OFFER, **{"X-Forwarded-For": "10.0.0.1"}).is_trusted
    assert isinstance(house.knock("/?token=right"), Admission)


def test_only_so_many_addresses_are_remembered() -> None:
    throttle = Throttle(clock=lambda: 1.0)
    often, *others = (str(ip_address("10.0.0.0") + number) for number in range(1_400))
    for address in [often] * 100 + others:
        throttle.check(address, False)
        assert len(throttle.paid) <= 1_000
    assert often not in throttle.paid and others[-1] in throttle.paid


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "?"])
def test_this_machine_never_waits(address: str) -> None:
    """A reverse proxy or a Hub on it brings a whole class from one address."""
    throttle = Throttle(clock=lambda: 1.0)
    assert not any(throttle.check(address, False) for _ in range(1_000))
    assert throttle.check(address, True)


def test_a_full_house_takes_the_next_one_when_one_has_left() -> None:
    house = Handshakes(most=1)
    house.door.inside.add(guest := object())
    assert house.knock() == 503
    house.door.inside.remove(guest)
    assert isinstance(house.knock(), Admission)


def test_the_operator_is_told_who_was_refused_and_why() -> None:
    house = Handshakes()
    house.knock(Origin="http://evil.example")
    house.knock()
    [warning] = house.warnings
    assert isinstance(warning, TurnedAway)
    assert (warning.status, warning.who) == (403, "192.0.2.7")
    assert "http://evil.example" in warning.sentence("th")


@pytest.mark.parametrize(
    ("offered", "dialect"),
    [
        ("chatkit.v1", JSON),
        ("mqtt, chatkit.v1", JSON),
        (" chatkit.v1 ,mqtt", JSON),
        ("chatkit.v2", PLAIN),
        ("chatkit.v1x", PLAIN),
        ("", PLAIN),
    ],
)
def test_the_dialect_is_what_was_offered(offered: str, dialect: object) -> None:
    assert dialect_offered(Request("/", Headers({"Sec-WebSocket-Protocol": offered}))) is dialect


def test_the_door_knows_how_many_labs_there_are() -> None:
    assert list(labs()) == list(range(1, LABS + 1))
