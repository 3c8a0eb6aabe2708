"""The client's half without a socket, on the script that every client of `chatkit.v1` must pass."""

import json
from typing import Any

import pytest

from chatkit.errors import BadText, ChatError, Refused, Rejected
from chatkit.events import Event, Who
from chatkit.limits import CLOSE_CODES
from chatkit.memory import Gap, Memory, Outcome, PlainMemory
from chatkit.spelling import label
from tests.needs import ROOT

SCRIPT = json.loads((ROOT / "tests" / "conformance" / "client.json").read_text("utf-8"))
WORDS = {code.code: word for word, code in CLOSE_CODES.items()}


class Run:
    """One scenario: `ids` are those that our client chose, by the names that the script gives them."""

    def __init__(self, client: dict[str, Any]) -> None:
        self.memory = Memory(client["name"], client.get("token"), client.get("after"))
        self.ids: dict[str, str] = {}
        self.state = "connecting"

    def step(self, step: dict[str, Any]) -> None:
        self.settled: list[tuple[str, Outcome]] = []
        self.found: dict[str, Any] = {"send": [], "show": [], "line": "up"}
        self.act(step)
        if (text := self.memory.next() if not self.memory.pause and self.found["line"] == "up" else None) is not None:
            self.found["send"].append(json.loads(text))
        self.compare(step)

    def act(self, step: dict[str, Any]) -> None:
        match step:
            case {"open": True}:
                self.state = "connecting"
                self.found["send"].append(json.loads(self.memory.hello() or "null"))
            case {"hear": message}:
                self.hear(json.dumps(self.filled(message)))
            case {"write": text, "as": name}:
                self.write(self.filled(text), name)
            case {"waited": True}:
                self.memory.pause = 0.0
            case {"drop": code}:
                self.drop(self.memory.hang_up(code))

    def hear(self, message: str) -> None:
        try:
            self.found["show"] = [shown(event) for event in self.memory.hear(message)]
        except Gap:
            self.drop(None)
        except (Refused, Rejected) as problem:
            self.drop(problem)
        else:
            self.state = "open" if self.memory.is_open else self.state
        if self.memory.pause:
            self.found["pause_ms"] = round(self.memory.pause * 1000)

    def write(self, text: str, name: str) -> None:
        try:
            unsent = self.memory.write(text, lambda outcome: self.settled.append((name, outcome)))
        except BadText as refused:
            self.found["refused"] = refused.code
        else:
            self.ids[name] = unsent.id

    def drop(self, problem: ChatError | None) -> None:
        """The line is gone: for now, or for good."""
        self.memory.hang_up()
        is_over = problem is not None and problem.is_final
        if isinstance(problem, Rejected) and not self.memory.epoch and problem.retry_ms is None:
            is_over = True
        self.found["line"], self.state = ("over", "closed") if is_over else ("again", "reconnecting")
        if is_over:
            self.found["reason"] = problem.code if isinstance(problem, Rejected) else WORDS[problem.code]  # type: ignore[union-attr]

    def compare(self, step: dict[str, Any]) -> None:
        wanted = self.filled({key: step.get(key, "up" if key == "line" else []) for key in ("send", "line")})
        assert {key: self.found[key] for key in wanted} == wanted
        assert_within(self.found["show"], self.filled(step.get("show", [])))
        assert_within(
            [told(self.ids[name], outcome) for name, outcome in self.settled], self.filled(step.get("settled", []))
        )
        for key in ("refused", "pause_ms", "reason"):
            assert self.found.get(key) == step.get(key), key
        assert_within(self.known(), self.filled(step.get("then", {})))

    def known(self) -> dict[str, Any]:
        memory = self.memory
        return {
            "state": self.state,
            "you": memory.you,
            "name": memory.name,
            "room": memory.room,
            "last": memory.last,
            "members": {who.id: who.name for who in memory.members.values()},
            "count": memory.count,
            "outbox": [unsent.id for unsent in memory.outbox],
        }

    def filled(self, value: Any) -> Any:
        """`$A` is an id of ours; {"like": …} begins with a message of the script; {"times": n, "text": t} is long."""
        match value:
            case {"times": int(count), "text": str(text)}:
                return text * count
            case {"like": str(name), **rest}:
                return self.filled(SCRIPT["messages"][name] | rest)
            case dict():
                return {key: self.filled(each) for key, each in value.items()}
            case list():
                return [self.filled(each) for each in value]
            case str() if value.startswith("$"):
                return self.ids[value[1:]]
        return value


def shown(event: Event) -> dict[str, Any]:
    who = {"id": event.who.id, "name": event.who.name}
    return {"type": event.type, "seq": event.seq, "id": event.id, "who": who, "ts": event.ts, "text": event.text}


def told(id: str, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, int):
        return {"id": id, "seq": outcome}
    return {"id": id, "code": getattr(outcome, "code", ""), "message": outcome.said.each()}


def assert_within(found: Any, wanted: Any) -> None:
    """All that is wanted is found; a dict that was found may hold more. But members are wanted exactly."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, each in wanted.items():
            assert found[key] == each if key == "members" else (assert_within(found[key], each) or True), key
    elif isinstance(wanted, list) and isinstance(found, list):
        assert len(found) == len(wanted), (found, wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_within(one, other)
    else:
        assert found == wanted


@pytest.mark.parametrize("scenario", SCRIPT["scenarios"], ids=lambda scenario: scenario["name"])
def test_scenario(scenario: dict[str, Any]) -> None:
    run = Run(scenario["client"])
    for number, step in enumerate(scenario["steps"]):
        try:
            run.step(step)
        except AssertionError as error:
            raise AssertionError(f"step {number}: {json.dumps(step, ensure_ascii=False)[:300]}") from error


# --- what is our own -----------------------------------------------------------------------------------------------


def test_equal_looking_names_get_a_piece_of_their_ids() -> None:
    mali, twin, nok = Who("p1234aaaa", "Mali"), Who("p1234bbbb", "Маli"), Who("p1234cccc", "Nok")
    everybody = [mali, twin, nok, Who("p1", "Someone"), Who("p2", "Someone")]
    assert [label(who, everybody) for who in (mali, twin, nok)] == ["Mali #aaaa", "Маli #bbbb", "Nok"]


def test_a_plain_line_with_many_lines_is_its_own_receipt() -> None:
    memory, outcomes = PlainMemory("Mali"), list[Outcome]()
    memory.hello()
    memory.write("one\ntwo", outcomes.append)
    assert memory.next() == "one\ntwo"
    assert [event.text for event in memory.hear("Nok says: one")] == ["Nok says: one"]
    assert outcomes == []
    memory.hear("You said: one\n│ two")
    assert outcomes == [0]
