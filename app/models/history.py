"""What was spoken, and how much: the stored records of history and usage."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.models.base import Record
from app.models.translation import SpokenTranslation


class SpeechSource(StrEnum):
    """By which way somebody asked for speech."""

    SPEAK = "speak"
    STREAM = "stream"
    BATCH = "batch"
    PREVIEW = "preview"
    LEGACY = "synthesize"
    """`POST /voices/{voice_id}/synthesize`."""


class SpeechStatus(StrEnum):
    """What came of it."""

    OK = "ok"
    FAILED = "failed"
    CANCELLED = "cancelled"


class IgnoredEntry(BaseModel):
    """An entry of a lexicon that fits and was not applied."""

    entry_id: str
    reason: str = Field(
        description="`overlapped`, `overridden`, `language`, `case`, `part-of-speech`, "
        "`part-of-speech-unknown` or `phonemes-unsupported`."
    )
    places: int


class LexiconUse(BaseModel):
    """What lexicons have changed in a text."""

    lexicons: list[str] = Field(description="`id@revision` of those that applied, in order.")
    applied: dict[str, int] = Field(
        default_factory=dict, description="Entry to the number of places."
    )
    ignored: list[IgnoredEntry] = Field(default_factory=list)

    @property
    def applied_places(self) -> int:
        return sum(self.applied.values())

    @property
    def ignored_places(self) -> int:
        return sum(entry.places for entry in self.ignored)

    def count(self, entry_id: str, ignored: str | None) -> None:
        """Add a place; `ignored` is why it was not applied, None if it was."""
        if ignored is None:
            self.applied[entry_id] = self.applied.get(entry_id, 0) + 1
            return
        for entry in self.ignored:
            if (entry.entry_id, entry.reason) == (entry_id, ignored):
                entry.places += 1
                return
        self.ignored.append(IgnoredEntry(entry_id=entry_id, reason=ignored, places=1))


class HistoryEntry(Record):
    """One synthesis.

    Attributes:
        text: what was spoken, None where the operator keeps no texts.
        error: code of what went wrong.
        first_audio_s: until the first piece of audio was there, its turn included.
        total_s: until the last one was.
        similarity: of the voice, cosine, as its version was measured.
        audio: name of what was sent in the store of outputs, None if it was not kept.
        lexicon: what lexicons have changed; None where none applied.
        prepared: SSML that was made of the text, or of its translation, for the ear.
        translation: without the text that was translated, which is `text`; None where none was.
    """

    voice_id: str
    voice_version: int
    engine: str
    source: SpeechSource
    status: SpeechStatus
    error: str | None = None
    text: str | None = None
    characters: int
    language: str | None = None
    format: str
    sample_rate: int
    duration_s: float
    first_audio_s: float | None = None
    total_s: float
    similarity: float | None = None
    audio: str | None = None
    bytes: int = 0
    batch_id: str | None = None
    request_id: str
    lexicon: LexiconUse | None = None
    translation: SpokenTranslation | None = None
    prepared: str | None = None


class UsageDay(Record):
    """What an owner had spoken in a voice on one day (UTC). Kept when history is not: it holds
    nothing of what was said. Its id is made of owner, day and voice.
    """

    day: date
    voice_id: str
    requests: int = 0
    characters: int = 0
    audio_s: float = 0.0


_ENTRY: dict[str, Any] = {
    "id": "9f1c1a52-6d0b-4f53-8a83-0f3a52d1c7ab",
    "created_at": "2026-01-15T10:30:00Z",
    "voice_id": "550e8400-e29b-41d4-a716-446655440000",
    "voice_version": 2,
    "engine": "kokoro",
    "source": "speak",
    "status": "ok",
    "error": None,
    "text": "Hello, this is a test.",
    "characters": 22,
    "language": "en-us",
    "format": "mp3",
    "sample_rate": 24000,
    "duration_s": 1.62,
    "first_audio_s": 0.41,
    "total_s": 0.45,
    "similarity": 0.71,
    "audio_kept": True,
    "bytes": 13005,
    "batch_id": None,
    "request_id": "0f3c1f2e9a7b4c55",
    "lexicon": {
        "lexicons": ["7b0c5b5e-7a53-4f0e-9a59-0d4b8d2b8e11@3"],
        "applied": {"7b0c5b5e-7a53-4f0e-9a59-0d4b8d2b8e11.12": 1},
        "ignored": [],
    },
    "translation": None,
    "prepared": None,
}


class HistoryDetails(BaseModel):
    """A synthesis as callers see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENTRY]})

    id: str
    created_at: datetime = Field(description="When it ended.")
    voice_id: str
    voice_version: int
    engine: str
    source: SpeechSource = Field(description="By which way it was asked for.")
    status: SpeechStatus
    error: str | None = Field(description="Code of what went wrong.")
    text: str | None = Field(description="What was sent to be said; null if texts are not kept.")
    characters: int
    language: str | None
    format: str
    sample_rate: int
    duration_s: float = Field(description="Seconds of audio that were made.")
    first_audio_s: float | None = Field(description="Until the first piece of audio was there.")
    total_s: float = Field(description="Until the last one was.")
    similarity: float | None = Field(description="Of the voice, as its version was measured.")
    audio_kept: bool = Field(
        description="Whether its audio was kept; it may have been deleted since, with its voice "
        "or by the server's policy."
    )
    bytes: int = Field(description="Size of the audio.")
    batch_id: str | None = Field(description="The batch it belongs to, which has its audio.")
    request_id: str
    lexicon: LexiconUse | None = Field(
        description="What lexicons have changed; null where none applied."
    )
    translation: SpokenTranslation | None = Field(
        description="Both texts, if it was translated before it was spoken."
    )
    prepared: str | None = Field(
        description="SSML that was made of the text for the ear; null if none was, or if texts "
        "are not kept."
    )

    @classmethod
    def of(cls, entry: HistoryEntry) -> "HistoryDetails":
        members = entry.model_dump(include=set(_ENTRY))
        if members["translation"] is not None:
            members["translation"]["source_text"] = entry.text
        return cls(audio_kept=entry.audio is not None, **members)


