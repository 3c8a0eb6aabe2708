"""What stands beside the code for who works on it: the files it names are there, and the versions agree."""

import json
import re
import tomllib

import pytest
import yaml

from chatkit.tools.cli import parser
from chatkit.tools.options import BadOption
from tests.needs import ROOT

PAPERS = {name: (ROOT / name).read_text("utf-8") for name in ("CONTRIBUTING.md", "SECURITY.md")}
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TARGETS = set(re.findall(r"^(\w+):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("name", PAPERS)
def test_every_file_that_is_named_is_there(name: str) -> None:
    named = re.findall(r"`((?:[\w.]+/)+[\w.]*)`|\]\(([^)#:]+)\)", PAPERS[name])
    files = [first or second for first, second in named]
    assert len(files) > 1 and [file for file in files if "NN_" not in file and not (ROOT / file).exists()] == []


@pytest.mark.parametrize("name", PAPERS)
def test_every_section_speaks_thai_too(name: str) -> None:
    for section in re.split(r"^#+ ", PAPERS[name], flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        assert "·" in heading and re.search("[ก-๙]", heading) and re.search("[ก-๙]", body), heading


def test_every_make_target_that_is_named_is_there_and_help_lists_them_all() -> None:
    named = set(re.findall(r"\bmake (\w+)`|^make (\w+)", "".join(PAPERS.values()), re.MULTILINE))
    assert {first or second for first, second in named} <= TARGETS
    assert set(re.findall(r"make (\w+)", MAKEFILE.split("help:\n")[1].split("\nlab:")[0])) == TARGETS - {
        "help",
        "clients",
    }


def test_every_option_that_is_named_is_there() -> None:
    for option in set(re.findall(r"--[a-z-]+", PAPERS["SECURITY.md"])) - {"--json"}:
        try:
            parser().parse_args(["serve", option])
        except BadOption as error:  # it wants a value
            assert error.key == "cli_no_value", option


def test_the_lesson_tool_has_every_verb_that_is_named() -> None:
    verbs = set(re.findall(r"chatkit\.tools\.lessons (\w+)", PAPERS["CONTRIBUTING.md"]))
    source = (ROOT / "chatkit" / "tools" / "lessons.py").read_text("utf-8")
    assert verbs == {"new", "stamp", "execute", "check"} and all(f"def {verb}(" in source for verb in verbs)


def test_ci_runs_every_python_that_the_project_names() -> None:
    named = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)}
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    job = workflow["jobs"]["test"]
    assert set(job["strategy"]["matrix"]["python"]) == named
    assert PROJECT["requires-python"] == f">={min(named, key=lambda version: int(version[2:]))}"
    assert [step["run"] for step in job["steps"] if step.get("run", "").startswith(".ci/")] == [".ci/run"]
    assert all(version in PAPERS["CONTRIBUTING.md"] for version in named)


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])


def test_the_devcontainer_makes_what_make_makes() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert container["postCreateCommand"] == "make .venv/installed" and 8765 in container["forwardPorts"]
