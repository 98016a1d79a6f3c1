"""Voices under /api/v1: what callers send and see."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from app.audio.types import AudioFormat, RecordingReport
from app.models.job import JOB_EXAMPLE, Job, JobDetails, JobProblem, JobStatus
from app.models.lexicon import MAX_ATTACHED
from app.models.share import VoiceAccess
from app.models.speech import Format
from app.models.voice import (
    REPORT_EXAMPLE,
    VOICE_EXAMPLE,
    VersionMetrics,
    VoiceDetails,
    VoiceMethod,
    VoiceSample,
    VoiceVersion,
)

VoiceStatus = Literal["ready", "training", "failed", "pending-consent", "suspended"]

MAX_PREVIEW_CHARS = 300

_ID = "550e8400-e29b-41d4-a716-446655440000"
_JOB_ID = "0b6d9f0e-6a0f-4f4e-9a55-3d5a8b0a4a55"
_SAMPLE: dict[str, Any] = {
    "sample_id": _ID,
    "filename": "sample.wav",
    "created_at": "2026-01-15T10:30:00Z",
    "duration": 12.4,
    "used": True,
    "refused": None,
    "duplicate_of": None,
    "report": None,
}
_TRAINING: dict[str, Any] = {
    "job_id": _JOB_ID,
    "status": "running",
    "progress": 0.42,
    "stage": "fitting",
    "eta_s": 130.0,
    "error": None,
    "made_version": None,
    "method": None,
    "metrics": None,
}
_PROFILE: dict[str, Any] = {
    **VOICE_EXAMPLE,
    "updated_at": "2026-01-15T10:30:02Z",
    "version": 2,
    "status": "training",
    "language": "en-US",
    "consent": "contract 2026-17",
    "consent_id": "0d3f6a0e-0c5b-4a0e-9f59-6a4b8d2b8e11",
    "active_version": 1,
    "lexicon_ids": [],
    "other_engines": [],
    "samples": {"total": 3, "used": 3, "refused": 0, "seconds": 38.1},
    "metrics": None,
    "training": _TRAINING,
}


class SampleCounts(BaseModel):
    """The recordings of a voice, counted."""

    total: int
    used: int = Field(description="That trainings learn from.")
    refused: int = Field(description="That cannot be used.")
    seconds: float = Field(description="Length of those that are used, together.")

    @classmethod
    def of(cls, samples: list[VoiceSample]) -> "SampleCounts":
        used = [sample for sample in samples if sample.refused is None]
        return cls(
            total=len(samples),
            used=len(used),
            refused=len(samples) - len(used),
            seconds=round(sum(sample.duration_s for sample in used), 3),
        )


class TrainingSummary(BaseModel):
    """The last training of a voice."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TRAINING]})

    job_id: str
    status: JobStatus
    progress: float = Field(description="0 to 1.")
    stage: str
    eta_s: float | None = Field(description="Seconds to go; null while that cannot be told.")
    error: JobProblem | None
    made_version: int | None = Field(
        description="Number of the version that it made, active or not; null if none."
    )
    method: VoiceMethod | None = Field(
        description="How it was made: by `gradient`, or by `search` where PyTorch is not installed."
    )
    metrics: VersionMetrics | None = Field(description="How that version was measured.")

    @classmethod
    def of(cls, job: Job, made: VoiceVersion | None) -> "TrainingSummary":
        return cls(
            job_id=job.id,
            made_version=made and made.number,
            method=made and made.method,
            metrics=made and made.metrics,
            **job.model_dump(include={"status", "progress", "stage", "eta_s", "error"}),
        )


class VoiceProfile(VoiceDetails):
    """A voice, its recordings, and its last training."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PROFILE]})

    owner: str = Field(description="Whose voice it is.")
    access: VoiceAccess = Field(
        description="`own`: it is yours. `use`, `manage`: it is shared with you, for that."
    )
    updated_at: datetime
    version: int = Field(description="Counts the changes: send it with the next one.")
    status: VoiceStatus = Field(
        description="`training`: its last training has not ended. `failed`: that training failed. "
        "The voice can be spoken all the same. `pending-consent`, `suspended`: it cannot."
    )
    language: str | None = Field(description="BCP-47 tag of its speech; null if nobody has said.")
    consent: str | None = Field(description="Your reference to the speaker's agreement.")
    consent_id: str | None = Field(description="Of the consent that it speaks under.")
    active_version: int = Field(description="Number of the version that is spoken.")
    lexicon_ids: list[str] = Field(
        description="Lexicons that hold for it where a request names none, by precedence."
    )
    other_engines: list[str] = Field(
        description="Engines besides that can speak it where its own cannot."
    )
    samples: SampleCounts
    metrics: VersionMetrics | None = Field(
        description="How the active version was measured; null if it was not trained."
    )
    training: TrainingSummary | None = Field(description="Null if it was never trained.")


class VoiceProfilePage(BaseModel):
    """Part of the list of voices."""

    items: list[VoiceProfile]
    cursor: str | None = Field(description="Ask with it for what follows; null at the end.")


class SampleDetails(BaseModel):
    """A recording of a voice."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SAMPLE]})

    sample_id: str | None = Field(description="Null if it is not kept, as it was there already.")
    filename: str
    created_at: datetime | None
    duration: float = Field(description="Seconds; 0 if the file could not be used.")
    used: bool = Field(description="Whether trainings learn from it.")
    refused: str | None = Field(description="Why it is not used.")
    duplicate_of: str | None = Field(
        description="Id of the recording, or name of the file, that is the same."
    )
    report: RecordingReport | None = Field(description="Null if the file could not be used.")

    @classmethod
    def of(cls, sample: VoiceSample) -> "SampleDetails":
        return cls(
            sample_id=sample.id,
            filename=sample.filename,
            created_at=sample.created_at,
            duration=sample.duration_s,
            used=sample.refused is None,
            refused=sample.refused,
            duplicate_of=None,
            report=sample.report,
        )

    @classmethod
    def duplicate(cls, filename: str, of: str) -> "SampleDetails":
        return cls(
            sample_id=None,
            filename=filename,
            created_at=None,
            duration=0.0,
            used=False,
            refused="It is the same recording as another one.",
            duplicate_of=of,
            report=None,
        )


