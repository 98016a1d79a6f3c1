"""What was spoken, and how much: the stored records of history and usage."""

from datetime import date
from enum import StrEnum

from app.models.base import Record


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


class HistoryEntry(Record):
    """One synthesis.

    Attributes:
        text: what was spoken, None where the operator keeps no texts.
        error: code of what went wrong.
        first_audio_s: until the first piece of audio was there, its turn included.
        total_s: until the last one was.
        similarity: of the voice, cosine, as its version was measured.
        audio: name of what was sent in the store of outputs, None if it was not kept.
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


class UsageDay(Record):
    """What an owner had spoken in a voice on one day (UTC). Kept when history is not: it holds
    nothing of what was said. Its id is made of owner, day and voice.
    """

    day: date
    voice_id: str
    requests: int = 0
    characters: int = 0
    audio_s: float = 0.0
