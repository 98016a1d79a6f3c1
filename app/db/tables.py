"""The tables, in types that SQLite and PostgreSQL share.

A change here needs a migration: `alembic revision --autogenerate -m "..."`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.models.api_key import ApiKey
from app.models.audit import AuditEvent
from app.models.base import Record
from app.models.voice import Voice


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time. Takes any aware datetime and gives UTC; SQLite itself forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


# Named constraints: SQLite's batch migrations can only change what has a name.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _record_columns() -> tuple[Column[Any], ...]:
    """The columns of `Record`, in every table."""
    return (
        Column("id", String(36), primary_key=True),
        Column("owner", String(200), nullable=False),
        Column("version", Integer, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        Column("updated_at", UtcDateTime, nullable=False),
    )


voices = Table(
    "voices",
    metadata,
    *_record_columns(),
    Column("name", String(200), nullable=False),
    Column("description", Text),
    Column("filename", Text, nullable=False),
    Column("duration_s", Double, nullable=False),
    Column("sample_rate", Integer, nullable=False),
    Column("engine", String(100), nullable=False),
    Column("state_format", String(100), nullable=False),
    Column("similarity", Double),
    Column("report", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
    Column("state_name", String(100), nullable=False, server_default="state"),
    Column("adapted_at", UtcDateTime),
    Column("adapted_minutes", Double),
    Index(None, "owner", "created_at", "id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    *_record_columns(),
    Column("name", String(200), nullable=False),
    Column("prefix", String(20), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scopes", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("created_by", String(200), nullable=False),
    Index(None, "digest", unique=True),
    Index(None, "owner", "created_at", "id"),
)

# Append-only: triggers refuse changes and deletions (migration 0003).
audit_events = Table(
    "audit_events",
    metadata,
    *_record_columns(),
    Column("actor", String(200), nullable=False),
    Column("action", String(50), nullable=False),
    Column("subject_id", String(36), nullable=False),
    Column("outcome", String(100), nullable=False),
    Column("request_id", String(64), nullable=False),
    Index(None, "created_at", "id"),
    Index(None, "subject_id", "created_at", "id"),
    Index(None, "actor", "created_at", "id"),
    Index(None, "owner", "created_at", "id"),
)

TABLES: Mapping[type[Record], Table] = MappingProxyType(
    {Voice: voices, ApiKey: api_keys, AuditEvent: audit_events}
)
"""Where the records of each type lie. The columns have the names of the fields."""