class HistoryPage(BaseModel):
    """Part of the history, newest first."""

    items: list[HistoryDetails]
    cursor: str | None = Field(description="Ask with it for what follows; null at the end.")


class HistoryErased(BaseModel):
    """Answer to a deletion: what was erased."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"entries": 3, "files": 2, "bytes": 91244, "left": 0}]}
    )

    entries: int = 0
    files: int = Field(0, description="Files of audio.")
    bytes: int = Field(0, description="Of these files.")
    left: int = Field(0, description="Files that could not be erased now. The next sweep does it.")


class UsageGroup(StrEnum):
    """What usage is added up by."""

    DAY = "day"
    VOICE = "voice"
    OWNER = "owner"


class UsageTotals(BaseModel):
    """How much."""

    requests: int = Field(0, description="All that were begun, also those that failed.")
    characters: int = Field(0, description="Of the texts, but for those that failed.")
    audio_s: float = Field(0.0, description="Seconds of audio that were made.")


class UsageItem(UsageTotals):
    """How much, of a day, voice or owner; null: of all together."""

    day: date | None = None
    voice_id: str | None = None
    owner: str | None = None


_USAGE: dict[str, Any] = {
    "since": "2026-01-01",
    "until": "2026-01-15",
    "group_by": ["day", "voice"],
    "items": [
        {
            "day": "2026-01-15",
            "voice_id": "550e8400-e29b-41d4-a716-446655440000",
            "owner": None,
            "requests": 12,
            "characters": 3180,
            "audio_s": 201.4,
        }
    ],
    "totals": {"requests": 12, "characters": 3180, "audio_s": 201.4},
}


class UsageReport(BaseModel):
    """What was spoken in some days, newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [_USAGE]})

    since: date = Field(description="First day, UTC.")
    until: date = Field(description="Last day.")
    group_by: list[UsageGroup]
    items: list[UsageItem]
    totals: UsageTotals
