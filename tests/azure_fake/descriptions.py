"""Descriptions that Azure publishes, as `tools/azure_contracts.py` wrote them into `contracts/`.

Harder than they are, since they leave objects open: a request has no member that they do not name,
and none that is read-only. Softer where they say that a list of values may grow: any value of an
answer will do. Where they are not followed is said in this module and nowhere else: `BESIDES`,
`SAME_SHAPES`, `ANY_CASE`, `NUMBERED_ERRORS`, `LOOSE_TIMES`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

FOLDER = Path(__file__).parent / "contracts"

_ID = {"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}[a-zA-Z0-9]$"}
BESIDES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # The description has neither, and `audioData` instead; the documentation, the example of
        # the description and Microsoft's sample send both.
        "PersonalVoices_Post": {
            "consentId": _ID | {"required": True},
            "audiodata": {"type": "file", "x-max-bytes": 31_457_280, "required": True},
        },
    }
)
"""Fields of forms, by operation."""
SAME_SHAPES: Mapping[str, str] = MappingProxyType({"2024-02-01-preview": "2026-01-01"})
"""A preview of the custom voice API whose documentation has the shapes of the version after it."""
ANY_CASE = frozenset({"3.0"})
"""Versions whose paths (`/Detect`) and members (`Text`, described as `text`) are written in more
than one way: the documentation has `/detect` and `Text`."""
NUMBERED_ERRORS = frozenset({"3.0", "2026-06-06"})
"""Versions whose codes of errors are strings by the description, numbers by its own prose."""
LOOSE_TIMES = frozenset({"2024-04-01"})
"""Versions whose answers have been seen with times that name no zone."""


@dataclass(frozen=True)
class Operation:
    """`said`: as the contract has it."""

    said: Mapping[str, Any]
    any_case: bool

    @property
    def name(self) -> str:
        return str(self.said["id"])

    @cached_property
    def _path(self) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", self.said["path"])
        text = "".join(
            f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
        return re.compile(text, re.IGNORECASE if self.any_case else 0)

    @property
    def literal(self) -> int:
        """Letters of its path that are not of parameters."""
        return len(re.sub(r"\{\w+\}", "", self.said["path"]))

    def of(self, method: str, path: str) -> dict[str, str] | None:
        """Parameters of a path, if it is its own."""
        if method != self.said["method"]:
            return None
        found = self._path.fullmatch(path)
        return found.groupdict() if found else None


@dataclass(frozen=True)
class Contract:
    """A description. `said`: the file."""

    said: Mapping[str, Any]

    @property
    def version(self) -> str:
        return str(self.said["version"])

    @property
    def base(self) -> str:
        return str(self.said["base"])

    @cached_property
    def operations(self) -> Sequence[Operation]:
        made = [Operation(one, self.version in ANY_CASE) for one in self.said["operations"]]
        return sorted(made, key=lambda one: -one.literal)

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        for operation in self.operations:
            found = operation.of(method, path)
            if found is not None:
                return operation, found
        return None

    def wrong_in(self, value: Any, schema: Mapping[str, Any], *, sent: bool) -> Iterator[str]:
        """What is wrong with a document. `sent`: it is of a request."""
        for error in self._validator(json.dumps(schema), sent).iter_errors(value):
            where = "".join(f"/{part}" for part in error.absolute_path)
            read_only = error.validator == "not"
            yield f"{where or '/'}: {'read-only' if read_only else error.message}"

    @cached_property
    def _definitions(self) -> dict[bool, dict[str, Any]]:
        found: dict[str, Any] = self.said["definitions"]
        if self.version in NUMBERED_ERRORS:
            found = json.loads(json.dumps(found))
            error = found.get("ErrorDetails") or found["ErrorMessage"]["properties"]["error"]
            error["properties"]["code"] = {"type": ["string", "integer"]}
        return {
            sent: {name: self._bent(one, sent=sent) for name, one in found.items()}
            for sent in (True, False)
        }

    @cached_property
    def _validators(self) -> dict[tuple[str, bool], Any]:
        return {}

    def _validator(self, schema: str, sent: bool) -> Any:
        if (schema, sent) not in self._validators:
            from jsonschema import Draft4Validator  # takes its time: only where it is needed

            whole = {
                "allOf": [self._bent(json.loads(schema), sent=sent)],
                "definitions": self._definitions[sent],
            }
            self._validators[schema, sent] = Draft4Validator(whole, format_checker=_formats())
        return self._validators[schema, sent]

    def _bent(self, schema: Any, *, sent: bool) -> Any:
        """Harder for what is sent, softer for answers."""
        if not isinstance(schema, Mapping):
            return schema
        made = {word: value for word, value in schema.items() if not word.startswith("x-")}
        made.pop("readOnly", None)
        if not sent and self.version in LOOSE_TIMES and made.get("format") == "date-time":
            made.pop("format")
        if not sent and schema.get("x-grows"):
            made.pop("enum", None)
        for word in ("items", "additionalProperties"):
            if word in made:
                made[word] = self._bent(made[word], sent=sent)
        if "allOf" in made:
            made["allOf"] = [self._bent(one, sent=sent) for one in made["allOf"]]
        if "properties" in made:
            made["properties"] = {
                name: {"not": {}} if sent and self._read_only(one) else self._bent(one, sent=sent)
                for name, one in self._members(schema).items()
            }
            if sent and "allOf" not in made:
                made.setdefault("additionalProperties", False)
        return made

    def _members(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        members = dict(schema["properties"])
        if self.version in ANY_CASE:
            for name in schema.get("required", ()):
                members.setdefault(name, members.pop(name.lower(), {}))
        return members

    def _read_only(self, schema: Mapping[str, Any]) -> bool:
        if "$ref" in schema:
            schema = self.said["definitions"][schema["$ref"].rpartition("/")[2]]
        return bool(schema.get("readOnly"))


@cache
def contract(name: str) -> Contract:
    """One of the files of `contracts/`."""
    return Contract(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


@cache
def _formats() -> Any:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())

    def of_text(name: str, pattern: str) -> None:
        known = re.compile(pattern)
        checker.checks(name)(lambda v: not isinstance(v, str) or bool(known.fullmatch(v)))

    def of_number(name: str, bits: int) -> None:
        end = 2 ** (bits - 1)
        checker.checks(name)(lambda v: not isinstance(v, int) or -end <= v < end)

    for name in ("uri", "url"):
        of_text(name, r"[a-zA-Z][a-zA-Z0-9+.-]*://\S+")
    of_number("int32", 32)
    of_number("int64", 64)
    checker.checks("uuid", raises=ValueError)(lambda v: not isinstance(v, str) or bool(UUID(v)))
    checker.checks("date-time", raises=ValueError)(_is_time)
    return checker


def _is_time(value: Any) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None
