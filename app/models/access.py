"""Who calls, and what each may do: the one table of roles and permissions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from app.models.base import LOCAL_OWNER


class Permission(StrEnum):
    """What a route can ask for."""

    ENGINES_READ = "engines:read"
    VOICES_READ = "voices:read"
    VOICES_WRITE = "voices:write"
    VOICES_TRAIN = "voices:train"
    SPEECH_SYNTHESIZE = "speech:synthesize"
    LEXICONS_READ = "lexicons:read"
    LEXICONS_WRITE = "lexicons:write"
    HISTORY_READ = "history:read"
    HISTORY_WRITE = "history:write"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    PROVENANCE_READ = "provenance:read"
    CONSENTS_READ = "consents:read"
    CONSENTS_WRITE = "consents:write"
    CONSENTS_REVIEW = "consents:review"
    KEYS_MANAGE = "keys:manage"
    AUDIT_READ = "audit:read"
    METRICS_READ = "metrics:read"
    REPORTS_WRITE = "reports:write"
    ABUSE_MANAGE = "abuse:manage"
    OWNERS_ANY = "owners:any"
    """Act for another owner, by the header `X-Owner`."""


class Role(StrEnum):
    """App role of Entra ID, or scope of an API key. Each may all that the one before it may."""

    READER = "reader"
    SPEAKER = "speaker"
    CREATOR = "creator"
    ADMIN = "admin"


_READER = frozenset(
    {
        Permission.ENGINES_READ,
        Permission.VOICES_READ,
        Permission.LEXICONS_READ,
        Permission.HISTORY_READ,
        Permission.JOBS_READ,
        Permission.PROVENANCE_READ,
        Permission.CONSENTS_READ,
        Permission.REPORTS_WRITE,
    }
)
_SPEAKER = _READER | {
    Permission.SPEECH_SYNTHESIZE,
    Permission.HISTORY_WRITE,
    Permission.JOBS_WRITE,
}
_CREATOR = _SPEAKER | {
    Permission.VOICES_WRITE,
    Permission.VOICES_TRAIN,
    Permission.LEXICONS_WRITE,
    Permission.CONSENTS_WRITE,
}

PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.READER: _READER,
        Role.SPEAKER: _SPEAKER,
        Role.CREATOR: _CREATOR,
        Role.ADMIN: frozenset(Permission),
    }
)
"""What each role may."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls.

    Attributes:
        subject: whom the logs and the audit trail name, e.g. `key:3f2a…` or `TENANT/OBJECT`;
            never a person's name.
        owner: whose records these are: one person or application, however it authenticates.
        groups: that it is in, as its key or token says: voices can be shared with them.
    """

    subject: str
    owner: str
    kind: Literal["local", "api_key", "token"]
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    groups: frozenset[str] = frozenset()

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


@dataclass(frozen=True, slots=True)
class Party:
    """In whose name something is done: an owner, and the groups that it is in. What is shared with
    either can be reached.
    """

    owner: str
    groups: frozenset[str] = frozenset()


LOCAL: Final = Principal(
    subject=LOCAL_OWNER, owner=LOCAL_OWNER, kind="local", permissions=frozenset(Permission)
)
"""The caller where authentication is off, and of the command line."""

MONITORING: Final = Principal(
    subject="monitoring",
    owner="monitoring",
    kind="token",
    permissions=frozenset({Permission.METRICS_READ}),
)
"""The caller that has METRICS_TOKEN."""


def granted(roles: frozenset[Role]) -> frozenset[Permission]:
    """All that these roles may together."""
    return frozenset().union(*(PERMISSIONS[role] for role in roles))
