"""What is kept of what was spoken, and for how long."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.config import Settings
from app.core.exceptions import AudioNotKept, DatabaseError, StorageError
from app.core.logging import request_id
from app.db.sql import SqlDatabase
from app.db.usage import UsageCounters
from app.models.history import HistoryEntry, SpeechSource, SpeechStatus, UsageDay, UsageGroup
from app.models.voice import Voice
from app.services.history import HistoryFilter, HistoryService
from app.services.speech_log import HistoryLog, HistoryRules
from app.services.usage import UsageFilter, UsageService
from app.storage.base import BlobStore
from app.storage.local import MemoryBlobStore
from tests.services.told import AUDIO, a_voice, told

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@dataclass
class Told:
    """A log and what reads it; a test replaces a part before it makes them."""

    database: SqlDatabase
    voice: Voice
    rules: HistoryRules = field(default_factory=HistoryRules)
    outputs: BlobStore = field(default_factory=MemoryBlobStore)
    keep_days: float = 30.0
    now: datetime = NOON
    entries: Any = None
    days: Any = None

    def __post_init__(self) -> None:
        self.entries = self.entries or self.database.collection(HistoryEntry)
        self.days = self.database.collection(UsageDay)

    def log(self) -> HistoryLog:
        return HistoryLog(
            entries=self.entries,
            voices=self.database.collection(Voice),
            outputs=self.outputs,
            usage=UsageCounters(self.days, clock=lambda: self.now),
            rules=self.rules,
            clock=lambda: self.now,
        )

    def history(self) -> HistoryService:
        return HistoryService(
            entries=self.database.collection(HistoryEntry),
            outputs=self.outputs,
            keep_days=self.keep_days,
            clock=lambda: self.now,
        )

    async def listed(self) -> list[HistoryEntry]:
        return (await self.history().list("local", HistoryFilter(), limit=500, cursor=None)).items

    async def files(self) -> list[str]:
        return sorted([blob.name async for blob in self.outputs.list()])

    async def usage(self) -> tuple[int, int, float]:
        report = await UsageService(days=self.days, clock=lambda: self.now).report(
            UsageFilter("local"), [UsageGroup.DAY]
        )
        return report.totals.requests, report.totals.characters, report.totals.audio_s


@asynccontextmanager
async def telling(settings: Settings, url: str | None = None) -> AsyncIterator[Told]:
    database = SqlDatabase(url or settings.database)
    await database.open()
    try:
        voice = await database.collection(Voice).add(a_voice(active_version=3))
        yield Told(database, voice)
    finally:
        await database.close()


async def test_what_was_spoken_is_listed_with_all_that_was_measured(settings):
    async with telling(settings) as t:
        request_id.set("r-1")
        log = t.log()
        spoken = told(t.voice, "Hello there.", request_format="mp3", request_language="en-us")
        await log.spoken(spoken)
        await log.close()

        (entry,) = await t.listed()

        assert entry.model_dump(exclude={"version", "owner"}) == {
            "id": spoken.id,
            "created_at": NOON,
            "updated_at": NOON,
            "voice_id": t.voice.id,
            "voice_version": 3,
            "engine": "fake",
            "source": SpeechSource.SPEAK,
            "status": SpeechStatus.OK,
            "error": None,
            "text": "Hello there.",
            "characters": 12,
            "language": "en-us",
            "format": "mp3",
            "sample_rate": 24000,
            "duration_s": 1.5,
            "first_audio_s": 0.2,
            "total_s": 0.3,
            "similarity": 0.6,
            "audio": f"{t.voice.id}/history-{spoken.id}",
            "bytes": len(AUDIO),
            "batch_id": None,
            "request_id": "r-1",
            "lexicon": None,
            "translation": None,
            "prepared": None,
        }
        assert await t.history().audio(entry) == AUDIO
        assert await t.usage() == (1, 12, 1.5)


@pytest.mark.parametrize(
    ("rules", "asked", "entries", "text", "files"),
    [
        (HistoryRules(), {}, 1, "Secret.", 1),
        (HistoryRules(keep_text=False), {}, 1, None, 1),
        (HistoryRules(keep_audio=False), {}, 1, "Secret.", 0),
        (HistoryRules(enabled=False), {}, 0, None, 0),
        (HistoryRules(enabled=False), {"request_store": True}, 0, None, 0),
        (HistoryRules(), {"request_store": False}, 0, None, 0),
        (HistoryRules(), {"request_store": True}, 1, "Secret.", 1),
    ],
)
async def test_what_the_server_or_the_request_does_not_keep_is_counted_all_the_same(
    settings, rules, asked, entries, text, files
):
    async with telling(settings) as t:
        t.rules = rules
        log = t.log()
        spoken = told(t.voice, "Secret.", **asked)
        assert (log.most_audio(spoken.request) > 0) == (files > 0)
        await log.spoken(spoken)
        await log.close()

        assert [entry.text for entry in await t.listed()] == [text] * entries
        assert len(await t.files()) == files
        assert await t.usage() == (1, 7, 1.5)


async def test_audio_of_a_batch_is_left_to_the_batch(settings):
    async with telling(settings) as t:
        log = t.log()
        await log.spoken(told(t.voice, source=SpeechSource.BATCH, batch_id="b-1"))
        await log.close()

        (entry,) = await t.listed()
        assert await t.files() == []
        with pytest.raises(AudioNotKept, match="batch"):
            await t.history().audio(entry)


async def test_what_failed_is_listed_with_its_code_and_its_characters_are_not_counted(settings):
    async with telling(settings) as t:
        log = t.log()
        await log.spoken(
            told(
                t.voice,
                status=SpeechStatus.FAILED,
                error="engine-failed",
                content=None,
                duration_s=0.0,
                first_audio_s=None,
            )
        )
        await log.close()

        (entry,) = await t.listed()
        assert (entry.status, entry.error, entry.audio) == ("failed", "engine-failed", None)
        assert await t.usage() == (1, 0, 0.0)


async def test_texts_that_a_database_cannot_hold_do_not_take_others_with_them(settings):
    async with telling(settings) as t:
        log = t.log()
        twice = told(t.voice, "one\0two")
        for spoken in (told(t.voice, "before"), twice, twice, told(t.voice, "after")):
            await log.spoken(spoken)
        await log.close()

        texts = sorted(entry.text or "" for entry in await t.listed())
        assert texts == ["after", "before", "one\N{REPLACEMENT CHARACTER}two"]


class Away:
    """Entries in a database that is away, as long as `away` is set."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.away = True
        self.transactions = 0

    async def add_all(self, records: Sequence[HistoryEntry]) -> None:
        self.transactions += 1
        if self.away:
            raise DatabaseError("The database is busy.")
        await self._inner.add_all(records)


