"""Samples and versions of voices, jobs, batches, history and usage."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_VOICE_COLUMNS = ("training_job_id", "active_version", "consent", "language")
_TABLES = (
    "voice_samples",
    "voice_versions",
    "jobs",
    "workers",
    "batches",
    "batch_items",
    "history",
    "usage_days",
)


def upgrade() -> None:
    op.add_column("voices", sa.Column("language", sa.String(35), nullable=True))
    op.add_column("voices", sa.Column("consent", sa.String(200), nullable=True))
    op.add_column(
        "voices", sa.Column("active_version", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column("voices", sa.Column("training_job_id", sa.String(36), nullable=True))
    _create_samples_and_versions()
    _fill_samples_and_versions()
    _create_jobs()
    _create_batches()
    _create_history()


def downgrade() -> None:
    for name in reversed(_TABLES):
        op.drop_table(name)
    with op.batch_alter_table("voices") as voices:
        for name in _VOICE_COLUMNS:
            voices.drop_column(name)


def _create(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )


def _index(table: str, *columns: str, unique: bool = False) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), unique=unique)


def _json() -> sa.JSON:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _create_samples_and_versions() -> None:
    _create(
        "voice_samples",
        sa.Column("voice_id", sa.String(36), nullable=False),
        sa.Column("blob", sa.String(200), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("report", _json(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
    )
    _index("voice_samples", "voice_id", "created_at", "id")
    _create(
        "voice_versions",
        sa.Column("voice_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("engine", sa.String(100), nullable=False),
        sa.Column("state_name", sa.String(100), nullable=False),
        sa.Column("state_format", sa.String(100), nullable=False),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.Column("metrics", _json(), nullable=True),
        sa.Column("job_id", sa.String(36), nullable=True),
        sa.Column("compared_with", sa.Integer(), nullable=True),
    )
    _index("voice_versions", "voice_id", "number", unique=True)


def _fill_samples_and_versions() -> None:
    """Voices that are there already have one recording and one state: under their own id."""
    op.execute(
        "INSERT INTO voice_samples (id, owner, version, created_at, updated_at, voice_id, blob, "
        "filename, duration_s, report) SELECT id, owner, 1, created_at, created_at, id, "
        "id || '/original', filename, duration_s, report FROM voices"
    )
    op.execute(
        "INSERT INTO voice_versions (id, owner, version, created_at, updated_at, voice_id, number, "
        "method, engine, state_name, state_format, similarity) SELECT id, owner, 1, updated_at, "
        "updated_at, id, 1, CASE WHEN adapted_at IS NULL THEN 'instant' ELSE 'gradient' END, "
        "engine, state_name, state_format, similarity FROM voices"
    )


def _create_jobs() -> None:
    _create(
        "jobs",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.String(36), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("stage", sa.String(100), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("eta_s", sa.Double(), nullable=True),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("options", _json(), nullable=False),
        sa.Column("idempotency_key", sa.String(200), nullable=True),
        sa.Column("fingerprint", sa.String(64), nullable=True),
        sa.Column("webhook_url", sa.Text(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("stalls", sa.Integer(), nullable=False),
        sa.Column("error", _json(), nullable=True),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
    )
    _index("jobs", "owner", "created_at", "id")
    _index("jobs", "subject_id", "created_at", "id")
    _index("jobs", "status", "created_at", "id")
    _index("jobs", "owner", "idempotency_key", unique=True)
    _create(
        "workers",
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("beats", sa.Integer(), nullable=False),
        sa.Column("reaper", sa.String(36), nullable=True),
    )


def _create_batches() -> None:
    _create(
        "batches",
        sa.Column("name", sa.String(200), nullable=True),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("options", _json(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    _index("batches", "owner", "created_at", "id")
    _index("batches", "expires_at", "id")
    _create(
        "batch_items",
        sa.Column("batch_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("custom_id", sa.String(200), nullable=True),
        sa.Column("voice_id", sa.String(36), nullable=False),
        sa.Column("request", _json(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("part", sa.Integer(), nullable=True),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", _json(), nullable=True),
        sa.Column("output", sa.String(200), nullable=True),
        sa.Column("content_type", sa.String(100), nullable=True),
        sa.Column("bytes", sa.Integer(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
    )
    _index("batch_items", "batch_id", "position", unique=True)
    _index("batch_items", "batch_id", "status", "position")


def _create_history() -> None:
    _create(
        "history",
        sa.Column("voice_id", sa.String(36), nullable=False),
        sa.Column("voice_version", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(100), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("error", sa.String(100), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(35), nullable=True),
        sa.Column("format", sa.String(20), nullable=False),
        sa.Column("sample_rate", sa.Integer(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("first_audio_s", sa.Double(), nullable=True),
        sa.Column("total_s", sa.Double(), nullable=False),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.Column("audio", sa.String(200), nullable=True),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.String(36), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=False),
    )
    _index("history", "owner", "created_at", "id")
    _index("history", "voice_id", "created_at", "id")
    _index("history", "created_at", "id")
    _create(
        "usage_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("voice_id", sa.String(36), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("audio_s", sa.Double(), nullable=False),
    )
    _index("usage_days", "owner", "day", "id")
    _index("usage_days", "day", "id")
