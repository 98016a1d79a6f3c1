"""A sentence that is finished piece by piece, beside one that is finished as a whole."""

import math

import numpy as np
import pytest

from app.audio.dsp import loudness_lufs
from app.audio.finish import OUTPUT_LUFS, Finish, finish
from app.audio.flowing import Flowing, Level, Levels, can_flow
from app.audio.types import Samples, SpeechChunk
from tests.audio.signals import talk

RATE = 24_000
SPEECH = talk(seconds=4.0)[0]
SILENCE = np.full(RATE // 2, 1e-5, np.float32)
SOUND = np.concatenate([SILENCE, SPEECH[RATE // 2 :], SILENCE])


def flown(
    sound: Samples, how: Finish | None = None, *, ms: int = 20, level: Level | None = None
) -> list[Samples]:
    flowing = Flowing(RATE, how or Finish(), level)
    size = RATE * ms // 1000
    fed = [flowing.feed(sound[at : at + size]) for at in range(0, len(sound), size)]
    return [*fed, flowing.end()]


def whole(sound: Samples, how: Finish | None = None) -> Samples:
    return finish([SpeechChunk(sound, RATE, 0, 1)], how or Finish())[0]


def own(sound: Samples) -> Level:
    """Of the sound itself."""
    flowing = Flowing(RATE, Finish(), None)
    flowing.feed(sound)
    heard = flowing.heard()
    assert heard is not None
    return heard


@pytest.mark.parametrize("ms", [3, 20, 85, 5000])
def test_a_known_voice_sounds_as_it_does_as_a_whole(ms: int) -> None:
    how = Finish(lead_s=0.1, pause_s=0.3)
    expected = whole(SOUND, how)

    got = np.concatenate(flown(SOUND, how, ms=ms, level=own(SOUND)))

    # The silence that stays before the sound is in part another one.
    assert len(got) == pytest.approx(len(expected), abs=RATE // 50)
    sound = np.flatnonzero(np.abs(expected) > 1e-3)[0] - np.flatnonzero(np.abs(got) > 1e-3)[0]
    moved = got[max(0, -sound) :][: 3 * RATE] - expected[max(0, sound) :][: 3 * RATE]
    assert np.abs(moved[RATE // 4 :]).max() < 0.02
    assert not np.any(got[: RATE // 10])
    assert not np.any(got[-RATE * 3 // 10 :])
    assert abs(loudness_lufs(got, RATE) - OUTPUT_LUFS) < 0.5


def test_there_are_no_clicks_at_the_seams() -> None:
    steepest = np.abs(np.diff(whole(SOUND))).max()

    assert np.abs(np.diff(np.concatenate(flown(SOUND)))).max() < 1.05 * steepest


def test_sound_leaves_with_the_first_piece_but_for_a_fade() -> None:
    first = flown(SPEECH[RATE // 2 :])[0]

    assert len(first) == RATE * 15 // 1000
    assert np.abs(first).max() > 0


def test_of_silence_before_it_no_more_leaves_than_stays_of_a_whole_sentence() -> None:
    pieces = flown(SOUND)

    assert len(np.concatenate(pieces[:20])) <= RATE * 30 // 1000
    assert len(pieces[0]) > 0


def test_the_first_sentence_of_a_voice_is_within_bounds_of_a_usual_level() -> None:
    plain = loudness_lufs(SOUND, RATE)
    for gain in (0.1, 1.0, 2.0):
        got = np.concatenate(flown(SOUND * np.float32(gain), ms=170))
        made_louder = loudness_lufs(got, RATE) - plain - 20 * math.log10(gain)
        assert abs(made_louder) <= 6.5


def test_what_is_loud_is_not_cut_off() -> None:
    loud = np.concatenate(flown(SOUND * 2.0, Finish(volume=6.0), level=own(SOUND)))

    assert np.abs(loud).max() < 0.97
    assert np.mean(np.abs(loud) > 0.969) < 0.01


def test_volume_is_within_the_gain() -> None:
    level = own(SOUND)
    softer = np.concatenate(flown(SOUND, Finish(volume=-10.0), level=level))

    assert loudness_lufs(softer, RATE) == pytest.approx(OUTPUT_LUFS - 10.0, abs=0.5)
    assert not np.any(np.concatenate(flown(SOUND, Finish(volume=-math.inf), level=level)))


def test_silence_and_single_samples_go_through() -> None:
    for sound in (np.zeros(RATE, np.float32), np.ones(1, np.float32), SILENCE):
        got = np.concatenate(flown(sound))
        assert 1 <= len(got) <= RATE * 30 // 1000
        assert np.all(np.isfinite(got))


def test_what_needs_the_whole_does_not_flow() -> None:
    assert can_flow(Finish(lead_s=1.0, pause_s=1.0, volume=-3.0))
    assert not can_flow(Finish(pitch=1.0))
    assert not can_flow(Finish(volume=10.0))


def test_levels_are_those_of_each_voice() -> None:
    levels = Levels()
    levels.heard("a", Level(-30.0, 0.1))
    levels.heard("a", Level(-28.0, 0.3))

    assert levels.of("a") == Level(-29.0, pytest.approx(0.2))
    assert levels.of("b") is None
