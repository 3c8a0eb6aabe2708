"""Write the pages: every lesson, the index and the glossary, in each language."""

import re
from base64 import b64encode
from collections.abc import Iterator
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from chatkit.texts import LANGUAGES, say
from chatkit.tools.book.cells import in_one_language
from chatkit.tools.book.halves import heading
from chatkit.tools.copies import course

__all__ = ["write"]

HERE = Path(__file__).parent
PAGES = {"GLOSSARY.md": "glossary.html"}  # papers that are in the book
LINK = re.compile(r'<a\b([^>]*?) href="(?![a-z]+:|#)([^"#]*)(#[^"]*)?"')
IMAGE = re.compile(r'src="(?![a-z]+:)([^"]+)"')
NAMES = {"en": "English", "th": "ไทย"}


def write(folder: Path) -> list[Path]:
    """Write `en/` and `th/` into the folder; their two indexes. FileNotFoundError where the course is not there."""
    originals = course()
    if originals is None:
        raise FileNotFoundError("notebooks/index.ipynb")
    exporter = HTMLExporter(template_name="page", extra_template_basedirs=[str(HERE)], exclude_anchor_links=True)
    for name, notebook in pages(originals):
        for lang in LANGUAGES:
            page = folder / lang / f"{name}.html"
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(html(exporter, notebook, name, lang, originals / "notebooks"), "utf-8")
    return [folder / lang / "index.html" for lang in LANGUAGES]


def pages(originals: Path) -> Iterator[tuple[str, Any]]:
    for path in sorted((originals / "notebooks").glob("*.ipynb")):
        yield path.stem, nbformat.read(path, as_version=4)
    yield "glossary", glossary((originals / "GLOSSARY.md").read_text("utf-8"))


def html(exporter: HTMLExporter, notebook: Any, name: str, lang: str, folder: Path) -> str:
    """One page in one language."""
    words = {key: getattr(say(f"book_{key}"), lang) for key in ("contents", "ran", "to_run")}
    title = next(cell.source for cell in notebook.cells if cell.source.startswith("# ")).splitlines()[0]
    resources = {
        "metadata": {"name": name, "path": str(folder)},
        "page": {"lang": lang, "name": name, "title": heading(title, lang).lstrip("# "), "style": style(), **words},
        "others": {each: NAMES[each] for each in LANGUAGES if each != lang},
    }
    body, _ = exporter.from_notebook_node(in_one_language(notebook, lang), resources)
    return IMAGE.sub(lambda found: f'src="{embedded(folder / found[1])}"', LINK.sub(to_page, body))


def embedded(image: Path) -> str:
    """An image inside the page: a page is one file, and can be handed on."""
    kind = guess_type(image.name)[0]
    return f"data:{kind};base64,{b64encode(image.read_bytes()).decode()}"


def to_page(found: re.Match[str]) -> str:
    """A link to another page of the book; what is not in the book is named only."""
    attributes, path, place = found[1], found[2], found[3] or ""
    name = path.rpartition("/")[2]
    if name.endswith(".html"):
        return found[0]
    if name not in PAGES and not name.endswith(".ipynb"):
        return f"<a{attributes}"
    return f'<a{attributes} href="{PAGES.get(name, name.replace(".ipynb", ".html"))}{place}"'


def style() -> str:
    """The page's own style, and the colours of code on a light ground and on a dark one."""
    light, dark = (HtmlFormatter(style=each).get_style_defs(".highlight") for each in ("default", "github-dark"))
    own = (HERE / "page.css").read_text("utf-8")
    return f"{own}\n{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def glossary(text: str) -> Any:
    """GLOSSARY.md as a notebook of pairs of cells; what is not said is a rule for authors, and left out."""
    cells = []
    for number, part in enumerate(re.split(r"(?m)^(?=##? )", text)):
        head, _, body = part.partition("\n")
        if not head:
            continue
        both = [halves(line) for line in body.splitlines() if re.match(r"\| (?!term)[^-]", line)]
        english, thai = (
            "\n".join(["| | |", "|---|---|", *(each[lang] for each in both)]) if both else "" for lang in LANGUAGES
        )
        cells += pair(f"part-{number}", f"{head}\n\n{english}", thai)
    return nbformat.v4.new_notebook(cells=cells)


def halves(row: str) -> dict[str, str]:
    """A row `| term | ไทย | do not say | <a id="…"></a>meaning · ความหมาย |` in each language."""
    term, thai, _, meaning = (column.strip() for column in row.strip().strip("|").split("|"))
    anchor, english, own = re.fullmatch(r"(<a [^>]*></a>)?(.*?) · (.*)", meaning).groups()  # type: ignore[union-attr]
    both = f"**{thai}**" if term in thai else f"**{thai}**<br>{term}"
    return {"en": f"| {anchor or ''}**{term}** | {english} |", "th": f"| {anchor or ''}{both} | {own} |"}


def pair(name: str, english: str, thai: str) -> list[Any]:
    div = f'<div lang="th" class="th">\n\n{thai}\n\n</div>'
    below = nbformat.v4.new_markdown_cell(div, id=f"{name}-th", metadata={"chatkit": {"of": name}})
    return [nbformat.v4.new_markdown_cell(english, id=name), below]
