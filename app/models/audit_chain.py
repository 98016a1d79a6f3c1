"""The chain of the audit trail: each event holds the digest of the one before it.

What names somebody is in the digest only as a salted digest of its own, which stays when the name
and the salt are erased: the chain holds, and nobody can be found out by guessing.
"""

import json
import secrets
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from app.models.audit import AuditEvent

FIRST: Final = "0" * 64
"""Stands for the digest before the first event."""
ERASED: Final = "erased"
_PERSONAL: Final = ("actor", "owner", "subject_id", "source")


def chained(last: AuditEvent | None, events: Iterable[AuditEvent]) -> Iterator[AuditEvent]:
    """Events with their numbers and digests, behind the last one of the trail."""
    number, previous = (last.number, last.digest) if last else (0, FIRST)
    for event in events:
        number += 1
        salt = secrets.token_hex(16)
        marks = {name: _mark(salt, getattr(event, name)) for name in _PERSONAL}
        linked = event.model_copy(
            update={"number": number, "previous": previous, "salt": salt, "marks": marks}
        )
        previous = digest_of(linked)
        yield linked.model_copy(update={"digest": previous})


def digest_of(event: AuditEvent) -> str:
    """SHA-256 over all that must not change, hexadecimal."""
    content = {
        "number": event.number,
        "previous": event.previous,
        "id": event.id,
        "at": event.created_at.isoformat(),
        "action": event.action.value,
        "outcome": event.outcome,
        "request_id": event.request_id,
        "marks": event.marks,
    }
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def erased(event: AuditEvent) -> AuditEvent:
    """Without what names somebody."""
    return event.model_copy(update=dict.fromkeys(_PERSONAL, ERASED) | {"salt": ""})


def faults(events: Iterable[AuditEvent], before: AuditEvent | None = None) -> Iterator[str]:
    """What is wrong with events that follow each other, in words.

    Args:
        before: the one that comes before them; None where they are the first.
    """
    number, previous = (before.number, before.digest) if before else (0, FIRST)
    for event in events:
        number += 1
        if event.number != number:
            yield f"Events {number} to {event.number - 1} are missing."
            number = event.number
        elif event.previous != previous:
            yield f"Event {number} does not follow the one before it."
        if digest_of(event) != event.digest:
            yield f"Event {number} was changed."
        elif event.salt and any(
            _mark(event.salt, getattr(event, name)) != event.marks.get(name) for name in _PERSONAL
        ):
            yield f"Event {number} names somebody else than it did."
        previous = event.digest


def _mark(salt: str, value: str) -> str:
    return sha256(f"{salt}:{value}".encode()).hexdigest()
