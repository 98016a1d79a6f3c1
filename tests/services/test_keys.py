"""API keys: what is stored of them, and when they end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.exceptions import DatabaseError, Forbidden, KeyExpired, KeyNotFound, KeyUnknown
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.sql import SqlDatabase
from app.models.access import LOCAL, PERMISSIONS, Permission, Principal, Role
from app.models.api_key import ApiKey, NewKey, is_key
from app.models.audit import Action, AuditEvent
from app.services.access import AccessService
from app.services.keys import KeyService

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(settings) -> AsyncIterator[SqlDatabase]:
    database = SqlDatabase(settings.database)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def stored(database) -> Collection[ApiKey]:
    return database.collection(ApiKey)


@pytest.fixture
def trail(database) -> AuditTrail:
    return AuditTrail(database.collection(AuditEvent))


@dataclass
class Server:
    """One process: it makes keys, and finds out whose they are."""

    keys: KeyService
    access: AccessService

    async def make(self, owner: str = "ann", role: Role = Role.SPEAKER, **more: Any) -> str:
        wanted = NewKey(name="test", scopes=[role], **more)
        return (await self.keys.create(LOCAL, owner, wanted))[1]

    async def who(self, key: str) -> Principal:
        principal = await self.access.authenticate({"X-API-Key": key})
        await self.access.close()  # what is written beside it is finished
        return principal

    async def record(self) -> ApiKey:
        (only,) = (await self.keys.list(None, limit=10, cursor=None)).items
        return only


@pytest.fixture
def server(stored, trail, clock: Clock) -> Server:
    return make_server(stored, trail, clock)


def make_server(stored: Collection[ApiKey], trail: AuditTrail, clock: Clock) -> Server:
    return Server(
        KeyService(keys=stored, audit=trail, clock=clock), AccessService(keys=stored, clock=clock)
    )


async def test_a_key_is_its_owners_and_lets_do_what_its_scopes_say(server):
    principal = await server.who(await server.make("ann", Role.SPEAKER))

    assert principal.owner == "ann"
    assert principal.permissions == PERMISSIONS[Role.SPEAKER]
    assert principal.subject == f"key:{(await server.record()).id}"


async def test_no_two_keys_are_alike(server):
    keys = [await server.make() for _ in range(20)]

    assert len(set(keys)) == 20
    assert all(is_key(key) for key in keys)


async def test_of_the_key_itself_only_the_beginning_is_stored(server, settings):
    key = await server.make()

    record = await server.record()
    assert key.startswith(record.prefix)
    assert len(record.prefix) <= 10
    files = [path for path in settings.data_dir.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if key[:16].encode() in path.read_bytes()]


async def test_a_key_ends_on_its_day(server, clock):
    key = await server.make(expires_days=7)

    clock.now = NOON + timedelta(days=7, seconds=-1)
    assert await server.who(key)
    clock.now += timedelta(seconds=1)
    with pytest.raises(KeyExpired):
        await server.who(key)


async def test_a_revoked_key_ends_at_once_in_every_process(server, stored, trail, clock):
    key = await server.make()
    other = make_server(stored, trail, clock)
    assert await server.who(key)
    assert await other.who(key)

    await server.keys.revoke("ann", (await server.record()).id)

    for process in (server, other):
        with pytest.raises(KeyUnknown):
            await process.who(key)


async def test_revoking_again_changes_nothing(server, clock):
    await server.make()
    record = await server.record()
    first = await server.keys.revoke(None, record.id)
    clock.now += timedelta(days=1)

    assert await server.keys.revoke(None, record.id) == first


async def test_making_and_revoking_a_key_is_in_the_audit_trail(server, database):
    await server.make("ann")
    record = await server.record()
    await server.keys.revoke("ann", record.id)
    await server.keys.revoke("ann", record.id)

    events = (await database.collection(AuditEvent).list(order="created_at")).items
    assert [event.action for event in events] == [Action.KEY_CREATED, Action.KEY_REVOKED]
    assert {(event.owner, event.subject_id) for event in events} == {("ann", record.id)}


@pytest.mark.parametrize("owner", ["ben", ""])
async def test_nobody_can_revoke_the_key_of_another_owner(server, owner):
    key = await server.make("ann")

    with pytest.raises(KeyNotFound):
        await server.keys.revoke(owner, (await server.record()).id)
    assert await server.who(key)


@pytest.mark.parametrize("key_id", ["", "x", "550e8400-e29b-41d4-a716-446655440000", "a\0b"])
async def test_a_key_that_is_not_there_cannot_be_revoked(server, key_id):
    with pytest.raises(KeyNotFound):
        await server.keys.revoke(None, key_id)


async def test_an_owner_lists_their_own_keys_and_the_command_line_all(server):
    for owner in ("ann", "ben", "ann"):
        await server.make(owner)

    async def owners(owner: str | None) -> list[str]:
        page = await server.keys.list(owner, limit=10, cursor=None)
        return sorted(key.owner for key in page.items)

    assert await owners("ann") == ["ann", "ann"]
    assert await owners(None) == ["ann", "ann", "ben"]


async def test_nobody_gives_more_than_they_have(server):
    limited = Principal("x", "ann", "token", PERMISSIONS[Role.SPEAKER] | {Permission.KEYS_MANAGE})

    with pytest.raises(Forbidden) as refused:
        await server.keys.create(limited, "ann", NewKey(name="a", scopes=[Role.CREATOR]))
    assert refused.value.extra["permission"] in PERMISSIONS[Role.CREATOR]
    assert await server.keys.create(limited, "ann", NewKey(name="a", scopes=[Role.SPEAKER]))


async def test_whether_anybody_has_a_key_is_known(server):
    assert not await server.keys.exist()
    await server.make()
    assert await server.keys.exist()
    await server.keys.revoke(None, (await server.record()).id)
    assert not await server.keys.exist()


async def test_the_last_use_is_noted_to_the_minute(server, clock):
    key = await server.make()
    assert (await server.record()).last_used_at is None

    await server.who(key)
    clock.now += timedelta(seconds=59)
    await server.who(key)
    assert (await server.record()).last_used_at == NOON

    clock.now += timedelta(seconds=1)
    await server.who(key)
    assert (await server.record()).last_used_at == NOON + timedelta(minutes=1)


class Counting:
    def __init__(self, stored: Collection[ApiKey]) -> None:
        self._stored = stored
        self.updates = 0

    async def update(self, record: ApiKey) -> ApiKey:
        self.updates += 1
        return await self._stored.update(record)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stored, name)


async def test_a_hundred_requests_at_once_note_their_use_once(server, stored, clock):
    key = await server.make()

    counting = Counting(stored)
    access = AccessService(keys=counting, clock=clock)  # type: ignore[arg-type]

    await asyncio.gather(*(access.authenticate({"X-API-Key": key}) for _ in range(100)))
    await access.close()

    assert counting.updates < 10  # those that had read it before it was written try in vain
    assert (await server.record()).last_used_at == NOON


class ReadOnly:
    """A database that cannot be written any more; a write waits until it is told to fail."""

    def __init__(self, stored: Collection[ApiKey]) -> None:
        self._stored = stored
        self.fail = asyncio.Event()

    async def update(self, record: ApiKey) -> ApiKey:
        await self.fail.wait()
        raise DatabaseError("The disk of the database is full.")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stored, name)


async def test_a_use_that_cannot_be_noted_neither_delays_nor_fails_the_request(
    server, stored, clock, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG, logger="app")
    key = await server.make()
    full = ReadOnly(stored)
    access = AccessService(keys=full, clock=clock)  # type: ignore[arg-type]

    assert await access.authenticate({"X-API-Key": key})  # while the write is waiting

    full.fail.set()
    await access.close()
    assert "was not noted" in caplog.text
    assert await access.authenticate({"X-API-Key": key})
    await access.close()


class Interrupting:
    """Notes a use of the key between the reading and the writing of whoever revokes it."""

    def __init__(self, stored: Collection[ApiKey], clock: Clock) -> None:
        self._stored = stored
        self._clock = clock
        self._left = 2

    async def get(self, record_id: str) -> ApiKey | None:
        record = await self._stored.get(record_id)
        if record is not None and self._left:
            self._left -= 1
            await self._stored.update(record.model_copy(update={"last_used_at": self._clock()}))
        return record

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stored, name)


async def test_a_key_in_use_can_be_revoked_all_the_same(server, stored, trail, clock):
    key = await server.make()
    busy = KeyService(keys=Interrupting(stored, clock), audit=trail, clock=clock)  # type: ignore[arg-type]

    await busy.revoke("ann", (await server.record()).id)

    with pytest.raises(KeyUnknown):
        await server.who(key)


async def test_a_late_note_of_a_use_does_not_bring_a_revoked_key_back(server, stored, clock):
    key = await server.make()
    access = AccessService(keys=stored, clock=clock)
    record = await server.record()
    await access.authenticate({"X-API-Key": key})  # the note is not written yet

    await server.keys.revoke(None, record.id)
    await access.close()

    with pytest.raises(KeyUnknown):
        await server.who(key)
