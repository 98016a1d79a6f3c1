"""Connections to SQLite and PostgreSQL."""

import asyncio
import sqlite3
import time
from functools import partial
from json import dumps
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, InvalidRequestError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.db.errors import database_errors, sqlite_class

SQLITE_PRAGMAS: Final = (
    "busy_timeout=5000",
    "foreign_keys=ON",
    "synchronous=FULL",
    "secure_delete=ON",
)
"""Of every SQLite connection. In milliseconds. FULL: after a power cut no deleted voice
comes back without its files, and none that was answered with 201 is lost. What is deleted is
overwritten, since it may have been said in confidence."""

IMMEDIATE: Final = "sqlite_immediate"
"""Execution option of transactions that write. Those that begin as readers fail at once when
somebody else writes in between, however long the busy timeout is."""

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",  # as some hosting services write it
}
_POOL_TIMEOUT_S = 10
# Load balancers drop connections that are silent for long without telling.
_POOL_RECYCLE_S = 900
_PG_OPTIONS: Final = {
    "connect_timeout": 5,  # seconds
    # A server that vanishes, as when another takes over, is noticed within half a minute; without
    # these, after a quarter of an hour.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}
"""Of libpq. Those of the URL go before."""

_WAL_TIMEOUT_S = 60.0
_WAL_RETRY_S = 0.02


def with_driver(url: str) -> str:
    """The URL with the driver that this program uses, whichever it names."""
    scheme, separator, rest = url.partition("://")
    return f"{_DRIVERS.get(scheme.partition('+')[0], scheme)}{separator}{rest}"


def make_engine(url: str, *, pool_size: int = 5) -> AsyncEngine:
    """An engine for `url`. Connects to nothing yet.

    Args:
        pool_size: connections, at most. More would be opened and closed for every call: waiting
            for one is several times as fast.

    Raises:
        DatabaseError: the URL has no meaning, or its driver is missing.
    """
    with database_errors():
        try:
            url = with_driver(url)
            is_sqlite = sqlite_file(url) is not None
            engine = create_async_engine(
                url,
                pool_size=pool_size,
                max_overflow=0,
                pool_timeout=_POOL_TIMEOUT_S,
                **({} if is_sqlite else server_options(make_url(url))),
                hide_parameters=True,  # personal data stays out of logs and tracebacks
                json_serializer=partial(dumps, ensure_ascii=False, allow_nan=False),
            )
        except (ValueError, InvalidRequestError) as error:  # e.g. the port; the driver is not async
            raise ArgumentError("invalid URL") from error
    if is_sqlite:
        event.listen(engine.sync_engine, "connect", _on_sqlite_connect)
        event.listen(engine.sync_engine, "begin", _on_sqlite_begin)
    return engine


def server_options(url: URL) -> dict[str, Any]:
    """Of an engine for PostgreSQL."""
    options = {name: value for name, value in _PG_OPTIONS.items() if name not in url.query}
    return {
        "pool_recycle": _POOL_RECYCLE_S,
        "pool_pre_ping": True,  # a restarted server is not noticed otherwise
        # Prepared statements do not outlive a transaction behind PgBouncer.
        "connect_args": {"prepare_threshold": None, **options},
    }


def make_file(url: str) -> None:
    """Create a SQLite file and its folder; only the user who runs this program can read it.

    Raises:
        DatabaseError: that cannot be done, or the file cannot be opened.
    """
    file = sqlite_file(with_driver(url))
    if file is None:
        return
    with database_errors():
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.touch(mode=0o600)  # SQLite gives the same rights to its WAL
        # aiosqlite's thread, when it cannot open the file, outlives the event loop and complains.
        sqlite3.connect(file).close()


async def use_wal(engine: AsyncEngine) -> None:
    """Put a SQLite database into WAL mode, for good: readers and a writer do not wait."""
    deadline = time.monotonic() + _WAL_TIMEOUT_S
    while True:
        try:
            async with engine.connect() as connection:
                await connection.run_sync(_set_wal)
        except (sqlite3.OperationalError, OperationalError) as error:
            # The busy timeout does not hold here: another process that opens it interferes.
            if sqlite_class(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        else:
            return
        await asyncio.sleep(_WAL_RETRY_S)


def _set_wal(connection: Connection) -> None:
    set_pragmas(connection.connection, "journal_mode=WAL")


def set_pragmas(dbapi_connection: Any, *pragmas: str) -> None:
    """Set SQLite pragmas; outside a transaction, where some of them have no effect."""
    cursor = dbapi_connection.cursor()
    try:
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for other databases.

    Raises:
        ArgumentError: it is neither of SQLite nor of PostgreSQL, or names no file. A database in
            memory is lost with its connection, which any cancelled request may cost.
    """
    parsed = make_url(url)
    if parsed.drivername not in _DRIVERS.values():
        raise ArgumentError("a database that the program has not been tried with")
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database.startswith((":memory:", "file:")):
        raise ArgumentError("no file")
    return Path(parsed.database)


def _on_sqlite_connect(dbapi_connection: Any, _record: Any) -> None:
    # The sqlite3 module must not begin transactions by itself: it would not before DDL.
    dbapi_connection.isolation_level = None
    set_pragmas(dbapi_connection, *SQLITE_PRAGMAS)


def _on_sqlite_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
