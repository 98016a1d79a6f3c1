"""Flags: what administrators should look at."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.models.base import Record


class FlagKind(StrEnum):
    """Why somebody should look."""

    DUPLICATE_SPEAKER = "duplicate-speaker"
    DENIED_SPEAKER_NEAR = "denied-speaker-near"
    REPORT = "report"
    UNUSUAL_VOLUME = "unusual-volume"


class FlagStatus(StrEnum):
    """Whether somebody has looked."""

    OPEN = "open"
    CLOSED = "closed"


class Flag(Record):
    """Something for an administrator to look at.

    Attributes:
        owner: whom it is about; of a report, who has made it.
        subject: id of the voice, the owner, or the id of the request; `-` where there is none.
        details: figures and ids; of a report, what was written.
        decided_by: subject of who closed it.
    """

    kind: FlagKind
    subject: str
    status: FlagStatus = FlagStatus.OPEN
    details: dict[str, Any] = Field(default_factory=dict)
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None


class FlagDetails(BaseModel):
    """A flag as administrators see it."""

    id: str
    kind: FlagKind
    subject: str = Field(
        description="Id of the voice, the owner, or the id of the request; `-` where there is none."
    )
    owner: str = Field(description="Whom it is about; of a report, who has made it.")
    status: FlagStatus
    details: dict[str, Any] = Field(
        description="Figures and ids; of a report, what was written: `description`, `contact`."
    )
    created_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str | None

    @classmethod
    def of(cls, flag: Flag) -> "FlagDetails":
        return cls(**flag.model_dump(include=set(cls.model_fields)))


class FlagPage(BaseModel):
    """Part of the list of flags, newest first."""

    items: list[FlagDetails]
    cursor: str | None = Field(description="Ask with it for what follows; null at the end.")


_Note = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
    ),
]


class FlagClosing(BaseModel):
    """What came of it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"note": "Same team under two owners; nothing to do."}]},
    )

    note: _Note | None = Field(None, description="What was found and done.")


class NewReport(BaseModel):
    """What somebody has to say about a voice, a request, or anything else."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "voice_id": "550e8400-e29b-41d4-a716-446655440000",
                    "description": "This is my voice, and I have not agreed.",
                    "contact": "someone@example.org",
                }
            ]
        },
    )

    voice_id: Annotated[str, StringConstraints(max_length=36, pattern=r"^[!-~]+$")] | None = None
    request_id: Annotated[str, StringConstraints(max_length=64, pattern=r"^[!-~]+$")] | None = (
        Field(None, description="The header `X-Request-ID` of an answer.")
    )
    description: _Note | None = Field(None, description="At most 2000 characters.")
    contact: Annotated[_Note, StringConstraints(max_length=200)] | None = Field(
        None, description="How to reach who reports; kept with the report."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "NewReport":
        if not (self.voice_id or self.request_id or self.description):
            raise ValueError("name a voice or a request, or describe what is wrong")
        return self


class ReportTaken(BaseModel):
    """A report was taken down."""

    id: str
    created_at: datetime
