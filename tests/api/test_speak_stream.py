"""`POST /api/v1/synthesis/speak/stream`; on a real server where what arrives when matters."""

import asyncio
import threading
from base64 import b64decode
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api.speech import events as speech_events
from app.audio.types import SpeechChunk, WordTiming
from app.context import AppContext
from app.core.config import Settings
from app.core.exceptions import EngineFailed
from app.engines.base import SynthesisRequest
from app.engines.fake import read_back
from app.models.history import SpeechStatus
from app.models.speech import SpeechRequest, Spoken, SpokenPiece
from app.models.voice import Voice
from app.planning.draft import Drafting, SynthesisLimits
from app.services.synthesis import SynthesisService
from app.watermark.marking import Watermark
from tests.api.speech import events
from tests.api.test_synthesize import EndlessEngine, said
from tests.audio.signals import read_pcm
from tests.conftest import make_app, registered, serving
from tests.services.parts import FREE, shelf
from tests.speaking import engine_kind, new_engine
from tests.telemetry.series import scrape, value

SPEAK = "/api/v1/synthesis/speak"
STREAM = "/api/v1/synthesis/speak/stream"
TEXT = "One here. Two there. Three."


def audio_of(found: list[tuple[str, dict[str, Any]]]) -> bytes:
    return b"".join(b64decode(data["audio"]) for name, data in found if name == "audio")


class Wordy(engine_kind()):
    """Tells the place of the first word of each sentence."""

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        async for chunk in super().synthesize(request):
            yield replace(
                chunk,
                words=(
                    WordTiming(request.text.split()[0], 0.08, 0.2, 0, len(request.text.split()[0])),
                ),
            )


class Failing(engine_kind()):
    """Fails in the sentence that contains `fail`, and in another way in one with `crash`."""

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        if "fail" in request.text:
            raise EngineFailed("It broke.")
        if "crash" in request.text:
            raise RuntimeError(f"cannot say {request.text!r}")
        async for chunk in super().synthesize(request):
            yield chunk


# Events


def test_the_audio_of_all_events_is_the_stream(client: TestClient, register: Any) -> None:
    voice = register()
    # Such a stream is levelled within its sentences, events when these are whole.
    alike = not client.app.state.context.engine.info.streams  # type: ignore[attr-defined]
    for fmt in ("wav", "mp3", "flac", "opus", "aac", "pcm", "mulaw"):
        body = {"text": TEXT, "voice": voice, "format": fmt, "sample_rate": 8000}

        raw = client.post(STREAM, json=body)
        sse = client.post(STREAM, json=body | {"stream_format": "sse"})

        assert raw.status_code == sse.status_code == 200
        assert "content-length" not in raw.headers
        assert sse.headers["content-type"] == "text/event-stream; charset=utf-8"
        found = events(sse.text)
        assert [name for name, _ in found] == ["audio", "audio", "audio", "done"]
        assert (audio_of(found) == raw.content) is alike
        assert len(audio_of(found)) == pytest.approx(len(raw.content), rel=0.1)
        assert len(raw.content) > 1000


def test_events_tell_what_is_spoken_when(settings: Settings) -> None:
    text = "One here. Two there.\n\nThree."
    with TestClient(make_app(settings, Wordy())) as client:
        body = {"text": text, "voice": registered(client), "stream_format": "sse", "format": "pcm"}
        response = client.post(STREAM, json=body)
    *sentences, (_, done) = events(response.text)
    told = [data for _, data in sentences]

    assert [one["sentence"] for one in told] == [0, 1, 2]
    assert [text[one["start"] : one["end"]] for one in told] == [
        "One here.",
        "Two there.",
        "Three.",
    ]
    assert [one["text"] for one in told] == ["One here.", "Two there.", "Three."]
    assert told[0]["start_s"] == 0
    assert [one["start_s"] for one in told[1:]] == [one["end_s"] for one in told[:-1]]
    samples = read_pcm(audio_of(sentences))
    assert told[-1]["end_s"] == pytest.approx(len(samples) / 24_000, abs=1e-3)
    for one in told:
        start, end = (round(one[at] * 24_000) for at in ("start_s", "end_s"))
        assert [words for _, words in read_back(samples[start:end])] == [one["text"]]
        (word,) = one["words"]
        assert word["word"] == one["text"].split()[0].strip(".")
        assert text[word["start"] : word["end"]] == word["word"]
        assert (one["spoken"], one["language"]) == (one["text"], "en-US")
        assert word["start_s"] == pytest.approx(one["start_s"] + 0.08, abs=0.001)
    headers = response.headers
    assert done == {
        "duration_s": pytest.approx(told[-1]["end_s"], abs=0.001),
        "characters": len(text),
        "first_audio_ms": int(headers["x-first-audio-ms"]),
        "total_ms": done["total_ms"],
        "history_id": headers["x-history-id"],
        "voice_version": int(headers["x-voice-version"]),
        "engine": headers["x-engine"],
        "similarity": None,
        "normalized": True,
        "lexicon_applied": 0,
        "lexicon_ignored": 0,
        "translation": None,
        "prepared": None,
        "ssml_ignored": [],
    }
    assert headers["x-normalized"] == "true"
    assert done["total_ms"] >= done["first_audio_ms"]
    assert "x-audio-duration" not in headers
    assert "x-total-ms" not in headers
    assert headers["x-accel-buffering"] == "no"


