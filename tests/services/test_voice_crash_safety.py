"""Training, adding to and importing voices, cut off between any two steps: a voice that can be
seen is whole, and what is left besides is swept.
"""

import asyncio
import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.core.exceptions import DatabaseError, StorageError
from app.services.voices import Sent, TrainAgain, TrainOrder, Upload
from tests.api.voices import VOICES, fingerprint, get
from tests.conftest import recording
from tests.services.parts import OWNER, Interrupted, Parts, files, kill_at, parts
from tests.speaking import TRAINS, create_app

pytestmark = pytest.mark.services


def sent(name: str, content: bytes) -> Sent:
    return Sent(name, len(content), io.BytesIO(content))


def order() -> TrainOrder:
    return TrainOrder(files=[sent("a.wav", recording()), sent("b.wav", recording(hz=150.0))])


class Failing:
    """Passes everything on, but for one call."""

    def __init__(self, inner: Any, method: str, error: Exception) -> None:
        self._inner, self._method, self._error = inner, method, error

    def __getattr__(self, method: str) -> Any:
        if method != self._method:
            return getattr(self._inner, method)

        async def call(*_: Any, **__: Any) -> Any:
            raise self._error

        return call


async def nothing_is_left(p: Parts, settings: Settings) -> None:
    assert files(settings) == []
    for records in (p.voices, p.samples, p.versions, p.jobs):
        assert (await records.list()).items == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "method", "error"),
    [
        ("recordings", "put", StorageError("It is full.")),
        ("states", "put", StorageError("It is full.")),
        ("samples", "add_all", DatabaseError("It is full.")),
        ("versions", "add_all", DatabaseError("It is full.")),
        ("voices", "add", DatabaseError("It is full.")),
        ("jobs", "add", DatabaseError("It is full.")),
    ],
)
@TRAINS
async def test_a_step_that_fails_leaves_nothing_of_a_new_voice(settings, name, method, error):
    async with parts(settings) as p:
        healthy = replace(p)
        setattr(p, name, Failing(getattr(p, name), method, error))

        with pytest.raises(type(error)):
            await p.cloning().train(OWNER, order())

        await nothing_is_left(healthy, settings)


@pytest.mark.anyio
@pytest.mark.parametrize("step", ["recordings.put", "samples.add_all", "voices.add", "jobs.add"])
@TRAINS
async def test_a_cancelled_training_is_begun_whole_or_not_at_all(settings, step):
    async with parts(settings) as p:
        healthy = replace(p)
        name, method = step.split(".")
        setattr(p, name, Interrupted(getattr(p, name), method, behind=True))

        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(p.cloning().train(OWNER, order()))

        voices = (await healthy.voices.list()).items
        assert len((await healthy.jobs.list()).items) == len(voices)
        assert len((await healthy.samples.list()).items) == 2 * len(voices)
        assert len(files(settings)) == 3 * len(voices)


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["put", "add_all"])
async def test_recordings_that_cannot_be_added_leave_the_voice_as_it_was(settings, method):
    async with parts(settings) as p:
        voice = await p.service().register(OWNER, Upload(recording(), "a.wav"))
        name = "recordings" if method == "put" else "samples"
        error = StorageError("Full.") if method == "put" else DatabaseError("Full.")
        healthy, before = replace(p), files(settings)
        setattr(p, name, Failing(getattr(p, name), method, error))

        with pytest.raises(type(error)):
            await p.sample_service().add(voice, order().files)

        assert files(settings) == before
        assert len((await healthy.samples.list()).items) == 1


@pytest.mark.anyio
async def test_a_voice_that_is_deleted_while_recordings_come_stays_deleted(settings):
    async with parts(settings) as p:
        voice = await p.service().register(OWNER, Upload(recording(), "a.wav"))

        class Deleting:
            """Deletes the voice in the moment in which its new recordings are stored."""

            def __getattr__(self, method: str) -> Any:
                return getattr(samples, method)

            async def add_all(self, records: Any) -> None:
                await replace(p, samples=samples).service().delete(OWNER, voice.id)
                await samples.add_all(records)

        samples, p.samples = p.samples, Deleting()
        with pytest.raises(Exception, match="deleted meanwhile"):
            await p.sample_service().add(voice, order().files)

        p.samples = samples
        await nothing_is_left(p, settings)


@pytest.mark.anyio
@TRAINS
async def test_a_training_that_cannot_be_submitted_leaves_the_voice_as_it_was(settings):
    async with parts(settings) as p:
        voice = await p.service().register(OWNER, Upload(recording(), "a.wav"))
        healthy = replace(p)
        p.jobs = Failing(p.jobs, "add", DatabaseError("It is full."))

        with pytest.raises(DatabaseError):
            await p.cloning().again(OWNER, voice.id, TrainAgain())

        assert await healthy.voices.get(voice.id) == voice


# Trains a voice, exports it and imports it.
KILLED = """
async def main(step):
    import io
    from app.services.voices import Sent, TrainOrder
    async with parts(Settings(_env_file=None, data_dir=folder / step)) as p:
        if step.startswith("import "):
            begun = await p.cloning().train(
                OWNER, TrainOrder(files=[Sent("a.wav", len(content), io.BytesIO(content))])
            )
            bundle = await p.bundles().export(begun.voice)
        for name in ("voices", "samples", "versions", "recordings", "states", "jobs"):
            setattr(p, name, Dying(getattr(p, name), name, step.partition(" ")[2]))
        if step.startswith("import "):
            await p.bundles().take_in(OWNER, Sent("b.zip", 0, bundle))
        else:
            await p.cloning().train(
                OWNER, TrainOrder(files=[Sent("a.wav", len(content), io.BytesIO(content))])
            )
"""

# Step -> files that are left, and voices that are there.
STEPS = {
    "train after recordings.put": (1, 0),
    "train after states.put": (2, 0),
    "train after samples.add_all": (2, 0),
    "train before voices.add": (2, 0),
    "train after voices.add": (2, 1),
    "train after jobs.add": (2, 1),
    "import after states.put": (4, 1),
    "import before voices.add": (4, 1),
    "import after voices.add": (4, 2),
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    kill_at(STEPS, KILLED, folder=folder)
    return folder


@pytest.mark.services  # a process for each step
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize("step", STEPS)
@TRAINS
def test_after_a_kill_every_voice_is_whole_and_the_rest_is_swept(killed: Path, step: str) -> None:
    left, there = STEPS[step]
    settings = Settings(
        _env_file=None,
        data_dir=killed / step,
        voice_engine="fake",
        sweep_grace_s=0.0,
        jobs_worker=False,
    )
    assert len(files(settings)) == left

    with TestClient(create_app(settings)) as client:
        voices = [voice["voice_id"] for voice in client.get(VOICES).json()["items"]]
        assert len(voices) == there
        assert len(files(settings)) == 2 * there
        for voice in voices:
            assert get(client, voice)["samples"]["used"] == 1
            assert fingerprint(client, voice)
            waits = get(client, voice)["status"] == "training"
            begun = client.post(f"{VOICES}/{voice}/train")
            assert begun.status_code == (409 if waits else 202)
            assert client.delete(f"{VOICES}/{voice}").status_code == 200
        assert files(settings) == []
