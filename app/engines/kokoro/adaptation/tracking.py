"""What a recording's frames are: its pitch curve, its cepstra, and which frame of other speech
each is like.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from app.audio.dsp import resample, yin
from app.audio.types import Samples

Floats = NDArray[np.float32]

_PITCH_RATE = 12_000
_MIN_HZ, _MAX_HZ = 55.0, 450.0
_BINS_AN_OCTAVE = 48
_WINDOW_S = 0.03
# Costs in the unit of YIN's difference, which is 0 for a perfect period and 1 on average.
_UNVOICED, _SWITCH, _JUMP, _FAR = 0.8, 0.3, 0.01, 0.3
_MAX_JUMP = 24  # bins
_MEL_HZ = np.concatenate([np.arange(15) * 200 / 3, 1000 * 6.4 ** (np.arange(40) / 27)])
_FLOOR = 0.005  # of the loudest frame: below it nobody speaks


def pitch_curve(samples: Samples, rate: int, *, hop_s: float, around_hz: float) -> Floats:
    """Fundamental frequency in Hz of each frame, 0 where there is no voice.

    The best path by YIN's difference (de Cheveigné and Kawahara, 2002), where jumps, switching
    the voice on and off, and distance from the speaker's usual pitch cost.

    Args:
        hop_s: seconds between frames; the first is centred at 0.
        around_hz: the speaker's median.
    """
    speech = resample(samples, rate, _PITCH_RATE)
    window, longest = int(_WINDOW_S * _PITCH_RATE), int(_PITCH_RATE / _MIN_HZ) + 2
    count = int(len(samples) / rate / hop_s) + 1
    padded = np.pad(speech, (window + longest) // 2 + 1)
    starts = np.round(np.arange(count) * hop_s * _PITCH_RATE).astype(int)
    starts = np.minimum(starts, len(padded) - window - longest)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window + longest)[starts]
    octaves = np.arange(0, np.log2(_MAX_HZ / _MIN_HZ), 1 / _BINS_AN_OCTAVE)
    hertz = _MIN_HZ * 2**octaves
    cost = _at_lags(yin(frames, window, longest), _PITCH_RATE / hertz)
    cost += _FAR * np.log2(hertz / around_hz) ** 2
    level = np.sqrt(np.mean(frames**2, axis=1))
    cost[level < _FLOOR * level.max()] += 1.0
    path = _cheapest_path(np.column_stack([cost, np.full(count, _UNVOICED)]))
    return np.append(hertz, 0.0)[path].astype(np.float32)


def _at_lags(normal: Floats, lags: NDArray[np.float64]) -> Floats:
    """(frames, lags) between the whole lags."""
    low = lags.astype(int)
    part = (lags - low).astype(np.float32)
    return np.asarray(normal[:, low] * (1 - part) + normal[:, low + 1] * part, np.float32)


def _cheapest_path(cost: Floats) -> NDArray[np.int64]:
    """Viterbi over (frames, states); the last state is "no voice"."""
    frames, states = cost.shape
    bins = np.arange(states - 1)
    steps = np.abs(bins[:, None] - bins[None])
    move = np.full((states, states), _SWITCH, np.float32)
    move[:-1, :-1] = np.where(steps <= _MAX_JUMP, _JUMP * steps, 1e3)
    move[-1, -1] = 0.0
    total = cost[0].copy()
    back = np.zeros((frames, states), np.int64)
    for frame in range(1, frames):
        ways = total[:, None] + move
        back[frame] = ways.argmin(0)
        total = ways[back[frame], np.arange(states)] + cost[frame]
    path = np.zeros(frames, np.int64)
    path[-1] = total.argmin()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    return path


def align(ours: Floats, theirs: Floats) -> tuple[NDArray[np.int64], float]:
    """Dynamic time warping.

    Args:
        ours: (features, n). theirs: (features, m).

    Returns:
        The frame of ours that each of theirs is like, int64 (m,), and the mean distance.
    """
    distance = np.sqrt(
        np.maximum(((ours[:, :, None] - theirs[:, None]) ** 2).sum(0), 0.0), dtype=np.float32
    )
    n, m = distance.shape
    total = np.full((n + 1, m + 1), np.inf, np.float32)
    total[0, 0] = 0.0
    # Along the anti-diagonals, whose cells do not depend on each other.
    for diagonal in range(2, n + m + 1):
        i = np.arange(max(1, diagonal - m), min(n, diagonal - 1) + 1)
        j = diagonal - i
        before = np.minimum(np.minimum(total[i - 1, j - 1], total[i - 1, j]), total[i, j - 1])
        total[i, j] = distance[i - 1, j - 1] + before
    return _trace(total, n, m)


def _trace(total: Floats, n: int, m: int) -> tuple[NDArray[np.int64], float]:
    found, i, j, steps = np.zeros(m, np.int64), n, m, 0
    while i and j:
        found[j - 1] = i - 1
        steps += 1
        ways = (total[i - 1, j - 1], total[i - 1, j], total[i, j - 1])
        best = int(np.argmin(ways))
        i, j = i - (best != 2), j - (best != 1)
    return found, float(total[n, m]) / max(steps, 1)


def mel_filters(rate: int, size: int, bins: int, *, low: float, high: float) -> Floats:
    """Triangles evenly spaced in mel (Slaney's Auditory Toolbox: linear up to 1 kHz, then
    logarithmic), each of area 1: (size // 2 + 1, bins).
    """
    scale = np.arange(len(_MEL_HZ))
    first, last = np.interp([low, high], _MEL_HZ, scale)
    edges = np.interp(np.linspace(first, last, bins + 2), scale, _MEL_HZ)
    hertz = np.arange(size // 2 + 1)[:, None] * rate / size
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    filters = np.maximum(np.minimum(rising, falling), 0.0) * 2 / (edges[2:] - edges[:-2])
    return np.asarray(filters, np.float32)


def cepstra(samples: Samples, rate: int, *, hop: int, count: int) -> Floats:
    """(count, frames) mel cepstra without their mean over time: the channel does not count."""
    size = 1024
    padded = np.pad(samples, size // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    filters, window, basis = _cepstral_tables(rate, size, count)
    log = np.log(np.abs(np.fft.rfft(frames * window)).astype(np.float32) @ filters + 1e-2)
    return np.asarray(((log - log.mean(0)) @ basis).T, np.float32)


@cache
def _cepstral_tables(rate: int, size: int, count: int) -> tuple[Floats, Floats, Floats]:
    bins = 80
    filters = mel_filters(rate, size, bins, low=40, high=7600)
    angles = np.pi / bins * (np.arange(bins)[:, None] + 0.5) * np.arange(count)
    basis = np.cos(angles) * np.sqrt(2 / bins)
    basis[:, 0] /= np.sqrt(2)
    return filters, np.hanning(size).astype(np.float32), basis.astype(np.float32)


def level(samples: Samples, *, window: int, hop: int) -> Floats:
    """Natural logarithm of the amplitude of each frame, the first centred at 0."""
    padded = np.pad(samples, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    return np.asarray(np.log(np.sqrt(np.mean(frames**2, axis=1)) + 1e-4), np.float32)
