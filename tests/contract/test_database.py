"""What every database must do. A new implementation is one more entry in `OPENED`."""

import asyncio
import base64
import json
import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from shutil import copyfile
from uuid import uuid4

import psycopg
import pytest

from app.audio.types import RecordingReport
from app.core.exceptions import (
    Conflict,
    DatabaseError,
    InvalidRequest,
    NotFound,
    VersionConflict,
)
from app.db.base import AnyOf, Collection, Contains, Database, Span
from app.db.sql import SqlDatabase
from app.models.audit import Action, AuditEvent
from app.models.history import UsageDay
from app.models.job import Worker
from app.models.lexicon import Lexicon, LexiconContent
from app.models.voice import Voice
from tests.azure_fake.cosmos_client import fake_cosmos
from tests.servers.postgres import BOTH

pytestmark = pytest.mark.anyio


def _sqlite(request: pytest.FixtureRequest) -> str:
    path = request.getfixturevalue("tmp_path") / "voices.db"
    copyfile(request.getfixturevalue("new_database"), path)
    return f"sqlite:///{path}"


def _postgresql(request: pytest.FixtureRequest) -> str:
    """One for all tests here: making one takes longer than most of them."""
    url = request.getfixturevalue("shared_postgres_url")

    def empty() -> None:
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM voices")

    request.addfinalizer(empty)
    return url


OPENED: dict[str, Callable[[pytest.FixtureRequest], Database]] = {
    "sqlite": lambda request: SqlDatabase(_sqlite(request)),
    "postgresql": lambda request: SqlDatabase(_postgresql(request)),
    "cosmos": lambda request: fake_cosmos(),
}
ALL = [*BOTH, pytest.param("cosmos", marks=pytest.mark.services)]
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared_postgres_url(new_postgres: Callable[[], str]) -> str:
    return new_postgres()


@pytest.fixture(params=ALL)
async def database(request: pytest.FixtureRequest, new_database: Path) -> AsyncIterator[Database]:
    database = OPENED[request.param](request)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def voices(database: Database) -> Collection[Voice]:
    return database.collection(Voice)


def a_voice(**fields) -> Voice:
    report = RecordingReport(
        duration_s=12.4,
        sample_rate=22050,
        channels=1,
        codec="pcm_s16le",
        speech_s=10.1,
        snr_db=None,
        clipped=0.0,
        loudness_lufs=-21.3,
        peak_dbfs=-3.1,
        bandwidth_hz=10500.0,
        speakers=1,
        warnings=["Zu leise – 太小声"],
    )
    defaults = {
        "owner": "ann",
        "name": "My Voice",
        "description": None,
        "filename": "sample.wav",
        "duration_s": 12.4,
        "sample_rate": 22050,
        "engine": "kokoro",
        "state_format": "kokoro/style.v1",
        "similarity": 0.1 + 0.2,
        "report": report,
    }
    return Voice(**(defaults | fields))


async def all_pages(voices: Collection[Voice], limit: int, **query) -> list[list[Voice]]:
    pages, cursor = [], None
    while True:
        page = await voices.list(limit=limit, cursor=cursor, **query)
        pages.append(page.items)
        assert len(pages) < 50, "the cursors lead in a circle"
        cursor = page.cursor
        if cursor is None:
            return pages


async def test_an_added_record_is_read_back_as_it_was(voices):
    voice = a_voice()

    assert await voices.add(voice) == voice

    stored = await voices.get(voice.id)
    assert stored == voice
    assert stored.created_at.tzinfo is UTC


async def test_a_time_of_another_zone_is_the_same_moment_in_utc(voices):
    there = datetime(2026, 6, 1, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    voice = await voices.add(a_voice(created_at=there))

    stored = await voices.get(voice.id)

    assert stored.created_at == there
    assert stored.created_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "Zoë, 声音, صوت, 👩🏽‍🎤 and 𝄞",
        "one\ntwo\r\nthree\ttab",
        "'; DROP TABLE voices; -- % %s :name ?",
        "é (composed) é (combining)",
        "x" * 9_999 + "é",
    ],
)
async def test_any_text_is_read_back_as_it_was(voices, text):
    voice = await voices.add(a_voice(name=text[:200], description=text, filename=text))

    assert await voices.get(voice.id) == voice


