"""Voices: the stored record, and what the API takes and gives."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.audio.types import RecordingReport
from app.models.base import Record
from app.models.consent import ConsentMethod

REPORT_EXAMPLE: dict[str, Any] = {
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
    "report": REPORT_EXAMPLE,
}
VOICE_EXAMPLE: dict[str, Any] = {
    **{key: value for key, value in _CREATED.items() if key != "message"},
    "created_at": "2026-01-15T10:30:00Z",
    "name": "My Voice",
    "description": "Sample voice",
    "engine": "kokoro",
    "adapted_at": None,
    "adapted_minutes": None,
}


REVOKED: Final = "consent-revoked"
"""Why a voice is suspended whose consent was revoked."""

_ERASED: dict[str, Any] = {
    "voice_id": "550e8400-e29b-41d4-a716-446655440000",
    "record": True,
    "recordings": {"files": 1, "bytes": 547244},
    "states": {"files": 1, "bytes": 24816},
    "outputs": {"files": 0, "bytes": 0},
    "left": [],
}


class HeldState(BaseModel):
    """A voice as another engine than its own speaks it. `state_name`: of the file."""

    model_config = ConfigDict(frozen=True)

    engine: str
    state_name: str
    state_format: str
    similarity: float | None = None


class Voice(Record):
    """A registered voice. The recording and the voice state lie in the blob stores under its id.

    Attributes:
        state_name: of the state's file. Every adaptation writes a new one, so that record and
            state always agree.
        adapted_at: when the voice was last adapted, None if never.
        adapted_minutes: asked for by all its adaptations together.
        language: BCP-47 tag of its speech, None if nobody has said.
        consent: the caller's own reference to the speaker's agreement, as a note.
        consent_id: of the consent that the service knows, None if there is none.
        consent_method: how that shows the agreement, once that was checked; None before.
        suspended: why it may not speak for now: `consent-revoked` or `suspended`; None if it may.
        other_states: for engines besides `engine`, one for each.
        active_version: number of the version that is spoken; `state_name` is that of its state.
        training_job_id: of its last training job.
        lexicon_ids: of the lexicons that hold for it, by precedence.
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
    language: str | None = None
    consent: str | None = None
    active_version: int = 1
    training_job_id: str | None = None
    lexicon_ids: tuple[str, ...] = ()
    consent_id: str | None = None
    consent_method: ConsentMethod | None = None
    suspended: str | None = None
    other_states: tuple[HeldState, ...] = ()

    def held_by(self, engine: str) -> "Voice":
        """The voice as an engine speaks it, if that has a state of it; else as it is."""
        held = next((one for one in self.other_states if one.engine == engine), None)
        if held is None or engine == self.engine:
            return self
        return self.model_copy(update=held.model_dump())

    @property
    def recording_blob(self) -> str:
        """Name of the original upload in the store of recordings."""
        return f"{self.id}/original"

    @property
    def state_blob(self) -> str:
        """Name of the engine's voice state in the store of states."""
        return f"{self.id}/{self.state_name}"


class VoiceSample(Record):
    """A recording of a voice's speaker.

    Attributes:
        blob: name in the store of recordings, as it was sent.
        digest: SHA-256 of the file, hexadecimal: the same recording is not taken twice.
        report: None if it could not be read.
        refused: why training does not use it, in words; None if it does.
    """

    voice_id: str
    blob: str
    filename: str
    digest: str | None = None
    duration_s: float
    report: RecordingReport | None = None
    refused: str | None = None


class VoiceMethod(StrEnum):
    """How a version of a voice was made."""

    INSTANT = "instant"
    SEARCH = "search"
    GRADIENT = "gradient"


class VersionMetrics(BaseModel):
    """How a version was measured, on sentences and recordings that it was not made with."""

    model_config = ConfigDict(frozen=True)

    similarity_before: float | None = Field(
        None, description="Cosine of the version that was active to the held-out recordings."
    )
    similarity_after: float | None = Field(None, description="The same of this version.")
    wer_before: float | None = Field(None, description="Word error rate, 0 to 1.")
    wer_after: float | None = None
    seconds: float = Field(description="How long the training took.")
    speech_s: float = Field(description="Seconds of speech it learnt from.")
    held_out: list[str] = Field(default_factory=list, description="Recordings it was judged by.")
    used: list[str] = Field(default_factory=list, description="Recordings it learnt from.")
    refused: dict[str, str] = Field(
        default_factory=dict, description="Recordings it did not use, with the reason."
    )
    better: bool = Field(description="Whether it is better than the version before it.")
    verdict: str = Field(description="Why it was activated, or was not, in words.")


class VoiceVersion(Record):
    """A state of a voice that can be spoken. Those of a voice are numbered from 1.

    Attributes:
        job_id: of the training that made it.
        compared_with: number of the version that it was measured against, and takes the place of.
    """

    voice_id: str
    number: int
    method: VoiceMethod
    engine: str
    state_name: str
    state_format: str
    similarity: float | None = None
    metrics: VersionMetrics | None = None
    job_id: str | None = None
    compared_with: int | None = None

    @property
    def state_blob(self) -> str:
        """Name of its state in the store of states."""
        return f"{self.voice_id}/{self.state_name}"


class VoiceDetails(BaseModel):
    """A voice as callers see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [VOICE_EXAMPLE]})

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
    left: list[Literal["recordings", "states", "outputs", "provider"]] = Field(
        description="Kinds of files that could not be erased now. The next sweep does it. "
        "`provider`: what the provider of an engine keeps of it; the operator must erase it there."
    )
