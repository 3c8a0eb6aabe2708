"""The rules of a bilingual notebook. Each takes a notebook (nbformat's JSON, a dict) and yields what is wrong with it.

An English markdown cell stands directly above its Thai cell; the Thai cell's metadata names it and holds its hash:
`{"chatkit": {"of": "<id of the English cell>", "hash": "<hash of the English source>"}}`.
A cell tagged `way` (the links at the top) holds both languages and has no twin.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from chatkit.tools.lessons import METADATA, WIDGET_VIEW, hash_of

Cell = dict[str, Any]
Notebook = dict[str, Any]
Rule = Callable[[Notebook], Iterator[str]]

ROOT = Path(__file__).resolve().parent.parent
MAX_WORDS = 95  # a markdown cell, per language: "about 90"
LETTERS_PER_THAI_WORD = 4.5
MAX_LINES = 12  # a code cell
MAX_SETUP_LINES = 5
MAX_CELLS = 70
MINUTES_A_CELL, MINUTES_AN_EXERCISE = 0.75, 5  # of what one reader reads; an exercise with its two cells
EXERCISES = 3
GUESSES = range(3, 7)
#: the steps of every server, the same words in every lesson (STEPS of chatkit.exercises)
STEPS = ("listen", "accept", "receive", "decide", "send", "close")
#: tags of code cells that may have no stored output
SILENT = {"setup", "clean-up", "no-output", "nbval-ignore-output"}
TAGS = SILENT | {"raises-exception", "way", "jupyter-only"}
HEADINGS = re.compile(r"^#+ .*$", re.MULTILINE)
#: what a browser's own Python has not: there the cell plays its stored output back (chatkit.tools.recorded)
NEEDS = {"needs-process", "needs-room", "needs-thread", "needs-tls", "needs-plots"}

THAI = r"\u0e01-\u0e5b"
#: not said anywhere in the course, whatever the glossary has: polite particles, and `it` for things
NEVER = r"ครับ|ค่ะ|นะคะ|คะ(?![\u0e01-\u0e5b])|(?<!น้ำ)มัน(?!ส์|ฝรั่ง|เทศ)"
MACHINE_PATH = (
    r"(?<![\w.:/])/(?:home|root|Users|tmp|work|opt|usr|var|mnt|private)/|[A-Z]:\\{1,2}Users|site-packages|ipykernel_\d"
)


def source(cell: Cell) -> str:
    text = cell["source"]
    return text if isinstance(text, str) else "".join(text)


def tags(cell: Cell) -> set[str]:
    return set(cell["metadata"].get("tags", ()))


def twin(cell: Cell) -> dict[str, str]:
    """What a Thai cell's metadata says of its English cell; empty for any other cell."""
    return dict(cell["metadata"].get("chatkit", {}))


def is_thai(cell: Cell) -> bool:
    return cell["cell_type"] == "markdown" and "of" in twin(cell)


def is_english(cell: Cell) -> bool:
    return cell["cell_type"] == "markdown" and not is_thai(cell) and "way" not in tags(cell)


def code_cells(notebook: Notebook) -> list[Cell]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def pairs(notebook: Notebook) -> Iterator[tuple[Cell, Cell]]:
    """Each English cell with the Thai cell directly under it, where there is one."""
    cells = notebook["cells"]
    for english, thai in pairwise(cells):
        if is_english(english) and is_thai(thai):
            yield english, thai


# --- what of a text is compared -------------------------------------------------------------------------------------

FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)^\1`*\s*$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)|<(https?://[^>]+)>")


def code_spans(text: str) -> set[str]:
    """Inline code and fenced code of a markdown text."""
    fenced = {body.strip() for _, body in FENCE.findall(text)}
    return fenced | {body.strip() for _, body in SPAN.findall(FENCE.sub("", text))}


def links(text: str) -> Counter[str]:
    return Counter(first or second for first, second in LINK.findall(FENCE.sub("", text)))


def prose(text: str) -> str:
    """A markdown text without headings, code, link targets, HTML tags, list numbers and emphasis marks."""
    text = SPAN.sub("§", FENCE.sub("", text))
    text = re.sub(r"<[^>\n]+>", " ", LINK.sub("]", text))
    text = re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE)
    return re.sub(r"^\s*\d+\. |[*_\[\]]", "", text, flags=re.MULTILINE)


def numbers(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+(?:[.,:]\d+)*", prose(text)))


def words(text: str) -> float:
    """About how many words: Thai has no spaces, so its letters are counted."""
    thai = len(re.findall(f"[{THAI}]", text))
    return thai / LETTERS_PER_THAI_WORD + len(re.findall(r"[A-Za-z0-9][\w'’./-]*|§", prose(text)))


# --- two languages --------------------------------------------------------------------------------------------------


def every_english_cell_has_its_thai(notebook: Notebook) -> Iterator[str]:
    cells = notebook["cells"]
    for cell, below in zip(cells, [*cells[1:], None], strict=True):
        if is_english(cell) and (below is None or not is_thai(below)):
            yield f"{cell['id']}: no Thai cell directly under it"
    for above, cell in zip([None, *cells], cells, strict=False):
        if is_thai(cell) and (above is None or above["id"] != twin(cell)["of"]):
            yield f"{cell['id']}: does not stand under its English cell {twin(cell)['of']!r}"


def thai_is_as_new_as_english(notebook: Notebook) -> Iterator[str]:
    for english, thai in pairs(notebook):
        if twin(thai).get("hash") != hash_of(english):
            yield f"{english['id']}: changed since its Thai was written; look at the Thai, then stamp"


def thai_body_stands_in_a_div(notebook: Notebook) -> Iterator[str]:
    for _, thai in pairs(notebook):
        if not re.fullmatch(r'<div lang="th" class="th">\n\n.*\S\n\n</div>\n?', source(thai), re.DOTALL):
            yield f'{thai["id"]}: wants <div lang="th" class="th">, a blank line, the text, a blank line, </div>'


def one_heading_for_both(notebook: Notebook) -> Iterator[str]:
    for english, thai in pairs(notebook):
        for heading in re.findall(r"^#+ .*$", FENCE.sub("", source(english)), re.MULTILINE):
            if not re.search(f"[{THAI}]", heading):
                yield f"{english['id']}: heading {heading!r} has no Thai"
        if re.search(r"^#+ ", FENCE.sub("", source(thai)), re.MULTILINE):
            yield f"{thai['id']}: has a heading of its own"
        if found := re.search(f"[{THAI}]+", prose(source(english))):
            yield f"{english['id']}: Thai {found[0]!r} in the English text (chat text goes in `code`)"


def same_numbers(notebook: Notebook) -> Iterator[str]:
    yield from differences(notebook, "numbers", numbers)


def same_links(notebook: Notebook) -> Iterator[str]:
    yield from differences(notebook, "links", links)


def same_code_spans(notebook: Notebook) -> Iterator[str]:
    yield from differences(notebook, "code", code_spans)


def differences(notebook: Notebook, what: str, found_in: Callable[[str], Any]) -> Iterator[str]:
    for english, thai in pairs(notebook):
        here, there = found_in(source(english)), found_in(source(thai))
        if here != there:
            yield f"{english['id']}: {what} differ: only English {list(here - there)}, only Thai {list(there - here)}"


def thai_style(notebook: Notebook) -> Iterator[str]:
    """No polite particles, no full stop, a space between Thai and Latin text (thai: GLOSSARY.md)."""
    for _, thai in pairs(notebook):
        text = prose(source(thai))
        for found in re.finditer(NEVER, text):
            yield f"{thai['id']}: {found[0]!r} in {around(text, found)}"
        for found in re.finditer(r"(?<![.\d])\.(?=[”\")]*(\s|$))", text):
            yield f"{thai['id']}: full stop in {around(text, found)}"
        for found in re.finditer(f"[{THAI}][A-Za-z0-9§]|[A-Za-z0-9§][{THAI}]", text):
            yield f"{thai['id']}: no space between Thai and Latin in {around(text, found)}"


def around(text: str, found: re.Match[str]) -> str:
    return repr(text[max(found.start() - 15, 0) : found.end() + 15])


def short_cells(notebook: Notebook) -> Iterator[str]:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and (count := words(source(cell))) > MAX_WORDS:
            yield f"{cell['id']}: about {count:.0f} words, at most {MAX_WORDS}"


# --- the glossary ---------------------------------------------------------------------------------------------------


@cache
def glossary() -> tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...]:
    """Rows of GLOSSARY.md as (English words, Thai words, Thai words not to say)."""
    table = []
    for line in (ROOT / "GLOSSARY.md").read_text("utf-8").splitlines():
        columns = [column.strip(" `*") for column in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(columns) >= 3 and re.search(f"[{THAI}]", columns[1]) and columns[0] != "term":
            english, thai, never = (split_terms(column) for column in columns[:3])
            table.append((english, thai_only(thai), thai_only(never)))
    return tuple(table)


