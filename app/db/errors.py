"""What the errors of SQLite, PostgreSQL and their drivers mean."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core.exceptions import DatabaseError, InvalidRequest

_FORMS: Final = ("sqlite:///PATH", "postgresql://USER:PASSWORD@HOST/NAME")
_PACKAGES: Final = {"psycopg": "voice-cloning-api[postgres]"}

_DISK_FULL: Final = (
    "The disk of the database is full.",
    "Free some disk space, then try again.",
)
_NO_FILE: Final = (
    "The database file cannot be opened or written.",
    "Check that its folder exists and that this program may write to it.",
)
_NO_ANSWER: Final = (
    "The database does not answer as it should.",
    "Check that it runs and that DATABASE_URL is right, then try again.",
)
_ALL_TAKEN: Final = (
    "Every connection to the database is in use.",
    "Try again in a moment. If it stays so, raise DATABASE_POOL_SIZE.",
)

_SQLITE_ERRORS: Final[dict[int, tuple[str, str]]] = {
    sqlite3.SQLITE_FULL: _DISK_FULL,
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
        (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM), _NO_FILE
    ),
    sqlite3.SQLITE_IOERR: (
        "The database file cannot be read or written.",
        "Check the disk: whether it is full, or defective.",
    ),
}

_PG_ERRORS: Final[dict[str, tuple[str, str]]] = {
    "53100": _DISK_FULL,
    "42501": (
        "The user of the database may not do this.",
        "Grant it the right, or let another user bring the schema up to date: "
        "`voice-cloning database upgrade` there, DATABASE_MIGRATE=false here.",
    ),
    "42P01": (
        "A table is missing in the database.",
        "Run `alembic upgrade head` or `voice-cloning database upgrade`.",
    ),
}
"""By SQLSTATE."""

_UNIQUE_VIOLATION: Final = "23505"

_PG_REFUSALS: Final[tuple[tuple[str, tuple[str, str]], ...]] = (
    (
        'password|no pg_hba.conf entry|role "[^"]*" ',
        (
            "The database server does not let this user in.",
            "Check user and password in DATABASE_URL, percent-encoded, and the server's rules.",
        ),
    ),
    (
        "too many connections|too many clients|connection slots",
        (
            "The database server takes no more connections.",
            "Raise its `max_connections`, or lower DATABASE_POOL_SIZE or the number of processes.",
        ),
    ),
    (
        "does not support SSL|SSL error|certificate",
        (
            "The database server and DATABASE_URL do not agree on TLS.",
            "Check `sslmode` in DATABASE_URL.",
        ),
    ),
    (
        "Connection refused|[Tt]imeout expired|timed out|unreachable|No route to host",
        (
            "The database server cannot be reached.",
            "Check that it runs, and host and port in DATABASE_URL.",
        ),
    ),
    (
        "resolve host|translate host",
        ("The host of the database is not known.", "Check the host in DATABASE_URL."),
    ),
    (
        'database "[^"]*" does not exist',
        (
            "There is no such database on the server.",
            "Create it, or name another one in DATABASE_URL.",
        ),
    ),
)
"""By pattern: an attempt to connect that fails has no SQLSTATE. What a server says in another
language is not found, and the general message stands."""


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn the errors of SQLAlchemy, Alembic, drivers and network into ours.

    Raises:
        DatabaseError: of the database.
        InvalidRequest: a value that no column can hold, such as a null character.
    """
    try:
        yield
    except ImportError as error:
        package = _PACKAGES.get(error.name or "psycopg", error.name)
        raise DatabaseError(
            "The driver of the database is not installed.",
            f'Install it: pip install "{package}". Or use {_FORMS[0]}.',
        ) from error
    except ArgumentError as error:
        raise DatabaseError(
            "DATABASE_URL cannot be used.",
            "Give it the form " + " or ".join(_FORMS) + ".",
        ) from error
    except CommandError as error:
        raise DatabaseError(
            "The database has a schema that this version of the program does not know.",
            "Use the version that has last run on it, or a newer one.",
        ) from error
    except (DataError, UnicodeEncodeError, OverflowError) as error:
        raise _unfit() from error
    except (DBAPIError, PoolTimeoutError, sqlite3.Error, OSError) as error:
        raise DatabaseError(*_meaning(error)) from error
    except StatementError as error:  # a value that was not sent to the driver
        if not isinstance(error.orig, OverflowError):
            raise
        raise _unfit() from error


def _unfit() -> InvalidRequest:
    return InvalidRequest("A value cannot be stored: too long, too large, or no text.")


def sqlite_class(error: Exception) -> int:
    """The primary result code of SQLite; 0 if it is not its error."""
    code = getattr(_origin(error), "sqlite_errorcode", 0)
    return code & 0xFF  # the other bytes say more about it


def is_duplicate(error: Exception) -> bool:
    """Whether a value is there already that only one record may have; not the word of a trigger."""
    origin = _origin(error)
    if (state := getattr(origin, "sqlstate", None)) is not None:
        return bool(state == _UNIQUE_VIOLATION)
    return getattr(origin, "sqlite_errorcode", 0) == sqlite3.SQLITE_CONSTRAINT_UNIQUE


def _meaning(error: Exception) -> tuple[str, str]:
    """Detail and suggestion. Nothing of the statement, its values, or the URL."""
    if (code := sqlite_class(error)) in _SQLITE_ERRORS:
        return _SQLITE_ERRORS[code]
    if isinstance(error, PoolTimeoutError):
        return _ALL_TAKEN
    if isinstance(error, OSError):
        return _NO_ANSWER if isinstance(error, TimeoutError | ConnectionError) else _NO_FILE
    origin = _origin(error)
    state = getattr(origin, "sqlstate", None)
    return _PG_ERRORS.get(state, _NO_ANSWER) if state else _refusal(str(origin))


def _refusal(message: str) -> tuple[str, str]:
    found = (meaning for pattern, meaning in _PG_REFUSALS if re.search(pattern, message))
    return next(found, _NO_ANSWER)


def _origin(error: Exception) -> BaseException | None:
    """The error of the driver."""
    return error.orig if isinstance(error, DBAPIError) else error
