import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import av
import httpx2
import pytest
from fastapi.testclient import TestClient

from app.audio.types import SpeechChunk
from app.core.config import Settings
from app.core.exceptions import EngineFailed
from app.engines.base import SynthesisRequest
from app.engines.fake import read_back
from tests.audio.signals import read_pcm
from tests.conftest import make_app, recording, registered, serving
from tests.speaking import engine_kind

Register = Callable[..., str]


@pytest.fixture(scope="module")
def voice(shared: TestClient) -> str:
    """Of the server that the tests share."""
    return registered(shared)


def said(content: bytes) -> tuple[set[bytes], str]:
    """Who spoke and what, in audio of the fake engine (24 kHz PCM)."""
    pieces = read_back(read_pcm(content))
    return {voice for voice, _ in pieces}, " ".join(text for _, text in pieces)


def decoded(content: bytes) -> tuple[str, int, float]:
    """Codec, sample rate and seconds of a file."""
    with av.open(BytesIO(content)) as container:
        stream = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(stream))
        return stream.codec_context.name, stream.rate, samples / stream.rate


@pytest.mark.parametrize(
    ("fmt", "mime", "codec", "rate"),
    [
        ("wav", "audio/wav", "pcm_s16le", 22050),
        ("mp3", "audio/mpeg", "mp3float", 44100),
        ("flac", "audio/flac", "flac", 16000),
        ("opus", "audio/ogg", "opus", 48000),
        ("aac", "audio/aac", "aac", 24000),
        ("WAV", "audio/wav", "pcm_s16le", 8000),
    ],
)
def test_speech_comes_in_the_format_and_rate_asked_for(
    shared: TestClient, voice: str, fmt: str, mime: str, codec: str, rate: int
) -> None:
    body = {"text": "Hello, this is a test", "format": fmt, "sample_rate": rate}

    response = shared.post(f"/voices/{voice}/synthesize", json=body)

    assert response.status_code == 200
    assert response.headers["content-type"].startswith(mime)
    assert int(response.headers["content-length"]) == len(response.content)
    got_codec, got_rate, seconds = decoded(response.content)
    assert (got_codec, got_rate) == (codec, rate)
    assert seconds == pytest.approx(float(response.headers["x-audio-duration"]), abs=0.1)


def test_pcm_and_mulaw_are_headerless(client: TestClient, register: Register) -> None:
    voice = register()
    sizes = {}
    for fmt, width, rate in (("pcm", 2, 24000), ("mulaw", 1, 8000)):
        response = client.post(f"/voices/{voice}/synthesize", json={"text": "Hello", "format": fmt})
        seconds = float(response.headers["x-audio-duration"])
        sizes[fmt] = len(response.content) / width / rate / seconds

    assert sizes == {"pcm": pytest.approx(1, abs=0.01), "mulaw": pytest.approx(1, abs=0.01)}


def test_what_is_said_is_the_text_in_the_voice(client: TestClient, register: Register) -> None:
    texts = ["First one. Then two! And a third?", "It costs <b>5 €</b>."]
    spoken = [texts[0], "It costs less than b greater than five euros"]
    voices = [register(hz=hz) for hz in (100.0, 200.0)]

    heard = [
        said(
            client.post(f"/voices/{voice}/synthesize", json={"text": text, "format": "pcm"}).content
        )
        for voice, text in zip(voices, texts, strict=True)
    ]

    assert heard[0][1] == spoken[0]
    assert heard[1][1].startswith(spoken[1])
    assert all(len(who) == 1 for who, _ in heard)
    assert heard[0][0] != heard[1][0]


