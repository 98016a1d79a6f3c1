"""Jobs: long work that survives its process. The stored record, and what callers see of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from app.models.base import Record


class JobKind(StrEnum):
    """What is done."""

    TRAINING = "training"
    BATCH = "batch"


class JobStatus(StrEnum):
    """How far it is. `partial`: it went to its end, and some of it failed."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


ASKED_BY: Final = "asked_by"
"""Option of a job about something of another owner: who has asked for it."""

GROUPS: Final = "groups"
"""Option of a job: the groups in whose name it is done, besides its owner's."""

ENDED: Final = frozenset(
    {JobStatus.SUCCEEDED, JobStatus.PARTIAL, JobStatus.FAILED, JobStatus.CANCELLED}
)
"""A job with one of these does not change any more, unless somebody asks for another try."""


class JobProblem(BaseModel):
    """Why a job, or an item of a batch, failed: as in a problem document."""

    model_config = ConfigDict(frozen=True)

    code: str
    detail: str
    suggestion: str | None = None


class Job(Record):
    """A piece of long work.

    Attributes:
        subject_id: of the voice that is trained, or of the batch.
        progress: 0 to 1.
        stage: what is being done, a word.
        eta_s: seconds to go, None while that cannot be told.
        parts: entries in the queue that may work on it at the same time, on different machines.
        options: what the handler of its kind needs.
        idempotency_key: chosen by the caller: the same key of an owner is the same job.
        fingerprint: SHA-256 of the request that made it, hexadecimal: a key with another request
            is a mistake.
        runs: times that somebody asked for it.
        attempts: times that a part of it was begun, also after a crash.
        stalls: how many of them since it last got further.
        actor: subject of who asked for it.
    """

    kind: JobKind
    subject_id: str
    status: JobStatus = JobStatus.QUEUED
    progress: float = 0.0
    stage: str = "queued"
    message: str | None = None
    eta_s: float | None = None
    parts: int = 1
    options: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = None
    fingerprint: str | None = None
    webhook_url: str | None = None
    cancel_requested: bool = False
    runs: int = 1
    attempts: int = 0
    stalls: int = 0
    error: JobProblem | None = None
    actor: str
    request_id: str
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED


JOB_EXAMPLE: dict[str, Any] = {
    "job_id": "0b6d9f0e-6a0f-4f4e-9a55-3d5a8b0a4a55",
    "kind": "training",
    "subject_id": "550e8400-e29b-41d4-a716-446655440000",
    "status": "running",
    "progress": 0.42,
    "stage": "fitting",
    "message": "step 300, likeness 0.61",
    "eta_s": 130.0,
    "attempts": 1,
    "cancel_requested": False,
    "error": None,
    "created_at": "2026-01-15T10:30:00Z",
    "started_at": "2026-01-15T10:30:01Z",
    "ended_at": None,
}


class JobDetails(BaseModel):
    """A job as callers see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [JOB_EXAMPLE]})

    job_id: str
    kind: JobKind
    subject_id: str = Field(description="Id of the voice that is trained, or of the batch.")
    status: JobStatus
    progress: float = Field(description="0 to 1.")
    stage: str
    message: str | None
    eta_s: float | None = Field(description="Seconds to go; null while that cannot be told.")
    attempts: int = Field(description="Times that a part of it was begun, also after a crash.")
    cancel_requested: bool
    error: JobProblem | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "JobDetails":
        return cls(job_id=job.id, **job.model_dump(include=set(JOB_EXAMPLE) - {"job_id"}))


class JobPage(BaseModel):
    """Part of a list of jobs, newest first."""

    items: list[JobDetails]
    cursor: str | None = Field(description="Asks for the next page; null on the last one.")


class Worker(Record):
    """A process that works on jobs, for as long as it lives. The owner is the service itself.

    Attributes:
        host, pid: where it runs.
        beats: grows as long as it lives. Those who watch look at whether it grows: no clock of
            another machine is trusted.
        reaper: worker that takes over its jobs, since it is dead.
    """

    host: str
    pid: int
    beats: int = 0
    reaper: str | None = None
