"""Pitch curves and alignment, of signals whose truth is known."""

import numpy as np
import pytest

from app.engines.kokoro.adaptation.tracking import align, pitch_curve
from tests.audio.signals import noise


def test_a_pitch_curve_follows_a_glide_and_stops_with_the_voice():
    time = np.arange(24_000) / 24_000
    hertz = 120 + 60 * time
    phase = 2 * np.pi * np.cumsum(hertz) / 24_000
    glide = sum(np.sin(k * phase) / k for k in range(1, 8)).astype(np.float32) * 0.1
    speech = np.concatenate([glide, noise(0.5, level=0.0005)])

    curve = pitch_curve(speech, 24_000, hop_s=0.0125, around_hz=150.0)

    inside = curve[8:72]
    wanted = 120 + 60 * np.arange(8, 72) * 0.0125
    np.testing.assert_allclose(inside, wanted, rtol=0.04)
    assert (curve[90:] == 0).mean() > 0.8


def test_alignment_finds_stretched_frames():
    ours = np.random.default_rng(0).normal(size=(16, 30)).astype(np.float32)
    theirs = np.repeat(ours, 2, axis=1)

    found, cost = align(ours, theirs)

    np.testing.assert_array_equal(found, np.repeat(np.arange(30), 2))
    assert cost == pytest.approx(0.0, abs=1e-3)
