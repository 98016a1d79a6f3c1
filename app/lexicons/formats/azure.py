"""Entries as PLS by the rules of Azure's speech service: files of 100 KB, one locale in each, IPA
alone, graphemes matched in their case, no phonemes for phrases, nothing but words and how they are
said.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/speech-synthesis-markup-pronunciation
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.core.exceptions import InvalidRequest
from app.lexicons.formats.pls_written import by_language, element, head
from app.models.lexicon import EntryDraft
from app.text.alphabets import to_ipa

MAX_BYTES: Final = 100_000
_END: Final = "</lexicon>\n"


@dataclass(frozen=True, slots=True)
class AzureFiles:
    """What can be sent. `left_out`: entries that have no form there: those for a part of speech,
    and those that others take the place of.
    """

    documents: list[str]
    left_out: int


def write_azure(entries: Iterable[EntryDraft], language: str | None) -> AzureFiles:
    """The entries in as many files as are needed.

    Args:
        language: of entries that have none.

    Raises:
        InvalidRequest: there is none, and entries are for any language.
    """
    documents: list[str] = []
    left_out = 0
    for locale, some in by_language(entries, language):
        if locale is None:
            raise InvalidRequest(
                "Azure's files have one locale each, and the lexicon has none.",
                "Give the lexicon a language, or ask for one: `language=en-US`.",
            )
        writer = _Writer(head(locale))
        for entry in sorted(some, key=lambda one: not one.case_sensitive):  # the exact ones first
            left_out += not writer.write(entry)
        documents += writer.finished()
    return AzureFiles(documents, left_out)


@dataclass(slots=True)
class _Writer:
    """The files of one locale."""

    head: str
    taken: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def write(self, entry: EntryDraft) -> bool:
        """Whether it has a form here."""
        words = [word for word in _spellings(entry) if word not in self.taken]
        if not words or entry.part_of_speech is not None:
            return False
        self.taken.update(words)
        if entry.phonemes is None or entry.alphabet is None:
            self._append(_lexeme(words, "alias", entry.alias or ""))
            return True
        ipa = unicodedata.normalize("NFD", to_ipa(entry.phonemes, entry.alphabet))
        ipa = "".join(ipa.split())
        if " " not in entry.grapheme:
            self._append(_lexeme(words, "phoneme", ipa))
            return True
        token = self._token(entry.grapheme)
        self._append(_lexeme(words, "alias", token) + _lexeme([token], "phoneme", ipa))
        return True

    def finished(self) -> list[str]:
        return [*self.done, self.head + "".join(self.parts) + _END]

    def _token(self, phrase: str) -> str:
        """A word for a phrase, that nothing else is called."""
        token = "".join(char for char in phrase if char.isalnum()) or "x"
        while token in self.taken:
            token += "x"
        self.taken.add(token)
        return token

    def _append(self, lexemes: str) -> None:
        size = len(lexemes.encode())
        around = len(self.head.encode()) + len(_END)
        if self.parts and around + self.size + size > MAX_BYTES:
            self.done.append(self.head + "".join(self.parts) + _END)
            self.parts, self.size = [], 0
        self.parts.append(lexemes)
        self.size += size


def _spellings(entry: EntryDraft) -> list[str]:
    """A word in the cases that are usual, where its case does not matter."""
    word = entry.grapheme
    if entry.case_sensitive:
        return [word]
    return list(dict.fromkeys((word, word.lower(), word.capitalize(), word.title(), word.upper())))


def _lexeme(words: Sequence[str], kind: str, text: str) -> str:
    graphemes = "".join(element("grapheme", word) for word in words)
    return f"  <lexeme>\n{graphemes}{element(kind, text)}  </lexeme>\n"
