"""The sound that Azure sends, cut into chunks as it comes in."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, Literal

import numpy as np

from app.audio.types import Samples, SpeechChunk
from app.engines.azure.errors import senseless

_CHARS_PER_S: Final = 15.0  # of speech in Latin letters; only for where a chunk stands in the text
_HELD_BACK_S: Final = 0.001  # so that there is something left for the last chunk


def output_format(sample_rate: int, container: Literal["raw", "riff"]) -> str:
    """What is asked for, always PCM: all that we give is levelled and marked, then encoded here."""
    return f"{container}-{sample_rate // 1000}khz-16bit-mono-pcm"


async def chunks(
    sound: AsyncGenerator[bytes, None], text: str, sample_rate: int
) -> AsyncGenerator[SpeechChunk, None]:
    """Chunks that cover the text in order, each as soon as it is there. Where they stand in it is
    a guess, but for the ends.

    Raises:
        EngineFailed: there is no sound.
    """
    end, length, rest, odd = 0, 0, np.zeros(0, np.float32), b""
    held = round(_HELD_BACK_S * sample_rate)
    async with aclosing(sound):
        async for piece in sound:
            whole = odd + piece
            odd = whole[len(whole) // 2 * 2 :]
            rest = np.concatenate([rest, _samples(whole)])
            if len(rest) > held and len(text) > 1:
                length += len(rest) - held
                after = _reached(length / sample_rate, end, len(text))
                yield SpeechChunk(rest[:-held], sample_rate, end, after)
                end, rest = after, rest[-held:]
    if not len(rest):
        raise senseless("no sound")
    yield SpeechChunk(rest, sample_rate, end, len(text))


def _reached(spoken_s: float, before: int, chars: int) -> int:
    """How far in the text one is after so much of the sound: something is left to the last chunk,
    and the first one has something.
    """
    return max(before, min(max(1, int(spoken_s * _CHARS_PER_S)), chars - 1))


def _samples(content: bytes) -> Samples:
    return np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32) / 32768.0
