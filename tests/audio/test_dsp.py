import numpy as np
import pytest

from app.audio.decode import DecodeLimits, decode
from app.audio.dsp import (
    SILENCE_LUFS,
    fade_edges,
    loudness_lufs,
    median_pitch_hz,
    resample,
    set_loudness,
    sound_span,
)
from tests.audio.signals import noise, snr_db, speech_files, tone, vowel


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_resampling_keeps_length_level_and_pitch(rate):
    resampled = resample(tone(1.0), 24000, rate)
    assert resampled.dtype == np.float32
    assert len(resampled) == pytest.approx(rate, abs=1)
    assert snr_db(tone(1.0, rate), resampled) > 60


def test_full_scale_sine_at_1_khz_has_the_loudness_of_the_standard():
    assert loudness_lufs(tone(2.0, 48000, hz=997.0, level=1.0), 48000) == pytest.approx(
        -3.01, abs=0.1
    )


def test_loudness_of_a_short_piece_is_that_of_a_long_one():
    long, short = (loudness_lufs(tone(s, 24000), 24000) for s in (2.0, 0.1))
    assert short == pytest.approx(long, abs=0.3)
    assert loudness_lufs(tone(0.0002), 24000) <= 0  # five samples


@pytest.mark.parametrize("level", [0.0, 1e-6])
def test_silence_has_a_finite_loudness(level):
    assert loudness_lufs(noise(1.0, level=level), 24000) == SILENCE_LUFS


@pytest.mark.parametrize("level", [0.002, 0.05, 0.3])
def test_loudness_is_brought_to_the_target(level):
    adjusted = set_loudness(vowel(2.0, level=level), 24000, target_lufs=-23.0)
    assert loudness_lufs(adjusted, 24000) == pytest.approx(-23.0, abs=0.1)
    assert adjusted.dtype == np.float32


def test_peaks_stay_under_the_limit_when_much_louder():
    source = noise(2.0, level=0.01)
    source[12000] = 0.3
    adjusted = set_loudness(source, 24000, target_lufs=-10.0, peak=0.9)
    assert np.abs(adjusted).max() <= 0.9
    assert loudness_lufs(adjusted, 24000) > loudness_lufs(source, 24000) + 10


def test_silence_stays_silence_when_made_louder():
    assert not set_loudness(np.zeros(24000, np.float32), 24000, target_lufs=-16.0).any()


def test_fade_starts_and_ends_at_zero_and_leaves_the_middle_and_the_input():
    source = tone(0.1) + 0.3
    before = source.copy()
    faded = fade_edges(source, 24000)
    assert faded[0] == faded[-1] == 0.0
    np.testing.assert_array_equal(faded[200:-200], source[200:-200])
    np.testing.assert_array_equal(source, before)


@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_fade_of_almost_nothing_is_no_error(length):
    assert len(fade_edges(np.ones(length, np.float32), 24000)) == length


def test_silence_at_both_ends_is_cut_and_some_is_kept():
    quiet = noise(1.0, level=1e-4)
    source = np.concatenate([quiet, tone(0.5), quiet])
    trimmed = source[sound_span(source, 24000, threshold_db=-40.0, keep_s=0.05)]
    assert len(trimmed) / 24000 == pytest.approx(0.6, abs=0.02)
    assert sound_span(tone(0.5), 24000, threshold_db=-40.0, keep_s=0.05) == slice(0, 12000)


def test_all_silence_is_not_cut_away():
    silent = np.zeros(100, np.float32)
    assert sound_span(silent, 24000, threshold_db=-40.0, keep_s=0) == slice(0, 100)


@pytest.mark.parametrize("rate", [16000, 24000, 48000])
@pytest.mark.parametrize("hz", [65, 90, 120, 180, 250, 390])
def test_pitch_of_harmonics_with_a_weak_fundamental_is_found(hz, rate):
    assert median_pitch_hz(vowel(1.0, rate, hz=hz), rate) == pytest.approx(hz, rel=0.01)


@pytest.mark.parametrize("hz", [90, 200])
def test_pitch_is_found_in_noise_and_between_pauses(hz):
    voice = vowel(1.0, hz=hz)
    source = np.concatenate(
        [np.zeros(12000, np.float32), voice, np.zeros(24000, np.float32), voice]
    )
    assert median_pitch_hz(source + noise(3.5, level=0.01), 24000) == pytest.approx(hz, rel=0.02)


@pytest.mark.parametrize(
    "source",
    [noise(1.0), np.zeros(24000, np.float32), tone(0.01), np.zeros(0, np.float32)],
    ids=["noise", "silence", "too-short", "nothing"],
)
def test_what_is_not_voiced_has_no_pitch(source):
    assert median_pitch_hz(source, 24000) is None


@pytest.mark.parametrize(
    ("speaker", "low", "high"), [("2609", 100, 140), ("2033", 125, 180), ("3080", 150, 235)]
)
def test_pitch_of_real_speakers_is_steady_from_clip_to_clip(speaker, low, high):
    for file in speech_files(speaker):
        clip = decode(file.read_bytes(), DecodeLimits(max_bytes=10**7, max_seconds=60))
        assert low < (median_pitch_hz(clip.samples, clip.sample_rate) or 0) < high, file.name
