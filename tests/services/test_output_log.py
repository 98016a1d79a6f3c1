"""How outputs are remembered, found and forgotten, in either database."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.admission import Admission
from app.core.exceptions import DatabaseError
from app.db.base import Heard, OutputStore, Page
from app.db.sql import SqlDatabase
from app.engines.fake import SAMPLE_RATE
from app.models.history import SpeechSource
from app.models.output import Output, OutputVoice
from app.models.voice import Voice
from app.services.identify import IdentifyService
from app.services.output_log import LogLimits, OutputLog
from tests.api.chatter import chatter, clip
from tests.schema import schema_in
from tests.servers.postgres import BOTH

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
VOICE = OutputVoice(voice_id="550e8400-e29b-41d4-a716-446655440000")
OLD = "Of a bear, a tiger and a lion who cross the river in a small and leaking boat."
NEW = "Of a fox, a goose and a sack of corn that wait for them on the other side of it."


@pytest.fixture(params=BOTH)
async def store(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[OutputStore]:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{schema_in(tmp_path)}" if sqlite else request.getfixturevalue("postgres_url")
    database = SqlDatabase(url)
    await database.open()
    yield database.outputs()
    await database.close()


@dataclass(frozen=True)
class Broken:
    """A store that a database is behind which is away for the first so many calls."""

    store: OutputStore
    calls: list[int]

    async def add(self, heard: Sequence[Heard]) -> None:
        self.calls.append(len(heard))
        if len(self.calls) == 1:
            raise DatabaseError("It is away.")
        await self.store.add(heard)


class NoVoices:
    """Nobody has any."""

    async def list(self, **_: Any) -> Page[Voice]:
        return Page([], None)


def output(age_days: float = 0.0, **fields: Any) -> Output:
    at = NOON - timedelta(days=age_days)
    usual = {"owner": "ann", "actor": "ann", "request_id": "r", "source": SpeechSource.SPEAK}
    return Output(created_at=at, **usual | fields)


def speak(log: OutputLog, text: str, *, age_days: float = 0.0) -> str:
    """Id of a new output."""
    made = output(age_days)
    trace = log.begin(made)
    trace.hear(chatter(text), SAMPLE_RATE, VOICE)
    trace.end()
    return made.id


def service(store: OutputStore, *, keep_days: float = 30.0) -> IdentifyService:
    async def settle() -> None: ...

    return IdentifyService(
        store,
        voices=NoVoices(),  # type: ignore[arg-type],
        max_bytes=1_000_000,
        admission=Admission(1, doing="tests run", retry_after_s=lambda: 1),
        settle=settle,
        keep_days=keep_days,
        clock=lambda: NOON,
    )


async def found(store: OutputStore, text: str, owner: str | None = None) -> list[str]:
    content = clip(chatter(text), 0.3, 2.8)
    answer = await service(store).identify(lambda: content, owner=owner)
    return [match.output_id for match in answer.matches]


async def test_outputs_are_found_until_they_are_forgotten(store: OutputStore) -> None:
    log = OutputLog(store)
    old, new = speak(log, OLD, age_days=40), speak(log, NEW, age_days=29)
    await log.close()
    assert (await found(store, OLD), await found(store, NEW)) == ([old], [new])
    assert await found(store, OLD, owner="ben") == []

    assert await service(store, keep_days=0).expire() == 0
    assert await service(store).expire() == 1

    assert (await found(store, OLD), await found(store, NEW)) == ([], [new])
    assert await service(store).expire() == 0


async def test_the_same_speech_twice_is_of_both_requests(store: OutputStore) -> None:
    log = OutputLog(store)
    both = {speak(log, OLD), speak(log, OLD)}
    await log.close()

    assert set(await found(store, OLD)) == both


async def test_what_cannot_be_written_waits_for_the_next_time(store: OutputStore) -> None:
    broken = Broken(store, [])
    log = OutputLog(broken)  # type: ignore[arg-type]
    made = speak(log, OLD)
    await log.flush()
    assert await found(store, OLD) == []

    await log.close()

    assert broken.calls == [1, 1]
    assert await found(store, OLD) == [made]


async def test_more_than_fits_into_memory_is_not_remembered_and_does_no_harm(
    store: OutputStore,
) -> None:
    log = OutputLog(store, LogLimits(bytes=chatter(OLD).nbytes + 1))
    first, _ = speak(log, OLD), speak(log, NEW)
    await log.close()

    assert (await found(store, OLD), await found(store, NEW)) == ([first], [])
