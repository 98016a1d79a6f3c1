"""Cosmos DB as the database: what it does beside the contract of all databases."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from app.core.exceptions import AppError, Conflict, DatabaseError, InvalidRequest, VersionConflict
from app.db.audit import AuditTrail
from app.db.base import EXTENDED_AT_ONCE, AnyOf
from app.db.cosmos.access import KeyAccess, TokenAccess, signature
from app.db.cosmos.client import Retries
from app.db.cosmos.database import CosmosDatabase
from app.models.audit import Action, AuditEvent
from app.models.audit_chain import Link
from app.models.base import Record
from app.models.job import Job, JobKind, Worker
from app.models.lexicon import LexiconContent
from app.models.share import VoiceShare
from app.models.voice import Voice
from tests.azure_fake.cosmos import TOKEN, State, cosmos_app
from tests.azure_fake.cosmos_client import fake_cosmos
from tests.azure_fake.faults import EMPTY, HTML, MUTE, TRUE, Fault, Faults
from tests.contract.test_database import a_voice
from tests.db.trails import events, fill, service, told, verified

pytestmark = pytest.mark.anyio

LOST = Fault(503, done=True)  # carried out, and nobody says so
VOICES = "* /dbs/voice-cloning/colls/voices/docs*"


@dataclass
class Account:
    """A fake account, its faults, and databases of ours on it."""

    state: State
    faults: Faults
    life: AsyncExitStack
    waits: list[float]

    async def database(self, *, migrate: bool = True, **how: Any) -> CosmosDatabase:
        database = fake_cosmos(self.state, app=self.faults, pause=self._pause, **how)
        self.life.push_async_callback(database.close)
        await database.open(migrate=migrate)
        return database

    async def _pause(self, seconds: float) -> None:
        self.waits.append(seconds)

    def stored(self, container: str) -> dict[tuple[str, str], dict[str, Any]]:
        return self.state.databases["voice-cloning"][container].documents


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    state = State()
    async with AsyncExitStack() as life:
        yield Account(state, Faults(cosmos_app(state)), life, [])


def test_a_request_is_signed_as_the_documentation_does_it() -> None:
    key = "dsZQi3KtZmCv1ljt3VNWNm7sQUF1y5rJfC6kv5JiwvW0EndXdDku/dkKBp8/ufDToSxLzR4y+O/0H/t4bQtVNw=="
    signed = signature(
        base64.b64decode(key), "GET", "dbs", "dbs/ToDoList", "Thu, 27 Apr 2017 00:51:12 GMT"
    )
    assert signed == "c09PEVJrgp2uQRkr934kFbTqhByc7TVr3OHyqlu+c+c="


async def test_another_key_is_refused_and_told_of_without_a_word_of_the_answer(account) -> None:
    other = base64.b64encode(b"another").decode()

    with pytest.raises(DatabaseError) as refused:
        await account.database(access=KeyAccess(other))

    assert "COSMOS_DB_KEY" in str(refused.value.suggestion)
    assert "secret text" not in f"{refused.value.detail} {refused.value.extra}"


async def test_records_of_all_partitions_are_listed_in_order_also_when_they_were_split(account):
    voices = (await account.database()).collection(Voice)
    made = [await voices.add(a_voice(owner=f"o{n % 7}")) for n in range(20)]
    first = await voices.list(order="created_at", limit=12)
    account.state.split()

    rest = await voices.list(order="created_at", limit=12, cursor=first.cursor)

    assert [*first.items, *rest.items] == made
    assert rest.cursor is None
    assert await voices.get(made[3].id) == made[3]


async def test_what_lies_with_one_owner_is_asked_of_one_partition(account) -> None:
    voices = (await account.database()).collection(Voice)
    await voices.add(a_voice())
    account.faults.clear()

    await voices.list(where={"owner": "ann"})
    alone = len(account.faults.calls)
    await voices.list()

    assert (alone, len(account.faults.calls)) == (1, 4)  # which partitions there are, and each


async def test_of_records_of_several_owners_all_or_none_are_added(account) -> None:
    voices = (await account.database()).collection(Voice)
    there = await voices.add(a_voice(owner="zoe"))
    many = [a_voice(owner=owner) for owner in ("ann", "ben") for _ in range(120)]

    with pytest.raises(Conflict):
        await voices.add_all([*many, a_voice(owner="zoe", id=there.id)])
    assert len(account.stored("voices")) == 1

    await voices.add_all(many)
    assert len(account.stored("voices")) == 241
    assert await voices.delete_where({"owner": AnyOf(("ann", "ben"))}) == 240


@pytest.mark.parametrize("doing", ["add", "update", "delete", "add_all", "delete_all"])
async def test_a_lost_answer_is_not_taken_for_somebody_elses_work(account, doing) -> None:
    voices = (await account.database()).collection(Voice)
    first, second = a_voice(), a_voice()
    if doing in ("update", "delete", "delete_all"):
        await voices.add_all([first, second])
    lost = VOICES.replace("*", {"update": "PUT", "delete": "DELETE"}.get(doing, "POST"), 1)
    if doing == "delete_all":  # which looks for them first, in both partitions
        account.faults.add(lost, TRUE, times=2)
    account.faults.add(lost, LOST)

    match doing:
        case "add":
            assert await voices.add(first) == first
        case "add_all":
            await voices.add_all([first, second])
        case "update":
            assert (await voices.update(first)).version == 2
        case "delete":
            assert await voices.delete(first.id) is True
        case "delete_all":
            assert await voices.delete_all([first.id, second.id]) == 2

    kept = {"add": 1, "add_all": 2, "update": 2, "delete": 1, "delete_all": 0}[doing]
    assert len(account.stored("voices")) == kept


async def test_a_throttled_request_waits_as_long_as_it_is_told(account) -> None:
    voices = (await account.database()).collection(Voice)
    busy = Fault(429, more=(("x-ms-retry-after-ms", "37"),))
    account.faults.add(VOICES, busy, times=3)
    account.waits.clear()

    voice = await voices.add(a_voice())

    assert account.waits == [0.037] * 3
    assert await voices.get(voice.id) == voice


@pytest.mark.parametrize(
    ("fault", "retries", "calls"),
    [
        (Fault(429, more=(("x-ms-retry-after-ms", "10"),)), Retries(tries=3), 3),
        (Fault(429, more=(("x-ms-retry-after-ms", "8000"),)), Retries(max_wait_s=20), 3),
        (Fault(500), Retries(tries=4), 4),
        (Fault(400), Retries(tries=4), 1),
    ],
)
async def test_tries_and_waiting_have_an_end(account, fault, retries, calls) -> None:
    voices = (await account.database(retries=retries)).collection(Voice)
    account.faults.clear()
    account.faults.add(VOICES, fault, times=99)

    with pytest.raises(DatabaseError):
        await voices.add(a_voice())

    assert len(account.faults.calls) == calls
    assert account.stored("voices") == {}


async def test_what_others_have_changed_since_is_a_version_conflict(account) -> None:
    here = (await account.database()).collection(Voice)
    there = (await account.database()).collection(Voice)
    voice = await here.add(a_voice())
    await there.update(voice)

    with pytest.raises(VersionConflict):
        await here.update(voice)


async def test_writers_of_several_processes_make_one_row_and_one_chain(account) -> None:
    databases = [await account.database() for _ in range(3)]

    def follow(last: Worker | None) -> list[Worker]:
        beats = 0 if last is None else last.beats
        return [Worker(owner="row", host="h", pid=1, beats=beats + n) for n in (1, 2)]

    rows = [one.collection(Worker).extend("beats", follow) for one in databases for _ in range(3)]
    await asyncio.gather(*rows, *(fill(one, 4) for one in databases))

    workers = await databases[0].collection(Worker).list(order="beats", limit=500)
    assert [one.beats for one in workers.items] == list(range(1, 19))
    verdict = await verified(databases[0])
    assert (told(verdict), verdict.events) == ([], 12)


async def test_more_events_at_once_than_one_transaction_takes_are_one_chain(account) -> None:
    database = await account.database()
    trail, voice = AuditTrail(database.collection(AuditEvent)), Record(owner="ann")
    many = 2 * EXTENDED_AT_ONCE + 5

    await asyncio.gather(*(trail.record(Action.VOICE_USED, voice) for _ in range(many)))

    verdict = await verified(database)

    assert (told(verdict), verdict.events) == ([], many)


async def test_a_chain_whose_answer_was_lost_goes_on(account) -> None:
    database = await account.database()
    await fill(database, 2)
    account.faults.add("POST */audit-events/docs", TRUE)  # which asks for the newest
    account.faults.add("POST */audit-events/docs", LOST)

    await fill(database, 2)

    verdict = await verified(database)
    assert (told(verdict), verdict.events) == ([], 4)


async def test_an_event_taken_away_by_hand_is_missed(account) -> None:
    database = await account.database()
    second = (await fill(database, 3))[1]
    del account.stored("audit-events")["all", second.id]

    assert told(await verified(database)) == ["missing 2"]


async def test_erased_names_are_gone_and_the_chain_holds(account) -> None:
    database = await account.database()
    await fill(database, 3)
    await fill(database, 2, who="key:ben")

    assert await service(database).erase("key:ann") == 3

    assert [one.actor for one in await events(database)] == [*["erased"] * 3, *["key:ben"] * 3]
    assert "key:ann" not in str(account.stored("audit-events"))
    assert told(await verified(database)) == []


async def test_what_was_kept_long_enough_goes_from_the_start_and_the_rest_verifies(account):
    database = await account.database()
    last = (await fill(database, 130))[-1]
    later = last.created_at + timedelta(days=32)
    assert await service(database, keep_days=40, clock=lambda: later).expire() == 0

    assert await service(database, keep_days=30, clock=lambda: later).expire() == 130

    (telling,) = await events(database)
    assert (telling.number, telling.action, telling.subject_id) == (131, "audit.expired", "130")
    verdict = await verified(database, Link(130, last.digest))
    assert (told(verdict), verdict.removed_up_to, verdict.events) == ([], 130, 1)


async def test_what_only_one_may_have_holds_for_all_owners_where_it_should(account) -> None:
    database = await account.database()
    shares, jobs = database.collection(VoiceShare), database.collection(Job)
    share = VoiceShare(
        owner="ann", voice_id="v", grantee="user:ben", access="use", created_by="ann"
    )
    await shares.add(share)
    with pytest.raises(Conflict):
        await shares.add(share.model_copy(update={"id": "another"}))

    job = Job(owner="ann", kind=JobKind.TRAINING, subject_id="v", actor="a", request_id="-")
    await jobs.add_all([job, job.model_copy(update={"id": "second"})])  # neither has a key
    keyed = job.model_copy(update={"id": "third", "idempotency_key": "k", "fingerprint": "f"})
    await jobs.add(keyed)
    await jobs.add(keyed.model_copy(update={"id": "fourth", "owner": "ben"}))
    with pytest.raises(Conflict):
        await jobs.add(keyed.model_copy(update={"id": "fifth"}))


async def test_what_is_too_large_for_a_document_is_refused(account) -> None:
    contents = (await account.database()).collection(LexiconContent)
    data = bytes(1_700_000)

    with pytest.raises(InvalidRequest):
        await contents.add(
            LexiconContent(owner="a", lexicon_id="l", number=1, entries=0, comment="", data=data)
        )


async def test_containers_are_created_once_and_missing_ones_are_named(account) -> None:
    with pytest.raises(DatabaseError) as missing:
        await account.database(migrate=False)
    assert "voices" in missing.value.detail

    await asyncio.gather(account.database(), account.database())
    await account.database(migrate=False)
    assert account.state.offers == {"voice-cloning": '{"maxThroughput": 1000}'}

    del account.state.databases["voice-cloning"]["usage-days"]
    with pytest.raises(DatabaseError, match="usage-days"):
        await account.database(migrate=False)


class Identity:
    """Gives a token of Entra ID."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_token(self, *scopes: str) -> Any:
        self.asked += scopes
        return type("Token", (), {"token": TOKEN, "expires_on": 9_999_999_999})


