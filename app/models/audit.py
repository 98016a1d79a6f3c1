"""Audit events: who did what to which voice, key or lexicon, and from where. Written once; after
that only names can be erased, and the oldest events removed.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from app.models.base import Record

DONE: Final = "ok"
"""Outcome of what succeeded."""


class Action(StrEnum):
    """What was done."""

    VOICE_CREATED = "voice.created"
    VOICE_USED = "voice.used"
    VOICE_TRAINED = "voice.trained"
    VOICE_CHANGED = "voice.changed"
    VOICE_EXPORTED = "voice.exported"
    VOICE_DELETED = "voice.deleted"
    VOICE_SHARED_TO_USE = "voice.shared-use"
    VOICE_SHARED_TO_MANAGE = "voice.shared-manage"
    VOICE_UNSHARED = "voice.unshared"
    CONSENT_CREATED = "consent.created"
    CONSENT_APPROVED = "consent.approved"
    CONSENT_REJECTED = "consent.rejected"
    CONSENT_BOUND = "consent.bound"
    CONSENT_REVOKED = "consent.revoked"
    CONSENT_DELETED = "consent.deleted"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    LEXICON_CREATED = "lexicon.created"
    LEXICON_CHANGED = "lexicon.changed"
    LEXICON_DELETED = "lexicon.deleted"
    AUDIT_ERASED = "audit.erased"
    AUDIT_EXPIRED = "audit.expired"
    SUSPENDED = "suspension.created"
    SUSPENSION_LIFTED = "suspension.lifted"
    DENIED_SPEAKER_ADDED = "denied-speaker.added"
    DENIED_SPEAKER_DELETED = "denied-speaker.deleted"
    FLAG_CLOSED = "flag.closed"
    REPORT_MADE = "report.created"
    TEXT_BLOCKED = "text.blocked"
    SPEAKER_DENIED = "speaker.denied"


class AuditEvent(Record):
    """One thing that was done.

    Attributes:
        owner: of what it was done to; of a share, with whom: an owner or `group:…`.
        actor: subject of the principal who did it.
        subject_id: id of the voice, key or lexicon.
        outcome: `ok`, or the code of the error.
        request_id: of the HTTP request; `-` outside one.
        source: network address of the caller; `-` outside a request.
        number, previous, digest, and the seals: of the chain, see app/models/audit_chain.py.
    """

    actor: str
    action: Action
    subject_id: str
    outcome: str
    request_id: str
    source: str = "-"
    number: int = 0
    actor_seal: str = ""
    owner_seal: str = ""
    subject_seal: str = ""
    source_seal: str = ""
    previous: str = ""
    digest: str = ""


_ENTRY: dict[str, Any] = {
    "id": "7d9f7f5e-2f0b-4f7c-9d51-0c8d3f1f6a52",
    "at": "2026-01-15T10:30:00Z",
    "actor": "key:3f2a9c1e",
    "action": "voice.used",
    "subject_id": "550e8400-e29b-41d4-a716-446655440000",
    "owner": "team-a",
    "outcome": "ok",
    "request_id": "0f3c1f2e9a7b4c55",
    "source": "203.0.113.7",
    "number": 1042,
    "digest": "5b1c8f0d7d6a4a0e9c3f2b1d8e7a6c5b4f3e2d1c0b9a8f7e6d5c4b3a29181706",
}


class AuditEntry(BaseModel):
    """An event as callers see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENTRY]})

    id: str
    at: datetime
    actor: str = Field(description="Subject of who did it; `local` is the command line.")
    action: Action
    subject_id: str = Field(description="Id of the voice, key or lexicon.")
    owner: str = Field(
        description="Of the voice, key or lexicon. Of a share, with whom: an owner, or `group:…`."
    )
    outcome: str = Field(description="`ok`; else the code of the error that came of it.")
    request_id: str = Field(description="`-` outside an HTTP request.")
    source: str = Field(description="Network address of the caller; `-` outside an HTTP request.")
    number: int = Field(description="Its place in the trail.")
    digest: str = Field(description="SHA-256 over the event and the digest of the one before it.")

    @classmethod
    def of(cls, event: AuditEvent) -> "AuditEntry":
        return cls(at=event.created_at, **event.model_dump(include=set(_ENTRY)))


class AuditPage(BaseModel):
    """Part of the trail, newest first."""

    items: list[AuditEntry]
    cursor: str | None = Field(description="Ask with it for what follows; null at the end.")


class FaultKind(StrEnum):
    """What is wrong with the trail."""

    CHANGED = "changed"
    MISSING = "missing"
    REORDERED = "reordered"
    REPLACED = "replaced"
    REMOVED = "removed"
    CUT = "cut"
    UNREADABLE = "unreadable"


class AuditFault(BaseModel):
    """A place where the trail is not as it was written."""

    number: int = Field(description="Of the event; in a file that cannot be read, of the line.")
    kind: FaultKind
    detail: str


class AuditVerdict(BaseModel):
    """What verifying the trail has come to."""

    valid: bool
    events: int = Field(description="How many there are.")
    first: int | None = Field(description="Number of the first one; null if there is none.")
    last: int | None = Field(description="Number of the last one.")
    digest: str = Field(description="Of the last one. Keep it elsewhere, with its number.")
    removed_up_to: int = Field(description="Those up to this number were kept long enough.")
    faults: list[AuditFault] = Field(description="The first 1,000.")
    fault_count: int
