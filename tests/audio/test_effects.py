"""Pitch and volume, measured on the audio."""

import numpy as np
import pytest

from app.audio.dsp import loudness_lufs, median_pitch_hz, set_loudness
from app.audio.effects import change_volume, shift_pitch
from tests.audio.signals import noise, talk, tone, vowel

RATE = 24_000


def frequency(samples, rate):
    """Of the strongest part of a sine, in Hz."""
    size = 16 * len(samples)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    return float(spectrum.argmax() * rate / size)


@pytest.mark.parametrize("semitones", [-12, -5, -0.5, 0.5, 3, 7, 12])
@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_a_sine_is_shifted_and_keeps_its_duration_and_level(semitones, rate):
    sine = tone(2.0, rate, hz=330.0, level=0.3)

    shifted = shift_pitch(sine, rate, semitones=semitones)

    assert len(shifted) == len(sine)
    assert shifted.dtype == np.float32
    middle = shifted[rate // 10 : -rate // 10]
    assert frequency(middle, rate) == pytest.approx(330.0 * 2 ** (semitones / 12), rel=0.003)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("semitones", [-4, 4])
def test_a_voice_is_shifted(semitones):
    shifted = shift_pitch(vowel(2.0, RATE, hz=150.0), RATE, semitones=semitones)

    assert median_pitch_hz(shifted, RATE) == pytest.approx(150 * 2 ** (semitones / 12), rel=0.02)


def test_what_is_said_when_stays_where_it_is():
    samples = np.concatenate([np.zeros(RATE, np.float32), vowel(1.0), np.zeros(RATE, np.float32)])

    for semitones in (-12, 12):
        loud = np.flatnonzero(np.abs(shift_pitch(samples, RATE, semitones=semitones)) > 0.05)
        assert loud[0] / RATE == pytest.approx(1.0, abs=0.03)
        assert loud[-1] / RATE == pytest.approx(2.0, abs=0.03)


@pytest.mark.parametrize("size", [0, 1, 7, 240, 1000])
def test_the_shortest_pieces_keep_their_length(size):
    for change in (-12, 12):
        assert len(shift_pitch(noise(1.0)[:size], RATE, semitones=change)) == size
        assert len(change_volume(noise(1.0)[:size], RATE, db=change)) == size


@pytest.mark.parametrize("db", [-40, -12, -6, 3, 6])
def test_the_level_changes_by_what_is_asked_for(db):
    speech = set_loudness(vowel(3.0, RATE), RATE, target_lufs=-23.0)

    changed = change_volume(speech, RATE, db=db)

    assert loudness_lufs(changed, RATE) == pytest.approx(-23.0 + db, abs=0.1)


def test_what_would_be_too_loud_is_limited_and_not_clipped():
    speech = set_loudness(talk(RATE)[0], RATE, target_lufs=-20.0)

    loud = change_volume(speech, RATE, db=20.0)

    assert np.abs(loud).max() <= 0.97
    assert loudness_lufs(loud, RATE) > -10.0
    # Of a clipped wave many samples in a row would be the same.
    assert np.sum((np.abs(loud[1:]) > 0.9699) & (loud[1:] == loud[:-1])) < 10
    assert len(loud) == len(speech)


def test_nothing_asked_for_nothing_changed():
    speech = vowel(0.5)

    assert shift_pitch(speech, RATE, semitones=0.0) is speech
    assert change_volume(speech, RATE, db=0.0) is speech
    assert not change_volume(speech, RATE, db=float("-inf")).any()


def test_the_same_again_is_the_same():
    speech = vowel(0.7)

    assert np.array_equal(
        shift_pitch(speech, RATE, semitones=3.0), shift_pitch(speech, RATE, semitones=3.0)
    )
    assert np.array_equal(change_volume(speech, RATE, db=9), change_volume(speech, RATE, db=9))