async def test_an_identity_works_on_containers_that_somebody_else_has_created(account) -> None:
    identity = Identity()
    scope = "https://x.documents.azure.com/.default"
    access = TokenAccess(scope, credential=identity)
    with pytest.raises(DatabaseError, match="voices"):
        await account.database(access=access)

    await account.database()
    database = await account.database(access=access)

    voice = await database.collection(Voice).add(a_voice())
    assert await database.collection(Voice).get(voice.id) == voice
    assert identity.asked == [scope]


async def test_containers_of_another_kind_and_weak_accounts_are_refused(account) -> None:
    await account.database()
    account.state.databases["voice-cloning"]["voices"].content["partitionKey"]["paths"] = ["/id"]
    with pytest.raises(DatabaseError, match="voices"):
        await account.database()

    account.state.consistency = "Eventual"
    with pytest.raises(DatabaseError, match="Eventual"):
        await account.database()


async def test_what_was_written_is_told_with_each_reading(account) -> None:
    voices = (await account.database()).collection(Voice)
    await voices.add(a_voice())
    account.state.sessions.clear()

    await voices.list()

    assert all(token and token.startswith("0:-1#") for token in account.state.sessions)


async def test_an_event_is_never_changed(account) -> None:
    database = await account.database()
    events = database.collection(AuditEvent)
    (event,) = await fill(database, 1)

    for change in (
        events.update_where({"owner": "team"}, {"action": Action.VOICE_DELETED}),
        events.delete_where({"owner": "team"}),
        events.delete_all([event.id]),
    ):
        with pytest.raises(DatabaseError):
            await change
    assert await events.get(event.id) == event


