"""A worker: takes jobs from the queue, has them done, lives in sight of the others."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Final, Self

from opentelemetry.trace import Tracer

from app.core.clock import utc_now
from app.core.exceptions import AppError
from app.core.logging import get_logger
from app.core.metrics import Metrics
from app.db.base import Collection
from app.jobs.board import JobBoard
from app.jobs.dbos import DbosQueue
from app.jobs.lost import LostJobs
from app.jobs.runner import JobRunner
from app.jobs.taking import DbosWorker
from app.jobs.workers import Watch
from app.models.job import Job, Worker

log = get_logger(__name__)

_BEAT_S: Final = 3.0
_LOST_S: Final = 15.0
_TIDY_S: Final = 3600.0
_KEPT: Final = timedelta(days=7)  # entries that are over, for those who look for a mistake


class JobWorker:
    """Works on jobs between `__aenter__` and `__aexit__`, on the loop that it is entered on.

    Leaving it, what it works on is stopped, and other workers go on with it.

    Args:
        owners_at_once: whose batches are spoken in turns.
        dead_after_s: when a silent worker has its jobs taken over.
        poll_s: how often the queue is looked at.
    """

    def __init__(
        self,
        board: JobBoard,
        queue: DbosQueue,
        *,
        jobs: Collection[Job],
        workers: Collection[Worker],
        owners_at_once: int = 8,
        dead_after_s: float = 15.0,
        poll_s: float = 0.5,
        metrics: Metrics | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        runner = JobRunner(board, metrics=metrics, tracer=tracer)
        self._queue = queue
        self._lost = LostJobs(jobs, board, queue, metrics=metrics)
        self._watch = Watch(
            workers,
            queue,
            dead_after_s=dead_after_s,
            interrupted=self._interrupted,
            took_over=metrics.took_over if metrics else lambda: None,
        )
        self._taking = DbosWorker(
            queue,
            self._watch.me.id,
            run=runner.run,
            deliver=runner.tell,
            owners_at_once=owners_at_once,
            poll_s=poll_s,
        )
        self._beat_s = min(_BEAT_S, dead_after_s / 5)
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            await self._watch.enter()
            opening.push_async_callback(self._watch.leave)
            await self._taking.open()
            opening.push_async_callback(self._taking.close)
            self._living = [
                asyncio.create_task(_again(self._beat_s, "workers", self._live)),
                asyncio.create_task(_again(_LOST_S, "jobs", self._lost.look)),
                asyncio.create_task(_again(_TIDY_S, "queue", self._tidy)),
            ]
            opening.push_async_callback(_end, self._living)
            self._opened = opening.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._opened.aclose()
        except AppError as failure:  # the others notice, a little later
            log.warning("what was worked on is taken over later", detail=failure.detail)

    async def _interrupted(self) -> None:
        await self._taking.put_back()

    async def _live(self) -> None:
        await self._watch.beat()
        await self._watch.look()

    async def _tidy(self) -> None:
        await self._queue.forget(utc_now() - _KEPT)


async def _again(pause_s: float, what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Work from time to time, whatever goes wrong: who stops showing that it lives is dead."""
    while True:
        try:
            await work()
        except AppError as error:
            log.warning("cannot look after it", what=what, detail=error.detail)
        except Exception:
            log.exception("cannot look after it", what=what)
        await asyncio.sleep(pause_s)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
