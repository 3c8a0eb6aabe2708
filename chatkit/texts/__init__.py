"""Every sentence that code shows to a person, in English and Thai.

The sentences stand in `en.json` and `th.json` beside this file, under equal keys.
"""

import json
from functools import cache
from importlib.resources import files

__all__ = ["LANGUAGES", "both", "say", "sentences"]

LANGUAGES = ("en", "th")


@cache
def sentences(lang: str) -> dict[str, str]:
    """All sentences of one language, `{key: sentence with {holes}}`; FileNotFoundError for any other language."""
    loaded: dict[str, str] = json.loads(files(__name__).joinpath(f"{lang}.json").read_text("utf-8"))
    return loaded


def say(key: str, lang: str = "both", **values: object) -> str:
    """One sentence with its holes filled; lang "en", "th", or "both" for `English · ไทย`."""
    if lang == "both":
        spoken = (say(key, each, **values) for each in LANGUAGES)
        return " · ".join(dict.fromkeys(spoken))
    return sentences(lang)[key].format(**values)


def both(key: str, **values: object) -> dict[str, str]:
    """The sentence as the wire carries it: `{"en": …, "th": …}`."""
    return {lang: say(key, lang, **values) for lang in LANGUAGES}
