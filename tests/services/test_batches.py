"""What becomes of a batch, whatever happens while it is worked on."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.core.exceptions import BatchNotFound, EngineBusy, JobEnded, JobRunning
from app.jobs.base import JobRun
from app.models.access import Party
from app.models.batch import ItemStatus
from app.models.batch_request import BatchRequest
from app.models.job import JobStatus
from app.models.share import SharedAccess, VoiceShare
from app.services.voices import Upload
from tests.conftest import recording
from tests.services.batching import Batching, batching
from tests.services.parts import ME, OWNER

pytestmark = [pytest.mark.anyio, pytest.mark.services]

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def texts(count: int) -> dict[int, str]:
    return {n: f"Item {n}." for n in range(count)}


def statuses(items) -> list[str]:
    return [item.status.value for item in items]


async def outputs(b: Batching) -> list[str]:
    return [name for name in await b.outputs.all() if "/batch-" in name]


@pytest.mark.services
async def test_parts_share_the_items_and_each_is_spoken_once_in_its_voice(settings):
    async with batching(settings) as b:
        voices = [await b.voice(hz) for hz in (110.0, 190.0)]
        items = [{"text": f"Item {n}.", "voice": voices[n % 2]} for n in range(60)]
        batch = await b.begun(voices[0], 60, items=items)
        assert (await b.board.get(OWNER, batch.job_id)).parts == 3

        await b.work(batch)

        done = await b.now(batch)
        assert (done.status, done.progress) == (JobStatus.SUCCEEDED, 1.0)
        assert done.counts.succeeded == done.total == 60
        assert await b.heard(batch) == texts(60)
        assert sorted(b.engine.said) == sorted(texts(60).values())
        stored = await b.items(batch)
        assert {item.attempts for item in stored} == {1}
        assert [item.output.split("/")[0] for item in stored] == [voices[n % 2] for n in range(60)]
        assert len(b.outputs.names) == len(await outputs(b)) == 60


async def test_a_worker_that_is_killed_leaves_to_the_next_what_it_had_not_done(settings):
    async with batching(settings) as b:
        batch = await b.begun(await b.voice(), 20)
        b.engine.stops_at = "Item 9"
        working = asyncio.create_task(b.work(batch))
        await b.engine.reached.wait()
        while (await b.now(batch)).counts.succeeded < 19:  # all but the one that waits
            await asyncio.sleep(0.01)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert (await b.now(batch)).counts.running == 1
        assert (await b.board.get(OWNER, batch.job_id)).status is JobStatus.RUNNING

        b.engine.stops_at = "?!"
        said = len(b.engine.said)
        await b.work(batch)

        assert b.engine.said[said:] == ["Item 9."]
        assert (await b.now(batch)).status is JobStatus.SUCCEEDED
        assert await b.heard(batch) == texts(20)
        assert len(await outputs(b)) == len(b.outputs.names) == 20


@pytest.mark.services
async def test_a_part_whose_items_are_done_takes_what_waits_for_others(settings):
    async with batching(settings) as b:
        batch = await b.begun(await b.voice(), 60)

        await b.work(batch, parts=[1])  # a worker alone, before it comes to the other parts

        assert (await b.now(batch)).status is JobStatus.SUCCEEDED
        assert {(item.attempts, item.part) for item in await b.items(batch)} == {(1, 1)}
        said = len(b.engine.said)
        await b.work(batch)
        assert len(b.engine.said) == said == 60


@pytest.mark.services
async def test_what_a_killed_part_had_taken_from_others_is_begun_again_and_by_nobody_else(settings):
    async with batching(settings) as b:
        batch = await b.begun(await b.voice(), 60)
        b.engine.stops_at = "Item 58"  # of part 1
        working = asyncio.create_task(b.work(batch, parts=[0]))
        await b.engine.reached.wait()
        while (await b.now(batch)).counts.succeeded < 59:
            await asyncio.sleep(0.01)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert (await b.items(batch))[58].part == 0

        b.engine.stops_at = "?!"
        said = len(b.engine.said)
        await b.work(batch, parts=[1, 2])
        assert len(b.engine.said) == said
        await b.work(batch, parts=[0])

        assert b.engine.said[said:] == ["Item 58."]
        assert (await b.now(batch)).status is JobStatus.SUCCEEDED
        assert await b.heard(batch) == texts(60)


async def test_two_workers_on_the_same_part_make_one_thing_of_each_item(settings):
    async with batching(settings) as b:
        batch = await b.begun(await b.voice(), 12)

        await b.work(batch, parts=[0, 0])

        assert (await b.now(batch)).status is JobStatus.SUCCEEDED
        assert await b.heard(batch) == texts(12)
        assert len(await outputs(b)) == 12


async def test_a_worker_that_was_taken_for_dead_does_nothing_twice(settings):
    async with batching(settings, at_once=1) as b:
        batch = await b.begun(await b.voice(), 5)
        b.engine.stops_at = "Item 0"
        job = await b.board.get(OWNER, batch.job_id)
        slow = asyncio.create_task(b.service.run(JobRun(job, 0, b.board)))
        await b.engine.reached.wait()
        b.engine.stops_at = "?!"
        await b.work(batch)  # another one does everything
        assert (await b.now(batch)).status is JobStatus.SUCCEEDED

        b.engine.go.set()
        await slow

        assert sorted(b.engine.said) == ["Item 0.", *texts(5).values()]
        assert await b.heard(batch) == texts(5)
        assert len(await outputs(b)) == len(b.outputs.names) == 5


async def test_an_item_that_fails_fails_alone_and_can_be_tried_again(settings):
    async with batching(settings) as b:
        batch = await b.begun(await b.voice(), 6)
        b.engine.fails_at = "Item 3"
        await b.work(batch)

        partly = await b.now(batch)
        assert partly.status is JobStatus.PARTIAL
        assert (partly.counts.succeeded, partly.counts.failed) == (5, 1)
        [failed] = [item for item in await b.items(batch) if item.error]
        assert (failed.position, failed.error.code) == (3, "engine-failed")

        b.engine.fails_at = "?!"
        said = len(b.engine.said)
        again = await b.service.retry(ME, batch.batch_id)
        assert (again.counts.queued, again.counts.failed) == (1, 0)
        with pytest.raises(JobRunning):
            await b.service.retry(ME, batch.batch_id)
        await b.work(batch)

        assert b.engine.said[said:] == ["Item 3."]
        assert (await b.now(batch)).status is JobStatus.SUCCEEDED
        assert await b.heard(batch) == texts(6)
        with pytest.raises(JobEnded):
            await b.service.retry(ME, batch.batch_id)


async def test_a_retry_by_way_of_the_job_speaks_what_failed_too(settings):
    async with batching(settings) as b:
        batch = await b.begun(await b.voice(), 3)
        b.engine.fails_at = "Item"
        await b.work(batch)
        assert (await b.now(batch)).status is JobStatus.FAILED
        b.engine.fails_at = "?!"

        await b.board.retry(OWNER, batch.job_id)
        await b.work(batch)

        assert (await b.now(batch)).status is JobStatus.SUCCEEDED
        assert await b.heard(batch) == texts(3)


@pytest.mark.parametrize("by_way_of_the_job", [False, True])
async def test_another_try_is_in_no_group_that_one_has_left(settings, by_way_of_the_job):
    member = Party(OWNER, frozenset({"team"}))
    async with batching(settings) as b:
        shares = b.parts.database.collection(VoiceShare)
        voice = await b.voices.register("ann", Upload(recording(), "a.wav"))
        given = {"owner": "ann", "voice_id": voice.id, "grantee": "group:team"}
        await shares.add(VoiceShare(access=SharedAccess.USE, created_by="ann", **given))
        items = [{"text": "Item 0."}, {"text": "Item 1."}]
        asked = {"voice": voice.id, "format": "pcm", "normalize": "off", "items": items}
        batch, _ = await b.service.submit(member, BatchRequest.model_validate(asked))
        b.engine.fails_at = "Item 1"
        await b.work(batch)
        assert statuses(await b.items(batch)) == ["succeeded", "failed"]
        b.engine.fails_at = "?!"

        if by_way_of_the_job:
            await b.board.retry(OWNER, batch.job_id)
        else:
            await b.service.retry(ME, batch.batch_id)
        await b.work(batch)

        assert [item.error and item.error.code for item in await b.items(batch)] == [
            None,
            "voice-not-found",
        ]
        await b.service.retry(member, batch.batch_id)  # what was left once is not come back to
        await b.work(batch)
        assert statuses(await b.items(batch)) == ["succeeded", "failed"]


async def test_a_batch_that_is_cancelled_stops_and_keeps_what_was_done(settings):
    async with batching(settings, at_once=1) as b:
        batch = await b.begun(await b.voice(), 10)
        b.engine.stops_at = "Item 4"
        working = asyncio.create_task(b.work(batch))
        await b.engine.reached.wait()

        await b.service.cancel(OWNER, batch.batch_id)
        await working

        stopped = await b.now(batch)
        assert stopped.status is JobStatus.CANCELLED
        assert statuses(await b.items(batch)) == ["succeeded"] * 4 + ["cancelled"] * 6
        assert b.engine.stopped == 1
        assert b.engine.said == [f"Item {n}." for n in range(5)]
        assert await b.heard(batch) == texts(4)

        b.engine.stops_at = "?!"
        await b.service.retry(ME, batch.batch_id)
        await b.work(batch)

        assert (await b.now(batch)).status is JobStatus.SUCCEEDED
        assert await b.heard(batch) == texts(10)
        assert b.engine.said.count("Item 0.") == 1


async def test_a_batch_that_waits_is_cancelled_at_once(settings):
    async with batching(settings) as b:
        batch = await b.begun(await b.voice(), 3)

        cancelled = await b.service.cancel(OWNER, batch.batch_id)

        assert (cancelled.status, cancelled.counts.cancelled) == (JobStatus.CANCELLED, 3)
        await b.work(batch)
        assert b.engine.said == []


async def test_a_full_disk_fails_the_batch_and_keeps_what_was_done(settings):
    async with batching(settings) as b:
        batch = await b.begun(await b.voice(), 10)
        b.outputs.room = 4
        await b.work(batch)

        full = await b.now(batch)
        assert full.status is JobStatus.FAILED
        assert full.error.code == "storage-unavailable"
        assert (full.counts.succeeded, full.counts.queued) == (4, 6)
        assert len(await b.heard(batch)) == 4

        b.outputs.room = 100
        await b.service.retry(ME, batch.batch_id)
        await b.work(batch)

        assert (await b.now(batch)).status is JobStatus.SUCCEEDED
        assert await b.heard(batch) == texts(10)
        assert len(await outputs(b)) == len(b.outputs.names) == 10


async def test_the_items_of_a_voice_that_is_deleted_meanwhile_fail_and_no_others(settings):
    async with batching(settings, at_once=1) as b:
        kept, gone = await b.voice(110.0), await b.voice(190.0)
        items = [{"text": f"Item {n}.", "voice": (kept, gone)[n % 2]} for n in range(8)]
        batch = await b.begun(kept, 8, items=items)
        b.engine.stops_at = "Item 3"  # in the voice that goes
        working = asyncio.create_task(b.work(batch))
        await b.engine.reached.wait()

        await b.voices.delete(OWNER, gone)
        b.engine.go.set()
        await working

        done = await b.now(batch)
        assert (done.status, done.counts.succeeded) == (JobStatus.PARTIAL, 5)
        failed = [item for item in await b.items(batch) if item.status is ItemStatus.FAILED]
        assert [item.position for item in failed] == [3, 5, 7]
        assert {item.error.code for item in failed} == {"voice-not-found"}
        assert {name.split("/")[0] for name in await outputs(b)} == {kept}


async def test_a_batch_that_is_deleted_while_it_runs_leaves_nothing(settings):
    async with batching(settings, at_once=1) as b:
        batch = await b.begun(await b.voice(), 6)
        b.engine.stops_at = "Item 2"
        working = asyncio.create_task(b.work(batch))
        await b.engine.reached.wait()

        await b.service.delete(OWNER, batch.batch_id)
        b.engine.go.set()
        await working

        assert await outputs(b) == []
        assert await b.items(batch) == []
        assert await b.board.find(batch.job_id) is None
        with pytest.raises(BatchNotFound):
            await b.now(batch)


class Busy:
    """Says twice that it is busy."""

    def __init__(self, inner) -> None:
        self._inner, self._left = inner, 2

    def __getattr__(self, name):
        return getattr(self._inner, name)

    async def speak(self, *args, **kwargs):
        if self._left:
            self._left -= 1
            raise EngineBusy("There is no room.", retry_after_s=3)
        return await self._inner.speak(*args, **kwargs)


async def test_a_busy_engine_is_waited_for(settings):
    async with batching(settings, speaker=Busy) as b:
        batch = await b.begun(await b.voice(), 1)
        await b.work(batch)

        assert (await b.now(batch)).status is JobStatus.SUCCEEDED
        assert b.pauses == [3, 3]


async def test_a_batch_goes_when_its_time_has_come_also_by_a_clock_that_was_set_back(settings):
    moments = [NOW]
    async with batching(settings, clock=lambda: moments[-1]) as b:
        voice = await b.voice()
        short = await b.begun(voice, 2, ttl_hours=1.0)
        long = await b.begun(voice, 2, ttl_hours=3.0)
        for batch in (short, long):
            await b.work(batch)
        assert short.expires_at == NOW + timedelta(hours=1)

        moments.append(NOW - timedelta(days=400))
        assert await b.service.expire() == 0
        moments.append(NOW + timedelta(hours=2))
        assert await b.service.expire() == 1

        with pytest.raises(BatchNotFound):
            await b.now(short)
        assert (await b.now(long)).counts.succeeded == 2
        assert len(await outputs(b)) == 2


async def test_texts_that_shall_not_be_stored_go_when_they_are_spoken(settings):
    async with batching(settings) as b:
        batch = await b.begun(await b.voice(), 2, store=False)
        b.engine.fails_at = "Item 1"
        await b.work(batch)

        spoken, failed = await b.items(batch)
        assert "text" not in spoken.request
        assert failed.request["text"] == "Item 1."  # it may be tried again
        assert await b.heard(batch) == {0: "Item 0."}


async def test_progress_and_pace_are_told(settings):
    times = iter(range(10_000))  # each look at the clock is a second later
    async with batching(settings, at_once=1, monotonic=lambda: float(next(times))) as b:
        batch = await b.begun(await b.voice(), 8)
        b.engine.stops_at = "Item 6"
        working = asyncio.create_task(b.work(batch))
        await b.engine.reached.wait()

        running = await b.now(batch)
        assert running.status is JobStatus.RUNNING
        assert running.progress == 6 / 8
        assert running.eta_s is not None
        assert 0 < running.eta_s < 60

        b.engine.go.set()
        await working
        assert (await b.now(batch)).eta_s == 0.0
