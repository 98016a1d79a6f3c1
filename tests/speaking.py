"""The engine that servers of tests speak with: the fake one, or with `--speech-engine azure` the
engine `azure`, over our fake of the service. Either way the speech can be read back.
"""

import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from math import ceil
from typing import Any, Final

import numpy as np
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app import main
from app.audio.types import Recording, SpeechChunk
from app.core.config import Settings
from app.engines.base import Agreement, Engine, EngineInfo, SynthesisRequest, VoiceState
from app.engines.fake import FakeEngine

_ADDRESS: Final = "TESTS_AZURE_SPEECH"


TRAINS: Final = pytest.mark.only_fake_engine("it is trained; Azure trains no personal voices")


def engine_name() -> str:
    """As in `VOICE_ENGINE`."""
    return "azure" if _ADDRESS in os.environ else "fake"


def engine_trains() -> bool:
    """Whether its voices can be trained."""
    return engine_name() == "fake"


def seeded(seed: int) -> dict[str, Any]:
    """Of a request: the seed, if the engine takes one."""
    return {"seed": seed} if engine_name() == "fake" else {}


def engine_settings() -> dict[str, Any]:
    """Settings of a server with it."""
    if _ADDRESS not in os.environ:
        return {"voice_engine": "fake"}
    from tests.azure_fake.speech import KEY

    return {
        "voice_engine": "azure",
        "azure_speech_key": SecretStr(KEY),
        "azure_speech_endpoint": os.environ[_ADDRESS],
    }


def create_app(settings: Settings, *, engine: Engine | None = None, **parts: Any) -> FastAPI:
    """The application: with the engine of its settings, if no other is given."""
    return main.create_app(settings, engine=engine or engine_of(settings), **parts)


def engine_of(settings: Settings) -> Engine | None:
    """The engine for servers of these settings; None: the application makes it."""
    address = os.environ.get(_ADDRESS)
    ours = settings.voice_engine == "azure" and settings.azure_speech_endpoint == address
    return _over_azure() if ours else None


def new_engine() -> Engine:
    """The engine that is under test, not yet opened."""
    return _over_azure() if _ADDRESS in os.environ else FakeEngine()


@contextmanager
def azure_instead() -> Iterator[None]:
    """Meanwhile tests speak with the engine `azure`."""
    from tests.azure_fake.speech import speech_service

    with speech_service() as service:
        service.account.can_be_read_back = True
        os.environ[_ADDRESS] = service.url
        try:
            yield
        finally:
            del os.environ[_ADDRESS]


def _over_azure() -> "AgreedAzure":
    from app.engines.azure.engine import make_engine
    from app.engines.azure.options import AzureOptions
    from tests.azure_fake.speech import KEY
    from tests.engines.azure.patience import Patience

    patience = Patience()
    account = AzureOptions(key=lambda: KEY, endpoint=os.environ[_ADDRESS])
    return AgreedAzure(make_engine(account, pause=patience.pause, clock=patience.clock))


class AgreedAzure:
    """The engine `azure`, whose speakers have all agreed: so it makes voices of recordings alone.
    It counts as a test double: servers need no model files. A recording that is too short for
    Azure, and not for other engines, is sent several times over.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.info: EngineInfo = replace(inner.info, test_double=True)

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        seconds = sum(len(one.samples) / one.sample_rate for one in recordings)
        times = ceil(5.0 / seconds) if seconds else 1
        state: VoiceState = await self._inner.enroll_under([*recordings] * times, _agreement())
        return state

    async def forget(self, state: VoiceState) -> None:
        await self._inner.forget(state)

    def sample_voice(self) -> VoiceState:
        state: VoiceState = self._inner.sample_voice()
        return state

    def check(self, text: str, language: str | None) -> None:
        self._inner.check(text, language)

    def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        spoken: AsyncGenerator[SpeechChunk, None] = self._inner.synthesize(request)
        return spoken


@cache
def _agreement() -> Agreement:
    from app.engines.azure.recordings import wav

    statement = wav(np.full(24_000, 0.1, np.float32))
    return Agreement(
        "Jane Smith",
        "Contoso",
        "en-US",
        recording=statement,
        filename="statement.wav",
        consent_id="0d3f6a0e-0c5b-4a0e-9f59-6a4b8d2b8e11",
    )