@pytest.mark.parametrize("text", ["a lone \ud800 surrogate", "null\0character", "x" * 201])
async def test_text_that_a_column_cannot_hold_is_stored_or_refused_as_a_bad_request(voices, text):
    voice = a_voice(name=text)

    try:
        await voices.add(voice)
    except InvalidRequest:
        assert await voices.get(voice.id) is None
    else:
        assert await voices.get(voice.id) == voice


async def test_a_record_that_does_not_exist_is_none(voices):
    assert await voices.get("nobody") is None


async def test_adding_the_same_id_twice_is_a_conflict_and_keeps_the_first(voices):
    first = await voices.add(a_voice(name="first"))

    with pytest.raises(Conflict):
        await voices.add(a_voice(id=first.id, name="second"))

    assert await voices.get(first.id) == first


async def test_fifty_records_can_be_added_at_once(voices):
    await asyncio.gather(*(voices.add(a_voice()) for _ in range(50)))

    assert len((await voices.list(limit=500)).items) == 50


async def test_a_deleted_record_is_gone_and_deleting_it_again_says_so(voices):
    voice = await voices.add(a_voice())
    kept = await voices.add(a_voice())

    assert await voices.delete(voice.id) is True
    assert await voices.delete(voice.id) is False
    assert await voices.get(voice.id) is None
    assert await voices.get(kept.id) == kept


async def test_an_update_returns_and_stores_the_next_version(voices):
    voice = await voices.add(a_voice(created_at=NOON, updated_at=NOON))
    bystander = await voices.add(a_voice())

    updated = await voices.update(voice.model_copy(update={"name": "new", "similarity": None}))

    assert (updated.version, updated.name, updated.similarity) == (2, "new", None)
    assert updated.updated_at > voice.updated_at
    assert updated.created_at == NOON
    assert await voices.get(voice.id) == updated
    assert await voices.get(bystander.id) == bystander


async def test_an_update_of_an_old_version_is_refused_and_changes_nothing(voices):
    voice = await voices.add(a_voice())
    updated = await voices.update(voice)

    with pytest.raises(VersionConflict):
        await voices.update(voice.model_copy(update={"name": "lost update"}))

    assert await voices.get(voice.id) == updated


async def test_an_update_of_a_record_that_does_not_exist_is_not_found(voices):
    with pytest.raises(NotFound):
        await voices.update(a_voice())


async def test_of_concurrent_updates_exactly_one_wins(voices):
    voice = await voices.add(a_voice())
    changes = [voice.model_copy(update={"name": f"writer {n}"}) for n in range(10)]

    results = await asyncio.gather(*map(voices.update, changes), return_exceptions=True)

    winners = [result for result in results if isinstance(result, Voice)]
    assert len(winners) == 1
    assert sum(isinstance(result, VersionConflict) for result in results) == 9
    assert await voices.get(voice.id) == winners[0]


async def test_a_list_holds_only_records_whose_fields_are_equal_to_the_filter(voices):
    anns = [await voices.add(a_voice(owner="ann", description=None)) for _ in range(2)]
    bens = await voices.add(a_voice(owner="ben", description="mine"))

    async def ids(**where) -> set[str]:
        return {voice.id for voice in (await voices.list(where=where)).items}

    assert await ids(owner="ann") == {voice.id for voice in anns}
    assert await ids(owner="ben", engine="kokoro") == {bens.id}
    assert await ids(owner="ben", engine="other") == set()
    assert await ids(description=None) == {voice.id for voice in anns}


async def test_a_list_is_newest_first_unless_asked_otherwise(voices):
    added = [await voices.add(a_voice(created_at=NOON + timedelta(days=n))) for n in range(3)]

    assert (await voices.list()).items == added[::-1]
    assert (await voices.list(order="created_at")).items == added


