"""Translators on fakes of their services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from app.core.config import Settings
from app.translators.base import Translator
from app.translators.create import create_translator
from tests.azure_fake.chat import KEY as CHAT_KEY
from tests.azure_fake.chat import MODEL
from tests.azure_fake.faults import Faults
from tests.azure_fake.translator import KEY, REGION

T = TypeVar("T")


@dataclass
class Site(Generic[T]):
    """A fake that is served.

    Attributes:
        state: what it was asked, and how it behaves.
    """

    url: str
    state: T
    app: Faults

    def anew(self, fresh: Any) -> "Site[T]":
        """The same with its state as at first."""
        vars(self.state).update(vars(fresh) | {"faults": self.state.faults})
        self.state.faults.clear()
        return self


def azure_settings(url: str) -> dict[str, Any]:
    return {
        "azure_translator_endpoint": url,
        "azure_translator_key": KEY,
        "azure_translator_region": REGION,
    }


def chat_settings(url: str) -> dict[str, Any]:
    return {
        "openai_base_url": f"{url}/v1", "openai_api_key": CHAT_KEY, "openai_model": MODEL,
    }  # fmt: skip


class Pauses(list[float]):
    """Waits for nothing, and notes how long it would have been."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@asynccontextmanager
async def translating(pauses: Pauses | None = None, **settings: Any) -> AsyncIterator[Translator]:
    """The translator of some settings."""
    pause = Pauses() if pauses is None else pauses
    made = create_translator(Settings(_env_file=None, **settings), lambda: 0.0, pause=pause)
    assert made is not None
    try:
        yield made
    finally:
        await made.close()
