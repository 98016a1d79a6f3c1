"""The tables, in types that SQLite and PostgreSQL share.

A change here needs a migration: `alembic revision --autogenerate -m "..."`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from app.db import abuse_tables as abuse
from app.db import access_tables as access
from app.db.columns import UtcDateTime, json_column, metadata, record_columns
from app.models.api_key import ApiKey
from app.models.audit import AuditEvent
from app.models.audit_chain import SEALS
from app.models.base import Record
from app.models.batch import Batch, BatchItem
from app.models.consent import Consent, ConsentChallenge
from app.models.flag import Flag
from app.models.history import HistoryEntry, UsageDay
from app.models.job import Job, Worker
from app.models.lexicon import Lexicon, LexiconContent
from app.models.share import VoiceShare
from app.models.speaker import DeniedSpeaker, VoiceSpeaker
from app.models.suspension import Suspension
from app.models.voice import Voice, VoiceSample, VoiceVersion

__all__ = ["TABLES", "UtcDateTime", "metadata"]

voices = Table(
    "voices",
    metadata,
    *record_columns(),
    Column("name", String(200), nullable=False),
    Column("description", Text),
    Column("filename", Text, nullable=False),
    Column("duration_s", Double, nullable=False),
    Column("sample_rate", Integer, nullable=False),
    Column("engine", String(100), nullable=False),
    Column("state_format", String(100), nullable=False),
    Column("similarity", Double),
    Column("report", json_column(), nullable=False),
    Column("state_name", String(100), nullable=False, server_default="state"),
    Column("adapted_at", UtcDateTime),
    Column("adapted_minutes", Double),
    Column("language", String(35)),
    Column("consent", String(200)),
    Column("active_version", Integer, nullable=False, server_default="1"),
    Column("training_job_id", String(36)),
    Column("lexicon_ids", json_column(), nullable=False, server_default="[]"),
    Column("consent_id", String(36)),
    Column("consent_method", String(20)),
    Column("suspended", String(50)),
    Column("other_states", json_column(), nullable=False, server_default="[]"),
    Index(None, "owner", "created_at", "id"),
    Index(None, "consent_id", "id"),
)

consents = Table(
    "consents",
    metadata,
    *record_columns(),
    Column("speaker", String(200), nullable=False),
    Column("company", String(200), nullable=False),
    Column("language", String(35), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("method", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("statement", Text, nullable=False),
    Column("signed_by", String(200)),
    Column("recording_blob", String(200)),
    Column("provider_blob", String(200)),
    Column("scores", json_column()),
    Column("embedding", json_column()),
    Column("reasons", json_column(), nullable=False),
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
    *record_columns(),
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
    *record_columns(),
    Column("voice_id", String(36), nullable=False),
    Column("blob", String(200), nullable=False),
    Column("filename", Text, nullable=False),
    Column("digest", String(64)),
    Column("duration_s", Double, nullable=False),
    Column("report", json_column()),
    Column("refused", Text),
    Index(None, "voice_id", "created_at", "id"),
)

voice_versions = Table(
    "voice_versions",
    metadata,
    *record_columns(),
    Column("voice_id", String(36), nullable=False),
    Column("number", Integer, nullable=False),
    Column("method", String(20), nullable=False),
    Column("engine", String(100), nullable=False),
    Column("state_name", String(100), nullable=False),
    Column("state_format", String(100), nullable=False),
    Column("similarity", Double),
    Column("metrics", json_column()),
    Column("job_id", String(36)),
    Column("compared_with", Integer),
    Index(None, "voice_id", "number", unique=True),
)

jobs = Table(
    "jobs",
    metadata,
    *record_columns(),
    Column("kind", String(20), nullable=False),
    Column("subject_id", String(36), nullable=False),
    Column("status", String(20), nullable=False),
    Column("progress", Double, nullable=False),
    Column("stage", String(100), nullable=False),
    Column("message", Text),
    Column("eta_s", Double),
    Column("parts", Integer, nullable=False),
    Column("options", json_column(), nullable=False),
    Column("idempotency_key", String(200)),
    Column("fingerprint", String(64)),
    Column("webhook_url", Text),
    Column("cancel_requested", Boolean, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("stalls", Integer, nullable=False),
    Column("error", json_column()),
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
    *record_columns(),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("beats", Integer, nullable=False),
    Column("reaper", String(36)),
)

batches = Table(
    "batches",
    metadata,
    *record_columns(),
    Column("name", String(200)),
    Column("job_id", String(36), nullable=False),
    Column("options", json_column(), nullable=False),
    Column("total", Integer, nullable=False),
    Column("characters", Integer, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "owner", "created_at", "id"),
    Index(None, "expires_at", "id"),
)

batch_items = Table(
    "batch_items",
    metadata,
    *record_columns(),
    Column("batch_id", String(36), nullable=False),
    Column("position", Integer, nullable=False),
    Column("custom_id", String(200)),
    Column("voice_id", String(36), nullable=False),
    Column("request", json_column(), nullable=False),
    Column("status", String(20), nullable=False),
    Column("part", Integer),
    Column("run", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", json_column()),
    Column("output", String(200)),
    Column("content_type", String(100)),
    Column("bytes", Integer),
    Column("duration_s", Double),
    Column("ended_at", UtcDateTime),
    Column("translation", json_column()),
    Column("prepared", Text),
    Index(None, "batch_id", "position", unique=True),
    Index(None, "batch_id", "status", "position"),
)

history = Table(
    "history",
    metadata,
    *record_columns(),
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
    Column("lexicon", json_column()),
    Column("translation", json_column()),
    Column("prepared", Text),
    Index(None, "owner", "created_at", "id"),
    Index(None, "voice_id", "created_at", "id"),
    Index(None, "created_at", "id"),
)

usage_days = Table(
    "usage_days",
    metadata,
    *record_columns(),
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
    *record_columns(),
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
    *record_columns(),
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
    Column("voices", json_column(), nullable=False),
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

_CHAIN = ("source", *SEALS.values(), "previous", "digest")
# Append-only: triggers let names be erased, and the oldest events removed, and nothing else.
audit_events = Table(
    "audit_events",
    metadata,
    *record_columns(),
    Column("actor", String(200), nullable=False),
    Column("action", String(50), nullable=False),
    Column("subject_id", String(36), nullable=False),
    Column("outcome", String(100), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("number", BigInteger, nullable=False, server_default="0"),
    *(Column(name, String(64), nullable=False, server_default="-") for name in _CHAIN),
    Index(None, "created_at", "id"),
    Index(None, "subject_id", "created_at", "id"),
    Index(None, "actor", "created_at", "id"),
    Index(None, "owner", "created_at", "id"),
    Index(None, "number", unique=True),
)

# One row: the last event that was removed because it was kept long enough.
_LINK = (Column("number", BigInteger, nullable=False), Column("digest", String(64), nullable=False))
_ID = Column("id", Integer, primary_key=True, autoincrement=False)
audit_checkpoint = Table("audit_checkpoint", metadata, _ID, *_LINK)

TABLES: Mapping[type[Record], Table] = MappingProxyType(
    {
        Voice: voices,
        VoiceSample: voice_samples,
        VoiceVersion: voice_versions,
        VoiceShare: access.voice_shares,
        ApiKey: access.api_keys,
        AuditEvent: audit_events,
        Job: jobs,
        Worker: workers,
        Batch: batches,
        BatchItem: batch_items,
        HistoryEntry: history,
        UsageDay: usage_days,
        Consent: consents,
        ConsentChallenge: consent_challenges,
        Suspension: abuse.suspensions,
        DeniedSpeaker: abuse.denied_speakers,
        VoiceSpeaker: abuse.voice_speakers,
        Flag: abuse.flags,
        Lexicon: lexicons,
        LexiconContent: lexicon_contents,
    }
)
"""Where the records of each type lie. The columns have the names of the fields."""
