"""The whole path with the real engine: a recording of somebody in, understandable speech out."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyloudnorm
import pytest
from fastapi.testclient import TestClient

from app.audio.decode import DecodeLimits, decode
from app.audio.dsp import median_pitch_hz, resample
from app.audio.encode import encode_all
from app.audio.types import AudioFormat, Samples
from app.core.config import Settings
from app.main import create_app
from app.speaker.encoder import SpeakerEncoder
from app.speaker.similarity import describe
from tests.audio.signals import model_file, speech_files

pytestmark = [pytest.mark.models, pytest.mark.timeout(300)]

RATE = 24_000
MAN, WOMAN = "2033", "3080"
TEXT = (
    "The train to the coast leaves at seven in the morning. "
    "Fresh bread and warm soup are all we need tonight."
)
SHORT = "Nobody expected a decision before Thursday."


@pytest.fixture(scope="module")
def models() -> Path:
    files = ("kokoro-int8.onnx", "kokoro-voices.bin", "wespeaker-resnet34-lm.onnx")
    return {model_file(name).parent for name in (*files, "silero-vad.onnx")}.pop()


@pytest.fixture(scope="module")
def client(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path_factory.mktemp("data"),
        model_dir=models,
        voice_engine="kokoro",
        rate_limiting_enabled=False,
    )
    with TestClient(create_app(settings)) as running:
        yield running


@pytest.fixture(scope="module")
def encoder(models: Path) -> SpeakerEncoder:
    return SpeakerEncoder(models / "wespeaker-resnet34-lm.onnx", threads=2)


def joined(speaker: str) -> tuple[Samples, int]:
    """10 to 20 s of a speaker."""
    limits = DecodeLimits(max_bytes=10**7, max_seconds=60)
    clips = [decode(file.read_bytes(), limits) for file in speech_files(speaker)[:3]]
    rate = clips[0].sample_rate
    samples = np.concatenate([clip.samples for clip in clips])[: 20 * rate]
    assert len(samples) >= 10 * rate
    return samples, rate


@pytest.fixture(scope="module")
def clones(client: TestClient) -> dict[str, dict[str, Any]]:
    """Speaker -> the answer to the registration."""
    answers = {}
    for speaker in (MAN, WOMAN):
        samples, rate = joined(speaker)
        file = encode_all(samples, AudioFormat.FLAC, input_rate=rate, output_rate=rate)
        response = client.post(
            "/voices",
            files={"file": ("clip.flac", file, "audio/flac")},
            data={"name": f"speaker {speaker}"},
        )
        assert response.status_code == 201, response.text
        answers[speaker] = response.json()
    return answers


def say(client: TestClient, voice: dict[str, Any], text: str, **fields: Any) -> bytes:
    body = {"text": text, "format": "wav", **fields}
    response = client.post(f"/voices/{voice['voice_id']}/synthesize", json=body)
    assert response.status_code == 200, response.text
    return response.content


def read_wav(content: bytes) -> Samples:
    with av.open(BytesIO(content)) as container:
        assert container.streams.audio[0].rate == RATE
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(frames, axis=1)[0].astype(np.float32) / 32768.0


@pytest.fixture(scope="module")
def spoken(client: TestClient, clones: dict[str, dict[str, Any]]) -> dict[str, Samples]:
    """Speaker -> the text in the clone of the speaker."""
    return {speaker: read_wav(say(client, clones[speaker], TEXT)) for speaker in clones}


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", " ", text.lower()).split()


def word_errors(expected: list[str], heard: list[str]) -> int:
    """Words inserted, left out or replaced."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(expected, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def test_a_clone_of_real_speech_is_understood(spoken):
    whisper = pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
    folder = model_file("whisper-base/model.bin").parent
    recogniser = whisper.WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=2, local_files_only=True
    )
    for samples in spoken.values():
        segments, _ = recogniser.transcribe(resample(samples, RATE, 16_000), language="en")
        heard = words(" ".join(segment.text for segment in segments))
        expected = words(TEXT.replace("seven", "7") if "7" in heard else TEXT)
        assert word_errors(expected, heard) <= 0.1 * len(expected), heard


