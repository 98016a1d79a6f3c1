"""What the tests of jobs are made of: a board on a database, queues that remember, handlers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from app.core.exceptions import DatabaseError
from app.db.base import Collection
from app.db.sql import SqlDatabase
from app.jobs.base import JobRun
from app.jobs.board import JobBoard
from app.jobs.webhooks import Webhooks
from app.models.job import Job, JobKind, JobStatus

OWNER = "ann"


class Queue:
    """Where jobs wait, in memory.

    Attributes:
        away: calls fail, as those of a database that is away do.
    """

    def __init__(self) -> None:
        self.put_jobs: list[tuple[str, int]] = []
        self.told: list[str] = []
        self.away = False

    async def put(self, job: Job) -> None:
        self._check()
        self.put_jobs.append((job.id, job.runs))

    async def put_webhook(self, job: Job) -> None:
        self._check()
        self.told.append(job.id)

    def _check(self) -> None:
        if self.away:
            raise DatabaseError("The queue is away.")


class Handler:
    """Does what it is told to, and remembers for which jobs it was to let go."""

    def __init__(self, work: Callable[[JobRun], Awaitable[JobStatus | None]]) -> None:
        self._work = work
        self.begun = 0
        self.let_go: list[JobStatus] = []

    async def run(self, run: JobRun) -> JobStatus | None:
        self.begun += 1
        return await self._work(run)

    async def stopped(self, job: Job) -> None:
        self.let_go.append(job.status)


class Board:
    """A board with what lies around it."""

    def __init__(self, jobs: Collection[Job], **options: int) -> None:
        self.jobs = jobs
        self.queue = Queue()
        self.board = JobBoard(jobs, self.queue, webhooks=Webhooks(None), **options)

    async def running(self) -> Job:
        """A job that somebody works on."""
        job = await self.board.submit(job_of())
        begun = await self.board.begin(job.id, job.runs)
        assert begun is not None
        return begun


@asynccontextmanager
async def opened(folder: Path, **options: int) -> AsyncIterator[Board]:
    database = SqlDatabase(f"sqlite:///{folder / 'voices.db'}")
    await database.open()
    try:
        yield Board(database.collection(Job), **options)
    finally:
        await database.close()


def job_of(**fields: object) -> Job:
    usual = {
        "owner": OWNER, "kind": JobKind.BATCH, "subject_id": "subject", "actor": "key:1",
        "request_id": "r1",
    }  # fmt: skip
    return Job(**usual | fields)


async def forever(_: JobRun) -> JobStatus | None:
    await asyncio.Event().wait()
    return None
