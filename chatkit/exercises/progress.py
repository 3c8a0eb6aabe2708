"""What a learner has done, on the learner's own machine: `progress.json` in the folder that `home()` names.

    {"03_server_and_client": {"exercises": {"q1": {"tries": 4, "hints": 1, "seed": 7, "wrong": {"once": 2}}},
                              "guesses":   {"bob_hears": {"picked": 2, "saw": 1}},
                              "recall":    {"localhost": {"right": 1, "wrong": 0}}}}

An exercise that is solved has `"solved": "own"`, or "gaps", or "lines": the deepest of the three ways it was done in.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from chatkit.place import in_browser

Facts = dict[str, Any]


def home() -> Path:
    """$CHATKIT_HOME, else `.chatkit` in the home directory.

    In the browser's own Python the home directory is gone with the page, and `/drive` stays.
    """
    if named := os.environ.get("CHATKIT_HOME"):
        return Path(named)
    drive = Path("/drive")
    return (drive if in_browser() and drive.is_dir() else Path.home()) / ".chatkit"


def load() -> dict[str, Any]:
    """Everything that is kept; empty where the file is missing or is not ours to understand."""
    try:
        found = json.loads((home() / "progress.json").read_text("utf-8"))
    except (OSError, ValueError, RuntimeError):  # RuntimeError: nobody knows where home is
        return {}
    return found if isinstance(found, dict) else {}


def facts(lesson: str, kind: str) -> dict[str, Facts]:
    """What is kept of a lesson's "exercises", "guesses" or "recall", by name."""
    found = table(table(load(), lesson), kind)
    return {name: each for name, each in found.items() if isinstance(each, dict)}


def keep(lesson: str, kind: str, name: str, **news: object) -> None:
    """Keep some facts of one exercise, guess or question; None forgets one.

    A home that cannot be written to is no reason to fail.
    """
    everything = load()
    lesson_table = everything[lesson] = table(everything, lesson)
    kind_table = lesson_table[kind] = table(lesson_table, kind)
    merged = {**table(kind_table, name), **news}
    kind_table[name] = {fact: value for fact, value in merged.items() if value is not None}
    with suppress(OSError, RuntimeError):
        draft = home() / f"progress.{os.getpid()}"
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(everything, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
        draft.replace(home() / "progress.json")


def bring(path: str | Path) -> None:
    """Take over the progress in a file that `course()` gave in another browser; what both know is as the file says.

    OSError where there is no such file, ValueError where it is something else.
    """
    brought = json.loads(Path(path).read_text("utf-8"))
    for lesson, kinds in brought.items():
        for kind, names in kinds.items():
            for name, news in names.items():
                keep(lesson, kind, name, **news)


def table(tables: dict[str, Any], name: str) -> dict[str, Any]:
    """One table in another; empty where something else stands there."""
    found = tables.get(name)
    return found if isinstance(found, dict) else {}


def solved(lesson: str) -> dict[str, str]:
    """The solved exercises of a lesson by name, and in which of the three ways: "own", "gaps" or "lines"."""
    found = {name: each.get("solved") for name, each in facts(lesson, "exercises").items()}
    return {name: way for name, way in found.items() if isinstance(way, str)}
