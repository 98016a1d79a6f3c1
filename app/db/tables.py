"""The tables, in types that SQLite and PostgreSQL share.

A change here needs a migration: `alembic revision --autogenerate -m "..."`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
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
from app.models.batch import Batch, BatchItem
from app.models.consent import Consent, ConsentChallenge
from app.models.history import HistoryEntry, UsageDay
from app.models.job import Job, Worker
from app.models.lexicon import Lexicon, LexiconContent
from app.models.voice import Voice, VoiceSample, VoiceVersion


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


def _json() -> JSON:
    return JSON().with_variant(JSONB(), "postgresql")


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
    Column("report", _json(), nullable=False),
    Column("state_name", String(100), nullable=False, server_default="state"),
    Column("adapted_at", UtcDateTime),
    Column("adapted_minutes", Double),
    Column("language", String(35)),
    Column("consent", String(200)),
    Column("active_version", Integer, nullable=False, server_default="1"),
    Column("training_job_id", String(36)),
    Column("lexicon_ids", _json(), nullable=False, server_default="[]"),
    Column("consent_id", String(36)),
    Column("suspended", String(50)),
    Index(None, "owner", "created_at", "id"),
    Index(None, "consent_id", "id"),
)

consents = Table(
    "consents",
    metadata,
    *_record_columns(),
    Column("speaker", String(200), nullable=False),
    Column("company", String(200), nullable=False),
    Column("language", String(35), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("method", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("statement", Text, nullable=False),
    Column("recording_blob", String(200)),
    Column("scores", _json()),
    Column("embedding", _json()),
    Column("reasons", _json(), nullable=False),
    Column("decided_by", String(200)),
    Column("decided_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("erase_at", UtcDateTime),
    Index(None, "owner", "created_at", "id"),
    Index(None, "status", "created_at", "id"),
    Index(None, "erase_at", "id"),
)

consent_challenges = Table(
    "consent_challenges",
    metadata,
    *_record_columns(),
    Column("language", String(35), nullable=False),
    Column("speaker", String(200), nullable=False),
    Column("company", String(200), nullable=False),
    Column("code", String(20), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "expires_at", "id"),
)

voice_samples = Table(
    "voice_samples",
    metadata,
    *_record_columns(),
    Column("voice_id", String(36), nullable=False),
    Column("blob", String(200), nullable=False),
    Column("filename", Text, nullable=False),
    Column("digest", String(64)),
    Column("duration_s", Double, nullable=False),
    Column("report", _json()),
    Column("refused", Text),
    Index(None, "voice_id", "created_at", "id"),
)

voice_versions = Table(
    "voice_versions",
    metadata,
    *_record_columns(),
    Column("voice_id", String(36), nullable=False),
    Column("number", Integer, nullable=False),
    Column("method", String(20), nullable=False),
    Column("engine", String(100), nullable=False),
    Column("state_name", String(100), nullable=False),
    Column("state_format", String(100), nullable=False),
    Column("similarity", Double),
    Column("metrics", _json()),
    Column("job_id", String(36)),
    Column("compared_with", Integer),
    Index(None, "voice_id", "number", unique=True),
)

jobs = Table(
    "jobs",
    metadata,
    *_record_columns(),
    Column("kind", String(20), nullable=False),
    Column("subject_id", String(36), nullable=False),
    Column("status", String(20), nullable=False),
    Column("progress", Double, nullable=False),
    Column("stage", String(100), nullable=False),
    Column("message", Text),
    Column("eta_s", Double),
    Column("parts", Integer, nullable=False),
    Column("options", _json(), nullable=False),
    Column("idempotency_key", String(200)),
    Column("fingerprint", String(64)),
    Column("webhook_url", Text),
    Column("cancel_requested", Boolean, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("stalls", Integer, nullable=False),
    Column("error", _json()),
    Column("actor", String(200), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index(None, "owner", "created_at", "id"),
    Index(None, "subject_id", "created_at", "id"),
    Index(None, "status", "created_at", "id"),
    Index(None, "owner", "idempotency_key", unique=True),
)

workers = Table(
    "workers",
    metadata,
    *_record_columns(),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("beats", Integer, nullable=False),
    Column("reaper", String(36)),
)

batches = Table(
    "batches",
    metadata,
    *_record_columns(),
    Column("name", String(200)),
    Column("job_id", String(36), nullable=False),
    Column("options", _json(), nullable=False),
    Column("total", Integer, nullable=False),
    Column("characters", Integer, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "owner", "created_at", "id"),
    Index(None, "expires_at", "id"),
)

batch_items = Table(
    "batch_items",
    metadata,
    *_record_columns(),
    Column("batch_id", String(36), nullable=False),
    Column("position", Integer, nullable=False),
    Column("custom_id", String(200)),
    Column("voice_id", String(36), nullable=False),
    Column("request", _json(), nullable=False),
    Column("status", String(20), nullable=False),
    Column("part", Integer),
    Column("run", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", _json()),
    Column("output", String(200)),
    Column("content_type", String(100)),
    Column("bytes", Integer),
    Column("duration_s", Double),
    Column("ended_at", UtcDateTime),
    Index(None, "batch_id", "position", unique=True),
    Index(None, "batch_id", "status", "position"),
)

history = Table(
    "history",
    metadata,
    *_record_columns(),
    Column("voice_id", String(36), nullable=False),
    Column("voice_version", Integer, nullable=False),
    Column("engine", String(100), nullable=False),
    Column("source", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("error", String(100)),
    Column("text", Text),
    Column("characters", Integer, nullable=False),
    Column("language", String(35)),
    Column("format", String(20), nullable=False),
    Column("sample_rate", Integer, nullable=False),
    Column("duration_s", Double, nullable=False),
    Column("first_audio_s", Double),
    Column("total_s", Double, nullable=False),
    Column("similarity", Double),
    Column("audio", String(200)),
    Column("bytes", Integer, nullable=False),
    Column("batch_id", String(36)),
    Column("request_id", String(64), nullable=False),
    Column("lexicon", _json()),
    Index(None, "owner", "created_at", "id"),
    Index(None, "voice_id", "created_at", "id"),
    Index(None, "created_at", "id"),
)

usage_days = Table(
    "usage_days",
    metadata,
    *_record_columns(),
    Column("day", Date, nullable=False),
    Column("voice_id", String(36), nullable=False),
    Column("requests", Integer, nullable=False),
    Column("characters", Integer, nullable=False),
    Column("audio_s", Double, nullable=False),
    Index(None, "owner", "day", "id"),
    Index(None, "day", "id"),
)

lexicons = Table(
    "lexicons",
    metadata,
    *_record_columns(),
    Column("name", String(200), nullable=False),
    Column("description", Text),
    Column("language", String(35)),
    Column("is_default", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("content_id", String(36)),
    Column("next_number", Integer, nullable=False),
    Index(None, "owner", "name", unique=True),
    Index(None, "owner", "created_at", "id"),
)

# `data` comes last: what is read without it is read without the pages it lies on.
lexicon_contents = Table(
    "lexicon_contents",
    metadata,
    *_record_columns(),
    Column("lexicon_id", String(36), nullable=False),
    Column("number", Integer, nullable=False),
    Column("previous_id", String(36)),
    Column("entries", Integer, nullable=False),
    Column("comment", String(200), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index(None, "lexicon_id", "number"),
)

# Numbers are shorter than ids, in every one of the many landmarks.
outputs = Table(
    "outputs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(36), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("source", String(20), nullable=False),
    Column("batch_id", String(36)),
    Column("voices", _json(), nullable=False),
    Column("duration_s", Double, nullable=False),
    Index(None, "id", unique=True),
    Index(None, "created_at", "number"),
)

landmarks = Table(
    "landmarks",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("output", Integer, primary_key=True, autoincrement=False),
    Column("frame", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

api_keys = Table(
    "api_keys",
    metadata,
    *_record_columns(),
    Column("name", String(200), nullable=False),
    Column("prefix", String(20), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scopes", _json(), nullable=False),
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
    {
        Voice: voices,
        VoiceSample: voice_samples,
        VoiceVersion: voice_versions,
        ApiKey: api_keys,
        AuditEvent: audit_events,
        Job: jobs,
        Worker: workers,
        Batch: batches,
        BatchItem: batch_items,
        HistoryEntry: history,
        UsageDay: usage_days,
        Consent: consents,
        ConsentChallenge: consent_challenges,
        Lexicon: lexicons,
        LexiconContent: lexicon_contents,
    }
)
"""Where the records of each type lie. The columns have the names of the fields."""
