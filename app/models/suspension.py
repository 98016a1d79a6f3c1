"""Suspensions: who may do nothing for now, and which voice is not spoken."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.models.base import OWNER_FORM, Record

SUSPENDED: Final = "suspended"
"""Of a voice: why it may not speak. Nothing but a suspension sets it."""


class SuspensionKind(StrEnum):
    """What is suspended."""

    OWNER = "owner"
    PRINCIPAL = "principal"
    KEY = "key"
    VOICE = "voice"


class Suspension(Record):
    """There is one at most of each subject. It holds until it is lifted, which deletes it.

    Attributes:
        owner: whom it hits; of a principal, the principal.
        subject: the owner, the subject of the principal, the id of the key or voice.
        created_by: subject of who did it.
    """

    kind: SuspensionKind
    subject: str
    reason: str
    created_by: str


_NEW: dict[str, Any] = {
    "kind": "owner",
    "subject": "team-a",
    "reason": "Clones public figures; asked twice to stop.",
}


class NewSuspension(BaseModel):
    """What is to be suspended, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_NEW]})

    kind: SuspensionKind
    subject: Annotated[str, StringConstraints(pattern=f"^{OWNER_FORM}$")] = Field(
        description="The owner; `TENANT/OBJECT` or `key:ID` as the audit trail names a principal; "
        "the id of the key or voice."
    )
    reason: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$"
        ),
    ] = Field(description="For administrators: those who are suspended are not told.")


class SuspensionDetails(BaseModel):
    """A suspension as administrators see it."""

    id: str
    kind: SuspensionKind
    subject: str
    reason: str
    owner: str = Field(description="Whom it hits.")
    created_by: str
    created_at: datetime

    @classmethod
    def of(cls, suspension: Suspension) -> "SuspensionDetails":
        return cls(**suspension.model_dump(include=set(cls.model_fields)))


class SuspensionPage(BaseModel):
    """Part of the list of suspensions, newest first."""

    items: list[SuspensionDetails]
    cursor: str | None = Field(description="Ask with it for what follows; null at the end.")
