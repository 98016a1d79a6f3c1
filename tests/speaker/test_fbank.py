"""The features are Kaldi's: fixed numbers, computed once with kaldi_native_fbank 1.23.0."""

import numpy as np
import pytest

from app.speaker.fbank import fbank

# (frame, filter, value): dither 0, Hamming window, 80 bins, no energy floor; mean-subtracted.
KALDI = [
    (0, 0, -0.7901),
    (0, 10, 4.8517),
    (5, 20, -1.7113),
    (12, 33, -2.3338),
    (20, 40, -0.3002),
    (25, 55, 0.7980),
    (30, 3, -0.4851),
    (40, 79, 0.5031),
    (47, 60, 1.0733),
    (47, 79, 1.5161),
]


def sweep() -> np.ndarray:
    """Half a second: a rising tone, a beating one, and an offset that must not matter."""
    t = np.arange(8000) / 16000
    rising = 0.4 * np.sin(2 * np.pi * (200 + 1500 * t) * t)
    beating = 0.1 * np.sin(2 * np.pi * 3100 * t) * np.cos(2 * np.pi * 4 * t)
    return (rising + beating + 0.05).astype(np.float32)


def test_features_equal_those_of_kaldi():
    features = fbank(sweep())

    assert features.shape == (48, 80)
    assert features.dtype == np.float32
    got = [features[frame, band] for frame, band, _ in KALDI]
    assert got == pytest.approx([value for _, _, value in KALDI], abs=2e-3)


def test_features_do_not_depend_on_the_level():
    np.testing.assert_allclose(fbank(sweep()), fbank(0.1 * sweep()), atol=2e-3)


def test_the_input_is_left_alone():
    samples = sweep()
    fbank(samples)

    np.testing.assert_array_equal(samples, sweep())


def test_silence_has_features_too():
    assert np.isfinite(fbank(np.zeros(16000, np.float32))).all()


@pytest.mark.parametrize(("samples", "frames"), [(400, 1), (559, 1), (560, 2), (16000, 98)])
def test_there_is_a_frame_each_10_ms_that_fits(samples, frames):
    assert fbank(np.ones(samples, np.float32)).shape == (frames, 80)
