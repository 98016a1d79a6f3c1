"""Jobs that nobody would ever work on."""

from collections.abc import AsyncIterator, Sequence

import pytest

from app.jobs.dbos import Entry, entry_ids
from app.jobs.lost import LostJobs
from app.models.job import Job, JobStatus
from tests.jobs.parts import OWNER, Board, job_of, opened

pytestmark = pytest.mark.anyio

WAITS = Entry(over=False, failed=False)
DONE = Entry(over=True, failed=False)
BROKEN = Entry(over=True, failed=True)


class Entries:
    """What the queue knows."""

    def __init__(self) -> None:
        self.known: dict[str, Entry] = {}
        self.put_jobs: list[str] = []

    async def entries(self, jobs: Sequence[Job]) -> dict[str, Entry]:
        ids = {entry_id for job in jobs for entry_id in entry_ids(job)}
        return {entry_id: entry for entry_id, entry in self.known.items() if entry_id in ids}

    async def put(self, job: Job) -> None:
        self.put_jobs.append(job.id)
        self.are(job, *[WAITS] * job.parts)

    def are(self, job: Job, *entries: Entry) -> None:
        self.known |= dict(zip(entry_ids(job), entries, strict=False))


@pytest.fixture
async def parts(tmp_path) -> AsyncIterator[Board]:
    async with opened(tmp_path) as board:
        yield board


@pytest.fixture
def entries() -> Entries:
    return Entries()


@pytest.fixture
def lost(parts: Board, entries: Entries) -> LostJobs:
    return LostJobs(parts.jobs, parts.board, entries)


async def status(parts: Board, job: Job) -> JobStatus:
    return (await parts.board.get(OWNER, job.id)).status


@pytest.mark.parametrize("there", [[], [WAITS], [DONE]])
async def test_one_without_all_of_its_entries_is_queued_once_more(parts, entries, lost, there):
    job = await parts.board.submit(job_of(parts=2))
    entries.are(job, *there)
    await lost.look()
    await lost.look()

    assert entries.put_jobs == [job.id]
    assert await status(parts, job) is JobStatus.QUEUED


async def test_those_that_wait_or_run_are_left_alone(parts, entries, lost):
    waits, runs = await parts.board.submit(job_of()), await parts.running()
    half = await parts.board.submit(job_of(parts=2))
    entries.are(waits, WAITS)
    entries.are(runs, WAITS)
    entries.are(half, DONE, WAITS)
    for _ in range(3):
        await lost.look()

    assert entries.put_jobs == []
    assert not [job for job in (waits, runs, half) if (await status(parts, job)) in "failed"]


@pytest.mark.parametrize("there", [[DONE, DONE], [WAITS, BROKEN]])
async def test_one_that_nobody_ends_any_more_has_failed(parts, entries, lost, there):
    job = await parts.board.submit(job_of(parts=2, webhook_url="https://example.com/hook"))
    entries.are(job, *there)
    await lost.look()
    at_first = await status(parts, job)  # whose end is about to be noted
    await lost.look()

    assert at_first is JobStatus.QUEUED
    ended = await parts.board.get(OWNER, job.id)
    assert ended.status is JobStatus.FAILED
    assert "lost" in ended.error.detail
    assert parts.queue.told == [job.id]


async def test_one_that_was_tried_again_meanwhile_is_another(parts, entries, lost):
    job = await parts.running()
    entries.are(job, DONE)
    await lost.look()
    await parts.board.finish(job.id, JobStatus.FAILED)
    again = await parts.board.retry(OWNER, job.id)
    entries.are(again, WAITS)
    await lost.look()

    assert await status(parts, job) is JobStatus.QUEUED


async def test_those_of_more_than_a_page_are_looked_at(parts, entries, lost):
    jobs = [job_of(owner=f"owner-{number}") for number in range(230)]
    await parts.jobs.add_all(jobs)
    await lost.look()

    assert sorted(entries.put_jobs) == sorted(job.id for job in jobs)
