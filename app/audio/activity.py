"""Finding where somebody speaks, without a model."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.audio.types import Samples

Span = tuple[float, float]
"""Start and end in seconds."""

# Speech begins above the first and goes on until below the second: no flicker in between.
_BEGIN, _GO_ON = 0.5, 0.35
_MIN_SPEECH_S = 0.25
_MIN_SILENCE_S = 0.3
_PAD_S = 0.1

_FRAME_S = 0.032
_LOUD_DB = -35.0  # below the loudest frame


class Detector(Protocol):
    """Tells speech from the rest."""

    def spans(self, samples: Samples, sample_rate: int) -> list[Span]:
        """Where somebody speaks: in order, apart from each other, within the recording.

        Args:
            samples: float32 (n,), mono, [-1, 1].
            sample_rate: in Hz.
        """
        ...


class EnergyDetector:
    """Takes everything loud for speech. For tests: it needs no model file."""

    def spans(self, samples: Samples, sample_rate: int) -> list[Span]:
        size = int(_FRAME_S * sample_rate)
        frames = samples[: len(samples) // size * size].reshape(-1, size)
        level = np.sqrt(np.mean(frames**2, axis=1)) if len(frames) else np.zeros(0)
        loud = level > max(1e-4, 10 ** (_LOUD_DB / 20) * level.max(initial=0.0))
        return merge_frames(
            loud.astype(np.float32), size / sample_rate, duration_s=len(samples) / sample_rate
        )


def merge_frames(
    probabilities: NDArray[np.float32], frame_s: float, *, duration_s: float
) -> list[Span]:
    """Spans of speech out of a probability for each frame.

    Args:
        probabilities: float32 (frames,), 0 to 1.
        frame_s: length of a frame in s.
        duration_s: of the recording; the last span ends there at the latest.
    """
    merged: list[Span] = []
    for start, end in _above(probabilities):
        begin_s, end_s = start * frame_s, end * frame_s
        if merged and begin_s - merged[-1][1] < _MIN_SILENCE_S:
            merged[-1] = (merged[-1][0], end_s)
        else:
            merged.append((begin_s, end_s))
    return [
        (max(0.0, start - _PAD_S), min(duration_s, end + _PAD_S))
        for start, end in merged
        if end - start >= _MIN_SPEECH_S
    ]


def _above(probabilities: NDArray[np.float32]) -> list[tuple[int, int]]:
    """First frame and frame behind the last, of each run of speech."""
    runs: list[tuple[int, int]] = []
    begin: int | None = None
    for index, probability in enumerate(probabilities):
        if begin is None and probability >= _BEGIN:
            begin = index
        elif begin is not None and probability < _GO_ON:
            runs.append((begin, index))
            begin = None
    if begin is not None:
        runs.append((begin, len(probabilities)))
    return runs
