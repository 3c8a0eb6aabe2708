"""`chatkit lab`: JupyterLab on the learner's own copies of the lessons."""

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import quote

from chatkit.texts import LANGUAGES, say
from chatkit.tools import options as kinds
from chatkit.tools.copies import Copies, Handed, course, default_folder, is_lesson
from chatkit.tools.options import BadOption, Parser, add_lang, language

__all__ = ["add_options", "open_lab"]

FIRST_NOTEBOOK = "00_hello_room.ipynb"
SETTINGS = Path(__file__).with_name("jupyter")


def add_options(parser: Parser) -> None:
    add = parser.add_argument
    add("notebook", metavar="NOTEBOOK", nargs="?", default=FIRST_NOTEBOOK, help="help_notebook")
    add_lang(parser, (*LANGUAGES, "both"), "help_lab_lang")
    add("--folder", metavar="F", type=Path, help="help_folder")
    add("--fresh", action="store_true", help="help_fresh")
    add("--port", metavar="N", type=kinds.a_port, help="help_lab_port")
    add("--no-browser", action="store_true", help="help_no_browser")


def open_lab(options: argparse.Namespace) -> int:
    """Bring the copies up to date, then open JupyterLab on one of them."""
    try:
        from jupyterlab.labapp import LabApp
    except ImportError:
        raise BadOption("cli_no_lab", code=1, python=sys.executable) from None
    lang = options.lang or language()
    folder = lessons(options.folder, options.fresh, lang)
    notebook = find_notebook(options.notebook, folder)
    os.environ["CHATKIT_LANG"] = options.lang or os.environ.get("CHATKIT_LANG", "both")  # for the kernels
    # Defaults of ours, below the learner's own settings: no box that asks about news over the corner of a lesson.
    also = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [str(SETTINGS), also]))
    print(say("lab_opening", notebook=notebook.name).in_(lang), flush=True)
    LabApp.launch_instance(jupyter_options(notebook, folder, options))
    return 0


def lessons(folder: Path | None, is_fresh: bool, lang: str) -> Path:
    """The folder with the copies, up to date; says in a line or two what was done there."""
    folder = (folder or default_folder()).expanduser().resolve()
    originals = course()
    if originals is None:
        raise BadOption("lab_no_lessons", code=1)
    try:
        copies = Copies(originals, folder)
        old = copies.start_over() if is_fresh else None
        handed = copies.hand_out()
    except OSError as error:
        raise BadOption("lab_bad_folder", code=1, folder=str(folder), reason=error.strerror or str(error)) from None
    if old:
        print(say("lab_old", folder=str(old)).in_(lang))
    tell(handed, folder, lang)
    return folder


def tell(handed: Handed, folder: Path, lang: str) -> None:
    """One line for the folder, and one for each newer lesson that lies beside a changed one."""
    done = {each: getattr(handed, each) for each in ("new", "renewed", "kept")}
    counts = {each: sum(map(is_lesson, names)) for each, names in done.items()}
    print(say("lab_lessons", folder=str(folder), **counts).in_(lang), flush=True)
    for changed, newer in handed.beside.items():
        print(say("lab_beside", changed=Path(changed).name, newer=Path(newer).name).in_(lang), flush=True)


def find_notebook(name: str, folder: Path) -> Path:
    """A notebook by its name among the copies, or by its path."""
    file = Path(name) if name.endswith(".ipynb") else Path(f"{name}.ipynb")
    for found in (folder / "notebooks" / file, folder / file, file):
        if found.is_file():
            return found.resolve()
    raise BadOption("cli_no_notebook", code=1, name=name, folder=str(folder))


def jupyter_options(notebook: Path, folder: Path, options: argparse.Namespace) -> list[str]:
    """JupyterLab's own options; its root is the whole folder, because lessons link to the papers above them."""
    root = folder if notebook.is_relative_to(folder) else notebook.parent
    address = quote(notebook.relative_to(root).as_posix())
    arguments = [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{address}"]
    arguments += ["--ServerApp.log_level=WARN", "--LabApp.log_level=WARN"]  # its address, and what is wrong
    if options.port is not None:
        arguments.append(f"--port={options.port}")
    if options.no_browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # a container, most likely; JupyterLab asks root to say so
        arguments.append("--allow-root")
    return arguments
