from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from app.audio.activity import merge_frames
from app.audio.decode import DecodedAudio, DecodeLimits, decode
from app.audio.dsp import resample
from app.audio.quality import RecordingLimits, check_together, measure
from app.audio.vad import SpeechDetector
from app.core.exceptions import EngineUnavailable
from tests.audio.signals import Span, model_file, noise, speech_files

FRAME_S = 0.032


def merged(*runs: tuple[float, int]) -> list[Span]:
    """Spans of frames given as (probability, how many)."""
    frames = np.concatenate([np.full(count, p, np.float32) for p, count in runs])
    return merge_frames(frames, FRAME_S, duration_s=len(frames) * FRAME_S)


def test_speech_is_padded_within_the_recording():
    assert merged((0.0, 50), (0.9, 50), (0.0, 50)) == [pytest.approx((1.5, 3.3))]
    assert merged((0.9, 50)) == [pytest.approx((0.0, 1.6))]


def test_short_pause_does_not_part_speech_and_long_one_does():
    assert len(merged((0.9, 20), (0.0, 9), (0.9, 20))) == 1
    assert len(merged((0.9, 20), (0.0, 10), (0.9, 20))) == 2


def test_a_click_is_no_speech():
    assert merged((0.0, 50), (0.9, 7), (0.0, 50)) == []


def test_speech_goes_on_at_a_probability_that_would_not_begin_it():
    assert merged((0.4, 100)) == []
    assert len(merged((0.9, 10), (0.4, 100))) == 1


def test_no_frames_are_no_speech():
    assert merge_frames(np.zeros(0, np.float32), FRAME_S, duration_s=0.0) == []


def test_missing_model_is_said(tmp_path: Path):
    with pytest.raises(EngineUnavailable):
        SpeechDetector(tmp_path / "silero-vad.onnx")


@pytest.fixture(scope="module")
def detector() -> SpeechDetector:
    return SpeechDetector(model_file("silero-vad.onnx"))


def clip(file: Path) -> DecodedAudio:
    return decode(file.read_bytes(), DecodeLimits(max_bytes=10**7, max_seconds=60))


@pytest.mark.models
@pytest.mark.parametrize("level", [0.0, 0.001, 0.1])
def test_silence_and_noise_are_no_speech(detector, level):
    assert detector.spans(noise(5.0, 16000, level=level), 16000) == []


@pytest.mark.models
def test_nothing_is_no_speech(detector):
    assert detector.spans(np.zeros(0, np.float32), 16000) == []
    assert detector.spans(np.zeros(100, np.float32), 16000) == []


@pytest.mark.models
@pytest.mark.parametrize("rate", [16000, 24000, 48000])
def test_speech_between_silence_is_found_at_any_rate(detector, rate):
    speech = resample(clip(speech_files("2033")[0]).samples, 16000, rate)
    silence = np.zeros(3 * rate, np.float32)
    spans = detector.spans(np.concatenate([silence, speech, silence]), rate)
    assert 2.8 < spans[0][0] < 3.8
    assert len(speech) / rate + 2.2 < spans[-1][1] < len(speech) / rate + 3.3
    assert all(a < b for a, b in spans)
    assert all(first[1] < second[0] for first, second in pairwise(spans))


@pytest.mark.models
def test_long_recordings_do_not_depend_on_where_they_are_divided(detector):
    speech = np.concatenate([clip(file).samples for file in speech_files("2033")])  # 80 s
    whole = detector.spans(speech, 16000)
    later = detector.spans(np.concatenate([np.zeros(51200, np.float32), speech]), 16000)
    assert len(whole) == pytest.approx(len(later), abs=1)
    assert sum(b - a for a, b in whole) == pytest.approx(sum(b - a for a, b in later), rel=0.02)


@pytest.mark.models
def test_threads_share_a_detector(detector):
    samples = clip(speech_files("2033")[0]).samples
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: detector.spans(samples, 16000), range(8)))
    assert all(result == results[0] for result in results)


@pytest.mark.models
@pytest.mark.parametrize("speaker", ["1688", "2033", "2609", "367", "3080"])
def test_real_speakers_are_not_refused(detector, speaker):
    clips = [clip(file) for file in speech_files(speaker)]
    reports = [measure(one, detector.spans(one.samples, one.sample_rate)) for one in clips]
    check_together(reports[:3], RecordingLimits())
    check_together(reports, RecordingLimits())
    assert all(report.clipped < 0.002 for report in reports)
