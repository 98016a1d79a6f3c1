"""Audit events: who did what to which voice, key or lexicon. Written once, never changed or
deleted.
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
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    LEXICON_CREATED = "lexicon.created"
    LEXICON_CHANGED = "lexicon.changed"
    LEXICON_DELETED = "lexicon.deleted"
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
        owner: of what it was done to.
        actor: subject of the principal who did it.
        subject_id: id of the voice, key or lexicon.
        outcome: `ok`, or the code of the error.
        request_id: of the HTTP request; `-` outside one.
    """

    actor: str
    action: Action
    subject_id: str
    outcome: str
    request_id: str


_ENTRY: dict[str, Any] = {
    "id": "7d9f7f5e-2f0b-4f7c-9d51-0c8d3f1f6a52",
    "at": "2026-01-15T10:30:00Z",
    "actor": "key:3f2a9c1e",
    "action": "voice.used",
    "subject_id": "550e8400-e29b-41d4-a716-446655440000",
    "owner": "team-a",
    "outcome": "ok",
    "request_id": "0f3c1f2e9a7b4c55",
}


class AuditEntry(BaseModel):
    """An event as callers see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENTRY]})

    id: str
    at: datetime
    actor: str = Field(description="Subject of who did it; `local` is the command line.")
    action: Action
    subject_id: str = Field(description="Id of the voice, key or lexicon.")
    owner: str = Field(description="Of the voice, key or lexicon.")
    outcome: str = Field(description="`ok`; else the code of the error that came of it.")
    request_id: str = Field(description="`-` outside an HTTP request.")

    @classmethod
    def of(cls, event: AuditEvent) -> "AuditEntry":
        return cls(at=event.created_at, **event.model_dump(include=set(_ENTRY)))


class AuditPage(BaseModel):
    """Part of the trail, newest first."""

    items: list[AuditEntry]
    cursor: str | None = Field(description="Ask with it for what follows; null at the end.")
