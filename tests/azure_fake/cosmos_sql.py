"""The part of Cosmos DB's SQL that our adapter sends, parsed and evaluated as Cosmos DB does it:
what is undefined makes a condition undefined, values of different types are never equal or ordered,
and an order by several fields needs a composite index.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any
Document = Mapping[str, Json]
UNDEFINED = object()

_TOKEN = re.compile(
    r'\s*(?:(?P<field>c\["(?P<name>[^"]+)"\])|(?P<value>@\w+)|(?P<word>[A-Za-z_]+|\*)'
    r"|(?P<sign><=|>=|!=|[(),<>=]))"
)


class Unreadable(Exception):
    """The query is not one of this subset: 400."""


@dataclass
class Parsed:
    """A query.

    Attributes:
        fields: that are asked for; empty for the whole document.
        fits: gives True, False or UNDEFINED.
        order: pairs of field and whether it descends.
    """

    fields: list[str] = field(default_factory=list)
    fits: Callable[[Document], Json] = lambda document: True
    order: list[tuple[str, bool]] = field(default_factory=list)

    def run(self, documents: Iterator[Document]) -> list[dict[str, Json]]:
        found = [one for one in documents if self.fits(one) is True]
        for name, descending in reversed(self.order):
            found.sort(key=lambda one: _rank(one.get(name, UNDEFINED)), reverse=descending)
        if not self.fields:
            return [dict(one) for one in found]
        return [{name: one[name] for name in self.fields if name in one} for one in found]


def parse(text: str, parameters: Mapping[str, Json]) -> Parsed:
    return _Parser(_tokens(text), parameters).query()


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unreadable(f"at {text[at : at + 20]!r}")
        kind = str(found.lastgroup if found.lastgroup != "name" else "field")
        tokens.append(("field", found["name"]) if kind == "field" else (kind, found[kind]))
        at = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], parameters: Mapping[str, Json]) -> None:
        self._tokens = tokens
        self._parameters = parameters
        self._at = 0

    def query(self) -> Parsed:
        parsed = Parsed()
        self._word("SELECT")
        if not self._is("*"):
            parsed.fields = [self._field()]
            while self._is(","):
                parsed.fields.append(self._field())
        self._word("FROM")
        self._word("c")
        if self._is("WHERE"):
            parsed.fits = self._any()
        if self._is("ORDER"):
            self._word("BY")
            parsed.order = [self._ordered()]
            while self._is(","):
                parsed.order.append(self._ordered())
        if self._at != len(self._tokens):
            raise Unreadable(f"behind token {self._at}")
        return parsed

    def _ordered(self) -> tuple[str, bool]:
        name = self._field()
        if self._is("DESC"):
            return name, True
        self._is("ASC")
        return name, False

    def _any(self) -> Callable[[Document], Json]:
        parts = [self._all()]
        while self._is("OR"):
            parts.append(self._all())
        return lambda document: _decided([part(document) for part in parts], by=True)

    def _all(self) -> Callable[[Document], Json]:
        parts = [self._one()]
        while self._is("AND"):
            parts.append(self._one())
        return lambda document: _decided([part(document) for part in parts], by=False)

    def _one(self) -> Callable[[Document], Json]:
        if self._is("NOT"):
            inner = self._one()
            return lambda document: _opposite(inner(document))
        if self._is("("):
            inner = self._any()
            self._word(")")
            return inner
        if self._is("true"):
            return lambda document: True
        for name in ("IS_DEFINED", "IS_NULL", "CONTAINS"):
            if self._is(name):
                return self._function(name)
        return self._comparison()

    def _function(self, function: str) -> Callable[[Document], Json]:
        self._word("(")
        name = self._field()
        if function == "CONTAINS":
            self._word(",")
            text = self._parameter()
            self._word(",")
            self._word("true")
            self._word(")")
            return lambda document: _contains(document.get(name), text)
        self._word(")")
        if function == "IS_NULL":
            return lambda document: name in document and document[name] is None
        return lambda document: name in document

    def _comparison(self) -> Callable[[Document], Json]:
        name = self._field()
        if self._is("IN"):
            self._word("(")
            values = [self._parameter()]
            while self._is(","):
                values.append(self._parameter())
            self._word(")")
            return lambda document: _decided(
                [_compared(document.get(name, UNDEFINED), "=", one) for one in values], by=True
            )
        kind, sign = self._next()
        if kind != "sign" or sign not in ("=", "<", ">", "<=", ">="):
            raise Unreadable(f"no comparison: {sign}")
        value = self._parameter()
        return lambda document: _compared(document.get(name, UNDEFINED), sign, value)

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise Unreadable("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _is(self, wanted: str) -> bool:
        there = self._at < len(self._tokens) and self._tokens[self._at][0] in ("word", "sign")
        if there and self._tokens[self._at][1] == wanted:
            self._at += 1
            return True
        return False

    def _word(self, wanted: str) -> None:
        if not self._is(wanted):
            raise Unreadable(f"no {wanted} at token {self._at}")

    def _field(self) -> str:
        kind, text = self._next()
        if kind != "field":
            raise Unreadable(f"no field: {text}")
        return text

    def _parameter(self) -> Json:
        kind, text = self._next()
        if kind != "value" or text not in self._parameters:
            raise Unreadable(f"no parameter: {text}")
        return self._parameters[text]


def _decided(values: list[Json], *, by: bool) -> Json:
    """OR (by a True) or AND (by a False), with what is undefined."""
    if any(value is by for value in values):
        return by
    return UNDEFINED if any(value is UNDEFINED for value in values) else not by


def _opposite(value: Json) -> Json:
    return UNDEFINED if value is UNDEFINED else not value


def _contains(value: Json, text: str) -> Json:
    if not isinstance(value, str):
        return UNDEFINED
    return text.lower() in value.lower()


def _type(value: Json) -> int:
    if value is UNDEFINED:
        return 0
    if value is None:
        return 1
    if isinstance(value, bool):
        return 2
    if isinstance(value, int | float):
        return 3
    return 4 if isinstance(value, str) else 5


def _compared(left: Json, sign: str, right: Json) -> Json:
    if left is UNDEFINED:
        return UNDEFINED
    if _type(left) != _type(right):
        return False if sign == "=" else UNDEFINED
    if sign == "=":
        return left == right
    if _type(left) not in (3, 4):
        return UNDEFINED
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign]


def _rank(value: Json) -> tuple[int, Json]:
    kind = _type(value)
    return kind, value if kind in (2, 3, 4) else 0
