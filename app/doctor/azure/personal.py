"""A personal voice, made with a consent that is at hand, heard, and deleted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

from app.audio.decode import DecodeLimits, decode
from app.audio.types import Recording
from app.core.config import Settings
from app.core.exceptions import AppError, ConfigurationError
from app.core.tasks import in_thread
from app.doctor.findings import Check, Wrong, told
from app.engines.azure.engine import AzureEngine, make_engine
from app.engines.base import Agreement, SynthesisRequest, VoiceState
from app.machine import azure_options


@dataclass(frozen=True, slots=True)
class VoiceToMake:
    """What Azure is to make.

    Attributes:
        consent: a WAV file, its statement read aloud. voice: an audio file of 5 to 90 s.
        speaker, company: as they are said in it.
        language: of it, a BCP-47 tag.
    """

    consent: bytes = field(repr=False)
    voice: bytes = field(repr=False)
    speaker: str
    company: str
    language: str


@asynccontextmanager
async def voice_checks(settings: Settings, wanted: VoiceToMake) -> AsyncIterator[Sequence[Check]]:
    options = azure_options(settings)
    if options is None:
        raise ConfigurationError("No setting names Azure AI Speech.", "docs/azure.md#speech")
    engine = make_engine(options)
    making = _Making(engine, wanted, settings)
    try:
        yield [
            Check("make", making.make, needed=True),
            Check("speak", making.speak),
            Check("delete", making.delete),
        ]
    finally:
        await making.clean()
        await engine.close()


class _Making:
    def __init__(self, engine: AzureEngine, wanted: VoiceToMake, settings: Settings) -> None:
        self._engine = engine
        self._wanted = wanted
        self._limits = DecodeLimits(
            max_bytes=settings.max_upload_bytes, max_seconds=settings.max_recording_s
        )
        self._state: VoiceState | None = None
        self._deleting = False

    async def make(self) -> str:
        wanted = self._wanted
        heard = await in_thread(None, decode, wanted.voice, self._limits)
        agreement = Agreement(
            speaker=wanted.speaker,
            company=wanted.company,
            language=wanted.language,
            recording=wanted.consent,
            filename="consent.wav",
            consent_id=f"doctor-{uuid4()}",
        )
        recording = Recording(heard.samples, heard.sample_rate)
        self._state = await self._engine.enroll_under([recording], agreement)
        return "project, consent and voice were made: the forms that we send are taken."

    async def speak(self) -> str:
        return f"it spoke {await self._spoken():.1f} s."

    async def clean(self) -> None:
        """Delete what an interruption has left."""
        if self._state is not None and not self._deleting:
            with suppress(AppError):
                await self._engine.forget(self._state)

    async def delete(self) -> str:
        state, self._deleting = self._made(), True
        try:
            await self._engine.forget(state)
        except AppError as error:
            raise Wrong(f"the voice stays at Azure, or its consent. {told(error)}") from error
        try:
            await self._spoken()
        except AppError:
            return "voice and consent are deleted, in this order, and it speaks no more."
        return "voice and consent are deleted, in this order; it still spoke right afterwards."

    async def _spoken(self) -> float:
        request = SynthesisRequest("Hello.", self._made())
        sizes = [len(one.samples) async for one in self._engine.synthesize(request)]
        return sum(sizes) / self._engine.info.sample_rate

    def _made(self) -> VoiceState:
        if self._state is None:
            raise Wrong("there is none.")
        return self._state
