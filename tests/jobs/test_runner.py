"""Running parts of jobs: what comes of them, whatever a handler does."""

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.core.exceptions import DatabaseError, StorageError, UnspeakableText
from app.db.base import Collection
from app.jobs.base import JobRun
from app.jobs.board import JobBoard
from app.jobs.runner import JobRunner
from app.jobs.webhooks import Webhooks
from app.models.job import Job, JobKind, JobStatus
from tests.jobs.parts import OWNER, Board, Handler, forever, job_of, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def parts(tmp_path) -> AsyncIterator[Board]:
    async with opened(tmp_path) as board:
        yield board


class Away:
    """Passes calls on, and fails those with the given numbers."""

    def __init__(self, inner: Collection[Job], *, calls: list[int]) -> None:
        self._inner, self.calls = inner, calls
        self._number = itertools.count()

    def __getattr__(self, method: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            if (number := next(self._number)) in self.calls:
                self.calls.remove(number)
                raise DatabaseError("The database is away.")
            return await getattr(self._inner, method)(*args, **kwargs)

        return call


def runner(parts: Board, handler: Handler) -> JobRunner:
    parts.board.register(JobKind.BATCH, handler)
    return JobRunner(parts.board, watch_s=0.01, pause_s=0.001)


async def came_of(parts: Board, handler: Handler, job: Job | None = None) -> Job:
    job = job or await parts.board.submit(job_of())
    await runner(parts, handler).run(job.id, job.runs, 0)
    return await parts.board.get(OWNER, job.id)


async def test_a_job_ends_as_its_handler_says(parts):
    for status in (JobStatus.SUCCEEDED, JobStatus.PARTIAL):

        async def work(_: JobRun, status: JobStatus = status) -> JobStatus:
            return status

        job = await came_of(parts, Handler(work))
        assert (job.status, job.progress, job.attempts) == (status, 1.0, 1)


async def test_it_goes_on_while_other_parts_work_on_it(parts):
    async def work(_: JobRun) -> None:
        return None

    assert (await came_of(parts, Handler(work))).status is JobStatus.RUNNING


async def test_an_error_of_ours_is_told_and_a_bug_is_not(parts):
    async def refuse(_: JobRun) -> JobStatus:
        raise UnspeakableText("There is nothing to say.", "Send words.")

    async def break_(_: JobRun) -> JobStatus:
        raise ZeroDivisionError("a secret")

    handler = Handler(refuse)
    refused = await came_of(parts, handler)
    broken = await came_of(parts, Handler(break_))

    assert refused.error.model_dump() == {
        "code": "text-unspeakable", "detail": "There is nothing to say.",
        "suggestion": "Send words.",
    }  # fmt: skip
    assert handler.let_go == [JobStatus.FAILED]
    assert broken.status is JobStatus.FAILED
    assert broken.error.code == "internal-error"
    assert "secret" not in broken.error.model_dump_json()


@pytest.mark.parametrize("error", [DatabaseError("away"), StorageError("full")])
async def test_what_may_pass_is_tried_again(parts, error):
    failures = [error, error]

    async def work(_: JobRun) -> JobStatus:
        if failures:
            raise failures.pop()
        return JobStatus.SUCCEEDED

    handler = Handler(work)
    assert (await came_of(parts, handler)).status is JobStatus.SUCCEEDED
    assert handler.begun == 3


async def test_what_does_not_pass_fails_at_last(parts):
    async def work(_: JobRun) -> JobStatus:
        raise StorageError("The disk is full.")

    job = await came_of(parts, Handler(work))
    assert (job.status, job.error.code) == (JobStatus.FAILED, "storage-unavailable")


async def test_cancelled_in_the_middle_it_stops_and_lets_go(parts):
    stopped = asyncio.Event()

    async def work(run: JobRun) -> None:
        try:
            await forever(run)
        finally:
            stopped.set()

    handler = Handler(work)
    job = await parts.board.submit(job_of())
    running = asyncio.create_task(runner(parts, handler).run(job.id, job.runs, 0))
    while not handler.begun:
        await asyncio.sleep(0)
    await parts.board.cancel(OWNER, job.id)
    await running

    assert stopped.is_set()
    assert (await parts.board.get(OWNER, job.id)).status is JobStatus.CANCELLED
    assert handler.let_go == [JobStatus.CANCELLED]


async def test_a_worker_that_is_stopped_leaves_the_job_to_others(parts):
    handler = Handler(forever)
    job = await parts.board.submit(job_of())
    running = asyncio.create_task(runner(parts, handler).run(job.id, job.runs, 0))
    while not handler.begun:
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    left = await parts.board.get(OWNER, job.id)
    assert left.status is JobStatus.RUNNING
    assert handler.let_go == []

    async def work(_: JobRun) -> JobStatus:
        return JobStatus.SUCCEEDED

    ended = await came_of(parts, Handler(work), left)
    assert (ended.status, ended.attempts) == (JobStatus.SUCCEEDED, 2)


async def test_who_never_comes_to_an_end_is_given_up(parts):
    job = await parts.board.submit(job_of())
    for _ in range(20):
        await parts.board.begin(job.id, job.runs)
    handler = Handler(forever)

    given_up = await came_of(parts, handler, job)

    assert handler.begun == 0
    assert given_up.status is JobStatus.FAILED
    assert "too often" in given_up.error.detail


async def test_who_gets_further_is_begun_as_often_as_need_be(parts):
    """It stands beside one that kills their worker again and again."""
    job = await parts.board.submit(job_of())
    for number in range(60):
        await parts.board.begin(job.id, job.runs)
        await parts.board.report(job.id, number / 60, "speaking")

    async def work(_: JobRun) -> JobStatus:
        return JobStatus.SUCCEEDED

    assert (await came_of(parts, Handler(work), job)).status is JobStatus.SUCCEEDED


async def test_a_database_that_is_away_for_a_moment_does_not_fail_the_end_of_a_job(parts):
    """Nothing can be written, neither that it has begun nor that it has ended."""
    flaky = Away(parts.jobs, calls=[0, 3, 4])
    board = JobBoard(flaky, parts.queue, webhooks=Webhooks(None))

    async def work(_: JobRun) -> JobStatus:
        return JobStatus.SUCCEEDED

    board.register(JobKind.BATCH, Handler(work))
    job = await parts.board.submit(job_of())
    await JobRunner(board, watch_s=0.01, pause_s=0.001).run(job.id, job.runs, 0)

    assert flaky.calls == []
    assert (await parts.board.get(OWNER, job.id)).status is JobStatus.SUCCEEDED


async def test_a_webhook_is_told_though_the_database_is_away_for_a_moment(parts):
    flaky = Away(parts.jobs, calls=[0, 1])
    board = JobBoard(flaky, parts.queue, webhooks=Webhooks(None))
    job = await parts.running()
    await parts.board.finish(job.id, JobStatus.SUCCEEDED)
    await JobRunner(board, pause_s=0.001).tell(job.id)

    assert flaky.calls == []


async def test_a_handler_that_cancels_itself_has_failed(parts):
    async def work(_: JobRun) -> JobStatus:
        raise asyncio.CancelledError

    job = await came_of(parts, Handler(work))
    assert (job.status, job.error.code) == (JobStatus.FAILED, "internal-error")


async def test_a_failure_to_let_go_keeps_no_webhook_back(parts):
    class Clinging(Handler):
        async def stopped(self, job: Job) -> None:
            raise ZeroDivisionError

    async def work(_: JobRun) -> JobStatus:
        raise UnspeakableText("There is nothing to say.")

    job = await parts.board.submit(job_of(webhook_url="https://example.com/hook"))
    with pytest.raises(ZeroDivisionError):
        await came_of(parts, Clinging(work), job)

    assert parts.queue.told == [job.id]


async def test_a_part_that_stops_behind_the_end_lets_go_once_more(parts):
    """It may have stored something since the others let go."""
    order: list[str] = []

    class Noted(Handler):
        async def stopped(self, job: Job) -> None:
            order.append("let go")

    async def work(run: JobRun) -> None:
        try:
            await forever(run)
        finally:
            order.append(f"part {run.part}")

    handler = Noted(work)
    job = await parts.board.submit(job_of(parts=2))
    quick = runner(parts, handler).run(job.id, job.runs, 0)
    slow = JobRunner(parts.board, watch_s=0.3).run(job.id, job.runs, 1)
    running = [asyncio.create_task(part) for part in (quick, slow)]
    while handler.begun < 2:
        await asyncio.sleep(0)
    await parts.board.cancel(OWNER, job.id)
    await asyncio.gather(*running)

    assert order == ["part 0", "let go", "part 1", "let go"]


async def test_a_job_that_is_deleted_in_the_middle_just_stops(parts):
    async def work(run: JobRun) -> JobStatus:
        await parts.board.delete(run.job.id)
        await run.report(0.5, "speaking")
        return JobStatus.SUCCEEDED

    job = await parts.board.submit(job_of())
    await runner(parts, Handler(work)).run(job.id, job.runs, 0)

    assert await parts.board.find(job.id) is None


async def test_a_handler_may_fail_while_it_is_seen_that_its_job_is_gone(parts):
    """It ends by the same deletion, between the look at the job and what follows from it."""
    seen, ended = asyncio.Event(), asyncio.Event()

    class Looked:
        def __getattr__(self, method: str) -> Any:
            return getattr(parts.jobs, method)

        async def get(self, job_id: str) -> Job | None:
            job = await parts.jobs.get(job_id)
            if job is None and not seen.is_set():
                seen.set()
                await ended.wait()
            return job

    async def work(run: JobRun) -> JobStatus:
        await parts.board.delete(run.job.id)
        await seen.wait()
        asyncio.get_running_loop().call_soon(ended.set)
        raise ZeroDivisionError

    unseen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: unseen.append(told))
    board = JobBoard(Looked(), parts.queue, webhooks=Webhooks(None))
    board.register(JobKind.BATCH, Handler(work))
    job = await parts.board.submit(job_of())
    await JobRunner(board, watch_s=0.01).run(job.id, job.runs, 0)
    gc.collect()

    assert unseen == []


async def test_a_job_that_was_deleted_is_not_worked_on(parts):
    handler = Handler(forever)
    job = await parts.board.submit(job_of())
    await parts.board.delete(job.id)
    await runner(parts, handler).run(job.id, job.runs, 0)

    assert handler.begun == 0
