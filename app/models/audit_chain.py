"""The chain of the audit trail: each event holds the digest of the one before it.

What names somebody goes into the digest as a salted mark of its own. A seal stands beside each
name: the salt as long as the name is there, the mark once it is erased. So the chain holds when a
name is erased, nobody can be found out by guessing, and a name cannot be replaced by another one.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from app.models.audit import Action, AuditEvent

FIRST: Final = "0" * 64
"""Stands for the digest before the first event."""
ERASED: Final = "erased"
SEALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "actor": "actor_seal",
        "owner": "owner_seal",
        "subject_id": "subject_seal",
        "source": "source_seal",
    }
)
"""What names somebody, and where its seal is."""
SALT_CHARS: Final = 32
MARK_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain: the number and the digest of an event."""

    number: int = 0
    digest: str = FIRST

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


@dataclass(frozen=True, slots=True)
class Line:
    """An event as it stands in the chain, in an export and in the digest: as it was found, whatever
    somebody has made of it.

    Attributes:
        at: `2026-01-15T10:30:00.000000+00:00`, always UTC with microseconds.
    """

    number: int
    at: str
    id: str
    actor: str
    action: str
    subject_id: str
    owner: str
    outcome: str
    request_id: str
    source: str
    actor_seal: str
    owner_seal: str
    subject_seal: str
    source_seal: str
    previous: str
    digest: str

    @classmethod
    def of(cls, event: AuditEvent) -> "Line":
        """As it will be read again."""
        return cls(
            at=moment(event.created_at),
            action=event.action.value,
            **{name: getattr(event, name) for name in _SAME},
        )

    def text(self) -> str:
        """JSON on one line."""
        return json.dumps(asdict(self), separators=(",", ":"))


_SAME: Final = tuple(name for name in Line.__slots__ if name not in ("at", "action"))
_OF_THE_CHAIN: Final = ("number", "previous", "digest", *SEALS.values())


def moment(at: datetime) -> str:
    """As it stands in the chain. Without a time zone it is UTC."""
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return aware.isoformat(timespec="microseconds")


def chained(last: Link, events: Iterable[AuditEvent]) -> Iterator[AuditEvent]:
    """Events with their numbers, seals and digests, behind the last one of the trail."""
    for event in events:
        line = sealed(last, Line.of(event))
        last = Link(line.number, line.digest)
        yield event.model_copy(update={name: getattr(line, name) for name in _OF_THE_CHAIN})


def sealed(last: Link, line: Line) -> Line:
    """With its number, seals and digest, behind the last one of the trail."""
    salts = {seal: secrets.token_hex(SALT_CHARS // 2) for seal in SEALS.values()}
    linked = replace(line, number=last.number + 1, previous=last.digest, **salts)
    return replace(linked, digest=digest_of(linked))


def digest_of(line: Line) -> str:
    """SHA-256 over all that must not change, in hexadecimal."""
    content = {
        "number": line.number,
        "previous": line.previous,
        "id": line.id,
        "at": line.at,
        "action": line.action,
        "outcome": line.outcome,
        "request_id": line.request_id,
        "marks": {name: _mark(line, name) for name in SEALS},
    }
    return _sha256(content)


def erased(line: Line, names: Iterable[str]) -> Line:
    """Without some of what names somebody; what is erased already stays so."""
    changes: dict[str, Any] = {}
    for name in names:
        if len(getattr(line, SEALS[name])) == SALT_CHARS:
            changes |= {name: ERASED, SEALS[name]: _mark(line, name)}
    return replace(line, **changes)


def _mark(line: Line, name: str) -> str:
    """Of a name, by its salt; the one that is kept, if the name is erased."""
    value, seal = getattr(line, name), getattr(line, SEALS[name])
    if len(seal) == MARK_CHARS and value == ERASED:
        return str(seal)
    return _sha256([name, seal, value])


def _sha256(content: Any) -> str:
    """Of JSON in ASCII, keys sorted, without spaces."""
    return sha256(_encoded(content).encode()).hexdigest()


_encoded: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def json_lines(lines: Iterable[Line]) -> str:
    return "".join(f"{line.text()}\n" for line in lines)


def expired_up_to(line: Line) -> int:
    """The number up to which the event says that events were removed; 0 if it tells of others."""
    told = line.subject_id
    expired = line.action == Action.AUDIT_EXPIRED and told.isascii() and told.isdigit()
    return int(told) if expired and len(told) < _MOST_DIGITS else 0


_MOST_DIGITS: Final = 20
