"""Text is text: what a message, a name and a close reason may be made of."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from chatkit.errors import BadMessage, BadName, BadText
from chatkit.events import NOBODY, Who
from chatkit.limits import LIMITS, MAX_MARKS
from chatkit.texts import LANGUAGES, Sentence, visible

# Letters of other scripts that look like Latin ones: those of UTS #39's confusables that a keyboard can write.
LOOK_ALIKES = str.maketrans(
    "асԁеһіјӏкмнорԛѕтухѵԝгαεζηικμνορτυχɑɡıʀʜᴀᴄᴇᴛᴠꜱ", "acdehijlkmhopqstyxvwraezhikmvoptyxagirhacetvs"
)
LONGEST_NAME = 64
THAI_MARK = re.compile("[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]")  # a part of the word, unlike an accent on a Latin letter
# What is easily overlooked in a name: a tone mark, a vowel on top of another one, the number that the kit itself adds.
UNSEEN = re.compile("[\u0e3a\u0e47-\u0e4e]|(?<=[\u0e38\u0e39])[\u0e38\u0e39]|·[0-9]+$")
SIGNS = re.compile("[🟢⚠✅❌📩📤📊➡🎓💬│:꞉∶ː]")  # with which a line of the kit begins, and what ends a speaker's name


def check_text(text: str) -> str:
    """The text as it will be kept; BadText where it is too long, or no text at all (NUL, half a surrogate pair)."""
    if len(text) > LIMITS.text:
        raise BadText("too_long", limit=LIMITS.text, length=len(text))
    if "\0" in text or not is_unicode(text):
        raise BadText("bad_text")
    return trim_marks(text)


def clean_name(raw: str) -> str:
    """A person's name as others will see it; BadName where it is blank, too long or reserved."""
    name = clean_line(raw)
    if UNSEEN.sub("", skeleton(name)) in RESERVED:
        raise BadName("reserved_name", name=name)
    if sign := SIGNS.search(unicodedata.normalize("NFKC", name)):
        raise BadName("name_sign", sign=sign[0])
    return name


def skeleton(name: str) -> str:
    """What a name looks like: two with the same skeleton cannot be told apart at a glance (UTS #39, 4)."""
    letters = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name).casefold().translate(LOOK_ALIKES))
    return "".join(c for c in letters if not c.isspace() and (THAI_MARK.match(c) or unicodedata.category(c) != "Mn"))


RESERVED = frozenset(map(skeleton, ("Server", "Teacher", "ครู")))


def clean_line(raw: str) -> str:
    """The name of a person or a room: NFC, one line, nothing invisible. BadName where nothing is left, or too much."""
    if not isinstance(raw, str) or not is_unicode(raw):
        raise BadName("bad_name")
    shown = "".join(c for c in raw if not is_invisible(c))
    name = trim_marks(unicodedata.normalize("NFC", " ".join(shown.split())))
    if not name:
        raise BadName("blank_name")
    if len(name) > LIMITS.name:
        raise BadName("long_name", limit=LIMITS.name, length=len(name))
    return name


def is_unicode(text: str) -> bool:
    """Whether the text can be written as UTF-8: JSON lets half of a surrogate pair (`"\\ud800"`) into a str."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# Letters and marks that show nothing: two names that differ only in these would look the same.
BLANKS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def is_invisible(c: str) -> bool:
    """Whether a character of a name shows nothing: control, format (bidi, zero width), private, or a blank letter."""
    return (unicodedata.category(c) in ("Cc", "Cf", "Co", "Zl", "Zp") and not c.isspace()) or bool(BLANKS.match(c))


def trim_marks(text: str) -> str:
    """The text with at most four combining marks in a row (UTS #39, 5.4): no letter towers over its neighbours."""
    return text if text.isascii() else "".join(without_towers(text))


def without_towers(text: str) -> Iterator[str]:
    marks = 0
    for c in text:
        marks = marks + 1 if unicodedata.category(c) in ("Mn", "Me") else 0
        if marks <= MAX_MARKS:
            yield c


def cut_reason(reason: str) -> str:
    """A close reason in at most 123 bytes, cut between characters: a control frame holds 125 (RFC 6455, 5.5)."""
    return reason.encode()[:123].decode(errors="ignore")


def parse_object(text: str) -> dict[str, Any]:
    """One JSON object, each key once; BadMessage for everything else."""
    try:
        fields = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError):  # no JSON, NaN, a number of 5,000 digits; brackets 100,000 deep
        raise BadMessage("bad_json") from None
    if not isinstance(fields, dict):
        raise BadMessage("bad_json")
    return fields


def refuse_constant(name: str) -> None:
    """NaN and Infinity are Python's own: no other language's parser would take them back."""
    raise ValueError(name)


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of the pairs; ValueError where a key stands twice: two readers could read two different messages."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key stands twice")
    return fields


# What `str.splitlines` and a terminal take for the end of a line.
LINE_END = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def plain_lines(text: str) -> str:
    """A text whose further lines begin with `│ `: none of them can pass for a line of the server."""
    return LINE_END.sub("\n│ ", text)


# What a client takes of a server's words: its own limits hold, whatever comes.


def cut_name(name: str) -> str:
    """A name in at most 64 code points; an honest one, with its suffix, has fewer."""
    return name[:LONGEST_NAME]


def label(who: Who, others: Iterable[Who]) -> str:
    """The name as it is shown: with a piece of the id where somebody else here has one that looks like it."""
    twins = (each for each in others if each.id != who.id and each.name != NOBODY)
    return (
        f"{who.name} #{who.id[-4:]}" if skeleton(who.name) in map(skeleton, (each.name for each in twins)) else who.name
    )


def heard_sentence(words: dict[str, str], code: str) -> Sentence:
    """A reason in our languages; in one where it has one only, its code where it has none."""
    spare = next(iter(words.values()), code)
    return Sentence(*(visible(words.get(lang, spare)[: LIMITS.text]) for lang in LANGUAGES))
