"""Pitch and volume of speech that has been made, for engines that cannot change them."""

from math import ceil, isinf

import av
import numpy as np
from av.filter import Graph

from app.audio.dsp import resample
from app.audio.types import Samples

_PEAK = 0.97
# In ms: short enough that a word is not pulled down by the one before it, long enough that the
# gain does not follow the wave itself.
_LIMITER = f"limit={_PEAK}:level=0:latency=1:attack=5:release=50"
# What the time stretching may keep to itself at the end: two of its windows.
_TAIL_S = 0.2


def shift_pitch(samples: Samples, rate: int, *, semitones: float) -> Samples:
    """Another pitch, the same duration. Formants move along with the pitch.

    The speech is stretched by overlapping pieces of its wave (WSOLA, FFmpeg's `atempo`), then
    resampled to its old length.

    Args:
        samples: float32 (n,), mono.
        rate: in Hz.
        semitones: -12 to 12.

    Returns:
        float32 (n,).
    """
    if semitones == 0.0 or not len(samples):
        return samples
    ratio = 2.0 ** (semitones / 12.0)
    padded = np.pad(samples, (0, ceil(_TAIL_S * rate)))
    stretched = _filtered(padded, rate, "atempo", f"{1.0 / ratio:.9f}")
    shifted = resample(stretched, round(rate * ratio), rate)[: len(samples)]
    return np.pad(shifted, (0, len(samples) - len(shifted)))


def change_volume(samples: Samples, rate: int, *, db: float) -> Samples:
    """Louder or softer by so many dB; minus infinity is silence.

    Where it would go over full scale a limiter turns it down for that moment: nothing is clipped.

    Args:
        samples: float32 (n,), mono, [-1, 1].
        rate: in Hz.
        db: of amplitude.

    Returns:
        float32 (n,), none of it over 0.97 if `db` is positive.
    """
    if db == 0.0 or not len(samples):
        return samples
    if isinf(db):
        return np.zeros_like(samples)
    louder = np.asarray(samples * 10.0 ** (db / 20.0), np.float32)
    if db < 0 or np.abs(louder).max() <= _PEAK:
        return louder
    return np.clip(_filtered(louder, rate, "alimiter", _LIMITER), -_PEAK, _PEAK)


def _filtered(samples: Samples, rate: int, name: str, options: str) -> Samples:
    """What a filter of FFmpeg makes of all the samples."""
    graph = Graph()
    graph.link_nodes(
        graph.add_abuffer(sample_rate=rate, format="flt", layout="mono"),
        graph.add(name, options),
        graph.add("aformat", f"sample_fmts=flt:channel_layouts=mono:sample_rates={rate}"),
        graph.add("abuffersink"),
    ).configure()
    frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
    frame.sample_rate = rate
    frame.pts = 0
    graph.push(frame)
    graph.push(None)
    pieces = []
    while True:
        try:
            pieces.append(graph.pull().to_ndarray()[0])
        except (av.error.EOFError, av.error.BlockingIOError):
            break
    return np.concatenate([np.zeros(0, np.float32), *pieces])
