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
_HELD_BACK: Final = 240  # samples, 10 ms: so that there is something left for the last chunk


async def chunks(
    sound: AsyncGenerator[bytes, None], text: str
) -> AsyncGenerator[SpeechChunk, None]:
    """Chunks that cover the text in order. Where they stand in it is a guess, but for the ends.

    Raises:
        EngineFailed: there is no sound.
    """
    end, rest, odd = 0, np.zeros(0, np.float32), b""
    async with aclosing(sound):
        async for piece in sound:
            whole = odd + piece
            odd = whole[len(whole) // 2 * 2 :]
            rest = np.concatenate([rest, _samples(whole)])
            share = _share(len(rest) - _HELD_BACK, len(text) - end)
            if share:
                yield SpeechChunk(rest[:-_HELD_BACK], SAMPLE_RATE, end, end + share)
                end, rest = end + share, rest[-_HELD_BACK:]
    if not len(rest):
        raise senseless("no sound")
    yield SpeechChunk(rest, SAMPLE_RATE, end, len(text))


def _share(samples: int, chars_left: int) -> int:
    """How many characters a chunk gets: at most half of those that are left. 0: wait for more of
    the sound.
    """
    if samples <= 0:
        return 0
    return min(int(samples / SAMPLE_RATE * _CHARS_PER_S), chars_left // 2)


def _samples(content: bytes) -> Samples:
    return np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32) / 32768.0
