"""A bilingual notebook made into one of a single language: its cells, its headings, what its runs left."""

import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import groupby
from typing import Any

from bs4 import BeautifulSoup

from chatkit.exercises.questions import data
from chatkit.texts import LANGUAGES, Sentence, say
from chatkit.tools.book.halves import THAI, heading, one_of, one_of_html

__all__ = ["in_one_language"]

BLOCK = re.compile(r"(?s:<details>.*?</details>)|^(`{3,})(?s:.*?)^\1 *$|^#+ .*$|(?:(?!#+ ).+\n?)+", re.MULTILINE)
HEADING = re.compile(r"#+ ")
PANEL = re.compile(r"(?:side_by_side|\w*(?:Panel|View|Card|Grid|Switch))\(.*\)", re.DOTALL)
PLOT = re.compile(r'\baxes\("(\w+)", "(\w+)"\)')
ASKED = ("🤔", "🧠")  # how the text of a guess and of a recall begins
LEFT_OUT = "jupyter-only"  # tag of a cell that makes sense in JupyterLab only


def in_one_language(notebook: Any, lang: str) -> Any:
    """A copy that keeps of each pair of cells the one in `lang`, under its half of their common heading."""
    notebook = deepcopy(notebook)
    notebook.cells = list(cells_in(lang, notebook.cells))
    return notebook


def cells_in(lang: str, cells: list[Any]) -> Iterator[Any]:
    code = ""  # all that stands above, and in the cell itself
    thai = {cell.metadata.chatkit["of"]: cell for cell in cells if "chatkit" in cell.metadata}
    for cell in cells:
        tags = cell.metadata.get("tags", ())
        if "chatkit" in cell.metadata or LEFT_OUT in tags:
            continue
        if cell.cell_type == "code":
            code += cell.source
            settle(cell, lang, code)
        elif "way" in tags:
            cell.source = way(cell.source, lang)
        else:
            cell.source = prose(cell.source, thai[cell.id].source, lang)
        yield cell


def settle(cell: Any, lang: str, code: str) -> None:
    """What a run left: in one language, and panels named only, which live in JupyterLab."""
    cell.outputs = list(joined(output for output in cell.outputs if not is_about_widgets(output)))
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = one_of(output.text, lang)
        elif "data" in output:
            output.data = data_in(lang, output.data)
            if "image/png" in output.data:
                output.data["text/plain"] = plotted(code, lang)
    cell.metadata["folds"] = ".saw(" in cell.source  # the answer to a guess does not meet the eye


def joined(outputs: Iterator[Any]) -> Iterator[Any]:
    """What was printed piece by piece, such as a row of dots, as the one text that it was."""
    for name, group in groupby(outputs, lambda output: output.get("name", "")):
        first, *more = group
        if name:
            first.text += "".join(output.text for output in more)
            yield first
        else:
            yield from (first, *more)


def data_in(lang: str, shown: dict[str, str]) -> dict[str, str]:
    """What one output shows."""
    text = shown.get("text/plain", "")
    if "image/svg+xml" in shown:
        return {"image/svg+xml": picture_in(lang, shown["image/svg+xml"])}
    if "text/html" in shown:
        return {"text/html": html_in(lang, shown["text/html"])}
    if PANEL.fullmatch(text):
        return {"text/html": say("book_panel", name=text).html(lang)}
    if text.startswith(ASKED):
        return {"text/html": question(one_of(text, lang), lang)}
    return {kind: one_of(each, lang) if kind.startswith("text/") else each for kind, each in shown.items()}


def plotted(code: str, lang: str) -> str:
    """What the newest plot shows, for who does not see it: its title and its two axes."""
    lesson, name = PLOT.findall(code)[-1]
    said = data(lesson)["plot"][name]
    return "; ".join(said[part][lang] for part in ("title", "x", "y"))


def html_in(lang: str, text: str) -> str:
    """HTML of a run, without the elements in another language; a server's page and a script are not alive here."""
    page = BeautifulSoup(text, "html.parser")
    for script in page.find_all("script"):
        script.decompose()
    for number, frame in enumerate(page.find_all("iframe")):  # two phones side by side are told of once
        said = "" if number else say("book_page").html(lang)
        frame.replace_with(BeautifulSoup(said, "html.parser"))
    for other in LANGUAGES:
        for element in page.find_all(lang=other) if other != lang else ():
            element.decompose()
    return one_of_html(page.decode(formatter="minimal"), lang)


def picture_in(lang: str, text: str) -> str:
    """A drawing in one language: of two texts of one kind, one under the other, and of `English · ไทย`, its half."""
    drawing = BeautifulSoup(text, "html.parser")
    for each in drawing.find_all(["text", "title"]):
        below = each.find_next_sibling("text")
        is_thai = bool(THAI.search(each.get_text()))
        if " · " in each.get_text():
            each.string = heading(each.get_text(), lang)
        elif is_thai and lang != "th":
            each.decompose()
        elif not is_thai and lang == "th" and below and below.get("class") == each.get("class"):
            if THAI.search(below.get_text()):
                each.decompose()
    return str(drawing)


def is_about_widgets(output: Any) -> bool:
    """What only helps in JupyterLab: the reading switch, the word for a panel that is not seen, a style alone."""
    data = output.get("data", {})
    html = data.get("text/html", "")
    is_style = bool(re.fullmatch(r"\s*<style>.*</style>\s*", html, re.DOTALL))
    return is_style or "chatkit-absent" in html or data.get("text/plain") == "ReadingSwitch()"


def question(text: str, lang: str) -> str:
    """A guess, or what is to be recalled, to be read: without how to answer it by click."""
    hows = {getattr(say("guess_how", count=count), lang) for count in range(2, 5)}
    lines = [line for line in text.splitlines() if line not in hows]
    html = (Sentence(line, line).html(lang, "li" if line.startswith("  ") else "p") for line in lines)
    return f'<div class="question">{"".join(html)}</div>'


def prose(english: str, thai: str, lang: str) -> str:
    """The text of a pair of cells in one language, under its headings: they stand in the English cell, in both."""
    if lang == "en":
        return "\n\n".join(heading(each, lang) if HEADING.match(each) else each for each in blocks(english))
    own = blocks(re.sub(r'^<div lang="th" class="th">|</div>\s*$', "", thai))
    before = 0  # how many blocks of the text stand above
    for block in blocks(english):
        if HEADING.match(block):
            own.insert(before, heading(block, lang))
        before += 1
    return "\n\n".join(own)


def blocks(text: str) -> list[str]:
    """The blocks of a Markdown text that an empty line separates; a `<details>` and a fence are one."""
    return [found[0].strip("\n") for found in BLOCK.finditer(text)]


def way(text: str, lang: str) -> str:
    """The line of links at the top: `[03 · frames · เฟรม](…)`, `35 min · 35 นาที`."""

    def link(found: re.Match[str]) -> str:
        *number, english, thai = found[1].split(" · ")
        return f"[{' · '.join([*number, thai if lang == 'th' else english])}]"

    text = re.sub(r"\[([^\]]* · [^\]]*)\]", link, text)
    return re.sub(r"(\d+) min · (\d+ นาที)", r"\2" if lang == "th" else r"\1 min", text)
