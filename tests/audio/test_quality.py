import numpy as np
import pytest

from app.audio.decode import DecodedAudio
from app.audio.dsp import loudness_lufs, median_pitch_hz, resample
from app.audio.quality import RecordingLimits, check, check_together, measure, prepare
from app.audio.types import RecordingReport, Samples
from app.core.exceptions import (
    RecordingClipped,
    RecordingNoisy,
    RecordingSilent,
    RecordingTooLong,
    RecordingTooShort,
)
from tests.audio.signals import noise, talk

RATE = 24000
LIMITS = RecordingLimits()


def decoded(samples: Samples, rate: int = RATE) -> DecodedAudio:
    return DecodedAudio(np.asarray(samples, np.float32), rate, 1, "pcm_s16le")


def report(**changes: object) -> RecordingReport:
    """Of a good recording, but for the changes."""
    good = RecordingReport(
        duration_s=12, sample_rate=RATE, channels=1, codec="flac", speech_s=10, snr_db=40,
        clipped=0, loudness_lufs=-23, peak_dbfs=-6, bandwidth_hz=8000, speakers=1,
    )  # fmt: skip
    return good.model_copy(update=changes)


def by_pitch(samples: Samples) -> np.ndarray:
    """An embedding that tells low voices from high ones."""
    low = (median_pitch_hz(samples, 16000) or 0.0) < 170
    return np.array([1.0, 0.0] if low else [0.0, 1.0], np.float32)


def test_good_recording_is_measured_and_passes():
    samples, spans = talk()
    samples += noise(12.0, level=0.0005)
    found = measure(decoded(samples), spans)
    check(found, LIMITS)
    assert found.duration_s == 12.0
    assert found.speech_s == pytest.approx(7.0, abs=0.1)
    assert found.clipped == 0
    assert found.speakers is None
    assert found.peak_dbfs == pytest.approx(20 * np.log10(np.abs(samples).max()), abs=0.01)


@pytest.mark.parametrize("snr_db", [0, 5, 10, 20, 40])
def test_snr_is_measured_right(snr_db):
    samples, spans = talk()
    inside = np.concatenate([samples[round(a * RATE) : round(b * RATE)] for a, b in spans])
    level = np.sqrt(np.mean(inside**2)) * 10 ** (-snr_db / 20)
    found = measure(decoded(samples + noise(12.0, level=level)), spans)
    assert found.snr_db == pytest.approx(snr_db, abs=0.7)


def test_digital_silence_between_words_is_a_finite_snr():
    samples, spans = talk()
    assert measure(decoded(samples), spans).snr_db == 90.0


def test_snr_is_unknown_when_nobody_pauses():
    samples, _ = talk()
    assert measure(decoded(samples), [(0.0, 12.0)]).snr_db is None


@pytest.mark.parametrize("level", [1.0, 0.3, 0.1])
def test_clipping_is_found_also_when_turned_down_afterwards(level):
    samples, spans = talk()
    clipped = np.clip(samples * 10 ** (20 / 20) / np.abs(samples).max(), -1, 1) * level
    found = measure(decoded(np.rint(clipped * 32767) / 32768), spans)
    assert found.clipped > 0.05
    with pytest.raises(RecordingClipped) as caught:
        check(found, LIMITS)
    assert caught.value.extra == {"measured": found.clipped, "limit": LIMITS.max_clipped}


def test_recording_normalised_to_full_scale_is_not_clipped():
    samples, spans = talk()
    found = measure(decoded(samples / np.abs(samples).max()), spans)
    assert found.clipped < 0.002


def test_clipping_of_one_side_only_is_found():
    samples, spans = talk()
    found = measure(decoded(np.minimum(samples, 0.1 * samples.max())), spans)
    assert found.clipped > 0.05


@pytest.mark.parametrize("rate", [16000, 48000])
def test_telephone_band_is_seen_whatever_the_rate_of_the_file(rate):
    hiss = noise(12.0, 8000, level=0.02)
    samples, spans = talk(8000)
    samples += hiss * (np.abs(samples) > 0)
    found = measure(decoded(resample(samples, 8000, rate), rate), spans)
    assert 3500 < found.bandwidth_hz < 4200
    assert any("muffled" in text for text in found.warnings)


def test_noise_above_the_speech_is_not_bandwidth():
    samples, spans = talk(48000)  # up to 4 kHz
    found = measure(decoded(samples + noise(12.0, 48000, level=0.001), 48000), spans)
    assert found.bandwidth_hz < 5000


def test_one_voice_is_one_and_two_are_two():
    low, spans = talk(hz=120)
    high, _ = talk(hz=220)
    both = np.concatenate([low, high])
    spans_both = [*spans, *((a + 12.0, b + 12.0) for a, b in spans)]
    assert measure(decoded(low), spans, embed=by_pitch).speakers == 1
    found = measure(decoded(both), spans_both, embed=by_pitch)
    assert found.speakers == 2
    assert any("More than one voice" in text for text in found.warnings)
    check(found, LIMITS)  # a warning, no refusal


