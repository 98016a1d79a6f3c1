"""Versions of a voice, as callers see them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.models.voice import VersionMetrics, Voice, VoiceMethod, VoiceVersion

_METRICS: dict[str, Any] = {
    "similarity_before": 0.421,
    "similarity_after": 0.684,
    "wer_before": 0.0,
    "wer_after": 0.021,
    "seconds": 288.4,
    "speech_s": 27.3,
    "held_out": ["8a6f1c3e-0a55-4c0a-9b7a-0d5d0c3b8b11"],
    "used": ["0b6d9f0e-6a0f-4f4e-9a55-3d5a8b0a4a55", "55de4b3f-1f6c-4d0f-8a41-7cb0d6a2c9e4"],
    "refused": {},
    "better": True,
    "verdict": "More like the speaker: 0.421 before, 0.684 now, compared with 1 recording that it "
    "did not learn from. Misheard words: 0.0% before, 2.1% now.",
}
_VERSION: dict[str, Any] = {
    "number": 2,
    "active": True,
    "method": "gradient",
    "engine": "kokoro",
    "similarity": 0.66,
    "compared_with": 1,
    "job_id": "0b6d9f0e-6a0f-4f4e-9a55-3d5a8b0a4a55",
    "created_at": "2026-01-15T10:35:00Z",
    "metrics": _METRICS,
}


class VersionDetails(BaseModel):
    """A version of a voice."""

    model_config = ConfigDict(json_schema_extra={"examples": [_VERSION]})

    number: int = Field(description="From 1, in the order in which they were made.")
    active: bool = Field(description="Whether the voice is spoken with it.")
    method: VoiceMethod = Field(
        description="`instant` from the recording, `search` without gradients, or `gradient`."
    )
    engine: str
    similarity: float | None = Field(
        description="Cosine between the recordings and the voice, as the engine measured it."
    )
    compared_with: int | None = Field(
        description="Number of the version that its training measured it against; null if none."
    )
    job_id: str | None = Field(description="Of the training that made it.")
    created_at: datetime
    metrics: VersionMetrics | None = Field(description="Of its training; null if there was none.")

    @classmethod
    def of(cls, version: VoiceVersion, voice: Voice) -> "VersionDetails":
        shown = set(_VERSION) - {"active"}
        return cls(
            active=version.number == voice.active_version, **version.model_dump(include=shown)
        )


class VersionList(BaseModel):
    """All versions of a voice, the first one first."""

    voice_id: str
    active_version: int
    items: list[VersionDetails]


class VersionScores(BaseModel):
    """A version measured now, beside another one."""

    version: VersionDetails
    similarity: float | None = Field(
        description="Mean cosine between some sentences of the version and all recordings of the "
        "voice; null where nothing can measure it."
    )
    wer: float | None = Field(
        description="Word error rate of these sentences, 0 to 1; null where it is not measured."
    )


class VersionComparison(BaseModel):
    """Two versions of a voice, measured in the same way. The recordings are all those of the voice,
    also those that a version learnt from.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "voice_id": "550e8400-e29b-41d4-a716-446655440000",
                    "a": {
                        "version": _VERSION
                        | {"number": 1, "active": False, "method": "instant", "metrics": None}
                        | {"job_id": None, "compared_with": None},
                        "similarity": 0.402,
                        "wer": 0.0,
                    },
                    "b": {"version": _VERSION, "similarity": 0.701, "wer": 0.021},
                    "more_alike": 2,
                }
            ]
        }
    )

    voice_id: str
    a: VersionScores
    b: VersionScores
    more_alike: int | None = Field(
        description="Number of the one that is more like the speaker; null if they are equal, or "
        "nothing can measure it."
    )
