"""What a client has of a sentence of Azure while Azure still speaks it: on a real server."""

import threading
from collections.abc import Iterator

import httpx2
import numpy as np
import pytest

from app.audio.dsp import loudness_lufs
from app.audio.types import Samples
from app.main import create_app
from app.watermark.marking import Watermark
from tests.api.speech import events
from tests.api.test_azure_voices import CONSENTS, NAMES, SAMPLE, STATEMENT
from tests.api.test_watermark import Tone
from tests.api.voices import settings_of
from tests.audio.signals import read_pcm, talk
from tests.azure_fake.faults import Fault
from tests.azure_fake.speech import SpeechFake, speech_service
from tests.conftest import serving
from tests.consents.speakers import ANN, listener, says
from tests.engines.azure.patience import Patience, engine_over

SPEAK = "/api/v1/synthesis/speak"
STREAM = f"{SPEAK}/stream"
SPEECH = "POST /tts/cognitiveservices/v1"
RATE = 24_000
TONE = Tone()


@pytest.fixture(scope="module")
def service() -> Iterator[SpeechFake]:
    with speech_service() as fake:
        yield fake


@pytest.fixture(scope="module")
def client(
    service: SpeechFake, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx2.Client]:
    settings = settings_of(
        tmp_path_factory.mktemp("data"),
        voice_engine="azure",
        azure_speech_key=service.account.key,
        azure_speech_endpoint=service.url,
        azure_speech_poll_s=0.001,
        max_concurrent_requests=1,
    )
    app = create_app(
        settings,
        engine=engine_over(service, Patience()),
        listener=listener,
        watermark=Watermark(lambda: TONE, lambda: TONE),
    )
    with serving(app) as running:
        yield running


@pytest.fixture(scope="module")
def voice(client: httpx2.Client) -> str:
    form = NAMES | {"purpose": "Tests.", "signed_by": "Ann Lee", "language": "en-GB"}
    files = {"provider_recording": ("p.wav", says(STATEMENT), "audio/wav")}
    agreed = client.post(CONSENTS, data=form, files=files).json()
    made = client.post(
        "/voices",
        files={"file": ("a.wav", says(SAMPLE, ANN), "audio/wav")},
        data={"consent_id": agreed["id"]},
    )
    assert made.status_code == 201, made.text
    return str(made.json()["voice_id"])


@pytest.fixture(autouse=True)
def speech(service: SpeechFake, voice: str) -> Iterator[Samples]:
    """Azure says the same to every text: 2 s of it, and a bit of silence before."""
    samples = talk(seconds=2.5)[0][9 * RATE // 20 :] * np.float32(0.5)
    service.account.sound = (samples * 32767).astype("<i2").tobytes()
    service.faults.clear()
    yield samples
    if service.account.hold is not None:
        service.account.hold.set()
    service.account.hold = None


def body(voice: str, **more: str) -> dict[str, str]:
    return {"text": "Hello there.", "voice": voice, "format": "pcm"} | more


@pytest.mark.parametrize("fmt", ["pcm", "wav"])
def test_the_first_sound_is_there_while_azure_still_speaks(
    client: httpx2.Client, service: SpeechFake, voice: str, fmt: str
) -> None:
    service.account.hold = threading.Event()
    with client.stream("POST", STREAM, json=body(voice, format=fmt)) as response:
        received = response.iter_bytes()
        first = next(received)
        assert not service.account.hold.is_set()
        service.account.hold.set()
        rest = b"".join(received)

    assert len(first) > 100
    assert len(rest) > 5 * len(first)
    assert len(service.account.spoken) >= 1


def test_it_is_what_is_sent_as_a_whole(client: httpx2.Client, voice: str) -> None:
    asked = body(voice) | {"text": "One here. Two there. Three."}
    client.post(STREAM, json=asked)  # now the voice's level is known

    whole = read_pcm(client.post(SPEAK, json=asked).content)
    flown = read_pcm(client.post(STREAM, json=asked).content)
    told = client.post(STREAM, json=asked | {"stream_format": "sse"}).text

    assert [name for name, _ in events(told)] == ["audio", "audio", "audio", "done"]
    assert len(flown) == pytest.approx(len(whole), abs=3 * RATE // 100)
    assert loudness_lufs(flown, RATE) == pytest.approx(loudness_lufs(whole, RATE), abs=1.5)
    assert np.abs(np.diff(flown)).max() < 1.2 * np.abs(np.diff(whole)).max()
    assert TONE.score(flown, RATE) > 0.6
    same = np.correlate(flown[: 3 * RATE // 2], whole[: 3 * RATE // 2], "full").max()
    power = np.linalg.norm(flown[: 3 * RATE // 2]) * np.linalg.norm(whole[: 3 * RATE // 2])
    assert same / power > 0.95


def test_speech_that_breaks_off_breaks_the_connection(
    client: httpx2.Client, service: SpeechFake, voice: str
) -> None:
    service.faults.add(SPEECH, Fault(cut=20_000))
    with client.stream("POST", STREAM, json=body(voice)) as response:
        assert response.status_code == 200
        with pytest.raises(httpx2.RemoteProtocolError):
            response.read()

    service.faults.add(SPEECH, Fault(403))
    refused = client.post(STREAM, json=body(voice))
    assert refused.status_code == 503, refused.text  # before the first sound: with its status


def test_a_client_that_leaves_in_a_sentence_stops_it(
    client: httpx2.Client, service: SpeechFake, voice: str
) -> None:
    service.account.hold = threading.Event()
    with client.stream("POST", STREAM, json=body(voice)) as response:
        next(response.iter_bytes())
    service.account.hold.set()
    service.account.hold = None

    # Only one request at a time is allowed: the next one is served when the first has ended.
    for _ in range(200):
        after = client.post(SPEAK, json=body(voice))
        if after.status_code == 200:
            break
        assert after.json()["code"] == "engine-busy"
    assert after.status_code == 200


def test_a_pitch_is_made_of_the_whole_sentence(
    client: httpx2.Client, service: SpeechFake, voice: str
) -> None:
    asked = {"voice": voice, "format": "pcm"}
    ssml = "<speak><prosody pitch='+3st'>Hello there.</prosody></speak>"

    whole = client.post(SPEAK, json=asked | {"ssml": ssml})
    flown = client.post(STREAM, json=asked | {"ssml": ssml})

    assert whole.status_code == flown.status_code == 200
    assert flown.content == whole.content
