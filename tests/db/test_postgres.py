"""What only a server can do to us: go away, and come back."""

import asyncio

import psycopg
import pytest

from app.core.exceptions import DatabaseError
from app.db.engine import with_driver
from app.db.sql import SqlDatabase
from app.models.voice import Voice
from tests.contract.test_database import a_voice
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("postgres://u:p@h/n", "postgresql+psycopg://u:p@h/n"),
        ("postgresql://u@h/n?sslmode=require", "postgresql+psycopg://u@h/n?sslmode=require"),
        ("postgresql+psycopg://u@h/n", "postgresql+psycopg://u@h/n"),
        ("sqlite:///a.db", "sqlite+aiosqlite:///a.db"),
    ],
)
def test_a_url_needs_no_driver(written, used):
    assert with_driver(written) == used


def _break_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_broken_connections_are_replaced_without_an_error(postgres_url):
    database = SqlDatabase(postgres_url)
    await database.open()
    voices = database.collection(Voice)
    kept = await voices.add(a_voice())
    await asyncio.gather(*(voices.get(kept.id) for _ in range(5)))

    await asyncio.to_thread(_break_connections, postgres_url)

    assert [await voices.get(kept.id) for _ in range(5)] == [kept] * 5
    await database.close()


async def test_a_statement_that_is_broken_off_is_a_database_error(postgres_url):
    database = SqlDatabase(postgres_url)
    await database.open()
    voices = database.collection(Voice)
    voice = await voices.add(a_voice())
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT * FROM voices FOR UPDATE")
        waiting = asyncio.create_task(voices.update(voice))
        while not _waiting_locks(other):
            await asyncio.sleep(0.01)
        await asyncio.to_thread(_break_others, postgres_url, other.info.backend_pid)
        with pytest.raises(DatabaseError) as error:
            await waiting

    assert "postgresql" not in f"{error.value.detail} {error.value.suggestion}"
    assert await voices.get(voice.id) == voice
    await database.close()


def _waiting_locks(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return row[0] if row else 0


def _break_others(url: str, spared: int) -> None:
    with psycopg.connect(url, autocommit=True) as third:
        third.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> %s"
            " AND datname = current_database() AND pid <> pg_backend_pid()",
            (spared,),
        )


async def test_many_callers_share_few_connections(postgres_server: Postgres, postgres_url):
    database = SqlDatabase(postgres_url, pool_size=2)
    await database.open()
    voices = database.collection(Voice)

    await asyncio.gather(*(voices.add(a_voice()) for _ in range(60)))

    def connections() -> int:
        with psycopg.connect(postgres_server.url()) as other:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
            row = other.execute(query, (postgres_url.rpartition("/")[2],)).fetchone()
            return row[0] if row else 0

    assert await asyncio.to_thread(connections) <= 4
    assert len((await voices.list(limit=100)).items) == 60
    await database.close()


async def test_a_server_that_is_not_there_is_a_database_error_and_no_secret_is_told():
    database = SqlDatabase("postgresql://voice:s3cr3t@127.0.0.1:1/voices")

    with pytest.raises(DatabaseError) as error:
        await database.open()

    assert "s3cr3t" not in f"{error.value.detail} {error.value.suggestion}"
    await database.close()
