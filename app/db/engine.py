"""Connections to SQLite and PostgreSQL, and what their errors mean."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from json import dumps
from pathlib import Path
from typing import Any, Final

from alembic.util import CommandError
from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.core.exceptions import DatabaseError

SQLITE_PRAGMAS: Final = ("busy_timeout=5000", "foreign_keys=ON", "synchronous=FULL")
"""Of every SQLite connection. In milliseconds. FULL: after a power cut no deleted voice
comes back without its files, and none that was answered with 201 is lost."""

IMMEDIATE: Final = "sqlite_immediate"
"""Execution option of transactions that write. Those that begin as readers fail at once when
somebody else writes in between, however long the busy timeout is."""

_FORMS = {"sqlite": "sqlite:///PATH", "postgresql": "postgresql://USER:PASSWORD@HOST/NAME"}
# As people and hosting services write it -> with the driver.
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
_PACKAGES = {"psycopg": "voice-cloning-api[postgres]"}

_CONNECT_TIMEOUT_S = 5
_POOL_TIMEOUT_S = 10
# Load balancers drop connections that are silent for long without telling.
_POOL_RECYCLE_S = 900

_SQLITE_ERRORS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: (
        "The disk of the database is full.",
        "Free some disk space, then try again.",
    ),
    sqlite3.SQLITE_BUSY: ("The database is busy.", "Try again in a moment."),
    sqlite3.SQLITE_LOCKED: ("The database is busy.", "Try again in a moment."),
    sqlite3.SQLITE_CORRUPT: (
        "The database file is damaged.",
        "Restore it from a backup.",
    ),
    sqlite3.SQLITE_NOTADB: (
        "The database file is not a database.",
        "Restore it from a backup, or name another file in DATABASE_URL.",
    ),
    **dict.fromkeys(
        (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM),
        (
            "The database file cannot be opened or written.",
            "Check that its folder exists and that this program may write to it.",
        ),
    ),
    sqlite3.SQLITE_IOERR: (
        "The database file cannot be read or written.",
        "Check the disk: whether it is full, or defective.",
    ),
}
_PG_DISK_FULL = "53100"

_WAL_TIMEOUT_S = 60.0
_WAL_RETRY_S = 0.02


def with_driver(url: str) -> str:
    """The URL with the driver that this program uses, where it names none."""
    scheme, separator, rest = url.partition("://")
    return f"{_DRIVERS.get(scheme, scheme)}{separator}{rest}"


def make_engine(url: str, *, pool_size: int = 5) -> AsyncEngine:
    """An engine for `url`. Connects to nothing yet.

    Args:
        pool_size: connections that are kept to a PostgreSQL server; twice as many at most.

    Raises:
        DatabaseError: the URL has no meaning, or its driver is missing.
    """
    with database_errors():
        try:
            url = with_driver(url)
            is_sqlite = _sqlite_file(url) is not None
            engine = create_async_engine(
                url,
                **({} if is_sqlite else _pool(pool_size)),
                hide_parameters=True,  # personal data stays out of logs and tracebacks
                json_serializer=partial(dumps, ensure_ascii=False, allow_nan=False),
            )
        except (ValueError, InvalidRequestError) as error:  # e.g. the port; the driver is not async
            raise ArgumentError("invalid URL") from error
    if is_sqlite:
        event.listen(engine.sync_engine, "connect", _on_sqlite_connect)
        event.listen(engine.sync_engine, "begin", _on_sqlite_begin)
    return engine


def _pool(size: int) -> dict[str, Any]:
    return {
        "pool_size": size,
        "max_overflow": size,
        "pool_timeout": _POOL_TIMEOUT_S,
        "pool_recycle": _POOL_RECYCLE_S,
        "pool_pre_ping": True,  # a restarted server is not noticed otherwise
        "connect_args": {"connect_timeout": _CONNECT_TIMEOUT_S},
    }


def make_file(url: str) -> None:
    """Create a SQLite file and its folder; only the user who runs this program can read it.

    Raises:
        DatabaseError: that cannot be done, or the file cannot be opened.
    """
    file = _sqlite_file(with_driver(url))
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
            if _sqlite_class(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
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


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn the errors of SQLAlchemy, Alembic, drivers and network into `DatabaseError`."""
    try:
        yield
    except ImportError as error:
        package = _PACKAGES.get(error.name or "psycopg", error.name)
        raise DatabaseError(
            "The driver of the database is not installed.",
            f'Install it: pip install "{package}". Or use {_FORMS["sqlite"]}.',
        ) from error
    except ArgumentError as error:
        raise DatabaseError(
            "DATABASE_URL cannot be used.",
            "Give it the form " + " or ".join(_FORMS.values()) + ".",
        ) from error
    except CommandError as error:
        raise DatabaseError(
            "The database has a schema that this version of the program does not know.",
            "Use the version that has last run on it, or a newer one.",
        ) from error
    except (DBAPIError, PoolTimeoutError, sqlite3.Error, OSError) as error:
        raise DatabaseError(*_meaning(error)) from error


def _meaning(error: Exception) -> tuple[str, str]:
    """Detail and suggestion. Nothing of the statement or its values."""
    if (code := _sqlite_class(error)) in _SQLITE_ERRORS:
        return _SQLITE_ERRORS[code]
    if getattr(_origin(error), "sqlstate", None) == _PG_DISK_FULL:
        return _SQLITE_ERRORS[sqlite3.SQLITE_FULL]
    if isinstance(error, OSError) and not isinstance(error, TimeoutError | ConnectionError):
        return _SQLITE_ERRORS[sqlite3.SQLITE_CANTOPEN]
    return (
        "The database does not answer as it should.",
        "Check that it runs and that DATABASE_URL is right, then try again.",
    )


def _origin(error: Exception) -> BaseException | None:
    """The error of the driver."""
    return error.orig if isinstance(error, DBAPIError) else error


def _sqlite_class(error: Exception) -> int:
    """The primary result code of SQLite; 0 if it is not its error."""
    code = getattr(_origin(error), "sqlite_errorcode", 0)
    return code & 0xFF  # the other bytes say more about it


def _sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for other databases.

    Raises:
        ArgumentError: it names no file. A database in memory is lost with its connection, which
            any cancelled request may cost.
    """
    parsed = make_url(url)
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
