"""Whatever fails or dies between two steps: no voice without its files, no files for ever."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.core.exceptions import AppError, DatabaseError, StorageError, VoiceNotFound
from app.db.sql import SqlCollection
from app.models.audit import Action
from app.models.voice import Erased, Voice
from app.services.voices import Upload
from app.storage.base import Removed
from app.storage.local import LocalBlobStore
from tests.conftest import recording
from tests.services.parts import OWNER, Interrupted, Paused, files, kill_at, parts
from tests.speaking import create_app, engine_settings

pytestmark = pytest.mark.services


def upload() -> Upload:
    return Upload(recording(), "a.wav")


class Refusing(LocalBlobStore):
    """Fails at one method."""

    def __init__(self, folder: Path, method: str) -> None:
        super().__init__(folder)
        self.method = method

    async def put(self, name: str, content: bytes) -> None:
        if self.method == "put":
            raise StorageError("It is full.")
        await super().put(name, content)

    async def delete_prefix(self, prefix: str) -> Removed:
        if self.method == "delete":
            raise StorageError("It is not there.")
        return await super().delete_prefix(prefix)


class FailingCollection(SqlCollection[Voice]):
    """Raises instead of adding."""

    def __init__(self, like: SqlCollection[Voice], error: BaseException) -> None:
        self.__dict__.update(like.__dict__)
        self._error = error

    async def add(self, record: Voice) -> Voice:
        raise self._error


@pytest.mark.anyio
@pytest.mark.parametrize("error", [DatabaseError("It is full."), asyncio.CancelledError()])
async def test_a_record_that_cannot_be_added_leaves_no_files(settings, error):
    async with parts(settings) as p:
        p.voices = FailingCollection(p.voices, error)
        with pytest.raises(type(error)):
            await p.service().register(OWNER, upload())

        assert files(settings) == []
        assert (await p.voices.list()).items == []


@pytest.mark.anyio
@pytest.mark.parametrize("which", ["recordings", "states"])
async def test_a_file_that_cannot_be_written_leaves_nothing(settings, which):
    async with parts(settings) as p:
        folder = settings.uploads if which == "recordings" else settings.embeddings
        setattr(p, which, Refusing(folder, "put"))
        with pytest.raises(StorageError):
            await p.service().register(OWNER, upload())

        assert files(settings) == []
        assert (await p.voices.list()).items == []


@pytest.mark.anyio
@pytest.mark.parametrize("which", ["recordings", "states"])
async def test_a_voice_is_deleted_even_if_a_file_cannot_be_and_the_file_is_swept(settings, which):
    async with parts(settings) as p:
        voice = await p.service().register(OWNER, upload())
        healthy = replace(p)
        folder = settings.uploads if which == "recordings" else settings.embeddings
        setattr(p, which, Refusing(folder, "delete"))

        erased = await p.service().delete(OWNER, voice.id)

        assert erased.left == [which]
        assert getattr(erased, which).files == 0
        with pytest.raises(VoiceNotFound):
            await healthy.service().get(OWNER, voice.id)
        assert len(files(settings)) == 1
        assert (await healthy.retention().sweep(0.0)).leftovers == 1
        assert files(settings) == []


@pytest.mark.anyio
@pytest.mark.parametrize("behind", [False, True], ids=["at its start", "at its end"])
@pytest.mark.parametrize("step", ["recordings.put", "states.put", "voices.add"])
async def test_a_cancelled_registration_leaves_no_voice_without_its_files(settings, step, behind):
    """A cancelled insert may take place all the same: the driver's thread is not stopped."""
    async with parts(settings) as p:
        healthy = replace(p)
        name, method = step.split(".")
        setattr(p, name, Interrupted(getattr(p, name), method, behind=behind))

        task = asyncio.create_task(p.service().register(OWNER, upload()))
        with pytest.raises(asyncio.CancelledError):
            await task

        for voice in (await healthy.voices.list()).items:
            assert await healthy.recordings.get(voice.recording_blob)
            assert await healthy.states.get(voice.state_blob)
        await healthy.retention().sweep(0.0)
        assert len(files(settings)) == 2 * len((await healthy.voices.list()).items)


