"""Perth (PERceptual THreshold), the watermark of Resemble AI (MIT), on onnxruntime.

A network adds up to some dB to the magnitudes below 2 kHz where speech masks it, another one says
how surely a spectrogram has that. The graphs are our own (tools/watermark_graphs.py); their weights
are read out of the published checkpoint as it is. Spectra are taken at the rate of the sound, in
frames as long as those that the networks were trained on: nothing is resampled to be marked.
"""

from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from app.audio.dsp import resample
from app.audio.onnx import open_session, run
from app.audio.spectrum import Spectrum, signal, spectrum
from app.audio.types import Samples

SAMPLE_RATE: Final = 32_000
"""Of the networks, in Hz."""
_SIZE, _HOP = 2048, 320  # frames of 64 ms, every 10 ms
_BINS: Final = 128  # below 2 kHz
_FLOOR_DB, _HEADROOM_DB = -180.0, 15.0
STRENGTH: Final = 1.25
"""Of the mark, relative to what its authors add, in dB: with 1 it is lost under some noise."""
_SILENT: Final = 0.05  # of the loudest frame's sum: frames below it are left out
_SLOWER, _FASTER = 1.25, 0.75


class Marker:
    """Adds the mark. Thread safe.

    Args:
        checkpoint: the file `perth-implicit`.
        strength: of the mark; with 1 it is as strong as its authors made it.
    """

    def __init__(self, checkpoint: Path, *, strength: float = STRENGTH, threads: int = 1) -> None:
        self._session = _opened("encoder", checkpoint, threads)
        self._strength = strength

    def mark(self, samples: Samples, sample_rate: int) -> Samples:
        """The same sound, marked.

        Args:
            samples: float32 (n,), [-1, 1].
            sample_rate: in Hz; a multiple of 500.

        Returns:
            float32 (n,); silence stays silence.
        """
        if not np.any(samples):
            return samples
        size, hop = sample_rate * _SIZE // SAMPLE_RATE, sample_rate // 100
        whole = spectrum(samples, size, hop)
        levels = _levels(whole, _SIZE / size)
        (residual,) = run(self._session, {"magnitude": levels[None, :_BINS]})
        gain_db = residual[0] * _audible(levels) * (_HEADROOM_DB - _FLOOR_DB) * self._strength
        added = np.zeros_like(whole)
        added[:_BINS] = whole[:_BINS] * (10.0 ** (gain_db / 20.0) - 1.0)
        marked = samples + signal(added, size, hop, len(samples))
        return np.asarray(np.clip(marked, -1.0, 1.0), np.float32)


class Detector:
    """Finds the mark. Thread safe."""

    def __init__(self, checkpoint: Path, *, threads: int = 1) -> None:
        self._session = _opened("decoder", checkpoint, threads)

    def score(self, samples: Samples, sample_rate: int) -> float:
        """How surely the mark is there: about 0 without it, about 1 with it.

        Args:
            samples: float32 (n,), at least 0.1 s.
        """
        sound = resample(samples, sample_rate, SAMPLE_RATE)
        if not np.any(sound):
            return 0.0
        levels = _levels(spectrum(sound, _SIZE, _HOP), 1.0)
        heard, mask = levels[:_BINS], _audible(levels)
        count = heard.shape[1]
        counts = (max(2, int(count * _SLOWER)), count, max(2, int(count * _FASTER)))
        feed = dict(
            zip(("slow", "normal", "fast"), (_stretched(heard, n) for n in counts), strict=True)
        )
        votes = []
        for output, n in zip(run(self._session, feed), counts, strict=True):
            part = mask[np.minimum(np.arange(n) * count // n, count - 1)]
            votes.append((output[0] * part).sum(axis=1) / max(part.sum(), 1.0))
        trust, marks = np.array(votes).T
        weight = np.exp(trust - trust.max())
        return float((weight * marks).sum() / weight.sum())


def _levels(of: Spectrum, scale: float) -> NDArray[np.float32]:
    """Magnitudes as the networks know them: dB over their floor, about 0 to 1."""
    db = 20.0 * np.log10(np.maximum(np.abs(of) * scale, 10.0 ** (_FLOOR_DB / 20.0)))
    return np.asarray((db - _FLOOR_DB) / (_HEADROOM_DB - _FLOOR_DB), np.float32)


def _audible(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 for frames that are not silent, else 0; float32 (frames,)."""
    total = levels.sum(axis=0)
    return np.asarray(total > total.max() * _SILENT, np.float32)


def _stretched(levels: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """So many frames, by linear interpolation; float32 (1, bins, count)."""
    frames = levels.shape[1]
    at = np.linspace(0, frames - 1, count)
    low = np.minimum(at.astype(int), max(frames - 2, 0))
    share = (at - low).astype(np.float32)
    high = np.minimum(low + 1, frames - 1)
    return np.asarray(levels[:, low] * (1 - share) + levels[:, high] * share, np.float32)[None]


def _opened(graph: str, checkpoint: Path, threads: int) -> InferenceSession:
    content = files(__package__).joinpath(f"{graph}.onnx").read_bytes()
    return open_session(content, threads=threads, weights=checkpoint.parent)
