"""What only a server can do to us: go away, and come back."""

import asyncio

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.core.exceptions import DatabaseError
from app.db.engine import with_driver
from app.db.sql import SqlDatabase
from app.main import create_app
from app.models.voice import Voice
from tests.conftest import recording
from tests.contract.test_database import a_voice
from tests.servers.postgres import Postgres, postgres

pytestmark = [pytest.mark.anyio, pytest.mark.services]


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("postgres://u:p@h/n", "postgresql+psycopg://u:p@h/n"),
        ("postgresql://u@h/n?sslmode=require", "postgresql+psycopg://u@h/n?sslmode=require"),
        ("postgresql+psycopg://u@h/n", "postgresql+psycopg://u@h/n"),
        ("postgresql+psycopg2://u@h/n", "postgresql+psycopg://u@h/n"),
        ("sqlite:///a.db", "sqlite+aiosqlite:///a.db"),
    ],
)
def test_the_driver_of_a_url_does_not_matter(written, used):
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


async def test_many_callers_never_take_more_connections_than_are_set(postgres_server, postgres_url):
    name = postgres_url.rpartition("/")[2]
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE two LOGIN CONNECTION LIMIT 2")
        connection.execute(f"ALTER DATABASE {name} OWNER TO two")
    database = SqlDatabase(postgres_url.replace("voice@", "two@"), pool_size=2)
    await database.open()
    voices = database.collection(Voice)

    await asyncio.gather(*(voices.add(a_voice()) for _ in range(60)))

    assert len((await voices.list(limit=100)).items) == 60
    await database.close()


async def test_statements_are_not_prepared_as_poolers_between_forget_them(postgres_url):
    database = SqlDatabase(postgres_url, pool_size=1)
    await database.open()
    for _ in range(20):
        await database.collection(Voice).delete("anything")

    async with database._engine.connect() as connection:
        prepared = await connection.exec_driver_sql("SELECT statement FROM pg_prepared_statements")
        assert prepared.all() == []
    await database.close()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("/test_", "/no_"), "no such database"),
        (("voice@", "somebody:s3cr3t@"), "does not let this user in"),
        (("?", "?sslmode=require"), "TLS"),
        (("127.0.0.1", "no-such-host.invalid"), "host of the database is not known"),
        (("voice@", "full@"), "takes no more connections"),
        (("voice@", "weak@"), "may not do this"),
        (("127.0.0.1:", "127.0.0.1:1"), "does not answer"),
        (("?", "?connect_timeout=no"), "does not answer"),
    ],
)
async def test_a_server_that_refuses_says_why_but_no_secret(postgres_url, weak_users, change, told):
    database = SqlDatabase(f"{postgres_url}?".replace(*change))

    with pytest.raises(DatabaseError) as error:
        await database.open()
    await database.close()

    assert told in error.value.detail
    said = f"{error.value.detail} {error.value.suggestion}"
    assert not [secret for secret in ("s3cr3t", "somebody", "127.0.0.1") if secret in said]


@pytest.fixture(scope="module")
def weak_users(postgres_server: Postgres) -> None:
    """One that may make no tables, one that may not connect."""
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE weak LOGIN")
        connection.execute("CREATE ROLE full LOGIN CONNECTION LIMIT 0")


def test_requests_fail_while_the_server_is_away_and_work_when_it_is_back(settings):
    with postgres() as server:
        url = SecretStr(server.create())
        now = [0.0]
        app = create_app(settings.model_copy(update={"database_url": url}), clock=lambda: now[0])
        with TestClient(app) as client:
            file = ("sample.wav", recording(), "audio/wav")
            voice_id = client.post("/voices", files={"file": file}).json()["voice_id"]

            server.stop()
            refused = [client.get("/voices"), client.delete(f"/voices/{voice_id}")]
            readiness = client.get("/health/ready").status_code
            server.start()
            now[0] += 2  # an answer about readiness holds for a second

            assert (readiness, client.get("/health/ready").status_code) == (503, 200)
            listed = client.get("/voices").json()["items"]
            assert [voice["voice_id"] for voice in listed] == [voice_id]
            for response in refused:
                assert response.status_code == 503
                assert response.json()["code"] == "database-unavailable"
            spoken = client.post(f"/voices/{voice_id}/synthesize", json={"text": "Here again."})
            assert spoken.status_code == 200