FAULTS = {
    "401": Fault(401),
    "403": Fault(403),
    "403, full": Fault(403, more=(("x-ms-substatus", "1014"),)),
    "404, no container": Fault(404, more=(("x-ms-substatus", "1003"),)),
    "404": Fault(404),
    "409": Fault(409),
    "410": Fault(410, more=(("x-ms-substatus", "1002"),)),
    "412": Fault(412),
    "429": Fault(429),
    "429, told": Fault(429, more=(("x-ms-retry-after-ms", "10"),)),
    "449": Fault(449),
    "500": Fault(500),
    "503": Fault(503, retry_after="1"),
    "empty": EMPTY,
    "HTML": HTML,
    "no object": Fault(200, body=b"[1]"),
    "cut": Fault(cut=5),
    "mute": MUTE,
}
CALLS = {
    "get": lambda voices, one: voices.get(one.id),
    "list": lambda voices, one: voices.list(),
    "list of one owner": lambda voices, one: voices.list(where={"owner": "ann"}, order="name"),
    "tally": lambda voices, one: voices.tally(("name",), where={}),
    "existing": lambda voices, one: voices.existing([one.id]),
    "add": lambda voices, one: voices.add(a_voice()),
    "add all": lambda voices, one: voices.add_all([a_voice(), a_voice(), a_voice(owner="ben")]),
    "update": lambda voices, one: voices.update(one),
    "update where": lambda voices, one: voices.update_where({"owner": "ann"}, {"name": "new"}),
    "delete": lambda voices, one: voices.delete(one.id),
    "delete all": lambda voices, one: voices.delete_all([one.id]),
    "delete where": lambda voices, one: voices.delete_where({"owner": "ann"}),
}


@pytest.mark.services
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_goes_wrong_is_an_error_of_ours_and_leaves_nothing_half_made(
    account, call, fault
) -> None:
    database = await account.database(retries=Retries(tries=3, timeout_s=0.3))
    voices = database.collection(Voice)
    one = await voices.add(a_voice())
    before = dict(account.stored("voices"))
    account.faults.add(VOICES, FAULTS[fault], times=99)

    try:
        await CALLS[call](voices, one)
    except AppError as error:
        told_of: AppError | None = error
    else:
        told_of = None
    if told_of is None:
        assert (fault, call) == ("cut", "add"), "nobody was told of it"
    else:
        assert told_of.status in (503, 409, 404)
        assert "secret text" not in f"{told_of.detail} {told_of.suggestion} {told_of.extra}"
    if fault != "cut":  # which is done, and only its answer is lost
        assert account.stored("voices") == before
    account.faults.clear()
    assert len((await voices.list()).items) == len(account.stored("voices"))
