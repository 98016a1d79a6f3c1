"""Jobs whose record and whose entries in the queue do not belong together any more."""

from functools import partial
from typing import Final

from app.core.exceptions import AppError
from app.core.logging import get_logger
from app.db.base import Collection, Page, every
from app.jobs.board import JobBoard
from app.jobs.dbos import DbosQueue
from app.models.job import Job, JobProblem, JobStatus

log = get_logger(__name__)

_PAGE: Final = 100
_LOST: Final = JobProblem(
    code=AppError.code,
    detail="The job was lost on its way: nobody works on it.",
    suggestion="Try it again.",
)


class LostJobs:
    """Finds jobs that nobody would ever work on.

    - Without all of its entries in the queue, since the process that submitted it was killed in
      between, or the queue was lost: they are put again.
    - With entries that are all over, and no end: it has failed.
    """

    def __init__(self, jobs: Collection[Job], board: JobBoard, queue: DbosQueue) -> None:
        self._jobs = jobs
        self._board = board
        self._queue = queue
        self._suspects: set[tuple[str, int]] = set()

    async def look(self) -> None:
        """Look at all jobs that have not ended.

        Raises:
            DatabaseError: some were not looked at.
        """
        suspects: set[tuple[str, int]] = set()
        for status in (JobStatus.QUEUED, JobStatus.RUNNING):
            async for job in every(partial(self._page, status)):
                entries = await self._queue.entries(job)
                if len(entries) < job.parts:
                    log.warning("a job is queued once more", job=job.id)
                    await self._queue.put(job)
                elif any(entry.failed for entry in entries) or all(e.over for e in entries):
                    suspects.add((job.id, job.runs))
        # Whose last entry was just about to end is not among them the next time.
        for job_id, run in suspects & self._suspects:
            found = await self._board.find(job_id)
            if found is not None and found.runs == run:
                log.error("a job was lost", job=job_id)
                await self._board.finish(job_id, JobStatus.FAILED, problem=_LOST)
        self._suspects = suspects

    async def _page(self, status: JobStatus, cursor: str | None) -> Page[Job]:
        return await self._jobs.list(where={"status": status}, limit=_PAGE, cursor=cursor)