@pytest.mark.parametrize("limit", [1, 3, 4, 13])
@pytest.mark.parametrize(
    "order", ["created_at", "-created_at", "name", "-duration_s", "id", "-id", "version"]
)
async def test_pages_hold_every_record_once_in_order_with_ties_broken_by_id(voices, order, limit):
    for n in range(13):
        moment = NOON + timedelta(microseconds=n // 5)  # ties of five
        await voices.add(a_voice(created_at=moment, name="abc"[n % 3], duration_s=0.1 * (n // 4)))
    await voices.add(a_voice(owner="ben"))

    pages = await all_pages(voices, limit, where={"owner": "ann"}, order=order)

    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages) == math.ceil(13 / limit)
    listed = [voice for page in pages for voice in page]
    field = order.removeprefix("-")
    expected = sorted(
        listed, key=lambda voice: (getattr(voice, field), voice.id), reverse=order.startswith("-")
    )
    assert listed == expected
    assert len({voice.id for voice in listed}) == 13


@pytest.mark.parametrize("order", ["similarity", "-similarity"])
async def test_records_without_the_value_are_listed_last_both_ways(voices, order):
    values = [0.3, None, 0.1, None, 0.3, None, 0.2]
    for value in values:
        await voices.add(a_voice(similarity=value))

    pages = await all_pages(voices, 2, order=order)

    known = sorted((v for v in values if v is not None), reverse=order.startswith("-"))
    assert [voice.similarity for page in pages for voice in page] == [*known, None, None, None]


async def test_changes_between_two_pages_neither_repeat_nor_hide_the_other_records(voices):
    added = [await voices.add(a_voice(created_at=NOON + timedelta(days=n))) for n in range(4)]
    first = await voices.list(order="created_at", limit=2)

    await voices.delete(added[1].id)
    await voices.add(a_voice(created_at=NOON - timedelta(days=1)))
    second = await voices.list(order="created_at", limit=2, cursor=first.cursor)

    assert second.items == added[2:]
    assert second.cursor is None


async def test_a_cursor_of_another_list_is_refused(voices):
    for _ in range(3):
        await voices.add(a_voice())
    cursor = (await voices.list(where={"owner": "ann"}, order="-created_at", limit=1)).cursor

    for other in (
        {"where": {"owner": "ben"}, "order": "-created_at"},
        {"where": None, "order": "-created_at"},
        {"where": {"owner": "ann"}, "order": "created_at"},
        {"where": {"owner": "ann"}, "order": "-updated_at"},
    ):
        with pytest.raises(InvalidRequest):
            await voices.list(cursor=cursor, **other)


@pytest.mark.parametrize(
    "changes",
    [
        {"v": None},
        {"v": 5},
        {"v": "yesterday"},
        {"v": "2026-01-15T12:00:00"},
        {"v": ["2026-01-15T12:00:00+00:00"]},
        {"i": 5},
        {"i": None},
        {"i": "a\0b"},
    ],
)
async def test_a_forged_cursor_is_refused(voices, changes):
    for _ in range(2):
        await voices.add(a_voice())
    cursor = (await voices.list(limit=1)).cursor
    content = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(content | changes).encode()).decode()

    with pytest.raises(InvalidRequest):
        await voices.list(cursor=forged)


@pytest.mark.parametrize("cursor", ["", "x", "é", "!!!!", "bnVsbA", "W10", "e30", "W1tb" * 9999])
async def test_a_malformed_cursor_is_refused(voices, cursor):
    with pytest.raises(InvalidRequest):
        await voices.list(cursor=cursor)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 501},
        {"limit": -1},
        {"order": "password"},
        {"order": "--name"},
        {"order": ""},
        {"order": "report"},
        {"where": {"password": "x"}},
    ],
)
async def test_a_list_that_makes_no_sense_is_refused(voices, query):
    with pytest.raises(InvalidRequest):
        await voices.list(**query)


async def test_an_open_database_answers_a_ping_and_can_be_opened_again(database):
    await database.ping()
    await database.open()
    await database.ping()


async def test_a_cancelled_call_leaves_the_database_usable(voices):
    tasks = [asyncio.create_task(voices.add(a_voice())) for _ in range(20)]
    await asyncio.sleep(0.005)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    stored = {voice.id for voice in (await voices.list(limit=500)).items}

    added = {result.id for result in results if isinstance(result, Voice)}
    assert added <= stored
    assert not [r for r in results if isinstance(r, DatabaseError)]


