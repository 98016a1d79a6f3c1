"""The database port: records in collections."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from app.models.audit_chain import Line, Link
from app.models.base import Record

if TYPE_CHECKING:
    from app.fingerprint.landmarks import Landmarks
    from app.fingerprint.matching import Hits
    from app.models.output import Output

RecordT = TypeVar("RecordT", bound=Record)

EXTENDED_AT_ONCE: Final = 90
"""Records that can follow the last one in one step; some databases have such a limit."""


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
            follow: gives what comes behind it, `EXTENDED_AT_ONCE` records at most; behind None
                where there is none yet. May be called more than once.

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


@dataclass(frozen=True, slots=True)
class Lines:
    """A page of audit events in the order of their numbers.

    Attributes:
        after: where the next page begins; None at the end.
    """

    items: list[Line]
    after: tuple[Any, str] | None


class AuditLedger(Protocol):
    """The audit events as a chain. All methods raise `DatabaseError` as collections do."""

    async def checkpoint(self) -> Link:
        """The last event that was removed; its number is 0 if none was."""
        ...

    async def lines(
        self, after: tuple[Any, str] | None = None, *, since: int | None = None
    ) -> Lines:
        """Up to 500 events, from the first on, or from one with this number."""
        ...

    async def between(self, since: datetime | None, until: datetime | None) -> tuple[int, int]:
        """The numbers of the first event from a moment on, and of the last before another: all in
        between belong to an export, or it would have gaps. The second is lower if there are none.
        """
        ...

    async def erase(self, subject: str) -> int:
        """Erase a name wherever it stands; says in how many events.

        Where it is who did something, or whose something is, the address goes as well.
        """
        ...

    async def last_before(self, moment: datetime) -> int:
        """Number of the last of those events at the start that are all older; 0 if there is none
        to be removed.
        """
        ...

    async def remove_up_to(self, number: int) -> int:
        """Remove the oldest events; says how many there were. The checkpoint tells of the last."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """An output with its landmarks, to be kept."""

    output: "Output"
    landmarks: "Landmarks"


class OutputStore(Protocol):
    """How outputs sound. All methods raise `DatabaseError`."""

    async def add(self, heard: Sequence[Heard]) -> None:
        """Add outputs: all, or none on an error.

        Raises:
            Conflict: one of them is there.
            InvalidRequest: a value cannot be stored.
        """
        ...

    async def hits(self, clip: "Landmarks") -> "Hits":
        """All that a clip shares with outputs, wherever it lies."""
        ...

    async def get(self, numbers: Iterable[int], *, owner: str | None) -> "Mapping[int, Output]":
        """Those that are there, by number.

        Args:
            numbers: some hundred at most.
            owner: whose they must be; None for anybody's.
        """
        ...

    async def oldest(self) -> datetime | None:
        """When the oldest output was made; None if there is none."""
        ...

    async def expire(self, before: datetime) -> int:
        """Delete what was made before that; says how many outputs there were."""
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

    def audit_ledger(self) -> AuditLedger: ...

    def outputs(self) -> OutputStore: ...
