"""Suspensions; who may not be cloned, the speakers of voices, and what administrators look at."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    _create(
        "suspensions",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
    )
    op.create_index("ix_suspensions_kind_subject", "suspensions", ["kind", "subject"], unique=True)
    op.create_index("ix_suspensions_created_at_id", "suspensions", ["created_at", "id"])
    _create(
        "denied_speakers",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_denied_speakers_created_at_id", "denied_speakers", ["created_at", "id"])
    _create(
        "voice_speakers",
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_voice_speakers_created_at_id", "voice_speakers", ["created_at", "id"])
    _create(
        "flags",
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("details", json, nullable=False),
        sa.Column("decided_by", sa.String(200), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
    )
    op.create_index("ix_flags_created_at_id", "flags", ["created_at", "id"])
    op.create_index("ix_flags_status_created_at_id", "flags", ["status", "created_at", "id"])
    op.create_index("ix_flags_subject_created_at_id", "flags", ["subject", "created_at", "id"])


def downgrade() -> None:
    for name in ("flags", "voice_speakers", "denied_speakers", "suspensions"):
        op.drop_table(name)


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
