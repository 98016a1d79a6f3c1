"""Log mel filterbank features as Kaldi defines them (`compute-fbank-feats`)."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from app.audio.types import Samples

SAMPLE_RATE = 16_000
MEL_BINS = 80
_WINDOW, _SHIFT, _FFT = 400, 160, 512  # 25 ms, 10 ms
_LOW_HZ, _HIGH_HZ = 20.0, 8000.0
_PREEMPHASIS = 0.97
_QUIET_SHARE = 0.4  # of the frames: pauses and closures
_LEAST_POWER = 1e-6


def fbank(samples: Samples) -> NDArray[np.float32]:
    """Features of speech at 16 kHz, mean-subtracted over time.

    Args:
        samples: float32 (n,), n >= 400, [-1, 1], at 16 kHz.

    Returns:
        float32 (frames, 80), one frame each 10 ms.
    """
    # Kaldi's models are trained on samples in the range of 16-bit integers.
    scaled = np.ascontiguousarray(samples, np.float32) * 32768.0
    frames = np.lib.stride_tricks.sliding_window_view(scaled, _WINDOW)[::_SHIFT].copy()
    frames -= frames.mean(axis=1, keepdims=True)
    frames[:, 1:] -= _PREEMPHASIS * frames[:, :-1]
    frames[:, 0] *= 1 - _PREEMPHASIS
    window, filters = tables()
    power = np.square(np.abs(np.fft.rfft(frames * window, _FFT))).astype(np.float32)
    features = np.log(np.maximum(power @ filters, np.finfo(np.float32).eps))
    return np.asarray(features - features.mean(axis=0), np.float32)


@cache
def tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The Hamming window (400,) and the mel filters (257, 80): triangles evenly spaced in mel."""

    def mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.asarray(1127.0 * np.log(1.0 + np.asarray(hz) / 700.0))

    edges = np.linspace(mel(_LOW_HZ), mel(_HIGH_HZ), MEL_BINS + 2)[:, None]
    bins = mel(np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT)[None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    filters = np.maximum(np.minimum(rising, falling), 0.0)
    filters[:, -1] = 0.0  # Kaldi leaves the Nyquist bin out
    return np.hamming(_WINDOW).astype(np.float32), filters.T.astype(np.float32)


def envelope(samples: Samples) -> NDArray[np.float32]:
    """The long-term spectrum of the louder frames of speech at 16 kHz, without its level: float32
    (80,), natural logarithm of the power in each mel band.
    """
    window, filters = tables()
    scaled = np.ascontiguousarray(samples, np.float32) * 32768.0
    frames = np.lib.stride_tricks.sliding_window_view(scaled, _WINDOW)[::_SHIFT] * window
    power = np.square(np.abs(np.fft.rfft(frames, _FFT))).astype(np.float32)
    loudness = power.sum(axis=1)
    loud = power[loudness > np.quantile(loudness, _QUIET_SHARE)] @ filters
    shape = np.log(loud + _LEAST_POWER).mean(axis=0)
    return np.asarray(shape - shape.mean(), np.float32)