async def test_many_are_written_in_few_transactions(settings):
    async with telling(settings) as t:
        t.entries = counting = Away(t.entries)
        counting.away = False
        log = t.log()
        for _ in range(300):
            await log.spoken(told(t.voice, content=None))
        await log.close()

        assert len(await t.listed()) == 300
        assert counting.transactions <= 2
        assert await t.usage() == (300, 3600, 450.0)


async def test_what_cannot_be_written_waits_for_the_database_to_come_back(settings):
    async with telling(settings) as t:
        t.entries = away = Away(t.entries)
        t.rules = HistoryRules(max_waiting=3)
        log = t.log()
        spoken = [told(t.voice, str(n)) for n in range(5)]
        for one in spoken:
            await log.spoken(one)
        await log.flush()
        assert (await t.listed(), await t.usage()) == ([], (0, 0, 0.0))

        away.away = False
        await log.close()

        assert sorted(entry.text or "" for entry in await t.listed()) == ["0", "1", "2"]
        assert await t.usage() == (5, 5, 7.5)


class Full(MemoryBlobStore):
    """Takes no file, and counts those it was to take."""

    asked = 0

    async def put(self, name: str, content: bytes) -> None:
        self.asked += 1
        raise StorageError("The file store is full.")


async def test_on_a_full_disk_the_entry_is_listed_without_its_audio(settings):
    async with telling(settings) as t:
        t.outputs = full = Full()
        log = t.log()
        for _ in range(100):
            await log.spoken(told(t.voice))
        await log.close()

        assert {entry.audio for entry in await t.listed()} == {None}
        assert full.asked < 20  # each may take long to fail
        assert len(await t.listed()) == 100


async def test_memory_for_audio_that_waits_is_limited(settings):
    async with telling(settings) as t:
        t.rules = HistoryRules(max_waiting_bytes=10_000)
        log = t.log()
        for _ in range(5):
            await log.spoken(told(t.voice, content=b"x" * 3000))
        await log.close()

        assert len(await t.listed()) == 5
        assert len(await t.files()) == 3
        for _ in range(3):  # what was written makes room
            await log.spoken(told(t.voice, content=b"x" * 3000))
        await log.close()
        assert len(await t.files()) == 6


async def test_audio_of_a_voice_that_was_deleted_meanwhile_is_not_kept(settings):
    async with telling(settings) as t:
        log = t.log()
        await log.spoken(told(t.voice))
        await t.database.collection(Voice).delete(t.voice.id)
        await log.close()

        (entry,) = await t.listed()
        assert (entry.audio, await t.files()) == (None, [])


async def test_it_is_written_soon_without_anybody_asking(settings):
    async with telling(settings) as t:
        log = t.log()
        await log.spoken(told(t.voice))
        async with asyncio.timeout(10):
            while not (await t.listed() and await t.usage() == (1, 12, 1.5)):
                await asyncio.sleep(0.02)
        await log.close()


