"""Where a page of a list ended: an opaque text that the caller brings back for the next page.

It holds the order, a digest of the filter, and the order field and id of the last record seen, so
that records added or deleted meanwhile move nothing.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Table, UnaryExpression, and_, or_, tuple_
from sqlalchemy.types import JSON

from app.core.exceptions import InvalidRequest

_INTEGER_LIMIT = 2**31


@dataclass(frozen=True, slots=True)
class Keyset:
    """The order of a list, over a field and, where that ties, the id.

    Attributes:
        order: name of a column, `-` before it for descending.
        where: the filter of the list; cursors of other filters are refused.
    """

    table: Table
    order: str
    where: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name in (self.field, *self.where):
            if name not in self.table.c:
                raise InvalidRequest(
                    f"There is no field `{name}` to filter or sort by.",
                    f"Use one of: {', '.join(self.table.c.keys())}.",
                )
        if isinstance(self.table.c[self.field].type, JSON):
            raise InvalidRequest(f"A list cannot be sorted by `{self.field}`.")

    @property
    def field(self) -> str:
        return self.order.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.order.startswith("-")

    def order_by(self) -> tuple[UnaryExpression[Any], ...]:
        """Nulls come last both ways: the databases differ in what they do by themselves."""
        column, record_id = self.table.c[self.field], self.table.c.id
        ordered = column.desc() if self.descending else column.asc()
        if column.nullable:
            ordered = ordered.nulls_last()
        return ordered, record_id.desc() if self.descending else record_id.asc()

    def after(self, cursor: str) -> ColumnElement[bool]:
        """The condition that a record follows the one that the cursor points to.

        Raises:
            InvalidRequest: the cursor is malformed, or of another order or filter.
        """
        value, last_id = self.position(cursor)
        column, record_id = self.table.c[self.field], self.table.c.id
        if not column.nullable:  # as a row value, so that an index on both is used
            here, last = tuple_(column, record_id), tuple_(value, last_id)
            return here < last if self.descending else here > last
        tie = record_id < last_id if self.descending else record_id > last_id
        if value is None:
            return and_(column.is_(None), tie)
        beyond = column < value if self.descending else column > value
        return or_(beyond, and_(column == value, tie), column.is_(None))

    def cursor(self, last: Mapping[str, Any] | RowMapping) -> str:
        """The cursor behind the record with these columns."""
        value = last[self.field]
        content = {
            "o": self.order,
            "w": self._digest(),
            "v": value.isoformat() if isinstance(value, date) else value,
            "i": last["id"],
        }
        text = json.dumps(content, separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def position(self, cursor: str) -> tuple[Any, str]:
        """Value and id of the record that the cursor points to.

        Raises:
            InvalidRequest: the cursor is malformed, or of another order or filter.
        """
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            content = json.loads(urlsafe_b64decode(padded))
            asked = (content["o"], content["w"])
            value = self._value(content["v"])
            last_id = _checked(content["i"], str)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise InvalidRequest("The cursor is malformed.", _SUGGESTION) from error
        if asked != (self.order, self._digest()):
            raise InvalidRequest("The cursor belongs to another list.", _SUGGESTION)
        return value, last_id

    def _digest(self) -> str:
        text = json.dumps(sorted(self.where.items()), default=str)
        return sha256(text.encode()).hexdigest()[:16]

    def _value(self, raw: Any) -> Any:
        """The order field of the last record, as its column takes it."""
        column = self.table.c[self.field]
        kind = column.type.python_type
        if raw is None and column.nullable:
            return None
        if kind is datetime:
            moment = datetime.fromisoformat(raw)
            if moment.utcoffset() is None:
                raise ValueError("no time zone")
            return moment
        if kind is date:
            return date.fromisoformat(raw)
        return _checked(raw, kind)


_SUGGESTION = "Use the cursor of the page before, with the same filter and order, or none."


def _checked(raw: Any, kind: type) -> Any:
    """Cursors come from outside: only what a column can hold reaches the database."""
    if kind is float and type(raw) is int:
        return float(raw)
    if type(raw) is not kind:
        raise TypeError(f"not a {kind.__name__}")
    if isinstance(raw, int) and abs(raw) >= _INTEGER_LIMIT:
        raise ValueError("too large")
    if isinstance(raw, str) and "\0" in raw:
        raise ValueError("PostgreSQL has no null character")
    return raw
