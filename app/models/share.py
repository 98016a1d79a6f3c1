"""Shares of voices: who else may use or manage a voice, and until when."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.models.base import OWNER_FORM, GroupName, Record

MOST_SHARES: Final = 200
"""Of one voice."""

USER: Final = "user:"
GROUP: Final = "group:"


class VoiceAccess(StrEnum):
    """What somebody may do with a voice, least first."""

    USE = "use"
    MANAGE = "manage"
    OWN = "own"

    def covers(self, needed: "VoiceAccess") -> bool:
        order = list(VoiceAccess)
        return order.index(self) >= order.index(needed)


class SharedAccess(StrEnum):
    """What can be given to others."""

    USE = "use"
    MANAGE = "manage"


def user_grantee(owner: str) -> str:
    return USER + owner


def group_grantee(group: str) -> str:
    return GROUP + group


class VoiceShare(Record):
    """A voice that others may use. Its owner is that of the voice.

    Attributes:
        grantee: `user:` and an owner, or `group:` and the name of a group.
        expires_at: from then on it gives nothing; None for never.
        created_by: subject of who shared it.
    """

    voice_id: str
    grantee: str
    access: SharedAccess
    expires_at: datetime | None = None
    created_by: str

    def holds(self, at: datetime) -> bool:
        return self.expires_at is None or at < self.expires_at


_NEW: dict[str, Any] = {"user": "team-b", "access": "use", "expires_at": "2026-12-31T00:00:00Z"}


class NewShare(BaseModel):
    """With whom a voice is to be shared."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_NEW]})

    user: Annotated[str, StringConstraints(pattern=f"^{OWNER_FORM}$")] | None = Field(
        None, description="An owner: as in the list of keys, or `TENANT/OBJECT` of Entra ID."
    )
    group: GroupName | None = Field(
        None, description="A group, as keys or tokens name it; of Entra ID `TENANT/OBJECT`."
    )
    access: SharedAccess = Field(
        SharedAccess.USE,
        description="`use`: see it and speak with it. `manage`: also its recordings, trainings, "
        "versions and what is written about it. Neither deletes, exports or shares it.",
    )
    expires_at: AwareDatetime | None = Field(
        None, description="From then on it gives nothing; null for no end."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.user is None) == (self.group is None):
            raise ValueError("name either a `user` or a `group`")
        return self

    @property
    def grantee(self) -> str:
        return USER + self.user if self.user is not None else f"{GROUP}{self.group}"


class ShareDetails(BaseModel):
    """A share as callers see it."""

    share_id: str
    voice_id: str
    user: str | None
    group: str | None
    access: SharedAccess
    expires_at: datetime | None
    created_at: datetime
    created_by: str = Field(description="Subject of who shared it.")

    @classmethod
    def of(cls, share: VoiceShare) -> "ShareDetails":
        grantee = share.grantee
        return cls(
            share_id=share.id,
            user=grantee.removeprefix(USER) if grantee.startswith(USER) else None,
            group=grantee.removeprefix(GROUP) if grantee.startswith(GROUP) else None,
            **share.model_dump(
                include={"voice_id", "access", "expires_at", "created_at", "created_by"}
            ),
        )


class ShareList(BaseModel):
    """With whom a voice is shared, newest first; those that have expired among them."""

    voice_id: str
    items: list[ShareDetails]
