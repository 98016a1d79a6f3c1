"""What all stored records have in common."""

from datetime import datetime
from typing import Annotated, Final
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.core.clock import utc_now

LOCAL_OWNER = "local"
"""Owner of everything as long as callers are not told apart."""

OWNER_FORM: Final = r"[!-~]{1,200}"
"""Regular expression of what an owner can be called."""

GroupName = Annotated[str, StringConstraints(max_length=190, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Name of a group of callers."""

MAX_LANGUAGE: Final = 35
LANGUAGE_FORM: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"
"""Regular expression of a BCP-47 tag, as far as its form goes."""


class Record(BaseModel):
    """A stored thing. `version` counts its changes and guards against lost updates."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: str(uuid4()))
    owner: str
    version: int = 1
    created_at: datetime = Field(default_factory=utc_now)
    updated_at: datetime = Field(default_factory=utc_now)
