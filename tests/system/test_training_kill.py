"""A server that is killed in the middle of a training: the next one goes on with it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from app.context import AppContext, open_context
from app.core.config import Settings
from app.engines.fake import FakeEngine, read_back
from app.models.job import Job, JobKind, JobStatus
from app.models.voice import Voice, VoiceVersion
from tests.audio.signals import read_pcm
from tests.conftest import recording
from tests.engines.test_registry import install
from tests.servers import free_port, running
from tests.servers.postgres import BOTH

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
MINUTES = 0.4
CHECKPOINT_S = 10.0
WAIT_S = 60.0

# Trains for as long as it is told, a step every half second, and writes down what it does: `begin`
# with the seconds and the voice that it is given, then the voice after each step.
SLOW = """
import asyncio, os, time
from dataclasses import replace
from app.engines.base import TRAINED, TrainingEvent
from app.engines.fake import FakeEngine, _trained

def note(*words):
    with open(os.environ["TRAINING_NOTES"], "a") as notes:
        print(*words, file=notes, flush=True)

class Slow(FakeEngine):
    async def train(self, recordings, start, *, options):
        note("begin", 60 * options.minutes, start.payload.hex())
        began, state = time.monotonic(), start
        while (spent := (time.monotonic() - began) / 60 / options.minutes) < 1:
            await asyncio.sleep(0.5)
            state = _trained(state, options.seed)
            note("step", state.payload.hex())
            yield TrainingEvent("train", min(spent, 1.0), "a step", 0.0, state=state)
        yield TrainingEvent(TRAINED, 1.0, "trained", 0.0, state=state)

class Named(Slow):
    info = replace(FakeEngine.info, name="slow")

def create(options):
    return Named()
"""


@dataclass(frozen=True)
class Site:
    """What the server and its successor share."""

    folder: Path
    settings: Settings
    environment: dict[str, str]

    @contextlib.contextmanager
    def server(self) -> Iterator[tuple[httpx2.Client, int]]:
        """A client, and the server's process id."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with (
            running(
                [sys.executable, "-m", "app.main"],
                answers=lambda: _is_ready(url),
                log=self.folder / f"server-{port}.log",
                cwd=self.folder,
                env=self.environment | {"PORT": str(port)},
            ) as process,
            httpx2.Client(base_url=url, timeout=60) as client,
        ):
            yield client, process.pid

    def notes(self) -> list[list[str]]:
        file = self.folder / "notes"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    @contextlib.asynccontextmanager
    async def opened(self) -> AppContext:
        async with open_context(self.settings, engine=FakeEngine()) as context:
            yield context


@pytest.fixture(params=BOTH)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    install(tmp_path, "slow_engine", SLOW, engine="slow")
    shared = {"DATA_DIR": str(tmp_path / "data"), "JOBS_DEAD_AFTER_S": "2", "JOBS_POLL_S": "0.1"}
    if request.param == "postgresql":
        shared["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    settings = Settings(
        _env_file=None,
        voice_engine="fake",
        jobs_worker=False,
        **{name.lower(): value for name, value in shared.items()},
    )
    environment = (
        os.environ
        | shared
        | {
            "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
            "VOICE_ENGINE": "slow",
            "JOBS_WORKER": "true",
            "TRAINING_NOTES": str(tmp_path / "notes"),
        }
    )
    return Site(tmp_path, settings, environment)


def _is_ready(url: str) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"{url}/health/ready", timeout=5).status_code == 200
    return False


async def until(answer, *, seconds: float = WAIT_S) -> None:
    async with asyncio.timeout(seconds):
        while not await answer():
            await asyncio.sleep(0.05)


async def submitted(site: Site, voice_id: str) -> str:
    async with site.opened() as context:
        job = Job(
            owner="local", actor="local", request_id="-", kind=JobKind.TRAINING,
            subject_id=voice_id, options={"minutes": MINUTES, "seed": 1},
        )  # fmt: skip
        return (await context.jobs.submit(job)).id


async def ended(site: Site, job_id: str) -> tuple[Job, Voice, list[VoiceVersion]]:
    async with site.opened() as context:

        async def over() -> bool:
            return (await context.jobs.get("local", job_id)).ended

        await until(over)
        job = await context.jobs.get("local", job_id)
        voice = await context.voices.get("local", job.subject_id)
        return job, voice, await context.versions.list(voice)


def test_a_training_whose_server_is_killed_goes_on_in_the_next_one(site: Site) -> None:
    file = {"file": ("a.wav", recording(), "audio/wav")}
    with site.server() as (client, pid):
        voice_id = client.post("/voices", files=file).json()["voice_id"]
        job_id = asyncio.run(submitted(site, voice_id))

        async def late_enough() -> bool:
            return len(site.notes()) > 2 * CHECKPOINT_S + 4  # a checkpoint has a state

        asyncio.run(until(late_enough))
        os.kill(pid, 9)
    killed_at = len(site.notes())

    with site.server() as (client, _):
        job, voice, versions = asyncio.run(ended(site, job_id))
        said = client.post(f"/voices/{voice_id}/synthesize", json={"text": "Yes.", "format": "pcm"})

    begins = [note for note in site.notes() if note[0] == "begin"]
    steps = [note[1] for note in site.notes()[:killed_at] if note[0] == "step"]
    (_, asked_s, start), (_, left_s, again) = begins
    assert job.status is JobStatus.SUCCEEDED, job
    assert job.attempts == 2
    assert again in steps
    assert again != start
    assert float(left_s) <= float(asked_s) - CHECKPOINT_S
    assert [version.number for version in versions] == [1, 2]
    assert (voice.active_version, versions[1].job_id) == (2, job_id)
    assert read_back(read_pcm(said.content))[0][0].hex() == site.notes()[-1][1]
    left = [path.name for path in (site.folder / "data" / "embeddings").rglob("*")]
    assert not [name for name in left if "checkpoint" in name]
