"""`POST /api/v1/synthesis/speak`."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.audio.dsp import loudness_lufs
from app.core.config import Settings
from app.engines.base import TrainingOptions
from tests.api.test_synthesize import decoded, said
from tests.api.voices import settings_of
from tests.audio.signals import read_pcm
from tests.conftest import registered
from tests.speaking import TRAINS, create_app, engine_name, seeded
from tests.telemetry.series import scrape, value

SPEAK = "/api/v1/synthesis/speak"
STREAM = "/api/v1/synthesis/speak/stream"
TEXT = "Walruses juggle porcelain."


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One server for all of these: no test changes what another sees."""
    settings = settings_of(tmp_path_factory.mktemp("data"))
    with TestClient(create_app(settings)) as running:
        yield running


@pytest.fixture(scope="module")
def voice(client: TestClient) -> str:
    return registered(client)


@pytest.mark.parametrize(
    ("fmt", "mime", "codec", "rate"),
    [
        ("wav", "audio/wav", "pcm_s16le", 22050),
        ("mp3", "audio/mpeg", "mp3float", 44100),
        ("flac", "audio/flac", "flac", 16000),
        ("OPUS", "audio/ogg", "opus", 48000),
        ("aac", "audio/aac", "aac", 24000),
    ],
)
def test_speech_is_a_whole_file_with_headers_that_say_how_it_was_made(
    client: TestClient, voice: str, fmt: str, mime: str, codec: str, rate: int
) -> None:
    body = {"text": "Hello, this is a test", "voice": voice, "format": fmt, "sample_rate": rate}

    response = client.post(SPEAK, json=body)

    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith(mime)
    assert int(response.headers["content-length"]) == len(response.content)
    got_codec, got_rate, seconds = decoded(response.content)
    assert (got_codec, got_rate) == (codec, rate)
    headers = response.headers
    assert seconds == pytest.approx(float(headers["x-audio-duration"]), abs=0.1)
    assert (headers["x-voice-version"], headers["x-engine"]) == ("1", engine_name())
    assert 0 <= int(headers["x-first-audio-ms"]) <= int(headers["x-total-ms"])
    assert len(headers["x-history-id"]) == 36
    assert headers["x-request-id"]
    assert "x-similarity" not in headers  # none was measured


@TRAINS
def test_the_similarity_is_told_where_it_was_measured(client: TestClient) -> None:
    voice = registered(client)
    training = client.app.state.context.training  # type: ignore[attr-defined]

    async def adapt() -> None:
        async for _ in training.adapt("local", voice, TrainingOptions(minutes=1.0)):
            pass

    assert client.portal
    client.portal.call(adapt)
    body = {"text": "Hello", "voice": voice, "stream_format": "sse"}
    stream = client.post(STREAM, json=body)

    measured = client.get(f"/voices/{voice}").json()["similarity"]
    assert stream.headers["x-similarity"] == f"{measured:.4f}"
    assert f'"similarity":{measured}' in stream.text


def test_every_synthesis_has_an_id_of_its_own(client: TestClient, voice: str) -> None:
    body = {"text": "Hello", "voice": voice}

    ids = {client.post(SPEAK, json=body).headers["x-history-id"] for _ in range(3)}

    assert len(ids) == 3


def test_what_is_said_is_the_text_in_the_voice(client: TestClient, voice: str) -> None:
    voices = [voice, registered(client, hz=200.0)]
    text = "First one. Then <b>two</b>!"
    body = {"text": text, "normalize": "off", "format": "pcm"}

    heard = [said(client.post(SPEAK, json=body | {"voice": v}).content) for v in voices]

    assert [words for _, words in heard] == [text, text]
    assert heard[0][0] != heard[1][0]


def test_ssml_is_spoken(client: TestClient, voice: str) -> None:
    ssml = "<speak>Tom &amp; <sub alias='Jerome'>J.</sub> <break time='1s'/>Good.</speak>"

    response = client.post(SPEAK, json={"ssml": ssml, "voice": voice, "format": "pcm"})

    assert said(response.content)[1] == "Tom and Jerome Good."


def test_the_volume_is_heard(client: TestClient, voice: str) -> None:
    loudness = {}
    for volume in (-12.0, 0.0, 6.0):
        body = {"text": "Hello there.", "voice": voice, "format": "pcm", "volume": volume}
        loudness[volume] = loudness_lufs(read_pcm(client.post(SPEAK, json=body).content), 24_000)

    assert loudness[-12.0] == pytest.approx(loudness[0.0] - 12.0, abs=0.3)
    assert loudness[6.0] == pytest.approx(loudness[0.0] + 6.0, abs=0.5)


