"""What all stored records have in common."""

import re
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

LOCAL_OWNER = "local"
"""Owner of everything as long as callers are not told apart."""


_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether this can be the id of a record."""
    return _ID.fullmatch(text) is not None


class Record(BaseModel):
    """A stored thing. `version` counts its changes and guards against lost updates."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: str(uuid4()))
    owner: str
    version: int = 1
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
