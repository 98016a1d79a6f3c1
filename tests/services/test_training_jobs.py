"""Training as a job: what becomes of the voice, of its versions, and of a training that was cut off
in the middle.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import pytest

from app.audio.types import Recording
from app.core.config import Settings
from app.core.exceptions import DatabaseError, EngineFailed
from app.db.sql import SqlCollection, SqlDatabase
from app.engines.base import TrainingEvent, TrainingOptions, VoiceState
from app.engines.fake import FakeEngine, read_back
from app.jobs.base import JobRun
from app.jobs.board import JobBoard
from app.jobs.runner import JobRunner
from app.jobs.webhooks import Webhooks
from app.models.job import Job, JobKind, JobStatus
from app.models.voice import Voice, VoiceMethod, VoiceSample, VoiceVersion
from app.services.training import TrainingService
from app.services.voices import Upload
from app.training.recordings import Heard, split
from tests.clock import StoppedClock
from tests.conftest import recording
from tests.services.parts import OWNER, Parts, files, parts
from tests.speaking import TRAINS

pytestmark = [pytest.mark.anyio, pytest.mark.services, TRAINS]

STEP_S = 30.0  # of a training of two minutes


class Untold:
    """A queue that nobody takes from: the tests do."""

    async def put(self, job: Job) -> None: ...

    async def put_webhook(self, job: Job) -> None: ...


class Timed(FakeEngine):
    """Its four steps take as long as it is told, by the clock of the test. Notes what each
    training was given; stops for ever after some steps.
    """

    def __init__(self, clock: StoppedClock, *, stops_after: int | None = None) -> None:
        self.clock, self.stops_after = clock, stops_after
        self.stopped = asyncio.Event()
        self.given: list[tuple[float, VoiceState | None, int]] = []
        self.states: list[VoiceState] = []
        self.error: Exception | None = None

    async def train(
        self, recordings: Sequence[Recording], start: VoiceState | None, *, options: TrainingOptions
    ) -> AsyncGenerator[TrainingEvent, None]:
        self.given.append((options.minutes * 60, start, len(recordings)))
        steps = 0
        async with aclosing(super().train(recordings, start, options=options)) as events:
            async for event in events:
                if event.state is not None:
                    self.clock.advance(options.minutes * 60 / 4)
                    self.states.append(event.state)
                    steps += 1
                yield event
                if steps == self.stops_after:
                    self.stopped.set()
                    if self.error:
                        raise self.error
                    await asyncio.Event().wait()


@dataclass
class Taste:
    """Judges voices by the fingerprint that is heard: the first one, and all others."""

    first: bytes
    before: float = 0.3
    after: float = 0.6
    misheard_before: float | None = 0.0
    misheard_after: float | None = 0.02
    heard: list[bytes] = field(default_factory=list)

    def likeness(self, said: Sequence[Recording], speaker: Sequence[Recording]) -> float:
        assert speaker
        self.heard.append(_fingerprint(said))
        return self.before if _fingerprint(said) == self.first else self.after

    def word_errors(
        self, said: Sequence[Recording], texts: Sequence[str], language: str
    ) -> float | None:
        assert [read_back(one.samples)[0][1] for one in said] == list(texts)
        return self.misheard_before if _fingerprint(said) == self.first else self.misheard_after


def _fingerprint(said: Sequence[Recording]) -> bytes:
    [(heard, _)] = read_back(said[0].samples)
    return heard


@dataclass
class Lab:
    """A voice, and all that its trainings need."""

    parts: Parts
    board: JobBoard
    voice: Voice
    clock: StoppedClock
    taste: Taste
    settings: Settings

    def service(self, engine: FakeEngine | None = None, **more: Any) -> TrainingService:
        engine = engine or Timed(self.clock)
        taste = more.get("judge", self.taste)
        service = self.parts.training(engine, judge=taste, clock=self.clock)
        self.board.register(JobKind.TRAINING, service)
        return service

    async def submit(self, minutes: float = 2.0) -> Job:
        options = {"minutes": minutes, "seed": 1}
        return await self.board.submit(
            Job(
                owner=OWNER, actor=OWNER, request_id="-", kind=JobKind.TRAINING,
                subject_id=self.voice.id, options=options,
            )
        )  # fmt: skip

    async def work(self, job: Job, runs: int = 1) -> Job:
        """As a worker does, to the end of the job."""
        await JobRunner(self.board, watch_s=0.01, pause_s=0.0).run(job.id, runs, 0)
        return await self.board.get(OWNER, job.id)

    async def cut_off(self, job: Job, engine: Timed) -> None:
        """Begin it, and be gone in the middle, like a process that is killed."""
        service = self.service(engine)
        begun = await self.board.begin(job.id, 1)
        task = asyncio.create_task(service.run(JobRun(begun, 0, self.board)))
        await engine.stopped.wait()
        task.cancel()
        await asyncio.wait([task])

    async def now(self) -> Voice:
        return await self.parts.service().get(OWNER, self.voice.id)

    async def versions(self) -> list[VoiceVersion]:
        return await self.parts.version_service().list(self.voice)

    async def spoken(self) -> bytes:
        return await self.parts.states.get((await self.now()).state_blob)

    async def add(self, content: bytes, **more: Any) -> VoiceSample:
        """Another recording. The first one is listed as well then."""
        where = {"voice_id": self.voice.id}
        if not (await self.parts.samples.list(where=where)).items:
            await self.parts.samples.add(_sample(self.voice, id=self.voice.id))
        sample = _sample(self.voice, **more)
        if sample.blob == self.voice.recording_blob:
            sample = sample.model_copy(update={"blob": f"{self.voice.id}/sample-{sample.id}"})
        await self.parts.recordings.put(sample.blob, content)
        await self.parts.samples.add(sample)
        return sample


def _sample(voice: Voice, **more: Any) -> VoiceSample:
    fields = {"id": str(uuid4()), "blob": voice.recording_blob} | more
    return VoiceSample(
        owner=voice.owner, voice_id=voice.id, filename="a.wav", duration_s=1.0, **fields
    )


@pytest.fixture
async def lab(settings: Settings) -> AsyncIterator[Lab]:
    database = SqlDatabase(settings.database)
    async with parts(settings) as p:
        await database.open(migrate=False)
        voice = await p.service().register(OWNER, Upload(recording(), "a.wav"))
        board = JobBoard(database.collection(Job), Untold(), webhooks=Webhooks.of(settings))
        taste = Taste(await p.states.get(voice.state_blob))
        yield Lab(p, board, voice, StoppedClock(), taste, settings)
        await database.close()


# What comes of it


async def test_a_better_voice_becomes_the_version_that_is_spoken(lab):
    engine = Timed(lab.clock)
    lab.service(engine)

    job = await lab.work(await lab.submit())

    first, second = await lab.versions()
    now = await lab.now()
    assert (job.status, job.progress, job.eta_s) == (JobStatus.SUCCEEDED, 1.0, 0.0)
    assert job.message == second.metrics.verdict
    assert (now.active_version, now.adapted_minutes) == (2, 2.0)
    assert await lab.spoken() == engine.states[-1].payload
    assert (first.number, first.method, first.state_name) == (1, VoiceMethod.INSTANT, "state")
    assert (second.method, second.job_id) == (VoiceMethod.GRADIENT, job.id)
    assert second.metrics.better
    assert (second.metrics.similarity_before, second.metrics.similarity_after) == (0.3, 0.6)
    assert (second.metrics.wer_before, second.metrics.wer_after) == (0.0, 0.02)
    assert second.metrics.seconds == pytest.approx(120.0)
    assert second.metrics.speech_s > 3.0
    assert not [name for name in files(lab.settings) if "checkpoint" in name]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ({"after": 0.3}, "Not more like the speaker: 0.300 before, 0.300 now"),
        ({"after": 0.304}, "Not more like"),
        ({"misheard_after": 0.2}, "words are misheard: 0.0% before, 20.0% now"),
        ({"misheard_before": 0.3, "misheard_after": 0.36}, "words are misheard"),
    ],
)
async def test_a_voice_that_is_not_better_is_kept_and_not_spoken(lab, verdict, said):
    lab.service(judge=replace(lab.taste, **verdict))

    job = await lab.work(await lab.submit())

    _, second = await lab.versions()
    assert job.status is JobStatus.SUCCEEDED
    assert said in job.message
    assert not second.metrics.better
    assert await lab.parts.states.get(second.state_blob)
    assert await lab.now() == lab.voice


@pytest.mark.parametrize("misheard", [0.05, None])
async def test_few_misheard_words_and_words_that_nobody_counted_do_not_matter(lab, misheard):
    lab.service(judge=replace(lab.taste, misheard_after=misheard))

    job = await lab.work(await lab.submit())

    assert (await lab.now()).active_version == 2
    assert ("was not measured" in job.message) == (misheard is None)


async def test_where_nothing_can_judge_the_voice_is_taken_and_that_is_said(lab):
    lab.service(judge=None)

    job = await lab.work(await lab.submit())

    assert (await lab.now()).active_version == 2
    assert "nothing here can judge" in job.message


async def test_how_far_it_is_and_how_long_it_takes_is_told(lab):
    engine = Timed(lab.clock, stops_after=2)
    job = await lab.submit()

    await lab.cut_off(job, engine)

    job = await lab.board.get(OWNER, job.id)
    assert (job.status, job.stage, job.message) == (JobStatus.RUNNING, "train", "step 2 of 4")
    assert job.progress == pytest.approx(0.5, abs=0.05)
    assert job.eta_s == pytest.approx(2 * STEP_S)


# Recordings


async def test_all_recordings_are_used_and_one_in_three_is_held_out(lab):
    engine = Timed(lab.clock)
    lab.service(engine)
    short = await lab.add(recording(seconds=5.0))
    long = await lab.add(recording(seconds=40.0))

    await lab.work(await lab.submit())

    metrics = (await lab.versions())[1].metrics
    assert metrics.held_out == [short.id]
    assert sorted(metrics.used) == sorted([lab.voice.id, long.id])
    assert [count for _, _, count in engine.given] == [2]
    assert "compared with 1 recording that it did not learn from" in metrics.verdict


async def test_of_two_recordings_none_is_held_out_and_that_is_said(lab):
    engine = Timed(lab.clock)
    lab.service(engine)
    await lab.add(recording())

    await lab.work(await lab.submit())

    metrics = (await lab.versions())[1].metrics
    assert (metrics.held_out, len(metrics.used)) == ([], 2)
    assert "too few to hold one out" in metrics.verdict


async def test_recordings_that_cannot_be_used_are_named_with_the_reason(lab):
    lab.service()
    silent = await lab.add(b"\0" * 100)
    marked = await lab.add(recording(), refused="Somebody else speaks.")
    lost = await lab.add(recording())
    short = await lab.add(recording(seconds=2.0))
    await lab.parts.recordings.delete(lost.blob)

    job = await lab.work(await lab.submit())

    metrics = (await lab.versions())[1].metrics
    assert job.status is JobStatus.SUCCEEDED
    assert metrics.used == [lab.voice.id, short.id]
    assert set(metrics.refused) == {silent.id, marked.id, lost.id}
    assert metrics.refused[marked.id] == "Somebody else speaks."
    assert metrics.refused[lost.id] == "Its file is missing."


async def test_without_a_recording_that_can_be_used_the_job_fails_and_says_why(lab):
    lab.service()
    await lab.parts.recordings.put(lab.voice.recording_blob, b"no audio")

    job = await lab.work(await lab.submit())

    assert (job.status, job.error.code) == (JobStatus.FAILED, "recording-unsuitable")
    assert job.error.suggestion
    assert await lab.now() == lab.voice


@pytest.mark.parametrize(
    ("seconds", "held"),
    [
        ([90.0], []),
        ([90.0, 30.0], []),
        ([25.0, 45.0, 35.0], [25.0]),
        ([40.0, 40.0, 40.0], [40.0]),
        ([3.0, 9.0, 4.0, 9.0, 9.0, 9.0, 9.0], [3.0]),
        ([float(n) for n in range(1, 11)], [3.0, 4.0]),
        ([40.7, 3.7, 1.8], [3.7]),  # the shortest says too little of who speaks
        ([2.0, 2.5, 2.9, 40.0], []),
        ([15.0, 10.0, 8.0], []),  # too little would be left to learn from
    ],
)
def test_the_shortest_in_five_are_held_out(seconds, held):
    heard = [Heard(str(at), None, length) for at, length in enumerate(seconds)]

    learnt, out = split(heard)

    assert [one.speech_s for one in out] == held
    assert len(learnt) + len(out) == len(heard)
    assert split(heard) == (learnt, out)


# Cut off


async def test_a_training_that_was_cut_off_goes_on_where_it_was_with_the_time_that_is_left(lab):
    first, second = Timed(lab.clock, stops_after=2), Timed(lab.clock)
    job = await lab.submit()
    await lab.cut_off(job, first)
    lab.service(second)

    job = await lab.work(job)

    (asked_s, start, _), (left_s, again, _) = first.given[0], second.given[0]
    assert start.payload == lab.taste.first
    assert again == first.states[1]
    assert asked_s == 120.0
    # Two steps were made, and the checkpoint was charged for the time up to the next one.
    assert left_s == pytest.approx(120.0 - 2 * STEP_S - 10.0)
    assert job.status is JobStatus.SUCCEEDED
    assert await lab.spoken() == second.states[-1].payload
    assert [version.number for version in await lab.versions()] == [1, 2]
    assert (await lab.versions())[1].metrics.seconds <= 120.0
    assert (await lab.now()).adapted_minutes == 2.0
    assert not [name for name in files(lab.settings) if "checkpoint" in name]


async def test_cut_off_again_and_again_it_never_takes_longer_than_was_asked_for(lab):
    job = await lab.submit()
    given = []
    for _ in range(6):
        engine = Timed(lab.clock, stops_after=1)
        await lab.cut_off(job, engine)
        given += engine.given

    assert sum(seconds / 4 for seconds, _, _ in given) <= 120.0
    assert given[-1][0] >= 6.0
    payloads = [start.payload for _, start, _ in given]
    assert len(set(payloads[:4])) == 4  # each begins where the one before was


async def test_the_voice_before_is_measured_once(lab):
    job = await lab.submit()
    await lab.cut_off(job, Timed(lab.clock, stops_after=2))
    lab.service()
    await lab.work(job)

    assert lab.taste.heard.count(lab.taste.first) == 1
    assert (await lab.versions())[1].metrics.similarity_before == 0.3


async def test_a_checkpoint_that_cannot_be_read_is_no_obstacle(lab):
    first, second = Timed(lab.clock, stops_after=2), Timed(lab.clock)
    job = await lab.submit()
    await lab.cut_off(job, first)
    await lab.parts.states.put(f"{lab.voice.id}/checkpoint-{job.id}", b"of another version")
    lab.service(second)

    job = await lab.work(job)

    assert job.status is JobStatus.SUCCEEDED
    assert second.given[0][:2] == first.given[0][:2]


class Breaking(SqlCollection[Voice]):
    """The connection breaks with an update, after it has taken place or instead."""

    def __init__(self, like: SqlCollection[Voice], *, behind: bool) -> None:
        self.__dict__.update(like.__dict__)
        self._behind = behind

    async def update(self, record: Voice) -> Voice:
        if self._behind:
            await super().update(record)
        raise DatabaseError("It is gone.")


@pytest.mark.parametrize("behind", [False, True], ids=["not activated", "activated"])
async def test_cut_off_after_the_version_was_kept_it_is_activated_once(lab, behind):
    job = await lab.submit()
    broken = replace(
        lab, parts=replace(lab.parts, voices=Breaking(lab.parts.voices, behind=behind))
    )
    begun = await lab.board.begin(job.id, 1)
    with pytest.raises(DatabaseError):
        await broken.service().run(JobRun(begun, 0, lab.board))
    engine = Timed(lab.clock)
    lab.service(engine)

    job = await lab.work(job)

    assert job.status is JobStatus.SUCCEEDED
    assert engine.given == []
    now = await lab.now()
    assert (now.active_version, now.adapted_minutes) == (2, 2.0)
    assert [version.number for version in await lab.versions()] == [1, 2]
    assert not [name for name in files(lab.settings) if "checkpoint" in name]


async def test_two_runs_of_one_job_make_one_version(lab):
    job = await lab.submit()
    begun = await lab.board.begin(job.id, 1)
    run = JobRun(begun, 0, lab.board)
    services = [lab.service() for _ in range(3)]

    statuses = await asyncio.gather(*(service.run(run) for service in services))
    again = await lab.service().run(run)

    assert {*statuses, again} == {JobStatus.SUCCEEDED}
    assert [version.number for version in await lab.versions()] == [1, 2]
    assert (await lab.now()).active_version == 2
    states = [name for name in files(lab.settings) if name.startswith("state")]
    assert len(states) == 2


# Stopped, failed, overtaken


async def test_a_cancelled_job_stops_soon_and_leaves_the_voice(lab):
    engine = Timed(lab.clock, stops_after=2)
    lab.service(engine)
    job = await lab.submit()
    working = asyncio.create_task(lab.work(job))
    await engine.stopped.wait()
    assert [name for name in files(lab.settings) if "checkpoint" in name]

    await lab.board.cancel(OWNER, job.id)
    job = await working

    assert job.status is JobStatus.CANCELLED
    assert await lab.now() == lab.voice
    assert [version.number for version in await lab.versions()] == [1]
    assert len(files(lab.settings)) == 2


async def test_a_job_that_fails_leaves_the_voice_and_another_try_begins_anew(lab):
    engine = Timed(lab.clock, stops_after=2)
    engine.error = EngineFailed("It broke.", "Mend it.")
    lab.service(engine)

    job = await lab.work(await lab.submit())

    assert (job.status, job.error.code) == (JobStatus.FAILED, "engine-failed")
    assert (job.error.detail, job.error.suggestion) == ("It broke.", "Mend it.")
    assert await lab.now() == lab.voice
    assert len(files(lab.settings)) == 2
    lab.service()
    await lab.board.retry(OWNER, job.id)
    assert (await lab.work(job, runs=2)).status is JobStatus.SUCCEEDED
    assert (await lab.now()).active_version == 2


@pytest.mark.parametrize("steps", [0, 2, 4])
async def test_a_voice_that_is_deleted_meanwhile_fails_its_job_and_leaves_nothing(lab, steps):
    class Deleting(Timed):
        async def train(self, *args: Any, **options: Any) -> AsyncGenerator[TrainingEvent, None]:
            async for event in super().train(*args, **options):
                if len(self.states) == steps and await lab.parts.voices.get(lab.voice.id):
                    await lab.parts.service().delete(OWNER, lab.voice.id)
                yield event

    lab.service(Deleting(lab.clock))

    job = await lab.work(await lab.submit())

    assert (job.status, job.error.code) == (JobStatus.FAILED, "voice-not-found")
    assert files(lab.settings) == []


async def test_a_voice_that_was_renamed_meanwhile_keeps_its_name(lab):
    class Renaming(Timed):
        async def train(self, *args: Any, **options: Any) -> AsyncGenerator[TrainingEvent, None]:
            now = await lab.now()
            await lab.parts.voices.update(now.model_copy(update={"name": "Ben"}))
            async for event in super().train(*args, **options):
                yield event

    lab.service(Renaming(lab.clock))

    await lab.work(await lab.submit())

    now = await lab.now()
    assert (now.name, now.active_version) == ("Ben", 2)


@pytest.mark.parametrize(("other", "active"), [(0.5, 3), (0.7, 2)], ids=["worse", "better"])
async def test_it_is_compared_with_what_was_activated_meanwhile(lab, other, active):
    rival = FakeEngine()
    state = replace(await rival.enroll([]), payload=b"\x11\x22")
    versions = lab.parts.workshop().versions

    class Overtaken(Timed):
        async def train(self, *args: Any, **options: Any) -> AsyncGenerator[TrainingEvent, None]:
            version = await versions.add(
                lab.voice, state, method=VoiceMethod.SEARCH, compared_with=1
            )
            await versions.activate(version)
            async for event in super().train(*args, **options):
                yield event

    class Fair(Taste):
        def likeness(self, said: Sequence[Recording], speaker: Sequence[Recording]) -> float:
            return other if _fingerprint(said) == state.payload else super().likeness(said, speaker)

    lab.service(Overtaken(lab.clock), judge=Fair(lab.taste.first))

    job = await lab.work(await lab.submit())

    assert job.status is JobStatus.SUCCEEDED
    assert (await lab.now()).active_version == active
    assert (await lab.versions())[2].metrics.similarity_before == other


async def test_the_voice_can_be_trained_again_and_goes_on_from_there(lab):
    engine = Timed(lab.clock)
    lab.service(engine, judge=None)

    for _ in range(2):
        await lab.work(await lab.submit())

    assert engine.given[1][1] == engine.states[3]
    assert [version.compared_with for version in await lab.versions()] == [None, 1, 2]
    assert (await lab.now()).active_version == 3
