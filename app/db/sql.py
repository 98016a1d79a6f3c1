"""The database port over SQLAlchemy: SQLite and PostgreSQL."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic

from pydantic import ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
    text,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import JSON

from app.core.clock import utc_now
from app.core.exceptions import Conflict, DatabaseError, InvalidRequest, NotFound, VersionConflict
from app.core.tracing import traced
from app.db.base import AnyOf, Contains, Page, RecordT, Span, Tally
from app.db.cursor import Keyset
from app.db.engine import IMMEDIATE, make_engine, make_file, use_wal
from app.db.errors import database_errors, is_duplicate
from app.db.ledger import SqlAuditLedger
from app.db.migrate import revisions, upgrade
from app.db.outputs import SqlOutputStore
from app.db.tables import TABLES

_MAX_LIMIT = 500
_PING_TIMEOUT_S = 5.0
_MANY = 10_000
_PG_EXTEND = 0x766F6965  # of the locks, by table; any number, the same in all processes


class SqlDatabase:
    """A SQLite file or a PostgreSQL database.

    Args:
        url: `sqlite:///voices.db`, `postgresql://user:password@host/name`. A driver that it names
            does not matter.
        pool_size: connections, at most.

    Raises:
        DatabaseError: the URL has no meaning, or its driver is missing.
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self._url = url
        self._engine = make_engine(url, pool_size=pool_size)
        # SQLite has one writer at a time, and those who wait look again only now and then: in
        # line they are four times as fast.
        self._writers = asyncio.Semaphore(1 if self._engine.dialect.name == "sqlite" else _MANY)

    async def open(self, *, migrate: bool = True) -> None:
        """Connect, and bring the schema up to date or, without `migrate`, see that it is.

        Other processes may do so at the same time. In this one, only one database at a time:
        Alembic keeps what it works on in module variables.

        Raises:
            DatabaseError: no connection, a schema of a newer version of this program or, without
                `migrate`, of an older one or none.
        """
        make_file(self._url)
        with database_errors():
            if self._engine.dialect.name == "sqlite":
                await use_wal(self._engine)
            if migrate:
                async with self._engine.connect() as connection:
                    await connection.run_sync(upgrade)
                return
        current, newest = await self.revisions()
        if current != newest:
            raise DatabaseError(
                f"The schema of the database is {current or 'missing'}, not {newest}.",
                "Run `alembic upgrade head` or `voice-cloning database upgrade`.",
            )

    async def revisions(self) -> tuple[str | None, str]:
        """The revision of the schema, None if it has none, and the newest that there is.

        Raises:
            DatabaseError: no connection, or a schema of a newer version of this program.
        """
        with database_errors():
            async with self._engine.connect() as connection:
                return await connection.run_sync(revisions)

    async def close(self) -> None:
        await self._engine.dispose()

    async def ping(self) -> None:
        """Raise `DatabaseError` if the database does not answer within 5 s, or has no schema."""
        with database_errors():
            async with asyncio.timeout(_PING_TIMEOUT_S), self._engine.connect() as connection:
                await connection.execute(text("SELECT 1 FROM alembic_version"))

    def collection(self, kind: type[RecordT]) -> "SqlCollection[RecordT]":
        return SqlCollection(self._engine, TABLES[kind], kind, writers=self._writers)

    def audit_ledger(self) -> SqlAuditLedger:
        return SqlAuditLedger(self._engine, writers=self._writers)

    def outputs(self) -> SqlOutputStore:
        return SqlOutputStore(self._engine, writers=self._writers)


