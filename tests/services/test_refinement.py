"""Refining: a registered voice gets better while nobody waits, or stays as it is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from app.audio.types import Recording
from app.context import AppContext, open_context
from app.core.config import Settings
from app.core.exceptions import EngineFailed
from app.engines.base import Engine, VoiceState
from app.models.voice import Voice
from app.services.voices import Upload
from tests.conftest import recording
from tests.services.parts import OWNER, files
from tests.speaking import create_app, engine_kind

pytestmark = pytest.mark.anyio


class Refining(engine_kind()):
    """Finds a voice that is more alike, once it is let go."""

    def __init__(self, *, finds: bool = True, fails: bool = False) -> None:
        super().__init__()
        self.asked = 0
        self.go = asyncio.Event()
        self._finds, self._fails = finds, fails

    async def refine(self, recordings: Sequence[Recording], start: VoiceState) -> VoiceState | None:
        self.asked += 1
        await self.go.wait()
        if self._fails:
            raise EngineFailed("It went wrong.")
        return replace(start, similarity=0.9) if self._finds and recordings else None


def refining(settings: Settings) -> Settings:
    return settings.model_copy(update={"enrolment_refinement": True})


@asynccontextmanager
async def opened(settings: Settings, engine: Engine) -> AsyncIterator[AppContext]:
    async with open_context(refining(settings), engine=engine) as context:
        yield context


async def registered(context: AppContext) -> Voice:
    return await context.voices.register(OWNER, Upload(recording(hz=120.0), "a.wav"))


async def test_a_better_voice_replaces_the_first_one(settings):
    engine = Refining()
    async with opened(settings, engine) as context:
        voice = await registered(context)
        engine.go.set()

        context.training.refine_later(voice)
        await context.training.refined()

        now = await context.voices.get(OWNER, voice.id)
        assert (voice.similarity, now.similarity) == (None, 0.9)
        assert now.adapted_at is None
        versions = await context.versions.list(now)
        assert [version.method for version in versions] == ["instant", "search"]
        assert now.active_version == 2


@pytest.mark.parametrize(("finds", "fails"), [(False, False), (True, True)])
async def test_a_voice_that_gets_no_better_stays(settings, finds, fails):
    engine = Refining(finds=finds, fails=fails)
    async with opened(settings, engine) as context:
        voice = await registered(context)
        engine.go.set()

        context.training.refine_later(voice)
        await context.training.refined()

        assert await context.voices.get(OWNER, voice.id) == voice


async def test_a_voice_that_was_deleted_meanwhile_stays_deleted(settings):
    engine = Refining()
    async with opened(settings, engine) as context:
        voice = await registered(context)
        context.training.refine_later(voice)
        await context.voices.delete(OWNER, voice.id)
        engine.go.set()

        await context.training.refined()

        assert files(settings) == []


async def test_it_is_off_unless_asked_for(settings):
    engine = Refining()
    async with open_context(settings, engine=engine) as context:
        voice = await registered(context)
        engine.go.set()

        context.training.refine_later(voice)
        await context.training.refined()

        assert engine.asked == 0


async def test_closing_does_not_wait_for_it(settings):
    engine = Refining()
    async with opened(settings, engine) as context:
        context.training.refine_later(await registered(context))
        await asyncio.sleep(0)

    assert not engine.go.is_set()


def test_registering_by_the_api_starts_it(settings):
    engine = Refining()
    engine.go.set()
    with TestClient(create_app(refining(settings), engine=engine)) as client:
        made = client.post("/voices", files={"file": ("a.wav", recording(hz=120.0))}).json()
        client.portal.call(client.app.state.context.training.refined)

        shown = client.get(f"/voices/{made['voice_id']}").json()

    assert (made["similarity"], shown["similarity"]) == (None, 0.9)
