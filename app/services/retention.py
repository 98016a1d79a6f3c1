"""Deleting what nobody needs any more."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from app.core.clock import utc_now
from app.core.ids import is_id
from app.db.base import Collection, Database, every
from app.models.base import Record
from app.models.batch import Batch
from app.models.consent import Consent
from app.models.history import HistoryEntry
from app.models.job import Job, JobStatus
from app.models.voice import Voice, VoiceSample, VoiceVersion
from app.storage.base import BlobInfo, BlobStore
from app.storage.stores import OUTPUTS, RECORDINGS, STATES, Stores

_PAGE: Final = 500
_ID_CHARS: Final = 36
_HISTORY: Final = "history-"
_BATCH: Final = "batch-"
_CHECKPOINT: Final = "checkpoint-"

_RecordT = TypeVar("_RecordT", bound=Record)
_Name = tuple[str, str]
"""Kind of the store, name of the blob."""


@dataclass(frozen=True, slots=True)
class SweptFiles:
    """What a sweep deleted.

    Attributes:
        unfinished: remains of writes that were killed.
        leftovers: files of no voice, or that nothing uses any more.
        expired: made audio that was kept long enough.
        bytes: of leftovers and expired files.
    """

    unfinished: int = 0
    leftovers: int = 0
    expired: int = 0
    bytes: int = 0

    @property
    def files(self) -> int:
        return self.unfinished + self.leftovers + self.expired


@dataclass(frozen=True, slots=True)
class Keepers:
    """The records that keep files, of all owners. A file is kept by

    - its voice, which must be there for any of them: the first recording, the state it speaks;
    - a sample: its recording;
    - a consent: the recordings of statements, in a folder of their own;
    - a version: its state;
    - a training that has not ended: its checkpoint;
    - an entry of the history, or a batch: the audio that was made for it.
    """

    voices: Collection[Voice]
    samples: Collection[VoiceSample]
    versions: Collection[VoiceVersion]
    jobs: Collection[Job]
    entries: Collection[HistoryEntry]
    batches: Collection[Batch]
    consents: Collection[Consent]

    @classmethod
    def of(cls, database: Database) -> "Keepers":
        return cls(
            database.collection(Voice),
            database.collection(VoiceSample),
            database.collection(VoiceVersion),
            database.collection(Job),
            database.collection(HistoryEntry),
            database.collection(Batch),
            database.collection(Consent),
        )


@dataclass(slots=True)
class _Kept:
    """What records keep: whole voices, and recordings and states by name."""

    voices: set[str] = field(default_factory=set)
    names: set[_Name] = field(default_factory=set)

    def has(self, kind: str, blob: BlobInfo) -> bool:
        return _folder(blob) in self.voices and (kind == OUTPUTS or (kind, blob.name) in self.names)


class RetentionService:
    """Sweeps the stores. Several processes may do so at once: what one has deleted, another does
    not miss.

    Args:
        stores: of the voices' files.
        keep_outputs_hours: made audio that is older is deleted; 0 keeps it as long as its voice.
    """

    def __init__(self, *, keepers: Keepers, stores: Stores, keep_outputs_hours: float) -> None:
        self._keepers = keepers
        self._stores = stores
        self._keep_outputs = timedelta(hours=keep_outputs_hours)

    async def sweep(self, grace_s: float) -> SweptFiles:
        """Delete the leftovers of crashes and failed deletions, and outputs that have expired.

        Args:
            grace_s: younger files are left alone, since their record may be in the making.

        Raises:
            StorageError, DatabaseError: a part was swept; the rest stays for the next sweep.
        """
        now = utc_now()
        unfinished = 0
        for _, store in self._stores.each():
            unfinished += await store.sweep_unfinished(grace_s)
        expired = await self._expired(now)
        # The files first, then the records: a voice registered meanwhile has no file in the list.
        before = now - timedelta(seconds=grace_s)
        old = {kind: await _older(store, before) for kind, store in self._stores.each()}
        if not any(old.values()):
            return SweptFiles(unfinished, 0, len(expired), _size(expired))
        kept = await self._kept()
        made = [blob for blob in old[OUTPUTS] if kept.has(OUTPUTS, blob)]
        ended = await self._without_record(made)
        leftovers: list[BlobInfo] = []
        for kind, store in self._stores.each():
            unused = [blob for blob in old[kind] if not kept.has(kind, blob)]
            leftovers += await self._remove(kind, store, unused)
        for blob in ended:
            await self._stores.outputs.delete(blob.name)
        leftovers += ended
        return SweptFiles(unfinished, len(leftovers), len(expired), _size([*leftovers, *expired]))

    async def _expired(self, now: datetime) -> list[BlobInfo]:
        if not self._keep_outputs:
            return []
        outputs = await _older(self._stores.outputs, now - self._keep_outputs)
        for blob in outputs:
            await self._stores.outputs.delete(blob.name)
        return outputs

    async def _kept(self, voice_id: str | None = None) -> _Kept:
        """What is kept of all voices, or of one. One query for hundreds of records."""
        keepers, kept = self._keepers, _Kept()
        of_voice = {} if voice_id is None else {"voice_id": voice_id}
        if voice_id is None:
            async for voice in _all(keepers.voices, {}):
                _keep(kept, voice)
        elif one := await keepers.voices.get(voice_id):
            _keep(kept, one)
        async for consent in self._consents(voice_id):
            kept.voices.add(consent.id)
            kept.names.add((RECORDINGS, consent.recording_blob or ""))
            kept.names.add((RECORDINGS, consent.provider_blob or ""))
        async for sample in _all(keepers.samples, of_voice):
            kept.names.add((RECORDINGS, sample.blob))
        async for version in _all(keepers.versions, of_voice):
            kept.names.add((STATES, f"{version.voice_id}/{version.state_name}"))
        of_subject = {} if voice_id is None else {"subject_id": voice_id}
        for status in (JobStatus.QUEUED, JobStatus.RUNNING):
            async for job in _all(keepers.jobs, {"status": status, **of_subject}):
                kept.names.add((STATES, f"{job.subject_id}/{_CHECKPOINT}{job.id}"))
        return kept

    async def _consents(self, consent_id: str | None) -> AsyncIterator[Consent]:
        """All, or the one of a folder."""
        if consent_id is None:
            async for consent in _all(self._keepers.consents, {}):
                yield consent
        elif one := await self._keepers.consents.get(consent_id):
            yield one

    async def _without_record(self, outputs: list[BlobInfo]) -> list[BlobInfo]:
        """Audio whose entry or batch is gone. Such a record does not come back, so nothing has to
        be looked at twice.
        """
        gone: list[BlobInfo] = []
        collections: tuple[tuple[str, Collection[HistoryEntry] | Collection[Batch]], ...] = (
            (_HISTORY, self._keepers.entries),
            (_BATCH, self._keepers.batches),
        )
        for prefix, records in collections:
            named = [(_record_id(blob, prefix), blob) for blob in outputs]
            known = [(record_id, blob) for record_id, blob in named if record_id]
            for start in range(0, len(known), _PAGE):
                some = known[start : start + _PAGE]
                there = await records.existing(sorted({record_id for record_id, _ in some}))
                gone += [blob for record_id, blob in some if record_id not in there]
        return gone

    async def _remove(
        self, kind: str, store: BlobStore, blobs: Iterable[BlobInfo]
    ) -> list[BlobInfo]:
        """Delete those that the records of this very moment do not keep either."""
        removed = []
        for blob in blobs:
            if not (await self._kept(_folder(blob))).has(kind, blob):
                await store.delete(blob.name)
                removed.append(blob)
        return removed


async def _older(store: BlobStore, before: datetime) -> list[BlobInfo]:
    """Our blobs last changed before this time; the folder may hold files of others."""
    return [
        blob async for blob in store.list() if blob.modified_at <= before and is_id(_folder(blob))
    ]


def _all(records: Collection[_RecordT], where: dict[str, str]) -> AsyncIterator[_RecordT]:
    return every(
        lambda cursor: records.list(where=where, order="created_at", limit=_PAGE, cursor=cursor)
    )


def _keep(kept: _Kept, voice: Voice) -> None:
    kept.voices.add(voice.id)
    kept.names |= {(RECORDINGS, voice.recording_blob), (STATES, voice.state_blob)}
    kept.names |= {(STATES, f"{voice.id}/{held.state_name}") for held in voice.other_states}


def _folder(blob: BlobInfo) -> str:
    return blob.name.partition("/")[0]


def _record_id(blob: BlobInfo, prefix: str) -> str | None:
    """Of the entry or batch that an output is named after; None for other names."""
    name = blob.name.partition("/")[2]
    record_id = name.removeprefix(prefix)[:_ID_CHARS]
    return record_id if name.startswith(prefix) and is_id(record_id) else None


def _size(blobs: Iterable[BlobInfo]) -> int:
    return sum(blob.size for blob in blobs)
