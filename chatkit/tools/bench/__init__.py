"""`chatkit bench`: how fast is the server on this machine, and beside what?

Each server runs in a process of its own on the first core; the load comes from this process on the others. Speed
differs from machine to machine and from minute to minute, so the rounds are interleaved, the median counts, and the
ratios are what to quote. Loopback only, and nothing here passes or fails.
"""

import argparse
import json
import selectors
import sys
from collections.abc import Callable
from typing import Any

from chatkit.limits import files_left
from chatkit.texts import Sentence, say
from chatkit.tools.bench import runs
from chatkit.tools.bench.load import TEXT, full_room
from chatkit.tools.bench.report import page, section
from chatkit.tools.bench.servers import BASELINE, KINDS, own_core, server
from chatkit.tools.options import BadOption, Parser, a_count, add_lang, language

__all__ = ["add_options", "bench", "measure"]

Rows = dict[str, list[runs.Figures]]
Tell = Callable[[Sentence], None]

CLASS, CLASS_RATE, CLASS_SECONDS = 1_000, 200, 5  # each student one message in 5 seconds
READERS, LEARNERS, TALK_RATE = 30, 100, 20
SPARE_FILES = 64  # that this process needs beside its clients


def add_options(parser: Parser) -> None:
    parser.add_argument("--clients", metavar="N", type=a_count, default=200, help="help_bench_clients")
    parser.add_argument("--messages", metavar="N", type=a_count, default=1_000, help="help_bench_messages")
    parser.add_argument("--json", action="store_true", help="help_bench_json")
    add_lang(parser)


def measure(options: argparse.Namespace) -> int:
    """The command: the figures on standard output, what it is doing on standard error."""
    lang = options.lang or language()

    def tell(step: Sentence) -> None:
        print(step.in_(lang), file=sys.stderr, flush=True)

    try:
        figures = bench(options.clients, options.messages, tell=tell)
    except TimeoutError:
        raise BadOption("bench_stuck", code=1) from None
    print(json.dumps(figures) if options.json else page(figures, lang))
    return 0


def bench(
    clients: int = 200, messages: int = 1_000, rounds: int = 3, class_size: int = CLASS, tell: Tell = lambda step: None
) -> dict[str, Any]:
    """Measure everything; one to three minutes.

    clients: in the room. messages: in each flood, fewer where 2 seconds are over, and in the log that is replayed.
    class_size: clients of the class, where everybody speaks in turn, 200 messages a second for 5 seconds.
    tell: is told what is measured next.
    """
    clients, class_size = (int(min(each, most_clients())) for each in (clients, class_size))
    said = min(messages, CLASS_RATE * CLASS_SECONDS)
    with own_core() as core:
        speed, joins = compare(core, clients, messages, rounds, tell)
        figures: dict[str, Any] = {"speed": section(speed, BASELINE), "joins": section(joins, BASELINE)}
        tell(say("bench_doing_class", size=class_size))
        figures["class"] = {"size": class_size, "rate": CLASS_RATE}
        figures["class"] |= section(a_class(core, class_size, said), BASELINE)
        tell(say("bench_doing_replay"))
        figures["replay"] = {"readers": READERS} | section(beside(core, "replay", clients, messages), "alone")
        tell(say("bench_doing_labs"))
        figures["labs"] = {"learners": LEARNERS} | section(beside(core, "labs", clients, messages), "alone")
    return {"clients": clients, "messages": messages, "rounds": rounds, "text_bytes": len(TEXT), **figures}


def most_clients() -> float:
    """As many as this process may open files for; on Windows `select` takes 512."""
    return 400 if issubclass(selectors.DefaultSelector, selectors.SelectSelector) else files_left() - SPARE_FILES


def compare(core: int | None, clients: int, messages: int, rounds: int, tell: Tell) -> tuple[Rows, Rows]:
    """Floods and joins of every server, in interleaved rounds."""
    speed: Rows = {kind: [] for kind in KINDS}
    joins: Rows = {kind: [] for kind in KINDS}
    for number in range(rounds):
        tell(say("bench_doing_round", number=number + 1, rounds=rounds))
        for kind in KINDS:
            with server(kind, core) as running:
                measured = runs.speed(running, kind, clients, messages)
            with server(kind, core, counts=True) as running:
                per_write = runs.writes(running, kind, clients, max(1, messages // 10))
            speed[kind].append({**measured, "per_write": per_write})
            joins[kind].append(coming_in(core, kind, clients))
    return speed, joins


def coming_in(core: int | None, kind: str, clients: int) -> runs.Figures:
    """Joins, and how the CPU of each grows from a quarter of the people to all: 1 is linear, 4 is quadratic."""
    few = max(1, clients // 4)
    with server(kind, core) as running:
        small = runs.joins(running, kind, few)
    with server(kind, core) as running:
        large = runs.joins(running, kind, clients)
    return {**large, "growth": large["burst_cpu_us"] / max(small["burst_cpu_us"], 0.001)}


def a_class(core: int | None, size: int, messages: int) -> Rows:
    """A large room where everybody speaks in turn, with and without the kit."""
    rows: Rows = {}
    for kind in (BASELINE, "json_file"):
        with server(kind, core) as running, full_room(running.port, kind, size) as room:
            rows[kind] = [runs.talk(room, messages, CLASS_RATE)]
    return rows


def beside(core: int | None, what: str, clients: int, messages: int) -> Rows:
    """A talk alone, and beside many readers of the log or many learners in a lab."""
    said = min(messages, 5 * TALK_RATE)
    with server("json", core) as running:
        if what == "replay":
            rows = runs.replay(running, clients, messages, READERS, said, TALK_RATE)
        else:
            rows = runs.beside_labs(running, min(clients, 100), LEARNERS, said, TALK_RATE)
    return {row: [figures] for row, figures in rows.items()}
