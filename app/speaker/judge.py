"""Judging a voice: how alike it is to its speaker, and whether it is understood."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from app.audio.types import Recording, Samples

if TYPE_CHECKING:  # what is not installed everywhere, and is not needed to answer requests
    from app.speaker.encoder import SpeakerEncoder
    from app.speaker.recogniser import Recogniser

_LONGEST_S = 60.0  # of each recording of the speaker


class Recognise(Protocol):
    """Says what is said in float32 (n,) samples. Blocks."""

    def __call__(self, samples: Samples, sample_rate: int, *, language: str) -> str: ...


class Judge(Protocol):
    """Listens to what a voice says. Blocks; it is not called from two threads at once."""

    def likeness(self, said: Sequence[Recording], speaker: Sequence[Recording]) -> float:
        """Mean cosine between what a voice says and recordings of its speaker."""
        ...

    def word_errors(
        self, said: Sequence[Recording], texts: Sequence[str], language: str
    ) -> float | None:
        """Word error rate, 0 to 1 or more; None where nothing here recognises words.

        Args:
            texts: what should be said, one for each.
            language: of all of them, two letters.
        """
        ...


class SpeechJudge:
    """A speaker encoder, and Whisper where it is installed.

    Args:
        recogniser: loads it; for each use anew, since it takes 0.3 GB that training needs. None
            where there is none.
    """

    def __init__(
        self, encoder: "SpeakerEncoder", recogniser: "Callable[[], Recogniser] | None"
    ) -> None:
        self._encoder = encoder
        self._recogniser = recogniser

    def likeness(self, said: Sequence[Recording], speaker: Sequence[Recording]) -> float:
        centre = np.mean([self._encoder.embed(_head(r), r.sample_rate) for r in speaker], axis=0)
        centre /= np.linalg.norm(centre)
        spoken = [self._encoder.embed(one.samples, one.sample_rate) for one in said]
        return float(np.mean([embedding @ centre for embedding in spoken]))

    def word_errors(
        self, said: Sequence[Recording], texts: Sequence[str], language: str
    ) -> float | None:
        if self._recogniser is None:
            return None
        recogniser = self._recogniser()
        errors = words = 0
        for recording, text in zip(said, texts, strict=True):
            wanted = _words(text)
            errors += _distance(wanted, _words(recogniser.transcript(recording, language)))
            words += len(wanted)
        return errors / max(words, 1)


def _head(recording: Recording) -> Samples:
    return recording.samples[: round(_LONGEST_S * recording.sample_rate)]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.lower())


def _distance(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Words to insert, delete or replace (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for at, word in enumerate(wanted, 1):
        before, row[0] = row[0], at
        for to, other in enumerate(heard, 1):
            cost = before if word == other else 1 + min(before, row[to], row[to - 1])
            before, row[to] = row[to], cost
    return row[-1]
