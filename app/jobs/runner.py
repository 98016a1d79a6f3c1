"""Working on parts of jobs: what a handler does, watched, and what comes of it written down."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import Final

from opentelemetry.trace import Tracer

from app.core.exceptions import AppError, DatabaseError, JobNotFound, StorageError, code_of
from app.core.logging import actor, get_logger, request_id
from app.core.metrics import Metrics
from app.core.outgoing import measured
from app.core.tasks import see_through
from app.core.tracing import job_span
from app.jobs.base import JobHandler, JobRun
from app.jobs.board import JobBoard
from app.models.job import Job, JobProblem, JobStatus

log = get_logger(__name__)

_WATCH_S: Final = 1.0
_MAX_PAUSE_S: Final = 60.0
_MAX_BEGINS: Final = 20
"""Of each part, without getting further. Who does not survive so many kills its worker every time;
those beside it on that worker get further now and then.
"""
_TRIES: Final = 10
"""When the database or the store is away: for some minutes."""
_WRONG: Final = "Something went wrong inside the service."
_TELL: Final = "Try again. If it stays so, tell those who run the service the id of the job."
_NO_HANDLER: Final = JobProblem(
    code=AppError.code,
    detail="This version does no such jobs.",
    suggestion="Try it again when all servers and workers have been updated.",
)
_TOO_OFTEN: Final = JobProblem(
    code=AppError.code,
    detail="The job was begun too often without coming to an end: its worker stopped each time.",
    suggestion="Look into the workers' logs: they may lack memory. Then try the job again.",
)


class JobRunner:
    """Runs parts of jobs, as entries of the queue ask for it. Twice does no harm.

    Args:
        watch_s: how often a running job is looked at: whether it was cancelled.
        pause_s: before another try, when a database or store is away; it doubles.
        tracer: records what is done for a job, and the telling of its webhook.
    """

    def __init__(
        self,
        board: JobBoard,
        *,
        watch_s: float = _WATCH_S,
        pause_s: float = 1.0,
        metrics: Metrics | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._board = board
        self._metrics = metrics
        self._tracer = tracer
        self._watch_s = watch_s
        self._pause_s = pause_s

    async def run(self, job_id: str, run: int, part: int) -> None:
        """Work on a part of a run of a job until there is nothing left to do on it.

        Cancelled, it leaves the job as it is: somebody will go on.
        """

        async def work() -> None:
            job = await self._board.begin(job_id, run)
            if job is None:
                await self._board.settle(job_id, run)
                return
            # Done for the one who asked for it: in the trail, and in the log.
            actor.set(job.actor)
            request_id.set(job.request_id)
            with measured(self._metrics), job_span(self._tracer, f"job {job.kind.value}"):
                await self._run(job, part)

        with suppress(JobNotFound):  # deleted with its subject
            await self._until_noted(work, job_id)

    async def tell(self, job_id: str) -> None:
        """Tell a job's webhook that it has ended."""
        with measured(self._metrics), job_span(self._tracer, "job webhook"):
            await self._until_noted(partial(self._board.deliver, job_id), job_id)

    async def _until_noted(self, work: Callable[[], Awaitable[None]], job_id: str) -> None:
        pause_s = self._pause_s
        while True:
            try:
                return await work()
            except (DatabaseError, StorageError) as error:
                # Nothing can be written down now, not even that it failed.
                log.warning("a job will be tried again", job=job_id, detail=error.detail)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _MAX_PAUSE_S)

    async def _run(self, job: Job, part: int) -> None:
        handler = self._board.handlers.get(job.kind)
        if job.cancel_requested:
            await self._finish(job, JobStatus.CANCELLED)
        elif handler is None:
            await self._finish(job, JobStatus.FAILED, _NO_HANDLER)
        elif job.stalls > _MAX_BEGINS * job.parts:
            await self._finish(job, JobStatus.FAILED, _TOO_OFTEN)
        else:
            with self._metrics.working(job.kind.value) if self._metrics else nullcontext():
                await self._work(handler, JobRun(job, part, self._board))

    async def _work(self, handler: JobHandler, run: JobRun) -> None:
        for tried in range(1, _TRIES + 1):
            try:
                status = await self._watched(handler, run)
            except (DatabaseError, StorageError) as error:
                if tried == _TRIES:
                    return await self._fail(run.job, error)
                log.warning("a job will be tried again", job=run.job.id, detail=error.detail)
            except AppError as error:
                return await self._fail(run.job, error)
            except Exception:  # whatever a handler does wrong is the end of its job, not of us
                log.exception("a job has failed", job=run.job.id, kind=run.job.kind.value)
                return await self._fail(run.job, AppError(_WRONG, _TELL))
            else:
                if status is not None:
                    return await self._finish(run.job, status)
                # Others work on it still, or have ended it before this part let go.
                return await self._board.settle(run.job.id, run.job.runs)
            await asyncio.sleep(min(self._pause_s * 2 ** (tried - 1), _MAX_PAUSE_S))
        return None

    async def _watched(self, handler: JobHandler, run: JobRun) -> JobStatus | None:
        """What came of it. It is stopped soon after somebody has cancelled the job."""
        task = asyncio.ensure_future(handler.run(run))
        try:
            while not (await asyncio.wait([task], timeout=self._watch_s))[0]:
                job = await self._seen(run.job)
                if job is None:
                    return None
                if job.cancel_requested:
                    return await _stopped(task) or JobStatus.CANCELLED
        finally:
            if not task.done():
                await see_through(_stopped(task))
            elif not task.cancelled():
                task.exception()  # seen, also where the job has ended since and nobody asks for it
        if task.cancelled():  # not by us: nobody would go on with it
            raise RuntimeError("it cancelled itself")
        return task.result()

    async def _seen(self, job: Job) -> Job | None:
        """The job as it is now; None if it has ended, or was begun anew."""
        try:
            now = await self._board.find(job.id)
        except DatabaseError:  # it is looked at again soon
            return job
        return None if now is None or now.ended or now.runs != job.runs else now

    async def _fail(self, job: Job, error: AppError) -> None:
        problem = JobProblem(code=error.code, detail=error.detail, suggestion=error.suggestion)
        await self._finish(job, JobStatus.FAILED, problem)

    async def _finish(self, job: Job, status: JobStatus, problem: JobProblem | None = None) -> None:
        await self._board.finish(job.id, status, run=job.runs, problem=problem)


async def _stopped(task: asyncio.Future[JobStatus | None]) -> JobStatus | None:
    """Cancel a task and see its end. What came of it if it was faster than that."""
    task.cancel()
    await asyncio.wait([task])
    if task.cancelled():
        return None
    if (error := task.exception()) is not None:
        log.warning("a job did not stop as it should", kind=code_of(error))
        return None
    return task.result()
