"""Batches: what callers see of them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.audio.types import AudioFormat
from app.models.batch import ItemStatus
from app.models.batch_request import JoinedFormat
from app.models.job import JobDetails, JobProblem, JobStatus
from app.models.translation import SpokenTranslation

_ID = "3f0a6a52-1a55-4c0a-9b5e-6a3c7b8d9e10"
_PATH = f"/api/v1/synthesis/batch/{_ID}"
_JOB_ID = "0b6d9f0e-6a0f-4f4e-9a55-3d5a8b0a4a55"


class ItemCounts(BaseModel):
    """Items of a batch, by how far they are."""

    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0


class Chapter(BaseModel):
    """Where an item is in the file of all."""

    position: int = Field(description="Of the item, from 0.")
    title: str = Field(description="Its `custom_id`, else its number, from 1.")
    start_s: float
    end_s: float


class BatchLinks(BaseModel):
    """Paths of what there is about a batch."""

    self: str
    job: str
    items: str
    result: str = Field(description="A zip of all that is done.")
    audio: str | None = Field(description="One file of all items, where that was asked for.")


_BATCH: dict[str, Any] = {
    "batch_id": _ID,
    "job_id": _JOB_ID,
    "name": "Chapter 1",
    "status": "running",
    "progress": 0.4,
    "eta_s": 12.5,
    "total": 5,
    "counts": {"queued": 1, "running": 2, "succeeded": 2, "failed": 0, "cancelled": 0},
    "characters": 204,
    "duration_s": 9.8,
    "bytes": 78400,
    "concatenate": True,
    "concatenate_format": "mp3",
    "chapters": None,
    "error": None,
    "created_at": "2026-01-15T10:30:00Z",
    "started_at": "2026-01-15T10:30:01Z",
    "ended_at": None,
    "expires_at": "2026-01-22T10:30:00Z",
    "links": {
        "self": _PATH,
        "job": f"/api/v1/jobs/{_JOB_ID}",
        "items": f"{_PATH}/items",
        "result": f"{_PATH}/result",
        "audio": f"{_PATH}/audio",
    },
}


class BatchDetails(BaseModel):
    """A batch, and how far it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BATCH]})

    batch_id: str
    job_id: str
    name: str | None
    status: JobStatus = Field(description="`partial`: it is done, and some of its items failed.")
    progress: float = Field(description="0 to 1.")
    eta_s: float | None = Field(description="Seconds to go; null while that cannot be told.")
    total: int = Field(description="Number of items.")
    counts: ItemCounts
    characters: int = Field(description="Of all texts.")
    duration_s: float = Field(description="Seconds of audio that were made.")
    bytes: int = Field(description="Of that audio.")
    concatenate: bool
    concatenate_format: JoinedFormat
    chapters: list[Chapter] | None = Field(
        description="Of the one file of all items; null where none was asked for, while the batch "
        "is worked on, and in lists."
    )
    error: JobProblem | None = Field(description="Why the whole batch failed; items have their own")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime = Field(description="Then it is deleted, with all that it made.")
    links: BatchLinks


class BatchCreated(BaseModel):
    """A batch that was begun, and the job that works on it."""

    batch: BatchDetails
    job: JobDetails


class BatchPage(BaseModel):
    """Part of a list of batches, newest first."""

    items: list[BatchDetails]
    cursor: str | None = Field(description="Asks for the next page; null on the last one.")


_ITEM: dict[str, Any] = {
    "position": 0,
    "custom_id": "opening",
    "voice": "550e8400-e29b-41d4-a716-446655440000",
    "format": "mp3",
    "status": "succeeded",
    "error": None,
    "attempts": 1,
    "duration_s": 1.9,
    "bytes": 15200,
    "ended_at": "2026-01-15T10:30:03Z",
    "audio": f"{_PATH}/items/0/audio",
    "translation": None,
    "prepared": None,
}


class ItemDetails(BaseModel):
    """An item of a batch, and what came of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ITEM]})

    position: int = Field(description="In the batch, from 0.")
    custom_id: str | None
    voice: str = Field(description="Id of the voice.")
    format: AudioFormat
    status: ItemStatus
    error: JobProblem | None = Field(description="Of the last try.")
    attempts: int = Field(description="Times that it was begun, also after a crash.")
    duration_s: float | None
    bytes: int | None
    ended_at: datetime | None
    audio: str | None = Field(description="Path of the audio, once it is there.")
    translation: SpokenTranslation | None = Field(
        description="Both texts, if it was translated, once it is spoken."
    )
    prepared: str | None = Field(
        description="SSML that was made of the text for the ear; null if none was."
    )


class ItemPage(BaseModel):
    """Part of the items of a batch, in their order."""

    items: list[ItemDetails]
    cursor: str | None = Field(description="Asks for the next page; null on the last one.")