async def test_several_processes_add_to_the_same_day(settings):
    async with telling(settings) as t:
        logs = [t.log() for _ in range(6)]
        for log in logs:
            for _ in range(3):
                await log.spoken(told(t.voice, "four", request_store=False))
        await asyncio.gather(*(log.close() for log in logs))

        assert await t.usage() == (18, 72, 27.0)
        assert len((await t.days.list()).items) == 1


@pytest.mark.services
async def test_several_servers_write_to_one_postgresql(settings, new_postgres):
    async with telling(settings, new_postgres()) as t:
        logs = [t.log() for _ in range(4)]
        for number, log in enumerate(logs):
            for _ in range(5):
                await log.spoken(told(t.voice, f"Émile {number}\0"))
        await asyncio.gather(*(log.close() for log in logs))

        assert await t.usage() == (20, 160, 30.0)
        wanted = HistoryFilter(text="Émile 3")
        found = await t.history().list("local", wanted, limit=500, cursor=None)
        assert len(found.items) == 5
        assert (await t.history().delete_all("local", HistoryFilter())).entries == 20


class DaysAway:
    """Usage in a database that is away, as long as `away` is set."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.away = True

    async def get(self, record_id: str) -> UsageDay | None:
        return await self._inner.get(record_id)

    async def add(self, record: UsageDay) -> UsageDay:
        if self.away:
            raise DatabaseError("The database is busy.")
        return await self._inner.add(record)


async def test_counts_that_cannot_be_written_are_not_lost_nor_counted_twice(settings):
    async with telling(settings) as t:
        days, t.days = t.days, DaysAway(t.days)
        log = t.log()
        for text in ("one", "three"):
            await log.spoken(told(t.voice, text))
            await log.flush()
        t.days.away = False
        await log.close()

        t.days = days
        assert await t.usage() == (2, 8, 3.0)
        assert len(await t.listed()) == 2


async def test_usage_of_two_days_is_of_the_day_on_which_it_was(settings):
    async with telling(settings) as t:
        log = t.log()
        await log.spoken(told(t.voice))
        t.now = NOON + timedelta(hours=13)
        await log.spoken(told(t.voice))
        await log.close()

        days = sorted(day.day.isoformat() for day in (await t.days.list()).items)
        assert days == ["2026-01-15", "2026-01-16"]


async def test_entries_go_with_their_audio_when_they_were_kept_long_enough(settings):
    async with telling(settings) as t:
        log = t.log()
        for days in (31, 29, 0):
            t.now = NOON - timedelta(days=days)
            await log.spoken(told(t.voice, f"{days} days ago"))
        await log.close()
        t.now = NOON

        erased = await t.history().expire()

        assert (erased.entries, erased.files, erased.bytes) == (1, 1, len(AUDIO))
        assert [entry.text for entry in await t.listed()] == ["0 days ago", "29 days ago"]
        assert len(await t.files()) == 2
        assert (await t.history().expire()).entries == 0
        assert (await t.usage())[0] == 2  # of these 30 days; the older day is there too
        assert len((await t.days.list()).items) == 3


@pytest.mark.parametrize("now", [NOON - timedelta(days=400), datetime(1970, 1, 1, tzinfo=UTC)])
async def test_a_clock_that_was_set_back_erases_nothing_younger(settings, now):
    async with telling(settings) as t:
        log = t.log()
        for days in (31, 0):
            t.now = NOON - timedelta(days=days)
            await log.spoken(told(t.voice))
        t.now = now
        await log.spoken(told(t.voice, "with the wrong time"))
        await log.close()

        assert (await t.history().expire()).entries == 0
        assert [entry.text for entry in await t.listed()][-1] == "with the wrong time"


async def test_zero_days_keep_everything(settings):
    async with telling(settings) as t:
        t.keep_days = 0.0
        log = t.log()
        t.now = NOON - timedelta(days=4000)
        await log.spoken(told(t.voice))
        await log.close()
        t.now = NOON

        assert (await t.history().expire()).entries == 0
        assert len(await t.listed()) == 1


async def test_more_than_a_page_is_erased(settings):
    async with telling(settings) as t:
        log = t.log()
        for _ in range(1100):
            await log.spoken(told(t.voice, content=None))
        await log.close()

        erased = await t.history().delete_all("local", HistoryFilter())

        assert (erased.entries, await t.listed()) == (1100, [])


class Stuck(MemoryBlobStore):
    """Deletes nothing."""

    async def delete(self, name: str) -> None:
        raise StorageError("The file store refuses access.")


async def test_a_file_that_cannot_be_erased_now_is_told(settings):
    async with telling(settings) as t:
        t.outputs = Stuck()
        log = t.log()
        await log.spoken(told(t.voice))
        await log.close()

        erased = await t.history().delete_all("local", HistoryFilter())

        assert (erased.entries, erased.files, erased.bytes, erased.left) == (1, 0, 0, 1)
        assert await t.listed() == []
