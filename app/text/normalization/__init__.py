"""Putting into words what is not written in words: numbers, dates, signs, abbreviations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from app.text.normalization import english
from app.text.normalization.emoji import emoji_edits
from app.text.normalization.saying import say_as
from app.text.spoken import Edit

__all__ = ["coverage", "emoji_edits", "normalize", "say_as"]

_LANGUAGES: Final[
    Mapping[str, tuple[Callable[[str, str, Sequence[Edit]], list[Edit]], frozenset[str]]]
] = {
    "en": (english.normalize, english.COVERAGE),
}


def normalize(text: str, language: str, *, taken: Sequence[Edit] = ()) -> list[Edit]:
    """What is said instead of passages that are not written in words.

    Args:
        text: usually a sentence, cleaned.
        language: BCP-47 tag. One without rules has no edits.
        taken: in order; not touched.

    Returns:
        In order, without overlap.
    """
    known = _LANGUAGES.get(_primary(language))
    return known[0](text, language, taken) if known else []


def coverage(language: str) -> frozenset[str]:
    """Kinds of what is put into words; none for a language without rules."""
    known = _LANGUAGES.get(_primary(language))
    return known[1] if known else frozenset()


def _primary(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()
