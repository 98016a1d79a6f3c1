"""All that is spoken is marked, and the mark is found: with a mark that a test can follow."""

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.audio.decode import DecodeLimits, decode
from app.audio.types import Samples
from app.core.exceptions import AssetError
from app.watermark.marking import Watermark
from tests.api.speech import events
from tests.api.test_batches import work
from tests.api.voices import settings_of
from tests.audio.signals import read_pcm
from tests.conftest import recording, registered
from tests.consents.speakers import wav
from tests.speaking import create_app

DETECT = "/api/v1/watermark/detect"
SPEAK = "/api/v1/synthesis/speak"
RATE = 24_000
HZ = 5_000.0  # above all tones of the fake engine


class Tone:
    """Adds a tone, and finds it."""

    def mark(self, samples: Samples, sample_rate: int) -> Samples:
        time = np.arange(len(samples)) / sample_rate
        return np.asarray(samples + 0.05 * np.sin(2 * np.pi * HZ * time), np.float32)

    def score(self, samples: Samples, sample_rate: int) -> float:
        power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
        hz = np.fft.rfftfreq(len(samples), 1.0 / sample_rate)
        share = power[np.abs(hz - HZ) < 50.0].sum() / max(power.sum(), 1e-9)
        return float(min(1.0, share * 100.0))


def tone() -> Tone:
    return Tone()


def missing() -> Tone:
    raise AssetError("The model file perth.pth is missing.", "Run `voice-cloning models pull`.")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = settings_of(tmp_path_factory.mktemp("data"))
    with TestClient(create_app(settings, watermark=Watermark(tone, tone))) as running:
        yield running


@pytest.fixture(scope="module")
def voice(client: TestClient) -> str:
    return registered(client)


def detect(client: TestClient, content: bytes) -> dict[str, Any]:
    response = client.post(DETECT, files={"file": ("a", content)})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


@pytest.mark.parametrize("fmt", ["wav", "mp3", "opus", "flac", "aac"])
def test_a_file_of_any_format_is_marked(client: TestClient, voice: str, fmt: str) -> None:
    body = {"text": "Hello there. And again.", "voice": voice, "format": fmt}

    found = detect(client, client.post(SPEAK, json=body).content)

    assert found["present"]
    assert found["score"] >= found["threshold"]
    (span,) = found["marked"]
    assert (span["start_s"], span["end_s"]) == (0.0, pytest.approx(found["duration"], abs=0.01))


def test_a_stream_of_any_kind_is_marked(client: TestClient, voice: str) -> None:
    said = {"text": "Hello there. And again.", "voice": voice, "format": "pcm"}
    plain = client.post(f"{SPEAK}/stream", json=said).content
    told = client.post(f"{SPEAK}/stream", json=said | {"stream_format": "sse"}).text
    chunks = b"".join(b64decode(data["audio"]) for name, data in events(told) if "audio" in data)

    for content in (plain, chunks):
        assert detect(client, wav(read_pcm(content)))["present"]


def test_the_older_routes_and_previews_are_marked(client: TestClient, voice: str) -> None:
    older = client.post(f"/voices/{voice}/synthesize", json={"text": "Hello there, all of you."})
    preview = client.post(f"/api/v1/voices/{voice}/preview")

    for response in (older, preview):
        assert detect(client, response.content)["present"]


def test_a_batch_is_marked(client: TestClient, voice: str) -> None:
    items = [{"text": "Hello there, all of you.", "voice": voice}]
    begun = client.post("/api/v1/synthesis/batch", json={"items": items})
    assert begun.status_code == 202, begun.text
    batch = begun.json()["batch"]
    work(client, batch)
    items_of = client.get(batch["links"]["items"]).json()["items"]

    assert detect(client, client.get(items_of[0]["audio"]).content)["present"]


def test_where_the_mark_is_is_told(client: TestClient) -> None:
    heard = decode(recording(hz=150.0, seconds=12.0), DecodeLimits(10_000_000, 60.0))
    plain = np.resize(heard.samples, 12 * RATE)

    found = detect(client, wav(np.concatenate([plain, Tone().mark(plain, RATE), plain])))

    (span,) = found["marked"]
    assert span["start_s"] == pytest.approx(12.0, abs=2.0)
    assert span["end_s"] == pytest.approx(24.0, abs=4.0)


def test_what_was_not_spoken_here_is_not_marked(client: TestClient) -> None:
    for content in (recording(hz=150.0, seconds=5.0), wav(np.zeros(RATE, np.float32))):
        found = detect(client, content)
        assert not found["present"]
        assert found["marked"] == []


def test_a_moment_of_sound_tells_nothing(client: TestClient) -> None:
    moment = Tone().mark(np.zeros(RATE // 10, np.float32), RATE)

    assert not detect(client, wav(moment))["present"]


@pytest.mark.parametrize(
    "content", [b"", b"no sound", b"RIFF\0\0\0\0WAVE"], ids=["", "text", "wav"]
)
def test_what_cannot_be_read_is_refused(client: TestClient, content: bytes) -> None:
    response = client.post(DETECT, files={"file": ("a.wav", content)})

    assert (response.status_code, response.json()["code"]) == (400, "unreadable-audio")
    assert response.json()["suggestion"]


def test_what_cannot_be_marked_is_not_spoken(tmp_path) -> None:
    app = create_app(settings_of(tmp_path), watermark=Watermark(missing, missing))
    with TestClient(app) as client:
        voice = registered(client)
        body = {"text": "Hello.", "voice": voice}
        spoken = [client.post(path, json=body) for path in (SPEAK, f"{SPEAK}/stream")]
        spoken.append(client.post(f"/voices/{voice}/synthesize", json={"text": "Hello."}))
        looked = client.post(DETECT, files={"file": ("a.wav", wav(np.zeros(RATE, np.float32)))})
        ready = client.get("/health/ready")

    for response in [*spoken, looked]:
        assert (response.status_code, response.json()["code"]) == (503, "asset-unavailable")
        assert "models pull" in response.json()["suggestion"]
    assert ready.status_code == 503
    assert "perth.pth" in ready.json()["checks"]["watermark"]


def test_the_operator_may_do_without(tmp_path) -> None:
    app = create_app(settings_of(tmp_path), watermark=Watermark(None, tone))
    with TestClient(app) as client:
        voice = registered(client)
        spoken = client.post(SPEAK, json={"text": "Hello there, all.", "voice": voice})

        assert spoken.status_code == 200
        assert not detect(client, spoken.content)["present"]
