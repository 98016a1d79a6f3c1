"""Lexicons: the stored records, and the entries that they hold."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field

from app.core.clock import utc_now
from app.models.base import Record

MAX_ATTACHED: Final = 3
"""Lexicons that hold at once: of a voice, of a request, of an owner by default."""
LexiconIds = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=MAX_ATTACHED)
]
"""`id`, or `id@revision`; the first one goes before."""
MAX_GRAPHEME: Final = 200
MAX_ALIAS: Final = 1000
MAX_PHONEMES: Final = 500
MAX_NOTE: Final = 500
MAX_NAME: Final = 200
MAX_DESCRIPTION: Final = 2000
DEFAULT_NAME: Final = "default"
"""Name of the lexicon that entries go to which name none."""


class Alphabet(StrEnum):
    """How phonemes are written."""

    IPA = "ipa"
    X_SAMPA = "x-sampa"
    CMU_ARPABET = "cmu-arpabet"
    UPS = "ups"


class PartOfSpeech(StrEnum):
    """What a word must be in its sentence."""

    NOUN = "noun"
    VERB = "verb"
    ADJECTIVE = "adjective"
    ADVERB = "adverb"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """How something that is written is said.

    Attributes:
        grapheme: what is written: NFC, single spaces.
        alias: what is read instead; or
        phonemes: how it is said, in `alphabet`. Exactly one of the two.
        language: BCP-47 tag of the texts it is for, None for that of its lexicon.
        word_boundaries: whether it must stand alone, not inside a word.
        part_of_speech: None for any.
    """

    grapheme: str
    alias: str | None = None
    phonemes: str | None = None
    alphabet: Alphabet | None = None
    language: str | None = None
    case_sensitive: bool = False
    word_boundaries: bool = True
    part_of_speech: PartOfSpeech | None = None
    note: str | None = None


FIELDS: Final = tuple(one.name for one in fields(EntryDraft))
"""Of a draft, in the order of the columns of a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(EntryDraft):
    """A draft that is in a lexicon.

    Attributes:
        number: of the entry in its lexicon, from 1; never used again.
        revision: of the lexicon in which it was last changed.
    """

    number: int
    revision: int
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)

    @classmethod
    def of(cls, draft: EntryDraft, **members: Any) -> "Entry":
        """The entry of a draft. Others than its members are given."""
        return cls(**{name: getattr(draft, name) for name in FIELDS}, **members)


class Lexicon(Record):
    """A named list of entries. What is in it lies in a `LexiconContent`.

    Attributes:
        language: BCP-47 tag of entries that have none, None for any language.
        is_default: whether it holds for what its owner has spoken, where nothing else is said.
        revision: counts the changes of its entries; 0 as long as there was none.
        entries: how many there are.
        content_id: of the content of this revision, None for an empty lexicon of revision 0.
        next_number: of the entry that comes next.
    """

    name: str
    description: str | None = None
    language: str | None = None
    is_default: bool = False
    revision: int = 0
    entries: int = 0
    content_id: str | None = None
    next_number: int = 1


class LexiconContent(Record):
    """All entries of one revision. Written once, never changed.

    Attributes:
        number: the revision.
        previous_id: of the content that it came after. Contents that no chain from the lexicon
            leads to were never in effect.
        entries: how many there are.
        comment: what was done.
        data: see `app.lexicons.packing`.
    """

    lexicon_id: str
    number: int
    previous_id: str | None = None
    entries: int
    comment: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Revision:
    """A content, without its data."""

    content_id: str
    number: int
    previous_id: str | None
    entries: int
    comment: str
    created_at: datetime


def entry_id(lexicon_id: str, number: int) -> str:
    """What an entry is called outside."""
    return f"{lexicon_id}.{number}"
