"""Whether a chain of audit events is as it was written."""

import json
import re
from dataclasses import fields
from typing import Any, Final

from app.core.exceptions import InvalidRequest
from app.models.audit import AuditFault, AuditVerdict, FaultKind
from app.models.audit_chain import (
    FIRST,
    MARK_CHARS,
    SALT_CHARS,
    SEALS,
    Line,
    Link,
    digest_of,
    expired_up_to,
)

MAX_FAULTS: Final = 1000
"""That are told one by one."""

_TOO_LARGE: Final = 10**18
_NOTED = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_TYPES: Final = {field.name: int if field.name == "number" else str for field in fields(Line)}


def noted(text: str) -> Link:
    """What was noted of an earlier run, NUMBER:DIGEST.

    Raises:
        InvalidRequest: it does not have that form.
    """
    if found := _NOTED.fullmatch(text.strip().lower()):
        return Link(int(found[1]), found[2])
    raise InvalidRequest(
        "What is expected is not a number and a digest.",
        "Give it as an earlier run has printed it, NUMBER:DIGEST, with 64 hexadecimal digits.",
    )


class ChainCheck:
    """Looks at events in their order, one after the other; keeps none of them.

    Args:
        start: the event before the first one; None where that is not known, as in an export.
        expect: an event of which the digest was noted.
    """

    def __init__(self, *, start: Link | None, expect: Link | None = None) -> None:
        self._start = start
        self._expect = expect
        self._last = start
        self._first: int | None = None
        self._events = 0
        self._expired_up_to = 0
        self._seen = False
        self._faults: list[AuditFault] = []
        self._fault_count = 0

    def add(self, line: Line) -> None:
        """The next event."""
        self._events += 1
        self._expired_up_to = max(self._expired_up_to, expired_up_to(line))
        if self._first is None:
            self._first = line.number
            if self._start is None:
                first = Link(0, FIRST) if line.number == 1 else None
                self._last = first or Link(line.number - 1, line.previous)
        self._place(line)
        if not _as_written(line):
            self._fault(line.number, FaultKind.CHANGED, f"Event {line.number} was changed.")
        self._compare(line)

    def unreadable(self, number: int) -> None:
        """A line of a file is no event."""
        self._fault(number, FaultKind.UNREADABLE, f"Line {number} of the file is no audit event.")

    def verdict(self) -> AuditVerdict:
        """What has come of it, at the end."""
        start = self._start or Link()
        self._end(start)
        last = self._last or Link()
        return AuditVerdict(
            valid=not self._fault_count,
            events=self._events,
            first=self._first,
            last=last.number if self._events else None,
            digest=last.digest,
            removed_up_to=start.number,
            faults=self._faults,
            fault_count=self._fault_count,
        )

    def _place(self, line: Line) -> None:
        """Whether it follows the one before it."""
        last, number = self._last or Link(), line.number
        if number <= last.number:
            told = f"Event {number} stands behind event {last.number}, where it does not belong."
            self._fault(number, FaultKind.REORDERED, told)
            return
        if number > last.number + 1:
            gap = (last.number + 1, number - 1)
            one = f"Event {gap[0]} is missing."
            many = f"Events {gap[0]} to {gap[1]} are missing."
            self._fault(gap[0], FaultKind.MISSING, one if gap[0] == gap[1] else many)
        elif line.previous != last.digest:
            told = f"Event {number} does not follow event {last.number}: one of them was replaced."
            self._fault(number, FaultKind.REPLACED, told)
        self._last = Link(number, line.digest)

    def _compare(self, line: Line) -> None:
        """With what was noted."""
        if self._expect is None or line.number != self._expect.number:
            return
        self._seen = True
        if line.digest != self._expect.digest:
            told = f"Event {line.number} has another digest than was noted: it was replaced."
            self._fault(line.number, FaultKind.REPLACED, told)

    def _end(self, start: Link) -> None:
        if start.number > self._expired_up_to:
            told = f"Events up to {start.number} were removed, and no event tells that they were."
            self._fault(start.number, FaultKind.REMOVED, told)
        wanted = self._expect
        if wanted is None or self._seen or wanted == start:
            return
        last = (self._last or Link()).number
        if wanted.number > last:
            told = f"Event {wanted.number} was noted, but the trail ends with {last}: it was cut."
            self._fault(wanted.number, FaultKind.CUT, told)
        elif wanted.number == start.number:
            told = f"Event {wanted.number}, the last one removed, had another digest than noted."
            self._fault(wanted.number, FaultKind.REPLACED, told)
        else:
            told = f"Event {wanted.number} was noted, but is not there to be compared."
            self._fault(wanted.number, FaultKind.MISSING, told)

    def _fault(self, number: int, kind: FaultKind, detail: str) -> None:
        self._fault_count += 1
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(AuditFault(number=number, kind=kind, detail=detail))


def _as_written(line: Line) -> bool:
    lengths = {len(getattr(line, seal)) for seal in SEALS.values()}
    return lengths <= {SALT_CHARS, MARK_CHARS} and digest_of(line) == line.digest


def line_of(text: str) -> Line | None:
    """The event on a line of an export; None if it is none."""
    try:
        found: Any = json.loads(text)
        values = {name: found[name] for name in _TYPES}
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    right = all(type(values[name]) is kind for name, kind in _TYPES.items())
    if not right or len(found) != len(_TYPES) or abs(values["number"]) >= _TOO_LARGE:
        return None
    return Line(**values)
