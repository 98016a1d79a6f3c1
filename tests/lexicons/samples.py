"""Entries of all kinds, for tests."""

import random
from typing import Any

from app.models.lexicon import Alphabet, Entry, EntryDraft, Lexicon, PartOfSpeech

DRAFTS = (
    EntryDraft(grapheme="SQL", alias="sequel", case_sensitive=True),
    EntryDraft(grapheme="Worcester", phonemes="ˈwʊstɚ", alphabet=Alphabet.IPA, language="en-US"),
    EntryDraft(grapheme="New York", phonemes="n u j O r k", alphabet=Alphabet.X_SAMPA),
    EntryDraft(grapheme="gnu", phonemes="N UW1", alphabet=Alphabet.CMU_ARPABET, note="the animal"),
    EntryDraft(grapheme="joy", phonemes="JH O I", alphabet=Alphabet.UPS),
    EntryDraft(grapheme="lead", alias="led", part_of_speech=PartOfSpeech.NOUN),
    EntryDraft(grapheme="lead", alias="leed", part_of_speech=PartOfSpeech.VERB),
    EntryDraft(grapheme="ium", alias="ee um", word_boundaries=False),
    EntryDraft(grapheme="AT&T <b>", alias='a "t" & t', note="]]> </alias>"),
    EntryDraft(grapheme="東京", alias="とうきょう", language="ja"),
    EntryDraft(grapheme="ЖЭК", alias="жэк", language="ru", case_sensitive=True),
    EntryDraft(grapheme="👩🏽‍🎤", alias="singer"),
    EntryDraft(grapheme="café", alias="ca\u00a0fe".replace("\u00a0", " ")),
    EntryDraft(grapheme="=1+1", alias="-two", note="@home"),
    EntryDraft(grapheme="'=1", alias="'' quotes; semicolons, commas\tand".replace("\t", " ")),
)
"""As they are after they were checked."""


def entries(drafts: tuple[EntryDraft, ...] = DRAFTS) -> tuple[Entry, ...]:
    return tuple(
        Entry.of(draft, number=number, revision=1) for number, draft in enumerate(drafts, start=1)
    )


def a_lexicon(**fields: Any) -> Lexicon:
    return Lexicon(**({"owner": "ann", "name": "Places"} | fields))


def pls(*lexemes: str, head: str = 'alphabet="ipa" xml:lang="en-US"') -> bytes:
    """A document with these lexemes."""
    namespace = "http://www.w3.org/2005/01/pronunciation-lexicon"
    text = f'<lexicon version="1.0" xmlns="{namespace}" {head}>{"".join(lexemes)}</lexicon>'
    return text.encode()


def lexeme(inside: str, attributes: str = "") -> str:
    return f"<lexeme {attributes}>{inside}</lexeme>"


def some_words(count: int, seed: int = 1) -> list[str]:
    """Different words of letters."""
    letters = random.Random(seed)  # noqa: S311 - words, no secrets
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=9))] = None
    return list(found)
