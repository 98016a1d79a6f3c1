"""Speakers as the service knows them: by an embedding, never by a recording."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.models.base import Record


class DeniedSpeaker(Record):
    """Somebody who may not be cloned.

    Attributes:
        owner: of the administrator who said so.
        name: who it is, or a label.
        embedding: float32, of length 1, as bytes.
    """

    name: str
    reason: str
    created_by: str
    embedding: bytes = Field(repr=False)


class VoiceSpeaker(Record):
    """Who speaks in the recordings of a voice. It has the id of the voice, and goes with it.

    Attributes:
        embedding: float32, of length 1, as bytes.
    """

    embedding: bytes = Field(repr=False)


class DeniedSpeakerDetails(BaseModel):
    """Somebody who may not be cloned, as administrators see it."""

    id: str
    name: str
    reason: str
    created_by: str
    created_at: datetime

    @classmethod
    def of(cls, denied: DeniedSpeaker) -> "DeniedSpeakerDetails":
        return cls(**denied.model_dump(include=set(cls.model_fields)))


class DeniedSpeakerPage(BaseModel):
    """Part of the list, newest first."""

    items: list[DeniedSpeakerDetails]
    cursor: str | None = Field(description="Ask with it for what follows; null at the end.")