def test_the_speed_is_heard(client: TestClient, voice: str) -> None:
    normal, fast = (
        float(client.post(SPEAK, json=body).headers["x-audio-duration"])
        for body in ({"text": TEXT, "voice": voice, "speed": speed} for speed in (1.0, 2.0))
    )

    assert fast == pytest.approx(normal / 2, rel=0.05)


def test_the_pitch_is_changed_and_the_duration_is_not(client: TestClient, voice: str) -> None:
    answers = [
        client.post(SPEAK, json={"text": "Hello.", "voice": voice, "pitch": pitch})
        for pitch in (0.0, -7.0, 7.0)
    ]

    assert len({answer.content for answer in answers}) == 3
    assert len({answer.headers["x-audio-duration"] for answer in answers}) == 1


def test_the_older_route_speaks_the_same_with_the_same_headers(
    client: TestClient, voice: str
) -> None:
    fields = {"text": "The same. Yes.", "format": "mp3", "speed": 1.2} | seeded(3)
    new = client.post(SPEAK, json=fields | {"voice": voice, "pitch": 2.0})

    old = client.post(f"/voices/{voice}/synthesize", json=fields | {"pitch_semitones": 2.0})

    assert old.content == new.content
    assert {name for name in new.headers if name.startswith("x-")} == {
        name for name in old.headers if name.startswith("x-")
    }


def post(client: TestClient, path: str, body: dict[str, Any]) -> Any:
    """Sent as Python writes it, which is more than JSON allows."""
    headers = {"Content-Type": "application/json"}
    return client.post(path, content=json.dumps(body).encode(), headers=headers)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": "  \n"}, "text-unspeakable"),
        ({"text": "😀"}, "text-unspeakable"),
        ({"text": "null\x00byte"}, "invalid-request"),
        ({"text": "lone \ud800 surrogate"}, "invalid-request"),
        ({"text": "word " * 20_001}, "text-too-long"),
        ({"ssml": "<speak>" + "<s/>" * 25_000 + "a</speak>"}, "text-too-long"),
        ({"ssml": "<speak> <break/> </speak>"}, "text-unspeakable"),
        ({"ssml": "<speak>a"}, "markup-invalid"),
        ({"ssml": "<speak><say-as interpret-as='date'>a</say-as></speak>"}, "markup-invalid"),
        ({"ssml": "<!DOCTYPE speak [<!ENTITY a 'b'>]><speak>&a;</speak>"}, "markup-invalid"),
        ({"ssml": "<speak><prosody pitch='+12.5st'>a</prosody></speak>"}, "markup-invalid"),
        ({"ssml": "<speak xml:lang='de'>a</speak>", "language": "en"}, "markup-invalid"),
        ({"ssml": "<speak xml:lang='tlh'>a</speak>"}, "language-unsupported"),
        ({"ssml": "lone \ud800 surrogate"}, "invalid-request"),
        ({"text": "a", "ssml": "<speak>a</speak>"}, "invalid-request"),
        ({}, "invalid-request"),
        ({"text": "a", "format": "docx"}, "invalid-request"),
        ({"text": "a", "format": "opus", "sample_rate": 22050}, "format-unsupported"),
        ({"text": "a", "sample_rate": 1e9}, "invalid-request"),
        ({"text": "a", "speed": 2.1}, "invalid-request"),
        ({"text": "a", "speed": float("nan")}, "invalid-request"),
        ({"text": "a", "pitch": 12.5}, "invalid-request"),
        ({"text": "a", "pitch": float("nan")}, "invalid-request"),
        ({"text": "a", "volume": 21}, "invalid-request"),
        ({"text": "a", "volume": float("-inf")}, "invalid-request"),
        ({"text": "a", "volume": "loud"}, "invalid-request"),
        ({"text": "a", "seed": -1}, "invalid-request"),
        ({"text": "a", "language": "tlh"}, "language-unsupported"),
        ({"text": "a", "lexicon_ids": ["a", "b", "c", "d"]}, "invalid-request"),
        ({"text": "a", "lexicon_ids": "a"}, "invalid-request"),
        ({"text": "a", "store": "no"}, "invalid-request"),
        ({"text": "a", "stream": True}, "invalid-request"),
        ({"text": "a", "voice": ""}, "invalid-request"),
        ({"text": "a", "voice": None}, "invalid-request"),
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)
@pytest.mark.parametrize("path", [SPEAK, STREAM], ids=["whole", "stream"])
def test_what_cannot_be_spoken_is_400_with_a_suggestion(
    client: TestClient, voice: str, path: str, fields: dict[str, object], code: str
) -> None:
    body = {"voice": voice} | fields
    if path == STREAM:
        body["stream_format"] = "sse"

    response = post(client, path, body)

    assert response.status_code == 400, response.text
    assert response.json()["code"] == code
    assert response.json()["suggestion"]


