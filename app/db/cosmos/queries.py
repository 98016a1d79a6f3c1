"""Conditions of the port, in the SQL of Cosmos DB.

Values are parameters, and names come from the tables alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.exceptions import InvalidRequest
from app.db.base import AnyOf, Contains, Span
from app.db.cosmos.forms import Form


@dataclass(slots=True)
class Query:
    """A query in the making.

    Attributes:
        fields: that are asked for; none for all.
        nothing: that it can find nothing, as one value of none is wanted.
    """

    form: Form[Any]
    fields: Sequence[str] = ()
    order: str = ""
    nothing: bool = False
    _conditions: list[str] = field(default_factory=list)
    _values: list[Any] = field(default_factory=list)

    def where(self, where: Mapping[str, Any]) -> "Query":
        """Add that the fields have these values."""
        for name, wanted in where.items():
            self._conditions.append(self._fits(name, wanted))
        if self.form.whole:  # but for the one document that is no record
            self._conditions.append(f"IS_DEFINED({_at('owner')})")
        return self

    def after(self, name: str, position: tuple[Any, str], *, descending: bool) -> "Query":
        """Add that a record comes behind one with this value and id."""
        sign = "<" if descending else ">"
        last_id = self._given(position[1])
        if name == "id":
            self._conditions.append(f"{_at(name)} {sign} {last_id}")
            return self
        value = self._value(name, position[0])
        tie = f"({_at(name)} = {value} AND {_at('id')} {sign} {last_id})"
        self._conditions.append(f"({_at(name)} {sign} {value} OR {tie})")
        return self

    def compare(self, name: str, sign: str, value: Any) -> "Query":
        """Add that a field is `>`, `>=`, `<` or `<=` a value."""
        self._conditions.append(f"{_at(name)} {sign} {self._value(name, value)}")
        return self

    def where_any(self, names: Iterable[str], value: str) -> "Query":
        """Add that one of some fields has a value."""
        wanted = self._given(value)
        self._conditions.append("(" + " OR ".join(f"{_at(one)} = {wanted}" for one in names) + ")")
        return self

    def ordered(self, name: str, *, descending: bool) -> "Query":
        how = "DESC" if descending else "ASC"
        by = [name] if name == "id" else [name, "id"]
        self.order = ", ".join(f"{_at(one)} {how}" for one in by)
        return self

    def body(self) -> dict[str, Any]:
        """What is sent."""
        what = ", ".join(map(_at, self.fields)) or "*"
        text = f"SELECT {what} FROM c"  # noqa: S608 - names of our own
        if self._conditions:
            text += " WHERE " + " AND ".join(self._conditions)
        if self.order:
            text += f" ORDER BY {self.order}"
        named = [{"name": f"@v{at}", "value": value} for at, value in enumerate(self._values)]
        return {"query": text, "parameters": named}

    def _fits(self, name: str, wanted: Any) -> str:
        if wanted is None:  # an older version may not have stored it
            return f"(NOT IS_DEFINED({_at(name)}) OR IS_NULL({_at(name)}))"
        if isinstance(wanted, Contains):
            if "\0" in wanted.text:
                raise InvalidRequest("There is no null character in any text.")
            return f"CONTAINS({_at(name)}, {self._given(wanted.text)}, true)"
        if isinstance(wanted, AnyOf):
            self.nothing |= not wanted.values
            values = ", ".join(self._value(name, value) for value in wanted.values)
            return f"{_at(name)} IN ({values})"
        if isinstance(wanted, Span):
            ends = {">=": wanted.since, "<": wanted.until}
            found = [
                f"{_at(name)} {sign} {self._value(name, end)}"
                for sign, end in ends.items()
                if end is not None
            ]
            return " AND ".join(found) or "true"
        return f"{_at(name)} = {self._value(name, wanted)}"

    def _value(self, name: str, value: Any) -> str:
        return self._given(self.form.stored(name, value))

    def _given(self, stored: Any) -> str:
        self._values.append(stored)
        return f"@v{len(self._values) - 1}"


def _at(name: str) -> str:
    return f'c["{name}"]'
