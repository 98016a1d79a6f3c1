"""API keys: the stored record, without the key itself, and what callers see of it."""

import re
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.models.access import Role
from app.models.base import OWNER_FORM, GroupName, Record

KEY_PREFIX: Final = "vc_"
"""How every key begins: so that programs that look for leaked secrets can find it."""

_SHAPE: Final = re.compile(r"vc_[A-Za-z0-9_-]{43}")


class ApiKey(Record):
    """A key that its owner calls with.

    Attributes:
        name: what the key is for.
        prefix: the beginning of the key, to recognise it by; not secret.
        digest: SHA-256 of the whole key, hexadecimal. The key has 256 random bits, so a slow hash
            would protect nothing more.
        scopes: roles.
        groups: that its holder is in: voices can be shared with them.
        expires_at: None for never.
        last_used_at: to within a minute.
        revoked_at: from then on the key is unknown.
        created_by: subject of who made it.
    """

    name: str
    prefix: str
    digest: str
    scopes: tuple[Role, ...]
    groups: tuple[str, ...] = ()
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    created_by: str


def is_key(text: str) -> bool:
    """Whether this has the form of a key."""
    return _SHAPE.fullmatch(text) is not None


def digest_of(key: str) -> str:
    return sha256(key.encode()).hexdigest()


class NewKey(BaseModel):
    """What a key is made by."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "web shop", "scopes": ["speaker"], "expires_days": 90}]
        },
    )

    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"),
    ] = Field(description="What the key is for.")
    scopes: Annotated[
        list[Role],
        Field(min_length=1, max_length=len(Role), description="Roles, of which the most counts."),
    ]
    owner: Annotated[str, StringConstraints(pattern=f"^{OWNER_FORM}$")] | None = Field(
        None, description="Whose records the key reaches. Default: your own."
    )
    groups: Annotated[list[GroupName], Field(max_length=50)] = Field(
        default_factory=list, description="Groups that voices can be shared with."
    )
    expires_days: int | None = Field(
        None, ge=1, le=3650, description="Days from now; null for a key without an end."
    )


class KeyDetails(BaseModel):
    """All that is known of a key; the key itself is not."""

    id: str
    name: str
    prefix: str = Field(description="How the key begins.")
    scopes: list[Role]
    groups: list[str] = Field(description="Groups that its holder is in.")
    owner: str
    created_at: datetime
    created_by: str = Field(description="Who made it.")
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To within a minute.")
    revoked_at: datetime | None


class KeyCreated(KeyDetails):
    """A new key. It is shown this once."""

    key: str = Field(description="Send it as `Authorization: Bearer …` or `X-API-Key: …`.")


class KeyPage(BaseModel):
    """Part of a list of keys."""

    items: list[KeyDetails]
    cursor: str | None = Field(description="Asks for the next page; null on the last one.")
