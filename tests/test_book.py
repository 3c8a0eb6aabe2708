"""The course to read: each page is in one language alone, whole, leads somewhere, and asks nothing of the internet."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup, Tag

from chatkit.tools.book.cells import blocks, picture_in, prose, way
from chatkit.tools.book.halves import heading, one_of, one_of_html
from tests.needs import ROOT
from tests.notebook_rules import HEADINGS, THAI, is_english, pairs, source

LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
LANGS = ("en", "th")
IS_THAI = re.compile(f"[{THAI}]")


@cache
def page(book: Path, lang: str, name: str) -> BeautifulSoup:
    return BeautifulSoup((book / lang / f"{name}.html").read_text("utf-8"), "html.parser")


def notebook(name: str) -> dict[str, list[dict[str, object]]]:
    return json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))


def without_code(text: Tag) -> Tag:
    """Prose alone: code, and what is in chat, may be in any language."""
    copy = BeautifulSoup(str(text), "html.parser")
    for each in copy.find_all(["pre", "code"]):
        each.replace_with("§")
    return copy


def paragraphs(text: Tag) -> Iterator[str]:
    """The innermost pieces of prose."""
    kinds = ["p", "li", "h1", "h2", "h3", "h4", "td", "th", "summary"]
    for each in text.find_all(kinds):
        if not each.find(kinds):
            yield each.get_text().strip()


# --- one language -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LESSONS, "glossary"])
@pytest.mark.parametrize("lang", LANGS)
def test_the_page_says_its_language_and_links_to_the_same_page_in_the_other(book: Path, lang: str, name: str) -> None:
    (other,) = set(LANGS) - {lang}
    html = page(book, lang, name)
    assert html.html and html.html["lang"] == lang
    switch = html.select_one("nav.top a[hreflang]")
    assert switch and (switch["href"], switch["lang"]) == (f"../{other}/{name}.html", other)


@pytest.mark.parametrize("name", LESSONS)
def test_english_prose_has_no_thai_in_it(book: Path, name: str) -> None:
    for section in page(book, "en", name).select("main > section"):
        found = IS_THAI.search(without_code(section).get_text())
        assert found is None, section.get_text()


@pytest.mark.parametrize("name", LESSONS)
def test_thai_prose_is_thai_down_to_the_last_heading(book: Path, name: str) -> None:
    english = [
        text
        for section in page(book, "th", name).select("main > section")
        for text in paragraphs(without_code(section))
        if len(re.findall(r"[a-z]{2,}", text)) > 3 and not IS_THAI.search(text)
    ]
    assert english == []


@pytest.mark.parametrize("name", LESSONS)
@pytest.mark.parametrize("lang", LANGS)
def test_what_the_runs_left_is_in_one_language(book: Path, lang: str, name: str) -> None:
    (other,) = set(LANGS) - {lang}
    for out in page(book, lang, name).select(".out"):
        assert out.select(f'[lang="{other}"]:not(.error)') == []
        assert one_of_html(str(out), lang) == str(out)


@pytest.mark.parametrize("name", LESSONS)
def test_each_question_is_asked_in_thai(book: Path, name: str) -> None:
    asked = [each.get_text() for each in page(book, "th", name).select(".question p")]
    assert [text for text in asked if not IS_THAI.search(text)] == []


def test_what_was_printed_in_pieces_is_one_output(book: Path) -> None:
    for name in LESSONS:
        for out in page(book, "en", name).select(".out:has(> pre:not(.error)) + .out > pre"):
            assert not re.fullmatch(r"[·.\s]*", out.get_text()), name


@pytest.mark.parametrize(
    ("lang", "wanted"), [("en", ["listen", "again", "one"]), ("th", ["listen", "รอ", "ซ้ำ", "หนึ่ง"])]
)
def test_a_drawing_is_cut_too(lang: str, wanted: list[str]) -> None:
    texts = [("w", "listen"), ("t", "รอ"), ("n", "again"), ("n", "ซ้ำ"), ("m", "one · หนึ่ง")]
    drawing = "".join(f'<text class="{kind}">{text}</text>' for kind, text in texts)
    cut = BeautifulSoup(picture_in(lang, f"<svg>{drawing}</svg>"), "html.parser")
    assert [each.get_text() for each in cut.find_all("text")] == wanted


# --- whole ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LESSONS)
@pytest.mark.parametrize("lang", LANGS)
def test_every_heading_and_every_code_cell_of_the_notebook_is_there(book: Path, lang: str, name: str) -> None:
    html = page(book, lang, name)
    cells = [cell for cell in notebook(name)["cells"] if "jupyter-only" not in cell["metadata"].get("tags", ())]  # type: ignore[attr-defined]
    wanted = [h for cell in cells if is_english(cell) for h in HEADINGS.findall(source(cell))]
    shown = [each.get_text() for each in html.select("main > section :is(h1, h2, h3)")]
    assert [len(IS_THAI.findall(each)) > 0 for each in shown] == [lang == "th"] * len(wanted)
    assert len(html.select("main > .code")) == sum(cell["cell_type"] == "code" for cell in cells)


@pytest.mark.parametrize("name", LESSONS)
def test_a_heading_stands_as_far_down_in_the_thai_as_in_the_english(name: str) -> None:
    """Above a heading in the middle of a cell are as many blocks of Thai, folded ones where they are folded."""
    for english, thai in pairs(notebook(name)):
        above = [each for each in blocks(source(english)) if not each.startswith("#")]
        for number, block in enumerate(blocks(source(english))):
            if block.startswith("#"):
                shown = blocks(prose(source(english), source(thai), "th"))
                assert shown[number] == heading(block, "th"), block
                folds = [each.startswith("<details>") for each in above[:number]]
                assert [each.startswith("<details>") for each in shown[:number]] == folds, block


@pytest.mark.parametrize("lang", LANGS)
def test_plots_and_tables_are_shown(book: Path, lang: str) -> None:
    assert len(page(book, lang, "05_everyone").select('.out img[src^="data:image/png;base64,"]')) == 3
    assert page(book, lang, "02_await").select(".out .chatkit-timeline")


@pytest.mark.parametrize("name", LESSONS)
@pytest.mark.parametrize("lang", LANGS)
def test_a_plot_is_described_in_the_language_of_the_page(book: Path, lang: str, name: str) -> None:
    for plot in page(book, lang, name).select(".plot img"):
        assert bool(IS_THAI.search(str(plot["alt"]))) == (lang == "th") and plot["alt"]


@pytest.mark.parametrize("lang", LANGS)
def test_the_answer_to_a_guess_is_folded_away(book: Path, lang: str) -> None:
    html = page(book, lang, "02_await")
    answers = [each for each in html.find_all("p") if each.get_text().startswith("👀")]
    assert len(answers) == 4 and all(each.find_parent("details", class_="ran") for each in answers)


def test_a_fold_holds_what_belongs_into_it(book: Path) -> None:
    folds = page(book, "en", "02_await").select("section details")
    assert folds and all(each.find("p") for each in folds)


# --- links and the internet -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LESSONS, "glossary"])
@pytest.mark.parametrize("lang", LANGS)
def test_every_link_leads_to_a_page_and_a_place_that_are_there(book: Path, lang: str, name: str) -> None:
    here = book / lang / f"{name}.html"
    broken = []
    for link in page(book, lang, name).find_all("a", href=True):
        path, _, place = unquote(str(link["href"])).partition("#")
        if re.match("https?:", path):
            continue
        target = (here.parent / path).resolve() if path else here
        if not target.is_file() or (place and not page(book, target.parent.name, target.stem).find(id=place)):
            broken.append(link["href"])
    assert broken == []


@pytest.mark.parametrize("name", LESSONS)
def test_each_lesson_is_linked_from_the_index(book: Path, name: str) -> None:
    for lang in LANGS:
        assert page(book, lang, "index").find_all("a", href=f"{name}.html")


@pytest.mark.parametrize("name", [*LESSONS, "glossary"])
@pytest.mark.parametrize("lang", LANGS)
def test_a_page_is_one_file_that_loads_nothing(book: Path, lang: str, name: str) -> None:
    html = page(book, lang, name)
    loads = [
        each.get("src") or each.get("href") for each in html.find_all(["script", "link", "img", "iframe", "object"])
    ]
    assert [each for each in loads if each and not str(each).startswith("data:")] == []
    assert re.findall(r"url\((?!data:)|@import", "".join(map(str, html.find_all("style")))) == []


# --- how a text is cut ------------------------------------------------------------------------------------------------


def test_a_heading_is_cut_and_keeps_its_number() -> None:
    both = "## 4. Does `await` let others run? · `await` ให้คนอื่นทำก่อนไหม"
    assert heading(both, "en") == "## 4. Does `await` let others run?"
    assert heading(both, "th") == "## 4. `await` ให้คนอื่นทำก่อนไหม"


def test_the_way_is_cut() -> None:
    both = "← [00 · hello, room · สวัสดี ห้องแชต](a.ipynb) · [index · สารบัญ](index.ipynb) · 45 min · 45 นาที"
    assert way(both, "en") == "← [00 · hello, room](a.ipynb) · [index](index.ipynb) · 45 min"
    assert way(both, "th") == "← [00 · สวัสดี ห้องแชต](a.ipynb) · [สารบัญ](index.ipynb) · 45 นาที"


@pytest.mark.parametrize(
    ("both", "english", "thai"),
    [
        ("You · คุณ: hi", "You: hi", "คุณ: hi"),
        (
            "Who ran when, in 0.40 s · ใครทำงานเมื่อไร ใน 0.40 วินาที",
            "Who ran when, in 0.40 s",
            "ใครทำงานเมื่อไร ใน 0.40 วินาที",
        ),
        ("  👀 It was: 2\n  👀 ที่เกิดขึ้นจริงคือ: 2", "  👀 It was: 2", "  👀 ที่เกิดขึ้นจริงคือ: 2"),
        (
            "✅ 2.1 It arrived, letter for letter.\n✅ 2.1 มาถึงแล้ว ครบทุกตัวอักษร",
            "✅ 2.1 It arrived, letter for letter.",
            "✅ 2.1 มาถึงแล้ว ครบทุกตัวอักษร",
        ),
        ("'line 2: Nok · บรรทัดที่ 2: Nok'", "'line 2: Nok'", "'บรรทัดที่ 2: Nok'"),
        ("client · ไคลเอนต์ │ x", "client           │ x", "ไคลเอนต์          │ x"),
        ("Mali says · as she likes", "Mali says · as she likes", "Mali says · as she likes"),
        ("'somchai: สวัสดี 👋'", "'somchai: สวัสดี 👋'", "'somchai: สวัสดี 👋'"),
    ],
)
def test_only_sentences_of_the_kit_are_cut(both: str, english: str, thai: str) -> None:
    assert (one_of(both, "en"), one_of(both, "th")) == (english, thai)


def test_a_table_is_as_wide_as_its_own_language_needs() -> None:
    both = "#  second · วินาที  who · ใคร\n1  0.010          สมศรี\n2  0.011          👋\n\nYou · คุณ: hi"
    assert one_of(both, "en") == "#  second  who\n1  0.010   สมศรี\n2  0.011   👋\n\nYou: hi"
    assert one_of(both, "th") == "#  วินาที   ใคร\n1  0.010  สมศรี\n2  0.011  👋\n\nคุณ: hi"
