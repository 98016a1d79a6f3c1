"""Audit events: who did what to which voice or key. Written once, never changed or deleted."""

from enum import StrEnum

from app.models.base import Record


class Action(StrEnum):
    """What was done."""

    VOICE_CREATED = "voice.created"
    VOICE_USED = "voice.used"
    VOICE_TRAINED = "voice.trained"
    VOICE_DELETED = "voice.deleted"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"


class AuditEvent(Record):
    """One thing that was done.

    Attributes:
        owner: of what it was done to.
        actor: subject of the principal who did it.
        subject_id: id of the voice or key.
        outcome: `ok`, or the code of the error.
        request_id: of the HTTP request; `-` outside one.
    """

    actor: str
    action: Action
    subject_id: str
    outcome: str
    request_id: str
