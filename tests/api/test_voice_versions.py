"""Versions of a voice over HTTP: list, activate, roll back, delete, compare."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.audio.types import Recording
from app.core.config import Settings
from app.core.exceptions import Conflict, EngineBusy, VersionNotFound
from app.engines.base import TrainingOptions
from app.engines.fake import read_back
from app.models.audit import Action
from app.models.voice import Voice, VoiceMethod
from app.services.voices import Upload
from tests.audio.signals import read_pcm
from tests.conftest import recording, registered
from tests.services.parts import OWNER, Parts, files, parts
from tests.speaking import TRAINS, create_app


def train(client: TestClient, voice_id: str) -> None:
    async def run() -> None:
        context = client.app.state.context  # type: ignore[attr-defined]
        async for _ in context.training.adapt("local", voice_id, TrainingOptions(1.0)):
            pass

    assert client.portal is not None
    client.portal.call(run)


@pytest.fixture
def voice_id(client: TestClient, register: Callable[..., str]) -> str:
    """Of a voice that was trained twice: three versions, the third is active."""
    made = register()
    train(client, made)
    train(client, made)
    return made


def url(voice_id: str, *more: object) -> str:
    return "/".join([f"/api/v1/voices/{voice_id}/versions", *map(str, more)])


def heard(client: TestClient, voice_id: str) -> bytes:
    """The voice as it sounds."""
    said = client.post(f"/voices/{voice_id}/synthesize", json={"text": "Yes.", "format": "pcm"})
    [(fingerprint, _)] = read_back(read_pcm(said.content))
    return fingerprint


@TRAINS
def test_versions_are_listed_with_what_was_measured(client: TestClient, voice_id: str) -> None:
    body = client.get(url(voice_id)).json()

    assert (body["voice_id"], body["active_version"]) == (voice_id, 3)
    first, second, third = body["items"]
    assert [item["number"] for item in body["items"]] == [1, 2, 3]
    assert [item["active"] for item in body["items"]] == [False, False, True]
    assert (first["method"], first["metrics"], first["compared_with"]) == ("instant", None, None)
    assert (second["method"], second["compared_with"]) == ("gradient", 1)
    assert third["metrics"]["better"] is True
    assert "nothing here can judge" in third["metrics"]["verdict"]
    assert third["metrics"]["used"]
    assert client.get(url(voice_id, 2)).json() == second
    assert client.get(url(voice_id) + "/").json() == body


@TRAINS
def test_an_activated_version_is_spoken_at_once_by_every_process(
    client: TestClient, voice_id: str, settings: Settings
) -> None:
    with TestClient(create_app(settings)) as other:
        sounds = {3: heard(other, voice_id)}
        for number in (1, 2, 3):
            answer = client.post(url(voice_id, number, "activate"))
            assert answer.status_code == 200
            assert (answer.json()["number"], answer.json()["active"]) == (number, True)
            sound = heard(other, voice_id)
            assert heard(client, voice_id) == sound
            assert sounds.setdefault(number, sound) == sound
        assert len(set(sounds.values())) == 3
        client.post(url(voice_id, 1, "activate"))
        assert other.get(f"/voices/{voice_id}").json()["similarity"] is None

    trail = client.get("/api/v1/audit", params={"action": Action.VOICE_CHANGED}).json()["items"]
    assert [event["subject_id"] for event in trail] == [voice_id] * 4


@TRAINS
def test_a_training_goes_on_from_what_is_active(client: TestClient, voice_id: str) -> None:
    client.post(url(voice_id, 1, "activate"))

    train(client, voice_id)

    versions = client.get(url(voice_id)).json()["items"]
    assert (versions[3]["compared_with"], versions[3]["active"]) == (1, True)


@TRAINS
def test_a_deleted_version_is_gone_with_its_file(
    client: TestClient, voice_id: str, settings: Settings
) -> None:
    before = files(settings)

    assert client.delete(url(voice_id, 1)).status_code == 204

    assert [item["number"] for item in client.get(url(voice_id)).json()["items"]] == [2, 3]
    assert len(files(settings)) == len(before) - 1
    for answer in (
        client.get(url(voice_id, 1)),
        client.delete(url(voice_id, 1)),
        client.post(url(voice_id, 1, "activate")),
        client.get(url(voice_id, "compare"), params={"a": 1, "b": 2}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "version-not-found")
        assert answer.json()["suggestion"]
    assert heard(client, voice_id)


@TRAINS
def test_the_active_version_cannot_be_deleted(client: TestClient, voice_id: str) -> None:
    refused = client.delete(url(voice_id, 3))

    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "Activate another" in refused.json()["suggestion"]
    assert heard(client, voice_id)


@TRAINS
def test_a_version_whose_file_is_missing_is_not_activated(
    client: TestClient, voice_id: str, settings: Settings
) -> None:
    (Path(settings.embeddings) / voice_id / "state").unlink()

    refused = client.post(url(voice_id, 1, "activate"))

    assert (refused.status_code, refused.json()["code"]) == (404, "version-not-found")
    assert client.get(url(voice_id)).json()["active_version"] == 3


@TRAINS
def test_two_versions_are_compared(client: TestClient, voice_id: str) -> None:
    body = client.get(url(voice_id, "compare"), params={"a": 3, "b": 1}).json()

    assert (body["a"]["version"]["number"], body["b"]["version"]["number"]) == (3, 1)
    assert body["a"]["version"] == client.get(url(voice_id, 3)).json()
    # Nothing judges voices of the fake engine.
    assert body["a"]["similarity"] is body["b"]["similarity"] is body["more_alike"] is None


@pytest.fixture(scope="module")
def untrained(shared: TestClient) -> str:
    """A voice with one version, of the server that the tests share."""
    return registered(shared)


@pytest.mark.parametrize("number", [0, -1, 2**31, 10**30, "x", "1.5", "1e3", "%00"])
@TRAINS
def test_a_number_that_cannot_be_is_refused(
    shared: TestClient, untrained: str, number: object
) -> None:
    for answer in (
        shared.get(url(untrained, number)),
        shared.delete(url(untrained, number)),
        shared.post(url(untrained, number, "activate")),
        shared.get(f"{url(untrained, 'compare')}?a=1&b={number}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")


@TRAINS
def test_what_a_comparison_does_not_take_is_told(client: TestClient, voice_id: str) -> None:
    refused = client.delete(url(voice_id, "compare"))

    assert (refused.status_code, refused.json()["code"]) == (405, "method-not-allowed")
    assert "GET" in refused.headers["Allow"]


@pytest.mark.parametrize("voice", ["550e8400-e29b-41d4-a716-446655440000", "nonsense", "%00"])
def test_versions_of_no_voice_are_not_found(client: TestClient, voice: str) -> None:
    for answer in (client.get(url(voice)), client.post(url(voice, 1, "activate"))):
        assert (answer.status_code, answer.json()["code"]) == (404, "voice-not-found")


# Beside each other


async def _trained(p: Parts, times: int = 1) -> Voice:
    voice = await p.service().register(OWNER, Upload(recording(), "a.wav"))
    for _ in range(times):
        async for _ in p.training().adapt(OWNER, voice.id, TrainingOptions(1.0)):
            pass
    return await p.service().get(OWNER, voice.id)


@pytest.mark.anyio
@TRAINS
async def test_activated_and_deleted_at_once_a_version_is_the_one_or_the_other(
    settings: Settings,
) -> None:
    async with parts(settings) as p:
        voice = await _trained(p, times=4)
        service = p.version_service()
        for number in (1, 2, 3, 4):
            results: list[Any] = await asyncio.gather(
                service.activate(voice, number),
                service.delete(voice, number),
                return_exceptions=True,
            )

            [refused] = [result for result in results if isinstance(result, BaseException)]
            assert isinstance(refused, Conflict | VersionNotFound)
            voice = await p.service().get(OWNER, voice.id)
            versions = await service.list(voice)
            there = number in {version.number for version in versions}
            assert (voice.active_version == number) == there
            assert await p.states.get(voice.state_blob)


class Scores:
    """A judge that finds the second voice more alike, when it may begin."""

    def __init__(self) -> None:
        self.scores = iter((0.25, 0.75))
        self.asked, self.may_begin = threading.Event(), threading.Event()

    def likeness(self, said: Sequence[Recording], speaker: Sequence[Recording]) -> float:
        self.asked.set()
        assert self.may_begin.wait(30)
        return next(self.scores)

    def word_errors(
        self, said: Sequence[Recording], texts: Sequence[str], language: str
    ) -> float | None:
        return None


@pytest.mark.anyio
@TRAINS
async def test_a_comparison_measures_both_now_and_one_at_a_time(settings: Settings) -> None:
    async with parts(settings) as p:
        voice = await _trained(p)
        judge = Scores()
        service = p.version_service(judge=judge)

        first = asyncio.create_task(service.compare(voice, (1, 2)))
        assert await asyncio.to_thread(judge.asked.wait, 30)
        with pytest.raises(EngineBusy):
            await service.compare(voice, (1, 2))
        judge.may_begin.set()
        (one, before), (two, after) = await first
        assert (one.method, two.method) == (VoiceMethod.INSTANT, VoiceMethod.GRADIENT)
        assert (before.likeness, after.likeness) == (0.25, 0.75)
