"""Entries as W3C PLS 1.0, written: all that it can hold; one document for each language."""

from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from app.lexicons.formats.pls import (
    ALPHABETS,
    ANY_CASE,
    IN_WORDS,
    NAMESPACE,
    ROLES,
    UNDETERMINED,
)
from app.models.lexicon import Alphabet, EntryDraft

_PREFIX: Final = "vc"
_END: Final = "</lexicon>\n"


def write_pls(entries: Iterable[EntryDraft], language: str | None) -> list[str]:
    """Documents, one for each language; of an empty lexicon one as well.

    Args:
        language: of entries that have none.
    """
    return [
        head(spoken_in or UNDETERMINED, roles=True) + "".join(map(_lexeme, some)) + _END
        for spoken_in, some in by_language(entries, language)
    ]


def by_language(
    entries: Iterable[EntryDraft], language: str | None
) -> Iterator[tuple[str | None, list[EntryDraft]]]:
    """The entries of each language, that of the lexicon first."""
    parts: dict[str | None, list[EntryDraft]] = {}
    for entry in entries:
        parts.setdefault(entry.language or language, []).append(entry)
    if not parts:
        yield language, []
    for spoken_in in sorted(parts, key=lambda one: (one != language, one or "")):
        yield spoken_in, parts[spoken_in]


def head(language: str, *, roles: bool = False) -> str:
    """How a document begins."""
    own = f" xmlns:{_PREFIX}={quoteattr(ROLES)}" if roles else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<lexicon version="1.0" xmlns={quoteattr(NAMESPACE)}{own} alphabet="ipa" '
        f"xml:lang={quoteattr(language)}>\n"
    )


def element(name: str, text: str, attributes: str = "") -> str:
    return f"    <{name}{attributes}>{escape(text)}</{name}>\n"


def _lexeme(entry: EntryDraft) -> str:
    roles = [entry.part_of_speech.value] if entry.part_of_speech else []
    roles += [] if entry.case_sensitive else [ANY_CASE]
    roles += [] if entry.word_boundaries else [IN_WORDS]
    role = " ".join(f"{_PREFIX}:{name}" for name in roles)
    parts = [f'  <lexeme role="{role}">\n' if role else "  <lexeme>\n"]
    parts.append(element("grapheme", entry.grapheme))
    if entry.phonemes is not None and entry.alphabet is not None:
        name = ALPHABETS.get(entry.alphabet, entry.alphabet)
        alphabet = "" if entry.alphabet is Alphabet.IPA else f" alphabet={quoteattr(name)}"
        parts.append(element("phoneme", entry.phonemes, alphabet))
    else:
        parts.append(element("alias", entry.alias or ""))
    if entry.note is not None:
        parts.append(element("example", entry.note))
    return "".join(parts) + "  </lexeme>\n"
