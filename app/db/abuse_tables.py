"""The tables of suspensions, of speakers, and of what administrators look at."""

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text

from app.db.columns import UtcDateTime, json_column, metadata, record_columns

suspensions = Table(
    "suspensions",
    metadata,
    *record_columns(),
    Column("kind", String(20), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_by", String(200), nullable=False),
    Index(None, "kind", "subject", unique=True),
    Index(None, "created_at", "id"),
)

denied_speakers = Table(
    "denied_speakers",
    metadata,
    *record_columns(),
    Column("name", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("embedding", LargeBinary, nullable=False),
    Index(None, "created_at", "id"),
)

voice_speakers = Table(
    "voice_speakers",
    metadata,
    *record_columns(),
    Column("embedding", LargeBinary, nullable=False),
    Index(None, "created_at", "id"),
)

flags = Table(
    "flags",
    metadata,
    *record_columns(),
    Column("kind", String(30), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("status", String(10), nullable=False),
    Column("details", json_column(), nullable=False),
    Column("decided_by", String(200)),
    Column("decided_at", UtcDateTime),
    Column("note", Text),
    Index(None, "created_at", "id"),
    Index(None, "status", "created_at", "id"),
    Index(None, "subject", "created_at", "id"),
)