@pytest.mark.anyio
@pytest.mark.parametrize("step", ["events.extend", "voices.delete", "states.delete_prefix"])
async def test_a_deletion_that_was_begun_is_finished_and_the_trail_says_so(settings, step):
    async with parts(settings) as p:
        voice = await p.service().register(OWNER, upload())
        healthy = replace(p)
        name, method = step.split(".")
        paused = Paused(getattr(p, name), method)
        setattr(p, name, paused)

        task = asyncio.create_task(p.service().delete(OWNER, voice.id))
        await paused.reached.wait()
        task.cancel()
        await asyncio.sleep(0)
        paused.let.set()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert (await healthy.voices.list()).items == []
        assert files(settings) == []
        told = (await healthy.events.list(where={"action": Action.VOICE_DELETED})).items
        assert [event.outcome for event in told] == ["ok"]


# Registers a voice and deletes it.
KILLED = """
async def main(step):
    async with parts(Settings(_env_file=None, data_dir=folder / step)) as p:
        for name in ("voices", "recordings", "states"):
            setattr(p, name, Dying(getattr(p, name), name, step))
        voice = await p.service().register(OWNER, Upload(content, "a.wav"))
        await p.service().delete(OWNER, voice.id)
"""

# Step -> files that are left, and whether the voice is there.
STEPS = {
    "before recordings.put": (0, False),
    "after recordings.put": (1, False),
    "before voices.add": (2, False),
    "after voices.add": (2, True),
    "after voices.delete": (2, False),
    "after recordings.delete_prefix": (1, False),
    "after states.delete_prefix": (0, False),
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
def test_the_next_start_cleans_up_after_a_killed_process(killed, step):
    left, there = STEPS[step]
    settings = Settings(_env_file=None, data_dir=killed / step, **engine_settings())
    assert len(files(settings)) == left

    with TestClient(create_app(settings)) as client:  # these files are young
        assert len(files(settings)) == left
        assert len(client.get("/voices").json()["items"]) == there

    careless = settings.model_copy(update={"sweep_grace_s": 0.0})
    with TestClient(create_app(careless)) as client:
        items = client.get("/voices").json()["items"]
        assert len(items) == there
        assert len(files(settings)) == 2 * there
        for voice in items:
            said = client.post(f"/voices/{voice['voice_id']}/synthesize", json={"text": "Yes."})
            assert said.status_code == 200
            assert client.delete(f"/voices/{voice['voice_id']}").status_code == 200


def test_half_a_file_of_a_killed_write_is_swept(settings):
    with TestClient(create_app(settings)) as client:
        file = ("a.wav", recording(), "audio/wav")
        voice = client.post("/voices", files={"file": file}).json()["voice_id"]
    # What a put leaves that was killed before it renamed its file.
    half = settings.uploads / "550e8400-e29b-41d4-a716-446655440000" / "original#1"
    half.parent.mkdir()
    half.write_bytes(recording()[:1000])
    os.utime(half, (1, 1))

    with TestClient(create_app(settings)) as client:
        assert files(settings) == ["original", "state"]
        assert not half.parent.exists()
        assert client.get(f"/voices/{voice}").status_code == 200


def test_what_is_not_ours_is_never_swept(settings):
    settings.uploads.mkdir(parents=True)
    note = settings.uploads / ".keep"
    note.write_text("mine")

    with TestClient(create_app(settings.model_copy(update={"sweep_grace_s": 0.0}))):
        pass

    assert note.read_text() == "mine"


@pytest.fixture
def small_disk(settings: Settings) -> Iterator[Path]:
    """The data folder on a file system of 4 MB."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(settings.data_dir)],
        capture_output=True,
    )
    if mount.returncode:
        pytest.skip("needs the right to mount a file system")
    yield settings.data_dir
    subprocess.run(["umount", "-l", str(settings.data_dir)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is of Linux")
@pytest.mark.parametrize("room", [0, 20_000, 200_000])
def test_on_a_full_disk_nothing_is_half_registered_and_later_all_works(settings, small_disk, room):
    with TestClient(create_app(settings)) as client:
        file = {"file": ("a.wav", recording(), "audio/wav")}  # 256 kB
        kept = client.post("/voices", files=file).json()["voice_id"]
        before = files(settings)
        fill(small_disk / "filler", leave=room)

        refused = client.post("/voices", files=file)

        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "storage-unavailable"
        assert "disk" in refused.json()["suggestion"]
        assert files(settings) == before
        assert [v["voice_id"] for v in client.get("/voices").json()["items"]] == [kept]
        said = client.post(f"/voices/{kept}/synthesize", json={"text": "Still here."})
        assert said.status_code == 200

        (small_disk / "filler").unlink()
        assert client.post("/voices", files=file).status_code == 201
        assert len(files(settings)) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is of Linux")
def test_on_a_full_disk_a_voice_can_be_deleted_to_make_room(settings, small_disk):
    with TestClient(create_app(settings)) as client:
        file = {"file": ("a.wav", recording(), "audio/wav")}
        voice = client.post("/voices", files=file).json()["voice_id"]
        # The write-ahead log needs some pages, for the audit trail too.
        fill(small_disk / "filler", leave=160_000)

        assert client.post("/voices", files=file).status_code == 503
        assert client.delete(f"/voices/{voice}").status_code == 200
        assert client.post("/voices", files=file).status_code == 201


def fill(file: Path, *, leave: int) -> None:
    """Write until the disk has only `leave` bytes left."""
    try:
        with file.open("wb", buffering=0) as filler:
            while filler.write(bytes(4096)) == 4096:
                pass
    except OSError:
        pass
    os.truncate(file, max(0, file.stat().st_size - leave))


# The limit on file sizes holds for a whole process. It leaves room for the database.
LIMITED = """
import json, os, resource, signal, sys
from pathlib import Path
from fastapi.testclient import TestClient
from app.core.config import Settings
from tests.speaking import create_app

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
content = Path(sys.argv[1]).read_bytes()
settings = Settings(_env_file=None)
with TestClient(create_app(settings)) as client:
    def post():
        response = client.post("/voices", files={"file": ("a.wav", content, "audio/wav")})
        return {"status": response.status_code, **response.json()}
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
    refused = post()
    left = [p.name for d in (settings.uploads, settings.embeddings)
            for p in d.rglob("*") if p.is_file()]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(json.dumps({"refused": refused, "left": left, "again": post()}))
"""


@pytest.mark.services
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on file sizes")
def test_a_file_that_exceeds_the_limit_of_the_process_leaves_nothing(settings, tmp_path):
    source = tmp_path / "a.wav"
    source.write_bytes(recording())
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(source)],
        env=os.environ | {"DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    outcome = json.loads(run.stdout.splitlines()[-1])

    assert outcome["refused"]["status"] == 503
    assert outcome["refused"]["code"] == "storage-unavailable"
    assert outcome["refused"]["suggestion"]
    assert outcome["left"] == []
    assert outcome["again"]["status"] == 201


def test_two_uploads_of_one_file_at_once_are_two_voices(client, settings):
    content = recording()

    def post(_: int) -> str:
        response = client.post("/voices", files={"file": ("a.wav", content, "audio/wav")})
        assert response.status_code == 201
        return str(response.json()["voice_id"])

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(post, range(4)))

    assert len(set(ids)) == 4
    assert files(settings) == ["original"] * 4 + ["state"] * 4
    client.delete(f"/voices/{ids[0]}")
    assert client.post(f"/voices/{ids[1]}/synthesize", json={"text": "Yes."}).status_code == 200


@pytest.mark.anyio
async def test_a_voice_that_is_deleted_twice_at_once_is_gone(settings):
    async with parts(settings) as p:
        service = p.service()
        voice = await service.register(OWNER, upload())

        results = await asyncio.gather(
            *(service.delete(OWNER, voice.id) for _ in range(4)), return_exceptions=True
        )

        assert any(isinstance(result, Erased) for result in results)
        assert all(isinstance(result, Erased | AppError) for result in results)
        assert files(settings) == []
