"""Batches of the engine `azure` over HTTP, with batch synthesis."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.engines.azure.options import AzureBatch
from app.jobs.runner import JobRunner
from app.main import create_app
from app.watermark.marking import Watermark
from tests.api.test_azure_voices import registered
from tests.api.voices import settings_of
from tests.azure_fake.speech import SpeechFake, speech_service
from tests.consents.speakers import listener
from tests.engines.azure.patience import Patience, engine_over

pytestmark = pytest.mark.services

PATH = "/api/v1/synthesis/batch"
SPEECH = "POST /tts/cognitiveservices/v1"


@pytest.fixture(scope="module")
def running() -> Iterator[SpeechFake]:
    with speech_service() as fake:
        yield fake


@contextmanager
def server(folder: Path, service: SpeechFake, at_least: int) -> Iterator[TestClient]:
    settings = settings_of(
        folder,
        voice_engine="azure",
        azure_speech_key=service.account.key,
        azure_speech_endpoint=service.url,
        jobs_worker=False,
    )
    engine = engine_over(service, Patience(), batch=AzureBatch(at_least=at_least))
    app = create_app(settings, engine=engine, listener=listener, watermark=Watermark())
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module")
def site(
    running: SpeechFake, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TestClient, str]]:
    """A server that speaks ahead from four sentences on, and a voice at Azure."""
    running.reset()
    with server(tmp_path_factory.mktemp("data"), running, 4) as client:
        yield client, registered(client)


@pytest.fixture
def client(site: tuple[TestClient, str], running: SpeechFake) -> TestClient:
    """Of a server whose Azure was asked nothing yet."""
    running.faults.clear()
    running.batches.reset()
    return site[0]


@pytest.fixture
def voice(site: tuple[TestClient, str]) -> str:
    return site[1]


def begin(client: TestClient, voice: str, items: list[dict[str, Any]], **more: Any) -> Any:
    response = client.post(PATH, json={"voice": voice, "format": "pcm", "items": items} | more)
    assert response.status_code == 202, response.text
    return response.json()["batch"]


def work(client: TestClient, batch: dict[str, Any]) -> dict[str, Any]:
    context = client.app.state.context  # type: ignore[attr-defined]

    async def run() -> None:
        job = await context.jobs.find(batch["job_id"])
        runner = JobRunner(context.jobs, watch_s=0.01)
        await asyncio.gather(*(runner.run(job.id, job.runs, part) for part in range(job.parts)))

    client.portal.call(run)  # type: ignore[union-attr]
    done: dict[str, Any] = client.get(batch["links"]["self"]).json()
    return done


def audio(client: TestClient, batch: dict[str, Any], count: int) -> list[bytes]:
    found = [client.get(f"{PATH}/{batch['batch_id']}/items/{n}/audio") for n in range(count)]
    assert {response.status_code for response in found} == {200}
    return [response.content for response in found]


def texts(count: int) -> list[dict[str, Any]]:
    return [{"text": f"Number {n} & so on. It goes on."} for n in range(count)]


def test_a_batch_is_one_job_at_azure_and_sounds_the_same(
    client: TestClient, voice: str, running: SpeechFake
) -> None:
    few = begin(client, voice, texts(1))
    assert work(client, few)["status"] == "succeeded"
    assert running.faults.calls.count(SPEECH) == 2  # too few sentences
    running.faults.calls.clear()

    batch = begin(client, voice, texts(3))
    done = work(client, batch)

    assert done["status"] == "succeeded"
    assert SPEECH not in running.faults.calls
    assert len(running.batches.sent) == 6 - 2  # each document once
    assert len(running.batches.deleted) == 1
    assert not running.batches.jobs
    assert audio(client, batch, 1) == audio(client, few, 1)
    assert "PROVIDER" not in json.dumps(done)


def test_what_failed_at_azure_is_spoken_as_usual(
    client: TestClient, voice: str, running: SpeechFake
) -> None:
    running.batches.fail_inputs = frozenset({0})
    items = [*texts(2), {"ssml": "<speak>One. <break time='1s'/> Two.</speak>"}]

    done = work(client, begin(client, voice, items, speed=1.2))

    assert done["status"] == "succeeded"
    assert running.faults.calls.count(SPEECH) == 1
    assert all("+20%" in document for document in running.batches.sent)


def test_a_batch_does_not_fail_by_a_job_that_fails(
    client: TestClient, voice: str, running: SpeechFake
) -> None:
    running.batches.fail_whole = 1

    assert work(client, begin(client, voice, texts(3)))["status"] == "succeeded"

    assert running.faults.calls.count(SPEECH) == 6  # each in its item
    assert not running.batches.jobs


def test_a_worker_that_was_stopped_pays_once_and_a_cancelled_batch_leaves_nothing(
    client: TestClient, voice: str, running: SpeechFake
) -> None:
    running.batches.steps = 10**9
    batch = begin(client, voice, texts(3))
    context = client.app.state.context  # type: ignore[attr-defined]

    async def begun() -> "asyncio.Task[None]":
        job = await context.jobs.find(batch["job_id"])
        runner = JobRunner(context.jobs, watch_s=0.01)
        task = asyncio.ensure_future(runner.run(job.id, job.runs, 0))
        while not running.batches.jobs:
            await asyncio.sleep(0.001)
        return task

    async def stopped() -> None:
        task = await begun()
        task.cancel()
        await asyncio.wait([task])

    client.portal.call(stopped)  # type: ignore[union-attr]
    assert len(running.batches.jobs) == 1  # somebody will go on
    running.batches.steps = 0
    for job in running.batches.jobs.values():
        job.looks = 0
    assert work(client, batch)["status"] == "succeeded"
    assert len(running.batches.sent) == 4
    assert SPEECH not in running.faults.calls
    assert not running.batches.jobs

    running.batches.steps = 10**9
    batch = begin(client, voice, texts(3))

    async def cancelled() -> None:
        task = await begun()
        job = await context.jobs.find(batch["job_id"])
        await context.jobs.cancel(job.owner, job.id)
        await asyncio.wait([task])

    client.portal.call(cancelled)  # type: ignore[union-attr]
    assert client.get(batch["links"]["self"]).json()["status"] == "cancelled"
    assert not running.batches.jobs


def test_requests_of_60_sentences(client: TestClient, voice: str, running: SpeechFake) -> None:
    items = [{"text": f"It is {n}."} for n in range(60)]

    batch = begin(client, voice, items)

    assert work(client, batch)["status"] == "succeeded"
    # Is it there, begin, two looks, fetch, delete.
    assert len(running.faults.calls) == 6
    assert len(running.batches.sent) == 60
