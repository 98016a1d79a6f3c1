"""The engine that servers of tests speak with: the fake one, or with `--speech-engine azure` the
engine `azure`, over our fake of the service. Either way the speech can be read back.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app import main
from app.core.config import Settings
from app.engines.base import Engine
from app.engines.fake import FakeEngine

ADDRESS: Final = "TESTS_AZURE_SPEECH"
"""Variable of the environment, from before tests are collected: where the fake of Azure is."""

WORD_TIMES: Final = pytest.mark.only_fake_engine("it tells when words are spoken")
TRAINS: Final = pytest.mark.only_fake_engine("it is trained; Azure trains no personal voices")


def engine_kind() -> Any:
    """The class of the engine under test, to be asked when tests are collected."""
    if ADDRESS not in os.environ:
        return FakeEngine
    from tests.speaking_azure import AgreedAzure

    return AgreedAzure


def new_engine() -> Any:
    """The engine under test, not yet opened."""
    return engine_kind()()


def engine_name() -> str:
    """As in `VOICE_ENGINE`."""
    return "azure" if ADDRESS in os.environ else "fake"


def engine_trains() -> bool:
    """Whether its voices can be trained."""
    return engine_name() == "fake"


def seeded(seed: int) -> dict[str, Any]:
    """Of a request: the seed, if the engine takes one."""
    return {"seed": seed} if engine_name() == "fake" else {}


def engine_settings() -> dict[str, Any]:
    """Settings of a server with it."""
    if ADDRESS not in os.environ:
        return {"voice_engine": "fake"}
    from tests.azure_fake.speech import KEY

    return {
        "voice_engine": "azure",
        "azure_speech_key": SecretStr(KEY),
        "azure_speech_endpoint": os.environ[ADDRESS],
    }


def create_app(settings: Settings, *, engine: Engine | None = None, **parts: Any) -> FastAPI:
    """The application: with the engine of its settings, if no other is given."""
    return main.create_app(settings, engine=engine or _engine_of(settings), **parts)


@contextmanager
def azure_instead() -> Iterator[None]:
    """Meanwhile tests speak with the engine `azure`."""
    from tests.azure_fake.speech import speech_service

    with speech_service() as service:
        service.account.can_be_read_back = True
        service.account.page = 10_000
        os.environ[ADDRESS] = service.url
        try:
            yield
        finally:
            del os.environ[ADDRESS]


def _engine_of(settings: Settings) -> Engine | None:
    """None: the application makes it."""
    address = os.environ.get(ADDRESS)
    ours = settings.voice_engine == "azure" and settings.azure_speech_endpoint == address
    made: Engine | None = new_engine() if ours else None
    return made
