"""The schema: its migrations, and who may run them."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import main
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from app.core.exceptions import DatabaseError
from app.db.engine import make_engine
from app.db.migrate import alembic_config, exclusively, revisions, upgrade
from app.db.sql import SqlDatabase
from app.db.tables import metadata
from app.models.audit import Action, AuditEvent
from app.models.voice import Voice
from tests.servers.postgres import BOTH

pytestmark = pytest.mark.anyio

NEWEST = "0013"
ROOT = Path(__file__).parents[2]

OPEN = """
import asyncio, sys
from app.db.sql import SqlDatabase

async def main():
    database = SqlDatabase(sys.argv[1])
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    sys.stdin.readline()
    await database.open()
    await database.ping()
    await database.close()

asyncio.run(main())
"""

# A voice as it was stored by the first version of the schema.
FIRST_VERSION = """
INSERT INTO voices VALUES ('550e8400-e29b-41d4-a716-446655440000', 'local', 1,
    '2026-01-15 10:30:00.000000', '2026-01-15 10:30:00.000000', 'Anna', NULL, 'a.wav', 12.4, 22050,
    'kokoro', 'kokoro/blend.v1', 0.3, '{"duration_s": 12.4, "sample_rate": 22050, "channels": 1,
    "codec": "pcm_s16le", "speech_s": 10.1, "snr_db": 38.5, "clipped": 0.0, "loudness_lufs": -21.3,
    "peak_dbfs": -3.1, "bandwidth_hz": 10500.0, "speakers": 1, "warnings": []}')
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "voices.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture(params=BOTH)
def either(request: pytest.FixtureRequest) -> str:
    """The URL of a new database of each kind."""
    name = {"sqlite": "url", "postgresql": "postgres_url"}[request.param]
    return request.getfixturevalue(name)


async def run(url: str, *actions) -> list:
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            return [await connection.run_sync(action) for action in actions]
    finally:
        await engine.dispose()


def downgrade(connection: Connection) -> None:
    with exclusively(connection):
        command.downgrade(alembic_config(connection), "base")


def table_names(connection: Connection) -> set[str]:
    with connection.begin():
        return set(inspect(connection).get_table_names())


def difference(connection: Connection) -> list:
    with connection.begin():
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


async def test_the_migrations_go_up_down_and_up_again(either):
    up, down, again = (
        result
        for result in await run(
            either, upgrade, table_names, downgrade, table_names, upgrade, table_names
        )
        if result is not None
    )

    assert up == again == {*metadata.tables, "alembic_version"}
    assert down == {"alembic_version"}


async def test_the_migrations_make_the_tables_that_the_program_expects(either):
    _, found = await run(either, upgrade, difference)

    assert found == []


async def test_voices_of_the_first_version_keep_their_files(url, file):
    def to_the_first(connection: Connection) -> None:
        with exclusively(connection):
            command.upgrade(alembic_config(connection), "0001")

    await run(url, to_the_first)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(FIRST_VERSION)
    database = SqlDatabase(url)
    await database.open()
    voice = await database.collection(Voice).get("550e8400-e29b-41d4-a716-446655440000")
    await database.close()

    assert voice.state_blob == "550e8400-e29b-41d4-a716-446655440000/state"
    assert (voice.adapted_at, voice.adapted_minutes) == (None, None)


@pytest.mark.services
async def test_processes_may_open_a_new_database_at_once(either):
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", OPEN, either],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()

    outputs = [process.communicate(timeout=60) for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert await run(either, revisions) == [(NEWEST, NEWEST)]


async def test_opening_waits_for_a_process_that_holds_the_new_database(url, file):
    database = SqlDatabase(url)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        opening = asyncio.create_task(database.open())
        await asyncio.sleep(0.2)
        assert not opening.done()
        other.execute("ROLLBACK")
        await opening

    await database.ping()
    await database.close()


async def test_only_the_user_of_the_program_can_read_a_new_database(url, file):
    database = SqlDatabase(url)
    await database.open()

    assert {path.stat().st_mode & 0o077 for path in file.parent.glob("voices.db*")} == {0}
    await database.close()


async def test_a_failed_migration_leaves_nothing_behind(either):
    def fail(connection: Connection) -> None:
        with exclusively(connection):
            command.upgrade(alembic_config(connection), "head")
            raise RuntimeError("the power is cut")

    with pytest.raises(RuntimeError):
        await run(either, fail)

    assert await run(either, table_names) == [set()]


async def test_a_file_database_is_in_wal_mode_with_foreign_keys_and_a_timeout(url):
    database = SqlDatabase(url)
    await database.open()
    async with database._engine.connect() as connection:
        found = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    await database.close()

    assert found == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "synchronous": 2,
    }


@pytest.mark.parametrize("migrate", [True, False])
async def test_a_schema_of_a_newer_version_is_refused(either, migrate):
    def move_on(connection: Connection) -> None:
        with connection.begin():
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    await run(either, upgrade, move_on)
    database = SqlDatabase(either)

    with pytest.raises(DatabaseError, match="schema") as raised:
        await database.open(migrate=migrate)
    await database.close()

    assert "version" in raised.value.suggestion


def test_alembic_upgrade_head_works_on_the_database_of_the_settings(either, monkeypatch, url, file):
    monkeypatch.setenv("DATABASE_URL", either)
    upgrade_head = [sys.executable, "-m", "alembic", "upgrade", "head"]
    subprocess.run(upgrade_head, cwd=ROOT, check=True, capture_output=True)

    assert asyncio.run(run(either, revisions)) == [(NEWEST, NEWEST)]
    assert file.exists() == (either == url)


def test_alembic_prints_the_statements_of_either_database(either, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", either)

    main(["-c", str(ROOT / "alembic.ini"), "upgrade", "head", "--sql"])

    statements = capsys.readouterr().out
    assert "CREATE TABLE voices" in statements
    assert "CREATE TRIGGER audit_events" in statements


async def test_a_server_that_may_not_migrate_refuses_an_old_schema_and_takes_a_new_one(either):
    database = SqlDatabase(either)

    with pytest.raises(DatabaseError, match="missing") as refused:
        await database.open(migrate=False)
    assert "alembic upgrade head" in refused.value.suggestion
    assert await run(either, table_names) == [set()]

    await database.open()
    await database.open(migrate=False)
    await database.ping()
    await database.close()


async def test_audit_events_cannot_be_changed_or_deleted(either):
    database = SqlDatabase(either)
    await database.open()
    events = database.collection(AuditEvent)
    event = await events.add(
        AuditEvent(
            owner="ann",
            actor="ann",
            action=Action.VOICE_CREATED,
            subject_id="v",
            outcome="ok",
            request_id="r",
        )
    )

    with pytest.raises(DatabaseError):
        await events.update(event.model_copy(update={"actor": "ben"}))
    with pytest.raises(DatabaseError):
        await events.delete(event.id)

    assert await events.get(event.id) == event
    await database.close()
