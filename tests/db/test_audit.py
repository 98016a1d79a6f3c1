"""The audit trail: what is written when, and that nothing of it can be changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.context import open_context
from app.core.config import Settings
from app.core.exceptions import DatabaseError
from app.core.logging import actor, request_id, setup_logging
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.sql import SqlDatabase
from app.models.audit import Action, AuditEvent
from app.models.base import Record
from app.services.audit import AuditFilter

pytestmark = pytest.mark.anyio

SUBJECT = Record(id="550e8400-e29b-41d4-a716-446655440000", owner="somebody")


@pytest.fixture
async def events(settings: Settings) -> AsyncIterator[Collection[AuditEvent]]:
    database = SqlDatabase(settings.database)
    await database.open()
    yield database.collection(AuditEvent)
    await database.close()


async def written(events: Collection[AuditEvent]) -> list[AuditEvent]:
    """Oldest first."""
    return (await events.list(order="created_at")).items


async def test_an_event_tells_who_did_what_to_what_in_which_request(
    events: Collection[AuditEvent],
) -> None:
    actor.set("key:3f2a")
    request_id.set("r-1")

    await AuditTrail(events).record(Action.VOICE_USED, SUBJECT)

    (event,) = await written(events)
    assert (event.actor, event.request_id, event.outcome) == ("key:3f2a", "r-1", "ok")
    assert (event.action, event.subject_id, event.owner) == (
        "voice.used",
        SUBJECT.id,
        SUBJECT.owner,
    )


async def test_outside_a_request_the_actor_is_local(events: Collection[AuditEvent]) -> None:
    await AuditTrail(events).record(Action.KEY_CREATED, SUBJECT)

    (event,) = await written(events)
    assert (event.actor, event.request_id) == ("local", "-")


async def test_events_that_come_at_once_are_all_written_with_their_own_actors(
    events: Collection[AuditEvent],
) -> None:
    trail = AuditTrail(events)

    async def use(number: int) -> None:
        actor.set(f"key:{number}")
        await trail.record(Action.VOICE_USED, SUBJECT)

    await asyncio.gather(*(use(number) for number in range(50)))

    assert sorted(event.actor for event in await written(events)) == sorted(
        f"key:{number}" for number in range(50)
    )


async def test_who_goes_away_does_not_stop_the_events_of_others(
    events: Collection[AuditEvent],
) -> None:
    trail = AuditTrail(events)
    first, second, third = (
        asyncio.ensure_future(trail.record(Action.VOICE_USED, SUBJECT)) for _ in range(3)
    )
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()

    await third

    assert third.done()
    await trail.record(Action.VOICE_DELETED, SUBJECT)
    assert (await written(events))[-1].action == "voice.deleted"


def test_what_is_being_written_is_written_when_the_process_ends(settings: Settings) -> None:
    async def leave() -> None:
        async with open_context(settings) as context:
            leaving = asyncio.ensure_future(context.trail.record(Action.VOICE_USED, SUBJECT))
            await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.wait([leaving])

    async def look() -> list[AuditEvent]:
        async with open_context(settings) as context:
            return (await context.audit.list(AuditFilter(), limit=10, cursor=None)).items

    asyncio.run(leave())

    assert [event.action for event in asyncio.run(look())] == [Action.VOICE_USED]


async def test_what_is_done_is_written_before_and_its_failure_after(
    events: Collection[AuditEvent],
) -> None:
    trail = AuditTrail(events)

    async def fail() -> None:
        async with trail.recorded(Action.VOICE_DELETED, SUBJECT):
            assert len(await written(events)) == 1
            raise DatabaseError("The database is busy.")

    with pytest.raises(DatabaseError):
        await fail()

    outcomes = [event.outcome for event in await written(events)]
    assert outcomes == ["ok", "database-unavailable"]


class Full:
    """A database that has no room for events."""

    async def extend(self, order: str, follow: Any) -> None:
        raise DatabaseError("The disk of the database is full.")


async def test_an_event_that_cannot_be_written_stops_what_it_tells_of_and_is_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging("info", "json")
    trail = AuditTrail(Full())  # type: ignore[arg-type]
    done = False

    with pytest.raises(DatabaseError):
        async with trail.recorded(Action.VOICE_DELETED, SUBJECT):
            done = True

    assert not done
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "error"
    assert (line["action"], line["subject"], line["actor"]) == (
        "voice.deleted",
        SUBJECT.id,
        "local",
    )