class SampleList(BaseModel):
    """The recordings of a voice, oldest first."""

    voice_id: str
    items: list[SampleDetails]


class SamplesAdded(SampleList):
    """What became of each recording that was sent."""

    ignored: list[str] = Field(description="Names of files in the archive that are no recordings.")


class VoiceTraining(BaseModel):
    """A voice, and the job that trains it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "voice": _PROFILE,
                    "job": JOB_EXAMPLE,
                    "samples": [_SAMPLE],
                    "ignored": [],
                }
            ]
        }
    )

    voice: VoiceProfile = Field(description="It can be spoken at once.")
    job: JobDetails
    samples: list[SampleDetails] = Field(description="What became of each recording.")
    ignored: list[str] = Field(description="Names of files in the archive that are no recordings.")


class TrainRequest(BaseModel):
    """How to train a voice once more."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"minutes": 5, "seed": 0}]}
    )

    minutes: float | None = Field(
        None,
        strict=True,
        ge=0.1,
        allow_inf_nan=False,
        description="At most so long; default and limit are settings of the server.",
    )
    seed: StrictInt = Field(0, ge=0, le=2**32 - 1)
    webhook_url: str | None = Field(
        None, max_length=2000, description="Is told when the job has ended."
    )


class VoiceChange(BaseModel):
    """What to change of a voice. What is left out stays; null clears."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"version": 2, "name": "My Voice", "language": "en-US"}]},
    )

    version: StrictInt | None = Field(
        None, ge=1, le=2**31 - 1, description="That you have read; or the header `If-Match`."
    )
    name: Annotated[str, Field(min_length=1, max_length=200)] = ""  # not checked if left out
    description: str | None = Field(None, max_length=2000)
    language: str | None = Field(None, max_length=35, description="BCP-47 tag.")
    consent: str | None = Field(
        None, max_length=200, description="Your reference to the speaker's agreement."
    )
    lexicon_ids: list[Annotated[str, Field(min_length=1, max_length=100)]] | None = Field(
        None,
        max_length=MAX_ATTACHED,
        description="Lexicons that hold for it where a request names none, by precedence.",
    )


class PreviewRequest(BaseModel):
    """What a voice is to say to be known by."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"format": "mp3"}]})

    text: str | None = Field(
        None, max_length=MAX_PREVIEW_CHARS, description="Default: a sentence in its language."
    )
    language: str | None = Field(
        None, min_length=2, max_length=35, description="BCP-47 tag; default: the voice's."
    )
    format: Format = AudioFormat.WAV
    sample_rate: StrictInt | None = Field(None, ge=8000, le=48000, description="In Hz.")


class Verification(BaseModel):
    """Whether a recording is of the speaker of a voice."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "voice_id": _ID,
                    "score": 0.67,
                    "verdict": "same",
                    "likeness": "same speaker very likely",
                    "compared": 3,
                    "report": REPORT_EXAMPLE,
                }
            ]
        }
    )

    voice_id: str
    score: float = Field(description="Cosine to the recordings of the voice, -1 to 1.")
    verdict: Literal["same", "uncertain", "different"] = Field(
        description="`same` from 0.41, `different` below 0.31; see docs/voices.md."
    )
    likeness: str = Field(description="The score in words.")
    compared: int = Field(description="Recordings of the voice that it was compared with.")
    report: RecordingReport = Field(description="Of the recording that was sent.")


class VoiceImported(BaseModel):
    """A voice that came in a bundle."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"voice": _PROFILE, "enrolled_again": False, "note": None}]}
    )

    voice: VoiceProfile
    enrolled_again: bool = Field(
        description="Whether its recordings were cloned anew, since its states are of another "
        "engine."
    )
    note: str | None = Field(description="What that means, in words.")
