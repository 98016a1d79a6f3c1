"""A database that cannot be used says why, and gives nothing away."""

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from app.core.exceptions import DatabaseError
from app.db.sql import SqlDatabase
from app.models.voice import Voice

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "url",
    [
        "",
        "voices.db",
        "mysql://secret@host/name",
        "sqlite://",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
        "mysql+aiomysql://user:secret@host/name",
        "nothing://secret@host/name",
        "postgresql+psycopg://user:secret@host:port/name",
    ],
)
async def test_an_unusable_url_is_refused_with_the_form_it_should_have(url):
    with pytest.raises(DatabaseError) as raised:
        SqlDatabase(url)

    assert "sqlite:///" in raised.value.suggestion
    assert "secret" not in f"{raised.value.detail} {raised.value.suggestion}"


async def test_postgresql_without_its_driver_says_which_extra_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(DatabaseError) as raised:
        SqlDatabase("postgresql://user:secret@host/name")

    assert 'pip install "voice-cloning-api[postgres]"' in raised.value.suggestion


async def open_error(file: Path) -> DatabaseError:
    database = SqlDatabase(f"sqlite+aiosqlite:///{file}")
    with pytest.raises(DatabaseError) as raised:
        await database.open()
    await database.close()
    assert raised.value.__cause__ is not None
    assert str(file) not in f"{raised.value.detail} {raised.value.suggestion}"
    return raised.value


async def test_a_folder_in_place_of_the_file_cannot_be_opened(tmp_path):
    error = await open_error(tmp_path)

    assert "cannot be opened" in error.detail


async def test_a_file_in_place_of_the_folder_cannot_be_opened(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    error = await open_error(tmp_path / "file" / "voices.db")

    assert "cannot be opened" in error.detail


async def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path):
    file = tmp_path / "voices.db"
    file.write_bytes(b"this is a text, not a database. " * 100)

    error = await open_error(file)

    assert "not a database" in error.detail
    assert file.read_bytes().startswith(b"this is a text")


async def test_a_database_without_a_schema_fails_the_ping(tmp_path):
    database = SqlDatabase(f"sqlite+aiosqlite:///{tmp_path / 'voices.db'}")

    with pytest.raises(DatabaseError) as raised:
        await database.ping()
    await database.close()

    assert "SELECT" not in f"{raised.value.detail} {raised.value.suggestion}"


async def test_a_database_that_somebody_else_locks_is_busy(tmp_path):
    file = tmp_path / "voices.db"
    database = SqlDatabase(f"sqlite+aiosqlite:///{file}")
    await database.open()
    voices = database.collection(Voice)
    async with database._engine.connect() as connection:
        await connection.run_sync(_shorten_timeout)
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="busy"):
            await voices.delete("anything")
        assert await voices.get("anything") is None  # readers do not wait for writers
        other.rollback()

    assert await voices.delete("anything") is False
    await database.close()


def _shorten_timeout(connection: Connection) -> None:
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA busy_timeout=50")
    cursor.close()


async def test_a_stored_record_that_is_no_longer_valid_is_a_database_error(tmp_path):
    file = tmp_path / "voices.db"
    database = SqlDatabase(f"sqlite+aiosqlite:///{file}")
    await database.open()
    with closing(sqlite3.connect(file)) as other, other:
        columns = "id, owner, version, created_at, updated_at, name, filename, duration_s"
        moment = "2026-01-15 12:00:00.000000"
        other.execute(
            f"INSERT INTO voices ({columns}, sample_rate, engine, state_format, report)"  # noqa: S608
            " VALUES ('1', 'ann', 1, ?, ?, 'n', 'f', 1, 1, 'e', 'f', '{}')",
            (moment, moment),
        )

    with pytest.raises(DatabaseError, match="form"):
        await database.collection(Voice).get("1")
    await database.close()


async def test_two_databases_on_one_file_wait_for_each_other(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'voices.db'}"
    databases = [SqlDatabase(url), SqlDatabase(url)]
    for database in databases:
        await database.open()

    results = await asyncio.gather(
        *(databases[n % 2].collection(Voice).delete(str(n)) for n in range(100))
    )

    assert results == [False] * 100
    for database in databases:
        await database.close()
