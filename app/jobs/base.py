"""What jobs are made of: the queue they wait in, and what does them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.models.job import Job, JobStatus

if TYPE_CHECKING:
    from app.jobs.board import JobBoard


class JobQueue(Protocol):
    """Where jobs wait, durably, until a worker takes them."""

    async def put(self, job: Job) -> None:
        """Put all parts of a job. Twice is once.

        Raises:
            DatabaseError: nobody knows whether it waits; put it again.
        """

    async def put_webhook(self, job: Job) -> None:
        """Have somebody told that a job has ended: at least once, also after a crash."""


@dataclass(frozen=True, slots=True)
class JobRun:
    """What a handler is given.

    Attributes:
        job: as it was when this part of it began.
        part: from 0; each part of a job runs on one worker at a time.
    """

    job: Job
    part: int
    board: "JobBoard"

    async def report(
        self, progress: float, stage: str, *, message: str | None = None, eta_s: float | None = None
    ) -> None:
        """Tell how far the whole job is. Cheap enough for every second, not for every step.

        Args:
            progress: 0 to 1; less than before is ignored.
            message: for people; nothing of what is said.
        """
        await self.board.report(
            self.job.id, progress, stage, run=self.job.runs, message=message, eta_s=eta_s
        )


class JobHandler(Protocol):
    """Does the jobs of one kind.

    Killed at any point, `run` is called again for the same part, here or on another machine, and
    must go on from what was stored. Two runs of a part at once are rare but possible, when a worker
    that was taken for dead was not: what a run stores must be stored by a version check.
    """

    async def run(self, run: JobRun) -> JobStatus | None:
        """Work on a part of a job; cancelled from outside when the job is.

        Returns what came of the whole job, or None where other parts still work on it.

        Raises:
            AppError: the job has failed. Of `DatabaseError` and `StorageError` it is tried again.
        """
        ...

    async def stopped(self, job: Job) -> None:
        """The job was cancelled or has failed: let go of what it holds, keep what was done. May be
        called twice.
        """
