"""The tables of keys, and of voices that are shared."""

from sqlalchemy import Column, Index, String, Table

from app.db.columns import UtcDateTime, json_column, metadata, record_columns

api_keys = Table(
    "api_keys",
    metadata,
    *record_columns(),
    Column("name", String(200), nullable=False),
    Column("prefix", String(20), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scopes", json_column(), nullable=False),
    Column("groups", json_column(), nullable=False, server_default="[]"),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("created_by", String(200), nullable=False),
    Index(None, "digest", unique=True),
    Index(None, "owner", "created_at", "id"),
)

voice_shares = Table(
    "voice_shares",
    metadata,
    *record_columns(),
    Column("voice_id", String(36), nullable=False),
    Column("grantee", String(210), nullable=False),
    Column("access", String(10), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("created_by", String(200), nullable=False),
    Index(None, "voice_id", "grantee", unique=True),
    Index(None, "grantee", "created_at", "id"),
)