@pytest.mark.parametrize("path", [SPEAK, STREAM], ids=["whole", "stream"])
def test_a_mistake_in_markup_is_told_with_its_place(
    client: TestClient, voice: str, path: str
) -> None:
    ssml = "<speak>\n  Good. <audio>Bad.</audio></speak>"

    problem = client.post(path, json={"ssml": ssml, "voice": voice}).json()

    assert (problem["line"], problem["column"]) == (2, 9)
    assert problem["detail"] == "`<audio>` is not supported, at line 2, column 9."


@pytest.mark.parametrize("path", [SPEAK, STREAM], ids=["whole", "stream"])
@pytest.mark.parametrize(
    "unknown",
    [
        "550e8400-e29b-41d4-a716-446655440000", "..", "a/b", "\x00", "%", "Ä", "😀", " ",
        "{voice_id}", "x" * 100,
    ],
)  # fmt: skip
def test_a_voice_that_is_not_there_is_404(client: TestClient, path: str, unknown: str) -> None:
    response = client.post(path, json={"text": "Hello", "voice": unknown})

    assert response.status_code == 404
    assert response.json()["code"] == "voice-not-found"


@pytest.mark.parametrize("path", [SPEAK, STREAM], ids=["whole", "stream"])
def test_the_voice_of_another_is_404(client: TestClient, voice: str, path: str) -> None:
    body = {"text": "Hello", "voice": voice}

    response = client.post(path, json=body, headers={"X-Owner": "ben"})

    assert response.json()["code"] == "voice-not-found"
    assert client.post(path, json=body).status_code == 200


@pytest.mark.parametrize("path", [SPEAK, STREAM], ids=["whole", "stream"])
def test_lexicons_are_not_ignored_there_are_none(client: TestClient, voice: str, path: str) -> None:
    body = {"text": "Hello", "voice": voice}

    response = client.post(path, json=body | {"lexicon_ids": ["places"]})

    assert response.status_code == 404
    assert response.json()["code"] == "lexicon-not-found"
    assert client.post(path, json=body | {"lexicon_ids": []}).status_code == 200


def test_a_stream_may_be_longer_than_a_whole(client: TestClient, voice: str) -> None:
    body = {"text": "word " * 2001, "voice": voice, "format": "mulaw"}

    problem = client.post(SPEAK, json=body).json()

    assert (problem["measured"], problem["limit"]) == (10_005, 10_000)
    assert "stream" in problem["suggestion"]
    assert client.post(STREAM, json=body).status_code == 200


@pytest.mark.parametrize("path", [SPEAK, STREAM], ids=["whole", "stream"])
def test_characters_are_charged_markup_included(settings: Settings, path: str) -> None:
    limited = settings.model_copy(
        update={"rate_limiting_enabled": True, "rate_limit_characters": 100_000}
    )
    with TestClient(create_app(limited, clock=lambda: 0.0)) as client:
        voice = registered(client)
        answers = [
            client.post(path, json={"voice": voice} | fields)
            for fields in (
                {"text": "x" * 50},
                {"ssml": "<speak>a</speak>"},
                {"ssml": "<speak>a"},
                {"text": "Too much. " * 10},
            )
        ]

    left = [re.search(r'"characters";r=(\d+)', a.headers["RateLimit"]) for a in answers]
    assert [answer.status_code for answer in answers] == [200, 200, 400, 200]
    assert [found and found[1] for found in left] == ["99950", "99934", None, "99834"]


def test_the_metrics_count_what_was_spoken(client: TestClient, voice: str) -> None:
    def characters() -> float:
        by = {"engine": engine_name(), "format": "mulaw"}
        return value(scrape(client), "speech_characters_total", **by)

    before = characters()

    client.post(SPEAK, json={"text": TEXT, "voice": voice, "format": "mulaw"})

    assert characters() - before == len(TEXT)
