"""Noting what was spoken, for history and usage.

It costs the one who waits for speech nothing: entries, audio and counts are kept in memory for
about a second, then written many at once. A server that is stopped writes what waits; one that is
killed loses that second.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from app.core.clock import WallClock, utc_now
from app.core.exceptions import (
    Conflict,
    DatabaseError,
    InvalidRequest,
    StorageError,
)
from app.core.logging import get_logger, request_id
from app.core.tasks import see_through
from app.db.base import Collection
from app.db.usage import UsageCounters
from app.models.history import HistoryEntry, SpeechSource, SpeechStatus
from app.models.speech import SpeechRequest, Spoken
from app.models.voice import Voice
from app.storage.base import BlobStore

_T = TypeVar("_T")

log = get_logger(__name__)

_LINGER_S: Final = 1.0
_PATIENCE_S: Final = 2.0
_GROUP: Final = 200  # entries of one transaction
_FILES_AT_ONCE: Final = 8
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class HistoryRules:
    """What is kept.

    Attributes:
        enabled: whether there are entries at all.
        max_waiting: entries in memory; more are not kept while the database is away.
        max_waiting_bytes: of audio in memory; more is not kept while the store is slow, nor is
            longer audio ever.
    """

    enabled: bool = True
    keep_text: bool = True
    keep_audio: bool = True
    max_waiting: int = 5000
    max_waiting_bytes: int = 64 * 2**20


@dataclass(slots=True)
class _Waiting:
    """An entry that is not written yet, with its audio until that is."""

    entry: HistoryEntry
    content: bytes | None


class HistoryLog:
    """Is told of every synthesis (`SpeechLog`).

    Args:
        voices: an entry whose voice was deleted meanwhile gets no audio.
    """

    def __init__(
        self,
        *,
        entries: Collection[HistoryEntry],
        voices: Collection[Voice],
        outputs: BlobStore,
        usage: UsageCounters,
        rules: HistoryRules,
        clock: WallClock = utc_now,
    ) -> None:
        self._entries = entries
        self._voices = voices
        self._outputs = outputs
        self._usage = usage
        self._rules = rules
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._writing = asyncio.Lock()
        self._enough = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._flushes: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Write all that waits."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self.flush()
        if self._waiting or self._usage.waiting:
            log.error("history lost", entries=len(self._waiting), usage=self._usage.waiting)

    def keeps(self, request: SpeechRequest) -> bool:
        return self._rules.enabled and request.store is not False

    def most_audio(self, request: SpeechRequest) -> int:
        kept = self.keeps(request) and self._rules.keep_audio
        return self._rules.max_waiting_bytes if kept else 0

    async def spoken(self, spoken: Spoken) -> None:
        voice, request = spoken.voice, spoken.request
        failed = spoken.status is SpeechStatus.FAILED
        self._usage.count(
            spoken.owner,
            voice.id,
            characters=0 if failed else spoken.characters,
            audio_s=spoken.duration_s,
        )
        if self.keeps(request):
            self._keep(spoken)
        if self._keeper is None or self._keeper.done():
            # A context of its own: what it logs is not of this request.
            self._keeper = asyncio.create_task(self._keep_written(), context=Context())

    def _keep(self, spoken: Spoken) -> None:
        if len(self._waiting) >= self._rules.max_waiting:
            log.error("history lost", entries=1, usage=False)
            return
        content = spoken.content if self._rules.keep_audio else None
        if spoken.source is SpeechSource.BATCH:  # the batch has it
            content = None
        elif content is None and self.most_audio(spoken.request):
            log.warning("audio of history not kept", entry=spoken.id, detail="It is too long.")
        if content and self._waiting_bytes + len(content) > self._rules.max_waiting_bytes:
            log.warning("audio of history not kept", entry=spoken.id, detail="The store is slow.")
            content = None
        content = content or None
        entry = _entry(spoken, content, at=self._clock(), keep_text=self._rules.keep_text)
        self._waiting.append(_Waiting(entry, content))
        self._waiting_bytes += len(content or b"")
        if len(self._waiting) >= _GROUP or self._waiting_bytes > self._rules.max_waiting_bytes // 4:
            self._enough.set()

    async def _keep_written(self) -> None:
        """Write now and then, until nothing waits."""
        while self._waiting or self._usage.waiting:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), _LINGER_S)
            self._enough.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write what waits. What cannot be written stays for the next time, and is logged."""
        async with self._writing:
            await see_through(self._write())

    async def settle(self) -> None:
        """Have what was spoken before in the list, unless that takes long."""
        if self._waiting or self._usage.waiting:
            flush = asyncio.create_task(self.flush(), context=Context())
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)
            await asyncio.wait([flush], timeout=_PATIENCE_S)

    async def _write(self) -> None:
        due = len(self._waiting)
        try:
            while due > 0:
                group = self._waiting[: min(due, _GROUP)]
                await self._write_group(group)
                del self._waiting[: len(group)]
                due -= len(group)
            await self._usage.flush()
        except DatabaseError as error:
            log.warning("history not written yet", entries=len(self._waiting), detail=error.detail)

    async def _write_group(self, group: list[_Waiting]) -> None:
        """Files first, then the records: an entry that says so has its audio."""
        await self._put_audio([item for item in group if item.entry.audio])
        entries = [item.entry for item in group]
        try:
            await self._entries.add_all(entries)
        except (Conflict, InvalidRequest):  # one of them spoils all
            for entry in entries:
                await self._add_alone(entry)

    async def _add_alone(self, entry: HistoryEntry) -> None:
        try:
            await self._entries.add(entry)
        except Conflict:  # it is there: an earlier try did succeed
            return
        except InvalidRequest as error:
            log.warning("history lost", entries=1, usage=False, detail=error.detail)

    async def _put_audio(self, items: list[_Waiting]) -> None:
        for some in _parts(items, _FILES_AT_ONCE):
            if not all(await asyncio.gather(*map(self._put, some))):
                # Where one cannot be kept, others would only take as long to fail.
                self._without_audio(item for item in items if item.content)
                break
        there = await self._voices.existing(list({item.entry.voice_id for item in items}))
        gone = [item for item in items if item.entry.voice_id not in there]
        # Deleted meanwhile: whoever does so erases the record first, then the files.
        for item in gone:
            with suppress(StorageError):  # swept later
                await self._outputs.delete(item.entry.audio or "")
        self._without_audio(gone)

    async def _put(self, item: _Waiting) -> bool:
        if item.content is None or item.entry.audio is None:  # done by an earlier try
            return True
        try:
            await self._outputs.put(item.entry.audio, item.content)
        except StorageError as error:
            log.warning("audio of history not kept", entry=item.entry.id, detail=error.detail)
            return False
        self._let_go(item)
        return True

    def _let_go(self, item: _Waiting) -> None:
        self._waiting_bytes -= len(item.content or b"")
        item.content = None

    def _without_audio(self, items: Iterable[_Waiting]) -> None:
        for item in items:
            self._let_go(item)
            item.entry = item.entry.model_copy(update={"audio": None})


