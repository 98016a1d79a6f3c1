"""Voices: the stored record, and what the API takes and gives."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, field_validator

from app.audio.types import AudioFormat, RecordingReport
from app.models.base import Record

_REPORT: dict[str, Any] = {
    "duration_s": 12.4,
    "sample_rate": 22050,
    "channels": 1,
    "codec": "pcm_s16le",
    "speech_s": 10.1,
    "snr_db": 38.5,
    "clipped": 0.0,
    "loudness_lufs": -21.3,
    "peak_dbfs": -3.1,
    "bandwidth_hz": 10500.0,
    "speakers": 1,
    "warnings": [],
}
_CREATED: dict[str, Any] = {
    "voice_id": "550e8400-e29b-41d4-a716-446655440000",
    "filename": "sample.wav",
    "duration": 12.4,
    "sample_rate": 22050,
    "message": "Voice registered successfully",
    "similarity": 0.31,
    "likeness": "same speaker uncertain",
    "report": _REPORT,
}
_VOICE: dict[str, Any] = {
    **{key: value for key, value in _CREATED.items() if key != "message"},
    "created_at": "2026-01-15T10:30:00Z",
    "name": "My Voice",
    "description": "Sample voice",
    "engine": "kokoro",
    "adapted_at": None,
    "adapted_minutes": None,
}


_ERASED: dict[str, Any] = {
    "voice_id": "550e8400-e29b-41d4-a716-446655440000",
    "record": True,
    "recordings": {"files": 1, "bytes": 547244},
    "states": {"files": 1, "bytes": 24816},
    "outputs": {"files": 0, "bytes": 0},
    "left": [],
}


class Voice(Record):
    """A registered voice. The recording and the voice state lie in the blob stores under its id.

    Attributes:
        state_name: of the state's file. Every adaptation writes a new one, so that record and
            state always agree.
        adapted_at: when the voice was last adapted, None if never.
        adapted_minutes: asked for by all its adaptations together.
    """

    name: str
    description: str | None
    filename: str
    duration_s: float
    sample_rate: int
    engine: str
    state_format: str
    similarity: float | None
    report: RecordingReport
    state_name: str = "state"
    adapted_at: datetime | None = None
    adapted_minutes: float | None = None

    @property
    def recording_blob(self) -> str:
        """Name of the original upload in the store of recordings."""
        return f"{self.id}/original"

    @property
    def state_blob(self) -> str:
        """Name of the engine's voice state in the store of states."""
        return f"{self.id}/{self.state_name}"


class VoiceDetails(BaseModel):
    """A voice as callers see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_VOICE]})

    voice_id: str
    filename: str = Field(description="Name of the uploaded file.")
    created_at: datetime
    duration: float = Field(description="Length of the recording in seconds.")
    sample_rate: int = Field(description="Sample rate of the recording in Hz.")
    name: str
    description: str | None
    engine: str = Field(description="The engine that speaks in this voice.")
    similarity: float | None = Field(
        description="Cosine between the recording and the voice's own speech, on a text that the "
        "enrolment did not use; null if it was not measured."
    )
    likeness: str | None = Field(description="The similarity in words; see docs/voices.md.")
    adapted_at: datetime | None = Field(
        description="When the voice was last trained on its recording; null if never."
    )
    adapted_minutes: float | None = Field(description="Minutes of all its trainings together.")
    report: RecordingReport


class VoiceCreated(BaseModel):
    """Answer to a registration."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CREATED]})

    voice_id: str
    filename: str
    duration: float = Field(description="Length of the recording in seconds.")
    sample_rate: int = Field(description="Sample rate of the recording in Hz.")
    message: str
    similarity: float | None
    likeness: str | None
    report: RecordingReport


class VoicePage(BaseModel):
    """Part of the list of voices, newest first."""

    items: list[VoiceDetails]
    cursor: str | None = Field(description="Ask with it for what follows; null at the end.")


class ErasedFiles(BaseModel):
    """Files of one kind that were erased."""

    files: int = 0
    bytes: int = 0


class Erased(BaseModel):
    """Answer to a deletion: what was erased. The voice cannot be spoken in any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ERASED]})

    voice_id: str
    record: bool = Field(
        description="The record of the voice; false if somebody else deleted it at this moment."
    )
    recordings: ErasedFiles = Field(description="The upload.")
    states: ErasedFiles = Field(description="What the engine made of it, trainings included.")
    outputs: ErasedFiles = Field(description="Audio that was made with the voice and kept.")
    left: list[Literal["recordings", "states", "outputs"]] = Field(
        description="Kinds of files that could not be erased now. The next sweep does it."
    )


class SpeakRequest(BaseModel):
    """What to say, and how it comes back."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": "Hello, this is a test", "format": "wav", "sample_rate": 22050}]
        },
    )

    text: str = Field(description="Plain text; markup is spoken as it is written.")
    format: AudioFormat = AudioFormat.WAV
    sample_rate: StrictInt | None = Field(
        None,
        ge=8000,
        le=48000,
        description="In Hz; default: 24000, or 8000 for mulaw. Not every format has every rate.",
    )
    speed: float = Field(
        1.0, strict=True, ge=0.5, le=2.0, description="1.0 is the voice's own speed."
    )
    pitch_semitones: float = Field(0.0, strict=True, ge=-12, le=12)
    language: str | None = Field(
        None,
        min_length=2,
        max_length=35,
        description="BCP-47 tag; default: the engine's first language.",
    )
    seed: StrictInt | None = Field(None, ge=0, le=2**32 - 1)
    stream: StrictBool = Field(
        False, description="Send each sentence as soon as it is spoken, instead of the whole."
    )

    @field_validator("format", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value
