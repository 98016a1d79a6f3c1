"""Running parts of jobs: what comes of them, whatever a handler does."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.exceptions import DatabaseError, StorageError, UnspeakableText
from app.jobs.base import JobRun
from app.jobs.runner import JobRunner
from app.models.job import Job, JobKind, JobStatus
from tests.jobs.parts import OWNER, Board, Handler, forever, job_of, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def parts(tmp_path) -> AsyncIterator[Board]:
    async with opened(tmp_path) as board:
        yield board


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


async def test_a_job_that_was_deleted_is_not_worked_on(parts):
    handler = Handler(forever)
    job = await parts.board.submit(job_of())
    await parts.board.delete(job.id)
    await runner(parts, handler).run(job.id, job.runs, 0)

    assert handler.begun == 0
