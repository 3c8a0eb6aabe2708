"""The project agrees with itself: versions, layers, exports, texts, and no trace of the machine it was written on."""

import ast
import importlib
import json
import re
import string
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.needs import ROOT

KIT = ROOT / "chatkit"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]

# --- versions ---------------------------------------------------------------------------------------------------------


def requirements() -> list[Requirement]:
    """Everything pyproject.toml asks for, extras included; an extra may ask for another extra of ours."""
    extras = PROJECT["optional-dependencies"].values()
    needs = [Requirement(line) for line in sum(extras, PROJECT["dependencies"])]
    return [need for need in needs if need.name != PROJECT["name"]]


def pins() -> dict[str, Version]:
    """constraints.txt as {canonical name: version}."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def environment() -> tuple[dict[str, SpecifierSet], list[str]]:
    """environment.yml as (conda's packages, pip's lines)."""
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    packages = map(Requirement, conda)
    return {package.name: package.specifier for package in packages}, pip["pip"]


@pytest.mark.parametrize("need", requirements(), ids=lambda need: need.name)
def test_every_dependency_is_pinned_within_its_range(need: Requirement) -> None:
    pin = pins().get(canonicalize_name(need.name))
    assert pin is not None, f"constraints.txt does not pin {need.name}"
    assert need.specifier.contains(pin), (
        f"constraints.txt pins {need.name} {pin}, pyproject.toml wants {need.specifier}"
    )


@pytest.mark.parametrize("name", pins())
def test_every_pin_installs_on_the_oldest_python(name: str) -> None:
    """Debian 12 comes with 3.11.2: a pin that wants 3.11.5 would stop `make lab` there."""
    try:
        wanted = metadata(name).get("Requires-Python", "")
    except PackageNotFoundError:
        pytest.skip("not needed on this system")
    assert SpecifierSet(wanted).contains("3.11.0")


def test_constraints_are_exact_pins_in_order() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    assert [line for line in pinned if not re.fullmatch(r"[\w.-]+==[\w.+]+", line)] == []
    names = [canonicalize_name(line.split("==")[0]) for line in pinned]
    assert names == sorted(set(names))


def test_conda_installs_the_pinned_versions_and_this_project() -> None:
    _, pip = environment()
    assert {"-c constraints.txt", "-e .[test]"} <= set(pip)
    heart = [Requirement(line) for line in pip if not line.startswith("-")]
    assert {"websockets", "jupyterlab", "ipywidgets", "anywidget", "nbval"} <= {package.name for package in heart}
    differ = {str(p): str(pins()[p.name]) for p in heart if str(p.specifier) != f"=={pins()[p.name]}"}
    assert differ == {}, "environment.yml and constraints.txt differ"


def test_conda_takes_a_python_the_project_takes() -> None:
    conda, _ = environment()
    at_least = {spec.version for spec in conda["python"] if spec.operator == ">="}
    assert PROJECT["requires-python"] == f">={at_least.pop()}"


# --- nothing of the machine -------------------------------------------------------------------------------------------

MACHINE = re.compile(
    r"/(root|home/(?!mali/)\w+|Users/\w+|opt|work|tmp/\w+)/|[A-Z]:\\Users\\|\bfile://"  # paths; Mali is invented
    r"|--(extra-)?index-url|--find-links|--registry|\"resolved\":"  # where packages came from
    r"|\b(files\.pythonhosted\.org|pypi\.org/simple|registry\.\w+\.\w+|deb\.debian\.org)\b"
)


def own_files() -> list[Path]:
    """Every file that is or would be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("needs a git clone to know which files are the project's")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_machine_path_or_a_registry() -> None:
    found = []
    for path in own_files():
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_bytes().decode("utf-8", "ignore").splitlines(), 1):
            if path.suffix != ".png" and (match := MACHINE.search(line)):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match[0]}")
    assert found == []


# --- layers and exports -----------------------------------------------------------------------------------------------

