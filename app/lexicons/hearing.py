"""Whether an entry of a lexicon changes what is heard.

Two utterances of one sentence in one voice are aligned by dynamic time warping, and where they
differ most, over the length of a sound or two, tells: an entry changes a word, not the sentence.

Calibrated with the embedded engine on the 60 entries of `tests/text/lexicon_entries.csv` in two
voices. Distances of 30 that change a word: at least 14.8, though some change one sound only. Of 30
that spell a word as it is read anyway: 0.1 for 28 of them, at most 7. Of the same phonemes 6 %
faster: median 8.6, 95 % below 11.1, at most 15.2; 0.7 semitones higher: median 5.1, at most 10.7.
Another voice is 22 or more, whatever it says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from app.audio.dsp import resample
from app.audio.types import Samples
from app.speaker.fbank import MEL_BINS, SAMPLE_RATE, fbank

Floats = NDArray[np.float32]
Reason = Literal["identical", "alike", "different", "heard-differently"]
Hear = Callable[[Samples, int], str]
"""Samples and their rate -> the words that a recogniser hears."""

_CHANGED: Final = 12.5
_DOUBTFUL: Final = 8.0
_CEPSTRA: Final = 20
_WINDOW: Final = 12  # frames of 10 ms
_RANGE: Final = 12.0  # nepers of power, 52 dB: what is quieter is silence
_LONGEST_S: Final = 20.0
_SHORTEST: Final = 800  # samples at 16 kHz


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether two utterances sound different.

    Attributes:
        changed: whether they do.
        distance: where they differ most; see above.
        reason: `identical` samples; `alike`, `different`; `heard-differently`: in doubt by the
            sound, but the recogniser heard other words.
        heard_before, heard_after: the words it heard; None without one.
    """

    changed: bool
    distance: float
    reason: Reason
    heard_before: str | None = None
    heard_after: str | None = None


def compare(
    before: Samples, after: Samples, sample_rate: int, *, hear: Hear | None = None
) -> Verdict:
    """Whether the same sentence in the same voice sounds otherwise after a change.

    Args:
        before, after: float32 (n,), [-1, 1]; of what is longer than 20 s, the beginning counts.
        sample_rate: of both, in Hz.
        hear: settles what is in doubt.
    """
    if np.array_equal(before, after):
        heard = None if hear is None else hear(before, sample_rate)
        return Verdict(False, 0.0, "identical", heard, heard)
    apart = distance(before, after, sample_rate)
    words = [None, None] if hear is None else [hear(x, sample_rate) for x in (before, after)]
    reason: Reason = "different" if apart >= _CHANGED else "alike"
    if _DOUBTFUL <= apart < _CHANGED and _plain(words[0]) != _plain(words[1]):
        reason = "heard-differently"
    return Verdict(reason != "alike", round(apart, 2), reason, *words)


def _plain(heard: str | None) -> str:
    return "".join(filter(str.isalnum, (heard or "").casefold()))


def distance(before: Samples, after: Samples, sample_rate: int) -> float:
    """Mean distance of the cepstra in the 120 ms where it is greatest, 0 for the same sound."""
    one, other = (_features(samples, sample_rate) for samples in (before, after))
    costs = _path(_costs(one, other))
    window = min(_WINDOW, len(costs))
    sums = np.concatenate([[0.0], np.cumsum(costs)])
    return float((sums[window:] - sums[:-window]).max() / window)


def _features(samples: Samples, sample_rate: int) -> Floats:
    """Cepstra of the log mel spectrum, float32 (frames, 20), whatever the level and the channel."""
    speech = resample(samples[: round(_LONGEST_S * sample_rate)], sample_rate, SAMPLE_RATE)
    if len(speech) < _SHORTEST:
        speech = np.pad(speech, (0, _SHORTEST - len(speech)))
    bands = fbank(speech)
    return np.asarray(np.maximum(bands, bands.max() - _RANGE) @ _dct(), np.float32)


@cache
def _dct() -> Floats:
    """The discrete cosine transform of type II, orthonormal, (80, 20)."""
    k = np.arange(_CEPSTRA)[None]
    n = np.arange(MEL_BINS)[:, None]
    return np.asarray(np.sqrt(2 / MEL_BINS) * np.cos(np.pi * (n + 0.5) * k / MEL_BINS), np.float32)


def _costs(one: Floats, other: Floats) -> Floats:
    """Euclidean distances of all frames, (n, m)."""
    square = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(square, 0.0)), np.float32)


def _path(costs: Floats) -> Floats:
    """The costs along the cheapest path from the first frames to the last ones, (steps,)."""
    rows, columns = costs.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    for diagonal in range(rows + columns - 1):
        i = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        j = diagonal - i
        best = np.minimum(np.minimum(total[i, j + 1], total[i + 1, j]), total[i, j])
        total[i + 1, j + 1] = costs[i, j] + best
    i, j = rows, columns
    found = []
    while i > 0 and j > 0:
        found.append(costs[i - 1, j - 1])
        moves = total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]
        step = int(np.argmin(moves))
        i, j = i - (step != 2), j - (step != 1)
    return np.array(found[::-1], np.float32)
