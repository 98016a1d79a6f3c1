"""Adapting: the voice changes at the end, at once and wholly, or not at all."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.audio.types import AudioFormat, Recording
from app.context import AppContext, open_context
from app.core.config import Settings
from app.core.exceptions import (
    DatabaseError,
    EngineBusy,
    EngineFailed,
    InvalidRequest,
    StorageError,
    TrainingUnsupported,
    UnsuitableRecording,
    VoiceEngineMismatch,
    VoiceInTraining,
    VoiceNotFound,
)
from app.db.sql import SqlCollection
from app.engines.base import TrainingEvent, TrainingOptions, VoiceState
from app.engines.fake import FORMAT, TRAINED_FORMAT, FakeEngine, read_back
from app.models.speech import SpeechRequest
from app.models.voice import Voice
from app.services.voices import Upload
from app.storage.local import LocalBlobStore
from tests.audio.signals import read_pcm
from tests.conftest import recording
from tests.services.parts import OWNER, Interrupted, Parts, files, kill_at, parts
from tests.speaking import TRAINS, create_app

pytestmark = [pytest.mark.anyio, TRAINS]

OPTIONS = TrainingOptions(minutes=2.0, seed=1)


@pytest.fixture
async def context(settings: Settings) -> AsyncIterator[AppContext]:
    async with open_context(settings) as opened:
        yield opened


async def registered(context: AppContext, *, hz: float = 120.0) -> Voice:
    return await context.voices.register(OWNER, Upload(recording(hz=hz), "a.wav"))


async def adapted(
    context: AppContext, voice: Voice, options: TrainingOptions = OPTIONS
) -> list[TrainingEvent]:
    return [event async for event in context.training.adapt(OWNER, voice.id, options)]


async def fingerprint(context: AppContext, voice: Voice) -> bytes:
    """The voice as it is heard."""
    request = SpeechRequest(text="Yes.", voice=voice.id, format=AudioFormat.PCM)
    speech = await context.synthesis.speak(voice, request)
    [(heard, text)] = read_back(read_pcm(b"".join([piece async for piece in speech.encoded()])))
    assert text == "Yes."
    return heard


async def test_an_adapted_voice_sounds_otherwise_and_says_so(context, settings):
    voice = await registered(context)
    heard = await fingerprint(context, voice)

    events = await adapted(context, voice)

    now = await context.voices.get(OWNER, voice.id)
    assert events[-1].stage == "done"
    assert await fingerprint(context, now) == events[-1].state.payload != heard
    assert (voice.state_format, now.state_format) == (FORMAT, TRAINED_FORMAT)
    assert now.similarity == events[-1].state.similarity
    assert now.adapted_minutes == 2.0
    assert now.adapted_at > voice.created_at
    assert now.active_version == 2
    assert len(files(settings)) == 3  # the recording, and the states of two versions


async def test_events_come_in_order_and_checkpoints_can_be_spoken(context):
    voice = await registered(context)

    events = await adapted(context, voice)

    progress = [event.progress for event in events]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0.0, 1.0)
    assert [event.stage == "done" for event in events] == [False] * (len(events) - 1) + [True]
    assert len({event.state.payload for event in events if event.state}) == 4


async def test_the_seed_decides(context):
    voices = [await registered(context) for _ in range(3)]
    seeds = [1, 1, 2]

    ends = [
        (await adapted(context, voice, TrainingOptions(1.0, seed)))[-1].state
        for voice, seed in zip(voices, seeds, strict=True)
    ]

    assert ends[0] == ends[1]
    assert ends[0] != ends[2]


class Noting(FakeEngine):
    """Notes what each training was given."""

    def __init__(self) -> None:
        self.trained: list[tuple[Sequence[Recording], VoiceState | None]] = []
        self.enrolled: list[Recording] = []

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        self.enrolled += recordings
        return await super().enroll(recordings)

    def train(
        self, recordings: Sequence[Recording], start: VoiceState | None, *, options: TrainingOptions
    ) -> AsyncGenerator[TrainingEvent, None]:
        self.trained.append((recordings, start))
        return super().train(recordings, start, options=options)


async def test_a_second_adaptation_goes_on_from_the_first(settings):
    engine = Noting()
    async with open_context(settings, engine=engine) as context:
        voice = await registered(context)
        first = await adapted(context, voice)
        second = await adapted(context, voice)
        now = await context.voices.get(OWNER, voice.id)

        assert engine.trained[1][1] == first[-1].state
        assert await fingerprint(context, now) == second[-1].state.payload
        assert now.similarity > first[-1].state.similarity
        assert now.adapted_minutes == 4.0
        assert now.active_version == 3


async def test_it_is_trained_on_what_it_was_enrolled_with(settings):
    engine = Noting()
    async with open_context(settings, engine=engine) as context:
        voice = await registered(context)
        await adapted(context, voice)

        [([trained], start)] = engine.trained
        [enrolled] = engine.enrolled
        assert trained.sample_rate == enrolled.sample_rate
        assert trained.samples.tobytes() == enrolled.samples.tobytes()
        assert start == await FakeEngine().enroll([enrolled])


@pytest.mark.parametrize("taken", [0, 1, 3])
async def test_a_training_that_is_stopped_leaves_the_voice(context, settings, taken):
    voice = await registered(context)
    heard, before = await fingerprint(context, voice), files(settings)

    async with aclosing(context.training.adapt(OWNER, voice.id, OPTIONS)) as events:
        for _ in range(taken):
            await anext(events)

    assert await context.voices.get(OWNER, voice.id) == voice
    assert await fingerprint(context, voice) == heard
    assert files(settings) == before
    await adapted(context, voice)  # nothing is still held


class Steered(FakeEngine):
    """Trains to its last step but one, then waits for `go`."""

    def __init__(self) -> None:
        self.waiting, self.go, self.closed = asyncio.Event(), asyncio.Event(), False
        self.error: Exception | None = None

    async def train(
        self, recordings: Sequence[Recording], start: VoiceState | None, *, options: TrainingOptions
    ) -> AsyncGenerator[TrainingEvent, None]:
        try:
            async with aclosing(super().train(recordings, start, options=options)) as events:
                async for event in events:
                    if event.progress == 1.0:
                        self.waiting.set()
                        await self.go.wait()
                        if self.error:
                            raise self.error
                    yield event
        finally:
            self.closed = True


async def test_a_cancelled_training_leaves_the_voice_and_stops_the_engine(settings):
    engine = Steered()
    async with open_context(settings, engine=engine) as context:
        voice = await registered(context)
        training = asyncio.create_task(adapted(context, voice))
        await engine.waiting.wait()

        training.cancel()
        with pytest.raises(asyncio.CancelledError):
            await training

        assert engine.closed
        assert await context.voices.get(OWNER, voice.id) == voice
        engine.go.set()
        await adapted(context, voice)


async def test_a_voice_can_be_spoken_while_it_is_adapted(settings):
    engine = Steered()
    async with open_context(settings, engine=engine) as context:
        voice = await registered(context)
        heard = await fingerprint(context, voice)
        training = asyncio.create_task(adapted(context, voice))
        await engine.waiting.wait()

        meanwhile = await fingerprint(context, await context.voices.get(OWNER, voice.id))
        engine.go.set()
        await training

        assert meanwhile == heard
        assert await fingerprint(context, await context.voices.get(OWNER, voice.id)) != heard


async def test_a_second_training_at_once_is_refused(settings):
    engine = Steered()
    async with open_context(settings, engine=engine) as context:
        voice, other = await registered(context), await registered(context, hz=200.0)
        training = asyncio.create_task(adapted(context, voice))
        await engine.waiting.wait()

        with pytest.raises(VoiceInTraining) as same:
            await adapted(context, voice)
        with pytest.raises(EngineBusy):
            await adapted(context, other)

        assert same.value.status == 409
        assert same.value.suggestion
        engine.go.set()
        assert (await training)[-1].stage == "done"
        assert (await adapted(context, other))[-1].stage == "done"


async def test_of_two_processes_that_adapt_a_voice_the_second_gives_way(settings):
    engine = Steered()
    async with (
        open_context(settings, engine=engine) as late,
        open_context(settings) as early,
    ):
        voice = await registered(early)
        training = asyncio.create_task(adapted(late, voice))
        await engine.waiting.wait()
        events = await adapted(early, voice, TrainingOptions(1.0, seed=2))
        engine.go.set()

        late_events = await training

        assert "Another version was activated meanwhile" in late_events[-1].message
        now = await early.voices.get(OWNER, voice.id)
        versions = await early.versions.list(now)
        assert await fingerprint(early, now) == events[-1].state.payload
        assert now.adapted_minutes == 1.0
        assert [version.number for version in versions] == [1, 2, 3]
        assert (now.active_version, versions[2].metrics.better) == (2, False)


async def test_a_voice_that_is_deleted_meanwhile_stays_deleted(settings):
    engine = Steered()
    async with open_context(settings, engine=engine) as context:
        voice = await registered(context)
        training = asyncio.create_task(adapted(context, voice))
        await engine.waiting.wait()
        await context.voices.delete(OWNER, voice.id)
        engine.go.set()

        with pytest.raises(VoiceNotFound):
            await training

        assert files(settings) == []


@pytest.mark.parametrize("error", [EngineFailed("It broke."), UnsuitableRecording("It is bad.")])
async def test_a_training_that_fails_leaves_the_voice(settings, error):
    engine = Steered()
    engine.error = error
    engine.go.set()
    async with open_context(settings, engine=engine) as context:
        voice = await registered(context)

        with pytest.raises(type(error)):
            await adapted(context, voice)

        assert await context.voices.get(OWNER, voice.id) == voice
        assert len(files(settings)) == 2


class Fruitless(FakeEngine):
    """Its trainings end without a voice."""

    def __init__(self, end: TrainingEvent | None) -> None:
        self.end = end

    async def train(
        self, recordings: Sequence[Recording], start: VoiceState | None, *, options: TrainingOptions
    ) -> AsyncGenerator[TrainingEvent, None]:
        yield TrainingEvent("train", 0.5, "half", 1.0, None, start)
        if self.end:
            yield self.end


@pytest.mark.parametrize("end", [None, TrainingEvent("done", 1.0, "no voice", 2.0)])
async def test_a_training_without_a_voice_is_an_error(settings, end):
    async with open_context(settings, engine=Fruitless(end)) as context:
        voice = await registered(context)

        with pytest.raises(EngineFailed):
            await adapted(context, voice)

        assert await context.voices.get(OWNER, voice.id) == voice


@pytest.mark.parametrize("minutes", [0.0, 0.09, 60.1, -1.0, float("inf"), float("nan")])
async def test_minutes_out_of_range_are_refused(context, minutes):
    voice = await registered(context)

    with pytest.raises(InvalidRequest, match=r"0\.1 to 60 minutes"):
        await adapted(context, voice, TrainingOptions(minutes))


@pytest.mark.parametrize("seed", [-1, 2**32])
async def test_a_seed_out_of_range_is_refused(context, seed):
    voice = await registered(context)

    with pytest.raises(InvalidRequest):
        await adapted(context, voice, TrainingOptions(1.0, seed))


@pytest.mark.parametrize("voice_id", ["550e8400-e29b-41d4-a716-446655440000", "nonsense", "../x"])
async def test_an_unknown_voice_is_not_found(context, voice_id):
    with pytest.raises(VoiceNotFound):
        await anext(context.training.adapt(OWNER, voice_id, OPTIONS))


async def test_somebody_elses_voice_is_not_found(context):
    voice = await registered(context)

    with pytest.raises(VoiceNotFound):
        await anext(context.training.adapt("somebody else", voice.id, OPTIONS))

    assert await context.voices.get(OWNER, voice.id) == voice


class Untrainable(FakeEngine):
    info = replace(FakeEngine.info, trainable=False)


class Other(FakeEngine):
    info = replace(FakeEngine.info, name="other")


@pytest.mark.parametrize(
    ("engine", "error", "status"),
    [(Untrainable(), TrainingUnsupported, 400), (Other(), VoiceEngineMismatch, 409)],
    ids=["not trainable", "of another name"],
)
async def test_an_engine_that_cannot_do_it_says_so(settings, context, engine, error, status):
    voice = await registered(context)

    async with open_context(settings, engine=engine) as unable:
        with pytest.raises(error) as refused:
            await adapted(unable, voice)

    assert refused.value.status == status
    assert refused.value.suggestion


async def test_a_voice_read_before_its_version_was_deleted_is_spoken_as_it_is_now(context):
    voice = await registered(context)

    events = await adapted(context, voice)
    await context.versions.delete(await context.voices.get(OWNER, voice.id), 1)

    assert await fingerprint(context, voice) == events[-1].state.payload


async def adapt_beside(settings: Settings, voice_id: str) -> VoiceState:
    """As another process would."""
    async with open_context(settings) as context:
        *_, last = [event async for event in context.training.adapt(OWNER, voice_id, OPTIONS)]
    return last.state


def test_a_running_server_speaks_the_adapted_voice_at_once(settings, client, register):
    voice_id = register()
    say = {"text": "Yes.", "format": "pcm"}
    client.post(f"/voices/{voice_id}/synthesize", json=say)
    assert client.get(f"/voices/{voice_id}").json()["adapted_at"] is None

    state = asyncio.run(adapt_beside(settings, voice_id))

    said = client.post(f"/voices/{voice_id}/synthesize", json=say)
    assert read_back(read_pcm(said.content)) == [(state.payload, "Yes.")]
    shown = client.get(f"/voices/{voice_id}").json()
    assert (shown["similarity"], shown["adapted_minutes"]) == (state.similarity, 2.0)
    assert shown["adapted_at"].endswith("Z")
    assert client.get("/voices").json()["items"] == [shown]


# What breaks while the adapted voice is stored.


class Breaking(SqlCollection[Voice]):
    """The connection breaks with an update, before or after it takes place."""

    def __init__(self, like: SqlCollection[Voice], *, behind: bool) -> None:
        self.__dict__.update(like.__dict__)
        self._behind = behind

    async def update(self, record: Voice) -> Voice:
        if self._behind:
            await super().update(record)
        raise DatabaseError("It is gone.")


class Full(LocalBlobStore):
    async def put(self, name: str, content: bytes) -> None:
        raise StorageError("It is full.")


async def train(p: Parts, voice: Voice) -> None:
    async for _ in p.training().adapt(OWNER, voice.id, OPTIONS):
        pass


async def whole(p: Parts, voice: Voice, settings: Settings) -> Voice:
    """The voice, after the check that record and files agree, also after a sweep."""
    await p.retention().sweep(0.0)
    now = await p.service().get(OWNER, voice.id)
    assert await p.recordings.get(now.recording_blob)
    assert await p.states.get(now.state_blob)
    return now


@pytest.mark.parametrize("behind", [False, True], ids=["before", "after"])
async def test_a_database_that_breaks_leaves_the_voice_old_or_new(settings, behind):
    async with parts(settings) as p:
        voice = await p.service().register(OWNER, Upload(recording(), "a.wav"))
        healthy = replace(p)
        p.voices = Breaking(p.voices, behind=behind)

        with pytest.raises(DatabaseError):
            await train(p, voice)

        now = await whole(healthy, voice, settings)
        assert (now.adapted_at is not None) == behind


async def test_a_full_disk_leaves_the_voice(settings):
    async with parts(settings) as p:
        voice = await p.service().register(OWNER, Upload(recording(), "a.wav"))
        healthy = replace(p)
        p.states = Full(settings.embeddings)

        with pytest.raises(StorageError):
            await train(p, voice)

        assert len(files(settings)) == 2
        assert await whole(healthy, voice, settings) == voice


@pytest.mark.parametrize("behind", [False, True], ids=["at its start", "at its end"])
@pytest.mark.parametrize("step", ["states.put", "versions.add", "voices.update"])
async def test_cancelled_while_it_is_stored_it_is_stored(settings, step, behind):
    async with parts(settings) as p:
        voice = await p.service().register(OWNER, Upload(recording(), "a.wav"))
        healthy = replace(p)
        name, method = step.split(".")
        setattr(p, name, Interrupted(getattr(p, name), method, behind=behind))

        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(train(p, voice))

        await whole(healthy, voice, settings)


# Registers a voice, then adapts it.
KILLED = """
async def main(step):
    async with parts(Settings(_env_file=None, data_dir=folder / step)) as p:
        voice = await p.service().register(OWNER, Upload(content, "a.wav"))
        for name in ("voices", "recordings", "states", "versions"):
            setattr(p, name, Dying(getattr(p, name), name, step))
        async for _ in p.training().adapt(OWNER, voice.id, TrainingOptions(1.0)):
            pass
"""

# Step -> files that are left, and whether the voice is adapted.
STEPS = {
    "after recordings.get": (2, False),
    "before states.put": (2, False),
    "after states.put": (3, False),
    "after versions.add": (3, False),
    "before voices.update": (3, False),
    "after voices.update": (3, True),
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data folder for each step."""
    folder = tmp_path_factory.mktemp("killed")
    kill_at(STEPS, KILLED, folder=folder)
    return folder


@pytest.mark.services
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize("step", STEPS)
def test_a_voice_whose_training_was_killed_speaks_old_or_new(killed, step):
    left, changed = STEPS[step]
    settings = Settings(
        _env_file=None, data_dir=killed / step, voice_engine="fake", sweep_grace_s=0.0
    )
    assert len(files(settings)) == left

    with TestClient(create_app(settings)) as client:
        [voice] = client.get("/voices").json()["items"]
        assert (voice["adapted_at"] is not None) == changed
        say = {"text": "Yes.", "format": "pcm"}
        said = client.post(f"/voices/{voice['voice_id']}/synthesize", json=say)
        assert read_back(read_pcm(said.content))[0][1] == "Yes."
        assert client.delete(f"/voices/{voice['voice_id']}").status_code == 200
        assert files(settings) == []