class SqlCollection(Generic[RecordT]):
    """The records of one table. See `Collection` for what the methods promise."""

    def __init__(
        self,
        engine: AsyncEngine,
        table: Table,
        kind: type[RecordT],
        *,
        writers: asyncio.Semaphore,
    ) -> None:
        self._reader = engine
        self._writers = writers
        self._writer = engine.execution_options(**{IMMEDIATE: True})
        self._table = table
        self._kind = kind

    @traced("database.get")
    async def get(self, record_id: str) -> RecordT | None:
        query = select(self._table).where(self._table.c.id == record_id)
        with database_errors():
            async with self._reader.connect() as connection:
                row = (await connection.execute(query)).one_or_none()
        return None if row is None else self._record(row)

    @traced("database.list")
    async def list(
        self,
        *,
        where: Mapping[str, Any] | None = None,
        order: str = "-created_at",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[RecordT]:
        if not 1 <= limit <= _MAX_LIMIT:
            raise InvalidRequest(f"The limit must be from 1 to {_MAX_LIMIT}.", limit=limit)
        keyset = Keyset(self._table, order, where or {})
        columns = self._table.c
        query = (
            select(self._table)
            .where(*(_fits(columns[name], value) for name, value in keyset.where.items()))
            .order_by(*keyset.order_by())
            .limit(limit + 1)  # one more, to know whether there is more
        )
        if cursor is not None:
            query = query.where(keyset.after(cursor))
        with database_errors():
            async with self._reader.connect() as connection:
                rows = (await connection.execute(query)).all()
        more = len(rows) > limit
        rows = rows[:limit]
        return Page(
            items=[self._record(row) for row in rows],
            cursor=keyset.cursor(rows[-1]._mapping) if more else None,
        )

    @traced("database.tally")
    async def tally(
        self, by: Sequence[str], *, where: Mapping[str, Any], sums: Sequence[str] = ()
    ) -> Sequence[Tally]:
        columns = self._table.c
        groups = [columns[name] for name in by]
        query = (
            select(*groups, func.count(), *(func.sum(columns[name]) for name in sums))
            .where(*(_fits(columns[name], value) for name, value in where.items()))
            .group_by(*groups)
        )
        with database_errors():
            async with self._reader.connect() as connection:
                rows = (await connection.execute(query)).all()
        at = len(groups)
        return [
            Tally(tuple(row[:at]), row[at], tuple(float(total or 0) for total in row[at + 1 :]))
            for row in rows
        ]

    @traced("database.add")
    async def add(self, record: RecordT) -> RecordT:
        await self.add_all([record])
        return record

    async def add_all(self, records: Sequence[RecordT]) -> None:
        rows = [self._row(record) for record in records]
        with database_errors():
            try:
                async with self._writers, self._writer.begin() as connection:
                    await connection.execute(insert(self._table), rows)
            except IntegrityError as error:
                raise Conflict("A record with this id exists.") from error

    @traced("database.extend")
    async def extend(
        self, order: str, follow: Callable[[RecordT | None], Sequence[RecordT]]
    ) -> None:
        last = select(self._table).order_by(self._table.c[order].desc()).limit(1)
        with database_errors():
            try:
                async with self._writers, self._writer.begin() as connection:
                    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
                        lock = func.pg_advisory_xact_lock(
                            _PG_EXTEND, func.hashtext(self._table.name)
                        )
                        await connection.execute(select(lock))
                    row = (await connection.execute(last)).one_or_none()
                    records = follow(None if row is None else self._record(row))
                    await connection.execute(
                        insert(self._table), [self._row(record) for record in records]
                    )
            except IntegrityError as error:
                raise Conflict("A record with this id exists.") from error

    @traced("database.update")
    async def update(self, record: RecordT) -> RecordT:
        columns = self._table.c
        changed = record.model_copy(update={"version": record.version + 1, "updated_at": utc_now()})
        # The condition on the version and the change are one statement: of two writers who
        # have read the same version, the second finds no row.
        statement = (
            update(self._table)
            .where(columns.id == record.id, columns.version == record.version)
            .values(self._row(changed))
        )
        with database_errors():
            try:
                async with self._writers, self._writer.begin() as connection:
                    if (await connection.execute(statement)).rowcount == 1:
                        return changed
                    stored = await connection.scalar(
                        select(columns.version).where(columns.id == record.id)
                    )
            except IntegrityError as error:
                if not is_duplicate(error):
                    raise
                raise Conflict("Another record has what only one may have.") from error
        if stored is None:
            raise NotFound("There is no record with this id.")
        raise VersionConflict(
            "The record was changed since it was read.", "Read it again, then repeat the change."
        )

    @traced("database.update_where")
    async def update_where(self, where: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
        columns = self._table.c
        statement = (
            update(self._table)
            .where(*(_fits(columns[name], value) for name, value in where.items()))
            .values(version=columns.version + 1, updated_at=utc_now(), **changes)
        )
        with database_errors():
            async with self._writers, self._writer.begin() as connection:
                return (await connection.execute(statement)).rowcount

    @traced("database.delete")
    async def delete(self, record_id: str) -> bool:
        statement = delete(self._table).where(self._table.c.id == record_id)
        with database_errors():
            async with self._writers, self._writer.begin() as connection:
                return (await connection.execute(statement)).rowcount == 1

    @traced("database.delete_all")
    async def delete_all(self, record_ids: Sequence[str]) -> int:
        statement = delete(self._table).where(self._table.c.id.in_(record_ids))
        with database_errors():
            async with self._writers, self._writer.begin() as connection:
                return (await connection.execute(statement)).rowcount

    @traced("database.delete_where")
    async def delete_where(self, where: Mapping[str, Any]) -> int:
        columns = self._table.c
        fits = (_fits(columns[name], value) for name, value in where.items())
        statement = delete(self._table).where(*fits)
        with database_errors():
            async with self._writers, self._writer.begin() as connection:
                return (await connection.execute(statement)).rowcount

    @traced("database.existing")
    async def existing(self, record_ids: Sequence[str]) -> set[str]:
        query = select(self._table.c.id).where(self._table.c.id.in_(record_ids))
        with database_errors():
            async with self._reader.connect() as connection:
                return set((await connection.execute(query)).scalars())

    def _row(self, record: RecordT) -> dict[str, Any]:
        values = record.model_dump()
        return {
            column.name: to_jsonable_python(values[column.name], inf_nan_mode="constants")
            if isinstance(column.type, JSON)
            else values[column.name]
            for column in self._table.c
        }

    def _record(self, row: Row[Any]) -> RecordT:
        try:
            return self._kind.model_validate(dict(row._mapping))
        except ValidationError as error:
            raise DatabaseError(
                "A stored record does not have the form that this version expects.",
                "Use the version of the program that has written it, or restore a backup.",
            ) from error


def _fits(column: Column[Any], wanted: Any) -> ColumnElement[bool]:
    """The condition that a field has this value, or one of these, lies in this span, or contains
    this text.
    """
    if isinstance(wanted, Contains):
        if "\0" in wanted.text:  # PostgreSQL has none; for SQLite the pattern would end there
            raise InvalidRequest("There is no null character in any text.")
        # Both sides are folded by the database: what it does not fold still finds itself.
        return column.icontains(wanted.text, autoescape=True)
    if isinstance(wanted, AnyOf):
        return column.in_(wanted.values)
    if not isinstance(wanted, Span):
        same: ColumnElement[bool] = column == wanted
        return same
    since = column >= wanted.since if wanted.since else true()
    return and_(since, column < wanted.until if wanted.until else true())