def test_the_similarity_of_a_clone_is_told_in_numbers_and_words(client, clones):
    for answer in clones.values():
        assert 0.0 < answer["similarity"] < 1.0
        assert answer["likeness"] == describe(answer["similarity"])
        shown = client.get(f"/voices/{answer['voice_id']}").json()
        assert shown["similarity"] == answer["similarity"]
        assert shown["engine"] == "kokoro"
        assert answer["report"]["speakers"] == 1
        assert answer["report"]["speech_s"] >= 8


def test_a_clone_is_nearer_to_its_own_speaker_in_sound_and_pitch(spoken, encoder):
    people = {speaker: joined(speaker) for speaker in spoken}
    own = {speaker: encoder.embed(*people[speaker]) for speaker in spoken}
    for speaker, samples in spoken.items():
        other = WOMAN if speaker == MAN else MAN
        said = encoder.embed(samples, RATE)
        assert said @ own[speaker] > said @ own[other]
        pitch, target = median_pitch_hz(samples, RATE), median_pitch_hz(*people[speaker])
        assert abs(12 * np.log2(pitch / target)) < 4


def test_the_audio_is_clean(spoken):
    for samples in spoken.values():
        assert np.abs(samples).max() < 1.0
        assert pyloudnorm.Meter(RATE).integrated_loudness(samples) == pytest.approx(-20, abs=2)
        rate = len(words(TEXT)) / (len(samples) / RATE)
        assert 1.5 < rate < 4.5  # words a second
        assert np.abs(samples[: RATE // 100]).max() < 0.1  # no click at the start


def test_voices_that_speak_at_once_do_not_mix(client, clones, encoder):
    solo = {speaker: say(client, clones[speaker], SHORT) for speaker in clones}
    who = {speaker: encoder.embed(read_wav(solo[speaker]), RATE) for speaker in solo}

    with ThreadPoolExecutor(2) as pool:
        order = [MAN, WOMAN]
        said = list(pool.map(lambda speaker: say(client, clones[speaker], SHORT), order))

    for speaker, content in zip(order, said, strict=True):
        other = WOMAN if speaker == MAN else MAN
        embedding = encoder.embed(read_wav(content), RATE)
        assert embedding @ who[speaker] > 0.99 > embedding @ who[other]
        # Each file's manifest tells of its own request.
        assert np.array_equal(read_wav(content), read_wav(solo[speaker]))


def test_a_stream_says_what_the_whole_says(client, clones):
    text = "Come in. Sit down."
    whole = say(client, clones[MAN], text, format="pcm")

    assert say(client, clones[MAN], text, format="pcm", stream=True) == whole


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": "你好，世界。"}, "text-unspeakable"),
        ({"text": "?!… --- ..."}, "text-unspeakable"),
        ({"text": "Hello 你好"}, "text-unspeakable"),
        ({"text": "Hello.", "language": "zh"}, "language-unsupported"),
        ({"text": "word " * 2001}, "text-too-long"),
    ],
    ids=["chinese", "punctuation", "mixed", "language", "too long"],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_spoken_is_400(client, clones, body, code, stream):
    if stream and code == "text-too-long":
        body = {"text": "word " * 20_001}
    response = client.post(
        f"/voices/{clones[MAN]['voice_id']}/synthesize",
        content=json.dumps(body | {"stream": stream}),
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 400
    assert response.json()["code"] == code
    assert response.json()["suggestion"]


@pytest.mark.parametrize("text", ["I", "A.", "7", "OK"])
def test_a_very_short_text_is_spoken(client, clones, text):
    samples = read_wav(say(client, clones[WOMAN], text))

    assert 0.1 < len(samples) / RATE < 3
    assert np.abs(samples).max() > 0.05


def test_a_recording_without_speech_is_refused_by_the_real_detector(client):
    noise = np.random.default_rng(0).normal(0, 0.1, 10 * 16_000).astype(np.float32)
    file = encode_all(noise, AudioFormat.WAV, input_rate=16_000, output_rate=16_000)

    response = client.post("/voices", files={"file": ("noise.wav", file, "audio/wav")})

    assert response.status_code == 400
    assert response.json()["code"].startswith("recording-")
    assert response.json()["suggestion"]
