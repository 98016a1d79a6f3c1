"""POST /api/v1/voices/train: what a voice is made of, and what is refused."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.audio.types import Recording
from app.core.config import Settings
from app.core.exceptions import StorageError
from app.engines.base import VoiceState
from app.engines.fake import FakeEngine
from tests.api.voices import (
    VOICES,
    fingerprint,
    get,
    speech,
    train,
    trained,
    voice_server,
    zipped,
)
from tests.services.parts import files as files_of
from tests.speaking import TRAINS, create_app, engine_trains


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with voice_server(tmp_path_factory.mktemp("data"), max_samples_per_voice=6) as client:
        yield client


def voices(client: TestClient) -> list[str]:
    return [item["voice_id"] for item in client.get(VOICES).json()["items"]]


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    return body


# What comes of it


@TRAINS
def test_a_voice_can_be_spoken_at_once_and_its_training_waits(server: TestClient) -> None:
    response = train(
        server,
        ("one.wav", speech()),
        ("two.wav", speech(150.0)),
        name="Zoë",
        description="two\nlines",
        language="en-US",
        engine="fake",
        consent="contract 7",
        minutes="1.5",
        seed="9",
    )

    assert response.status_code == 202
    voice, job = response.json()["voice"], response.json()["job"]
    assert voice["status"] == "training"
    assert voice["training"]["job_id"] == job["job_id"]
    assert (job["kind"], job["status"]) == ("training", "queued")
    assert job["subject_id"] == voice["voice_id"]
    told = ("name", "description", "language", "consent", "active_version", "version")
    assert [voice[name] for name in told] == ["Zoë", "two\nlines", "en-US", "contract 7", 1, 1]
    assert voice["samples"] == {"total": 2, "used": 2, "refused": 0, "seconds": 12.0}
    assert [sample["used"] for sample in response.json()["samples"]] == [True, True]
    assert get(server, voice["voice_id"]) == voice
    assert fingerprint(server, voice["voice_id"])
    versions = server.get(f"{VOICES}/{voice['voice_id']}/versions").json()["items"]
    assert [(one["number"], one["method"], one["active"]) for one in versions] == [
        (1, "instant", True)
    ]


@TRAINS
def test_the_instant_clone_is_made_of_all_usable_recordings(server: TestClient) -> None:
    one, two, both, again = (
        fingerprint(server, trained(server, *files))
        for files in (
            [("a.wav", speech())],
            [("a.wav", speech(150.0))],
            [("a.wav", speech()), ("noise.wav", b"nothing"), ("b.wav", speech(150.0))],
            [("x.wav", speech()), ("y.wav", speech(150.0))],
        )
    )

    assert len({one, two, both}) == 3
    assert both == again


@TRAINS
def test_what_cannot_be_used_is_kept_with_the_reason(server: TestClient) -> None:
    body = train(
        server,
        ("bad.wav", b"This is text." * 50),
        ("good.wav", speech()),
        ("short.wav", speech(130.0, 3.6)),
        ("again.wav", speech()),
    ).json()

    told = {sample["filename"]: sample for sample in body["samples"]}
    assert [name for name, sample in told.items() if sample["used"]] == ["good.wav", "short.wav"]
    assert "not readable" in told["bad.wav"]["refused"]
    assert told["again.wav"]["duplicate_of"] == "good.wav"
    assert told["again.wav"]["sample_id"] is None
    assert body["voice"]["samples"]["total"] == 3
    assert body["voice"]["filename"] == "good.wav"
    listed = server.get(f"{VOICES}/{body['voice']['voice_id']}/samples").json()["items"]
    assert [item["filename"] for item in listed] == ["bad.wav", "good.wav", "short.wav"]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([("a.wav", b"")], "unreadable-audio"),
        ([("a.wav", speech(120.0, 2.0))], "recording-too-short"),
        ([("a.wav", b"x" * 99), ("b.wav", speech(120.0, 1.0))], "unreadable-audio"),
        ([("a.wav", speech(120.0, 2.0)), ("b.wav", b"x")], "recording-too-short"),
    ],
)
@TRAINS
def test_without_a_usable_recording_there_is_no_voice(
    server: TestClient, files: Any, code: str
) -> None:
    before = voices(server)

    assert refused(train(server, *files), 400, code)["suggestion"]

    assert voices(server) == before


@TRAINS
def test_another_speaker_is_refused_and_told_of(tmp_path: Path) -> None:
    with voice_server(tmp_path, tells_speakers=True) as client:
        pitches = (240.0, 100.0, 105.0, 110.0)
        most = train(client, *((f"{hz}.wav", speech(hz)) for hz in pitches)).json()
        doubtful = train(client, ("a.wav", speech(100.0)), ("b.wav", speech(172.0))).json()

    assert [sample["used"] for sample in most["samples"]] == [False, True, True, True]
    assert "another speaker" in most["samples"][0]["refused"]
    assert most["voice"]["filename"] == "100.0.wav"
    assert [sample["used"] for sample in doubtful["samples"]] == [True, True]
    warned = [
        [text for text in sample["report"]["warnings"] if "nother speaker" in text]
        for sample in doubtful["samples"]
    ]
    assert list(map(bool, warned)) == [False, True]


# Zip files


@TRAINS
def test_recordings_may_come_in_a_zip(server: TestClient) -> None:
    packed = zipped(
        ("talks/one.wav", speech()),
        ("../../two.wav", speech(150.0)),
        ("talks/notes.txt", b"these are my talks"),
        ("talks/more.zip", zipped(("three.wav", speech(160.0)))),
        ("__MACOSX/talks/._one.wav", b"x" * 200),
        ("talks/.DS_Store", b"x"),
    )

    body = train(server, ("talks.zip", packed), ("three.wav", speech(140.0))).json()

    assert [sample["filename"] for sample in body["samples"]] == ["one.wav", "two.wav", "three.wav"]
    assert all(sample["used"] for sample in body["samples"])
    assert body["ignored"] == ["notes.txt", "more.zip"]
    assert body["voice"]["name"] == "talks"


@pytest.mark.parametrize(
    "packed",
    [
        zipped(),
        zipped(("readme.txt", b"no sound")),
        zipped(("__MACOSX/._a.wav", speech())),
        zipped(("a.wav", speech()), ("big.wav", bytes(3_000_000))),
        zipped(("a.wav", speech()))[:-30],
        b"PK\x03\x04" + b"x" * 500,
    ],
    ids=["empty", "no audio", "only hidden", "bomb", "cut off", "garbage"],
)
@TRAINS
def test_a_bad_zip_is_refused(server: TestClient, packed: bytes) -> None:
    before = voices(server)

    refused(train(server, ("a.zip", packed)), 400, "archive-invalid")

    assert voices(server) == before


@TRAINS
def test_two_zips_at_once_are_refused(server: TestClient) -> None:
    packed = zipped(("a.wav", speech()))

    refused(train(server, ("a.zip", packed), ("b.zip", packed)), 400, "archive-invalid")


@TRAINS
def test_a_zip_may_be_longer_than_one_recording(tmp_path: Path) -> None:
    one, two = speech(), speech(150.0)
    with voice_server(tmp_path, max_upload_bytes=len(one) + 1000) as client:
        packed = zipped(("a.wav", one), ("b.wav", two), stored=True)
        assert train(client, ("a.zip", packed)).status_code == 202
        refused(client.post("/voices", files={"file": ("a.wav", packed)}), 413, "upload-too-large")
        long = speech(120.0, 9.0)
        refused(train(client, ("a.wav", long)), 413, "upload-too-large")
        refused(train(client, ("a.zip", zipped(("a.wav", long)))), 400, "archive-invalid")


def test_all_of_a_request_may_not_be_longer_than_the_limit(tmp_path: Path) -> None:
    with voice_server(tmp_path, max_voice_upload_bytes=1000, max_upload_bytes=200_000) as client:
        refused(train(client, ("a.wav", speech()), ("b.wav", speech())), 413, "upload-too-large")


# What is refused before anything is done


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"engine": "another"}, "invalid-request"),
        ({"language": "cy-GB"}, "language-unsupported"),
        ({"language": "not a tag"}, "invalid-request"),
        ({"language": "e" * 40}, "invalid-request"),
        ({"name": "line\nbreak"}, "invalid-request"),
        ({"description": "x" * 2001}, "invalid-request"),
        ({"consent": "x" * 201}, "invalid-request"),
        ({"minutes": "0"}, "invalid-request"),
        ({"minutes": "nan"}, "invalid-request"),
        ({"minutes": "1e308"}, "invalid-request"),
        ({"minutes": "61"}, "invalid-request"),
        ({"seed": "-1"}, "invalid-request"),
        ({"seed": str(2**32)}, "invalid-request"),
        ({"webhook_url": "https://example.com/hook"}, "webhook-refused"),  # no secret is set
    ],
)
@TRAINS
def test_what_cannot_be_asked_for_is_refused(
    server: TestClient, fields: dict[str, str], code: str
) -> None:
    before = voices(server)

    refused(train(server, **fields), 400, code)

    assert voices(server) == before


@TRAINS
def test_the_engine_that_runs_is_named(server: TestClient) -> None:
    body = refused(train(server, engine="kokoro"), 400, "invalid-request")

    assert body["engine"] == "fake"
    assert "'fake'" in body["detail"]


def test_a_form_without_recordings_is_refused(server: TestClient) -> None:
    for form in ({"data": {"name": "x"}}, {"files": {"file": ("a.wav", speech())}}, {"json": {}}):
        refused(server.post(f"{VOICES}/train", **form), 400, "invalid-request")


@TRAINS
def test_more_recordings_than_a_voice_may_have_are_refused(server: TestClient) -> None:
    many = [(f"{n}.wav", b"x") for n in range(7)]

    assert refused(train(server, *many), 400, "invalid-request")["limit"] == 6
    assert refused(train(server, ("a.zip", zipped(*many))), 400, "invalid-request")["limit"] == 6


@TRAINS
def test_more_speech_than_a_voice_is_made_of_is_not_used(tmp_path: Path) -> None:
    with voice_server(tmp_path, max_voice_s=6.0) as client:
        body = train(client, ("a.wav", speech()), ("b.wav", speech(150.0))).json()

    assert [sample["used"] for sample in body["samples"]] == [True, False]
    assert "too long together" in body["samples"][1]["refused"]


class Untrainable(FakeEngine):
    """Only clones."""

    info = replace(FakeEngine.info, trainable=False)


def test_an_engine_that_cannot_be_trained_says_so_first(settings: Settings) -> None:
    engine = Untrainable() if engine_trains() else None
    with TestClient(create_app(settings, engine=engine)) as client:
        refused(train(client, ("a.wav", b"not even audio")), 400, "training-unsupported")
        voice = client.post("/voices", files={"file": ("a.wav", speech())}).json()["voice_id"]
        refused(client.post(f"{VOICES}/{voice}/train"), 400, "training-unsupported")


# The same request twice


@TRAINS
def test_a_repeated_request_with_a_key_is_the_same_voice_and_job(server: TestClient) -> None:
    first = train(server, name="Ann", key="key-1")
    again = train(server, name="Ann", key="key-1")
    other = train(server, name="Ann", key="key-2")

    assert first.status_code == again.status_code == 202
    for part, name in (("voice", "voice_id"), ("job", "job_id")):
        assert first.json()[part][name] == again.json()[part][name]
        assert first.json()[part][name] != other.json()[part][name]


@TRAINS
def test_a_key_is_for_one_request(server: TestClient) -> None:
    assert train(server, name="Ann", key="key-3").status_code == 202

    refused(train(server, name="Ben", key="key-3"), 409, "idempotency-mismatch")
    other = [("a.wav", speech(170.0))]
    refused(train(server, *other, name="Ann", key="key-3"), 409, "idempotency-mismatch")
    for key in ("x" * 201, "a b"):
        refused(train(server, key=key), 400, "invalid-request")


@TRAINS
def test_a_repeated_request_for_a_voice_that_is_deleted_makes_no_other(server: TestClient) -> None:
    voice = trained(server, key="key-4")
    server.delete(f"{VOICES}/{voice}")

    refused(train(server, key="key-4"), 404, "voice-not-found")


class Slow(FakeEngine):
    """Enrols two at the same time or not at all."""

    def __init__(self) -> None:
        self.both = asyncio.Barrier(2)

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        async with asyncio.timeout(20):
            await self.both.wait()
        return await super().enroll(recordings)


@TRAINS
def test_the_same_request_twice_at_once_is_one_voice(settings: Settings) -> None:
    with TestClient(create_app(settings, engine=Slow())) as client, ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: train(client, key="key"), range(2)))

        ids = {answer.json()["voice"]["voice_id"] for answer in answers}
        assert [answer.status_code for answer in answers] == [202, 202]
        assert voices(client) == list(ids)
        assert len(files_of(settings)) == 2


# If it fails


@TRAINS
def test_too_many_jobs_leave_no_voice(settings: Settings) -> None:
    one = settings.model_copy(update={"max_jobs_per_owner": 1})
    with TestClient(create_app(one)) as client:
        kept = trained(client)
        before = files_of(settings)

        refused(train(client), 429, "too-many-jobs")

        assert voices(client) == [kept]
        assert files_of(settings) == before


class Failing(FakeEngine):
    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        raise StorageError("It is not there.")


@TRAINS
def test_an_engine_that_fails_leaves_nothing(settings: Settings) -> None:
    with TestClient(create_app(settings, engine=Failing())) as client:
        refused(train(client), 503, "storage-unavailable")

        assert voices(client) == []
        assert files_of(settings) == []


# Again


@TRAINS
def test_a_voice_in_training_cannot_be_trained_again_until_that_has_ended(
    server: TestClient,
) -> None:
    body = train(server).json()
    voice, job = body["voice"]["voice_id"], body["job"]["job_id"]

    problem = refused(server.post(f"{VOICES}/{voice}/train"), 409, "voice-in-training")
    assert problem["job_id"] == job

    server.post(f"/api/v1/jobs/{job}/cancel")
    assert get(server, voice)["status"] == "ready"
    again = server.post(f"{VOICES}/{voice}/train", json={"minutes": 1, "seed": 3})
    assert again.status_code == 202
    assert again.json()["subject_id"] == voice
    assert get(server, voice)["training"]["job_id"] == again.json()["job_id"] != job


@TRAINS
def test_two_trainings_at_once_are_one(server: TestClient) -> None:
    voice = server.post("/voices", files={"file": ("a.wav", speech())}).json()["voice_id"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: server.post(f"{VOICES}/{voice}/train"), range(4)))

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    begun = next(answer.json() for answer in answers if answer.status_code == 202)
    assert get(server, voice)["training"]["job_id"] == begun["job_id"]
    jobs = server.get("/api/v1/jobs", params={"limit": 100}).json()["items"]
    waiting = [job for job in jobs if job["subject_id"] == voice and job["status"] == "queued"]
    assert [job["job_id"] for job in waiting] == [begun["job_id"]]


@TRAINS
def test_a_training_that_is_tried_again_is_a_training_like_others(server: TestClient) -> None:
    body = train(server).json()
    voice, old = body["voice"]["voice_id"], body["job"]["job_id"]
    server.post(f"/api/v1/jobs/{old}/cancel")
    new = server.post(f"{VOICES}/{voice}/train").json()["job_id"]

    refused(server.post(f"/api/v1/jobs/{old}/retry"), 409, "job-running")
    server.post(f"/api/v1/jobs/{new}/cancel")
    assert server.post(f"/api/v1/jobs/{old}/retry").status_code == 202
    problem = refused(server.post(f"{VOICES}/{voice}/train"), 409, "voice-in-training")
    assert problem["job_id"] == old


@TRAINS
def test_a_repeated_request_to_train_again_is_one_job(server: TestClient) -> None:
    voice = server.post("/voices", files={"file": ("a.wav", speech())}).json()["voice_id"]
    headers = {"Idempotency-Key": "again"}

    first, same = (server.post(f"{VOICES}/{voice}/train", headers=headers) for _ in range(2))
    other = server.post(f"{VOICES}/{voice}/train", headers=headers, json={"seed": 1})

    assert first.json()["job_id"] == same.json()["job_id"]
    refused(other, 409, "idempotency-mismatch")


@pytest.mark.parametrize(
    "body", [{"minutes": 0}, {"minutes": 61}, {"minutes": "1"}, {"seed": 1.5}, {"x": 1}, [], 3]
)
@TRAINS
def test_what_cannot_be_asked_of_a_training_is_refused(server: TestClient, body: Any) -> None:
    voice = server.post("/voices", files={"file": ("a.wav", speech())}).json()["voice_id"]

    refused(server.post(f"{VOICES}/{voice}/train", json=body), 400, "invalid-request")


@TRAINS
def test_a_trained_voice_tells_how_it_was_measured(settings: Settings) -> None:
    """From the upload to the version that the worker has made."""
    works = settings.model_copy(update={"jobs_worker": True, "jobs_poll_s": 0.05})
    with TestClient(create_app(works)) as client:
        body = train(client, ("a.wav", speech()), ("b.wav", speech(150.0)), minutes="0.1").json()
        voice, job = body["voice"]["voice_id"], body["job"]["job_id"]
        with client.stream("GET", f"/api/v1/jobs/{job}/events") as events:
            events.read()  # until it has ended
        now = get(client, voice)

    assert now["status"] == "ready", now["training"]
    assert now["training"]["status"] == "succeeded"
    assert (now["training"]["made_version"], now["training"]["method"]) == (2, "gradient")
    metrics = now["training"]["metrics"]
    assert set(metrics["used"]) == {sample["sample_id"] for sample in body["samples"]}
    assert (now["active_version"] == 2) == metrics["better"]
    assert now["metrics"] == (metrics if metrics["better"] else None)


@TRAINS
def test_paths_in_the_names_of_files_are_dropped(server: TestClient) -> None:
    files = [("../../etc/passwd.wav", speech()), ("C:\\tmp\\b.wav", speech(150.0))]

    body = train(server, *files).json()

    assert [sample["filename"] for sample in body["samples"]] == ["passwd.wav", "b.wav"]
    assert body["voice"]["name"] == "passwd"