# What each module, and each folder, may import from the kit: what stands above it here. No exemptions.
# `texts` is a leaf that everyone may import. The picture in ARCHITECTURE.md is made from this table.
LEAVES = frozenset({"errors", "limits", "spelling", "addresses", "place", "events"})
HEART = frozenset("events messages dialects log fanout rooms hub door session server memory client".split())
LAYERS: dict[str, frozenset[str]] = {
    # leaves
    "texts": frozenset(),
    "limits": frozenset(),
    "sources": frozenset(),
    "place": frozenset(),
    "errors": frozenset({"limits"}),
    "connections": frozenset(),
    "recipe": frozenset({"errors"}),
    "logfile": frozenset({"errors"}),
    "throttle": frozenset({"errors"}),
    "spelling": frozenset({"errors", "limits", "events"}),
    "addresses": frozenset({"errors", "limits", "spelling", "place"}),
    "lite": frozenset({"errors", "addresses"}),  # under the heart in a browser, where no sockets are
    # the heart
    "events": frozenset(),
    "messages": LEAVES,
    "dialects": LEAVES | {"messages"},
    "log": LEAVES | {"logfile"},
    "fanout": LEAVES,
    "rooms": LEAVES | {"messages", "dialects", "log", "fanout"},
    "hub": LEAVES | {"messages", "dialects", "log", "fanout", "rooms"},
    "web": frozenset({"errors", "limits"}),
    "wire": LEAVES,
    "labs": LEAVES
    | {"messages", "dialects", "wire", "logfile"},  # opened by the server when the first client asks for one
    "door": LEAVES | {"throttle", "messages", "dialects", "web"},
    "session": LEAVES | {"connections", "messages", "dialects", "fanout", "rooms", "hub", "door"},
    "server": LEAVES | {"connections", "recipe", "messages", "log", "fanout", "hub", "door", "session", "labs", "web"},
    "memory": LEAVES | {"messages", "dialects"},
    "client": LEAVES | {"recipe", "messages", "memory"},
    # wings
    "exercises": LEAVES,
    "exercises.checks": LEAVES | {"server", "client"},  # what the notebooks of the exercises use
    "panels": LEAVES | {"server", "client", "wire", "labs"},
    "tools": LEAVES | HEART | {"web", "wire", "exercises", "panels", "labs", "sources"},
    # the package itself
    "__init__": LEAVES | {"client", "server", "sources", "tools"},
    "__main__": frozenset({"tools"}),
}


