"""Where voices stand: their files and records, put there together and taken away together."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

from app.abuse.speakers import Sighting
from app.core.exceptions import AppError, DatabaseError, JobEnded, JobNotFound, StorageError
from app.core.logging import get_logger
from app.core.tasks import in_thread
from app.db.base import Collection, RecordT, every
from app.engines.base import Remote, VoiceState
from app.engines.registry import REMOTE
from app.models.audit import Action
from app.models.voice import (
    REVOKED,
    Erased,
    ErasedFiles,
    HeldState,
    Voice,
    VoiceMethod,
    VoiceSample,
    VoiceVersion,
)
from app.services.voices.hearing import Heard
from app.services.voices.tools import VoiceTools
from app.storage.base import BlobStore, Removed

log = get_logger(__name__)

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording, its record and what reads it."""

    sample: VoiceSample
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class NewVoice:
    """A voice with all that belongs to it. `sighting`: of its speaker."""

    voice: Voice
    recordings: Sequence[Kept]
    versions: Sequence[tuple[VoiceVersion, bytes]]
    sighting: Sighting


def cast_of(heard: Sequence[Heard], voice: Voice) -> list[Kept]:
    """The recordings of a new voice; those that are there twice only once. The first that can be
    used is the voice's own: it has its id.
    """
    kept = []
    first = next(one for one in heard if one.usable)
    for one in heard:
        if one.duplicate_of is not None:
            continue
        sample = one.sample(voice.owner, voice.id)
        if one is first:
            sample = sample.model_copy(update={"id": voice.id, "blob": voice.recording_blob})
        kept.append(Kept(sample, one.incoming.read))
    return kept


def first_version(voice: Voice, state: VoiceState) -> tuple[VoiceVersion, bytes]:
    """The instant clone."""
    version = VoiceVersion(
        id=voice.id,
        owner=voice.owner,
        voice_id=voice.id,
        number=voice.active_version,
        method=VoiceMethod.INSTANT,
        engine=state.engine,
        state_name=voice.state_name,
        state_format=state.format,
        similarity=state.similarity,
    )
    return version, state.payload


def new_state_name() -> str:
    return f"state-{uuid4().hex}"