def test_the_offsets_of_markup_are_those_of_the_text_without_it(
    client: TestClient, register: Any
) -> None:
    ssml = "<speak><p>One &amp; two.</p><break time='1s'/> <s>Three</s></speak>"
    body = {"ssml": ssml, "voice": register(), "stream_format": "sse", "format": "pcm"}

    *sentences, _ = events(client.post(STREAM, json=body).text)

    assert [(data["text"], data["start"], data["end"]) for _, data in sentences] == [
        ("One & two.", 0, 10),
        ("Three", 12, 17),
    ]
    first, second = (data for _, data in sentences)
    assert first["end_s"] - 1.0 == pytest.approx((len("One and two.") + 2) * 0.04, abs=0.08)
    assert second["start_s"] == first["end_s"]


@pytest.mark.parametrize(("word", "code"), [("fail", "engine-failed"), ("crash", "internal-error")])
def test_a_failure_on_the_way_is_the_last_event(
    settings: Settings, capsys: pytest.CaptureFixture[str], word: str, code: str
) -> None:
    with TestClient(make_app(settings, Failing())) as client:
        voice = registered(client)
        body = {"text": f"All is fine. Now {word}. Never.", "voice": voice, "format": "pcm"}
        response = client.post(STREAM, json=body | {"stream_format": "sse"})
        metrics = scrape(client)

    assert response.status_code == 200
    assert [name for name, _ in events(response.text)] == ["audio", "error"]
    problem = events(response.text)[1][1]
    assert (problem["code"], problem["status"]) == (code, 500)
    assert problem["instance"] == f"urn:request:{response.headers['x-request-id']}"
    assert "cannot say" not in response.text + capsys.readouterr().err
    assert value(metrics, "errors_total", code=code) == 1
    assert value(metrics, "speech_requests_total", outcome="failed") == 1


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_a_failure_before_the_first_sound_has_its_status(
    settings: Settings, stream_format: str
) -> None:
    with TestClient(make_app(settings, Failing())) as client:
        body = {"text": "Now fail. Never.", "voice": registered(client)}
        response = client.post(STREAM, json=body | {"stream_format": stream_format})

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "engine-failed"


