"""A service that runs, and engines over it that never wait."""

from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from app.audio.types import Recording
from app.engines.azure.engine import AzureEngine
from app.engines.base import Agreement
from tests.azure_fake.speech import SpeechFake, speech_service
from tests.consents.speakers import wav
from tests.engines.azure.patience import Patience, engine_over


@pytest.fixture(scope="module")
def running() -> Iterator[SpeechFake]:
    with speech_service() as fake:
        yield fake


@pytest.fixture
def service(running: SpeechFake) -> SpeechFake:
    """As it is in the beginning."""
    running.reset()
    return running


@pytest.fixture
def patience() -> Patience:
    return Patience()


@pytest.fixture
async def engine(service: SpeechFake, patience: Patience) -> AsyncIterator[AzureEngine]:
    engine = engine_over(service, patience)
    yield engine
    await engine.close()


@pytest.fixture(scope="session")
def recording() -> Recording:
    """Of 8 s."""
    time_s = np.arange(8 * 16_000) / 16_000
    return Recording(np.asarray(0.2 * np.sin(2 * np.pi * 200 * time_s), np.float32), 16_000)


@pytest.fixture(scope="session")
def agreement(recording: Recording) -> Agreement:
    return Agreement(
        "Jane Smith",
        "Contoso & Sons",
        "en",
        recording=wav(recording.samples, 16_000),
        filename="statement.wav",
        consent_id="0d3f6a0e-0c5b-4a0e-9f59-6a4b8d2b8e11",
    )
