"""Audit trails, as the tests make them."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from app.core.clock import WallClock
from app.core.logging import actor, source
from app.db.audit import AuditTrail
from app.db.sql import SqlDatabase
from app.models.audit import Action, AuditEvent, AuditVerdict
from app.models.audit_chain import Link
from app.models.base import Record
from app.services.audit import AuditService

T = TypeVar("T")

VOICE = "550e8400-e29b-41d4-a716-446655440000"
GUARDS = ("events_no_update", "events_no_delete", "checkpoint_no_update")


def at(url: str, work: Callable[[SqlDatabase], Awaitable[T]]) -> T:
    """Do something on a database, in a loop of its own."""

    async def opened() -> T:
        database = SqlDatabase(url)
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(opened())


def service(
    database: SqlDatabase, *, keep_days: int = 0, clock: WallClock | None = None
) -> AuditService:
    events = database.collection(AuditEvent)
    return AuditService(
        events,
        ledger=database.audit_ledger(),
        trail=AuditTrail(events),
        keep_days=keep_days,
        clock=clock or (lambda: datetime.now(UTC)),
    )


async def fill(database: SqlDatabase, count: int = 6, *, who: str = "key:ann") -> list[AuditEvent]:
    """Events of one voice, by one key, for the owner `team`."""
    actor.set(who)
    source.set("203.0.113.7")
    trail = AuditTrail(database.collection(AuditEvent))
    subject = Record(id=VOICE, owner="team")
    for _ in range(count):
        await trail.record(Action.VOICE_USED, subject)
    return await events(database)


async def events(database: SqlDatabase) -> list[AuditEvent]:
    return (await database.collection(AuditEvent).list(order="number", limit=500)).items


async def verified(database: SqlDatabase, expect: Link | None = None) -> AuditVerdict:
    return await service(database).verify(expect)


def told(verdict: AuditVerdict) -> list[str]:
    return [f"{fault.kind} {fault.number}" for fault in verdict.faults]


def by_hand(file: Path, *statements: str | tuple[str, Sequence[Any]]) -> None:
    """Change the table behind the service's back."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for guard in GUARDS:
            connection.execute(f"DROP TRIGGER IF EXISTS audit_{guard}")
        connection.execute("DROP INDEX IF EXISTS ix_audit_events_number")
        for statement in statements:
            connection.execute(*((statement,) if isinstance(statement, str) else statement))
