"""The learner's own copies of the lessons: without outputs, so that no answer is seen before the guess.

The course is a tree (`notebooks/` and the papers that they link to), and the copy has the same shape, so every link
works in it. Beside the copies lies a list of what was handed out. A copy that still is what it was when it was handed
out is replaced when its original becomes newer; one that was changed is never touched, and the newer original is put
beside it. What a notebook says counts, not what it printed: to run a lesson is not to change it.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path, PurePosixPath
from typing import Any

__all__ = ["Copies", "Handed", "course", "default_folder", "is_lesson"]

LIST = ".chatkit.json"  # {"notebooks/00_hello_room.ipynb": digest of what was handed out}
SUFFIXES = (".ipynb", ".md", ".png", ".svg", ".jpg", ".css", ".yaml", ".bru", ".http", ".json")  # the labs' files, too
KIT = Path(__file__).resolve().parent.parent


@dataclass
class Handed:
    """What was done: files new in the folder, replaced, left alone, and laid beside `{changed: its newer original}`."""

    new: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    beside: dict[str, str] = field(default_factory=dict)


def course() -> Path | None:
    """Where the originals lie: in the clone around the package, or in an installed wheel; None where they are not."""
    for place in (KIT.parent, KIT / "course"):
        if (place / "notebooks" / "index.ipynb").is_file():
            return place
    return None


def default_folder() -> Path:
    """`my-lessons` in a clone; in the home directory where the kit is an installed package."""
    clone = KIT.parent
    return clone / "my-lessons" if (clone / "pyproject.toml").is_file() else Path.home() / "chatkit-lessons"


class Copies:
    """The copies in one folder, as a learner left them."""

    def __init__(self, originals: Path, folder: Path) -> None:
        self.originals, self.folder = originals, folder
        self.handed_out: dict[str, str] = {}
        with suppress(OSError, ValueError, TypeError):  # no list: then every copy counts as changed
            self.handed_out = dict(json.loads((folder / LIST).read_text("utf-8")))

    def hand_out(self) -> Handed:
        """Bring the folder up to date; nothing that the learner wrote is overwritten."""
        done = Handed()
        for name in self.names():
            self.renew(name, done)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / LIST).write_text(json.dumps(self.handed_out, indent=1, sort_keys=True) + "\n", "utf-8")
        return done

    def start_over(self) -> Path | None:
        """Take everything away that was handed out; what was changed goes into the folder that is returned."""
        old = next(path for number in count(1) if not (path := self.folder / f"old-{number}").exists())
        for name in list(self.handed_out):
            path = self.folder / name
            if self.is_changed(name):
                (old / name).parent.mkdir(parents=True, exist_ok=True)
                path.rename(old / name)
            else:
                path.unlink(missing_ok=True)
            del self.handed_out[name]
        return old if old.exists() else None

    def names(self) -> Iterator[str]:
        """Each file of the course, as its path in the tree."""
        lessons = (self.originals / "notebooks").rglob("*")
        for path in sorted((*self.originals.glob("*.md"), *lessons)):
            if path.suffix in SUFFIXES and ".ipynb_checkpoints" not in path.parts:
                yield path.relative_to(self.originals).as_posix()

    def renew(self, name: str, done: Handed) -> None:
        """Copy one file where that is due."""
        text = without_outputs((self.originals / name).read_bytes(), name)
        versions = self.versions(name)
        there = [each for each in versions if (self.folder / each).exists()]
        if name not in there:
            self.write(name, text, done.new)
        elif self.has(digest(text, name), versions):
            done.kept.append(name)
        elif not self.is_changed(last := there[-1]):
            self.write(last, text, done.renewed)
        else:
            done.beside[last] = version(name, len(versions))
            self.write(done.beside[last], text, [])

    def has(self, wanted: str, versions: list[str]) -> bool:
        """Whether this very version was handed out before, or lies there from elsewhere."""
        for each in versions:
            if (self.folder / each).exists() and self.digest(each) == wanted:
                self.handed_out[each] = wanted
        return wanted in map(self.handed_out.get, versions)

    def versions(self, name: str) -> list[str]:
        """The copy of a file, and what was laid beside it over time."""
        candidates = (version(name, number) for number in count())
        return list(takewhile(lambda each: each in self.handed_out or (self.folder / each).exists(), candidates))

    def is_changed(self, name: str) -> bool:
        """Whether a copy is no longer what was handed out; one that is not there was not changed."""
        return (self.folder / name).exists() and self.digest(name) != self.handed_out.get(name)

    def digest(self, name: str) -> str:
        return digest((self.folder / name).read_bytes(), name)

    def write(self, name: str, text: bytes, done: list[str]) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        self.handed_out[name] = digest(text, name)
        done.append(name)


def is_lesson(name: str) -> bool:
    """Whether a file of the course is a lesson: a notebook, and not the page of links."""
    path = PurePosixPath(name)
    return path.suffix == ".ipynb" and path.stem != "index"


def version(name: str, number: int) -> str:
    """The name of the copy itself (0), and of what lies beside it: `03_frames_new.ipynb`, `03_frames_new2.ipynb` …"""
    path = PurePosixPath(name)
    return str(path.with_stem(f"{path.stem}_new{number if number > 1 else ''}")) if number else name


def without_outputs(data: bytes, name: str) -> bytes:
    """A notebook as nobody has run it; any other file as it is."""
    if not name.endswith(".ipynb"):
        return data
    notebook: dict[str, Any] = json.loads(data)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()


def digest(data: bytes, name: str) -> str:
    """What tells two versions apart: a notebook's cells without what they printed, any other file byte for byte."""
    if name.endswith(".ipynb"):
        with suppress(ValueError, KeyError, TypeError):  # no notebook any more: then its bytes count
            cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(data)["cells"]]
            data = json.dumps(cells).encode()
    return hashlib.sha256(data).hexdigest()[:16]
