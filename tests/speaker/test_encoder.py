"""The speaker encoder, on real speech."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app.audio.decode import DecodeLimits, decode
from app.audio.dsp import resample
from app.audio.types import Samples
from app.core.exceptions import EngineUnavailable, RecordingTooShort
from app.speaker.encoder import SpeakerEncoder
from app.speaker.similarity import describe
from tests.audio.signals import model_file, noise, speech_files


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder(model_file("wespeaker-resnet34-lm.onnx"), threads=2)


def clip(speaker: str, index: int) -> Samples:
    file = speech_files(speaker)[index]
    return decode(file.read_bytes(), DecodeLimits(max_bytes=10**7, max_seconds=60)).samples


@pytest.mark.parametrize("content", [None, b"", b"no model"], ids=["missing", "empty", "damaged"])
def test_a_file_that_is_no_model_is_said(tmp_path: Path, content: bytes | None):
    file = tmp_path / "encoder.onnx"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(EngineUnavailable) as refused:
        SpeakerEncoder(file)

    assert refused.value.suggestion


@pytest.mark.models
def test_one_speaker_is_more_alike_than_two(encoder):
    speakers = ["1688", "2033", "2609", "367", "3080"]
    first, second = (
        np.stack([encoder.embed(clip(name, index), 16_000) for name in speakers])
        for index in (0, 3)
    )
    similarity = first @ second.T

    same = np.diagonal(similarity)
    different = similarity[~np.eye(len(speakers), dtype=bool)]
    assert same.min() > different.max()
    assert {describe(float(value)) for value in same} <= {
        "same speaker very likely",
        "same speaker likely",
    }
    assert "same speaker very likely" not in {describe(float(value)) for value in different}


@pytest.mark.models
@pytest.mark.parametrize("seconds", [0.5, 1.0, 5.0, 45.0])
def test_an_embedding_has_length_1_however_long_the_recording(encoder, seconds):
    vector = encoder.embed(noise(seconds, 16_000), 16_000)

    assert vector.shape == (256,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.models
@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_the_sample_rate_hardly_matters(encoder, rate):
    samples = clip("2033", 0)
    other = resample(samples, 16_000, rate)
    similarity = float(encoder.embed(samples, 16_000) @ encoder.embed(other, rate))

    assert similarity > (0.5 if rate < 16_000 else 0.9)


@pytest.mark.models
def test_the_level_hardly_matters(encoder):
    samples = clip("2033", 0)

    similarity = encoder.embed(samples, 16_000) @ encoder.embed(0.1 * samples, 16_000)
    assert float(similarity) > 0.98


@pytest.mark.models
@pytest.mark.parametrize("samples", [0, 100, 7_999])
def test_too_short_a_recording_is_refused_with_figures(encoder, samples):
    with pytest.raises(RecordingTooShort) as refused:
        encoder.embed(np.ones(samples, np.float32), 16_000)

    assert refused.value.extra["limit"] == 0.5
    assert refused.value.extra["measured"] == pytest.approx(samples / 16_000, abs=0.01)


@pytest.mark.models
def test_threads_share_an_encoder(encoder):
    clips = [clip("2033", index)[:48_000] for index in range(4)]
    alone = [encoder.embed(samples, 16_000) for samples in clips]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda samples: encoder.embed(samples, 16_000), clips * 2))

    np.testing.assert_allclose(together, alone * 2, atol=1e-5)