@dataclass
class Made:
    """Speech whose second sentence comes when it is let."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def pieces(self) -> AsyncGenerator[SpokenPiece, None]:
        yield SpokenPiece(
            0, b"a", "One.", 0, 4, 0.0, 1.0, (), spoken="One.", language="en-US", voice="v"
        )
        await self.go_on.wait()
        raise EngineFailed("It broke.")


@pytest.mark.anyio
async def test_while_nothing_comes_a_comment_keeps_the_connection() -> None:
    speech: Any = Made()
    async with aclosing(speech_events(speech, {"type": "http"}, keep_alive_s=0.01)) as sent:
        assert (await anext(sent)).startswith(b"event: audio\n")
        comments = {await anext(sent) for _ in range(3)}
        speech.go_on.set()
        rest = [block async for block in sent]

    assert comments == {b": still speaking\n\n"}
    assert [block[:13] for block in rest if not block.startswith(b":")] == [b"event: error\n"]


# What arrives when


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_the_first_sentence_arrives_while_a_later_one_is_in_the_making(
    settings: Settings, stream_format: str
) -> None:
    with serving(make_app(settings, EndlessEngine())) as client:
        body = {"text": "A. B. C. D. E. F. G.", "voice": registered(client), "format": "pcm"}
        body["stream_format"] = stream_format
        with client.stream("POST", STREAM, json=body) as response:
            first = next(response.iter_bytes())
    if stream_format == "sse":
        first = audio_of(events(first.decode().partition("\n\n")[0] + "\n\n"))
    assert read_back(read_pcm(first[: len(first) // 2 * 2]))


def test_a_stream_of_audio_that_fails_later_is_broken_off(settings: Settings) -> None:
    with serving(make_app(settings, Failing())) as client:
        body = {"text": "All is fine. Now fail.", "voice": registered(client)}
        with client.stream("POST", STREAM, json=body) as response:
            assert response.status_code == 200
            with pytest.raises(httpx2.RemoteProtocolError):
                response.read()


@dataclass
class Log:
    """Keeps what it is told."""

    told: list[Spoken] = field(default_factory=list)

    def keeps(self, request: SpeechRequest) -> bool:
        return True

    def most_audio(self, request: SpeechRequest) -> int:
        return 2**30

    async def spoken(self, spoken: Spoken) -> None:
        await asyncio.sleep(0)
        self.told.append(spoken)


def tell(app: FastAPI, log: Log) -> None:
    """Have a running server tell the log of its syntheses."""
    context: AppContext = app.state.context
    synthesis = SynthesisService(
        voices=context.database.collection(Voice),
        reach=context.reach,
        states=context.stores.states,
        engine=context.engine,
        turns=context.turns,
        audit=context.trail,
        lexicons=shelf(context.database),
        watermark=Watermark(),
        permit=FREE,
        drafting=Drafting(
            context.engine.info, SynthesisLimits(max_chars=100_000, max_whole_chars=10_000)
        ),
        log=log,
    )
    app.state.context = replace(context, synthesis=synthesis)


class Stuck(EndlessEngine):
    """Tells when it has begun the sentence that it never ends."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = threading.Event()

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        if self.spoken == 3:
            self.stuck.set()
        async for chunk in super().synthesize(request):
            yield chunk


@pytest.mark.parametrize("stream_format", ["audio", "sse", None])
def test_a_client_that_leaves_stops_the_synthesis_frees_its_turn_and_is_told_of(
    settings: Settings, stream_format: str | None
) -> None:
    engine, log = Stuck(), Log()
    narrow = settings.model_copy(update={"max_concurrent_requests": 1})
    app = make_app(narrow, engine)
    with serving(app) as client:
        tell(app, log)
        voice = registered(client)
        body: dict[str, Any] = {"text": "One sentence. " * 100, "voice": voice, "format": "pcm"}
        if stream_format:
            body["stream_format"] = stream_format
            with client.stream("POST", STREAM, json=body) as response:
                received = response.iter_bytes()
                content = next(received)
                assert engine.stuck.wait(20)
                while stream_format == "sse" and content.count(b"event: audio") < 3:
                    content += next(received)
        else:
            with pytest.raises(httpx2.ReadTimeout):
                client.post(SPEAK, json=body, timeout=0.5)
        engine.spoken = 0
        # Only one request at a time is allowed: the next one is served when the first has ended.
        for _ in range(200):
            response = client.post(SPEAK, json={"text": "Next.", "voice": voice})
            if response.status_code == 200:
                break
            assert response.json()["code"] == "engine-busy"
        assert response.status_code == 200
        # It was told before its answer ended, and so was the one before.
        assert [one.status for one in log.told] == [SpeechStatus.CANCELLED, SpeechStatus.OK]
        assert log.told[1].id == response.headers["x-history-id"]
        assert log.told[1].content == response.content


# Many at once

NAMES = [f"{first}{last}a" for first in "bdlm" for last in ("an", "el", "or", "in")]


@pytest.mark.timeout(60)
def test_sixteen_streams_at_once_are_each_their_text_in_their_voice(settings: Settings) -> None:
    texts = [f"Stream {n} begins. It is number {n} of all. So ends {n}." for n in NAMES]
    with serving(make_app(settings, new_engine())) as client:
        voices = [registered(client, hz=hz) for hz in (100.0, 140.0, 180.0, 220.0)]

        def speak(n: int) -> tuple[frozenset[bytes], str]:
            body = {"text": texts[n], "voice": voices[n % 4], "format": "pcm"}
            body["stream_format"] = "sse" if n % 3 == 0 else "audio"
            response = client.post(STREAM, json=body)
            content = audio_of(events(response.text)) if n % 3 == 0 else response.content
            who, words = said(content)
            return frozenset(who), words

        with ThreadPoolExecutor(16) as pool:
            heard = list(pool.map(speak, range(16)))

    assert [words for _, words in heard] == texts
    assert all(len(who) == 1 for who, _ in heard)
    for n, (who, _) in enumerate(heard):
        assert who == heard[n % 4][0]
    assert len({who for who, _ in heard}) == 4
