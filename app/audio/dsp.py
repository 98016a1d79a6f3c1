"""What is done to samples: rate, loudness, edges, silence, pitch."""

import numpy as np
import soxr
from numpy.typing import NDArray

from app.audio.types import Samples

SILENCE_LUFS = -70.0
"""The absolute gate of ITU-R BS.1770: what is below it counts as silence."""

_GATE_S = 0.4  # BS.1770 measures in blocks of this length
_MAX_GAIN_DB = 40.0  # more would make a recording of its own noise
_KNEE = 0.7  # of the peak; the limiter leaves alone what is below
_OVERDRIVE = 2.0  # the limiter is a curve, not a compressor: harder driven, it distorts audibly

_PITCH_RATE = 8000
_PITCH_MIN_HZ, _PITCH_MAX_HZ = 60.0, 400.0
_PITCH_WINDOW_S, _PITCH_HOP_S = 0.04, 0.016
_PERIODIC = 0.15  # threshold of YIN for "this lag is a period"
_VOICED = 0.25  # best value of YIN above which a frame has no pitch
_PITCH_LEVEL = 0.1  # frames this much weaker (in amplitude) than loud ones are left out


def resample(samples: Samples, src: int, dst: int) -> Samples:
    """Change the sample rate from `src` to `dst` Hz. float32 (n,) to float32 (~n * dst / src,)."""
    if src == dst:
        return samples
    return np.asarray(soxr.resample(samples, src, dst), np.float32)