async def test_many_are_added_at_once_or_none(voices):
    first, second, third = a_voice(), a_voice(), a_voice()
    await voices.add_all([first, second])
    assert await voices.get(first.id) == first
    assert await voices.get(second.id) == second

    with pytest.raises(Conflict):
        await voices.add_all([third, first])
    assert await voices.get(third.id) is None


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(None, None, 5), (2, None, 3), (None, 2, 2), (1, 4, 3), (3, 3, 0)],
)
async def test_a_list_can_be_of_a_span_of_time(voices, since, until, expected):
    await voices.add_all([a_voice(created_at=NOON + timedelta(hours=h)) for h in range(5)])

    def moment(hours):
        return None if hours is None else NOON + timedelta(hours=hours)

    where = {"created_at": Span(moment(since), moment(until))}
    found, cursor = [], None
    while True:
        page = await voices.list(where=where, limit=2, cursor=cursor)
        found += page.items
        if (cursor := page.cursor) is None:
            break
    assert len({voice.id for voice in found}) == len(found) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("walrus", ["A WALRUS", "walruses"]),
        ("WalRus", ["A WALRUS", "walruses"]),
        ("A W", ["A WALRUS"]),
        ("%", ["50% off"]),
        ("_", ["snake_case"]),
        ("/", ["and/or"]),
        ("\\", ["back\\slash"]),
        ("Zoë", ["Émile et Zoë"]),
        ("Émile", ["Émile et Zoë"]),
        ("ET Z", ["Émile et Zoë"]),
        ("声音", ["声音"]),
        ("'; --", []),
        ("A WALRUS and more", []),
    ],
)
async def test_a_list_can_be_of_what_contains_a_text(voices, text, found):
    texts = ["A WALRUS", "walruses", "50% off", "snake_case", "and/or", "back\\slash", "声音"]
    texts += ["Émile et Zoë", None]
    await voices.add_all([a_voice(description=text) for text in texts])

    where = {"owner": "ann", "description": Contains(text)}
    page = await voices.list(where=where, order="description", limit=1)
    listed = page.items
    while page.cursor:
        page = await voices.list(where=where, order="description", limit=1, cursor=page.cursor)
        listed += page.items

    assert sorted(voice.description for voice in listed) == found


async def test_a_null_character_is_not_looked_for(voices):
    await voices.add(a_voice(description="anything"))

    for text in ("\0", "any\0thing"):
        with pytest.raises(InvalidRequest):
            await voices.list(where={"description": Contains(text)})


async def test_many_are_deleted_at_once(voices):
    first, second, kept = [await voices.add(a_voice()) for _ in range(3)]

    assert await voices.delete_all([first.id, "nobody", second.id]) == 2
    assert await voices.delete_all([first.id]) == 0
    assert await voices.delete_all([]) == 0
    assert (await voices.list()).items == [kept]


async def test_it_is_told_which_of_many_ids_exist(voices):
    first, second = [await voices.add(a_voice()) for _ in range(2)]
    strangers = [f"nobody {n}" for n in range(498)]

    assert await voices.existing([first.id, *strangers, second.id]) == {first.id, second.id}
    assert await voices.existing([]) == set()


async def test_records_are_counted_and_added_up_by_the_values_of_fields(voices):
    for owner, name, seconds in (
        ("anna", "a", 1.0), ("anna", "a", 2.5), ("anna", "b", 4.0), ("ben", "a", 8.0),
    ):  # fmt: skip
        await voices.add(a_voice(owner=owner, name=name, duration_s=seconds))

    found = await voices.tally(("name",), where={"owner": "anna"}, sums=("duration_s",))

    assert sorted((t.values, t.count, t.sums) for t in found) == [
        (("a",), 2, (3.5,)), (("b",), 1, (4.0,)),
    ]  # fmt: skip
    assert await voices.tally(("name",), where={"owner": "nobody"}) == []


async def test_all_that_fit_are_changed_and_have_their_next_version(voices):
    first, other = a_voice(owner="anna"), a_voice(owner="ben")
    await voices.add_all([first, other])

    assert await voices.update_where({"owner": "anna"}, {"name": "New"}) == 1

    changed = await voices.get(first.id)
    assert (changed.name, changed.version) == ("New", first.version + 1)
    assert (await voices.get(other.id)).name == other.name
    with pytest.raises(VersionConflict):
        await voices.update(first)


