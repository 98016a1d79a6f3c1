"""The sound that Azure sends, cut into chunks as it comes in."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, Literal

import numpy as np

from app.audio.types import Samples, SpeechChunk
from app.engines.azure.errors import senseless

_CHARS_PER_S: Final = 15.0  # of speech in Latin letters; only for where a chunk stands in the text
_HELD_BACK_S: Final = 0.01  # so that there is something left for the last chunk


def output_format(sample_rate: int, container: Literal["raw", "riff"]) -> str:
    """What is asked for, always PCM: all that we give is levelled and marked, then encoded here."""
    return f"{container}-{sample_rate // 1000}khz-16bit-mono-pcm"


async def chunks(
    sound: AsyncGenerator[bytes, None], text: str, sample_rate: int
) -> AsyncGenerator[SpeechChunk, None]:
    """Chunks that cover the text in order. Where they stand in it is a guess, but for the ends.

    Raises:
        EngineFailed: there is no sound.
    """
    end, rest, odd = 0, np.zeros(0, np.float32), b""
    held = round(_HELD_BACK_S * sample_rate)
    async with aclosing(sound):
        async for piece in sound:
            whole = odd + piece
            odd = whole[len(whole) // 2 * 2 :]
            rest = np.concatenate([rest, _samples(whole)])
            share = _share((len(rest) - held) / sample_rate, len(text) - end)
            if share:
                yield SpeechChunk(rest[:-held], sample_rate, end, end + share)
                end, rest = end + share, rest[-held:]
    if not len(rest):
        raise senseless("no sound")
    yield SpeechChunk(rest, sample_rate, end, len(text))


def _share(length_s: float, chars_left: int) -> int:
    """How many characters a chunk gets: at most half of those that are left. 0: wait for more of
    the sound.
    """
    if length_s <= 0:
        return 0
    return min(int(length_s * _CHARS_PER_S), chars_left // 2)


def _samples(content: bytes) -> Samples:
    return np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32) / 32768.0
