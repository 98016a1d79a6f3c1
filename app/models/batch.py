"""Batches: many texts spoken as one job. The stored records."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from app.models.base import Record
from app.models.job import JobProblem
from app.models.translation import SpokenTranslation


class Batch(Record):
    """A batch, as it was asked for. How far it is, its job and its items tell.

    Attributes:
        options: the defaults of its items and what is made of them all, as the API takes them.
        total: number of items.
        characters: of all texts.
        expires_at: then it is deleted, with all that it made.
    """

    name: str | None = None
    job_id: str
    options: dict[str, Any]
    total: int
    characters: int
    expires_at: datetime


class ItemStatus(StrEnum):
    """How far an item of a batch is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BatchItem(Record):
    """One text of a batch.

    Attributes:
        position: in the batch, from 0.
        custom_id: the caller's own name of it.
        request: what to say and how, as the API takes it.
        part: which part of the job works on it.
        run: which of the job's runs has changed it last. What failed in an earlier one is to be
            done again.
        attempts: times that it was begun.
        output: name of its audio in the store of outputs.
        content_type: of that.
        prepared: SSML that was made of its text for the ear.
        translation: of its text, if it was translated; without that text, which is in `request`.
    """

    batch_id: str
    position: int
    custom_id: str | None = None
    voice_id: str
    request: dict[str, Any]
    status: ItemStatus = ItemStatus.QUEUED
    part: int | None = None
    run: int = 1
    attempts: int = 0
    error: JobProblem | None = None
    output: str | None = None
    content_type: str | None = None
    bytes: int | None = None
    duration_s: float | None = None
    ended_at: datetime | None = None
    translation: SpokenTranslation | None = None
    prepared: str | None = None