def test_number_of_voices_is_unknown_with_little_speech():
    samples, spans = talk()
    assert measure(decoded(samples), spans[:5], embed=by_pitch).speakers is None


def test_embedding_is_given_16_khz():
    lengths = []

    def embed(samples: Samples) -> np.ndarray:
        lengths.append(len(samples))
        return np.ones(4, np.float32) / 2

    samples, spans = talk(48000)
    measure(decoded(samples, 48000), spans, embed=embed)
    assert sum(lengths) == pytest.approx(7.0 * 16000, abs=10)


def test_digital_silence_is_refused_as_silent():
    found = measure(decoded(np.zeros(10 * RATE)), [])
    assert np.isfinite(found.loudness_lufs)
    with pytest.raises(RecordingSilent):
        check(found, LIMITS)


def test_noise_without_speech_is_refused_saying_so():
    with pytest.raises(RecordingTooShort, match="No speech was found"):
        check(measure(decoded(noise(10.0)), []), LIMITS)


def test_speech_in_noise_as_loud_is_refused_as_noisy():
    samples, spans = talk()
    with pytest.raises(RecordingNoisy):
        check(measure(decoded(samples + noise(12.0, level=0.1)), spans), LIMITS)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"duration_s": 601.0}, RecordingTooLong),
        ({"peak_dbfs": -50.0}, RecordingSilent),
        ({"speech_s": 2.9}, RecordingTooShort),
        ({"speech_s": 0.0}, RecordingTooShort),
        ({"clipped": 0.06}, RecordingClipped),
        ({"snr_db": 3.0}, RecordingNoisy),
    ],
)
def test_refusal_says_what_was_measured_what_is_the_limit_and_what_to_do(changes, error):
    with pytest.raises(error) as caught:
        check(report(**changes), LIMITS)
    assert caught.value.extra["measured"] == next(iter(changes.values()))
    assert "limit" in caught.value.extra
    assert caught.value.suggestion


@pytest.mark.parametrize("changes", [{}, {"snr_db": None}, {"speakers": 2}, {"speakers": None}])
def test_good_enough_recordings_pass(changes):
    check(report(**changes), LIMITS)


def test_several_short_recordings_are_long_enough_together():
    check_together([report(speech_s=1.2)] * 3, LIMITS)
    with pytest.raises(RecordingTooShort):
        check_together([report(speech_s=1.2)] * 2, LIMITS)
    with pytest.raises(RecordingNoisy):
        check_together([report(), report(snr_db=1.0)], LIMITS)
    with pytest.raises(RecordingTooLong):
        check_together([report(duration_s=400.0)] * 2, LIMITS)


def test_warnings_name_what_could_be_better_and_good_recordings_have_none():
    samples, spans = talk(seconds=24.0)
    wide = samples + noise(24.0, level=0.01) * (np.abs(samples) > 0)
    assert measure(decoded(wide + noise(24.0, level=0.0003)), spans).warnings == []
    quiet = measure(decoded(samples * 0.003), spans).warnings
    assert any("quiet" in text for text in quiet)


def test_prepared_recording_has_its_silence_cut_and_standard_loudness():
    samples, spans = talk()
    source = np.concatenate([noise(3.0, level=1e-4), samples, noise(4.0, level=1e-4)])
    recording = prepare(decoded(source), [(a + 3.0, b + 3.0) for a, b in spans])
    assert recording.sample_rate == RATE
    assert recording.samples.dtype == np.float32
    assert recording.duration_s == pytest.approx(spans[-1][1] - spans[0][0], abs=0.01)
    assert loudness_lufs(recording.samples, RATE) == pytest.approx(-23.0, abs=0.2)
    assert np.abs(recording.samples).max() <= 0.97


def test_long_pauses_are_shortened_and_short_ones_kept():
    samples = noise(20.0, level=0.05)
    recording = prepare(decoded(samples), [(1.0, 5.0), (5.4, 8.0), (13.0, 17.0)])
    assert recording.duration_s == pytest.approx(4.0 + 0.4 + 2.6 + 0.6 + 4.0, abs=0.01)


def test_shortened_pause_does_not_click():
    tone_like = np.full(10 * RATE, 0.2, np.float32)  # any hard cut would jump
    tone_like[5 * RATE :] = -0.2
    recording = prepare(decoded(tone_like), [(0.5, 3.0), (6.0, 9.0)])
    peak = np.abs(recording.samples).max()
    assert np.abs(np.diff(recording.samples)).max() < 0.02 * peak


def test_prepare_without_spans_keeps_everything():
    samples, _ = talk()
    assert prepare(decoded(samples), []).duration_s == 12.0
