"""Who is taken for dead, and who takes over."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.db.base import Collection
from app.db.sql import SqlDatabase
from app.jobs.workers import Watch
from app.models.job import Worker
from tests.clock import StoppedClock

pytestmark = pytest.mark.anyio

DEAD_AFTER_S = 15.0
BEAT_S = 3.0


class Takings:
    """Entries in the hands of workers."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}
        self.put_back_from: list[str] = []

    async def takers(self) -> set[str]:
        return set(self.of)

    async def put_back(self, worker_id: str) -> int:
        self.put_back_from.append(worker_id)
        return self.of.pop(worker_id, 0)


class Place:
    """Some workers and their clock. Each is on a machine of its own, unless it is said."""

    def __init__(self, workers: Collection[Worker]) -> None:
        self.workers = workers
        self.takings = Takings()
        self.clock = StoppedClock()
        self.interrupted: list[str] = []

    async def enter(self, host: str, pid: int | None = None) -> Watch:
        async def interrupted() -> None:
            self.interrupted.append(host)

        watch = Watch(
            self.workers, self.takings, interrupted=interrupted, dead_after_s=DEAD_AFTER_S,
            clock=self.clock,
        )  # fmt: skip
        watch.me = watch.me.model_copy(update={"host": host, "pid": pid or watch.me.pid})
        await watch.enter()
        self.takings.of[watch.me.id] = 2
        return watch

    async def pass_time(self, seconds: float, *living: Watch) -> None:
        for _ in range(round(seconds / BEAT_S)):
            self.clock.advance(BEAT_S)
            for watch in living:
                await watch.beat()
                await watch.look()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Place]:
    database = SqlDatabase(f"sqlite:///{folder / 'voices.db'}")
    await database.open()
    try:
        yield Place(database.collection(Worker))
    finally:
        await database.close()


@pytest.fixture
async def place(tmp_path) -> AsyncIterator[Place]:
    async with opened(tmp_path) as opened_place:
        yield opened_place


async def test_those_who_live_keep_their_work(place):
    one, other = await place.enter("a"), await place.enter("b")
    await place.pass_time(300, one, other)

    assert place.takings.put_back_from == []
    assert place.interrupted == []


async def test_a_silent_one_is_taken_over_from_once_and_not_too_soon(place):
    dead = await place.enter("a")
    watching = [await place.enter("b"), await place.enter("c")]
    await place.pass_time(12, *watching)
    early = list(place.takings.put_back_from)
    await place.pass_time(12, *watching)

    assert early == []
    assert place.takings.put_back_from == [dead.me.id]
    assert await place.workers.get(dead.me.id) is None


async def test_one_whose_process_is_gone_is_taken_over_from_at_once(place):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    watching = await place.enter("a", pid=os.getpid())
    dead = await place.enter("a", pid=ended.pid)
    await watching.look()

    assert place.takings.put_back_from == [dead.me.id]


async def test_one_that_was_taken_for_dead_stops_and_begins_anew(place):
    slow, watching = await place.enter("a"), await place.enter("b")
    await place.pass_time(21, watching)
    assert place.takings.put_back_from == [slow.me.id]

    await slow.beat()
    await slow.beat()

    assert place.interrupted == ["a"]
    assert await place.workers.get(slow.me.id) is not None


async def test_one_that_slept_takes_nobody_for_dead(place):
    """A laptop was closed: the others have slept with it."""
    await place.enter("a")
    watching = await place.enter("b")
    await watching.look()
    place.clock.advance(10_000)
    await watching.beat()
    await watching.look()

    assert place.takings.put_back_from == []


async def test_who_died_while_taking_over_is_taken_over_from_as_well(place):
    dead = await place.enter("a")
    reaper = await place.enter("b")
    claimed = (await place.workers.get(dead.me.id)).model_copy(update={"reaper": reaper.me.id})
    await place.workers.update(claimed)
    watching = await place.enter("c")
    await place.pass_time(21, watching)

    assert sorted(place.takings.put_back_from) == sorted([dead.me.id, reaper.me.id])


async def test_a_taker_that_nobody_knows_is_taken_over_from(place):
    place.takings.of["somebody"] = 1
    watching = await place.enter("a")
    await watching.look()

    assert place.takings.put_back_from == ["somebody"]


async def test_a_clock_that_runs_backwards_makes_nobody_dead_and_hides_no_dead_one(place):
    living, watching = await place.enter("a"), await place.enter("b")
    dead = await place.enter("c")
    await place.pass_time(9, living, watching)
    place.clock.advance(-100_000)
    await place.pass_time(9, living, watching)
    early = list(place.takings.put_back_from)
    await place.pass_time(15, living, watching)

    assert early == []
    assert place.takings.put_back_from == [dead.me.id]
    assert place.interrupted == []


async def test_one_goes_on_when_who_took_it_for_dead_has_died_meanwhile(place):
    slow, hasty = await place.enter("a"), await place.enter("b")
    claimed = (await place.workers.get(slow.me.id)).model_copy(update={"reaper": hasty.me.id})
    await place.workers.update(claimed)
    await place.pass_time(30, slow)  # the hasty one is dead, and nobody else is there
    interrupted = len(place.interrupted)
    await place.pass_time(30, slow)

    assert place.takings.put_back_from == [hasty.me.id]
    assert interrupted >= 1
    assert len(place.interrupted) == interrupted
    assert (await place.workers.get(slow.me.id)).reaper is None
