"""Does a recording match a voice?"""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.core.config import Settings
from tests.api.voices import VOICES, parts, speech, train, trained, voice_server
from tests.audio.signals import model_file, speech_files
from tests.speaking import create_app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with voice_server(tmp_path_factory.mktemp("data"), tells_speakers=True) as client:
        yield client


@pytest.mark.parametrize(
    ("hz", "verdict", "likeness"),
    [
        (104.0, "same", "same speaker very likely"),
        (172.0, "uncertain", "same speaker uncertain"),
        (240.0, "different", "same speaker unlikely"),
    ],
)
def test_a_recording_is_compared_with_the_voice(
    server: TestClient, hz: float, verdict: str, likeness: str
) -> None:
    voice = trained(server, ("a.wav", speech(100.0)), ("b.wav", speech(101.0)))

    answer = server.post(f"{VOICES}/{voice}/verify", files={"file": ("x.wav", speech(hz))})

    assert answer.status_code == 200
    body = answer.json()
    assert (body["verdict"], body["likeness"], body["compared"]) == (verdict, likeness, 2)
    assert -1 <= body["score"] <= 1
    assert body["report"]["speech_s"] > 3
    listed = server.get(f"{VOICES}/{voice}/samples").json()["items"]
    assert len(listed) == 2  # it is not kept


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"x" * 99, "unreadable-audio"), (speech(100.0, 2.0), "recording-too-short")],
)
def test_what_nothing_can_be_told_of_is_refused(
    server: TestClient, content: bytes, code: str
) -> None:
    answer = server.post(f"{VOICES}/{trained(server)}/verify", files={"file": ("x.wav", content)})

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_recording_of_another_speaker_cannot_be_added(server: TestClient) -> None:
    voice = trained(server, ("a.wav", speech(100.0)))

    answer = server.post(f"{VOICES}/{voice}/samples", files=parts(("b.wav", speech(240.0))))

    assert (answer.status_code, answer.json()["code"]) == (400, "recording-unsuitable")
    assert "another speaker" in answer.json()["detail"]


def test_without_an_encoder_it_says_so(client: TestClient) -> None:
    answer = client.post(f"{VOICES}/{trained(client)}/verify", files={"file": ("x.wav", speech())})

    assert (answer.status_code, answer.json()["code"]) == (503, "engine-unavailable")
    assert "encoder" in answer.json()["detail"]


@pytest.mark.models
def test_real_speakers_are_told_apart(settings: Settings) -> None:
    ann, ben = (speech_files(speaker) for speaker in ("1688", "2033"))
    models = model_file("wespeaker-resnet34-lm.onnx").parent
    real = settings.model_copy(update={"voice_engine": "kokoro", "model_dir": models})
    with TestClient(create_app(real)) as client:
        recordings = [(f"{n}.flac", path.read_bytes()) for n, path in enumerate((*ann[:3], ben[0]))]
        body = train(client, *recordings).json()
        scores = {
            path: client.post(
                f"{VOICES}/{body['voice']['voice_id']}/verify",
                files={"file": ("x.flac", path.read_bytes())},
            ).json()
            for path in (ann[4], ben[1])
        }

    assert [sample["used"] for sample in body["samples"]] == [True, True, True, False]
    assert [found["verdict"] for found in scores.values()] == ["same", "different"]
