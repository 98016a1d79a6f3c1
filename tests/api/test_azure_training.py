"""Professional voices of the engine `azure` as training jobs, through our own API."""

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.engines.azure.engine import AzureEngine
from app.engines.azure.options import AzureOptions, AzureTraining
from app.engines.base import EngineInfo
from app.main import create_app
from app.watermark.marking import Watermark
from tests.api.test_azure_voices import VOICES, registered
from tests.api.voices import settings_of
from tests.azure_fake.professional import container_url
from tests.azure_fake.speech import SpeechFake, speech_service
from tests.consents.speakers import listener

pytestmark = pytest.mark.services

ONCE = ["set", "upload", "model", "endpoint"]


class Unjudged(AzureEngine):
    """Nothing here judges its voices: that needs model files."""

    @property
    def info(self) -> EngineInfo:
        return replace(super().info, test_double=True)


@pytest.fixture
def service() -> Iterator[SpeechFake]:
    with speech_service() as fake:
        yield fake


@pytest.fixture
def client(service: SpeechFake, tmp_path: Path) -> Iterator[TestClient]:
    with server(tmp_path, service) as client:
        yield client


def server(folder: Path, service: SpeechFake) -> TestClient:
    """One that works on jobs."""
    settings = settings_of(
        folder,
        voice_engine="azure",
        azure_speech_key=service.account.key,
        azure_speech_endpoint=service.url,
        jobs_worker=True,
        jobs_poll_s=0.05,
    )
    account = AzureOptions(
        key=lambda: service.account.key,
        endpoint=service.url,
        poll_s=0.001,
        training=AzureTraining(container_url=lambda: container_url(service.url)),
    )
    engine = Unjudged(account, pause=partial(_soon, service))
    return TestClient(create_app(settings, engine=engine, listener=listener, watermark=Watermark()))


async def _soon(service: SpeechFake, _: float) -> None:
    """Time passes, unless it is held."""
    await asyncio.sleep(0.001)
    while service.account.hold is not None and service.account.studio.models:
        await asyncio.sleep(0.005)


def train(client: TestClient, voice: str) -> str:
    begun = client.post(f"{VOICES}/{voice}/train", json={"minutes": 1})
    assert begun.status_code == 202, begun.text
    return str(begun.json()["job_id"])


def ended(client: TestClient, job: str) -> dict[str, Any]:
    with client.stream("GET", f"/api/v1/jobs/{job}/events") as events:
        events.read()
    found: dict[str, Any] = client.get(f"/api/v1/jobs/{job}").json()
    return found


def begun(service: SpeechFake) -> None:
    """Wait until Azure trains a model."""
    deadline = time.monotonic() + 20
    while not service.account.studio.models and time.monotonic() < deadline:
        time.sleep(0.01)
    assert service.account.studio.models


def test_a_voice_is_trained_spoken_and_gone_back_from(
    client: TestClient, service: SpeechFake
) -> None:
    voice = registered(client)
    studio = service.account.studio

    job = ended(client, train(client, voice))

    assert job["status"] == "succeeded", job
    assert studio.made == ONCE
    now = client.get(f"{VOICES}/{voice}").json()
    assert now["active_version"] == 2
    client.post("/api/v1/synthesis/speak", json={"text": "A word.", "voice": voice})
    [model] = studio.models.values()
    assert model.body["voiceName"] in service.account.spoken[-1]

    back = client.post(f"{VOICES}/{voice}/versions/1/activate")
    assert back.status_code == 200, back.text
    assert client.delete(f"{VOICES}/{voice}/versions/2").status_code == 204
    assert studio.is_bare
    assert len(service.account.voices) == len(service.account.consents) == 1

    erased = client.delete(f"{VOICES}/{voice}").json()
    assert erased["left"] == []
    assert service.account.is_bare


def test_a_voice_that_is_deleted_takes_all_its_versions_with_it(
    client: TestClient, service: SpeechFake
) -> None:
    voice = registered(client)
    ended(client, train(client, voice))

    assert client.delete(f"{VOICES}/{voice}").json()["left"] == []

    assert service.account.is_bare


def test_a_training_that_is_cancelled_leaves_nothing_there(
    client: TestClient, service: SpeechFake
) -> None:
    voice = registered(client)
    service.account.hold = threading.Event()
    job = train(client, voice)
    begun(service)

    assert client.post(f"/api/v1/jobs/{job}/cancel").status_code in (200, 202)

    assert ended(client, job)["status"] == "cancelled"
    assert service.account.studio.is_bare
    assert len(service.account.consents) == 1
    assert client.get(f"{VOICES}/{voice}").json()["active_version"] == 1


def test_so_does_one_whose_voice_is_deleted(client: TestClient, service: SpeechFake) -> None:
    voice = registered(client)
    service.account.hold = threading.Event()
    job = train(client, voice)
    begun(service)

    assert client.delete(f"{VOICES}/{voice}").json()["left"] == []
    ended(client, job)

    assert service.account.is_bare


def test_another_process_goes_on_with_a_training(service: SpeechFake, tmp_path: Path) -> None:
    with server(tmp_path, service) as client:
        voice = registered(client)
        service.account.hold = threading.Event()
        job = train(client, voice)
        begun(service)
    assert service.account.studio.models  # a stop is no cancellation
    service.account.hold = None

    with server(tmp_path, service) as client:
        assert ended(client, job)["status"] == "succeeded"

    assert service.account.studio.made == ONCE


def test_what_azure_refuses_is_told_by_the_job(client: TestClient, service: SpeechFake) -> None:
    voice = registered(client)
    service.account.studio.fail_model.append("DataNotEnough")

    job = ended(client, train(client, voice))

    assert (job["status"], job["error"]["code"]) == ("failed", "recording-too-short"), job
    assert job["error"]["suggestion"]
    assert service.account.studio.is_bare