def _entry(spoken: Spoken, kept: bytes | None, *, at: datetime, keep_text: bool) -> HistoryEntry:
    voice, request = spoken.voice, spoken.request
    translation, prepared = spoken.translation, spoken.prepared
    return HistoryEntry(
        id=spoken.id,
        owner=spoken.owner,
        created_at=at,
        updated_at=at,
        voice_id=voice.id,
        voice_version=voice.active_version,
        engine=voice.engine,
        source=spoken.source,
        status=spoken.status,
        error=spoken.error,
        text=_storable(request.content) if keep_text else None,
        characters=spoken.characters,
        language=request.language or request.translate_to,
        format=request.format.value,
        sample_rate=spoken.sample_rate,
        duration_s=spoken.duration_s,
        first_audio_s=spoken.first_audio_s,
        total_s=spoken.total_s,
        similarity=voice.similarity,
        audio=f"{voice.id}/history-{spoken.id}" if kept else None,
        bytes=len(spoken.content or b""),
        batch_id=spoken.batch_id,
        request_id=request_id.get()[:64],
        lexicon=spoken.lexicon,
        prepared=_storable(prepared) if prepared and keep_text else None,
        translation=None
        if translation is None
        else translation.model_copy(
            update={
                "source_text": None,
                "text": _storable(translation.text or "") if keep_text else None,
            }
        ),
    )


def _storable(text: str) -> str:
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _parts(items: list[_T], size: int) -> Iterator[list[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
