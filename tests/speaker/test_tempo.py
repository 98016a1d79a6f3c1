"""Syllables are counted by their swelling and fading."""

import numpy as np
import pytest

from app.speaker.tempo import syllable_rate
from tests.audio.signals import noise, tone, vowel


def syllables(rate_hz: float, *, seconds: float = 6.0, sample_rate: int = 16_000) -> np.ndarray:
    """A vowel that swells and fades this many times a second."""
    samples = vowel(seconds, sample_rate)
    time = np.arange(len(samples)) / sample_rate
    return (samples * np.sin(np.pi * rate_hz * time) ** 2).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [2.5, 4.0, 5.5])
@pytest.mark.parametrize("sample_rate", [16_000, 24_000])
def test_syllables_are_counted(rate_hz, sample_rate):
    samples = syllables(rate_hz, sample_rate=sample_rate)

    # A little more than there are: the silence between syllables does not count as speaking.
    assert rate_hz * 0.95 < syllable_rate(samples, sample_rate) < rate_hz * 1.35


def test_faster_speech_has_more_syllables_a_second():
    rates = [syllable_rate(syllables(hz), 16_000) for hz in (2.5, 3.5, 4.5, 5.5)]

    assert rates == sorted(set(rates))


def test_pauses_do_not_slow_speech_down():
    speech = syllables(4.0)
    paused = np.concatenate([speech, np.zeros(32_000, np.float32), speech])

    assert syllable_rate(paused, 16_000) == pytest.approx(syllable_rate(speech, 16_000), rel=0.05)


def test_the_level_does_not_matter():
    speech = syllables(4.0)

    assert syllable_rate(0.01 * speech, 16_000) == pytest.approx(syllable_rate(speech, 16_000))


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(100, np.float32),
        np.zeros(32_000, np.float32),
        tone(5.0, 16_000),
        noise(5.0, 16_000),
        syllables(4.0, seconds=0.9),
        syllables(2.0, seconds=1.6),
    ],
    ids=["nothing", "click", "silence", "tone", "noise", "under a second", "few syllables"],
)
def test_what_has_no_syllables_has_no_tempo(samples):
    assert syllable_rate(samples, 16_000) is None
