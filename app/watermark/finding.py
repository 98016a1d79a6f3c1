"""Whether a sound has the mark, and where."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from app.audio.types import Samples

# `python -m bench watermark` prints what these come from: of 251 clips of human speech of up to
# 16 s the surest one scored 0.41 as a whole, and 0.48 in each of three windows that follow each
# other; what is marked, and has gone through a codec or noise, has more.
PRESENT: Final = 0.6
"""Score from which the mark is there."""
_WINDOW_S: Final = 4.0
_STEP_S: Final = 2.0
_IN_A_ROW: Final = 3
"""Windows that must agree: one by itself is at times mistaken."""
LEAST_S: Final = 0.5
"""Less tells nothing."""


class Score(Protocol):
    """Says how surely the mark is there, about 0 to 1. Blocks; thread safe."""

    def score(self, samples: Samples, sample_rate: int) -> float: ...


@dataclass(frozen=True, slots=True)
class MarkedSpan:
    """Where the mark is, in seconds. `score`: the mean of its windows."""

    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What came of looking.

    Attributes:
        score: about 0 without the mark, about 1 with it: of the whole, or of the part that has it
            most surely.
        spans: where, in order; without overlap.
    """

    score: float
    spans: tuple[MarkedSpan, ...]

    @property
    def present(self) -> bool:
        return bool(self.spans)


def find(detector: Score, samples: Samples, sample_rate: int) -> Found:
    """Look for the mark in the whole and, where it is long, in parts of it. Blocks: some 2 % of
    the time that the sound takes.

    Args:
        samples: float32 (n,).
    """
    length_s = len(samples) / sample_rate
    if length_s < LEAST_S:
        return Found(0.0, ())
    whole = detector.score(samples, sample_rate)
    if length_s < _WINDOW_S + _STEP_S * (_IN_A_ROW - 1):
        spans = (MarkedSpan(0.0, round(length_s, 2), whole),) if whole >= PRESENT else ()
        return Found(whole, spans)
    scores = np.array(
        [
            detector.score(
                samples[round(at * sample_rate) :][: round(_WINDOW_S * sample_rate)], sample_rate
            )
            for at in _starts(length_s)
        ]
    )
    rows = np.lib.stride_tricks.sliding_window_view(scores, _IN_A_ROW)
    return Found(max(whole, float(rows.min(axis=1).max())), tuple(_spans(scores, length_s)))


def _starts(length_s: float) -> NDArray[np.float64]:
    """Of windows; the last one ends with the sound or a step before."""
    return np.arange(0.0, length_s - _WINDOW_S + 1e-6, _STEP_S)


def _spans(scores: NDArray[np.float64], length_s: float) -> list[MarkedSpan]:
    """Of windows in a row that all have the mark."""
    sure = np.concatenate([[False], scores >= PRESENT, [False]])
    first = np.flatnonzero(~sure[:-1] & sure[1:])
    behind = np.flatnonzero(sure[:-1] & ~sure[1:])
    spans = []
    for start, end in zip(first, behind, strict=True):
        if end - start < _IN_A_ROW:
            continue
        until = length_s if end == len(scores) else (end - 1) * _STEP_S + _WINDOW_S
        spans.append(MarkedSpan(start * _STEP_S, round(until, 2), float(scores[start:end].mean())))
    return spans
