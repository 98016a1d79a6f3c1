import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
import pytest

from app.audio.encode import AudioEncoder
from app.audio.types import AudioFormat, Samples, SpeechChunk
from app.services.synthesis import Speech


class SlowEncoder(AudioEncoder):
    """Encodes when it is told to, and notes whether it was closed meanwhile."""

    def __init__(self) -> None:
        super().__init__(AudioFormat.OPUS, input_rate=24000, output_rate=24000, streaming=True)
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.busy = self.closed_while_busy = False

    def encode(self, samples: Samples) -> bytes:
        self.busy = True
        self.begun.set()
        self.go_on.wait(20)
        self.busy = False
        return super().encode(samples)

    def close(self) -> None:
        self.closed_while_busy |= self.busy
        super().close()


async def chunks() -> AsyncGenerator[SpeechChunk, None]:
    while True:
        yield SpeechChunk(np.zeros(24000, np.float32), 24000, 0, 1)


async def listen(speech: Speech) -> None:
    async with aclosing(speech.encoded()) as pieces:
        async for _ in pieces:
            pass


@pytest.mark.anyio
async def test_a_cancelled_request_closes_its_encoder_only_when_its_thread_has_ended() -> None:
    encoder = SlowEncoder()
    listening = asyncio.ensure_future(listen(Speech(chunks(), encoder, "audio/ogg")))
    assert await asyncio.to_thread(encoder.begun.wait, 20)

    listening.cancel()
    await asyncio.wait([listening], timeout=0.2)
    ended_early = listening.done()
    encoder.go_on.set()
    await asyncio.wait([listening], timeout=20)

    assert not ended_early
    assert listening.cancelled()
    assert not encoder.closed_while_busy
