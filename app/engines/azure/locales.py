"""Languages of Azure's voices, and what a speaker reads to agree there."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from app.core.exceptions import UnsupportedLanguage
from app.text.languages import primary

LOCALES: Final = (
    "en-US", "ar-EG", "bg-BG", "ca-ES", "cs-CZ", "da-DK", "de-DE", "el-GR", "en-GB",
    "es-ES", "fi-FI", "fr-FR", "he-IL", "hi-IN", "hr-HR", "hu-HU", "id-ID", "it-IT",
    "ja-JP", "ko-KR", "ms-MY", "nb-NO", "nl-NL", "pl-PL", "pt-BR", "ro-RO", "ru-RU",
    "sk-SK", "sl-SI", "sv-SE", "ta-IN", "te-IN", "th-TH", "tr-TR", "vi-VN", "zh-CN",
)  # fmt: skip
"""One of each language that both a consent and a text can be in; the first is the default."""


def locale_of(language: str) -> str:
    """As Azure wants it: with a region. One that was said stays as it is.

    Raises:
        UnsupportedLanguage
    """
    tongue, *rest = language.replace("_", "-").split("-")
    usual = next((tag for tag in LOCALES if primary(tag) == tongue.lower()), None)
    if usual is None:
        raise UnsupportedLanguage(
            f"The engine does not speak {language[:35]!r}.",
            f"Use one of: {', '.join(LOCALES)}.",
            supported=list(LOCALES),
        )
    region = rest[-1] if rest else ""
    if not (len(region) == 2 and region.isascii() and region.isalpha()):
        return usual
    return f"{tongue.lower()}-{region.upper()}"


@cache
def _statements() -> Mapping[str, str]:
    """By locale. Azure compares what is said with them: they are word for word as it has published
    them, in `CustomVoice/script/verbal-statement-all-locales.txt` of Cognitive-Speech-TTS.
    """
    texts: dict[str, str] = json.loads(
        files(__package__).joinpath("statements.json").read_text("utf-8")
    )
    return MappingProxyType(texts)


def consent_locale(language: str) -> str:
    """The locale of the statement that a speaker of a language reads: of its region if there is
    one.

    Raises:
        UnsupportedLanguage: there is no statement in it.
    """
    wanted, texts = locale_of(language), _statements()
    if wanted in texts:
        return wanted
    usual = locale_of(primary(language))
    if usual in texts:
        return usual
    raise UnsupportedLanguage(
        f"There is no statement of Azure in {language[:35]} here.",
        f"There are: {', '.join(texts)}.",
    )


def statement(language: str, *, speaker: str, company: str) -> str:
    """What Azure wants to hear.

    Raises:
        UnsupportedLanguage: there is no statement in it.
    """
    return _statements()[consent_locale(language)].format(speaker=speaker, company=company)