def split_terms(column: str) -> tuple[str, ...]:
    plain = re.sub(r"\([^)]*\)|[`*]", "", column)
    return tuple(term for term in (part.strip() for part in re.split(r"[;,·]| / ", plain)) if term)


def thai_only(terms: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(term for term in terms if re.search(f"[{THAI}]", term))


def no_forbidden_word(notebook: Notebook) -> Iterator[str]:
    """Nothing that stands under "do not say" in the glossary."""
    for _, thai in pairs(notebook):
        for word in forbidden(prose(source(thai))):
            yield f"{thai['id']}: the glossary does not say {word!r}"


def terms_of_the_glossary(notebook: Notebook) -> Iterator[str]:
    """A term of the glossary that the English uses is in the Thai too: the glossary's word, or the English one."""
    for english, thai in pairs(notebook):
        here, there = prose(source(english)), prose(source(thai))
        for terms, says, _ in glossary():
            used = [t for t in terms if re.search(rf"\b{re.escape(t)}s?\b", here, re.IGNORECASE)]
            if used and says and not any(word.lower() in there.lower() for word in (*says, *terms)):
                yield f"{thai['id']}: English has {used[0]!r}, Thai has none of {list(says)}"


def forbidden(text: str) -> list[str]:
    """The glossary's "do not say" words that stand in a Thai text."""
    return [word for _, _, never in glossary() for word in never if word in text]


# --- anatomy --------------------------------------------------------------------------------------------------------


def begins_with_the_way(notebook: Notebook) -> Iterator[str]:
    first = notebook["cells"][0]
    if "way" not in tags(first):
        yield f"{first['id']}: the first cell is the way (tag `way`): ← back · index · next → · minutes"
    elif not links(source(first)) or not re.search(r"\d+ min.*\d+ นาที", source(first)):
        yield f"{first['id']}: the way has links and the minutes, as in `35 min · 35 นาที`"


def stays_short(notebook: Notebook) -> Iterator[str]:
    if len(notebook["cells"]) > MAX_CELLS:
        yield f"{len(notebook['cells'])} cells, at most {MAX_CELLS}"


def says_honest_minutes(notebook: Notebook) -> Iterator[str]:
    """A reader of one language needs 45 seconds a cell and 5 minutes an exercise."""
    said = re.search(r"(\d+) min", source(notebook["cells"][0]))
    exercises = len(exercises_of(notebook))
    cells = sum(not is_thai(cell) for cell in notebook["cells"]) - 2 * exercises
    needed = MINUTES_A_CELL * cells + MINUTES_AN_EXERCISE * exercises
    if said and int(said[1]) < needed - 2.5:
        yield f"says {said[1]} minutes, and needs about {needed:.0f}"


def opens_with_recall(notebook: Notebook) -> Iterator[str]:
    """What was learnt one, two and five lessons ago is asked first (not in the first lesson)."""
    code = [source(cell) for cell in code_cells(notebook)]
    if not any(re.search(r"\brecall\(", text) for text in code[:3]):
        yield "none of the first three code cells asks what was learnt before: recall(...)"


def links_the_glossary(notebook: Notebook) -> Iterator[str]:
    before = [source(cell) for cell in notebook["cells"][: first_code(notebook)] if is_english(cell)]
    if not any("Key words" in text and "../GLOSSARY.md" in links(text) for text in before):
        yield "the key words do not link to ../GLOSSARY.md"


def guesses_are_settled(notebook: Notebook) -> Iterator[str]:
    """Three to six predictions are made with `guess`, and the run settles each: a value, no answer in the code."""
    code = "\n".join(source(cell) for cell in code_cells(notebook))
    made = re.findall(r"^(\w+) = guess\(", code, re.MULTILINE)
    if len(made) not in GUESSES:
        yield f"{len(made)} guesses, {GUESSES[0]} to {GUESSES[-1]} wanted"
    for name in made:
        if f"{name}.saw(" not in code:
            yield f"{name}: nothing settles this guess: {name}.saw(...)"
        if re.search(rf"""\b{name}\.saw\(("[^"]*"|'[^']*'|[\d.]+)\)""", code):
            yield f"{name}: the answer stands in the code, and can be read before the guess"


def predictions_are_marked(notebook: Notebook) -> Iterator[str]:
    """A prediction in the text is seen as one in both languages."""
    for english, thai in pairs(notebook):
        here, there = source(english).count("**Guess first**"), source(thai).count("**ทายก่อน**")
        if here != there:
            yield f"{thai['id']}: **Guess first** {here} times, **ทายก่อน** {there} times"


def says_the_six_steps(notebook: Notebook) -> Iterator[str]:
    """As words in code style, or as comments over the code."""
    said = set()
    for cell in notebook["cells"]:
        text = source(cell)
        said |= code_spans(text) if cell["cell_type"] == "markdown" else set(re.findall(r"\w+", comments(text)))
    if missing := [step for step in STEPS if step not in said]:
        yield f"of the six steps of every server it does not say {missing}"


def comments(code: str) -> str:
    return "\n".join(re.findall(r"#(.*)$", code, re.MULTILINE))


def stands_by_itself(notebook: Notebook) -> Iterator[str]:
    """A free port of its own, and clients that follow it: a lesson left open beside this one must not matter."""
    for cell in code_cells(notebook):
        for call in re.findall(r"\b(?:ServerPanel|serve|connect|ChatPanel|WireView)\([^()]*", source(cell)):
            if re.match(
                r"ServerPanel\((?!port=0)|serve\((?!port=0|\w+, (?:\"127.0.0.1\", 0|host, port))|connect\((?:name=|$)",
                call,
            ):
                yield f"{cell['id']}: `{call}…` is at the agreed port, where another lesson may be"


def opens_with_the_question(notebook: Notebook) -> Iterator[str]:
    before = [source(cell) for cell in notebook["cells"][: first_code(notebook)] if is_english(cell)]
    if not before or not before[0].startswith("# "):
        yield "the second cell is the title: `# English · ไทย`"
    for sign, meaning in (("?", "the one question"), ("be able to", "three verbs"), ("Key words", "the key words")):
        if not any(sign in text for text in before):
            yield f"before the first code cell: no {sign!r} ({meaning})"


def first_code(notebook: Notebook) -> int:
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    return kinds.index("code") if "code" in kinds else len(kinds)


def code_is_short(notebook: Notebook) -> Iterator[str]:
    for number, cell in enumerate(code_cells(notebook)):
        lines = [line for line in source(cell).splitlines() if line.strip()]
        limit = MAX_LINES if number else MAX_SETUP_LINES
        if not 0 < len(lines) <= limit:
            yield f"{cell['id']}: {len(lines)} lines of code, at most {limit}"


def one_cell_breaks(notebook: Notebook) -> Iterator[str]:
    if not any("raises-exception" in tags(cell) for cell in code_cells(notebook)):
        yield "no cell breaks on purpose (tag `raises-exception`)"
    for cell in code_cells(notebook):
        broke = any(output["output_type"] == "error" for output in cell["outputs"])
        if broke != ("raises-exception" in tags(cell)):
            yield f"{cell['id']}: {'breaks without' if broke else 'does not break, but has'} the tag `raises-exception`"


def shows_the_real_code(notebook: Notebook) -> Iterator[str]:
    if not any(re.search(r"\bsource\(", source(cell)) for cell in code_cells(notebook)):
        yield "no cell shows the kit's own code: source(...)"


def exercises_of(notebook: Notebook) -> list[tuple[str, str]]:
    """The (notebook, name) of each exercise that a cell asks for."""
    return [
        found
        for cell in code_cells(notebook)
        for found in re.findall(r"""\bexercise\(["'](\w+)["'],\s*["'](\w+)["']\)""", source(cell))
    ]


def has_exercises(notebook: Notebook) -> Iterator[str]:
    asked = exercises_of(notebook)
    if len(set(asked)) < EXERCISES:
        yield f"{len(set(asked))} checked exercises, at least {EXERCISES}"
    checks = sum(source(cell).count(".check(") for cell in code_cells(notebook))
    if checks < len(asked):
        yield f"{len(asked)} exercises, {checks} checks"
    for cell in code_cells(notebook):
        if re.search(r"^\s*[^#\n]*\.solution\(", source(cell), re.MULTILINE):
            yield f"{cell['id']}: shows a solution unasked"


def ends_clean(notebook: Notebook) -> Iterator[str]:
    if not code_cells(notebook) or "clean-up" not in tags(code_cells(notebook)[-1]):
        yield "the last code cell cleans up (tag `clean-up`)"
    last = [source(cell) for cell in notebook["cells"][-4:] if is_english(cell)]
    for words_wanted in ("Key points", "Words learnt"):
        if not any(words_wanted in text for text in last):
            yield f"no {words_wanted!r} in the last cells"


# --- what is stored -------------------------------------------------------------------------------------------------


def outputs_are_stored(notebook: Notebook) -> Iterator[str]:
    """nbval compares nothing where nothing is stored, so this must not go unseen."""
    if not any(cell["outputs"] for cell in code_cells(notebook)):
        yield "no stored outputs at all"
    for cell in code_cells(notebook):
        if not cell["outputs"] and not tags(cell) & SILENT:
            yield f"{cell['id']}: no stored output and none of the tags {sorted(SILENT)}"


def ignored_outputs_are_asserted(notebook: Notebook) -> Iterator[str]:
    """What nbval does not compare is asserted in code: in the cell itself or in the next code cell."""
    cells = code_cells(notebook)
    for cell, below in zip(cells, [*cells[1:], None], strict=True):
        both = source(cell) + (source(below) if below else "")
        if re.match(r"recall\(|\w+ = guess\(", source(cell)) or "setup" in tags(cell):
            continue  # asks; whoever runs it has nothing to compare
        if "nbval-ignore-output" in tags(cell) and not re.search(r"\bassert\b|\.heard\(|\.check\(", both):
            yield f"{cell['id']}: output ignored, and nothing asserted here or in the next code cell"


def nothing_of_the_machine(notebook: Notebook) -> Iterator[str]:
    if notebook["metadata"] != METADATA:
        yield f"metadata is not {METADATA}"
    for cell in notebook["cells"]:
        if set(cell["metadata"]) - {"tags", "chatkit"} or tags(cell) - TAGS - NEEDS:
            yield f"{cell['id']}: unknown metadata or tag {cell['metadata']}"
        if found := re.search(MACHINE_PATH, repr(cell.get("outputs", ""))):
            yield f"{cell['id']}: a machine's path in the output: {found[0]!r}"


def no_counts_and_no_widgets(notebook: Notebook) -> Iterator[str]:
    for cell in code_cells(notebook):
        if cell["execution_count"] or any(output.get("execution_count") for output in cell["outputs"]):
            yield f"{cell['id']}: execution count"
        if any(WIDGET_VIEW in output.get("data", {}) for output in cell["outputs"]):
            yield f"{cell['id']}: stored widget view (dead without its kernel)"
        if any("\x1b[" in str(output) or "\\x1b[" in str(output) for output in cell["outputs"]):
            yield f"{cell['id']}: terminal colours in the output"


def nothing_is_skipped(notebook: Notebook) -> Iterator[str]:
    for cell in code_cells(notebook):
        if "NBVAL" in source(cell).upper():
            yield f"{cell['id']}: nbval is told by tags, not by comments"


def ids_are_unique(notebook: Notebook) -> Iterator[str]:
    for cell_id, count in Counter(cell["id"] for cell in notebook["cells"]).items():
        if count > 1:
            yield f"{cell_id}: {count} cells have this id"


LANGUAGE: tuple[Rule, ...] = (
    every_english_cell_has_its_thai,
    thai_is_as_new_as_english,
    thai_body_stands_in_a_div,
    one_heading_for_both,
    same_numbers,
    same_links,
    same_code_spans,
    thai_style,
    short_cells,
    no_forbidden_word,
    terms_of_the_glossary,
)
ANATOMY: tuple[Rule, ...] = (
    begins_with_the_way,
    stays_short,
    says_honest_minutes,
    opens_with_the_question,
    links_the_glossary,
    opens_with_recall,
    guesses_are_settled,
    predictions_are_marked,
    says_the_six_steps,
    stands_by_itself,
    code_is_short,
    one_cell_breaks,
    shows_the_real_code,
    has_exercises,
    ends_clean,
)
STORED: tuple[Rule, ...] = (
    outputs_are_stored,
    ignored_outputs_are_asserted,
    nothing_of_the_machine,
    no_counts_and_no_widgets,
    nothing_is_skipped,
    ids_are_unique,
)

#: what holds for any sentence in two languages, in a notebook or not
SENTENCES: tuple[Rule, ...] = (same_numbers, same_links, same_code_spans, thai_style, no_forbidden_word)


def sentence(name: str, english: str, thai: str) -> Notebook:
    """A sentence in two languages as a notebook of one pair, for the rules."""
    twins = ((name, english, {}), (f"{name}-th", thai, {"chatkit": {"of": name}}))
    return {"cells": [{"cell_type": "markdown", "id": i, "source": text, "metadata": m} for i, text, m in twins]}


AGREED = "the teacher's room is at the agreed port, where the class looks for it"
#: rules that a notebook does not keep, and why
EXCEPTIONS: dict[str, dict[Rule, str]] = {
    "00_hello_room": {opens_with_recall: "the first lesson"},
    "07_many_clients_teacher": {stands_by_itself: AGREED},
    "07_many_clients_student": {stands_by_itself: AGREED},
    **{
        name: {says_the_six_steps: "looks at bytes, builds no server; it names the steps that it shows"}
        for name in ("08_handshake", "09_frames", "10_client_by_hand")
    },
    "postman_exercises": {
        **dict.fromkeys((opens_with_recall, guesses_are_settled, has_exercises), "the labs are the exercises"),
        says_the_six_steps: "builds no server",
        stands_by_itself: AGREED,
    },
    "project": {
        has_exercises: "the milestones of the four projects are its exercises",
        **dict.fromkeys((guesses_are_settled, one_cell_breaks), "a choice, a rubric and a show; the projects teach"),
    },
    "index": dict.fromkeys(ANATOMY, "a page of links"),
}


def rules_for(name: str) -> list[Rule]:
    """The rules that a notebook of this name (no suffix) has to keep."""
    return [rule for rule in (*LANGUAGE, *ANATOMY, *STORED) if rule not in EXCEPTIONS.get(name, {})]


def complaints(name: str, notebook: Notebook) -> list[str]:
    """Everything that is wrong with a notebook."""
    return [f"{rule.__name__}: {what}" for rule in rules_for(name) for what in rule(notebook)]


def main(paths: list[str]) -> int:
    """`python -m tests.notebook_rules FILE …`: every complaint on a line; 1 where there is one."""
    found = [what for path in map(Path, paths) for what in complaints(path.stem, json.loads(path.read_text("utf-8")))]
    print(*found, sep="\n", end="\n" * bool(found))
    return min(1, len(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
