"""The agreement of a speaker to have their voice cloned: the stored records, and what is told."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.models.base import Record

MAX_PERSON = 200
MAX_PURPOSE = 2000


class ConsentStatus(StrEnum):
    """What came of the checks, or of what somebody decided since."""

    VERIFIED = "verified"
    NEEDS_REVIEW = "needs-review"
    REJECTED = "rejected"
    REVOKED = "revoked"


class ConsentMethod(StrEnum):
    """How the speaker's agreement is shown."""

    ATTESTED = "attested"
    """The caller has signed that there is one."""
    RECORDED = "recorded"
    """The speaker has read the statement aloud."""


class ConsentScores(BaseModel):
    """What was measured of a recording."""

    model_config = ConfigDict(frozen=True)

    words: float | None = Field(
        description="Share of the statement's words that are said, 0 to 1; null if nothing here "
        "recognises words. So are the scores of the names and the code then."
    )
    speaker: float | None = Field(description="How much of the speaker's name is heard, 0 to 1.")
    company: float | None = Field(description="How much of the company's name is heard, 0 to 1.")
    code: bool | None = Field(description="Whether the code is said.")
    speech_s: float = Field(description="Seconds of speech.")
    speakers: int | None = Field(description="How many speak; null if that cannot be told.")
    watermark: float | None = Field(
        description="How surely it is our own speech, about 0 to 1; null if that was not looked at."
    )


class ConsentChallenge(Record):
    """A statement that somebody is about to read. Used once.

    Attributes:
        code: the digits to say.
        expires_at: when a recording of it comes too late.
    """

    language: str
    speaker: str
    company: str
    code: str
    expires_at: datetime


class Consent(Record):
    """An agreement.

    Attributes:
        speaker, company: by name, as they are said.
        purpose: what the voice is for.
        signed_by: name of who states that the speaker agrees, where nothing was recorded.
        statement: what was to be read, or what the caller has signed.
        recording_blob: name in the store of recordings, None if there is none.
        provider_blob: the same of the recording of the statement of an engine's provider.
        embedding: of the speaker in the recording, of length 1.
        reasons: why it is not verified, in words.
        decided_by: subject of the principal who has decided a review.
        erase_at: when the recording and what was made of it go, once it is revoked.
    """

    speaker: str
    company: str
    language: str
    purpose: str
    method: ConsentMethod
    status: ConsentStatus
    statement: str
    signed_by: str | None = None
    recording_blob: str | None = None
    provider_blob: str | None = None
    scores: ConsentScores | None = None
    embedding: tuple[float, ...] | None = None
    reasons: tuple[str, ...] = ()
    decided_by: str | None = None
    decided_at: datetime | None = None
    revoked_at: datetime | None = None
    erase_at: datetime | None = None


_EXAMPLE: dict[str, Any] = {
    "id": "0d3f6a0e-0c5b-4a0e-9f59-6a4b8d2b8e11",
    "created_at": "2026-01-15T10:30:00Z",
    "speaker": "Jane Smith",
    "company": "Contoso",
    "language": "en-US",
    "purpose": "Announcements in our stations.",
    "method": "recorded",
    "signed_by": None,
    "statement": "I, Jane Smith, agree that Contoso may create a synthetic copy of my voice "
    "and use it. My code is 4 7 2 9 1 3.",
    "status": "verified",
    "reasons": [],
    "scores": {
        "words": 1.0, "speaker": 0.92, "company": 1.0, "code": True, "speech_s": 9.8,
        "speakers": 1, "watermark": 0.0,
    },
    "provider_recording": False,
    "decided_by": None,
    "decided_at": None,
    "revoked_at": None,
    "erase_at": None,
}  # fmt: skip


class ConsentDetails(BaseModel):
    """A consent as callers see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    created_at: datetime
    speaker: str
    company: str
    language: str
    purpose: str
    method: ConsentMethod
    signed_by: str | None = Field(description="Who states that they agree, without a recording.")
    statement: str = Field(description="What was to be read, or what was stated.")
    status: ConsentStatus
    reasons: list[str] = Field(description="Why it is not verified.")
    scores: ConsentScores | None = Field(description="Of the recording; null without one.")
    provider_recording: bool = Field(
        description="Whether there is a recording of the statement of the engine's provider."
    )
    decided_by: str | None = Field(description="Who has decided the review.")
    decided_at: datetime | None
    revoked_at: datetime | None
    erase_at: datetime | None = Field(description="When it is erased, with its voices.")

    @classmethod
    def of(cls, consent: Consent) -> "ConsentDetails":
        fields = consent.model_dump(include=set(_EXAMPLE))
        return cls(**fields, provider_recording=consent.provider_blob is not None)


class ConsentDecision(BaseModel):
    """What somebody has decided about a consent."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"verified": True, "note": "Called her."}]}
    )

    verified: bool = Field(strict=True)
    note: str = Field("", max_length=500, description="Kept with the reasons.")


class ConsentVoice(BaseModel):
    """A voice that is to get a consent."""

    model_config = ConfigDict(extra="forbid")

    voice_id: str = Field(min_length=1, max_length=100)


class ConsentVoiceBound(BaseModel):
    """A voice that may speak now."""

    voice_id: str
    consent_id: str


class ConsentPage(BaseModel):
    """Part of the list, newest first."""

    items: list[ConsentDetails]
    cursor: str | None = Field(description="Ask with it for what follows; null at the end.")

    @classmethod
    def of(cls, consents: Iterable[Consent], cursor: str | None) -> "ConsentPage":
        return cls(items=[ConsentDetails.of(one) for one in consents], cursor=cursor)


class Statement(BaseModel):
    """What is to be read aloud."""

    statement_id: str = Field(description="Send it with the recording.")
    language: str
    text: str = Field(description="The digits of the code are said one by one.")
    code: str
    expires_at: datetime = Field(description="The recording must be here before.")
    provider_statement: str | None = Field(
        description="What the engine's provider wants to hear as well, word for word, in a "
        "recording of its own; null if there is no such thing."
    )
