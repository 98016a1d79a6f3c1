"""The shelf: which lexicons hold, and that they are read once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.core.exceptions import InvalidRequest, LexiconNotFound, RevisionNotFound
from app.db.audit import AuditTrail
from app.db.sql import SqlDatabase
from app.lexicons.shelf import Attached, LexiconShelf
from app.lexicons.store import Edited, LexiconStore
from app.models.audit import AuditEvent
from app.models.lexicon import Alphabet, Entry, EntryDraft, Lexicon, LexiconContent
from tests.lexicons.samples import a_lexicon, entries, some_words

pytestmark = pytest.mark.anyio

TEXT = "We saw Worcester and SQL."


class Counting:
    """Passes calls on, and counts them."""

    def __init__(self, inner: Any, calls: Counter[str], name: str) -> None:
        self._inner, self._calls, self._name = inner, calls, name

    def __getattr__(self, method: str) -> Any:
        self._calls[f"{self._name}.{method}"] += 1
        return getattr(self._inner, method)


class Shop:
    def __init__(self, database: SqlDatabase) -> None:
        self.calls: Counter[str] = Counter()
        self.lexicons = database.collection(Lexicon)
        counted: Any = Counting(self.lexicons, self.calls, "lexicons")
        contents: Any = Counting(database.collection(LexiconContent), self.calls, "contents")
        audit = AuditTrail(database.collection(AuditEvent))
        self.store = LexiconStore(lexicons=self.lexicons, contents=contents, audit=audit)
        self.shelf = LexiconShelf(lexicons=counted, store=self.store)

    async def lexicon(self, name: str, *drafts: EntryDraft, **fields: Any) -> Lexicon:
        made = await self.lexicons.add(a_lexicon(name=name, **fields))
        return await self.fill(made, *drafts) if drafts else made

    async def fill(self, lexicon: Lexicon, *drafts: EntryDraft) -> Lexicon:
        changed, _ = await self.store.change(
            lexicon.owner, lexicon.id, lambda *_: Edited(entries(drafts), "filled", None)
        )
        return changed

    async def names(self, *args: Any) -> list[str]:
        attached = await self.shelf.matcher(*args)
        found = [await self.lexicons.get(one) for one, _ in attached.lexicons]
        return [one.name for one in found if one]


def spoken(attached: Attached, text: str = TEXT, language: str = "en-US") -> list[str]:
    return [edit.spoken for edit in attached.matcher.match(text, language=language).edits]


def word(grapheme: str, alias: str, **fields: Any) -> EntryDraft:
    return EntryDraft(grapheme=grapheme, alias=alias, **fields)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    database = SqlDatabase(f"sqlite:///{tmp_path / 'voices.db'}")
    await database.open()
    yield Shop(database)
    await database.close()


async def test_the_entries_of_the_lexicons_are_said_the_first_has_precedence(shop: Shop) -> None:
    one = await shop.lexicon("one", word("SQL", "sequel"))
    two = await shop.lexicon("two", word("SQL", "S Q L"), word("Worcester", "wooster"))

    assert spoken(await shop.shelf.matcher("ann", [one.id, two.id], ())) == ["wooster", "sequel"]
    assert spoken(await shop.shelf.matcher("ann", [two.id, one.id], ())) == ["wooster", "S Q L"]
    assert spoken(await shop.shelf.matcher("ann", (), ())) == []


async def test_phonemes_are_ipa_and_entries_have_their_ids(shop: Shop) -> None:
    draft = EntryDraft(
        grapheme="Worcester", phonemes="W UH1 S T ER0", alphabet=Alphabet.CMU_ARPABET
    )
    lexicon = await shop.lexicon("one", draft)
    attached = await shop.shelf.matcher("ann", [lexicon.id], ())
    (edit,) = attached.matcher.match(TEXT, language="en-US").edits

    assert edit.phonemes == "ˈwʊstɚ"
    assert edit.entry == f"{lexicon.id}.1"
    assert attached.lexicons == ((lexicon.id, 1),)


async def test_entries_without_a_language_have_that_of_their_lexicon(shop: Shop) -> None:
    lexicon = await shop.lexicon("one", word("SQL", "sequel"), language="de")
    attached = await shop.shelf.matcher("ann", [lexicon.id], ())
    assert spoken(attached) == []
    assert spoken(attached, language="de-AT") == ["sequel"]

    await shop.lexicons.update(lexicon.model_copy(update={"language": "en"}))
    assert spoken(await shop.shelf.matcher("ann", [lexicon.id], ())) == ["sequel"]


async def test_where_none_is_asked_for_those_of_the_voice_come_before_the_default_ones(
    shop: Shop,
) -> None:
    for name in ("d1", "d2", "d3"):
        await shop.lexicon(name, is_default=True)
    await shop.lexicon("not by default")
    await shop.lexicon("another's", owner="ben", is_default=True)
    v1, v2 = await shop.lexicon("v1"), await shop.lexicon("v2")
    d2 = (await shop.lexicons.list(where={"name": "d2"})).items[0]
    gone = "550e8400-e29b-41d4-a716-446655440000"

    assert await shop.names("ann", None, ()) == ["d1", "d2", "d3"]
    assert await shop.names("ann", None, (v2.id,)) == ["v2", "d1", "d2"]
    assert await shop.names("ann", None, (d2.id, v1.id)) == ["d2", "v1", "d1"]
    assert await shop.names("ann", None, (v1.id, gone, v2.id)) == ["v1", "v2", "d1"]
    assert await shop.names("ann", [v1.id], (v2.id,)) == ["v1"]
    assert await shop.names("ann", (), (v2.id,)) == []
    assert await shop.names("eve", None, ()) == []


async def test_an_earlier_revision_can_be_asked_for(shop: Shop) -> None:
    lexicon = await shop.lexicon("one", word("SQL", "sequel"))
    await shop.fill(lexicon, word("SQL", "S Q L"))
    attached = await shop.shelf.matcher("ann", [f"{lexicon.id}@1"], ())

    assert spoken(attached) == ["sequel"]
    assert attached.lexicons == ((lexicon.id, 1),)
    assert spoken(await shop.shelf.matcher("ann", [lexicon.id], ())) == ["S Q L"]
    with pytest.raises(RevisionNotFound):
        await shop.shelf.matcher("ann", [f"{lexicon.id}@3"], ())


@pytest.mark.parametrize(
    "form",
    [
        "",
        "@",
        "@1",
        "{id}@",
        "{id}@x",
        "{id}@-1",
        "{id}@1@1",
        "{id}@99999999999",
        "{id}@²",
        " {id}",
        "{other}",
    ],
)
async def test_what_is_no_lexicon_of_the_owner_is_not_found(shop: Shop, form: str) -> None:
    lexicon = await shop.lexicon("one", word("SQL", "sequel"))
    other = await shop.lexicon("one", owner="ben")

    with pytest.raises(LexiconNotFound):
        await shop.shelf.matcher("ann", [form.format(id=lexicon.id, other=other.id)], ())


async def test_more_than_three_and_one_twice_are_refused(shop: Shop) -> None:
    ids = [(await shop.lexicon(f"l{n}")).id for n in range(4)]

    for wrong in (ids, [ids[0], ids[0]]):
        with pytest.raises(InvalidRequest):
            await shop.shelf.matcher("ann", wrong, ())


async def test_a_lexicon_that_did_not_change_costs_one_query(shop: Shop) -> None:
    lexicon = await shop.lexicon("one", word("SQL", "sequel"))
    first = await shop.shelf.matcher("ann", [lexicon.id], ())
    shop.calls.clear()
    second = await shop.shelf.matcher("ann", [lexicon.id], ())

    assert second.matcher is first.matcher
    assert shop.calls == {"lexicons.list": 1}

    await shop.fill(lexicon, word("SQL", "S Q L"))
    assert spoken(await shop.shelf.matcher("ann", [lexicon.id], ())) == ["S Q L"]


async def test_many_at_once_have_it_made_once(shop: Shop) -> None:
    lexicon = await shop.lexicon("one", *(word(w, "x") for w in some_words(2000)))
    attached = await asyncio.gather(
        *(shop.shelf.matcher("ann", [lexicon.id], ()) for _ in range(20))
    )

    assert len({id(one.matcher) for one in attached}) == 1


@pytest.mark.services
async def test_what_is_kept_is_bounded(shop: Shop) -> None:
    words = some_words(15_000)
    kept = []
    for number in range(6):
        lexicon = await shop.lexicon(f"l{number}", *(word(w, "x") for w in words))
        kept.append((lexicon.id, (await shop.shelf.matcher("ann", [lexicon.id], ())).matcher))

    again = [
        (await shop.shelf.matcher("ann", [one], ())).matcher is made for one, made in kept[::-1]
    ]
    assert again[0] is True
    assert again[-1] is False


def test_entries_are_slotted() -> None:
    """Tens of thousands of them are in memory."""
    assert not hasattr(entries()[0], "__dict__")
    assert isinstance(entries()[0], Entry)
