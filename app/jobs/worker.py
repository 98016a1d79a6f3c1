"""A worker: takes jobs from the queue, has them done, lives in sight of the others."""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from app.core.exceptions import AppError
from app.core.logging import get_logger
from app.db.base import Collection
from app.jobs.board import JobBoard
from app.jobs.dbos import DbosQueue
from app.jobs.lost import LostJobs
from app.jobs.runner import JobRunner
from app.jobs.taking import DbosWorker, Deliver
from app.jobs.workers import Watch
from app.models.job import Job, Worker

log = get_logger(__name__)

_BEAT_S: Final = 3.0
_LOST_S: Final = 15.0


class JobWorker:
    """Works on jobs between `__aenter__` and `__aexit__`, on the loop that it is entered on.

    Leaving it, what it works on is stopped, and other workers go on with it.

    Args:
        deliver: tells webhooks; without it nobody does before another worker comes.
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
        deliver: Deliver | None = None,
        owners_at_once: int = 8,
        dead_after_s: float = 15.0,
        poll_s: float = 0.5,
    ) -> None:
        self._lost = LostJobs(jobs, board, queue)
        self._watch = Watch(
            workers, queue, dead_after_s=dead_after_s, interrupted=self._interrupted
        )
        self._taking = DbosWorker(
            queue,
            self._watch.me.id,
            run=JobRunner(board).run,
            deliver=deliver,
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
            living = [asyncio.create_task(self._live()), asyncio.create_task(self._search())]
            opening.push_async_callback(_end, living)
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
        while True:
            try:
                await self._watch.beat()
                await self._watch.look()
            except AppError as error:
                log.warning("cannot look after the workers", detail=error.detail)
            await asyncio.sleep(self._beat_s)

    async def _search(self) -> None:
        while True:
            try:
                await self._lost.look()
            except AppError as error:
                log.warning("cannot look after the jobs", detail=error.detail)
            await asyncio.sleep(_LOST_S)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
