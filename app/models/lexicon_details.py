"""Lexicons and their entries as callers send and see them."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from app.models.base import MAX_LANGUAGE
from app.models.lexicon import (
    MAX_ALIAS,
    MAX_DESCRIPTION,
    MAX_GRAPHEME,
    MAX_NAME,
    MAX_NOTE,
    MAX_PHONEMES,
    Alphabet,
    Entry,
    Lexicon,
    PartOfSpeech,
    Revision,
    entry_id,
)

_ID = "3b0f2a4e-6f0d-4f63-9c0c-1a2b3c4d5e6f"
_FIELDS: dict[str, Any] = {
    "grapheme": "Worcester",
    "alias": None,
    "phonemes": "ˈwʊstɚ",
    "alphabet": "ipa",
    "language": "en-US",
    "case_sensitive": False,
    "word_boundaries": True,
    "part_of_speech": None,
    "note": "the city",
}
_ENTRY: dict[str, Any] = {
    "id": f"{_ID}.1",
    "lexicon_id": _ID,
    **_FIELDS,
    "revision": 1,
    "created_at": "2026-01-15T10:30:00Z",
    "updated_at": "2026-01-15T10:30:00Z",
}
_LEXICON: dict[str, Any] = {
    "id": _ID,
    "name": "Places",
    "description": "Towns and rivers.",
    "language": "en-US",
    "is_default": False,
    "revision": 3,
    "entries": 412,
    "version": 5,
    "created_at": "2026-01-15T10:30:00Z",
    "updated_at": "2026-01-16T08:00:00Z",
}

Language = Annotated[str, StringConstraints(max_length=MAX_LANGUAGE)]
LexiconId = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class EntryFields(BaseModel):
    """How something that is written is said. Either an alias or phonemes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"grapheme": "SQL", "alias": "sequel"}, _FIELDS]},
    )

    grapheme: str = Field(
        min_length=1,
        max_length=MAX_GRAPHEME,
        description="What is written: a word or several, signs, emoji.",
    )
    alias: str | None = Field(None, max_length=MAX_ALIAS, description="What is read instead.")
    phonemes: str | None = Field(None, max_length=MAX_PHONEMES, description="How it is said.")
    alphabet: Alphabet | None = Field(None, description="Of the phonemes.")
    language: Language | None = Field(
        None, description="BCP-47 tag of the texts it is for; default: the lexicon's, else any."
    )
    case_sensitive: StrictBool = Field(False, description="Whether case matters.")
    word_boundaries: StrictBool = Field(
        True, description="Whether it must stand alone, not inside a word."
    )
    part_of_speech: PartOfSpeech | None = Field(
        None, description="What it must be in its sentence; default: anything."
    )
    note: str | None = Field(None, max_length=MAX_NOTE, description="For yourself.")


class NewEntry(EntryFields):
    """An entry, and where it belongs."""

    lexicon_id: LexiconId | None = Field(
        None, description="Default: your lexicon `default`, which is made if there is none."
    )


class EntryDetails(BaseModel):
    """An entry as callers see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENTRY]})

    id: str
    lexicon_id: str
    grapheme: str
    alias: str | None
    phonemes: str | None
    alphabet: Alphabet | None
    language: str | None
    case_sensitive: bool
    word_boundaries: bool
    part_of_speech: PartOfSpeech | None
    note: str | None
    revision: int = Field(description="Of the lexicon in which it was last changed; its `ETag`.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, lexicon_id: str, entry: Entry, **more: Any) -> Self:
        members = {
            name: getattr(entry, name) for name in _ENTRY if name not in ("id", "lexicon_id")
        }
        return cls(id=entry_id(lexicon_id, entry.number), lexicon_id=lexicon_id, **members, **more)


class EntryCreated(EntryDetails):
    """A new entry, and where it went."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_ENTRY,
                    "lexicon_name": "default",
                    "lexicon_created": True,
                    "lexicon_is_default": True,
                }
            ]
        }
    )

    lexicon_name: str
    lexicon_created: bool = Field(description="Whether the lexicon was made for it.")
    lexicon_is_default: bool = Field(
        description="Whether the lexicon holds where a request and its voice say nothing."
    )


class EntryPage(BaseModel):
    """Part of the entries: lexicon by lexicon, the oldest first, in the order in which they were
    added.
    """

    items: list[EntryDetails]
    cursor: str | None = Field(
        description="Ask with it for what follows; null at the end. A page that is filtered can "
        "have few items, or none, before the end."
    )


class NewLexicon(BaseModel):
    """A lexicon to be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Places", "language": "en-US"}]},
    )

    name: str = Field(min_length=1, max_length=MAX_NAME, description="None of your others has it.")
    description: str | None = Field(None, max_length=MAX_DESCRIPTION)
    language: Language | None = Field(
        None, description="BCP-47 tag of entries that have none; default: any language."
    )
    is_default: StrictBool = Field(
        False, description="Whether it holds where a request and its voice say nothing."
    )


class LexiconChange(BaseModel):
    """What to change of a lexicon. What is left out stays; null clears."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Places", "is_default": True}]},
    )

    version: StrictInt | None = Field(
        None, ge=1, le=2**31 - 1, description="That you have read; or the header `If-Match`."
    )
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] = ""  # not checked if left out
    description: str | None = Field(None, max_length=MAX_DESCRIPTION)
    language: Language | None = Field(None, description="BCP-47 tag of entries that have none.")
    is_default: StrictBool = False


class LexiconDetails(BaseModel):
    """A lexicon as callers see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LEXICON]})

    id: str
    name: str
    description: str | None
    language: str | None = Field(description="Of entries that have none; null for any.")
    is_default: bool = Field(description="Holds where a request and its voice say nothing.")
    revision: int = Field(description="Counts the changes of its entries.")
    entries: int = Field(description="How many there are.")
    version: int = Field(description="Counts all changes; its `ETag`.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, lexicon: Lexicon) -> "LexiconDetails":
        return cls(**lexicon.model_dump(include=set(_LEXICON)))


class LexiconPage(BaseModel):
    """Part of the list of lexicons, newest first."""

    items: list[LexiconDetails]
    cursor: str | None = Field(description="Ask with it for what follows; null at the end.")


class LexiconVersion(BaseModel):
    """A revision of a lexicon."""

    number: int
    created_at: datetime
    entries: int
    comment: str = Field(description="What was done.")
    current: bool = Field(description="Whether this is how the lexicon is now.")

    @classmethod
    def of(cls, revision: Revision, lexicon: Lexicon) -> "LexiconVersion":
        return cls(
            number=revision.number,
            created_at=revision.created_at,
            entries=revision.entries,
            comment=revision.comment,
            current=revision.number == lexicon.revision,
        )


class LexiconVersions(BaseModel):
    """The revisions of a lexicon that are kept, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lexicon_id": _ID,
                    "items": [
                        {
                            "number": 3,
                            "created_at": "2026-01-16T08:00:00Z",
                            "entries": 412,
                            "comment": "bulk upload: 12 created, 1 replaced",
                            "current": True,
                        }
                    ],
                }
            ]
        }
    )

    lexicon_id: str
    items: list[LexiconVersion]


class LexiconErased(BaseModel):
    """Answer to a deletion."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lexicon_id": _ID, "entries": 412, "voices": 1}]}
    )

    lexicon_id: str
    entries: int = Field(description="That it had; its versions are gone as well.")
    voices: int = Field(description="That had it and have it no longer.")
