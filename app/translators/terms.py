"""Terms that a translator must not touch: marked in HTML, and looked for afterwards."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape, unescape
from typing import Final

from app.core.exceptions import TranslationFailed
from app.translators.base import Term

_SPAN: Final = re.compile(
    r"<span\b[^<>]{0,200}\bnotranslate\b[^<>]{0,200}>(.*?)</span\s*>", re.DOTALL | re.IGNORECASE
)
_FIRST_UNSPACED: Final = "\u0e00"  # Thai: from here on most scripts have no spaces between words


@dataclass(frozen=True)
class Glossary:
    """Terms as they are looked for: whole words, in the case that they are written in, the longest
    one first.
    """

    terms: Sequence[Term]

    @cached_property
    def _translations(self) -> dict[str, str]:
        return {term.term: term.translation for term in self.terms}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest = sorted(self._translations, key=len, reverse=True)
        return re.compile("|".join(map(_whole, longest)) or r"(?!)")

    def wanted(self, text: str) -> Counter[str]:
        """What must be in the translation, and how often."""
        return Counter(self._translations[found[0]] for found in self._pattern.finditer(text))

    def used(self, text: str) -> list[Term]:
        """Those that are in a text."""
        found = {match[0] for match in self._pattern.finditer(text)}
        return [term for term in self.terms if term.term in found]

    def marked(self, text: str) -> str:
        """The text as HTML in which the terms are translated already, and marked as done."""
        parts, at = [], 0
        for found in self._pattern.finditer(text):
            done = escape(self._translations[found[0]], quote=False)
            parts.append(escape(text[at : found.start()], quote=False))
            parts.append(f'<span class="notranslate">{done}</span>')
            at = found.end()
        return "".join([*parts, escape(text[at:], quote=False)])

    def replaced(self, text: str) -> str:
        """The text with the terms translated."""
        return self._pattern.sub(lambda found: self._translations[found[0]], text)

    def unmarked(self, html: str, original: str) -> str:
        """The text of a translation of what `marked` gave.

        Raises:
            TranslationFailed: a term is not in it, or not as often as in the original.
        """
        found = Counter(unescape(match[1]).strip() for match in _SPAN.finditer(html))
        self.check(found, original)
        return unescape(_SPAN.sub(r"\1", html))

    def check(self, found: Counter[str], original: str) -> None:
        """Raise `TranslationFailed` where a translation lacks a term."""
        missing = self.wanted(original) - found
        if missing:
            places = [
                number
                for number, term in enumerate(self.terms, 1)
                if missing[term.translation] and term.term in original
            ]
            raise TranslationFailed(
                "The translator did not keep what the glossary asks for.",
                "Leave the terms out that `terms` numbers, or word the text otherwise.",
                terms=places,
            )

    def check_plain(self, translation: str, original: str) -> None:
        """The same for a translation without markup."""
        wanted = self.wanted(original)
        self.check(Counter({text: translation.count(text) for text in wanted}), original)


def _whole(term: str) -> str:
    """Not a part of a longer word, where words have spaces between them."""
    before = r"(?<!\w)" if _bounded(term[0]) else ""
    after = r"(?!\w)" if _bounded(term[-1]) else ""
    return f"{before}{re.escape(term)}{after}"


def _bounded(char: str) -> bool:
    return char.isalnum() and char < _FIRST_UNSPACED
