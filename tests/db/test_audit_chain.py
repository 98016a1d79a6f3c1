"""The audit trail as a chain: whoever changes it by hand is found out."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from app.core.config import Settings
from app.core.exceptions import InvalidRequest
from app.core.logging import actor
from app.db.engine import make_engine
from app.db.migrate import alembic_config, exclusively
from app.db.sql import SqlDatabase
from app.models.audit import Action
from app.models.audit_chain import FIRST, Line, Link, digest_of, erased
from tests.db.trails import VOICE, by_hand, events, fill, service, told, verified
from tests.servers.postgres import BOTH

pytestmark = pytest.mark.anyio

ROW = (
    "INSERT INTO audit_events SELECT 'made-up', owner, version, created_at, updated_at, actor,"
    " action, subject_id, outcome, request_id, source, {number}, actor_seal, owner_seal,"
    " subject_seal, source_seal, {previous}, digest FROM audit_events WHERE number = 3"
)
SWAP = [
    "UPDATE audit_events SET number = 9 WHERE number = 3",
    "UPDATE audit_events SET number = 3 WHERE number = 4",
    "UPDATE audit_events SET number = 4 WHERE number = 9",
]
CHANGES = (
    "action = 'voice.deleted'",
    "action = 'voice.sung'",
    "outcome = 'engine-failed'",
    "request_id = 'another'",
    "id = 'another'",
    "actor = 'key:ben'",
    "owner = 'ben'",
    "subject_id = 'another'",
    "source = '198.51.100.1'",
    "created_at = '2026-01-01 00:00:00.000000'",
    "created_at = 'soon'",
    "actor_seal = owner_seal",
    "actor = 'key:ben', actor_seal = ''",
    "actor = 'erased', actor_seal = actor_seal || actor_seal",
    "previous = 'x'",
)


def of(number: int, change: str) -> str:
    return f"UPDATE audit_events SET {change} WHERE number = {number}"  # noqa: S608


BY_HAND: dict[str, tuple[list[str], list[str]]] = {
    "digest": ([of(3, "digest = previous")], ["changed 3", "replaced 4"]),
    "one deleted": (["DELETE FROM audit_events WHERE number = 3"], ["missing 3"]),
    "two deleted": (["DELETE FROM audit_events WHERE number IN (3, 4)"], ["missing 3"]),
    "start deleted": (["DELETE FROM audit_events WHERE number < 3"], ["missing 1"]),
    "start deleted, as if it had been kept long enough": (
        [
            "UPDATE audit_checkpoint SET number = 2,"
            " digest = (SELECT digest FROM audit_events WHERE number = 2)",
            "DELETE FROM audit_events WHERE number < 3",
        ],
        ["removed 2"],
    ),
    "swapped": (SWAP, ["replaced 3", "changed 3", "replaced 4", "changed 4", "replaced 5"]),
    "inserted behind the end": (
        [ROW.format(number=7, previous="previous")],
        ["replaced 7", "changed 7"],
    ),
    "inserted twice": ([ROW.format(number=3, previous="previous")], ["reordered 3", "changed 3"]),
    "inserted before the start": (
        [ROW.format(number=-1, previous="previous")],
        ["reordered -1", "changed -1"],
    ),
    "number that is none": (
        ["UPDATE audit_events SET number = 'x' WHERE number = 3"],
        ["missing 3", "reordered 0", "changed 0"],
    ),
}


@pytest.fixture
def file(settings: Settings) -> Path:
    return settings.data_dir / "voices.db"


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[SqlDatabase]:
    opened = SqlDatabase(settings.database)
    yield opened
    await opened.close()


@pytest.fixture(params=BOTH)
async def either(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[SqlDatabase]:
    sqlite = request.param == "sqlite"
    url = settings.database if sqlite else request.getfixturevalue("postgres_url")
    opened = SqlDatabase(url)
    await opened.open()
    yield opened
    await opened.close()


async def test_whatever_was_changed_by_hand_is_found_and_named(
    database: SqlDatabase, file: Path
) -> None:
    await fill(database, len(CHANGES))
    assert told(await verified(database)) == []

    by_hand(file, *(of(number, change) for number, change in enumerate(CHANGES, start=1)))

    found = told(await verified(database))
    assert found == [*(f"changed {n}" for n in range(1, 15)), "replaced 15", "changed 15"]


@pytest.mark.parametrize("edit", BY_HAND)
async def test_what_was_done_by_hand_is_found_and_named(
    database: SqlDatabase, file: Path, edit: str
) -> None:
    statements, faults = BY_HAND[edit]
    await fill(database)

    by_hand(file, *statements)

    verdict = await verified(database)
    assert not verdict.valid
    assert sorted(told(verdict)) == sorted(faults)


@pytest.mark.services
async def test_what_the_owner_of_a_postgresql_did_by_hand_is_found(postgres_url: str) -> None:
    database = SqlDatabase(postgres_url)
    await database.open()
    await fill(database, 7)
    async with database._engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        await connection.execute(text(of(2, "created_at = created_at + interval '1 hour'")))
        await connection.execute(text(of(3, "created_at = '4000-01-01 00:00:00 BC'")))
        await connection.execute(text(of(4, "actor = 'key:ben'")))
        await connection.execute(text("DELETE FROM audit_events WHERE number = 6"))

    found = told(await verified(database))
    await database.close()

    assert found == ["changed 2", "changed 3", "changed 4", "missing 6"]


async def test_who_makes_a_new_digest_for_what_they_changed_breaks_the_chain_behind_it(
    database: SqlDatabase, file: Path
) -> None:
    third = Line.of((await fill(database))[2])
    forged = digest_of(replace(third, outcome="engine-failed"))

    by_hand(file, of(3, f"outcome = 'engine-failed', digest = '{forged}'"))

    assert told(await verified(database)) == ["replaced 4"]


async def test_a_cut_end_is_seen_by_who_has_noted_it(database: SqlDatabase, file: Path) -> None:
    last = (await fill(database))[-1]
    noted = Link(last.number, last.digest)
    assert (await verified(database, noted)).valid

    by_hand(file, "DELETE FROM audit_events WHERE number > 4")

    assert (await verified(database)).valid
    assert told(await verified(database, noted)) == ["cut 6"]


async def test_a_trail_that_was_written_anew_is_seen_by_who_has_noted_a_digest(
    database: SqlDatabase, file: Path
) -> None:
    fourth = (await fill(database))[3]
    by_hand(file, "DELETE FROM audit_events")

    await fill(database)

    assert (await verified(database)).valid
    assert told(await verified(database, Link(4, fourth.digest))) == ["replaced 4"]


async def test_a_cut_end_is_not_mended_by_the_process_that_wrote_it(
    database: SqlDatabase, file: Path
) -> None:
    audit = service(database)
    await fill(database, 2)
    await audit.erase("nobody there")  # event 3, by a trail that goes on with 4
    by_hand(file, "DELETE FROM audit_events WHERE number = 3")

    await audit.erase("nobody there")

    assert told(await audit.verify()) == ["missing 3"]


async def test_faults_without_end_are_counted(database: SqlDatabase, file: Path) -> None:
    await fill(database, 3)
    many = "WITH RECURSIVE n(x) AS (SELECT 4 UNION ALL SELECT x + 1 FROM n WHERE x < 1200) "
    columns = ROW.replace("'made-up'", "'made-up' || x").replace(
        "FROM audit_events", "FROM n, audit_events"
    )
    by_hand(file, many + columns.format(number="x", previous="previous"))

    verdict = await verified(database)

    assert (verdict.events, len(verdict.faults), verdict.fault_count) == (1200, 1000, 2 * 1197)


async def test_erased_names_are_gone_and_the_chain_holds(
    either: SqlDatabase,
) -> None:
    await fill(either, 3)
    await fill(either, 2, who="key:ben")
    before = await events(either)

    count = await service(either).erase("key:ann")

    left = await events(either)
    assert count == 3
    assert [event.actor for event in left] == [*["erased"] * 3, *["key:ben"] * 2, "key:ben"]
    assert [event.source for event in left[:3]] == ["erased"] * 3
    assert {event.owner for event in left[:5]} == {"team"}
    assert [event.digest for event in left[:5]] == [event.digest for event in before]
    assert "key:ann" not in "".join(Line.of(event).text() for event in left)
    telling = left[-1]
    assert (telling.action, telling.subject_id) == (Action.AUDIT_ERASED, "-")
    assert told(await verified(either)) == []


async def test_no_other_name_can_be_put_where_one_was_erased_or_under_its_mark(
    database: SqlDatabase, file: Path
) -> None:
    second = (await fill(database, 3))[1]
    marks = erased(Line.of(second), ["actor"]).actor_seal
    await service(database).erase(VOICE)

    by_hand(
        file,
        of(1, "subject_id = 'another'"),
        of(2, f"actor = 'key:ben', actor_seal = '{marks}'"),
        of(3, "subject_seal = actor_seal || actor_seal"),
    )

    assert told(await verified(database)) == ["changed 1", "changed 2", "changed 3"]


@pytest.mark.parametrize(
    ("subject", "field"), [("team", "owner"), (VOICE, "subject_id"), ("203.0.113.7", "source")]
)
async def test_owners_voices_and_addresses_are_erased_as_well(
    database: SqlDatabase, subject: str, field: str
) -> None:
    await fill(database, 2)

    assert await service(database).erase(f" {subject} ") == (3 if field == "source" else 2)

    first = (await events(database))[0]
    assert getattr(first, field) == "erased"
    assert first.actor == "key:ann"
    assert told(await verified(database)) == []


async def test_one_after_the_other_everything_is_erased(database: SqlDatabase) -> None:
    await fill(database, 1)
    audit = service(database)
    for subject in ("key:ann", "team", VOICE, "key:ann"):
        await audit.erase(subject)

    first = (await events(database))[0]
    assert {first.actor, first.owner, first.subject_id, first.source} == {"erased"}
    assert told(await verified(database)) == []


@pytest.mark.parametrize("subject", ["", "  ", "local", "-", "erased", "a\0b"])
async def test_what_is_nobodys_name_is_not_erased(database: SqlDatabase, subject: str) -> None:
    with pytest.raises(InvalidRequest):
        await service(database).erase(subject)

    assert await events(database) == []


async def test_more_than_a_page_is_verified_exported_and_erased(database: SqlDatabase) -> None:
    line = Line.of((await fill(database, 1))[0])
    many = [{"number": n, "id": str(n)} for n in range(2, 1206)]
    statement = text(
        "INSERT INTO audit_events SELECT :id, owner, version, created_at, updated_at, actor,"
        " action, subject_id, outcome, request_id, source, :number, actor_seal, owner_seal,"
        " subject_seal, source_seal, previous, digest FROM audit_events WHERE number = 1"
    )
    async with database._engine.begin() as connection:
        await connection.execute(statement, many)
    audit = service(database)
    actor.set("local")

    assert (await audit.verify()).events == 1205
    assert sum([len(page) async for page in audit.export()]) == 1205
    assert await audit.erase(line.actor) == 1205


async def test_what_was_kept_long_enough_goes_from_the_start_and_the_rest_verifies(
    either: SqlDatabase,
) -> None:
    last = (await fill(either, 3))[-1]
    later = last.created_at + timedelta(days=32)
    assert await service(either, keep_days=40, clock=lambda: later).expire() == 0

    removed = await service(either, keep_days=30, clock=lambda: later).expire()

    assert removed == 3
    (telling,) = await events(either)
    assert (telling.number, telling.action, telling.subject_id) == (4, "audit.expired", "3")
    verdict = await verified(either, Link(3, last.digest))
    assert (told(verdict), verdict.removed_up_to, verdict.events) == ([], 3, 1)
    assert told(await verified(either, Link(3, "1" * 64))) == ["replaced 3"]
    assert told(await verified(either, Link(2, "1" * 64))) == ["missing 2"]
    await fill(either, 1)
    assert (await verified(either)).last == 5


async def test_events_are_kept_by_whole_days_and_for_ever_by_default(
    database: SqlDatabase,
) -> None:
    born = (await fill(database, 2))[0].created_at
    evening = born.replace(hour=23, minute=59) + timedelta(days=1)
    assert await service(database, keep_days=1, clock=lambda: evening).expire() == 0
    years = born + timedelta(days=9999)
    assert await service(database, clock=lambda: years).expire() == 0

    midnight = evening + timedelta(minutes=1)
    assert await service(database, keep_days=1, clock=lambda: midnight).expire() == 2


REFUSED = {
    "change": "UPDATE audit_events SET outcome = 'x' WHERE number = 2",
    "another name": "UPDATE audit_events SET actor = 'key:ben' WHERE number = 2",
    "a name without its seal": "UPDATE audit_events SET actor = 'erased' WHERE number = 2",
    "a seal alone": "UPDATE audit_events SET actor_seal = owner_seal WHERE number = 2",
    "erased, and more": "UPDATE audit_events SET actor = 'erased', outcome = 'x',"
    " actor_seal = digest WHERE number = 2",
    "deletion in the middle": "DELETE FROM audit_events WHERE number = 2",
    "deletion of the oldest": "DELETE FROM audit_events WHERE number = 1",
    "checkpoint of no event": "UPDATE audit_checkpoint SET number = 2, digest = 'x'",
    "checkpoint gone": "DELETE FROM audit_checkpoint",
    "another checkpoint": "INSERT INTO audit_checkpoint VALUES (2, 3, 'x')",
}


async def test_the_database_refuses_all_but_erasing_and_removing_the_oldest(
    either: SqlDatabase,
) -> None:
    before = await fill(either, 3)
    for statement in REFUSED.values():
        with pytest.raises(SQLAlchemyError, match="audit"):
            async with either._engine.begin() as connection:
                await connection.execute(text(statement))

    assert await events(either) == before
    assert told(await verified(either)) == []


OLD = (
    "INSERT INTO audit_events (id, owner, version, created_at, updated_at, actor, action,"
    " subject_id, outcome, request_id) VALUES (:id, 'team', 1, :at, :at, 'ann', 'voice.used',"
    " 'v', 'ok', '-')"
)


async def test_the_events_of_an_older_database_are_chained(
    either: SqlDatabase,
) -> None:
    def to(revision: str) -> Any:
        def migrate(connection: Connection) -> None:
            with exclusively(connection):
                change = command.upgrade if revision == "head" else command.downgrade
                change(alembic_config(connection), revision)

        return migrate

    born = datetime(2026, 1, 15, 10, 30, 0, 120000, tzinfo=UTC)
    stored = born if "postgresql" in str(either._engine.url) else born.replace(tzinfo=None)
    rows = [
        {"id": f"{n:04}", "at": stored + timedelta(seconds=(n * 7) % 1100)} for n in range(1100)
    ]
    engine = make_engine(either._engine.url.render_as_string(hide_password=False))
    async with engine.connect() as connection:
        await connection.run_sync(to("0006"))
    async with engine.begin() as connection:
        await connection.execute(text(OLD), rows)
    async with engine.connect() as connection:
        await connection.run_sync(to("head"))
    await engine.dispose()

    await fill(either, 1)

    verdict = await verified(either)
    assert (told(verdict), verdict.first, verdict.last) == ([], 1, 1101)
    page = await events(either)
    assert [event.created_at for event in page] == [
        born + timedelta(seconds=second) for second in range(500)
    ]
    assert (page[0].previous, page[0].source) == (FIRST, "-")


APPEND = """
import asyncio, sys
from app.core.logging import actor, request_id
from app.db.audit import AuditTrail
from app.db.sql import SqlDatabase
from app.models.audit import Action, AuditEvent
from app.models.base import Record

async def main():
    database = SqlDatabase(sys.argv[1])
    await database.open()
    trail = AuditTrail(database.collection(AuditEvent))
    actor.set(sys.argv[2])
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for n in range(30):
        request_id.set(str(n))
        await asyncio.gather(
            *(trail.record(Action.VOICE_USED, Record(owner="o")) for _ in range(1 + n % 3))
        )
    await database.close()

asyncio.run(main())
"""


@pytest.mark.services
async def test_processes_that_write_at_once_make_one_chain(either: SqlDatabase) -> None:
    url = either._engine.url.render_as_string(hide_password=False)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", APPEND, url, f"key:{n}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [await asyncio.to_thread(process.communicate, timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs

    verdict = await verified(either)

    assert (told(verdict), verdict.events) == ([], 3 * 60)
    written = await events(either)
    for n in range(3):
        mine = [int(event.request_id) for event in written if event.actor == f"key:{n}"]
        assert mine == sorted(mine)
    firsts = [event.actor for event in written[:90]]
    assert len(set(firsts)) > 1
