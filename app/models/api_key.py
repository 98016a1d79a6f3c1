"""API keys: the stored record, without the key itself."""

from datetime import datetime

from app.models.access import Role
from app.models.base import Record


class ApiKey(Record):
    """A key that its owner calls with.

    Attributes:
        name: what the key is for.
        prefix: the beginning of the key, to recognise it by; not secret.
        digest: SHA-256 of the whole key, hexadecimal. The key has 256 random bits, so a slow hash
            would protect nothing more.
        scopes: roles.
        expires_at: None for never.
        last_used_at: to within a minute.
        revoked_at: from then on the key is unknown.
        created_by: subject of who made it.
    """

    name: str
    prefix: str
    digest: str
    scopes: tuple[Role, ...]
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    created_by: str
