"""Speech of the fake engine, with a low tone that stands for who speaks."""

import numpy as np
from numpy.typing import NDArray

from app.audio.activity import EnergyDetector
from app.audio.ears import Listener
from app.audio.encode import encode_all
from app.audio.types import AudioFormat, Samples
from app.engines.fake import SAMPLE_RATE, spoken_text

ANN, BOB = 200.0, 300.0
_LOWEST, _HIGHEST = 100.0, 375.0  # Hz: below the tones of the engine


def says(text: str, speaker: float = ANN) -> bytes:
    """A WAV file in which somebody says a text."""
    samples = spoken_text(text)
    time_s = np.arange(len(samples)) / SAMPLE_RATE
    samples = samples + 0.1 * np.sin(2 * np.pi * speaker * time_s)
    return wav(np.asarray(samples, np.float32))


def wav(samples: Samples, rate: int = SAMPLE_RATE) -> bytes:
    return encode_all(samples, AudioFormat.WAV, input_rate=rate, output_rate=rate)


def by_tone(samples: Samples) -> NDArray[np.float32]:
    """A speaker embedding: another tone is another speaker."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / 16_000)
    low = (hz > _LOWEST) & (hz < _HIGHEST)
    angle = hz[low][np.argmax(power[low])] / (BOB - ANN) * np.pi / 2
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def listener() -> Listener:
    return Listener(EnergyDetector(), by_tone)
