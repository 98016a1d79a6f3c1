"""Audio that the tests make themselves, and real speech and models where they are present."""

import os
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from app.audio.types import Samples

Span = tuple[float, float]


def tone(seconds: float, rate: int = 24000, *, hz: float = 440.0, level: float = 0.5) -> Samples:
    """A sine of amplitude `level`."""
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def noise(seconds: float, rate: int = 24000, *, level: float = 0.1, seed: int = 0) -> Samples:
    """White noise of RMS `level`."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, level, round(seconds * rate)).astype(np.float32)


def vowel(seconds: float, rate: int = 24000, *, hz: float = 120.0, level: float = 0.3) -> Samples:
    """A voiced sound: harmonics of `hz` under a formant at 700 Hz, its fundamental weak."""
    time = np.arange(round(seconds * rate)) / rate
    total = np.zeros(len(time))
    for k in range(1, int(4000 / hz)):
        weight = np.exp(-(((hz * k - 700) / 500) ** 2)) + 0.05 / k
        total += weight * np.sin(2 * np.pi * hz * k * time + 1.7 * k * k)
    return (level * total / np.abs(total).max()).astype(np.float32)


def talk(
    rate: int = 24000, *, hz: float = 120.0, seconds: float = 12.0
) -> tuple[Samples, list[Span]]:
    """Something with the loudness pattern of speech: a second of sound, half a second of pause.

    Syllables swell and fade, so that peaks are rare, as they are in speech.
    """
    samples = np.zeros(round(seconds * rate), np.float32)
    spans = []
    start = 0.5
    while start + 1.5 <= seconds:
        piece = vowel(1.0, rate, hz=hz * (1 + 0.1 * np.sin(start)))
        swell = np.abs(np.sin(np.arange(len(piece)) / rate * 4 * np.pi)) ** 0.7
        strength = 0.6 + 0.4 * np.cos(start * 7)
        at = round(start * rate)
        samples[at : at + len(piece)] = piece * swell * strength
        spans.append((start, start + 1.0))
        start += 1.5
    return samples, spans


def encoded(
    channels: NDArray[np.float32], rate: int, *, container: str, codec: str, layout: str = ""
) -> bytes:
    """A file of float32 (channels, n), written by FFmpeg."""
    channels = np.atleast_2d(channels)
    layout = layout or {1: "mono", 2: "stereo", 8: "7.1"}[len(channels)]
    file = BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        # Packed: PyAV miscounts the planes of 8 channels.
        packed = np.ascontiguousarray(channels.T, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
        frame.sample_rate = rate
        frame.pts = 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def read_pcm(content: bytes) -> Samples:
    """Of the format `pcm`: 16 bits, little-endian."""
    return np.frombuffer(content, "<i2").astype(np.float32) / 32768


def snr_db(expected: Samples, actual: Samples, *, max_shift: int = 0) -> float:
    """Signal to error in dB at the best shift within +-`max_shift` samples.

    The first and last 2000 samples, where codecs start and stop, do not count.
    """
    best = -np.inf
    middle = slice(2000 + max_shift, min(len(expected), len(actual)) - 2000 - max_shift)
    for shift in range(-max_shift, max_shift + 1):
        moved = actual[middle.start + shift : middle.stop + shift].astype(np.float64)
        error = np.mean((moved - expected[middle]) ** 2)
        best = max(best, 10 * np.log10(np.mean(expected[middle] ** 2) / max(error, 1e-12)))
    return float(best)


def speech_files(*speakers: str) -> list[Path]:
    """Clips of these speakers of the speech data, or skip the test."""
    root = Path(os.environ.get("SPEECH_DATA_DIR", "../shared/data")) / "speech" / "speakers"
    files = [file for speaker in speakers for file in sorted((root / speaker).glob("*.flac"))]
    if not files:
        pytest.skip(f"no speech data in {root}: set SPEECH_DATA_DIR")
    return files


def model_file(name: str) -> Path:
    """A model file, or skip the test."""
    path = Path(os.environ.get("MODEL_DIR", "data/models")) / name
    if not path.is_file():
        pytest.skip(f"{path} is missing: fetch the models, or set MODEL_DIR")
    return path
