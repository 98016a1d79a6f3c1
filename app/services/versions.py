"""The versions of a voice: list, activate, roll back, delete, compare."""

from collections.abc import Sequence
from contextlib import suppress

from app.core.admission import Admission
from app.core.exceptions import AppError, VersionNotFound, VoiceEngineMismatch
from app.core.logging import get_logger
from app.core.tasks import see_through
from app.engines.base import Remote, VoiceState
from app.engines.registry import REMOTE
from app.models.audit import Action
from app.models.voice import Voice, VoiceVersion
from app.training.measuring import Measured
from app.training.recordings import gather
from app.training.session import Workshop

log = get_logger(__name__)

_BUSY_RETRY_S = 30


Compared = Sequence[tuple[VoiceVersion, Measured]]


class VersionService:
    """Versions of the callers' voices. Trainings make them."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._comparing = Admission(
            1, doing="comparison is under way", retry_after_s=lambda: _BUSY_RETRY_S
        )

    async def list(self, voice: Voice) -> list[VoiceVersion]:
        """The versions of a voice, by number."""
        return await self._shop.versions.all(voice)

    async def get(self, voice: Voice, number: int) -> VoiceVersion:
        """One version of a voice.

        Raises:
            VersionNotFound
        """
        return await self._shop.versions.get(voice, number)

    async def activate(self, voice: Voice, number: int) -> tuple[Voice, VoiceVersion]:
        """Have a version spoken from now on, a newer or an older one.

        Raises:
            VoiceNotFound: it was deleted meanwhile.
            VersionNotFound
            VoiceEngineMismatch: it was made by another engine than the one that runs.
        """
        version = await self.get(voice, number)
        self._check_engine(version)
        return await see_through(self._activate(voice, version)), version

    async def _activate(self, voice: Voice, version: VoiceVersion) -> Voice:
        async with self._shop.audit.recorded(Action.VOICE_CHANGED, voice):
            return await self._shop.versions.activate(version)

    async def delete(self, voice: Voice, number: int) -> None:
        """Delete a version that is not active, with its file and what a provider keeps of it.

        Raises:
            VoiceNotFound: it was deleted meanwhile.
            VersionNotFound
            Conflict: it is active.
        """
        await see_through(self._delete(voice, await self.get(voice, number)))

    async def _delete(self, voice: Voice, version: VoiceVersion) -> None:
        """The record goes first: what is refused because it is active stays at its provider."""
        state: VoiceState | None = None
        if version.engine in REMOTE:
            with suppress(VersionNotFound):
                state = await self._shop.versions.state(version)
        async with self._shop.audit.recorded(Action.VOICE_CHANGED, voice):
            await self._shop.versions.delete(voice, version)
        if state is not None:
            await self._forget(version, state)

    async def _forget(self, version: VoiceVersion, state: VoiceState) -> None:
        engine, told = self._shop.engine, "a version stays at its provider"
        if version.engine != engine.info.name or not isinstance(engine, Remote):
            log.warning(told, voice=version.voice_id, engine=version.engine)
            return
        try:
            await engine.forget(state)
        except AppError as error:
            log.warning(told, voice=version.voice_id, code=error.code)

    async def compare(self, voice: Voice, numbers: tuple[int, int]) -> Compared:
        """Two versions, both measured now against all recordings of the voice.

        Raises:
            VersionNotFound, VoiceEngineMismatch
            UnsuitableRecording: no recording of the voice can be used.
            EngineBusy: other versions are being compared.
            EngineError, AssetError, StorageError
        """
        versions = [await self._shop.versions.get(voice, number) for number in numbers]
        for version in versions:
            self._check_engine(version)
        with self._comparing.enter():
            states = [await self._shop.versions.state(version) for version in versions]
            material = await gather(
                voice,
                samples=self._shop.samples,
                recordings=self._shop.recordings,
                ears=self._shop.ears,
            )
            speaker = [heard.recording for heard in (*material.learnt, *material.held)]
            measured = [await self._shop.measuring.measure(state, speaker) for state in states]
        return list(zip(versions, measured, strict=True))

    def _check_engine(self, version: VoiceVersion) -> None:
        running = self._shop.engine.info.name
        if version.engine != running:
            raise VoiceEngineMismatch(
                f"The version was made by the engine {version.engine!r}; {running!r} is running.",
                "Start the server with that engine.",
            )
