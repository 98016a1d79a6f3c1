"""Short-time spectra, and back."""

import numpy as np
from numpy.typing import NDArray

from app.audio.types import Samples

Spectrum = NDArray[np.complex64]
"""(bins, frames)."""


def hann(size: int) -> Samples:
    """The periodic Hann window, float32 (size,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


def spectrum(samples: Samples, size: int, hop: int) -> Spectrum:
    """Frames of `size` samples around every multiple of `hop`, windowed by `hann`.

    Args:
        samples: float32 (n,), any n >= 1; mirrored at the ends, silence where it is too short.

    Returns:
        complex64 (size // 2 + 1, 1 + n // hop).
    """
    half = size // 2
    padded = np.pad(samples, half, mode="reflect" if len(samples) > half else "constant")
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return np.fft.rfft(frames * hann(size), axis=1).astype(np.complex64).T


def signal(of: Spectrum, size: int, hop: int, length: int) -> Samples:
    """The samples whose `spectrum` is nearest: overlap-add, weighted by the window.

    Returns:
        float32 (length,).
    """
    window = hann(size)
    pieces = np.fft.irfft(of.T, size, axis=1).astype(np.float32) * window
    total = np.zeros(len(pieces) * hop + size, np.float32)
    weight = np.zeros_like(total)
    for number, piece in enumerate(pieces):
        at = slice(number * hop, number * hop + size)
        total[at] += piece
        weight[at] += window**2
    inside = slice(size // 2, size // 2 + length)
    return np.asarray(total[inside] / np.maximum(weight[inside], 1e-6), np.float32)