async def test_all_that_fit_are_deleted(voices):
    first, other = a_voice(owner="anna"), a_voice(owner="ben")
    await voices.add_all([first, other])

    assert await voices.delete_where({"owner": "anna"}) == 1
    assert await voices.delete_where({"owner": "anna"}) == 0

    assert await voices.existing([first.id, other.id]) == {other.id}


async def test_a_list_can_be_of_any_of_some_values(voices):
    made = [await voices.add(a_voice(name=name)) for name in ("a", "b", "c")]

    async def names(*wanted: str) -> list[str]:
        page = await voices.list(where={"owner": "ann", "name": AnyOf(wanted)}, order="name")
        return [voice.name for voice in page.items]

    assert await names("c", "a", "nobody's") == ["a", "c"]
    assert await names() == []
    some = await voices.list(where={"id": AnyOf(tuple(voice.id for voice in made))}, limit=2)
    assert len(some.items) == 2
    assert some.cursor


async def test_what_only_one_may_have_is_a_conflict(database):
    lexicons = database.collection(Lexicon)
    owner = f"only one {uuid4()}"
    await lexicons.add(Lexicon(owner=owner, name="a"))
    other = await lexicons.add(Lexicon(owner=owner, name="b"))
    await lexicons.add(Lexicon(owner=f"{owner}, another", name="a"))

    with pytest.raises(Conflict):
        await lexicons.add(Lexicon(owner=owner, name="a"))
    with pytest.raises(Conflict) as renamed:
        await lexicons.update(other.model_copy(update={"name": "a"}))

    assert not isinstance(renamed.value, VersionConflict)
    assert await lexicons.get(other.id) == other


async def test_bytes_are_read_back_as_they_were(database):
    contents = database.collection(LexiconContent)
    data = bytes(range(256)) * 1000
    content = LexiconContent(
        owner="ann", lexicon_id="l", number=1, entries=0, comment="ā", data=data
    )
    await contents.add(content)

    assert await contents.get(content.id) == content
    (counted,) = await contents.tally(("id", "created_at"), where={"id": content.id})
    assert counted.values == (content.id, content.created_at)


async def test_days_are_listed_in_order_and_by_span(database):
    days = database.collection(UsageDay)
    first = date(2026, 1, 30)
    records = [
        UsageDay(owner="span of days", day=first + timedelta(days=n // 2), voice_id=str(n))
        for n in range(8)
    ]
    await days.add_all(records)
    where = {"owner": "span of days", "day": Span(date(2026, 1, 31), date(2026, 2, 2))}

    page = await days.list(where=where, order="-day", limit=3)
    rest = await days.list(where=where, order="-day", limit=3, cursor=page.cursor)

    listed = [*page.items, *rest.items]
    assert [record.day.isoformat() for record in listed] == ["2026-02-01"] * 2 + ["2026-01-31"] * 2
    assert rest.cursor is None
    await days.delete_all([record.id for record in records])


async def test_what_is_added_behind_the_last_one_at_once_makes_one_row(database):
    workers = database.collection(Worker)

    def follow(last):
        beats = 0 if last is None else last.beats
        return [Worker(owner="row", host="h", pid=1, beats=beats + n) for n in (1, 2)]

    before = len((await workers.list(limit=500)).items)
    await asyncio.gather(*(workers.extend("beats", follow) for _ in range(10)))

    listed = (await workers.list(where={"owner": "row"}, order="beats", limit=500)).items
    beats = [worker.beats for worker in listed]
    assert (before, beats) == (0, list(range(1, 21)))
    with pytest.raises(Conflict):
        await workers.extend("beats", lambda last: [last])
    await workers.delete_where({"owner": "row"})


async def test_audit_events_are_never_changed_or_deleted(database):
    events = database.collection(AuditEvent)
    event = AuditEvent(
        owner="local",
        actor="local",
        action=Action.VOICE_CREATED,
        subject_id="550e8400-e29b-41d4-a716-446655440000",
        outcome="ok",
        request_id="-",
    )
    await events.add(event)

    with pytest.raises(DatabaseError):
        await events.update(event.model_copy(update={"actor": "nobody"}))
    with pytest.raises(DatabaseError):
        await events.delete(event.id)

    assert await events.get(event.id) == event
