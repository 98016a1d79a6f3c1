"""How the entries of lexicons are kept: whole, versioned, whoever writes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.clock import utc_now
from app.core.exceptions import (
    DatabaseError,
    LexiconNotFound,
    RevisionNotFound,
    VersionConflict,
)
from app.db.audit import AuditTrail
from app.db.sql import SqlDatabase
from app.lexicons.packing import pack
from app.lexicons.store import KEPT_REVISIONS, Edited, LexiconStore
from app.models.audit import Action, AuditEvent
from app.models.lexicon import Entry, EntryDraft, Lexicon, LexiconContent
from tests.lexicons.samples import DRAFTS, a_lexicon, entries
from tests.servers.postgres import BOTH

pytestmark = pytest.mark.anyio


class Shop:
    """A database and what works on it."""

    def __init__(self, database: SqlDatabase) -> None:
        self.lexicons = database.collection(Lexicon)
        self.contents = database.collection(LexiconContent)
        self.events = database.collection(AuditEvent)
        self.store = self.another()

    def another(self, **parts: Any) -> LexiconStore:
        """A store as another process has it."""
        usual = {"lexicons": self.lexicons, "contents": self.contents}
        return LexiconStore(**(usual | parts), audit=AuditTrail(self.events))

    async def lexicon(self) -> Lexicon:
        return await self.lexicons.add(a_lexicon())

    async def put(self, lexicon: Lexicon, word: str, store: LexiconStore | None = None) -> Lexicon:
        changed, _ = await (store or self.store).change("ann", lexicon.id, adding(word))
        return changed

    async def words(self, lexicon: Lexicon) -> list[str]:
        """As a process reads them that has nothing in memory."""
        stored = await self.lexicons.get(lexicon.id)
        assert stored is not None
        return [entry.grapheme for entry in await self.another().entries(stored)]


def adding(word: str) -> Any:
    def add(lexicon: Lexicon, before: tuple[Entry, ...]) -> Edited[None]:
        draft = EntryDraft(grapheme=word, alias="x")
        entry = Entry.of(draft, number=lexicon.next_number, revision=lexicon.revision + 1)
        return Edited((*before, entry), f"{word} added", None)

    return add


def emptied(lexicon: Lexicon, before: tuple[Entry, ...]) -> Edited[int]:
    return Edited((), "emptied", len(before))


@pytest.fixture(params=BOTH)
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'voices.db'}"
    database = SqlDatabase(url if sqlite else request.getfixturevalue("postgres_url"))
    await database.open()
    yield Shop(database)
    await database.close()


async def test_entries_are_read_back_as_they_were(shop: Shop) -> None:
    lexicon = await shop.lexicon()
    made = entries()
    changed, result = await shop.store.change(
        "ann", lexicon.id, lambda *_: Edited(made, "all", "done")
    )

    assert result == "done"
    assert (changed.revision, changed.entries, changed.next_number) == (1, len(DRAFTS), 16)
    assert await shop.another().entries(changed) == made
    assert await shop.store.entries(changed) == made


async def test_writers_at_once_lose_nothing(shop: Shop) -> None:
    lexicon = await shop.lexicon()
    await asyncio.gather(*(shop.put(lexicon, f"w{n}") for n in range(30)))

    assert sorted(await shop.words(lexicon)) == sorted(f"w{n}" for n in range(30))
    stored = await shop.lexicons.get(lexicon.id)
    assert stored is not None
    assert (stored.revision, stored.next_number) == (30, 31)


async def test_writers_in_several_processes_lose_nothing_that_they_were_told_is_there(
    shop: Shop,
) -> None:
    lexicon = await shop.lexicon()
    stores = [shop.another() for _ in range(4)]

    async def write(number: int) -> str | None:
        try:
            await shop.put(lexicon, f"w{number}", stores[number % 4])
        except VersionConflict:
            return None
        return f"w{number}"

    told = [word for word in await asyncio.gather(*map(write, range(24))) if word]

    assert len(told) >= 12
    assert sorted(await shop.words(lexicon)) == sorted(told)
    stored = await shop.lexicons.get(lexicon.id)
    assert stored is not None
    revisions = await shop.store.revisions(stored)
    assert [one.number for one in revisions] == list(range(len(told), 0, -1))
    assert len(await shop.contents.tally(("id",), where={"lexicon_id": lexicon.id})) == len(told)


async def test_numbers_of_entries_are_not_used_again(shop: Shop) -> None:
    lexicon = await shop.lexicon()
    await shop.put(lexicon, "a")
    await shop.store.change("ann", lexicon.id, emptied)
    changed = await shop.put(lexicon, "b")

    assert [entry.number for entry in await shop.store.entries(changed)] == [2]


async def test_a_change_of_nothing_makes_no_version(shop: Shop) -> None:
    lexicon = await shop.lexicon()
    changed, result = await shop.store.change("ann", lexicon.id, lambda *_: Edited(None, "", 7))

    assert (changed, result) == (lexicon, 7)
    assert await shop.store.revisions(changed) == []


async def test_an_edit_that_fails_changes_nothing(shop: Shop) -> None:
    lexicon = await shop.lexicon()

    def fail(*_: Any) -> Edited[None]:
        raise VersionConflict("not that one")

    with pytest.raises(VersionConflict, match="not that one"):
        await shop.store.change("ann", lexicon.id, fail)

    assert await shop.lexicons.get(lexicon.id) == lexicon
    assert (await shop.contents.list()).items == []
    assert (await shop.events.list()).items == []


async def test_earlier_revisions_can_be_read_the_last_fifty_of_them(shop: Shop) -> None:
    lexicon = await shop.lexicon()
    for number in range(KEPT_REVISIONS + 3):
        changed = await shop.put(lexicon, f"w{number}")

    revisions = await shop.store.revisions(changed)
    assert [one.number for one in revisions] == list(range(53, 3, -1))
    assert revisions[0].comment == "w52 added"
    assert len(await shop.store.at(changed, 4)) == 4
    for gone in (3, 0, 54):
        with pytest.raises(RevisionNotFound):
            await shop.store.at(changed, gone)
    assert len(await shop.contents.tally(("id",), where={"lexicon_id": lexicon.id})) == 50


async def test_what_a_crash_has_left_is_no_version_and_goes(shop: Shop) -> None:
    lexicon = await shop.put(await shop.lexicon(), "a")
    left = LexiconContent(
        owner="ann",
        lexicon_id=lexicon.id,
        number=2,
        previous_id=lexicon.content_id,
        entries=0,
        comment="never in effect",
        data=pack(()),
        created_at=utc_now() - timedelta(hours=2),
    )
    young = left.model_copy(update={"id": "young", "created_at": utc_now()})
    await shop.contents.add_all([left, young])

    assert [one.number for one in await shop.store.revisions(lexicon)] == [1]
    changed = await shop.put(lexicon, "b")

    assert [one.number for one in await shop.store.revisions(changed)] == [2, 1]
    assert await shop.contents.get(left.id) is None
    assert await shop.contents.get("young") is not None


async def test_a_deleted_lexicon_leaves_nothing(shop: Shop) -> None:
    lexicon = await shop.put(await shop.lexicon(), "a")
    other = await shop.put(await shop.lexicons.add(a_lexicon(name="other")), "b")

    assert await shop.store.delete(lexicon) is True
    assert await shop.store.delete(lexicon) is False

    assert [content.lexicon_id for content in (await shop.contents.list()).items] == [other.id]
    with pytest.raises(LexiconNotFound):
        await shop.put(lexicon, "c")
    with pytest.raises(RevisionNotFound):
        await shop.another().entries(lexicon)


async def test_the_entries_of_a_lexicon_whose_deletion_was_killed_are_swept(shop: Shop) -> None:
    killed = await shop.put(await shop.lexicon(), "a")
    other = await shop.put(await shop.lexicons.add(a_lexicon(name="other")), "b")
    await shop.lexicons.delete(killed.id)

    assert await shop.store.sweep() == 1
    assert await shop.store.sweep() == 0
    assert [content.lexicon_id for content in (await shop.contents.list()).items] == [other.id]


async def test_a_lexicon_that_is_deleted_while_it_is_changed_leaves_nothing(shop: Shop) -> None:
    lexicon = await shop.lexicon()
    loop = asyncio.get_running_loop()

    def slow(lexicon: Lexicon, before: tuple[Entry, ...]) -> Edited[None]:
        asyncio.run_coroutine_threadsafe(shop.another().delete(lexicon), loop).result(10)
        result: Edited[None] = adding("a")(lexicon, before)
        return result

    with pytest.raises(LexiconNotFound):
        await shop.store.change("ann", lexicon.id, slow)

    assert (await shop.contents.list()).items == []


async def test_a_lexicon_that_is_changed_all_the_time_is_a_conflict(shop: Shop) -> None:
    lexicon = await shop.lexicon()
    loop, others = asyncio.get_running_loop(), shop.another()

    def overtaken(lexicon: Lexicon, before: tuple[Entry, ...]) -> Edited[None]:
        asyncio.run_coroutine_threadsafe(shop.put(lexicon, "x", others), loop).result(10)
        result: Edited[None] = adding("a")(lexicon, before)
        return result

    with pytest.raises(VersionConflict):
        await shop.store.change("ann", lexicon.id, overtaken)

    words = await shop.words(lexicon)
    assert words == ["x"] * len(words)
    assert len(await shop.contents.tally(("id",), where={"lexicon_id": lexicon.id})) == len(words)


async def test_another_owners_lexicon_is_not_there(shop: Shop) -> None:
    lexicon = await shop.lexicon()

    with pytest.raises(LexiconNotFound):
        await shop.store.change("ben", lexicon.id, emptied)


async def test_changes_are_in_the_audit_trail(shop: Shop) -> None:
    lexicon = await shop.put(await shop.lexicon(), "a")
    await shop.store.delete(lexicon)

    events = (await shop.events.list(order="created_at")).items
    assert [event.action for event in events] == [Action.LEXICON_CHANGED, Action.LEXICON_DELETED]
    assert {event.subject_id for event in events} == {lexicon.id}


async def test_a_change_that_is_cancelled_is_there_or_not(shop: Shop) -> None:
    lexicon = await shop.lexicon()
    for turns in range(0, 40, 3):
        work = asyncio.create_task(shop.put(lexicon, f"w{turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        work.cancel()
        await asyncio.wait([work])

    words = await shop.words(lexicon)
    stored = await shop.lexicons.get(lexicon.id)
    assert stored is not None
    assert (stored.entries, stored.revision) == (len(words), len(words))


@pytest.mark.parametrize("data", [b"", b"no gzip", pack(entries())[:-9]])
async def test_a_damaged_content_is_told(shop: Shop, data: bytes) -> None:
    lexicon = await shop.lexicon()
    content = LexiconContent(
        owner="ann", lexicon_id=lexicon.id, number=1, entries=1, comment="", data=data
    )
    await shop.contents.add(content)

    with pytest.raises(DatabaseError):
        await shop.store.entries(lexicon.model_copy(update={"content_id": content.id}))
