"""What the chain of the audit trail costs: events a second with it and without, in one run, and how
fast it is verified.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.sql import SqlDatabase
from app.models.audit import Action, AuditEvent
from app.models.audit_chain import Link, chained
from app.models.base import Record
from app.services.audit import AuditService
from tests.servers.postgres import postgres

_ROUNDS: Final = 12
_COUNT: Final = 300
_AT_ONCE: Final = (1, 16, 64)
_PROCESSES: Final = 4
_MANY: Final = 50_000


class _Unchained(AuditTrail):
    """Writes events as they were written before there was a chain, but with numbers."""

    def __init__(self, events: Collection[AuditEvent], numbers: Iterator[int]) -> None:
        super().__init__(events)
        self._numbers = numbers

    async def _append(self, events: Sequence[AuditEvent]) -> None:
        numbered = [event.model_copy(update={"number": next(self._numbers)}) for event in events]
        await self._events.add_all(numbered)


def main() -> None:
    """Print the median of rounds in turn. Every commit is on the disk before it is answered."""
    print("| events a second | SQLite | chained | PostgreSQL | chained |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, postgres(durable=True) as server:
        files = (f"sqlite:///{folder}/{number}.db" for number in count())
        for at_once in _AT_ONCE:
            rates: defaultdict[tuple[int, bool], list[float]] = defaultdict(list)
            for turn in range(2 * _ROUNDS):
                for kind, url in enumerate((next(files), server.create())):
                    chain = (turn + kind) % 2 == 1
                    rates[kind, chain].append(asyncio.run(_alone(url, at_once, chain=chain)))
            cells = (f"{median(found):.0f}" for _, found in sorted(rates.items()))
            print(f"| {at_once} at once | {' | '.join(cells)} |")
        for url in (next(files), server.create()):
            print(f"{_PROCESSES} processes, {url.partition(':')[0]}: {_together(url):.0f} a second")
        asyncio.run(_verify(next(files)))


async def _alone(url: str, at_once: int, *, chain: bool) -> float:
    """Events a second of one process."""
    database = SqlDatabase(url)
    await database.open()
    events = database.collection(AuditEvent)
    rate = await _rate(AuditTrail(events) if chain else _Unchained(events, count(1)), at_once)
    await database.close()
    return rate


async def _rate(trail: AuditTrail, at_once: int) -> float:
    waiting = count()

    async def one() -> None:
        while next(waiting) < _COUNT:
            await trail.record(Action.VOICE_USED, Record(owner="bench"))

    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(at_once)))
    return _COUNT / (time.perf_counter() - start)


async def write(url: str) -> None:
    """In a process of its own: say that it is ready, wait for a line, write, say for how long."""
    database = SqlDatabase(url)
    await database.open()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    rate = await _rate(AuditTrail(database.collection(AuditEvent)), 8)
    await database.close()
    print(_COUNT / rate)


def _together(url: str) -> float:
    """Events a second of all processes, 8 at once in each."""
    program = f"import asyncio, bench.audit; asyncio.run(bench.audit.write({url!r}))"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(_PROCESSES)
    ]
    for process in running:
        if process.stdout is not None:
            process.stdout.readline()
    for process in running:
        if process.stdin is not None:
            process.stdin.write("\n")
            process.stdin.flush()
    return _PROCESSES * _COUNT / max(float(process.communicate()[0]) for process in running)


async def _verify(url: str) -> None:
    database = SqlDatabase(url)
    await database.open()
    events = database.collection(AuditEvent)
    used = {"action": Action.VOICE_USED, "outcome": "ok", "request_id": "30fc21e79c10472d"}
    made = (AuditEvent(owner="bench", actor="key:1", subject_id="v", **used) for _ in range(_MANY))
    linked = list(chained(Link(), made))
    for start in range(0, _MANY, 1000):
        await events.add_all(linked[start : start + 1000])
    audit = AuditService(events, ledger=database.audit_ledger(), trail=AuditTrail(events))
    began = time.perf_counter()
    verdict = await audit.verify()
    rate = verdict.events / (time.perf_counter() - began)
    await database.close()
    size = Path(url.removeprefix("sqlite:///")).stat().st_size / _MANY
    print(f"verified {verdict.events} events, {rate:.0f} a second; {size:.0f} bytes of SQLite each")
