"""Languages other than English: what is written as figures, signs and short forms, as words.

A language is a module of this package with a `LANGUAGE` (see `language.Language`); it is imported
when a text in it is first read. Nothing here changes a text: it says which edits would.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from types import MappingProxyType

from app.text.languages import primary
from app.text.normalization.tongues import interpret
from app.text.normalization.tongues.language import Language
from app.text.spoken import Edit

__all__ = ["coverage", "normalize", "say_as"]

# Primary subtag -> module of this package.
_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "es": "spanish",
        "fr": "french",
        "hi": "hindi",
        "it": "italian",
        "pt": "portuguese",
    }
)


def normalize(text: str, language: str, *, taken: Sequence[Edit] = ()) -> list[Edit]:
    """What is not read as it is written; nothing for a language without rules.

    Linear in the length of the text.

    Args:
        text: one sentence, cleaned (`app.text.clean`).
        language: BCP-47 tag; the region decides e.g. whether 3/4/2024 is in March or in April.
        taken: edits that are there already, in order: no other one overlaps them.

    Returns:
        Edits in order, none of which overlaps another one.
    """
    known = _language(language)
    return [] if known is None else known.normalize(text, language, taken)


def coverage(language: str) -> frozenset[str]:
    """Kinds of things that are normalized, e.g. `date` and `money`; none for a language without
    rules.
    """
    known = _language(language)
    return frozenset() if known is None else known.kinds


def say_as(text: str, interpret_as: str, *, format: str | None = None, language: str) -> str:
    """A text read as what the markup says that it is.

    Args:
        text: e.g. `3/4/2024`.
        interpret_as: e.g. `date`, see `interpret.KINDS`.
        format: of dates and times, e.g. `mdy`, `hms24`.
        language: BCP-47 tag.

    Raises:
        ValueError: unknown interpretation or format, the text is no such thing, or the language has
            no words for it; its message is for the user.
    """
    known = _language(language)
    if known is None:
        raise ValueError(f"say-as is not known for the language {language[:35]!r}")
    return interpret.say_as(text, interpret_as, format, known.words(language))


def _language(tag: str) -> Language | None:
    name = _MODULES.get(primary(tag))
    return None if name is None else _load(name)


@cache
def _load(name: str) -> Language:
    language: Language = import_module(f"{__name__}.{name}").LANGUAGE
    return language
