"""The board of jobs: submitted once, cancelled, tried again, ended once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta

import pytest

from app.core.clock import utc_now
from app.core.exceptions import IdempotencyMismatch, JobEnded, JobNotFound, TooManyJobs
from app.jobs.base import JobRun
from app.jobs.runner import JobRunner
from app.models.job import Job, JobKind, JobProblem, JobStatus
from tests.jobs.parts import OWNER, Board, Handler, forever, job_of, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def parts(tmp_path) -> AsyncIterator[Board]:
    async with opened(tmp_path, max_per_owner=3) as board:
        yield board


async def test_a_job_is_known_and_waits(parts):
    job = await parts.board.submit(job_of())

    assert (await parts.board.get(OWNER, job.id)).status is JobStatus.QUEUED
    assert parts.queue.put_jobs == [(job.id, 1)]


async def test_somebody_else_does_not_see_it(parts):
    job = await parts.board.submit(job_of())

    for owner, job_id in (("bob", job.id), (OWNER, "no id at all"), (OWNER, "\0")):
        with pytest.raises(JobNotFound):
            await parts.board.get(owner, job_id)


async def test_the_same_key_is_the_same_job_also_at_the_same_moment(parts):
    asked = [job_of(idempotency_key="k", fingerprint="f") for _ in range(5)]
    jobs = await asyncio.gather(*(parts.board.submit(job) for job in asked[:3]))
    later = await parts.board.submit(asked[3])

    assert {job.id for job in [*jobs, later]} == {jobs[0].id}
    assert {job_id for job_id, _ in parts.queue.put_jobs} == {jobs[0].id}
    with pytest.raises(IdempotencyMismatch):
        await parts.board.submit(job_of(idempotency_key="k", fingerprint="another"))
    assert await parts.board.known(OWNER, "k", "f") == later
    assert await parts.board.known("bob", "k", "f") is None


async def test_a_job_that_is_deleted_while_it_is_changed_is_not_found(parts, tmp_path):
    job = await parts.running()

    def deleted(job: Job) -> Job:
        with closing(sqlite3.connect(tmp_path / "voices.db")) as database, database:
            database.execute("DELETE FROM jobs")
        return job.model_copy(update={"progress": 0.5})

    with pytest.raises(JobNotFound):
        await parts.board.change(job.id, deleted)


async def test_an_owner_has_so_many_jobs_at_most(parts):
    jobs = [await parts.board.submit(job_of()) for _ in range(3)]

    with pytest.raises(TooManyJobs) as refused:
        await parts.board.submit(job_of())
    assert refused.value.retry_after_s
    await parts.board.submit(job_of(owner="bob"))
    await parts.board.cancel(OWNER, jobs[0].id)
    await parts.board.submit(job_of())


async def test_a_request_that_is_repeated_needs_no_room(parts):
    first = await parts.board.submit(job_of(idempotency_key="k", fingerprint="f"))
    for _ in range(2):
        await parts.board.submit(job_of())

    assert await parts.board.submit(job_of(idempotency_key="k", fingerprint="f")) == first


async def test_a_clock_that_was_set_back_does_no_harm(parts):
    """Records were made in what is the future now: they are listed, cancelled, ended as others."""
    early = await parts.board.submit(job_of(created_at=utc_now() + timedelta(days=400)))
    late = await parts.board.submit(job_of())
    begun = await parts.board.begin(early.id, early.runs)
    await parts.board.report(early.id, 0.5, "speaking")
    await parts.board.cancel(OWNER, late.id)
    ended = await parts.board.finish(early.id, JobStatus.SUCCEEDED)

    assert begun is not None
    assert ended.status is JobStatus.SUCCEEDED
    assert ended.ended_at < ended.created_at
    page = await parts.board.list({"owner": OWNER}, limit=1, cursor=None)
    rest = await parts.board.list({"owner": OWNER}, limit=1, cursor=page.cursor)
    assert [job.id for job in page.items + rest.items] == [early.id, late.id]


async def test_a_queue_that_is_away_loses_no_job(parts):
    parts.queue.away = True
    job = await parts.board.submit(job_of())

    assert (await parts.board.get(OWNER, job.id)).status is JobStatus.QUEUED


async def test_what_waits_is_cancelled_at_once_and_let_go(parts):
    handler = Handler(forever)
    parts.board.register(JobKind.BATCH, handler)
    job = await parts.board.submit(job_of(webhook_url="https://example.com/hook"))

    assert (await parts.board.cancel(OWNER, job.id)).status is JobStatus.CANCELLED
    assert handler.let_go == [JobStatus.CANCELLED]
    assert parts.queue.told == [job.id]
    assert await parts.board.begin(job.id, job.runs) is None
    with pytest.raises(JobEnded):
        await parts.board.cancel(OWNER, job.id)


async def test_a_cancelled_job_is_cancelled_though_nobody_can_be_told_now(parts):
    job = await parts.board.submit(job_of(webhook_url="https://example.com/hook"))
    parts.queue.away = True

    assert (await parts.board.cancel(OWNER, job.id)).status is JobStatus.CANCELLED
    parts.queue.away = False
    await JobRunner(parts.board).run(job.id, job.runs, 0)  # its entry in the queue
    assert parts.queue.told == [job.id]


async def test_what_runs_is_only_asked_to_stop(parts):
    job = await parts.running()

    cancelled = await parts.board.cancel(OWNER, job.id)

    assert cancelled.status is JobStatus.RUNNING
    assert cancelled.cancel_requested


async def test_the_first_end_counts(parts):
    job = await parts.running()
    problem = JobProblem(code="engine-failed", detail="It broke.")
    await parts.board.finish(job.id, JobStatus.FAILED, problem=problem)
    await parts.board.finish(job.id, JobStatus.SUCCEEDED)

    ended = await parts.board.get(OWNER, job.id)
    assert ended.status is JobStatus.FAILED
    assert ended.error == problem
    assert ended.ended_at


async def test_progress_never_goes_back_and_not_on_after_the_end(parts):
    job = await parts.running()
    await parts.board.report(job.id, 0.6, "speaking", eta_s=10.0)
    await parts.board.report(job.id, 0.4, "speaking")
    before = await parts.board.get(OWNER, job.id)
    await parts.board.finish(job.id, JobStatus.CANCELLED)
    await parts.board.report(job.id, 0.9, "speaking")

    assert before.progress == 0.6
    assert before.eta_s is None
    after = await parts.board.get(OWNER, job.id)
    assert (after.progress, after.stage) == (0.6, "cancelled")


async def test_two_who_report_at_once_lose_nothing(parts):
    job = await parts.running()
    await asyncio.gather(*(parts.board.report(job.id, n / 10, "speaking") for n in range(8)))

    assert (await parts.board.get(OWNER, job.id)).progress == 0.7


async def test_a_failed_job_is_tried_again_as_another_run(parts):
    job = await parts.running()
    with pytest.raises(JobEnded):
        await parts.board.retry(OWNER, job.id)
    await parts.board.finish(job.id, JobStatus.FAILED)

    again = await parts.board.retry(OWNER, job.id)

    assert (again.status, again.runs, again.error) == (JobStatus.QUEUED, 2, None)
    assert parts.queue.put_jobs[-1] == (job.id, 2)
    assert await parts.board.begin(job.id, 1) is None  # a late part of the first run
    await parts.board.finish(job.id, JobStatus.SUCCEEDED)
    with pytest.raises(JobEnded):
        await parts.board.retry(OWNER, job.id)


async def test_a_run_that_was_left_behind_changes_nothing_of_the_next_one(parts):
    old = await parts.running()
    await parts.board.cancel(OWNER, old.id)
    await parts.board.finish(old.id, JobStatus.CANCELLED)
    await parts.board.retry(OWNER, old.id)
    late = JobRun(old, 0, parts.board)

    await late.report(0.9, "speaking")
    await parts.board.finish(old.id, JobStatus.SUCCEEDED, run=old.runs)

    job = await parts.board.get(OWNER, old.id)
    assert (job.status, job.stage, job.progress) == (JobStatus.QUEUED, "queued", 0.0)
