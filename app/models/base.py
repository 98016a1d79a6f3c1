"""What all stored records have in common."""

from datetime import UTC, datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

LOCAL_OWNER = "local"
"""Owner of everything as long as callers are not told apart."""


class Record(BaseModel):
    """A stored thing. `version` counts its changes and guards against lost updates."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: str(uuid4()))
    owner: str
    version: int = 1
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