def test_streams_at_once_do_not_mix(client: TestClient, register: Register) -> None:
    voices = [register(hz=hz) for hz in (100.0, 140.0, 180.0, 220.0)]
    expected = {
        voice: f"The voice {n} says this. It says {n} again."
        for n, voice in zip(("ann", "ben", "cleo", "dan"), voices, strict=True)
    }

    def speak(n: int) -> tuple[str, set[bytes], str]:
        voice = voices[n % 4]
        body = {"text": expected[voice], "format": "pcm", "stream": n % 2 == 0}
        who, text = said(client.post(f"/voices/{voice}/synthesize", json=body).content)
        return voice, who, text

    with ThreadPoolExecutor(16) as pool:
        heard = list(pool.map(speak, range(32)))

    assert all(text == expected[voice] for voice, _, text in heard)
    fingerprints = {voice: who for voice, who, _ in heard}
    assert all(who == fingerprints[voice] and len(who) == 1 for voice, who, _ in heard)
    assert len({frozenset(who) for who in fingerprints.values()}) == 4


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": ""}, "text-unspeakable"),
        ({"text": "  \n\t "}, "text-unspeakable"),
        ({"text": "?!… --- ..."}, "text-unspeakable"),
        ({"text": "😀🎉"}, "text-unspeakable"),
        ({"text": "null\x00byte"}, "invalid-request"),
        ({"text": "lone \ud800 surrogate"}, "invalid-request"),
        ({"text": "word " * 2001}, "text-too-long"),
        ({"text": "word " * 20_001, "stream": True}, "text-too-long"),
        ({"text": 5}, "invalid-request"),
        ({}, "invalid-request"),
        ({"text": "a", "format": "ogg vorbis"}, "invalid-request"),
        ({"text": "a", "sample_rate": 0}, "invalid-request"),
        ({"text": "a", "sample_rate": 7999}, "invalid-request"),
        ({"text": "a", "sample_rate": 1e9}, "invalid-request"),
        ({"text": "a", "sample_rate": "22050"}, "invalid-request"),
        ({"text": "a", "format": "opus", "sample_rate": 22050}, "format-unsupported"),
        ({"text": "a", "speed": 3}, "invalid-request"),
        ({"text": "a", "pitch_semitones": 13}, "invalid-request"),
        ({"text": "a", "language": "tlh"}, "language-unsupported"),
        ({"text": "a", "voice": "unknown field"}, "invalid-request"),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_cannot_be_spoken_is_400_with_a_suggestion(
    shared: TestClient, voice: str, body: dict[str, object], code: str, stream: bool
) -> None:
    body = {"stream": stream} | body
    if code == "text-too-long" and body["stream"] and len(str(body["text"])) < 100_000:
        pytest.skip("a stream may be longer")
    content = json.dumps(body).encode()

    response = shared.post(
        f"/voices/{voice}/synthesize",
        content=content,
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 400, response.text
    assert response.json()["code"] == code
    assert response.json()["suggestion"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"text": "a"} trailing'])
def test_a_body_that_is_not_json_is_400(shared: TestClient, voice: str, content: bytes) -> None:
    response = shared.post(
        f"/voices/{voice}/synthesize",
        content=content,
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 400
    assert response.json()["code"] == "invalid-request"


def test_a_short_text_is_spoken(client: TestClient, register: Register) -> None:
    response = client.post(f"/voices/{register()}/synthesize", json={"text": "I", "format": "pcm"})

    assert said(response.content)[1] == "I"


class FailingEngine(engine_kind()):
    """Fails in the sentence that contains `fail`."""

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        if "fail" in request.text:
            raise EngineFailed("It broke.")
        async for chunk in super().synthesize(request):
            yield chunk


@pytest.mark.parametrize("stream", [False, True])
def test_an_engine_error_before_the_first_sound_has_its_status(
    settings: Settings, stream: bool
) -> None:
    with TestClient(make_app(settings, FailingEngine())) as client:
        file = ("a.wav", recording(), "audio/wav")
        voice = client.post("/voices", files={"file": file}).json()["voice_id"]
        response = client.post(
            f"/voices/{voice}/synthesize", json={"text": "Now fail.", "stream": stream}
        )

    assert response.status_code == 500
    assert response.json()["code"] == "engine-failed"


def test_a_failed_sentence_fails_the_whole(settings: Settings) -> None:
    with TestClient(make_app(settings, FailingEngine())) as client:
        file = ("a.wav", recording(), "audio/wav")
        voice = client.post("/voices", files={"file": file}).json()["voice_id"]
        response = client.post(f"/voices/{voice}/synthesize", json={"text": "Fine. Now fail."})

    assert response.status_code == 500


def test_a_stream_that_fails_later_is_broken_off(settings: Settings) -> None:
    with serving(make_app(settings, FailingEngine())) as client:
        file = ("a.wav", recording(), "audio/wav")
        voice = client.post("/voices", files={"file": file}).json()["voice_id"]
        body = {"text": "All is fine. Now fail.", "stream": True}
        with client.stream("POST", f"/voices/{voice}/synthesize", json=body) as response:
            assert response.status_code == 200
            with pytest.raises(httpx2.RemoteProtocolError):
                response.read()


class EndlessEngine(engine_kind()):
    """Counts its sentences."""

    def __init__(self) -> None:
        self.spoken = 0
        self.wait = asyncio.Event()

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        self.spoken += 1
        if self.spoken > 3:
            await self.wait.wait()  # never set: only cancelling ends it
        async for chunk in super().synthesize(request):
            yield chunk


@pytest.mark.parametrize("stream", [True, False])
def test_the_synthesis_stops_when_the_client_leaves(settings: Settings, stream: bool) -> None:
    engine = EndlessEngine()
    app = make_app(settings.model_copy(update={"max_concurrent_requests": 1}), engine)
    with serving(app) as client:
        file = ("a.wav", recording(), "audio/wav")
        voice = client.post("/voices", files={"file": file}).json()["voice_id"]
        body = {"text": "One sentence. " * 100, "stream": stream, "format": "pcm"}
        if stream:
            with client.stream("POST", f"/voices/{voice}/synthesize", json=body) as response:
                next(response.iter_bytes())
        else:
            with pytest.raises(httpx2.ReadTimeout):
                client.post(f"/voices/{voice}/synthesize", json=body, timeout=0.5)
        engine.spoken = 0
        # Only one request at a time is allowed: the next one is served when the first has ended.
        for _ in range(200):
            response = client.post(f"/voices/{voice}/synthesize", json={"text": "Next."})
            if response.status_code == 200:
                break
            assert response.json()["code"] == "engine-busy"
            assert int(response.headers["retry-after"]) > 0
        assert response.status_code == 200


def test_the_first_sentence_arrives_while_the_next_is_in_the_making(settings: Settings) -> None:
    engine = EndlessEngine()
    with serving(make_app(settings, engine)) as client:
        file = ("a.wav", recording(), "audio/wav")
        voice = client.post("/voices", files={"file": file}).json()["voice_id"]
        body = {"text": "A. B. C. D. E. F. G.", "stream": True, "format": "pcm"}
        with client.stream("POST", f"/voices/{voice}/synthesize", json=body) as response:
            first = next(response.iter_bytes())
            assert "content-length" not in response.headers
    assert read_back(read_pcm(first[: len(first) // 2 * 2]))


@pytest.mark.parametrize("stream", [True, False])
def test_a_leading_ornament_does_not_hide_an_engine_error(settings: Settings, stream: bool) -> None:
    with TestClient(make_app(settings, FailingEngine())) as client:
        file = ("a.wav", recording(), "audio/wav")
        voice = client.post("/voices", files={"file": file}).json()["voice_id"]
        body = {"text": "* * *\n\nNow fail.", "stream": stream}
        response = client.post(f"/voices/{voice}/synthesize", json=body)

    assert response.status_code == 500
