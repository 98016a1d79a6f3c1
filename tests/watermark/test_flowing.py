"""Sound that is marked while it comes in."""

from pathlib import Path

import numpy as np
import pytest

from app.audio.decode import DecodeLimits, decode
from app.audio.dsp import resample
from app.audio.types import Samples
from app.watermark.flowing import FlowingMark
from app.watermark.marking import Mark, Watermark
from app.watermark.perth import Detector, Marker
from tests.audio.signals import model_file, noise, talk

RATE = 24_000
SAMPLE = Path(__file__).parents[2] / "app/samples/sample.flac"


class Louder:
    """The mark of a sample is that it is twice as loud; it tells of every call."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def mark(self, samples: Samples, sample_rate: int) -> Samples:
        self.lengths.append(len(samples))
        return samples * np.float32(2.0)


def flown(mark: Mark | None, sound: Samples, ms: int) -> list[Samples]:
    watermark = Watermark() if mark is None else Watermark(lambda: mark)
    flowing = FlowingMark(watermark, RATE)
    size = RATE * ms // 1000
    fed = [flowing.feed(sound[at : at + size]) for at in range(0, len(sound), size)]
    return [*fed, flowing.end()]


@pytest.mark.parametrize("ms", [1, 20, 85, 700])
def test_all_is_marked_but_for_the_end_of_the_first_block(ms: int) -> None:
    sound = talk(seconds=2.0)[0] + np.float32(0.1)
    got = np.concatenate(flown(Louder(), sound, ms))

    assert len(got) == len(sound)
    behind = RATE * (ms + 20) // 1000
    assert np.allclose(got[behind:], np.clip(2 * sound[behind:], -1, 1), atol=1e-5)


def test_the_first_block_goes_out_at_once_and_few_blocks_are_made() -> None:
    mark = Louder()
    pieces = flown(mark, talk(seconds=4.0)[0], 20)

    assert len(pieces[0]) == RATE * 20 // 1000
    assert len(mark.lengths) < 4.0 / 0.08 + 5
    assert max(mark.lengths) < RATE * 0.4


def test_without_a_mark_all_goes_through_as_it_comes() -> None:
    sound = noise(1.0)
    pieces = flown(None, sound, 20)

    assert np.array_equal(np.concatenate(pieces), sound)
    assert all(len(piece) == 480 for piece in pieces[:-1])


@pytest.mark.models
@pytest.mark.parametrize("ms", [20, 85, 170])
def test_the_mark_is_found_in_what_flowed(ms: int) -> None:
    heard = decode(SAMPLE.read_bytes(), DecodeLimits(10_000_000, 60.0))
    speech = resample(heard.samples, heard.sample_rate, RATE)[: 8 * RATE]
    checkpoint = model_file("perth-implicit.pth")
    marker, detector = Marker(checkpoint), Detector(checkpoint)

    got = np.concatenate(flown(marker, speech, ms))

    assert detector.score(got, RATE) > 0.9
    for start in range(0, 6 * RATE, 2 * RATE):  # everywhere in it
        assert detector.score(got[start : start + 2 * RATE], RATE) > 0.8
    steepest = np.abs(np.diff(marker.mark(speech, RATE))).max()
    assert np.abs(np.diff(got)).max() < 1.1 * steepest
