"""The versions of voices: kept, activated, deleted."""

from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from app.core.clock import utc_now
from app.core.exceptions import (
    Conflict,
    DatabaseError,
    NotFound,
    StorageError,
    VersionConflict,
    VersionNotFound,
    VoiceNotFound,
)
from app.core.logging import get_logger
from app.db.base import Collection, every
from app.db.voices import find_voice
from app.engines.base import VoiceState
from app.models.voice import VersionMetrics, Voice, VoiceMethod, VoiceVersion
from app.storage.base import BlobStore

log = get_logger(__name__)

_TRIES: Final = 20  # when others change the same voice
_TOO_MANY: Final = "The versions of a voice are changed by too many at once."


class Versions:
    """Those of all voices. What is stored is stored by a version check: several processes may do
    the same at once.
    """

    def __init__(
        self,
        *,
        voices: Collection[Voice],
        versions: Collection[VoiceVersion],
        states: BlobStore,
    ) -> None:
        self._voices = voices
        self._versions = versions
        self._states = states

    async def all(self, voice: Voice) -> list[VoiceVersion]:
        """By number. A voice that has no record of what it speaks with gets one."""
        where = {"voice_id": voice.id}
        for _ in range(_TRIES):
            pages = every(
                lambda cursor: self._versions.list(
                    where=where, order="number", limit=100, cursor=cursor
                )
            )
            found = [version async for version in pages]
            if any(version.number == voice.active_version for version in found):
                return found
            now = await find_voice(self._voices, voice.owner, voice.id)
            if now.active_version == voice.active_version:
                with suppress(Conflict):  # somebody else has just done it
                    await self._versions.add(_first(now))
            voice = now
        raise DatabaseError(_TOO_MANY, "Try again.")

    async def get(self, voice: Voice, number: int) -> VoiceVersion:
        """One version.

        Raises:
            VersionNotFound: the voice has none with this number.
        """
        for version in await self.all(voice):
            if version.number == number:
                return version
        raise VersionNotFound(
            f"The voice has no version {number}.",
            "GET /api/v1/voices/{voice_id}/versions lists them.",
        )

    async def active(self, voice: Voice) -> VoiceVersion:
        """The one that is spoken."""
        return await self.get(voice, voice.active_version)

    async def state(self, version: VoiceVersion) -> VoiceState:
        """What it is spoken with.

        Raises:
            VersionNotFound: it was deleted, or its file is missing.
        """
        try:
            payload = await self._states.get(version.state_blob)
        except FileNotFoundError as error:
            raise _not_any_more(version) from error
        return VoiceState(version.engine, version.state_format, payload, version.similarity)

    async def of_job(self, voice_id: str, job_id: str) -> VoiceVersion | None:
        """The one that a training has made."""
        where = {"voice_id": voice_id, "job_id": job_id}
        return next(iter((await self._versions.list(where=where, limit=1)).items), None)

    async def add(
        self,
        voice: Voice,
        state: VoiceState,
        *,
        method: VoiceMethod,
        compared_with: int,
        metrics: VersionMetrics | None = None,
        job_id: str | None = None,
    ) -> VoiceVersion:
        """Keep a state as a version; a job's second one is not kept, the first is returned.

        Raises:
            VoiceNotFound: the voice was deleted meanwhile. Nothing of it is left.
            StorageError: nothing is kept.
        """
        new = VoiceVersion(
            owner=voice.owner, voice_id=voice.id, number=0, method=method, engine=state.engine,
            state_name=f"state-{uuid4().hex}", state_format=state.format,
            similarity=state.similarity, metrics=metrics, job_id=job_id,
            compared_with=compared_with,
        )  # fmt: skip
        await self._states.put(new.state_blob, state.payload)
        try:
            kept = await self._numbered(voice, new)
        except VoiceNotFound:
            await self._delete_state(new)
            raise  # after any other error the record may be there: the file stays
        if kept.id != new.id:
            await self._delete_state(new)
        if await self._voices.get(voice.id) is None:
            await self.forget(kept)
            raise _gone(voice.id)
        return kept

    async def _numbered(self, voice: Voice, new: VoiceVersion) -> VoiceVersion:
        for _ in range(_TRIES):
            there = await self.all(voice)
            if new.job_id is not None:
                for version in there:
                    if version.job_id == new.job_id:
                        return version
            number = 1 + max(version.number for version in there)
            try:
                return await self._versions.add(new.model_copy(update={"number": number}))
            except Conflict:  # somebody else has just taken the number
                continue
        raise DatabaseError(_TOO_MANY, "Try again.")

    async def activate(
        self, version: VoiceVersion, *, over: int | None = None, minutes: float | None = None
    ) -> Voice:
        """Have a version spoken from now on, by every process.

        Args:
            over: number of the version that must be active now; None: whichever is.
            minutes: of the training that has made it, when this is its end.

        Raises:
            VersionConflict: another one is active.
            VersionNotFound: it was deleted. VoiceNotFound: so was the voice.
        """
        for _ in range(_TRIES):
            voice = await find_voice(self._voices, version.owner, version.voice_id)
            if over is not None and voice.active_version != over:
                raise VersionConflict(
                    "Another version was activated meanwhile.", "Activate this one by its number."
                )
            if await self._versions.get(version.id) is None or not await self._has_state(version):
                raise _not_any_more(version)
            changes = _spoken(version)
            if minutes is not None:
                changes["adapted_at"] = utc_now()
                changes["adapted_minutes"] = (voice.adapted_minutes or 0.0) + minutes
            try:
                return await self._voices.update(voice.model_copy(update=changes))
            except VersionConflict:
                continue
            except NotFound as error:
                raise _gone(voice.id) from error
        raise VersionConflict("The voice is changed by too many at once.", "Try again.")

    async def delete(self, voice: Voice, version: VoiceVersion) -> None:
        """Delete a version that is not active, and its file.

        Raises:
            Conflict: it is active.
        """
        for _ in range(_TRIES):
            if voice.active_version == version.number:
                raise Conflict(
                    f"Version {version.number} is the one that is spoken.",
                    "Activate another one first.",
                )
            await self._versions.delete(version.id)
            try:
                # Whoever activates it right now has read an older record, and has to look again.
                await self._voices.update(voice)
            except VersionConflict:
                voice = await find_voice(self._voices, voice.owner, voice.id)
                if voice.active_version == version.number:
                    await self._versions.add(version)
            except NotFound as error:
                raise _gone(voice.id) from error
            else:
                await self._delete_state(version)
                return
        raise VersionConflict("The voice is changed by too many at once.", "Try again.")

    async def forget(self, version: VoiceVersion) -> None:
        """Take back a version of a voice that is not there any more."""
        await self._versions.delete(version.id)
        await self._delete_state(version)

    async def _has_state(self, version: VoiceVersion) -> bool:
        try:
            await self._states.info(version.state_blob)
        except FileNotFoundError:
            return False
        return True

    async def _delete_state(self, version: VoiceVersion) -> None:
        try:
            await self._states.delete(version.state_blob)
        except StorageError:
            log.warning("unused file stays until the next sweep", voice=version.voice_id)


def _not_any_more(version: VoiceVersion) -> VersionNotFound:
    return VersionNotFound(
        f"Version {version.number} of the voice is not there any more.",
        "GET /api/v1/voices/{voice_id}/versions lists those that are.",
    )


def _gone(voice_id: str) -> VoiceNotFound:
    return VoiceNotFound(f"The voice {voice_id!r} was deleted meanwhile.")


def _first(voice: Voice) -> VoiceVersion:
    """What a voice speaks with that was made before versions were kept."""
    return VoiceVersion(
        owner=voice.owner,
        voice_id=voice.id,
        number=voice.active_version,
        method=VoiceMethod.INSTANT if voice.adapted_at is None else VoiceMethod.GRADIENT,
        engine=voice.engine,
        state_name=voice.state_name,
        state_format=voice.state_format,
        similarity=voice.similarity,
    )


def _spoken(version: VoiceVersion) -> dict[str, Any]:
    """Fields of a voice that speaks with a version."""
    return {
        "active_version": version.number,
        "engine": version.engine,
        "state_name": version.state_name,
        "state_format": version.state_format,
        "similarity": version.similarity,
    }
