"""How fast somebody speaks."""

import numpy as np

from app.audio.types import Samples

_FRAME_S = 0.010
_SMOOTH_S = 0.05
_DIP_DB = 2.0
_FLOOR_DB = -25.0


def syllable_rate(samples: Samples, sample_rate: int) -> float | None:
    """Syllables a second while speaking, by counting peaks of the intensity that stand 2 dB above
    the dips beside them.

    The method of de Jong and Wempe (2009, "Praat script to detect syllable nuclei"), without its
    check for voicing. Good for comparing two recordings, not for counting.

    Args:
        samples: float32 (n,), mono.
        sample_rate: in Hz.

    Returns:
        None where there are under 5 peaks.
    """
    size = int(_FRAME_S * sample_rate)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    if len(frames) < round(1.0 / _FRAME_S):
        return None
    power = np.convolve(
        np.mean(frames**2, axis=1), np.hanning(round(2 * _SMOOTH_S / _FRAME_S)), "same"
    )
    level = 10 * np.log10(power + 1e-12)
    loud = level > np.quantile(level, 0.95) + _FLOOR_DB
    peaks = _count_peaks(level[loud])
    return peaks / (loud.sum() * _FRAME_S) if peaks >= 5 else None


def _count_peaks(level: np.ndarray[tuple[int], np.dtype[np.float64]]) -> int:
    """Rises of at least `_DIP_DB` that are followed by a fall of as much."""
    count, rising = 0, True
    low = high = level[0]
    for value in level:
        if rising:
            high = max(high, value)
            if value < high - _DIP_DB:
                count, rising, low = count + 1, False, value
        else:
            low = min(low, value)
            if value > low + _DIP_DB:
                rising, high = True, value
    return count
