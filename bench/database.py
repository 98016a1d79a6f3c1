"""What a record costs in SQLite and in PostgreSQL, in one run."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

from app.db.sql import SqlCollection, SqlDatabase
from app.models.audit import Action, AuditEvent
from tests.servers.postgres import postgres

_COUNT = 100
_AT_ONCE = 10
_ENOUGH_S = 6.0


def main() -> None:
    """Print the best of rounds in turn. Both write to the disk before they answer."""
    sqlite: dict[str, float] = {}
    postgresql: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, postgres(durable=True) as server:
        start = time.perf_counter()
        for number in count():
            file = Path(folder) / f"{number}.db"
            _keep_best(sqlite, asyncio.run(_measured(f"sqlite:///{file}")))
            _keep_best(postgresql, asyncio.run(_measured(server.create())))
            if time.perf_counter() - start > _ENOUGH_S:
                break
    print("| operations per second | SQLite | PostgreSQL | ratio |")
    print("|---|---|---|---|")
    for name, rate in sqlite.items():
        print(f"| {name} | {rate:.0f} | {postgresql[name]:.0f} | {postgresql[name] / rate:.2f} |")


def _keep_best(best: dict[str, float], rates: dict[str, float]) -> None:
    for name, rate in rates.items():
        best[name] = max(rate, best.get(name, 0.0))


async def _measured(url: str) -> dict[str, float]:
    database = SqlDatabase(url)
    await database.open()
    events = database.collection(AuditEvent)
    numbers = count(1)  # one may have each
    records = [_event(next(numbers)) for _ in range(_COUNT)]
    rates = {
        "add": await _rate(lambda n: events.add(records[n])),
        f"add, {_AT_ONCE} at once": await _rate(
            lambda _: events.add(_event(next(numbers))), at_once=_AT_ONCE
        ),
        "get": await _rate(lambda n: events.get(records[n].id)),
        f"get, {_AT_ONCE} at once": await _rate(
            lambda n: events.get(records[n].id), at_once=_AT_ONCE
        ),
        "list a page of 50": await _rate(lambda _: _page(events)),
    }
    await database.close()
    return rates


async def _page(events: SqlCollection[AuditEvent]) -> None:
    await events.list(where={"owner": "bench"}, limit=50)


async def _rate(work: Callable[[int], Awaitable[object]], *, at_once: int = 1) -> float:
    start = time.perf_counter()
    for first in range(0, _COUNT, at_once):
        await asyncio.gather(*(work(n) for n in range(first, first + at_once)))
    return _COUNT / (time.perf_counter() - start)


def _event(number: int) -> AuditEvent:
    return AuditEvent(
        owner="bench",
        actor="bench",
        action=Action.VOICE_USED,
        subject_id=str(number),
        outcome="ok",
        request_id="-",
        number=number,
    )
