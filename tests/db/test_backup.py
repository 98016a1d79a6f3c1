"""The ways to back up and restore that docs/database.md names."""

import sqlite3
import subprocess
from contextlib import closing

import pytest

from app.core.exceptions import DatabaseError
from app.db.sql import SqlDatabase
from app.models.audit import Action, AuditEvent
from app.models.voice import Voice
from tests.contract.test_database import a_voice

pytestmark = pytest.mark.anyio

EVENT = AuditEvent(
    owner="ann",
    actor="ann",
    action=Action.VOICE_CREATED,
    subject_id="v",
    outcome="ok",
    request_id="r",
)


async def is_whole(url: str, voice: Voice) -> None:
    """The records are there, and the audit trail still refuses to be changed."""
    restored = SqlDatabase(url)
    await restored.open(migrate=False)
    assert await restored.collection(Voice).get(voice.id) == voice
    events = restored.collection(AuditEvent)
    with pytest.raises(DatabaseError):
        await events.delete(EVENT.id)
    assert await events.get(EVENT.id) == EVENT
    await restored.close()


async def test_a_sqlite_file_is_backed_up_while_the_server_writes(tmp_path):
    database = SqlDatabase(f"sqlite:///{tmp_path / 'voices.db'}")
    await database.open()
    voice = await database.collection(Voice).add(a_voice())
    await database.collection(AuditEvent).add(EVENT)

    with closing(sqlite3.connect(tmp_path / "voices.db")) as connection:
        connection.execute(f"VACUUM INTO '{tmp_path / 'backup.db'}'")
    await database.collection(Voice).delete(voice.id)
    await database.close()

    await is_whole(f"sqlite:///{tmp_path / 'backup.db'}", voice)


@pytest.mark.services
async def test_postgresql_is_dumped_and_restored(postgres_server, postgres_url, tmp_path):
    database = SqlDatabase(postgres_url)
    await database.open()
    voice = await database.collection(Voice).add(a_voice())
    await database.collection(AuditEvent).add(EVENT)
    dump = tmp_path / "voices.dump"

    def ran(program: str, *arguments: str) -> None:
        tool = postgres_server.binaries / program
        subprocess.run([tool, *arguments], check=True, capture_output=True)

    ran("pg_dump", "--format=custom", f"--file={dump}", postgres_url)
    await database.collection(Voice).delete(voice.id)
    await database.close()
    restore = ["--clean", "--if-exists", "--no-owner", str(dump)]
    ran("pg_restore", f"--dbname={postgres_url}", *restore)
    await is_whole(postgres_url, voice)

    elsewhere = postgres_server.create()
    ran("pg_restore", f"--dbname={elsewhere}", *restore)
    await is_whole(elsewhere, voice)
