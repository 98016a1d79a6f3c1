"""`voice-cloning worker`: works on jobs, beside a server that only takes requests."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from app.context import open_context
from app.core.config import Settings
from app.core.exceptions import ConfigurationError
from app.models.base import LOCAL_OWNER
from app.models.job import Job, JobKind
from app.upkeep import working
from tests.jobs.parts import job_of
from tests.servers import running
from tests.servers.api import SERVE, api_server


@contextmanager
def worker(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """One that works, with the state of the server under the folder; and its log."""
    log = folder / "worker.log"
    values = {"DATA_DIR": str(folder / "data"), "VOICE_ENGINE": "fake", "LOG_FORMAT": "json"}
    with running(
        [sys.executable, "-m", "app.cli", "worker"],
        answers=lambda: "working on jobs" in log.read_text(),
        log=log,
        env=os.environ | values,
    ) as process:
        yield process, log


async def submitted(folder: Path) -> Job:
    """A job that fails at once: its voice is not there."""
    settings = Settings(_env_file=None, data_dir=folder / "data", voice_engine="fake")
    job = job_of(owner=LOCAL_OWNER, kind=JobKind.TRAINING, options={"minutes": 0.1, "seed": 1})
    async with open_context(settings) as context:
        return await context.jobs.submit(job)


@pytest.mark.anyio
@pytest.mark.services
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_does_the_jobs_of_a_server_that_does_none(
    tmp_path: Path, number: signal.Signals
) -> None:
    with api_server(tmp_path, SERVE, JOBS_WORKER="false") as server:
        job = await submitted(tmp_path)
        with httpx2.Client(base_url=server.url, timeout=30) as client:
            path = f"/api/v1/jobs/{job.id}"
            waits = client.get(path).json()
            with worker(tmp_path) as (process, log):
                told = client.get(f"{path}/events").text
                process.send_signal(number)
                status = process.wait(15)
            ended = client.get(path).json()

    assert waits["status"] == "queued"
    assert (ended["status"], ended["error"]["code"]) == ("failed", "voice-not-found")
    assert "event: end\n" in told
    assert status == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in lines][-1] == "stopping"


@pytest.mark.services
def test_a_server_that_is_stopped_does_not_wait_for_those_who_follow_a_job(tmp_path: Path) -> None:
    with api_server(tmp_path, SERVE, JOBS_WORKER="false", SHUTDOWN_GRACE_S=60) as server:
        job = asyncio.run(submitted(tmp_path))
        with (
            httpx2.Client(base_url=server.url, timeout=30) as client,
            client.stream("GET", f"/api/v1/jobs/{job.id}/events") as response,
        ):
            pieces = response.iter_text()
            told = next(pieces)
            server.stop()
            told += "".join(pieces)
        status = server.process.wait(20)

    assert "event: progress" in told
    assert "event: end" not in told
    assert status == 0


@pytest.mark.anyio
async def test_a_process_has_one_worker(settings: Settings) -> None:
    async with open_context(settings) as context, working(context):
        with pytest.raises(ConfigurationError, match="already"):
            async with working(context):
                raise AssertionError("there are two")
