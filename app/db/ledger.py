"""The audit trail as a chain, in SQL: read as it is, names erased, the oldest events removed."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    RowMapping,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.types import NullType

from app.core.tracing import traced
from app.db.base import Lines
from app.db.engine import IMMEDIATE
from app.db.errors import database_errors
from app.db.tables import audit_checkpoint, audit_events
from app.models.audit import Action
from app.models.audit_chain import SEALS, Line, Link, erased, moment

_PAGE: Final = 500
_REMOVED_AT_ONCE: Final = 2000
OURS: Final = (Action.AUDIT_ERASED, Action.AUDIT_EXPIRED)

_events = audit_events.c
_TEXTS: Final = tuple(name for name in Line.__slots__ if name not in ("at", "number"))
# As texts: what somebody has written into the table must not keep it from being read.
_LINE: Final[tuple[ColumnElement[Any], ...]] = (
    cast(_events.number, BigInteger).label("number"),
    cast(_events.created_at, Text).label("created_at"),
    *(cast(_events[name], Text).label(name) for name in _TEXTS),
)
_RAW: Final[ColumnElement[Any]] = type_coerce(_events.number, NullType()).label("raw")


class SqlAuditLedger:
    """The table of audit events. See `AuditLedger` for what the methods promise."""

    def __init__(self, engine: AsyncEngine, *, writers: asyncio.Semaphore) -> None:
        self._reader = engine
        self._writer = engine.execution_options(**{IMMEDIATE: True})
        self._writers = writers

    async def checkpoint(self) -> Link:
        """The last event that was removed; its number is 0 if none was."""
        with database_errors():
            async with self._reader.connect() as connection:
                return await _checkpoint(connection)

    @traced("database.audit_lines")
    async def lines(
        self, after: tuple[Any, str] | None = None, *, since: int | None = None
    ) -> Lines:
        """Up to 500 events, from the first on, or from one with this number."""
        query = select(*_LINE, _RAW).order_by(_events.number, _events.id).limit(_PAGE)
        if since is not None:
            query = query.where(_events.number >= since)
        if after is not None:
            number, event_id = literal(after[0], NullType()), literal(after[1])
            query = query.where(tuple_(_events.number, _events.id) > tuple_(number, event_id))
        with database_errors():
            async with self._reader.connect() as connection:
                rows = (await connection.execute(query)).mappings().all()
        more = len(rows) == _PAGE
        after = (rows[-1]["raw"], rows[-1]["id"]) if more else None
        return Lines([_line(row) for row in rows], after)

    async def between(self, since: datetime | None, until: datetime | None) -> tuple[int, int]:
        """The numbers of the first event from a moment on, and of the last before another: all in
        between belong to an export, or it would have gaps. The second is lower if there are none.
        """
        first = select(func.min(_events.number))
        last = select(func.max(_events.number))
        if since is not None:
            first = first.where(_events.created_at >= since)
        if until is not None:
            last = last.where(_events.created_at < until)
        with database_errors():
            async with self._reader.connect() as connection:
                lowest, highest = await connection.scalar(first), await connection.scalar(last)
        return (1, 0) if lowest is None or highest is None else (lowest, highest)

    async def erase(self, subject: str) -> int:
        """Erase a name wherever it stands; says in how many events.

        Where it is who did something, or whose something is, the address goes as well.
        """
        count, after = 0, None
        while True:
            with database_errors():
                async with self._writers, self._writer.begin() as connection:
                    found = await _erase(connection, subject, after)
            count += len(found)
            if len(found) < _PAGE:
                return count
            after = found[-1].number

    async def last_before(self, moment: datetime) -> int:
        """Number of the last of those events at the start that are all older; 0 if there is none
        to be removed.
        """
        young = select(func.min(_events.number)).where(_events.created_at >= moment)
        old = select(func.max(_events.number))
        with database_errors():
            async with self._reader.connect() as connection:
                first = await connection.scalar(young)
                if first is not None:
                    old = old.where(_events.number < first)
                return int(await connection.scalar(old) or 0)

    async def remove_up_to(self, number: int) -> int:
        """Remove the oldest events; says how many there were. The checkpoint tells of the last."""
        count = 0
        while True:
            with database_errors():
                async with self._writers, self._writer.begin() as connection:
                    removed = await _remove(connection, number)
            count += removed
            if not removed:
                return count


async def _checkpoint(connection: AsyncConnection, *, lock: bool = False) -> Link:
    query = select(audit_checkpoint.c.number, audit_checkpoint.c.digest)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    return Link(row.number, row.digest) if row else Link()


async def _erase(connection: AsyncConnection, subject: str, after: int | None) -> Sequence[Line]:
    """In one page of the events; gives them without the name."""
    wanted = {name: _events[name] == subject for name in SEALS}
    # What it says of the trail itself is nobody's name.
    wanted["subject_id"] = and_(wanted["subject_id"], _events.action.not_in(OURS))
    query = select(*_LINE).where(or_(*wanted.values())).order_by(_events.number).limit(_PAGE)
    if after is not None:
        query = query.where(_events.number > after)
    rows = (await connection.execute(query)).mappings().all()
    found = [erased(line, names_in(line, subject)) for line in map(_line, rows)]
    if found:
        columns = [*SEALS, *SEALS.values()]
        statement = (
            update(audit_events)
            .where(_events.id == bindparam("of_id"))
            .values({name: bindparam(name) for name in columns})
        )
        changes = [
            {"of_id": line.id, **{name: getattr(line, name) for name in columns}} for line in found
        ]
        await connection.execute(statement, changes)
    return found


def names_in(line: Line, subject: str) -> set[str]:
    """Which fields of the event are to be erased."""
    names = {name for name in SEALS if getattr(line, name) == subject}
    if line.action in OURS:
        names.discard("subject_id")
    return names | {"source"} if names & {"actor", "owner"} else names


async def _remove(connection: AsyncConnection, number: int) -> int:
    """Some of the oldest events, up to a number."""
    removed = await _checkpoint(connection, lock=True)
    oldest = (
        select(_events.number, _events.digest)
        .where(_events.number > removed.number, _events.number <= number)
        .order_by(_events.number)
        .limit(_REMOVED_AT_ONCE)
    )
    rows = (await connection.execute(oldest)).all()
    if not rows:
        return 0
    last = {"number": rows[-1].number, "digest": rows[-1].digest}
    await connection.execute(update(audit_checkpoint).values(last))
    await connection.execute(delete(audit_events).where(_upto(rows[-1].number)))
    return len(rows)


def _upto(number: int) -> ColumnElement[bool]:
    return _events.number <= number


def _line(row: RowMapping) -> Line:
    texts = {name: row[name] for name in _TEXTS}
    return Line(number=row["number"], at=at(row["created_at"]), **texts)


def at(text: str) -> str:
    """As it was when the digest was made; what is no moment stays as it is."""
    try:
        return moment(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return text
