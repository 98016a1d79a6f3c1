"""The engine `azure` as servers of tests have it: over our fake of the service."""

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import cache, cached_property
from math import ceil

import numpy as np

from app.audio.types import Recording, SpeechChunk
from app.engines.azure.engine import AzureEngine, make_engine
from app.engines.azure.options import AzureOptions
from app.engines.azure.recordings import SHORTEST_S, wav
from app.engines.base import Agreement, EngineInfo, SynthesisRequest, VoiceState
from tests.azure_fake.speech import KEY
from tests.engines.azure.patience import Patience
from tests.speaking import ADDRESS


class AgreedAzure:
    """The engine `azure`, whose speakers have all agreed: so it makes voices of recordings alone.
    It counts as a test double: servers need no model files. A recording that is too short for
    Azure, and not for other engines, is sent several times over.
    """

    info: EngineInfo = replace(make_engine(AzureOptions(key=lambda: KEY)).info, test_double=True)

    @cached_property
    def _inner(self) -> AzureEngine:
        patience = Patience()
        account = AzureOptions(key=lambda: KEY, endpoint=os.environ[ADDRESS])
        return make_engine(account, pause=patience.pause, clock=patience.clock)

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        seconds = sum(len(one.samples) / one.sample_rate for one in recordings)
        times = ceil(SHORTEST_S / seconds) if seconds else 1
        return await self._inner.enroll_under([*recordings] * times, _agreement())

    async def forget(self, state: VoiceState) -> None:
        await self._inner.forget(state)

    def sample_voice(self) -> VoiceState:
        return self._inner.sample_voice()

    def check(self, text: str, language: str | None) -> None:
        self._inner.check(text, language)

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        async with aclosing(self._inner.synthesize(request)) as spoken:
            async for chunk in spoken:
                yield chunk


@cache
def _agreement() -> Agreement:
    return Agreement(
        "Jane Smith",
        "Contoso",
        "en-US",
        recording=wav(np.full(24_000, 0.1, np.float32)),
        filename="statement.wav",
        consent_id="0d3f6a0e-0c5b-4a0e-9f59-6a4b8d2b8e11",
    )
