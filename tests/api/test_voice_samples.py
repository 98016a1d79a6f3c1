"""Recordings of a voice, and how the voice sounds."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.engines.fake import read_back
from tests.api.voices import (
    VOICES,
    fingerprint,
    get,
    parts,
    speech,
    trained,
    voice_server,
    zipped,
)
from tests.audio.signals import read_pcm
from tests.services.parts import files as files_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with voice_server(tmp_path_factory.mktemp("data"), max_samples_per_voice=5) as client:
        yield client


def samples(client: TestClient, voice: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{VOICES}/{voice}/samples").json()["items"]
    return found


def add(client: TestClient, voice: str, *files: tuple[str, bytes]) -> httpx2.Response:
    return client.post(f"{VOICES}/{voice}/samples", files=parts(*files))


def test_recordings_can_be_added_while_a_voice_is_in_training(server: TestClient) -> None:
    voice = trained(server, ("a.wav", speech()))
    said = fingerprint(server, voice)

    answer = add(
        server,
        voice,
        ("b.wav", speech(150.0)),
        ("noise.wav", b"x" * 99),
        ("a-again.wav", speech()),
    )

    assert answer.status_code == 200
    told = {item["filename"]: item for item in answer.json()["items"]}
    assert (told["b.wav"]["used"], told["noise.wav"]["used"]) == (True, False)
    assert told["noise.wav"]["refused"]
    assert told["a-again.wav"]["duplicate_of"] == voice  # the first recording has the voice's id
    assert [one["filename"] for one in samples(server, voice)] == ["a.wav", "b.wav", "noise.wav"]
    assert get(server, voice)["samples"]["used"] == 2
    assert fingerprint(server, voice) == said  # until it is trained


def test_they_may_come_in_a_zip(server: TestClient) -> None:
    voice = trained(server, ("a.wav", speech()))
    packed = zipped(("x/b.wav", speech(150.0)), ("readme.md", b"#"))

    body = add(server, voice, ("more.zip", packed)).json()

    assert [item["filename"] for item in body["items"]] == ["b.wav"]
    assert body["ignored"] == ["readme.md"]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([("a.wav", b"nothing")], "unreadable-audio"),
        ([("a.zip", zipped(("a.txt", b"x")))], "archive-invalid"),
        ([(f"{n}.wav", b"x") for n in range(5)], "invalid-request"),
    ],
)
def test_if_none_can_be_used_nothing_is_added(server: TestClient, files: Any, code: str) -> None:
    voice = trained(server, ("a.wav", speech()))

    answer = add(server, voice, *files)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert len(samples(server, voice)) == 1


def test_the_same_recording_again_changes_nothing(server: TestClient) -> None:
    voice = trained(server, ("a.wav", speech()))

    answer = add(server, voice, ("a.wav", speech()))

    assert answer.status_code == 200
    assert answer.json()["items"][0]["duplicate_of"] == voice
    assert len(samples(server, voice)) == 1


def test_a_recording_is_given_back_as_it_came(server: TestClient) -> None:
    voice = trained(server, ("Zoë ;.wav", speech()), ("b.mp3", speech(150.0)))

    for sample, content in zip(samples(server, voice), (speech(), speech(150.0)), strict=True):
        audio = server.get(f"{VOICES}/{voice}/samples/{sample['sample_id']}/audio")
        assert audio.status_code == 200
        assert audio.content == content
        assert audio.headers["content-type"] == "audio/wav"
    first = server.get(f"{VOICES}/{voice}/samples/{voice}/audio")
    assert first.headers["content-disposition"] == "attachment; filename*=UTF-8''Zo%C3%AB%20%3B.wav"


def test_a_recording_of_another_voice_is_not_one_of_this(server: TestClient) -> None:
    one, other = trained(server), trained(server)

    for url in (f"{VOICES}/{one}/samples/{other}", f"{VOICES}/{one}/samples/nonsense"):
        for answer in (server.get(f"{url}/audio"), server.delete(url)):
            assert (answer.status_code, answer.json()["code"]) == (404, "sample-not-found")


def test_a_deleted_recording_is_gone_with_its_file(client: TestClient, settings: Settings) -> None:
    voice = trained(client, ("a.wav", speech()), ("b.wav", speech(150.0)))
    before = files_of(settings)

    answer = client.delete(f"{VOICES}/{voice}/samples/{voice}")

    assert answer.status_code == 204
    assert files_of(settings) == [name for name in before if name != "original"]
    assert [one["filename"] for one in samples(client, voice)] == ["b.wav"]
    assert get(client, voice)["filename"] == "b.wav"
    assert fingerprint(client, voice)
    assert client.delete(f"{VOICES}/{voice}/samples/{voice}").status_code == 404


def test_the_last_usable_recording_stays(server: TestClient) -> None:
    files = ("a.wav", speech()), ("b.wav", speech(150.0)), ("bad.wav", b"x")
    voice = trained(server, *files)
    good, other, bad = (one["sample_id"] for one in samples(server, voice))
    assert server.delete(f"{VOICES}/{voice}/samples/{other}").status_code == 204

    answer = server.delete(f"{VOICES}/{voice}/samples/{good}")

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert server.delete(f"{VOICES}/{voice}/samples/{bad}").status_code == 204
    assert len(samples(server, voice)) == 1


def test_of_the_last_two_deleted_at_once_one_stays(server: TestClient) -> None:
    voice = trained(server, ("a.wav", speech()), ("b.wav", speech(150.0)))
    ids = [one["sample_id"] for one in samples(server, voice)]

    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda one: server.delete(f"{VOICES}/{voice}/samples/{one}"), ids)
        statuses = sorted(answer.status_code for answer in answers)

    assert statuses == [204, 409]
    assert len(samples(server, voice)) == 1


# How it sounds


def test_a_voice_says_a_sentence_of_its_own_or_a_short_text(server: TestClient) -> None:
    voice = trained(server)
    said = [
        server.post(f"{VOICES}/{voice}/preview", json=body)
        for body in ({"format": "pcm"}, {"format": "PCM", "text": "Just this."})
    ]

    texts = [" ".join(text for _, text in read_back(read_pcm(one.content))) for one in said]
    assert texts == ["Hello! This is how I sound when I read a sentence to you.", "Just this."]
    for one in said:
        assert one.status_code == 200
        assert float(one.headers["x-audio-duration"]) > 0
        assert one.headers["x-voice-version"] == "1"
    assert server.post(f"{VOICES}/{voice}/preview").headers["content-type"] == "audio/wav"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": "x" * 301}, "invalid-request"),
        ({"text": ""}, "text-unspeakable"),
        ({"text": "Yes.", "format": "midi"}, "invalid-request"),
        ({"text": "Yes.", "language": "cy"}, "language-unsupported"),
        ({"words": "Yes."}, "invalid-request"),
    ],
)
def test_a_preview_that_cannot_be_is_refused(
    server: TestClient, body: dict[str, Any], code: str
) -> None:
    answer = server.post(f"{VOICES}/{trained(server)}/preview", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
