"""An engine whose speech differs from text to text as real speech does, and clips of it."""

from collections.abc import AsyncGenerator
from hashlib import sha256

import numpy as np

from app.audio.dsp import resample
from app.audio.encode import encode_all
from app.audio.types import AudioFormat, Samples, SpeechChunk
from app.core.exceptions import EngineFailed
from app.engines.base import SynthesisRequest
from app.engines.fake import SAMPLE_RATE
from tests.speaking import engine_kind

_SYLLABLE_S = 0.08
_BREAKS = "breaks"


class Chatter(engine_kind()):
    """Three tones for each two letters, which ones the text says. Fails where the text has the
    word `breaks`.
    """

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        if _BREAKS in request.text:
            raise EngineFailed("It broke.")
        yield SpeechChunk(chatter(request.text), SAMPLE_RATE, 0, len(request.text))


def chatter(text: str) -> Samples:
    rng = np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()[:8], "big"))
    time_s = np.arange(round(_SYLLABLE_S * SAMPLE_RATE)) / SAMPLE_RATE
    shape = np.sin(np.pi * time_s / _SYLLABLE_S)
    syllables = []
    for _ in range(max(1, len(text) // 2)):
        tones = rng.uniform(200, 3000, size=3)
        sound = np.sin(2 * np.pi * np.outer(tones, time_s) + rng.uniform(0, 6, size=(3, 1)))
        syllables.append(shape * (rng.uniform(0.05, 0.3, size=3) @ sound))
    return np.concatenate(syllables).astype(np.float32)


def clip(samples: Samples, start_s: float, end_s: float, *, rate: int = 16_000) -> bytes:
    """A piece as somebody else would send it: an MP3 file of another rate."""
    piece = samples[round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)]
    piece = 0.5 * resample(piece, SAMPLE_RATE, rate)
    return encode_all(piece, AudioFormat.MP3, input_rate=rate, output_rate=rate)
