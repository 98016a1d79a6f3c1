"""Where in a recording somebody speaks."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.audio.activity import Span, merge_frames
from app.audio.dsp import resample
from app.audio.onnx import open_session, run
from app.audio.types import Samples

_RATE = 16_000
_FRAME = 512  # samples that get one probability: 32 ms
_CONTEXT = 64  # samples of the frame before, put in front of each
_STATE = (1, 1, 128)
_BATCH = 2048  # frames of one run (66 s): bounds the memory of long recordings


class SpeechDetector:
    """Silero VAD version 6 (MIT), thread safe.

    Args:
        model_path: the ONNX file `silero-vad.onnx`.

    Raises:
        EngineUnavailable: the file is missing or no such model.
    """

    def __init__(self, model_path: Path) -> None:
        self._session = open_session(model_path, threads=1, keep_memory=False)

    def spans(self, samples: Samples, sample_rate: int) -> list[Span]:
        """Where somebody speaks.

        Args:
            samples: float32 (n,), mono, [-1, 1].
            sample_rate: in Hz.

        Returns:
            Start and end in seconds, in order, apart from each other, within the recording.
        """
        speech = resample(samples, sample_rate, _RATE)
        if not len(speech):
            return []
        return merge_frames(
            self._probabilities(speech), _FRAME / _RATE, duration_s=len(samples) / sample_rate
        )

    def _probabilities(self, speech: Samples) -> NDArray[np.float32]:
        """float32 (n,), mono at 16 kHz, to the probability of speech of each 32 ms."""
        frames = np.pad(speech, (0, -len(speech) % _FRAME)).reshape(-1, _FRAME)
        context = np.zeros((len(frames), _CONTEXT), np.float32)
        context[1:] = frames[:-1, -_CONTEXT:]
        inputs = np.concatenate([context, frames], axis=1)
        h, c = np.zeros(_STATE, np.float32), np.zeros(_STATE, np.float32)
        parts = []
        for start in range(0, len(inputs), _BATCH):
            batch = inputs[start : start + _BATCH]
            part, h, c = run(self._session, {"input": batch, "h": h, "c": c})
            parts.append(part)
        return np.concatenate(parts)
