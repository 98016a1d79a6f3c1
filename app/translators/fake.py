"""A translator for tests and development: the same text with the language before it, so that a test
can tell what was done from the text alone.
"""

import re
from collections.abc import Sequence
from typing import Final

from app.translators.base import Detection, Language, Term, Translation
from app.translators.terms import Glossary

_MARK: Final = re.compile(r"\[([a-zA-Z-]{2,8})\] ")
_LANGUAGES: Final = {
    "de": ("German", "Deutsch"),
    "en": ("English", "English"),
    "es": ("Spanish", "Español"),
    "fr": ("French", "Français"),
    "ja": ("Japanese", "日本語"),
    "zh-Hans": ("Chinese Simplified", "中文 (简体)"),
}


class FakeTranslator:
    """Implements `Translator`. What is not marked otherwise is German."""

    name = "fake"

    async def close(self) -> None: ...

    async def translate(
        self,
        texts: Sequence[str],
        *,
        target: str,
        source: str | None = None,
        terms: Sequence[Term] = (),
    ) -> list[Translation]:
        glossary = Glossary(terms)
        return [
            Translation(
                f"[{target}] {glossary.replaced(text)}",
                source or _language(text),
                detected=source is None,
            )
            for text in texts
        ]

    async def detect(self, texts: Sequence[str]) -> list[Detection]:
        return [Detection(_language(text), 1.0) for text in texts]

    async def languages(self) -> Sequence[Language]:
        return [Language(tag, *names) for tag, names in _LANGUAGES.items()]


def _language(text: str) -> str:
    mark = _MARK.match(text)
    return mark[1] if mark and mark[1] in _LANGUAGES else "de"
