"""Names of languages: those of callers, and those of translators."""

import re
from collections.abc import Iterable
from typing import Any, Final

from app.core.exceptions import UnsupportedLanguage

_TAG: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}")
# What is meant by a tag that a translator may not have, the nearest one first.
_MEANT: Final = {
    "cmn": ("zh-Hans", "zh"),
    "zh": ("zh-Hans",),
    "zh-cn": ("zh-Hans", "zh"),
    "zh-sg": ("zh-Hans", "zh"),
    "zh-tw": ("zh-Hant",),
    "zh-hk": ("zh-Hant", "yue"),
    "no": ("nb",),
    "pt-br": ("pt",),
    "sr": ("sr-Latn", "sr-Cyrl"),
    "tl": ("fil",),
    "iw": ("he",),
}


def clean_tag(tag: Any) -> str | None:
    """The tag, if it has the form of one."""
    return tag if isinstance(tag, str) and _TAG.fullmatch(tag) else None


def resolve(tag: str, known: Iterable[str]) -> str:
    """The translator's tag for a language: the same, one that means the same, or the language
    without its region.

    Raises:
        UnsupportedLanguage: it has none.
    """
    tags = {one.lower(): one for one in known}
    asked = tag.replace("_", "-").lower()
    candidates = [asked, *(one.lower() for one in _MEANT.get(asked, ()))]
    while "-" in asked:
        asked = asked.rpartition("-")[0]
        candidates += [asked, *(one.lower() for one in _MEANT.get(asked, ()))]
    for one in candidates:
        if one in tags:
            return tags[one]
    raise UnsupportedLanguage(
        f"The translator does not know {tag[:35]!r}.",
        "GET /api/v1/translation/languages lists the languages that it knows.",
    )
