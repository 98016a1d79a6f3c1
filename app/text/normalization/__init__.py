"""Putting into words what is not written in words: numbers, dates, signs, abbreviations."""

from collections.abc import Sequence

from app.text.languages import primary
from app.text.normalization import english, saying, tongues
from app.text.normalization.emoji import emoji_edits
from app.text.spoken import Edit

__all__ = ["coverage", "emoji_edits", "normalize", "say_as"]


def normalize(text: str, language: str, *, taken: Sequence[Edit] = ()) -> list[Edit]:
    """What is said instead of passages that are not written in words.

    Args:
        text: usually a sentence, cleaned.
        language: BCP-47 tag. One without rules has no edits.
        taken: in order; not touched.

    Returns:
        In order, without overlap.
    """
    if primary(language) == "en":
        return english.normalize(text, language, taken)
    return tongues.normalize(text, language, taken=taken)


def coverage(language: str) -> frozenset[str]:
    """Kinds of what is put into words; none for a language without rules."""
    return english.COVERAGE if primary(language) == "en" else tongues.coverage(language)


def say_as(
    text: str, interpret_as: str, *, format: str | None = None, language: str = "en-US"
) -> str:
    """How a text is said that is known to be of a kind.

    Args:
        interpret_as: as in SSML and Azure's dialect: `characters`, `cardinal`, `date`, ...
        format: of a date, e.g. `dmy`, or a time, `hms12` or `hms24`.
        language: BCP-47 tag.

    Raises:
        ValueError: telling, for people, what kinds there are, or what the text must look like.
    """
    if primary(language) == "en" or not tongues.coverage(language):
        return saying.say_as(text, interpret_as, format=format, language=language)
    return tongues.say_as(text, interpret_as, format=format, language=language)
