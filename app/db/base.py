"""The database port: records in collections."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, TypeVar

from app.models.base import Record

RecordT = TypeVar("RecordT", bound=Record)


@dataclass(frozen=True, slots=True)
class Page(Generic[RecordT]):
    """Part of a list. `cursor` asks for what follows; None at the end."""

    items: list[RecordT]
    cursor: str | None


async def every(
    page_from: Callable[[str | None], Awaitable[Page[RecordT]]],
) -> AsyncIterator[RecordT]:
    """The records of all pages.

    Args:
        page_from: gives the page that a cursor asks for, the first one for None.
    """
    async for records in pages(page_from):
        for record in records:
            yield record


async def pages(
    page_from: Callable[[str | None], Awaitable[Page[RecordT]]],
) -> AsyncIterator[list[RecordT]]:
    """As `every`, page by page."""
    cursor: str | None = None
    while True:
        page = await page_from(cursor)
        yield page.items
        if page.cursor is None:
            return
        cursor = page.cursor


@dataclass(frozen=True, slots=True)
class Span:
    """Condition of a list: from `since` on, before `until`, moments or days. None leaves that end
    open.
    """

    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Records that have the same values in some fields.

    Attributes:
        values: of those fields.
        count: of the records.
        sums: of other fields; nothing counts as zero.
    """

    values: tuple[Any, ...]
    count: int
    sums: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """Condition of a list: the text stands somewhere in the field, as it is, without wildcards.

    The letters A to Z match in either case; whether others do depends on the database.
    """

    text: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Condition of a list: the field has one of these values; some hundred at most."""

    values: tuple[Any, ...]


class Collection(Protocol[RecordT]):
    """Records of one kind. Every method is one atomic operation.

    All methods raise `DatabaseError` when the database cannot be reached or is full.
    """

    async def get(self, record_id: str) -> RecordT | None: ...

    async def list(
        self,
        *,
        where: Mapping[str, Any] | None = None,
        order: str = "-created_at",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[RecordT]:
        """A page of the records whose fields equal `where`.

        Args:
            where: field -> value, or a `Span`, `Contains` or `AnyOf`.
            order: a field, `-` before it for descending; ties are broken by id, and records
                without a value come last.
            limit: 1 to 500.
            cursor: of the page before, for the same `where` and `order`.

        Raises:
            InvalidRequest: the cursor is not one of ours or is of another list, there is no such
                field, the limit is out of range, or a text to look for has a null character.
        """
        ...

    async def tally(
        self, by: Sequence[str], *, where: Mapping[str, Any], sums: Sequence[str] = ()
    ) -> Sequence[Tally]:
        """Count the records whose fields equal `where`, by the values of some fields.

        Args:
            sums: fields with numbers, to be added up.
        """
        ...

    async def add(self, record: RecordT) -> RecordT:
        """Add a record.

        Raises:
            Conflict: a record with this id exists, or with something else that only one may have.
        """
        ...

    async def add_all(self, records: Sequence[RecordT]) -> None:
        """Add records: all, or none on an error. One transaction costs less than many.

        Raises:
            Conflict: a record with one of these ids exists.
        """
        ...

    async def extend(
        self, order: str, follow: Callable[[RecordT | None], Sequence[RecordT]]
    ) -> None:
        """Add records behind the last one: all, or none on an error. Nobody else extends this
        collection meanwhile, in any process.

        Args:
            order: the field by which it is the last.
            follow: gives what comes behind it; behind None where there is none yet.

        Raises:
            Conflict: a record with one of these ids exists, or with something else that only one
                may have.
        """
        ...

    async def update(self, record: RecordT) -> RecordT:
        """Replace the record of the same id and `version`.

        Returns the record with the next version and a new `updated_at`.

        Raises:
            NotFound: there is no such record.
            VersionConflict: it has another version.
            Conflict: it has something now that another record has and only one may have.
        """
        ...

    async def update_where(self, where: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
        """Change some fields of all records whose fields equal `where`; says how many there were.
        Each has its next version then.
        """
        ...

    async def delete(self, record_id: str) -> bool:
        """Delete a record; False if there was none."""
        ...

    async def delete_all(self, record_ids: Sequence[str]) -> int:
        """Delete up to 500 records, in one transaction; says how many there were."""
        ...

    async def delete_where(self, where: Mapping[str, Any]) -> int:
        """Delete all records whose fields equal `where`; says how many there were."""
        ...

    async def existing(self, record_ids: Sequence[str]) -> set[str]:
        """Those of up to 500 ids that are ids of records."""
        ...


class Database(Protocol):
    """Opened once per process; gives the collections."""

    async def open(self, *, migrate: bool = True) -> None:
        """Connect, and bring the schema up to date or, without `migrate`, see that it is. Several
        processes may do so at once.
        """

    async def close(self) -> None: ...

    async def ping(self) -> None:
        """Raise `DatabaseError` if the database does not answer."""

    def collection(self, kind: type[RecordT]) -> Collection[RecordT]: ...
