"""`chatkit labs`: the list of labs, one of them, or their files for Postman, Bruno, `.http` and Insomnia."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from chatkit.addresses import default_port
from chatkit.labs import Lab, labs
from chatkit.labs.export import export
from chatkit.labs.lab import fill
from chatkit.texts import languages, say
from chatkit.tools.options import BadOption, Parser, add_lang, language

__all__ = ["add_options", "show"]


def add_options(parser: Parser) -> None:
    parser.add_argument("what", metavar="N|export", nargs="?", help="help_labs_what")
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="help_labs_folder")
    add_lang(parser)


def show(options: argparse.Namespace) -> int:
    """The command."""
    lang = options.lang or language()
    if options.what == "export":
        if not options.folder:
            raise BadOption("labs_no_folder")
        return write(options.folder, lang)
    if options.folder:
        raise BadOption("cli_unknown", what=options.folder, command="chatkit labs")
    lines = list_of_labs(lang) if options.what is None else one_lab(a_lab(options.what), lang)
    print(*lines, sep="\n")
    return 0


def write(folder: str, lang: str) -> int:
    try:
        written = export(Path(folder))
    except OSError as error:
        raise BadOption("labs_no_write", code=1, folder=folder, reason=error.strerror or str(error)) from None
    print(say("labs_written", count=len(written), folder=folder).in_(lang))
    return 0


def a_lab(value: str) -> Lab:
    found = labs().get(int(value)) if value.isascii() and value.isdecimal() and len(value) < 4 else None
    if found is None:
        raise BadOption("labs_no_such", value=value, last=max(labs()))
    return found


def list_of_labs(lang: str) -> Iterator[str]:
    """A line for each lab, then how to begin."""
    for lab in labs().values():
        yield f"{lab.number:>2}  {lab.title.in_(lang)}"
    yield ""
    yield say("labs_begin", uri=address(labs()[1])).in_(lang)


def one_lab(lab: Lab, lang: str) -> Iterator[str]:
    """What a lab is about, where it is, its steps, and what is ready to be sent."""
    yield f"{lab.number}  {lab.title.in_(lang)}"
    yield address(lab)
    for each in languages(lang):
        yield ""
        yield getattr(lab.about, each)
        for place, step in enumerate(lab.steps, 1):
            yield f"  {lab.number}.{place}  {getattr(fill(step.do), each)}"


def address(lab: Lab) -> str:
    return f"ws://localhost:{default_port()}{lab.target.partition('&')[0]}"
