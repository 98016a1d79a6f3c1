"""Entries as the rules by which a text is read."""

import unicodedata
from collections.abc import Iterable

from app.models.lexicon import Entry, EntryDraft, Lexicon, entry_id
from app.text.alphabets import to_ipa
from app.text.lexicon import Rule


def rules(lexicon: Lexicon, entries: Iterable[Entry]) -> list[Rule]:
    """What the entries of a lexicon say: phonemes in IPA, the language of the lexicon where an
    entry has none.
    """
    return [
        Rule(
            id=entry_id(lexicon.id, entry.number),
            lexicon=lexicon.id,
            grapheme=entry.grapheme,
            alias=entry.alias,
            phonemes=ipa_of(entry),
            language=entry.language or lexicon.language,
            case_sensitive=entry.case_sensitive,
            word_boundaries=entry.word_boundaries,
            part_of_speech=entry.part_of_speech,
        )
        for entry in entries
    ]


def ipa_of(entry: EntryDraft) -> str | None:
    """How an entry is said, in IPA, NFC; None if it has an alias."""
    if entry.phonemes is None or entry.alphabet is None:
        return None
    return unicodedata.normalize("NFC", to_ipa(entry.phonemes, entry.alphabet))
