"""What is done with the records of batches, by whoever does it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from app.core.clock import utc_now
from app.db.base import Collection, every
from app.models.access import Party
from app.models.batch import BatchItem, ItemStatus
from app.models.batch_details import ItemCounts
from app.models.job import GROUPS, Job, JobStatus

OPEN: Final = (ItemStatus.QUEUED, ItemStatus.RUNNING)
_AGAIN: Final = (ItemStatus.FAILED, ItemStatus.CANCELLED)
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a batch is.

    Attributes:
        counts: what failed in an earlier run of the job is queued.
        duration_s, bytes: of what was made.
    """

    counts: ItemCounts
    duration_s: float = 0.0
    bytes: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.model_dump().values())

    @property
    def open(self) -> int:
        return self.counts.queued + self.counts.running

    @property
    def outcome(self) -> JobStatus:
        """What came of it, when nothing is open any more."""
        counts = self.counts
        if counts.succeeded == self.total:
            return JobStatus.SUCCEEDED
        return JobStatus.PARTIAL if counts.succeeded else JobStatus.FAILED


def output_name(item: BatchItem) -> str:
    """Of its audio in the store of outputs: with the voice it goes."""
    return f"{item.voice_id}/batch-{item.batch_id}-{item.position}"


def status_of(item: BatchItem, job: Job) -> ItemStatus:
    """How far an item is, as far as callers are concerned."""
    return _seen(item.status, item.run, job)


async def standing(items: Collection[BatchItem], job: Job) -> Standing:
    """How far a job's batch is."""
    counts: dict[str, int] = {}
    duration_s, size = 0.0, 0
    for tally in await items.tally(
        ("status", "run"), where={"batch_id": job.subject_id}, sums=("duration_s", "bytes")
    ):
        status = _seen(ItemStatus(tally.values[0]), tally.values[1], job).value
        counts[status] = counts.get(status, 0) + tally.count
        duration_s += tally.sums[0]
        size += round(tally.sums[1])
    return Standing(ItemCounts(**counts), duration_s, size)


async def requeue(items: Collection[BatchItem], job: Job, *, part: int | None = None) -> None:
    """Have done again what failed in an earlier run of the job, or was cancelled.

    Args:
        part: of the job; None: all.
    """
    where: dict[str, Any] = {"batch_id": job.subject_id}
    if part is not None:
        where["part"] = part
    for tally in await items.tally(("status", "run"), where=where):
        status, run = tally.values
        if status in _AGAIN and run < job.runs:
            news = {"status": ItemStatus.QUEUED, "run": job.runs, "ended_at": None}
            await items.update_where({**where, "status": status, "run": run}, news)


async def let_go(items: Collection[BatchItem], job: Job) -> None:
    """Nobody works on the job any more: what was to be done is cancelled with it, or else waits for
    another try.
    """
    if job.status is JobStatus.CANCELLED:
        for status in OPEN:
            news = {"status": ItemStatus.CANCELLED, "run": job.runs, "ended_at": utc_now()}
            await items.update_where({"batch_id": job.subject_id, "status": status}, news)
    else:
        running = {"batch_id": job.subject_id, "status": ItemStatus.RUNNING}
        await items.update_where(running, {"status": ItemStatus.QUEUED})


def job_options(by: Party) -> dict[str, Any]:
    """What the job keeps of who asks: workers look up voices in their name."""
    return {GROUPS: sorted(by.groups)} if by.groups else {}


def party_of(job: Job) -> Party:
    """In whose name a job speaks. It is in the groups that it was in when it was begun."""
    return Party(job.owner, frozenset(job.options.get(GROUPS, ())))


def in_order(items: Collection[BatchItem], where: dict[str, Any]) -> AsyncIterator[BatchItem]:
    """Items by their position."""
    return every(
        lambda cursor: items.list(where=where, order="position", limit=_PAGE, cursor=cursor)
    )


def _seen(status: ItemStatus, run: int, job: Job) -> ItemStatus:
    if status in _AGAIN and run < job.runs:
        return ItemStatus.QUEUED
    if status is ItemStatus.RUNNING and job.ended:  # begun by who did not know yet
        return ItemStatus.QUEUED
    return status
