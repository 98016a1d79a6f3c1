"""Is a recording good enough to make a voice of, and the recording made ready for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.audio.decode import DecodedAudio
from app.audio.dsp import fade_edges, loudness_lufs, resample, set_loudness
from app.audio.types import Recording, RecordingReport, Samples
from app.core.exceptions import (
    RecordingClipped,
    RecordingNoisy,
    RecordingSilent,
    RecordingTooLong,
    RecordingTooShort,
)

Embed = Callable[[Samples], NDArray[np.float32]]
"""float32 (n,), mono at 16 kHz, to a vector of length 1 that says who speaks."""

Spans = Sequence[tuple[float, float]]
"""Start and end in seconds of each piece of speech, in order."""

_FRAME_S = 0.02
_MIN_NOISE_S = 0.2  # less than this between the speech says nothing about the noise
_MAX_SNR_DB = 90.0  # digital silence between the words: finite, so that it can be sent as JSON
_MIN_DBFS = -120.0
_FLAT = 0.001  # of the peak: samples this close to it, side by side, are a cut-off top
_FLAT_RUN = 3
_MIN_PEAK = 0.02  # below, 16-bit steps are wider than _FLAT
_BANDWIDTH_DB = 50.0
_OVER_NOISE = 2.0  # power of the speech over that of the noise, for a band to count as speech
_WINDOW_S = 3.0
_MAX_WINDOWS = 24  # embeddings are the dearest part: longer recordings are sampled
_EMBED_RATE = 16_000
# Cosine between the two halves; on read speech 0.54 to 0.91 for one voice, -0.04 to 0.44 for two.
_ONE_SPEAKER, _TWO_SPEAKERS = 0.50, 0.30
_TARGET_LUFS = -23.0
_MAX_PAUSE_S = 0.6


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """What a voice can still be made of.

    Attributes:
        min_speech_s: seconds of speech.
        max_duration_s: of the recording.
        min_snr_db: speech over noise.
        max_clipped: share of the speech samples that are cut off.
        min_peak_dbfs: the recording is silent below.
    """

    min_speech_s: float = 3.0
    max_duration_s: float = 600.0
    min_snr_db: float = 5.0
    max_clipped: float = 0.05
    min_peak_dbfs: float = -45.0


def measure(decoded: DecodedAudio, spans: Spans, *, embed: Embed | None = None) -> RecordingReport:
    """What there is to know about an upload.

    Args:
        decoded: the upload.
        spans: where in it somebody speaks; may be empty.
        embed: tells voices apart; without it `speakers` is None.
    """
    samples, rate = decoded.samples, decoded.sample_rate
    inside = _mask(len(samples), rate, spans)
    speech, noise = samples[inside], samples[~inside]
    report = RecordingReport(
        duration_s=round(decoded.duration_s, 3),
        sample_rate=rate,
        channels=decoded.channels,
        codec=decoded.codec,
        speech_s=round(len(speech) / rate, 3),
        snr_db=_snr_db(speech, noise, rate),
        clipped=round(_clipped(samples, inside), 5),
        loudness_lufs=round(loudness_lufs(samples, rate), 2),
        peak_dbfs=round(_dbfs(float(np.abs(samples).max())), 2),
        bandwidth_hz=round(_bandwidth_hz(speech, noise, rate)),
        speakers=_speakers(speech, rate, embed) if embed else None,
    )
    return report.model_copy(update={"warnings": _warnings(report, cut_off=decoded.cut_off)})


def check(report: RecordingReport, limits: RecordingLimits) -> None:
    """Refuse a recording that no voice can be made of.

    Raises:
        RecordingTooLong, RecordingSilent, RecordingTooShort, RecordingNoisy, RecordingClipped:
            with `measured` and `limit`.
    """
    check_together([report], limits)


def check_together(reports: Sequence[RecordingReport], limits: RecordingLimits) -> None:
    """Like `check`, for recordings of one voice: each has to sound well, together be long enough.

    Args:
        reports: one or more.
        limits: `max_duration_s` and `min_speech_s` hold for the sum.
    """
    duration_s = sum(report.duration_s for report in reports)
    if duration_s > limits.max_duration_s:
        raise RecordingTooLong(
            f"There are {duration_s:.1f} s of recording.",
            f"Send at most {limits.max_duration_s:g} s.",
            measured=round(duration_s, 3),
            limit=limits.max_duration_s,
        )
    for report in reports:
        _check_level(report, limits)
    speech_s = sum(report.speech_s for report in reports)
    if speech_s < limits.min_speech_s:
        raise RecordingTooShort(
            f"There are {speech_s:.2f} s of speech." if speech_s else "No speech was found.",
            f"Speak for at least {limits.min_speech_s:g} s, without music or noise.",
            measured=round(speech_s, 3),
            limit=limits.min_speech_s,
        )
    for report in reports:
        _check_sound(report, limits)


def _check_level(report: RecordingReport, limits: RecordingLimits) -> None:
    if report.peak_dbfs < limits.min_peak_dbfs:
        raise RecordingSilent(
            f"The loudest sound in the recording is at {report.peak_dbfs:.0f} dBFS.",
            "Check that the right microphone is chosen and not muted, then record again.",
            measured=report.peak_dbfs,
            limit=limits.min_peak_dbfs,
        )


def _check_sound(report: RecordingReport, limits: RecordingLimits) -> None:
    if report.clipped > limits.max_clipped:
        raise RecordingClipped(
            f"{report.clipped:.1%} of the speech is cut off, as it was recorded too loud.",
            "Turn the microphone down or move away from it, then record again.",
            measured=report.clipped,
            limit=limits.max_clipped,
        )
    if report.snr_db is not None and report.snr_db < limits.min_snr_db:
        raise RecordingNoisy(
            f"The voice is only {report.snr_db:.0f} dB louder than the noise around it.",
            "Record in a quiet room, closer to the microphone.",
            measured=report.snr_db,
            limit=limits.min_snr_db,
        )


def prepare(decoded: DecodedAudio, spans: Spans) -> Recording:
    """The speech of an upload: silence at the ends cut, long pauses shortened, at -23 LUFS.

    Args:
        decoded: the upload, one that `check` has passed.
        spans: where in it somebody speaks. Without any, all of it is kept.
    """
    samples, rate = decoded.samples, decoded.sample_rate
    pieces = []
    for start, end in _join(spans, len(samples) / rate):
        piece = samples[round(start * rate) : round(end * rate)]
        if len(piece):
            pieces.append(fade_edges(piece, rate))
    speech = np.concatenate(pieces) if pieces else samples
    return Recording(set_loudness(speech, rate, target_lufs=_TARGET_LUFS), rate)


def _join(spans: Spans, duration_s: float) -> list[tuple[float, float]]:
    """Spans that keep the pauses between them: short ones whole, of long ones both ends."""
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        if joined and start - joined[-1][1] <= _MAX_PAUSE_S:
            joined[-1] = (joined[-1][0], end)
            continue
        lead = 0.0
        if joined:
            lead = _MAX_PAUSE_S / 2
            joined[-1] = (joined[-1][0], joined[-1][1] + lead)
        joined.append((start - lead, end))
    return [(max(0.0, start), min(end, duration_s)) for start, end in joined]


def _mask(size: int, rate: int, spans: Spans) -> NDArray[np.bool_]:
    mask = np.zeros(size, np.bool_)
    for start, end in spans:
        mask[round(start * rate) : round(end * rate)] = True
    return mask


def _dbfs(amplitude: float) -> float:
    return max(_MIN_DBFS, 20.0 * float(np.log10(max(amplitude, 1e-12))))


def _snr_db(speech: Samples, noise: Samples, rate: int) -> float | None:
    """Mean power of the speech over the median of the noise, less the noise under the speech."""
    frame = max(1, int(_FRAME_S * rate))
    if len(noise) < _MIN_NOISE_S * rate or len(speech) < frame:
        return None
    usable = len(noise) // frame * frame
    # The median leaves out breaths, clicks and what the detector missed.
    floor = float(np.median(np.mean(noise[:usable].reshape(-1, frame) ** 2, axis=1)))
    ratio = float(np.mean(speech.astype(np.float64) ** 2)) / max(floor, 1e-12) - 1.0
    return round(min(10.0 * float(np.log10(max(ratio, 0.01))), _MAX_SNR_DB), 1)


def _clipped(samples: Samples, inside: NDArray[np.bool_]) -> float:
    """Share of the speech samples in runs that touch the highest or the lowest value.

    By value and not by full scale: a clipped file may have been turned down afterwards.
    """
    if not inside.any() or float(np.abs(samples).max()) < _MIN_PEAK:
        return 0.0
    speech = samples[inside]
    top, bottom = float(speech.max()), float(speech.min())
    flat = 0
    if top > 0:
        flat += _in_runs(speech >= top * (1.0 - _FLAT))
    if bottom < 0:
        flat += _in_runs(speech <= bottom * (1.0 - _FLAT))
    return flat / len(speech)


def _in_runs(flags: NDArray[np.bool_]) -> int:
    """How many flags are set in runs of at least `_FLAT_RUN`."""
    steps = np.diff(np.concatenate(([0], flags.astype(np.int8), [0])))
    lengths = np.flatnonzero(steps == -1) - np.flatnonzero(steps == 1)
    return int(lengths[lengths >= _FLAT_RUN].sum())


def _bandwidth_hz(speech: Samples, noise: Samples, rate: int) -> float:
    """The highest frequency where speech is within 50 dB of its strongest and over the noise.

    0 where there is no speech.
    """
    size = 1 << int(rate * 0.04).bit_length()  # steps of some 20 Hz
    spectrum = _spectrum(speech, size)
    if spectrum is None or not spectrum.any():
        return 0.0
    heard = spectrum > spectrum.max() * 10.0 ** (-_BANDWIDTH_DB / 10.0)
    background = _spectrum(noise, size)
    if background is not None:
        heard &= spectrum > _OVER_NOISE * background
    return float(np.flatnonzero(heard)[-1] * rate / size) if heard.any() else 0.0


def _spectrum(samples: Samples, size: int) -> NDArray[np.float64] | None:
    """Mean power (size / 2 + 1,) by frequency, smoothed over 9 steps; None below one frame."""
    if len(samples) < size:
        return None
    window = np.hanning(size)
    total = np.zeros(size // 2 + 1)
    for start in range(0, len(samples) - size + 1, size // 2 * 64):  # in blocks: flat memory
        block = samples[start : start + size // 2 * 63 + size]
        frames = np.lib.stride_tricks.sliding_window_view(block, size)[:: size // 2]
        total += np.sum(np.abs(np.fft.rfft(frames * window)) ** 2, axis=0)
    return np.convolve(total / len(samples), np.ones(9) / 9, mode="same")


def _speakers(speech: Samples, rate: int, embed: Embed) -> int | None:
    """1, or 2 for two and more, or None with under two windows of speech or an unclear answer."""
    count = int(len(speech) / (_WINDOW_S * rate))
    if count < 2:
        return None
    windows = np.array_split(speech, count)
    if count > _MAX_WINDOWS:
        windows = [windows[i] for i in np.linspace(0, count - 1, _MAX_WINDOWS).astype(int)]
    vectors = np.stack([embed(resample(window, rate, _EMBED_RATE)) for window in windows])
    similarity = _halves(vectors)
    if similarity >= _ONE_SPEAKER:
        return 1
    return 2 if similarity <= _TWO_SPEAKERS else None


def _halves(vectors: NDArray[np.float32]) -> float:
    """Cosine between the means of the two groups that differ most: (n, 256), n >= 2."""
    centred = vectors - vectors.mean(axis=0)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    side = centred @ direction > 0
    if side.all() or not side.any():  # all alike
        return 1.0
    one, two = vectors[side].mean(axis=0), vectors[~side].mean(axis=0)
    return float(one @ two / max(float(np.linalg.norm(one) * np.linalg.norm(two)), 1e-9))


def _warnings(report: RecordingReport, *, cut_off: bool) -> list[str]:
    noisy = report.snr_db is not None and report.snr_db < 15.0
    found = (
        (report.speech_s < 10.0, "There is little speech: 10 to 30 seconds make a better voice."),
        (noisy, "There is noise behind the voice: a quiet room makes a cleaner one."),
        (report.clipped > 0.002, "Loud parts are cut off: turn the microphone down a little."),
        (
            report.loudness_lufs < -40.0,
            "The recording is very quiet: speak closer to the microphone.",
        ),
        (
            not noisy and 0 < report.bandwidth_hz < 4500.0,
            "The recording is muffled, as from a telephone: high tones are missing.",
        ),
        (
            report.speakers == 2,
            "More than one voice seems to speak: the voice made of it will be a mixture.",
        ),
        (
            cut_off,
            "The file breaks off before the end that its header announces: it may be cut off.",
        ),
    )
    return [text for applies, text in found if applies]
