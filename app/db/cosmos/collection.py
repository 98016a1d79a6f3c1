"""The collections of the port, in Cosmos DB. docs/cosmos.md says what is atomic and what is not."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import Any, Final, Generic, TypeVar

from app.core.clock import utc_now
from app.core.exceptions import (
    Conflict,
    DatabaseError,
    InvalidRequest,
    NotFound,
    VersionConflict,
)
from app.core.tasks import see_through
from app.core.tracing import traced
from app.db.base import EXTENDED_AT_ONCE, AnyOf, Page, RecordT, Tally
from app.db.cosmos.container import Container, Document, Documents, Operation, Refused, transactions
from app.db.cosmos.queries import Query
from app.db.cursor import Keyset
from app.models.audit import AuditEvent
from app.models.base import Record

T = TypeVar("T")

HEAD: Final = "~head"
"""Id of the document that is replaced whenever a collection is extended."""
_MAX_LIMIT: Final = 500
_TRIES: Final = 50
_AT_ONCE: Final = 8
_PAUSE_S: Final = 0.01
_REFERENCE: Final = ("id", "_etag")


class CosmosCollection(Generic[RecordT]):
    """The records of one container. See `Collection` for what the methods promise."""

    def __init__(self, container: Container, kind: type[RecordT]) -> None:
        self._container = container
        self._form = container.form
        self._kind = kind

    @traced("database.get")
    async def get(self, record_id: str) -> RecordT | None:
        found = await self._all(self._query().where({"id": record_id}), {})
        return None if not found else self._record(found[0])

    @traced("database.list")
    async def list(
        self,
        *,
        where: Mapping[str, Any] | None = None,
        order: str = "-created_at",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[RecordT]:
        if not 1 <= limit <= _MAX_LIMIT:
            raise InvalidRequest(f"The limit must be from 1 to {_MAX_LIMIT}.", limit=limit)
        keyset = Keyset(self._form.table, order, where or {})
        position = None if cursor is None else keyset.position(cursor)
        if keyset.field in self._form.orders:
            found = await self._in_order(keyset, position, limit + 1)
        else:
            found = await self._sorted_here(keyset, position)
        records = [self._record(document) for document in found[:limit]]
        more = len(found) > limit
        return Page(
            items=records,
            cursor=keyset.cursor(_place(records[-1], keyset.field)) if more else None,
        )

    @traced("database.tally")
    async def tally(
        self, by: Sequence[str], *, where: Mapping[str, Any], sums: Sequence[str] = ()
    ) -> Sequence[Tally]:
        names = tuple(dict.fromkeys((*by, *sums)))
        found = await self._all(self._query(names).where(where), where)
        counts: dict[tuple[Any, ...], tuple[int, list[float]]] = {}
        for document in found:
            key = tuple(document.get(name) for name in by)
            count, totals = counts.get(key, (0, [0.0] * len(sums)))
            added = [
                total + (document.get(name) or 0) for total, name in zip(totals, sums, strict=True)
            ]
            counts[key] = count + 1, added
        return [
            Tally(
                tuple(self._form.value(name, stored) for name, stored in zip(by, key, strict=True)),
                count,
                tuple(totals),
            )
            for key, (count, totals) in counts.items()
        ]

    @traced("database.add")
    async def add(self, record: RecordT) -> RecordT:
        await self._create([self._form.document(record)])
        return record

    async def add_all(self, records: Sequence[RecordT]) -> None:
        documents = [self._form.document(record) for record in records]
        operations = [Operation("Create", document) for document in documents]
        done: Documents = []
        try:
            for some in self._by_partition(operations):
                part = [operation.document for operation in some]
                await self._create(part)
                done += part
        except BaseException:  # none is to be there; a transaction cannot span partitions
            if done:
                await see_through(self._undo(done))
            raise

    @traced("database.extend")
    async def extend(
        self, order: str, follow: Callable[[RecordT | None], Sequence[RecordT]]
    ) -> None:
        if not self._form.whole:
            raise DatabaseError("In Cosmos DB, records of this kind cannot be told in a row.")
        async with self._container.extending:
            for attempt in range(_TRIES):
                if await see_through(self._extended(order, follow)):
                    return
                await asyncio.sleep(_PAUSE_S * attempt)
        raise DatabaseError("Too many write at the same time.", "Try again in a moment.")

    @traced("database.update")
    async def update(self, record: RecordT) -> RecordT:
        self._refuse_changes()
        stored = await self._container.read(record.id, self._form.partition(record))
        if stored is None:
            raise NotFound("There is no record with this id.")
        if stored.get("version") != record.version:
            raise _changed()
        changed = record.model_copy(update={"version": record.version + 1, "updated_at": utc_now()})
        document = self._form.document(changed)
        try:
            await self._container.replace(document, stored["_etag"])
        except Refused as refused:
            if refused.doubtful and await self._is_there([document]):
                return changed
            if refused.status == 404:
                raise NotFound("There is no record with this id.") from refused
            if refused.status == 409:
                raise Conflict("Another record has what only one may have.") from refused
            raise _changed() from refused
        return changed

    @traced("database.update_where")
    async def update_where(self, where: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
        self._refuse_changes()
        found = await self._all(self._query().where(where), where)
        done = await _each(partial(self._change, where, changes), found)
        return sum(done)

    @traced("database.delete")
    async def delete(self, record_id: str) -> bool:
        return await self.delete_all([record_id]) == 1

    @traced("database.delete_all")
    async def delete_all(self, record_ids: Sequence[str]) -> int:
        self._refuse_changes()
        where = {"id": AnyOf(tuple(dict.fromkeys(record_ids)))}
        return await self._remove(await self._references(where), {})

    @traced("database.delete_where")
    async def delete_where(self, where: Mapping[str, Any]) -> int:
        self._refuse_changes()
        return await self._remove(await self._references(where), where)

    @traced("database.existing")
    async def existing(self, record_ids: Sequence[str]) -> set[str]:
        where = {"id": AnyOf(tuple(record_ids))}
        found = await self._all(self._query(("id",)).where(where), where)
        return {document["id"] for document in found}

    def _query(self, fields: Sequence[str] = ()) -> Query:
        return Query(self._form, fields)

    def _record(self, document: Document) -> RecordT:
        record: RecordT = self._form.record(document)
        return record

    def _partition(self, where: Mapping[str, Any]) -> str | None:
        """The partition where all lies that fits; None if it may be several."""
        if self._form.whole:
            return self._form.partition_field
        owner = where.get("owner")
        return owner if isinstance(owner, str) else None

    async def _all(
        self, query: Query, where: Mapping[str, Any], first: int | None = None
    ) -> Documents:
        return await self._container.find(query, partition=self._partition(where), first=first)

    async def _in_order(
        self, keyset: Keyset, position: tuple[Any, str] | None, count: int
    ) -> Documents:
        """The first of them. Each partition gives as many, and they are put in order here."""
        query = self._query().where(keyset.where)
        query.ordered(keyset.field, descending=keyset.descending)
        if position is not None:
            query.after(keyset.field, position, descending=keyset.descending)
        found = await self._all(query, keyset.where, count)
        found.sort(key=lambda one: (one[keyset.field], one["id"]), reverse=keyset.descending)
        return found[:count]

    async def _sorted_here(self, keyset: Keyset, position: tuple[Any, str] | None) -> Documents:
        """All behind a position. Records without a value come last."""
        found = await self._all(self._query().where(keyset.where), keyset.where)
        field, down = keyset.field, keyset.descending
        known = [one for one in found if one.get(field) is not None]
        known.sort(key=lambda one: (one[field], one["id"]), reverse=down)
        rest = [one for one in found if one.get(field) is None]
        rest.sort(key=lambda one: one["id"], reverse=down)
        if position is None:
            return known + rest
        last, last_id = self._form.stored(field, position[0]), position[1]
        if last is None:
            return [one for one in rest if one["id"] != last_id and (one["id"] < last_id) == down]
        here = (last, last_id)
        behind = [
            one
            for one in known
            if (one[field], one["id"]) != here and ((one[field], one["id"]) < here) == down
        ]
        return behind + rest

    def _by_partition(self, operations: Sequence[Operation]) -> Iterable[Sequence[Operation]]:
        field = self._form.partition_field

        def of(operation: Operation) -> str:
            return str(operation.document[field])

        for _, group in groupby(sorted(operations, key=of), key=of):
            yield from transactions(list(group))

    async def _create(self, documents: Sequence[Document]) -> None:
        """All or none; they are of one partition, and few enough."""
        try:
            if len(documents) == 1:
                await self._container.create(documents[0])
            else:
                await self._container.transact([Operation("Create", one) for one in documents])
        except Refused as refused:
            if refused.doubtful and await self._is_there(documents):
                return
            raise Conflict("A record with this id exists.") from refused

    async def _is_there(self, documents: Sequence[Document]) -> bool:
        """Whether these are stored, as they are: an earlier try was done, though none said so."""
        field = self._form.partition_field
        for document in documents:
            stored = await self._container.read(document["id"], document[field])
            if stored is None or any(stored.get(name) != document[name] for name in document):
                return False
        return True

    async def _undo(self, documents: Sequence[Document]) -> None:
        with suppress(DatabaseError):  # the first error counts
            await _each(self._container.delete, documents)

    async def _extended(
        self, order: str, follow: Callable[[RecordT | None], Sequence[RecordT]]
    ) -> bool:
        """Whether nobody else was faster. The head has another ETag whenever somebody was."""
        whole = self._form.partition_field
        head = await self._container.read(HEAD, whole)
        found = await self._newest(order)
        records = follow(self._record(found[0]) if found else None)
        if len(records) > EXTENDED_AT_ONCE:
            raise DatabaseError(f"More than {EXTENDED_AT_ONCE} records cannot follow at once.")
        new = {**_content(head), "id": HEAD, whole: whole, "only": HEAD}
        new["extended"] = new.get("extended", 0) + 1
        operations = [
            Operation("Replace", new, head["_etag"]) if head else Operation("Create", new),
            *(Operation("Create", self._form.document(record)) for record in records),
        ]
        try:
            await self._container.transact(operations)
        except Refused as refused:
            if refused.doubtful and await self._is_there([one.document for one in operations[1:]]):
                return True
            now = await self._container.read(HEAD, whole)
            if (now or {}).get("_etag") != (head or {}).get("_etag"):
                return False
            raise Conflict("A record with this id exists.") from refused
        return True

    async def _newest(self, order: str) -> Documents:
        if order in self._form.orders:
            return await self._all(self._query().where({}).ordered(order, descending=True), {}, 1)
        keyset = Keyset(self._form.table, f"-{order}", {})
        return (await self._sorted_here(keyset, None))[:1]

    async def _change(
        self, where: Mapping[str, Any], changes: Mapping[str, Any], document: Document
    ) -> bool:
        """Change one; again as long as others change it and it still fits."""
        at = {"owner": document["owner"], **where, "id": document["id"]}
        for _ in range(_TRIES):
            record = self._record(document)
            news = {"version": record.version + 1, "updated_at": utc_now(), **changes}
            changed = self._form.document(record.model_copy(update=news))
            try:
                await self._container.replace(changed, document["_etag"])
            except Refused as refused:
                if refused.status == 409:
                    raise Conflict("Another record has what only one may have.") from refused
                if refused.doubtful and await self._is_there([changed]):
                    return True
                found = await self._all(self._query().where(at), at)
                if not found:
                    return False
                document = found[0]
                continue
            return True
        raise DatabaseError("A record is changed by too many at once.", "Try again in a moment.")

    async def _references(self, where: Mapping[str, Any]) -> Documents:
        query = self._query((*_REFERENCE, self._form.partition_field)).where(where)
        return await self._all(query, where)

    async def _remove(self, found: Sequence[Document], where: Mapping[str, Any]) -> int:
        """Delete what was found, as long as it still fits; says how many there were.

        Args:
            where: what it must fit; if nothing, it is deleted however it was changed meanwhile.
        """
        match = bool(where)
        operations = [Operation("Delete", one, one["_etag"] if match else None) for one in found]
        parts = list(self._by_partition(operations))
        done = await _each(partial(self._remove_some, where), parts)
        return sum(done)

    async def _remove_some(self, where: Mapping[str, Any], some: Sequence[Operation]) -> int:
        if len(some) > 1:
            try:
                await self._container.transact(some)
            except Refused as refused:  # one was changed or deleted, and keeps the others
                ids = [operation.document["id"] for operation in some]
                if refused.doubtful and not await self.existing(ids):
                    return len(some)
            else:
                return len(some)
        count = 0
        for operation in some:
            count += await self._remove_one(where, operation.document)
        return count

    async def _remove_one(self, where: Mapping[str, Any], document: Document) -> bool:
        for _ in range(_TRIES):
            if await self._container.delete(document, match=bool(where)):
                return True
            if not where:
                return False
            found = await self._references({**where, "id": document["id"]})
            if not found:
                return False
            document = found[0]
        raise DatabaseError("A record is changed by too many at once.", "Try again in a moment.")

    def _refuse_changes(self) -> None:
        if self._kind is AuditEvent:
            raise DatabaseError("Audit events are neither changed nor deleted.")


def _place(record: Record, field: str) -> dict[str, Any]:
    return {field: getattr(record, field), "id": record.id}


def _changed() -> VersionConflict:
    return VersionConflict(
        "The record was changed since it was read.", "Read it again, then repeat the change."
    )


def _content(document: Document | None) -> Document:
    """Without what Cosmos DB adds."""
    return {name: value for name, value in (document or {}).items() if not name.startswith("_")}


async def _each(work: Callable[[Any], Awaitable[T]], items: Sequence[Any]) -> list[T]:
    """Some at once; the first error after all have ended."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Any) -> T:
        async with turns:
            return await work(item)

    found = await asyncio.gather(*map(one, items), return_exceptions=True)
    for result in found:
        if isinstance(result, BaseException):
            raise result
    return [result for result in found if not isinstance(result, BaseException)]
