"""The audit trail as a chain, in Cosmos DB: one partition, so that its parts change together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.core.exceptions import DatabaseError
from app.core.tracing import traced
from app.db.base import Lines
from app.db.cosmos.collection import HEAD
from app.db.cosmos.container import (
    MOST_OPERATIONS,
    Container,
    Document,
    Operation,
    Refused,
    transactions,
)
from app.db.cosmos.forms import ONLY, WHOLE
from app.db.cosmos.queries import Query
from app.db.ledger import at, names_in
from app.models.audit_chain import SEALS, Line, Link, erased

_PAGE: Final = 500
_REMOVED_AT_ONCE: Final = MOST_OPERATIONS - 1  # and the checkpoint
_TRIES: Final = 20
_TEXTS: Final = tuple(name for name in Line.__slots__ if name not in ("at", "number"))
_LINE: Final = ("number", "created_at", *_TEXTS)


class CosmosAuditLedger:
    """The container of audit events. See `AuditLedger` for what the methods promise."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._form = container.form

    async def checkpoint(self) -> Link:
        return _link(await self._container.read(HEAD, WHOLE))

    @traced("database.audit_lines")
    async def lines(
        self, after: tuple[Any, str] | None = None, *, since: int | None = None
    ) -> Lines:
        query = self._ordered(_LINE)
        if since is not None:
            query.compare("number", ">=", since)
        if after is not None:
            query.after("number", after, descending=False)
        found = await self._find(query, _PAGE)
        more = len(found) == _PAGE
        return Lines(
            [_line(one) for one in found],
            (found[-1]["number"], found[-1]["id"]) if more else None,
        )

    async def between(self, since: datetime | None, until: datetime | None) -> tuple[int, int]:
        first, last = self._ordered(("number",)), self._ordered(("number",), descending=True)
        if since is not None:
            first.compare("created_at", ">=", since)
        if until is not None:
            last.compare("created_at", "<", until)
        lowest, highest = await self._number(first), await self._number(last)
        return (1, 0) if lowest is None or highest is None else (lowest, highest)

    async def erase(self, subject: str) -> int:
        count, after = 0, None
        while True:
            query = self._ordered().where_any(SEALS, subject)
            if after is not None:
                query.compare("number", ">", after)
            found = await self._find(query, _PAGE)
            changed = [one for one in found if _names(one, subject)]
            count += len(changed)
            for some in transactions([_without(one, subject) for one in changed]):
                await self._change(some)
            if len(found) < _PAGE:
                return count
            after = found[-1]["number"]

    async def last_before(self, moment: datetime) -> int:
        young = self._ordered(("number",)).compare("created_at", ">=", moment)
        old = self._ordered(("number",), descending=True)
        first = await self._number(young)
        if first is not None:
            old.compare("number", "<", first)
        return await self._number(old) or 0

    async def remove_up_to(self, number: int) -> int:
        count = tries = 0
        while tries < _TRIES:
            head = await self._container.read(HEAD, WHOLE)
            query = self._ordered(("id", "number", "digest", WHOLE)).compare("number", "<=", number)
            found = await self._find(query, _REMOVED_AT_ONCE)
            if not found:
                return count
            try:
                await self._container.transact([_moved(head, found[-1]), *_deleted(found)])
            except Refused:  # others remove, or write, at the same time
                tries += 1
                continue
            count, tries = count + len(found), 0
        raise DatabaseError("Too many write at the same time.", "Try again in a moment.")

    def _ordered(self, fields: Sequence[str] = (), *, descending: bool = False) -> Query:
        query = Query(self._form, fields).where({})
        return query.ordered("number", descending=descending)

    async def _find(self, query: Query, first: int) -> list[Document]:
        return await self._container.find(query, partition=WHOLE, first=first)

    async def _number(self, query: Query) -> int | None:
        found = await self._find(query, 1)
        return int(found[0]["number"]) if found else None

    async def _change(self, some: Sequence[Operation]) -> None:
        """Nobody else changes events but to erase other names, or to remove them."""
        try:
            await self._container.transact(some)
        except Refused as refused:
            raise DatabaseError(
                "The audit trail was changed meanwhile.", "Erase the name again."
            ) from refused


def _link(head: Document | None) -> Link:
    removed = (head or {}).get("removed")
    return Link(removed["number"], removed["digest"]) if removed else Link()


def _moved(head: Document | None, last: Document) -> Operation:
    """The head, which says that all up to this event are removed."""
    new = {name: value for name, value in (head or {}).items() if not name.startswith("_")}
    new |= {"id": HEAD, WHOLE: WHOLE, ONLY: HEAD}
    new["removed"] = {"number": last["number"], "digest": last["digest"]}
    return Operation("Replace", new, head["_etag"]) if head else Operation("Create", new)


def _deleted(found: Sequence[Document]) -> list[Operation]:
    return [Operation("Delete", one) for one in found]


def _names(document: Document, subject: str) -> set[str]:
    return names_in(_line(document), subject)


def _without(document: Document, subject: str) -> Operation:
    line = erased(_line(document), _names(document, subject))
    changes = {name: getattr(line, name) for name in (*SEALS, *SEALS.values())}
    new = {name: value for name, value in document.items() if not name.startswith("_")} | changes
    return Operation("Replace", new, document["_etag"])


def _line(document: Mapping[str, Any]) -> Line:
    texts = {name: str(document.get(name, "")) for name in _TEXTS}
    number = document.get("number")
    return Line(
        number=number if isinstance(number, int) else 0,
        at=at(str(document.get("created_at", ""))),
        **texts,
    )
