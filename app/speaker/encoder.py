"""Speaker embeddings: a vector that says who speaks, whatever is said."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.audio.dsp import resample
from app.audio.onnx import open_session, run
from app.audio.types import Samples
from app.core.exceptions import RecordingTooShort
from app.speaker.fbank import SAMPLE_RATE, fbank
from app.speaker.similarity import Embedding

_MIN_S = 0.5
_WINDOW_S = 20.0  # memory grows with length; longer recordings are embedded in windows


class SpeakerEncoder:
    """WeSpeaker ResNet34-LM (CC BY 4.0), thread safe.

    Args:
        model: the ONNX file `wespeaker-resnet34-lm`.
        threads: threads of one embedding.
    """

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        self._session = open_session(model, threads=threads, keep_memory=False)

    def embed(self, samples: Samples, sample_rate: int) -> Embedding:
        """Who speaks.

        Args:
            samples: float32 (n,), mono, [-1, 1], at least 0.5 s, mostly speech.
            sample_rate: in Hz.

        Returns:
            float32 (256,), length 1.

        Raises:
            RecordingTooShort: under 0.5 s.
        """
        if len(samples) < _MIN_S * sample_rate:
            raise RecordingTooShort(
                "Too short to tell who speaks.",
                "Send more speech.",
                measured=round(len(samples) / sample_rate, 2),
                limit=_MIN_S,
            )
        speech = resample(samples, sample_rate, SAMPLE_RATE)
        count = max(1, round(len(speech) / (_WINDOW_S * SAMPLE_RATE)))
        vectors = [self._embed(window) for window in np.array_split(speech, count)]
        return _unit(np.mean(vectors, axis=0))

    def _embed(self, speech: Samples) -> Embedding:
        (vectors,) = run(self._session, {"input_features": fbank(speech)[None]})
        return _unit(vectors[0])


def _unit(vector: NDArray[np.float32]) -> Embedding:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)