class Shelf:
    """Puts voices where they can be found, and takes them away."""

    def __init__(self, tools: VoiceTools) -> None:
        self._tools = tools

    async def add(self, new: NewVoice) -> None:
        """Files first, the voice's own record last: a voice that can be seen has all it needs. To
        be seen through: a driver's commit cannot be called back.

        Raises:
            StorageError, DatabaseError: nothing is left of it.
        """
        tools, stores = self._tools, self._tools.stores
        try:
            for kept in new.recordings:
                content = await in_thread(None, kept.read)
                await stores.recordings.put(kept.sample.blob, content)
            for version, payload in new.versions:
                await stores.states.put(version.state_blob, payload)
        except BaseException:
            await self._remove_files(new)
            raise
        try:
            async with tools.audit.recorded(Action.VOICE_CREATED, new.voice):
                await tools.samples.add_all([kept.sample for kept in new.recordings])
                await tools.versions.add_all([version for version, _ in new.versions])
                await tools.watch.keep(new.voice, new.sighting)
                await tools.voices.add(new.voice)
                await tools.watch.tell(new.voice, new.sighting)
        except BaseException:
            await self.undo(new)
            raise
        await self._see_consent(new.voice)

    async def _see_consent(self, voice: Voice) -> None:
        """Silence a voice whose consent was revoked while it was being made."""
        if voice.consent_id is not None and not await self._tools.desk.holds(voice.consent_id):
            await self._tools.voices.update_where({"id": voice.id}, {"suspended": REVOKED})

    async def undo(self, new: NewVoice) -> None:
        """Take back a voice that failed. An insert that failed may have been committed all the
        same: the files go only when it is certain that there is no record.
        """
        tools = self._tools
        try:
            await tools.voices.delete(new.voice.id)
            await tools.watch.forget(new.voice.id)
            for kept in new.recordings:
                await tools.samples.delete(kept.sample.id)
            for version, _ in new.versions:
                await tools.versions.delete(version.id)
        except DatabaseError:
            log.warning("files stay until the next sweep", voice=new.voice.id)
            if isinstance(tools.engine, Remote):
                log.warning("a voice may stay at its provider", voice=new.voice.id)
        else:
            await self._remove_files(new)

    async def delete(self, voice: Voice) -> Erased:
        """Delete a voice with all that belongs to it, first what a provider keeps of it: nothing
        else knows its name there. Then its record: what is left belongs to no voice, and is swept.
        """
        tools = self._tools
        async with tools.audit.recorded(Action.VOICE_DELETED, voice):
            stays = not await self._forgotten(voice)
            record = await tools.voices.delete(voice.id)
        await self._forget(voice)
        erased: dict[str, ErasedFiles] = {}
        left = ["provider"] if stays else []
        for kind, store in tools.stores.each():
            try:
                removed = await store.delete_prefix(voice.id)
            except StorageError:
                log.warning("files stay until the next sweep", kind=kind, voice=voice.id)
                removed = Removed()
                left.append(kind)
            erased[kind] = ErasedFiles(files=removed.files, bytes=removed.bytes)
        return Erased(voice_id=voice.id, record=record, **erased, left=left)

    async def samples(self, voice: Voice) -> list[VoiceSample]:
        """The recordings of a voice, oldest first."""
        return await _all(self._tools.samples, voice, "created_at")

    async def versions(self, voice: Voice) -> list[VoiceVersion]:
        """The versions of a voice, by number."""
        return await _all(self._tools.versions, voice, "number")

    async def remove(self, store: BlobStore, name: str, voice: Voice) -> None:
        """Delete a file that nothing names any more."""
        try:
            await store.delete(name)
        except StorageError:
            log.warning("file stays until the next sweep", voice=voice.id)

    async def _forget(self, voice: Voice) -> None:
        """Delete what names the voice, and stop its training; the voice itself is gone already."""
        tools = self._tools
        try:
            await tools.watch.forget(voice.id)
            await tools.shares.delete_where({"voice_id": voice.id})
            for sample in await self.samples(voice):
                await tools.samples.delete(sample.id)
            for version in await self.versions(voice):
                await tools.versions.delete(version.id)
            if voice.training_job_id is not None:
                with suppress(JobEnded, JobNotFound):
                    await tools.jobs.cancel(voice.owner, voice.training_job_id)
        except AppError as error:
            log.warning("records of a deleted voice stay", voice=voice.id, code=error.code)

    async def _forgotten(self, voice: Voice) -> bool:
        """Have the providers of engines delete a voice; whether nothing of it is left there."""
        forgotten = True
        for version in await self.versions(voice):
            forgotten &= await self.forgotten_by(
                voice, version.engine, version.state_format, version.state_blob
            )
        return forgotten & await self._others_forgotten(voice)

    async def _others_forgotten(self, voice: Voice) -> bool:
        """The same of other engines: also what one of them has made since the voice was read."""
        forgotten, seen = True, set[HeldState]()
        voice = await self._tools.voices.get(voice.id) or voice
        while left := set(voice.other_states) - seen:
            for held in left:
                blob = f"{voice.id}/{held.state_name}"
                forgotten &= await self.forgotten_by(voice, held.engine, held.state_format, blob)
            seen |= left
            voice = await self._tools.voices.get(voice.id) or voice
        return forgotten

    async def forgotten_by(self, voice: Voice, name: str, state_format: str, blob: str) -> bool:
        """Have the provider of one engine delete what it keeps of a state of a voice; whether
        nothing of that is left there.
        """
        engine = self._tools.engine_of(name)
        if engine is None and name in REMOTE:
            log.warning("a voice stays at its provider", voice=voice.id, engine=name)
            return False
        if engine is None or not isinstance(engine, Remote):
            return True
        try:
            with suppress(FileNotFoundError):
                payload = await self._tools.stores.states.get(blob)
                await engine.forget(VoiceState(name, state_format, payload))
        except AppError as error:
            log.warning("a voice stays at its provider", voice=voice.id, code=error.code)
            return False
        return True

    async def _forget_new(self, new: NewVoice) -> None:
        """The same of a voice that failed."""
        engine = self._tools.engine
        if not isinstance(engine, Remote):
            return
        try:
            for version, payload in new.versions:
                await engine.forget(VoiceState(version.engine, version.state_format, payload))
        except AppError as error:
            log.warning("a voice stays at its provider", voice=new.voice.id, code=error.code)

    async def _remove_files(self, new: NewVoice) -> None:
        stores = self._tools.stores
        await self._forget_new(new)
        for kept in new.recordings:
            await self.remove(stores.recordings, kept.sample.blob, new.voice)
        for version, _ in new.versions:
            await self.remove(stores.states, version.state_blob, new.voice)


async def _all(records: Collection[RecordT], voice: Voice, order: str) -> list[RecordT]:
    where = {"voice_id": voice.id}
    pages = every(lambda cursor: records.list(where=where, order=order, limit=_PAGE, cursor=cursor))
    return [record async for record in pages]
