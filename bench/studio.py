"""The service in this process, with a data folder that goes with it: registers and speaks."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from app.audio.types import AudioFormat, Recording, Samples
from app.context import AppContext, open_context
from app.core.config import Settings
from app.engines.base import VoiceState
from app.models.base import LOCAL_OWNER
from app.models.speech import SpeechRequest
from app.models.voice import Voice
from app.services.voices import Upload
from app.upkeep import warm_up
from bench.data import flac
from tests.audio.signals import read_pcm

THREADS = 2


class Studio:
    """Works as the HTTP API does, without HTTP."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self.rate = context.engine.info.sample_rate

    async def register(self, recording: Recording, name: str) -> tuple[Voice, float]:
        """The voice, and the seconds that it took."""
        upload = Upload(flac(recording), f"{name}.flac", name)
        start = time.perf_counter()
        voice = await self.context.voices.register(LOCAL_OWNER, upload)
        return voice, time.perf_counter() - start

    async def state(self, voice: Voice) -> VoiceState:
        """What the engine made of a registered recording."""
        payload = await self.context.stores.states.get(voice.state_blob)
        return VoiceState(voice.engine, voice.state_format, payload, voice.similarity)

    async def voice(self, like: Voice, state: VoiceState) -> Voice:
        """Another voice that can be spoken: of the recording of `like`, with this state."""
        other = like.model_copy(
            update={
                "id": str(uuid4()),
                "engine": state.engine,
                "state_format": state.format,
                "similarity": state.similarity,
            }
        )
        await self.context.stores.states.put(other.state_blob, state.payload)
        return other

    async def say(self, voice: Voice, texts: Sequence[str], *, speed: float = 1.0) -> list[Samples]:
        """Float32 (n,) for each text, at `rate`."""
        said = []
        for text in texts:
            request = SpeechRequest(text=text, voice=voice.id, format=AudioFormat.PCM, speed=speed)
            speech = await self.context.synthesis.speak(voice, request)
            content = b"".join([data async for data in speech.encoded()])
            said.append(read_pcm(content))
        return said


@asynccontextmanager
async def open_studio() -> AsyncIterator[Studio]:
    """A service that is warm, on two threads."""
    with TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            model_dir=Settings().models.absolute(),
            engine_threads=THREADS,
            engine_concurrency=1,
        )
        async with open_context(settings) as context:
            await warm_up(context)
            yield Studio(context)
