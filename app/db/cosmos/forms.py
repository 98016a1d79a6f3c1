"""How records become documents, and what each container is like.

A document has the fields of its record. What it has besides: `only`, the values that only one may
have, where there are such; and, in a container with one partition, `all`.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cached_property
from typing import Any, Final, Generic

from pydantic import ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy import LargeBinary, Table
from sqlalchemy.types import JSON

from app.core.exceptions import DatabaseError, InvalidRequest
from app.db.base import RecordT
from app.db.columns import UtcDateTime
from app.db.tables import TABLES
from app.models.api_key import ApiKey
from app.models.audit import AuditEvent
from app.models.base import Record
from app.models.job import Worker
from app.models.suspension import Suspension

# Few and small, or one after the other over all owners: what only one may have, and what comes
# last, can be told within a partition only.
_IN_ONE_PARTITION: Final = (AuditEvent, ApiKey, Suspension, Worker)
WHOLE: Final = "all"
"""Field and value that all documents of a container with one partition have."""
ONLY: Final = "only"
_ORDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "voice_versions": ("number",),
    "batches": ("expires_at",),
    "batch_items": ("position",),
    "usage_days": ("day",),
    "audit_events": ("number",),
}
"""By container: what lists are sorted by besides `created_at` and `id`. Other orders cost more."""
_NOT_IN_IDS: Final = frozenset("/\\?#")
_MAX_ID: Final = 255


@dataclass(frozen=True)
class Form(Generic[RecordT]):
    """Of the documents of one kind of record."""

    kind: type[RecordT]

    @cached_property
    def table(self) -> Table:
        return TABLES[self.kind]

    @cached_property
    def name(self) -> str:
        """Of the container."""
        return self.table.name.replace("_", "-")

    @cached_property
    def whole(self) -> bool:
        """Whether it has one partition."""
        return self.kind in _IN_ONE_PARTITION

    @cached_property
    def partition_field(self) -> str:
        return WHOLE if self.whole else "owner"

    @cached_property
    def orders(self) -> frozenset[str]:
        """Fields by which Cosmos DB itself sorts."""
        return frozenset({"created_at", "id", *_ORDERS.get(self.table.name, ())})

    @cached_property
    def unique(self) -> tuple[str, ...]:
        """Fields whose values together only one record may have; none if empty."""
        found = (index for index in self.table.indexes if index.unique)
        return next((tuple(column.name for column in index.columns) for index in found), ())

    def partition(self, record: Record) -> str:
        return WHOLE if self.whole else record.owner

    def document(self, record: RecordT) -> dict[str, Any]:
        """What is stored.

        Raises:
            InvalidRequest: its id cannot be one here.
        """
        if not 0 < len(record.id) <= _MAX_ID or _NOT_IN_IDS & set(record.id):
            raise InvalidRequest("A record cannot have this id.")
        values = record.model_dump()
        stored = {name: self.stored(name, values[name]) for name in self.table.c.keys()}  # noqa: SIM118
        if self.whole:
            stored[WHOLE] = WHOLE
        if self.unique:
            some = [stored[name] for name in self.unique]
            # Nothing is like nothing: as in SQL.
            text = record.id if None in some else json.dumps(some, ensure_ascii=False)
            stored[ONLY] = text
        return stored

    def record(self, document: Mapping[str, Any]) -> RecordT:
        """What was stored.

        Raises:
            DatabaseError: it has another form.
        """
        try:
            there = {name: self.value(name, document[name]) for name in self._in(document)}
            return self.kind.model_validate(there)
        except (ValidationError, ValueError, TypeError) as error:
            raise DatabaseError(
                "A stored record does not have the form that this version expects.",
                "Use the version of the program that has written it, or restore a backup.",
            ) from error

    def stored(self, name: str, value: Any) -> Any:
        """The value of a field, as it stands in a document."""
        if value is None:
            return None
        column = self.table.c[name]
        if isinstance(column.type, JSON):
            return to_jsonable_python(value, inf_nan_mode="strings")
        if isinstance(value, datetime):  # all of one length: sorted as texts, they are by time
            if value.tzinfo is None:
                raise ValueError("a datetime without a time zone cannot be stored")
            return _moment(value)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, bytes):
            return b64encode(value).decode()
        return value.value if isinstance(value, Enum) else value

    def value(self, name: str, stored: Any) -> Any:
        """The opposite of `stored`, as the SQL databases give it."""
        kind = self.table.c[name].type
        if stored is None or isinstance(kind, JSON):
            return stored
        if isinstance(kind, UtcDateTime):
            return datetime.fromisoformat(stored)
        if isinstance(kind, LargeBinary):
            return b64decode(stored)
        if kind.python_type is date:
            return date.fromisoformat(stored)
        return stored

    def _in(self, document: Mapping[str, Any]) -> list[str]:
        """Fields that are there: an older version may have stored fewer."""
        return [name for name in self.table.c.keys() if name in document]  # noqa: SIM118

    @cached_property
    def container(self) -> dict[str, Any]:
        """What the container is created with."""
        content: dict[str, Any] = {
            "id": self.name,
            "partitionKey": {"paths": [f"/{self.partition_field}"], "kind": "Hash", "version": 2},
            "indexingPolicy": {
                "indexingMode": "consistent",
                "automatic": True,
                "includedPaths": [{"path": f"/{name}/?"} for name in self._indexed()],
                "excludedPaths": [{"path": "/*"}],
                "compositeIndexes": [
                    [
                        {"path": f"/{name}", "order": "ascending"},
                        {"path": "/id", "order": "ascending"},
                    ]
                    for name in sorted(self.orders - {"id"})
                ],
            },
        }
        if self.unique:
            content["uniqueKeyPolicy"] = {"uniqueKeys": [{"paths": [f"/{ONLY}"]}]}
        return content

    def _indexed(self) -> list[str]:
        """What SQL has indexes on, and what is asked for here."""
        columns = {column.name for index in self.table.indexes for column in index.columns}
        wanted = {*columns, *self.orders, "owner", "version"} - {"id"}  # the id always is
        return sorted(wanted | {self.partition_field} | ({ONLY} if self.unique else set()))


def _moment(value: datetime) -> str:
    try:
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    except OverflowError as error:
        raise InvalidRequest("A value cannot be stored: too early, or too late.") from error


FORMS: Final[tuple[Form[Any], ...]] = tuple(Form(kind) for kind in TABLES)
