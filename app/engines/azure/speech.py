"""The sound that Azure sends, cut into chunks as it comes in."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import numpy as np

from app.audio.types import Samples, SpeechChunk
from app.engines.azure.errors import senseless

SAMPLE_RATE: Final = 24_000
OUTPUT_FORMAT: Final = "raw-24khz-16bit-mono-pcm"
"""The one format that is asked for: all that we give is levelled and marked, then encoded here."""

_CHARS_PER_S: Final = 15.0  # of speech in Latin letters; only for where a chunk stands in the text
_HELD_BACK: Final = 24  # samples, 1 ms: so that there is something left for the last chunk


async def chunks(
    sound: AsyncGenerator[bytes, None], text: str
) -> AsyncGenerator[SpeechChunk, None]:
    """Chunks that cover the text in order, each as soon as it is there. Where they stand in it is
    a guess, but for the ends.

    Raises:
        EngineFailed: there is no sound.
    """
    end, length, rest, odd = 0, 0, np.zeros(0, np.float32), b""
    async with aclosing(sound):
        async for piece in sound:
            whole = odd + piece
            odd = whole[len(whole) // 2 * 2 :]
            rest = np.concatenate([rest, _samples(whole)])
            if len(rest) > _HELD_BACK and len(text) > 1:
                length += len(rest) - _HELD_BACK
                after = _reached(length, end, len(text))
                yield SpeechChunk(rest[:-_HELD_BACK], SAMPLE_RATE, end, after)
                end, rest = after, rest[-_HELD_BACK:]
    if not len(rest):
        raise senseless("no sound")
    yield SpeechChunk(rest, SAMPLE_RATE, end, len(text))


def _reached(samples: int, before: int, chars: int) -> int:
    """How far in the text one is after so much of the sound: something is left to the last chunk,
    and the first one has something.
    """
    spoken = int(samples / SAMPLE_RATE * _CHARS_PER_S)
    return max(before, min(max(1, spoken), chars - 1))


def _samples(content: bytes) -> Samples:
    return np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32) / 32768.0
