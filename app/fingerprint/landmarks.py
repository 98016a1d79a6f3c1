"""Landmarks of a sound: pairs of spectral peaks, after Wang (2003), "An industrial-strength audio
search algorithm".

Peaks survive codecs, resampling, gain and moderate noise; their pairs say with one number which two
frequencies lie how far apart, whatever comes before or behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.audio.dsp import resample
from app.audio.spectrum import spectrum
from app.audio.types import Samples

_RATE: Final = 8_000
_SIZE, _HOP = 1024, 128
_LOW, _HIGH = 20, 448  # bins: 156 Hz to 3.5 kHz
_AROUND: Final = (21, 15)  # bins and frames in which a peak is the highest
_DEPTH: Final = 7.0  # natural logarithms below the highest peak: 61 dB
_WITHIN: Final = 16  # frames before and behind a peak, among whose peaks it is
_STRONGEST: Final = 8  # one of so many: a cut does not change which peaks are taken
_FAN: Final = 3  # pairs of a peak with later ones
_NEAREST, _FARTHEST = 2, 63  # frames
_WIDEST: Final = 200  # bins
_LOOKED_AT: Final = 40  # of the peaks that follow one

FRAME_S: Final = _HOP / _RATE
KEYS: Final = _HIGH << 15
"""All keys are less."""


@dataclass(frozen=True, slots=True)
class Landmarks:
    """uint32 (n,) keys, and int32 (n,) the frame of each."""

    keys: NDArray[np.uint32]
    frames: NDArray[np.int32]


def landmarks(samples: Samples, sample_rate: int) -> Landmarks:
    """Those of a sound, in order of time; none of silence.

    Args:
        samples: float32 (n,), mono.
        sample_rate: in Hz.
    """
    at, bins = _peaks(resample(samples, sample_rate, _RATE))
    taken = np.zeros(len(at), int)
    keys, frames = [], []
    for ahead in range(1, min(_LOOKED_AT, len(at))):
        apart = at[ahead:] - at[:-ahead]
        step = bins[ahead:] - bins[:-ahead]
        fits = (apart >= _NEAREST) & (apart <= _FARTHEST) & (np.abs(step) <= _WIDEST)
        fits &= taken[:-ahead] < _FAN
        taken[:-ahead] += fits
        keys.append((bins[:-ahead] << 15 | (step + 256) << 6 | apart)[fits])
        frames.append(at[:-ahead][fits])
    if not keys:
        return Landmarks(np.empty(0, np.uint32), np.empty(0, np.int32))
    all_frames = np.concatenate(frames).astype(np.int32)
    order = np.argsort(all_frames, kind="stable")
    return Landmarks(np.concatenate(keys).astype(np.uint32)[order], all_frames[order])


def clip_landmarks(samples: Samples, sample_rate: int) -> Landmarks:
    """Those of a clip that is searched for. It was cut anywhere between two frames of the output
    that it comes from, so it is looked at twice, the second time half a frame later.
    """
    sound = resample(samples, sample_rate, _RATE)
    return merged([landmarks(part, _RATE) for part in (sound, sound[_HOP // 2 :])])


def merged(parts: Sequence[Landmarks]) -> Landmarks:
    """Of pieces of one sound, whose frames are those of the whole."""
    if not parts:
        return Landmarks(np.empty(0, np.uint32), np.empty(0, np.int32))
    return Landmarks(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.frames for part in parts]),
    )


def _peaks(sound: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frames and bins of the peaks that stand out where they are, in order of time."""
    if not np.any(sound):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    levels = np.log(np.abs(spectrum(sound, _SIZE, _HOP)[_LOW:_HIGH]) + 1e-4)
    highest = _highest(_highest(levels, _AROUND[0]).T, _AROUND[1]).T
    at, bins = np.nonzero(((levels == highest) & (levels > levels.max() - _DEPTH)).T)
    stands_out = _higher_ones(at, levels[bins, at]) < _STRONGEST
    return at[stands_out], bins[stands_out]


def _higher_ones(at: NDArray[np.int64], levels: NDArray[np.float32]) -> NDArray[np.int64]:
    """How many of the peaks around each are higher."""
    higher = np.zeros(len(at), np.int64)
    for ahead in range(1, len(at)):
        near = at[ahead:] - at[:-ahead] <= _WITHIN
        if not near.any():
            break
        later = levels[ahead:] > levels[:-ahead]
        higher[:-ahead] += near & later
        higher[ahead:] += near & ~later
    return higher


def _highest(levels: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """The highest value of each row and of those around it, `size` rows in all, an odd number."""
    highest = np.pad(levels, ((size // 2,) * 2, (0, 0)), constant_values=-np.inf)
    covered = 1
    while covered < size:
        more = min(covered, size - covered)
        highest = np.maximum(highest[:-more], highest[more:])
        covered += more
    return highest
