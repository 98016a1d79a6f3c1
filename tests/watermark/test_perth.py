"""The mark is found in what was marked, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest

from app.audio.decode import DecodeLimits, decode
from app.audio.dsp import resample
from app.audio.types import Samples
from app.watermark.perth import Detector, Marker
from tests.audio.signals import model_file, noise, snr_db

pytestmark = pytest.mark.models
SAMPLE = Path(__file__).parents[2] / "app/samples/sample.flac"
RATE = 24_000


@pytest.fixture(scope="module")
def speech() -> Samples:
    heard = decode(SAMPLE.read_bytes(), DecodeLimits(10_000_000, 60.0))
    return resample(heard.samples, heard.sample_rate, RATE)[: 8 * RATE]


@pytest.fixture(scope="module")
def marker() -> Marker:
    return Marker(model_file("perth-implicit.pth"))


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(model_file("perth-implicit.pth"))


def test_what_is_marked_is_found_and_what_is_not_is_not(
    marker: Marker, detector: Detector, speech: Samples
) -> None:
    marked = marker.mark(speech, RATE)

    assert detector.score(speech, RATE) < 0.3
    assert detector.score(marked, RATE) > 0.9
    assert marked.shape == speech.shape
    assert snr_db(speech, marked) > 9


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_it_is_found_at_every_rate(
    marker: Marker, detector: Detector, speech: Samples, rate: int
) -> None:
    assert detector.score(resample(marker.mark(speech, RATE), RATE, rate), rate) > 0.9


def test_sentences_that_are_marked_one_by_one_are_marked_together(
    marker: Marker, detector: Detector, speech: Samples
) -> None:
    parts = [marker.mark(part, RATE) for part in np.array_split(speech, 6)]

    assert detector.score(np.concatenate(parts), RATE) > 0.9


def test_silence_stays_silence_and_has_no_mark(marker: Marker, detector: Detector) -> None:
    silence = np.zeros(RATE, np.float32)

    assert not np.any(marker.mark(silence, RATE))
    assert detector.score(silence, RATE) == 0
    assert detector.score(noise(3.0), RATE) < 0.3
    assert len(marker.mark(noise(0.001), RATE)) == 24
