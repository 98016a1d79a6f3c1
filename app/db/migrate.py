"""Brings the schema up to date, one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from app.db.engine import IMMEDIATE, SQLITE_PRAGMAS, set_pragmas

FOLDER: Final = Path(__file__).parent / "migrations"

_PG_LOCK: Final = 0x766F6963  # any number, the same in all processes of this program
# How long to wait for another process, in ms: a migration may copy a whole table.
_SQLITE_PRAGMAS: Final = ("busy_timeout=60000", "foreign_keys=OFF")


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing: all of them or, on an error, none."""
    with exclusively(connection):
        # Most starts find nothing to do, and Alembic takes its time to find that out.
        if MigrationContext.configure(connection).get_current_revision() != _newest():
            command.upgrade(alembic_config(connection), "head")


def revisions(connection: Connection) -> tuple[str | None, str]:
    """The revision of the schema, None if it has none, and the newest there is.

    Raises:
        CommandError: the revision of the schema is not one of ours.
    """
    with connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(alembic_config(connection))
    if current is not None:
        scripts.get_revision(current)
    return current, _newest()


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings, to work on this connection in the transaction that is open on it."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@cache
def _newest() -> str:
    """The revision that the last of our migrations makes."""
    return str(ScriptDirectory(str(FOLDER)).get_current_head())


@contextmanager
def exclusively(connection: Connection) -> Iterator[None]:
    """A transaction that no migration by another process overlaps; that one waits."""
    if connection.dialect.name != "sqlite":
        with connection.begin():
            connection.execute(select(func.pg_advisory_xact_lock(_PG_LOCK)))
            yield
        return
    # Before the transaction: inside it the second has no effect. Foreign keys are off because
    # Alembic changes a table by copying it and dropping the old one.
    set_pragmas(connection.connection, *_SQLITE_PRAGMAS)
    try:
        with connection.execution_options(**{IMMEDIATE: True}).begin():
            yield
    finally:
        set_pragmas(connection.connection, *SQLITE_PRAGMAS)
