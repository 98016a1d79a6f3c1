"""What was spoken: listed, played again, erased."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.audio.encode import content_type
from app.audio.types import AudioFormat
from app.core.clock import WallClock, utc_now
from app.core.exceptions import AudioNotKept, HistoryNotFound, InvalidRequest, StorageError
from app.core.ids import is_id
from app.core.logging import get_logger
from app.core.tasks import see_through
from app.db.base import Collection, Contains, Page, Span
from app.models.history import HistoryEntry, HistoryErased, SpeechSource, SpeechStatus
from app.models.link import DownloadLink
from app.storage.base import BlobStore
from app.storage.links import download_link

log = get_logger(__name__)

_FILES_AT_ONCE: Final = 8
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which entries: those that fit every field that is given.

    Attributes:
        since: the earliest moment.
        until: the moment before which it ended.
        text: stands somewhere in what was spoken.
    """

    voice_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    status: SpeechStatus | None = None
    source: SpeechSource | None = None
    batch_id: str | None = None
    text: str | None = None

    def where(self) -> dict[str, Any]:
        wanted: dict[str, Any] = {
            "voice_id": self.voice_id,
            "status": self.status,
            "source": self.source,
            "batch_id": self.batch_id,
            "text": Contains(self.text) if self.text else None,
            "created_at": Span(self.since, self.until) if self.since or self.until else None,
        }
        return {name: value for name, value in wanted.items() if value is not None}


async def _at_once() -> None: ...


class HistoryService:
    """The history of all owners.

    Args:
        searchable: whether entries have their texts.
        keep_days: how long entries are kept; 0 for ever.
        settle: is awaited before reading, and has written what waits to be.
    """

    def __init__(
        self,
        *,
        entries: Collection[HistoryEntry],
        outputs: BlobStore,
        searchable: bool = True,
        keep_days: float = 0.0,
        settle: Callable[[], Awaitable[None]] = _at_once,
        clock: WallClock = utc_now,
    ) -> None:
        self._entries = entries
        self._outputs = outputs
        self._searchable = searchable
        self._keep_days = keep_days
        self._settle = settle
        self._clock = clock

    async def list(
        self, owner: str, wanted: HistoryFilter, *, limit: int, cursor: str | None
    ) -> Page[HistoryEntry]:
        """Newest first. What this process has spoken is in it, what others have within seconds.

        Raises:
            InvalidRequest: the cursor is not one of this list, or texts are searched which are
                not kept.
        """
        where = self._where(owner, wanted)
        await self._settle()
        return await self._entries.list(where=where, limit=limit, cursor=cursor)

    async def get(self, owner: str, entry_id: str) -> HistoryEntry:
        """One entry.

        Raises:
            HistoryNotFound: there is none with this id, or it is somebody else's.
        """
        await self._settle()
        entry = await self._entries.get(entry_id) if is_id(entry_id) else None
        if entry is None or entry.owner != owner:
            raise HistoryNotFound(
                f"There is no entry {entry_id[:64]!r} in the history.",
                "GET /api/v1/synthesis/history lists them.",
            )
        return entry

    async def audio(self, entry: HistoryEntry) -> bytes:
        """What was sent.

        Raises:
            AudioNotKept: it was not kept, or is no longer.
        """
        name = self._kept(entry)
        with suppress(FileNotFoundError):
            return await self._outputs.get(name)
        raise _not_kept()

    async def link(self, entry: HistoryEntry, seconds: int) -> DownloadLink:
        """An address of what was sent, for so long.

        Raises:
            AudioNotKept: it was not kept, or is no longer.
            LinksUnsupported: the store gives none.
        """
        name = self._kept(entry)
        kind = content_type(AudioFormat(entry.format), entry.sample_rate)
        try:
            return await download_link(
                self._outputs, name, seconds, content_type=kind, now=self._clock()
            )
        except FileNotFoundError as error:
            raise _not_kept() from error

    def _kept(self, entry: HistoryEntry) -> str:
        """The name of its audio."""
        if entry.batch_id is not None and entry.audio is None:
            raise AudioNotKept(
                "The audio of a batch is kept by the batch.",
                f"GET /api/v1/synthesis/batch/{entry.batch_id} has it for as long as it lives.",
            )
        if entry.audio is None:
            raise _not_kept()
        return entry.audio

    def _where(self, owner: str, wanted: HistoryFilter) -> dict[str, Any]:
        if wanted.text and not self._searchable:
            raise InvalidRequest(
                "This server keeps no texts that could be searched.",
                "Leave out `q`. HISTORY_KEEP_TEXT decides for what is spoken from then on.",
            )
        return {"owner": owner} | wanted.where()

    async def delete(self, owner: str, entry_id: str) -> HistoryErased:
        """Erase an entry and its audio.

        Raises:
            HistoryNotFound: there is none with this id, or it is somebody else's.
        """
        return await see_through(self._erase([await self.get(owner, entry_id)]))

    async def delete_all(self, owner: str, wanted: HistoryFilter) -> HistoryErased:
        """Erase the entries that fit, with their audio."""
        where = self._where(owner, wanted)
        await self._settle()
        return await self._erase_all(where)

    async def expire(self) -> HistoryErased:
        """Erase what was kept long enough, of all owners.

        Raises:
            DatabaseError: a part was erased; the rest stays for the next time.
        """
        if not self._keep_days:
            return HistoryErased()
        before = self._clock() - timedelta(days=self._keep_days)
        return await self._erase_all({"created_at": Span(until=before)})

    async def _erase_all(self, where: dict[str, Any]) -> HistoryErased:
        total = HistoryErased()
        async for page in self._pages(where):
            erased = await see_through(self._erase(page))
            total = HistoryErased(
                entries=total.entries + erased.entries,
                files=total.files + erased.files,
                bytes=total.bytes + erased.bytes,
                left=total.left + erased.left,
            )
        return total

    async def _pages(self, where: dict[str, Any]) -> AsyncIterator[Sequence[HistoryEntry]]:
        """From the newest on: what is added meanwhile does not make it endless."""
        cursor: str | None = None
        while True:
            page = await self._entries.list(where=where, limit=_PAGE, cursor=cursor)
            if page.items:
                yield page.items
            if (cursor := page.cursor) is None:
                return

    async def _erase(self, entries: Sequence[HistoryEntry]) -> HistoryErased:
        """The records first: files without one are swept."""
        count = await self._entries.delete_all([entry.id for entry in entries])
        files = size = left = 0
        kept = [entry for entry in entries if entry.audio]
        for start in range(0, len(kept), _FILES_AT_ONCE):
            some = kept[start : start + _FILES_AT_ONCE]
            done = await asyncio.gather(*(self._remove_file(entry.audio or "") for entry in some))
            files += sum(done)
            left += len(done) - sum(done)
            size += sum(entry.bytes for entry, gone in zip(some, done, strict=True) if gone)
        return HistoryErased(entries=count, files=files, bytes=size, left=left)

    async def _remove_file(self, name: str) -> bool:
        try:
            await self._outputs.delete(name)
        except StorageError:
            log.warning("files stay until the next sweep", kind="outputs", files=1)
            return False
        return True


def _not_kept() -> AudioNotKept:
    return AudioNotKept(
        "The audio of this entry was not kept, or was deleted.",
        "It goes with its voice, and by the policy of the server: docs/history.md.",
    )