@cache
def modules() -> dict[str, Path]:
    """{dotted name below chatkit: file} of every module of the kit."""
    paths = sorted(KIT.rglob("*.py"))
    return {".".join(path.relative_to(KIT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def runs_as_program(node: ast.stmt) -> bool:
    """Whether this is `if __name__ == "__main__":`, which an import never reaches; server and client alone have it."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def kit_imports(module: str, source: str) -> set[str]:
    """Modules of the kit that this source imports, anywhere in it; "" stands for the package itself."""
    package = ["chatkit", *module.split(".")]
    if modules()[module].name != "__init__.py" or module == "__init__":
        package.pop()
    layers = {name.split(".")[0] for name in modules()}
    found = set()
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not runs_as_program(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *(node.module.split(".") if node.module else [])])
            names = [f"{start}.{alias.name}" for alias in node.names] if start == "chatkit" else [start]
        else:
            continue
        for top, *rest in (name.split(".") for name in names):
            if top == "chatkit":
                found.add(rest[0] if rest and rest[0] in layers else "")
    return found


def upward(module: str, source: str) -> set[str]:
    """What this module imports against the direction of the layers."""
    layer = module.split(".")[0]
    allowed = LAYERS.get(".".join(module.split(".")[:2]), LAYERS.get(layer))
    assert allowed is not None, f"chatkit.{layer} is a new module: say in LAYERS what it may import"
    return kit_imports(module, source) - allowed - {"texts", layer}


@pytest.mark.parametrize("module", modules())
def test_dependency_goes_down_only(module: str) -> None:
    assert upward(module, modules()[module].read_text("utf-8")) == set()


@pytest.mark.parametrize(
    "line",
    [
        "import chatkit.server",
        "from chatkit.server import serve",
        "from chatkit import server",
        "from .server import serve",
        "from . import server",
        "def f():\n    from chatkit.server import serve",
        "from chatkit import serve",
    ],
)
def test_the_layer_test_sees_every_way_up(line: str) -> None:
    assert upward("hub", line) in ({"server"}, {""})


def test_the_layer_test_lets_the_ways_down_pass() -> None:
    assert (
        upward("hub", "import json\nfrom chatkit.log import Log\nfrom .texts import say\nfrom . import events") == set()
    )


@pytest.mark.parametrize("name", ["events", "messages", "dialects", "log", "hub", "memory"])
def test_nothing_awaits_in_what_decides(name: str) -> None:
    tree = ast.parse((KIT / f"{name}.py").read_text("utf-8"))
    assert [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)] == []


def test_only_the_two_commands_of_old_and_the_tool_of_authors_run_as_programs() -> None:
    trees = {name: ast.parse(path.read_text("utf-8")) for name, path in modules().items()}
    programs = [name for name, tree in trees.items() if any(map(runs_as_program, tree.body))]
    assert [name for name in sorted(programs) if not name.startswith("tools.")] == ["__main__", "client", "server"]


def is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imported(module: str, known: dict[str, Path]) -> set[str]:
    """The modules of the kit that this one imports when it is imported; dotted names."""
    tree = ast.parse(known[module].read_text("utf-8"))
    tree.body = [node for node in tree.body if not runs_as_program(node) and not is_for_types(node)]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("chatkit"):
            base = node.module.removeprefix("chatkit").lstrip(".")
            names = {f"{base}.{each.name}".lstrip(".") for each in node.names}
            found |= {name if name in known else base for name in names}
        elif isinstance(node, ast.Import):
            found |= {each.name.removeprefix("chatkit.") for each in node.names}
    return (found & known.keys()) - {module}


def test_no_circle_of_imports_not_even_inside_a_folder() -> None:
    known = {name: path for name, path in modules().items() if name != "__init__"}
    left = {name: imported(name, known) for name in known}
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]
    assert left == {}


def test_no_hasattr_and_no_typing_ignored_in_the_heart() -> None:
    for name in HEART:
        source = modules()[name].read_text("utf-8")
        assert "hasattr" not in source and "type: ignore" not in source, name


def public_modules() -> list[str]:
    """Packages say in `__all__` what a student imports; in a module of the heart every name is there to be read."""
    packages = ("chatkit", "exercises", "panels", "texts", "web", "wire")
    return [name for name, path in modules().items() if path.name == "__init__.py" and path.parent.name in packages]


@pytest.mark.parametrize("name", public_modules())
def test_every_exported_name_exists(name: str) -> None:
    module = importlib.import_module("chatkit" if name == "__init__" else f"chatkit.{name}")
    exported = getattr(module, "__all__", [])
    assert exported, f"{module.__name__} says in __all__ what is public in it"
    assert [export for export in exported if not hasattr(module, export)] == []
    assert len(exported) == len(set(exported))


@pytest.mark.parametrize("heavy", ["ipywidgets", "IPython", "anywidget", "nats", "uvloop"])
def test_importing_chatkit_does_not_import(heavy: str) -> None:
    program = f"import chatkit, sys; print({heavy!r} in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


# --- texts ------------------------------------------------------------------------------------------------------------

TEXTS = {lang: json.loads((KIT / "texts" / f"{lang}.json").read_text("utf-8")) for lang in ("en", "th")}
THAI = re.compile(r"[\u0e00-\u0e7f]")


def holes(sentence: str) -> set[str]:
    """The names in braces; raises ValueError where a brace is left open."""
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field is not None}


def test_both_languages_have_the_same_sentences() -> None:
    assert TEXTS["en"].keys() == TEXTS["th"].keys()


@pytest.mark.parametrize("key", sorted(TEXTS["en"].keys() & TEXTS["th"].keys()))
def test_a_sentence_has_the_same_holes_in_both_languages(key: str) -> None:
    assert holes(TEXTS["en"][key]) == holes(TEXTS["th"][key])


def test_each_language_is_in_its_own_script() -> None:
    assert [key for key, sentence in TEXTS["en"].items() if THAI.search(sentence)] == []
    assert [
        key for key, sentence in TEXTS["th"].items() if not THAI.search(sentence) and sentence != TEXTS["en"][key]
    ] == []


def spoken(tree: ast.AST) -> Iterator[ast.expr]:
    """The key of each `say(key)` of chatkit.texts."""
    nodes = list(ast.walk(tree))
    imports = (node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "chatkit.texts")
    verbs = {alias.name for node in imports for alias in node.names} & {"say"}
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in verbs and node.args:
            yield node.args[0]


def sources() -> list[ast.AST]:
    return [ast.parse(path.read_text("utf-8")) for path in modules().values()]


def test_every_spoken_sentence_exists() -> None:
    keys = {key.value for tree in sources() for key in spoken(tree) if isinstance(key, ast.Constant)}
    assert keys - TEXTS["en"].keys() == set()


def words(tree: ast.AST) -> Iterator[str]:
    """Keys that this code may speak: its string constants, and what an f-string like f"nack_{code}" can become."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr) and isinstance(start := node.values[0], ast.Constant):
            if re.fullmatch(r"[a-z]+_\w*", start.value):
                yield from (key for key in TEXTS["en"] if key.startswith(start.value))


def test_every_sentence_is_spoken_somewhere() -> None:
    spoken_words = {word for tree in sources() for word in words(tree)}
    for path in (*KIT.rglob("*.js"), *KIT.rglob("*.html")):
        script = path.read_text("utf-8")
        spoken_words |= set(re.findall(r"\w+", script))
        starts = tuple(re.findall(r"\b([a-z]+_\w*)\$\{", script))  # `page_${state}`
        spoken_words |= {key for key in TEXTS["en"] if key.startswith(starts)}
    assert TEXTS["en"].keys() - spoken_words == set()
