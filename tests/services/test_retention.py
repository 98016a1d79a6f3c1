"""What is swept, and what is not."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.core.clock import utc_now
from app.core.config import Settings
from app.db.base import Page
from app.db.sql import SqlCollection
from app.db.usage import UsageCounters
from app.models.batch import Batch
from app.models.history import HistoryEntry, UsageDay
from app.models.job import Job, JobKind, JobStatus
from app.models.voice import Voice, VoiceMethod, VoiceSample, VoiceVersion
from app.services.retention import SweptFiles
from app.services.speech_log import HistoryLog, HistoryRules
from app.services.voices import Upload
from app.storage.local import LocalBlobStore, MemoryBlobStore
from app.storage.stores import Stores
from tests.conftest import recording
from tests.services.parts import OWNER, Parts, parts
from tests.services.told import told

pytestmark = [pytest.mark.anyio, pytest.mark.services]

HOUR_S = 3600.0


class CountingCollection(SqlCollection[Voice]):
    """Counts the queries."""

    def __init__(self, like: SqlCollection[Voice]) -> None:
        self.__dict__.update(like.__dict__)
        self.queries = 0

    async def get(self, record_id: str) -> Voice | None:
        self.queries += 1
        return await super().get(record_id)

    async def list(
        self,
        *,
        where: Mapping[str, Any] | None = None,
        order: str = "-created_at",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Voice]:
        self.queries += 1
        return await super().list(where=where, order=order, limit=limit, cursor=cursor)


async def registered(p: Parts) -> Voice:
    return await p.service().register(OWNER, Upload(recording(), "a.wav"))


def age(file: Path, hours: float) -> None:
    then = time.time() - hours * HOUR_S
    os.utime(file, (then, then))


async def names(stores: Stores) -> set[str]:
    return {f"{kind}/{blob.name}" for kind, store in stores.each() async for blob in store.list()}


async def test_files_of_no_voice_and_files_that_a_voice_no_longer_uses_are_swept(settings):
    async with parts(settings) as p:
        voice = await registered(p)
        kept = await names(p.stores)
        stranger = str(uuid4())
        await p.recordings.put(f"{stranger}/original", b"123")
        await p.states.put(f"{voice.id}/state-of-a-training-that-was-killed", b"1234")
        await p.outputs.put(f"{stranger}/hello.wav", b"12345")
        await p.outputs.put(f"{voice.id}/hello.wav", b"123456")
        await p.outputs.put("notes/of-somebody-else", b"1")

        swept = await p.retention().sweep(-1.0)

        assert swept == SweptFiles(unfinished=0, leftovers=3, expired=0, bytes=12)
        assert await names(p.stores) == kept | {
            f"outputs/{voice.id}/hello.wav",
            "outputs/notes/of-somebody-else",
        }


async def test_a_file_is_kept_as_long_as_a_record_that_it_belongs_to(settings):
    async with parts(settings) as p:
        voice = await registered(p)
        database = p.database
        assert database is not None
        sample = VoiceSample(
            owner=OWNER,
            voice_id=voice.id,
            blob=f"{voice.id}/sample-{uuid4()}",
            filename="b.wav",
            duration_s=1.0,
        )
        version = VoiceVersion(
            owner=OWNER,
            voice_id=voice.id,
            number=2,
            method=VoiceMethod.SEARCH,
            engine="fake",
            state_name="state-0a1b",
            state_format="fake/trained.v1",
        )
        jobs = [
            Job(
                owner=OWNER,
                kind=JobKind.TRAINING,
                subject_id=voice.id,
                status=status,
                actor="local",
                request_id="-",
            )
            for status in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.FAILED)
        ]
        batch = Batch(
            owner=OWNER, job_id=jobs[0].id, options={}, total=1, characters=1, expires_at=utc_now()
        )
        log = HistoryLog(
            entries=database.collection(HistoryEntry),
            voices=p.voices,
            outputs=p.outputs,
            usage=UsageCounters(database.collection(UsageDay)),
            rules=HistoryRules(),
        )
        spoken = told(voice)
        await log.spoken(spoken)
        await log.close()
        await p.recordings.put(sample.blob, b"x")
        await p.states.put(f"{voice.id}/{version.state_name}", b"x")
        for job in jobs:
            await p.states.put(f"{voice.id}/checkpoint-{job.id}", b"x")
        await p.outputs.put(f"{voice.id}/batch-{batch.id}-17", b"x")
        everything = await names(p.stores)
        unused = {
            f"recordings/{voice.id}/sample-{uuid4()}",
            f"states/{voice.id}/state-ffff",
            f"states/{voice.id}/checkpoint-{uuid4()}",
            f"outputs/{voice.id}/history-{uuid4()}",
            f"outputs/{voice.id}/batch-{uuid4()}-0",
        }
        for name in unused:
            kind, _, blob = name.partition("/")
            await getattr(p, kind).put(blob, b"x")
        await database.collection(VoiceSample).add(sample)
        await database.collection(VoiceVersion).add(version)
        await database.collection(Job).add_all(jobs)
        await database.collection(Batch).add(batch)

        swept = await p.retention().sweep(-1.0)

        ended = f"states/{voice.id}/checkpoint-{jobs[2].id}"
        assert await names(p.stores) == everything - {ended}
        assert swept == SweptFiles(leftovers=6, bytes=6)
        assert (await p.retention().sweep(-1.0)) == SweptFiles()

        await database.collection(HistoryEntry).delete(spoken.id)
        await database.collection(Batch).delete(batch.id)
        assert (await p.retention().sweep(-1.0)).leftovers == 2
        await p.voices.delete(voice.id)  # killed before it deleted what belongs to the voice
        await p.retention().sweep(-1.0)
        assert await names(p.stores) == set()


async def test_audio_of_a_long_history_is_looked_up_many_at_once(settings):
    async with parts(settings) as p:
        voice = await registered(p)
        for _ in range(1200):
            await p.outputs.put(f"{voice.id}/history-{uuid4()}", b"x")

        assert (await p.retention().sweep(-1.0)).leftovers == 1200


async def test_what_is_young_is_not_swept_for_it_may_be_in_the_making(settings):
    async with parts(settings) as p:
        await p.recordings.put(f"{uuid4()}/original", b"x")

        assert await p.retention().sweep(60.0) == SweptFiles()
        assert (await p.retention().sweep(-1.0)).leftovers == 1


async def test_outputs_are_kept_as_long_as_the_setting_says(settings, tmp_path):
    async with parts(settings) as p:
        voice = await registered(p)
        p.outputs = LocalBlobStore(tmp_path / "outputs")
        for name, hours in (("new", 0.0), ("today", 20.0), ("yesterday", 30.0)):
            await p.outputs.put(f"{voice.id}/{name}.mp3", b"speech")
            age(tmp_path / "outputs" / voice.id / f"{name}.mp3", hours)

        assert await p.retention().sweep(HOUR_S) == SweptFiles()

        p.keep_outputs_hours = 24.0
        assert await p.retention().sweep(HOUR_S) == SweptFiles(expired=1, bytes=6)
        p.keep_outputs_hours = 0.5
        assert await p.retention().sweep(HOUR_S) == SweptFiles(expired=1, bytes=6)
        assert [blob.name async for blob in p.outputs.list()] == [f"{voice.id}/new.mp3"]
        assert len([blob async for blob in p.recordings.list()]) == 1


async def test_a_sweep_of_many_voices_needs_few_queries(settings):
    async with parts(settings) as p:
        model = await registered(p)
        p.recordings, p.states = MemoryBlobStore(), MemoryBlobStore()
        for _ in range(600):
            voice = model.model_copy(update={"id": str(uuid4())})
            await p.voices.add(voice)
            await p.recordings.put(voice.recording_blob, b"x")
        counting = CountingCollection(p.voices)
        await p.recordings.put(f"{uuid4()}/original", b"x")

        p.voices = counting
        swept = await p.retention().sweep(-1.0)

        assert swept.leftovers == 1
        assert counting.queries < 10


async def test_several_may_sweep_at_once(settings):
    async with parts(settings) as p:
        for _ in range(20):
            await p.recordings.put(f"{uuid4()}/original", b"x")

        results = await asyncio.gather(
            *(p.retention().sweep(-1.0) for _ in range(4)), return_exceptions=True
        )

        assert all(isinstance(result, SweptFiles) for result in results), results
        assert await names(p.stores) == set()


async def test_a_voice_adapted_during_a_sweep_keeps_its_new_state(settings: Settings) -> None:
    async with parts(settings) as p:
        voice = await registered(p)
        new = voice.model_copy(update={"state_name": "state-new"})
        await p.states.put(new.state_blob, b"new")

        class Adapting(SqlCollection[Voice]):
            """The voice gets its new state right after the sweep has read all records."""

            async def list(self, **query: Any) -> Page[Voice]:
                page = await super().list(**query)
                await super().update(new)
                return page

        adapting = Adapting.__new__(Adapting)
        adapting.__dict__.update(p.voices.__dict__)
        p.voices = adapting

        await p.retention().sweep(-1.0)

        assert await p.states.get(new.state_blob) == b"new"
