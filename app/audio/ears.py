"""Listening: from an upload to a recording that an engine can use, with a report on it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.audio.activity import Detector
from app.audio.decode import DecodedAudio, DecodeLimits, decode
from app.audio.dsp import resample
from app.audio.quality import Embed, RecordingLimits, check, check_together, measure, prepare
from app.audio.types import Recording, RecordingReport
from app.core.exceptions import EngineUnavailable
from app.core.tasks import in_thread
from app.core.tracing import span

_THREADS = 2
_LEAST_AMONG_OTHERS_S = 1.0
_EMBED_RATE = 16_000
_EMBED_S = 60.0  # of a recording: more takes longer and tells no more


@dataclass(frozen=True, slots=True)
class Listener:
    """What is needed to judge a recording.

    Attributes:
        detector: finds where somebody speaks.
        embed: speaker embedding of speech at 16 kHz, or None where there is no encoder.
    """

    detector: Detector
    embed: Embed | None


def no_encoder(detail: str) -> EngineUnavailable:
    """Nothing here tells speakers apart."""
    return EngineUnavailable(
        detail, "It comes with the real engine; `voice-cloning doctor` says what is missing."
    )


class Ears:
    """Listens in threads of its own: it takes seconds, and the loop's pool serves the streams.

    Args:
        listener: called when it is needed first, since it loads models.
    """

    def __init__(
        self,
        listener: Callable[[], Listener],
        *,
        decode_limits: DecodeLimits,
        recording_limits: RecordingLimits,
    ) -> None:
        self._listener = listener
        self._decode_limits = decode_limits
        self._recording_limits = recording_limits
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="listen")

    @property
    def embedded_s(self) -> float:
        """How much of a recording tells its speaker: `embed` looks at no more, in seconds."""
        return _EMBED_S

    async def warm_up(self) -> None:
        """Load what judges recordings now, rather than with the first one.

        Raises:
            AssetError, EngineUnavailable: a model file is missing or damaged.
        """
        await in_thread(self._threads, self._listener)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def listen(
        self, content: bytes, *, alone: bool = True
    ) -> tuple[Recording, RecordingReport]:
        """Decode a file, measure it, and cut a copy to its speech.

        Args:
            alone: a voice is made of nothing else; among others a second of speech is enough.

        Raises:
            UnreadableAudio, UnsuitableRecording, UploadTooLarge: nothing can be made of the file.
            AssetError, EngineUnavailable: as `warm_up`.
        """
        return await in_thread(self._threads, self._listen, content, alone)

    async def judge(self, sound: DecodedAudio) -> tuple[Recording, RecordingReport]:
        """As `listen`, of a file that is decoded already."""
        return await in_thread(self._threads, self._judge, sound, True)

    async def decode(self, content: bytes) -> DecodedAudio:
        """The samples of a file, unjudged.

        Raises:
            UnreadableAudio, RecordingTooLong, UploadTooLarge: it cannot be read, or is too much.
        """
        return await in_thread(self._threads, decode, content, self._decode_limits)

    def check_together(self, reports: Sequence[RecordingReport]) -> None:
        """Refuse recordings that each can be used among others, if they are too short together.

        Raises:
            RecordingTooShort
        """
        check_together(reports, replace(self._recording_limits, max_duration_s=float("inf")))

    async def embed(self, recording: Recording) -> NDArray[np.float32] | None:
        """Who speaks in a recording: a vector of length 1. None where there is no encoder.

        Raises:
            AssetError, EngineUnavailable: as `warm_up`.
        """
        return await in_thread(self._threads, self._embed, recording)

    def _embed(self, recording: Recording) -> NDArray[np.float32] | None:
        embed = self._listener().embed
        if embed is None:
            return None
        samples = recording.samples[: int(_EMBED_S * recording.sample_rate)]
        return embed(resample(samples, recording.sample_rate, _EMBED_RATE))

    def _listen(self, content: bytes, alone: bool) -> tuple[Recording, RecordingReport]:
        with span("decode", **{"voice.bytes": len(content)}):
            decoded = decode(content, self._decode_limits)
        return self._judge(decoded, alone)

    def _judge(self, decoded: DecodedAudio, alone: bool) -> tuple[Recording, RecordingReport]:
        with span("listen", **{"voice.audio_s": decoded.duration_s}):
            listener = self._listener()
            spans = listener.detector.spans(decoded.samples, decoded.sample_rate)
            report = measure(decoded, spans, embed=listener.embed)
            limits = self._recording_limits
            if not alone:
                least = min(_LEAST_AMONG_OTHERS_S, limits.min_speech_s)
                limits = replace(limits, min_speech_s=least)
            check(report, limits)
            return prepare(decoded, spans), report