def loudness_lufs(samples: Samples, rate: int) -> float:
    """Integrated loudness by ITU-R BS.1770 in LUFS, at least `SILENCE_LUFS`.

    Below 0.4 s the samples are repeated, as the measure knows no shorter blocks.
    """
    if not np.any(samples):
        return SILENCE_LUFS
    import pyloudnorm  # here, as it loads scipy, which most processes never need

    shortest = int(_GATE_S * rate) + 1
    if len(samples) < shortest:
        samples = np.tile(samples, -(-shortest // len(samples)))
    with np.errstate(divide="ignore", invalid="ignore"):  # everything gated: log of 0
        loudness = float(pyloudnorm.Meter(rate).integrated_loudness(samples.astype(np.float64)))
    return loudness if loudness > SILENCE_LUFS else SILENCE_LUFS


def set_loudness(samples: Samples, rate: int, *, target_lufs: float, peak: float = 0.97) -> Samples:
    """Amplify to a loudness, no sample over `peak`; peaks in the way are rounded off.

    Silence stays silence. A recording with very high peaks ends below the target rather than
    distorted.
    """
    loudness = loudness_lufs(samples, rate)
    if loudness <= SILENCE_LUFS:
        return samples
    gain = 10.0 ** (min(target_lufs - loudness, _MAX_GAIN_DB) / 20.0)
    gain = min(gain, _OVERDRIVE * peak / float(np.abs(samples).max()))
    return _limit((samples * gain).astype(np.float32), peak)


def _limit(samples: Samples, peak: float) -> Samples:
    """Soft clipping: linear up to the knee, then a tanh that never reaches `peak`."""
    return samples if np.abs(samples).max() <= peak else rounded_peaks(samples, peak)


def rounded_peaks(samples: Samples, peak: float) -> Samples:
    """The same curve, sample by sample: also where no peak is in the way."""
    knee = _KNEE * peak
    magnitude = np.abs(samples)
    over = knee + (peak - knee) * np.tanh((magnitude - knee) / (peak - knee))
    return np.where(magnitude > knee, np.copysign(over, samples), samples).astype(np.float32)


def fade_edges(samples: Samples, rate: int, *, ms: float = 5.0) -> Samples:
    """Fade in and out, so that samples that are cut out or joined do not click."""
    length = min(int(rate * ms / 1000), len(samples) // 2)
    if length == 0:
        return samples
    faded = samples.copy()
    ramp = np.linspace(0.0, 1.0, length, dtype=np.float32)
    faded[:length] *= ramp
    faded[-length:] *= ramp[::-1]
    return faded


def sound_span(samples: Samples, rate: int, *, threshold_db: float, keep_s: float) -> slice:
    """Where there is sound, without the silence at both ends.

    Args:
        samples: float32 (n,), mono.
        rate: in Hz.
        threshold_db: silence is what is this far below the loudest 10 ms, e.g. -40.
        keep_s: how much of the silence stays on each side, in s.

    Returns:
        Of the samples; all of them where all is silence.
    """
    frame = max(1, rate // 100)
    padded = np.pad(samples, (0, -len(samples) % frame))
    level = np.sqrt(np.mean(padded.reshape(-1, frame) ** 2, axis=1))
    if not np.any(level):
        return slice(0, len(samples))
    loud = np.flatnonzero(level > level.max() * 10.0 ** (threshold_db / 20.0))
    keep = int(keep_s * rate)
    start = max(0, int(loud[0]) * frame - keep)
    return slice(start, min(len(samples), (int(loud[-1]) + 1) * frame + keep))


def median_pitch_hz(samples: Samples, rate: int) -> float | None:
    """Median fundamental frequency of the voiced frames in Hz, or None if there are hardly any.

    YIN (de Cheveigné and Kawahara, 2002) on frames of 40 ms, then the median of the frames that
    are within half an octave of the first median, which drops octave errors.
    """
    speech = resample(samples, rate, _PITCH_RATE)
    window, hop = int(_PITCH_WINDOW_S * _PITCH_RATE), int(_PITCH_HOP_S * _PITCH_RATE)
    longest = int(_PITCH_RATE / _PITCH_MIN_HZ) + 2
    if len(speech) < window + longest:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(speech, window + longest)[::hop]
    level = np.sqrt(np.mean(frames**2, axis=1))
    # Relative to loud speech, but not to the one loudest frame: that may be a knock.
    frames = frames[level > max(_PITCH_LEVEL * float(np.quantile(level, 0.95)), 1e-5)]
    if not len(frames):
        return None
    pitches = _PITCH_RATE / _periods(yin(frames, window, longest))
    pitches = pitches[np.isfinite(pitches)]
    if len(pitches) < 5:
        return None
    middle = np.median(pitches)
    near = np.abs(np.log2(pitches / middle)) < 0.5
    return float(np.median(pitches[near]))


def yin(frames: NDArray[np.float32], window: int, longest: int) -> NDArray[np.float32]:
    """Cumulative mean normalised difference: (frames, window + longest) to (frames, longest).

    Near 0 at lags that are a period, 1 on average.
    """
    size = 1 << (frames.shape[1] + window - 1).bit_length()
    spectrum = np.fft.rfft(frames, size)
    head = np.fft.rfft(frames[:, :window], size)
    correlation = np.fft.irfft(spectrum * np.conj(head), size)[:, :longest]
    power = np.cumsum(np.pad(frames.astype(np.float64) ** 2, ((0, 0), (1, 0))), axis=1)
    energy = power[:, window : window + longest] - power[:, :longest]  # of the window at each lag
    difference = np.maximum(energy[:, :1] + energy - 2.0 * correlation, 0.0)
    lags = np.arange(1, longest)
    mean = np.cumsum(difference[:, 1:], axis=1) / lags
    normal = np.ones_like(difference)
    normal[:, 1:] = difference[:, 1:] / np.maximum(mean, 1e-12)
    return normal.astype(np.float32)


def _periods(normal: NDArray[np.float32]) -> NDArray[np.float64]:
    """The period of each frame in samples, or NaN: (frames, lags) to (frames,)."""
    shortest = int(_PITCH_RATE / _PITCH_MAX_HZ)
    inner = normal[:, shortest:-1]
    valley = (inner <= normal[:, shortest - 1 : -2]) & (inner < normal[:, shortest + 1 :])
    first = valley & (inner < _PERIODIC)
    # The first good valley, not the deepest: multiples of the period are as deep.
    best = np.where(valley, inner, np.inf).argmin(axis=1)
    lag = np.where(first.any(axis=1), first.argmax(axis=1), best) + shortest
    rows = np.arange(len(normal))
    left, here, right = (normal[rows, lag + step].astype(np.float64) for step in (-1, 0, 1))
    curve = left - 2.0 * here + right
    shift = np.where(curve > 1e-9, 0.5 * (left - right) / np.maximum(curve, 1e-9), 0.0)
    return np.where(here < _VOICED, lag + np.clip(shift, -0.5, 0.5), np.nan)
