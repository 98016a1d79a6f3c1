"""Jobs whose record and whose entries in the queue do not belong together any more."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from app.core.exceptions import AppError
from app.core.logging import get_logger
from app.core.metrics import Metrics
from app.db.base import Collection, Page, pages
from app.jobs.board import JobBoard
from app.jobs.dbos import Entry, entry_ids
from app.models.job import Job, JobKind, JobProblem, JobStatus

log = get_logger(__name__)

_PAGE: Final = 100
_LOST: Final = JobProblem(
    code=AppError.code,
    detail="The job was lost on its way: nobody works on it.",
    suggestion="Try it again.",
)


class Entries(Protocol):
    """What waits, and what is over."""

    async def entries(self, jobs: Sequence[Job]) -> Mapping[str, Entry]:
        """Those of some jobs that exist, by their ids."""

    async def put(self, job: Job) -> None:
        """Put all parts of a job. Twice is once."""


class LostJobs:
    """Finds jobs that nobody would ever work on.

    - Without all of its entries in the queue, since the process that submitted it was killed in
      between, or the queue was lost: they are put again.
    - With entries that are all over, and no end: it has failed.
    """

    def __init__(
        self,
        jobs: Collection[Job],
        board: JobBoard,
        queue: Entries,
        *,
        metrics: Metrics | None = None,
    ) -> None:
        self._jobs = jobs
        self._board = board
        self._queue = queue
        self._metrics = metrics
        self._suspects: set[tuple[str, int]] = set()

    async def look(self) -> None:
        """Look at all jobs that have not ended.

        Raises:
            DatabaseError: some were not looked at.
        """
        suspects: set[tuple[str, int]] = set()
        waiting = Counter[JobKind]()
        for status in (JobStatus.QUEUED, JobStatus.RUNNING):
            async for page in pages(partial(self._page, status)):
                suspects |= await self._suspected(page)
                waiting.update(job.kind for job in page if status is JobStatus.QUEUED)
        # Whose last entry was just about to end is not among them the next time.
        for job_id, run in suspects & self._suspects:
            found = await self._board.find(job_id)
            if found is not None and found.runs == run:
                log.error("a job was lost", job=job_id)
                await self._board.finish(job_id, JobStatus.FAILED, run=run, problem=_LOST)
        self._suspects = suspects
        if self._metrics:
            for kind in JobKind:
                self._metrics.jobs_wait(kind.value, waiting[kind])

    async def _suspected(self, jobs: Sequence[Job]) -> set[tuple[str, int]]:
        found = await self._queue.entries(jobs)
        suspects: set[tuple[str, int]] = set()
        for job in jobs:
            entries = [found[entry_id] for entry_id in entry_ids(job) if entry_id in found]
            if len(entries) < job.parts:
                log.warning("a job is queued once more", job=job.id)
                await self._queue.put(job)
            elif any(entry.failed for entry in entries) or all(e.over for e in entries):
                suspects.add((job.id, job.runs))
        return suspects

    async def _page(self, status: JobStatus, cursor: str | None) -> Page[Job]:
        return await self._jobs.list(where={"status": status}, limit=_PAGE, cursor=cursor)
