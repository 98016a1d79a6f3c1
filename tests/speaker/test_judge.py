"""How alike a voice is and whether it is understood, from what others hear in it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from app.audio.types import Recording, Samples
from app.speaker.judge import SpeechJudge
from app.speaker.similarity import Embedding

TEXTS = ("The birch canoe slid.", "It's easy to tell.")


def recording(level: float = 0.0, *, seconds: float = 1.0) -> Recording:
    return Recording(np.full(round(16_000 * seconds), level, np.float32), 16_000)


class Angles:
    """The embedding of a recording is a direction, as many degrees as its level says."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    def embed(self, samples: Samples, sample_rate: int) -> Embedding:
        self.longest_s = max(self.longest_s, len(samples) / sample_rate)
        angle = np.deg2rad(float(samples[0]))
        return np.asarray([np.cos(angle), np.sin(angle)], np.float32)


class Hears:
    """Hears one text after the other, whatever is said."""

    def __init__(self, *texts: str) -> None:
        self.texts = iter(texts)

    def transcript(self, recording: Recording, language: str) -> str:
        assert language == "en"
        return next(self.texts)


def judge(*heard: str) -> SpeechJudge:
    encoder: Any = Angles()
    recogniser: Any = Hears(*heard)
    return SpeechJudge(encoder, (lambda: recogniser) if heard else None)


@pytest.mark.parametrize(
    ("said", "speaker", "expected"),
    [
        ([0.0], [0.0], 1.0),
        ([0.0], [90.0], 0.0),
        ([0.0, 60.0], [0.0], 0.75),
        ([45.0], [0.0, 90.0], 1.0),  # between two recordings of one speaker
    ],
)
def test_likeness_is_the_mean_cosine_to_the_middle_of_the_recordings(
    said: Sequence[float], speaker: Sequence[float], expected: float
) -> None:
    likeness = judge().likeness([recording(at) for at in said], [recording(at) for at in speaker])

    assert likeness == pytest.approx(expected, abs=1e-6)


def test_of_a_long_recording_a_minute_is_heard() -> None:
    encoder: Any = Angles()

    SpeechJudge(encoder, None).likeness([recording()], [recording(seconds=100.0)])

    assert encoder.longest_s == 60.0


@pytest.mark.parametrize(
    ("heard", "errors"),
    [
        (("the birch canoe slid", "It's easy, to tell!"), 0),
        (("The birch canoe", "It's easy to tell."), 1),
        (("The big birch canoe slid.", "It's easy to tell."), 1),
        (("The birch canoe slept.", "Its easy to tell."), 2),
        (("", ""), 8),
    ],
)
def test_word_errors_are_words_lost_added_and_mistaken(heard: tuple[str, str], errors: int) -> None:
    rate = judge(*heard).word_errors([recording(), recording()], TEXTS, "en")

    assert rate == pytest.approx(errors / 8)


def test_where_nothing_recognises_words_they_are_not_counted() -> None:
    assert judge().word_errors([recording()], TEXTS[:1], "en") is None
