"""Deleting what nobody needs any more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.clock import utc_now
from app.core.ids import is_id
from app.db.base import Collection, every
from app.models.voice import Voice
from app.storage.base import BlobInfo, BlobStore
from app.storage.stores import OUTPUTS, RECORDINGS, STATES, Stores

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep deleted.

    Attributes:
        unfinished: remains of writes that were killed.
        leftovers: files of no voice, or that their voice no longer uses.
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


class RetentionService:
    """Sweeps the stores. Several processes may do so at once: what one has deleted, another does
    not miss.

    Args:
        voices: records of all owners.
        stores: of the voices' files.
        keep_outputs_hours: made audio that is older is deleted; 0 keeps it as long as its voice.
    """

    def __init__(
        self, *, voices: Collection[Voice], stores: Stores, keep_outputs_hours: float
    ) -> None:
        self._voices = voices
        self._stores = stores
        self._keep_outputs = timedelta(hours=keep_outputs_hours)

    async def sweep(self, grace_s: float) -> Swept:
        """Delete the leftovers of crashes and failed deletions, and outputs that have expired.

        Args:
            grace_s: younger files are left alone, since a registration may be under way.

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
            return Swept(unfinished, 0, len(expired), _size(expired))
        used = await self._used()
        leftovers: list[BlobInfo] = []
        for kind, store in self._stores.each():
            unused = [blob for blob in old[kind] if _owning(kind, blob) not in used]
            leftovers += await self._remove(kind, store, unused)
        return Swept(unfinished, len(leftovers), len(expired), _size([*leftovers, *expired]))

    async def _expired(self, now: datetime) -> list[BlobInfo]:
        if not self._keep_outputs:
            return []
        outputs = await _older(self._stores.outputs, now - self._keep_outputs)
        for blob in outputs:
            await self._stores.outputs.delete(blob.name)
        return outputs

    async def _used(self) -> set[tuple[str, str]]:
        """What the voices use, as `_owning` gives it. One query for hundreds of voices."""
        used: set[tuple[str, str]] = set()
        async for voice in every(
            lambda cursor: self._voices.list(order="created_at", limit=_PAGE, cursor=cursor)
        ):
            used |= _uses(voice)
        return used

    async def _remove(
        self, kind: str, store: BlobStore, blobs: Iterable[BlobInfo]
    ) -> list[BlobInfo]:
        """Delete those that the records of this very moment do not name either."""
        removed = []
        for blob in blobs:
            voice = await self._voices.get(_folder(blob))
            if voice is None or _owning(kind, blob) not in _uses(voice):
                await store.delete(blob.name)
                removed.append(blob)
        return removed


async def _older(store: BlobStore, before: datetime) -> list[BlobInfo]:
    """Our blobs last changed before this time; the folder may hold files of others."""
    return [
        blob async for blob in store.list() if blob.modified_at <= before and is_id(_folder(blob))
    ]


def _folder(blob: BlobInfo) -> str:
    return blob.name.partition("/")[0]


def _owning(kind: str, blob: BlobInfo) -> tuple[str, str]:
    """What must be in use for a blob to stay: itself, or for an output its voice."""
    return kind, _folder(blob) if kind == OUTPUTS else blob.name


def _uses(voice: Voice) -> set[tuple[str, str]]:
    return {(RECORDINGS, voice.recording_blob), (STATES, voice.state_blob), (OUTPUTS, voice.id)}


def _size(blobs: Iterable[BlobInfo]) -> int:
    return sum(blob.size for blob in blobs)
