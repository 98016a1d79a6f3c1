"""Consents of speakers, what they are asked to read, and which voice has which."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("voices", sa.Column("consent_id", sa.String(36), nullable=True))
    op.add_column("voices", sa.Column("consent_method", sa.String(20), nullable=True))
    op.add_column("voices", sa.Column("suspended", sa.String(50), nullable=True))
    op.create_index("ix_voices_consent_id_id", "voices", ["consent_id", "id"])
    _create(
        "consents",
        sa.Column("speaker", sa.String(200), nullable=False),
        sa.Column("company", sa.String(200), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.String(200), nullable=True),
        sa.Column("recording_blob", sa.String(200), nullable=True),
        sa.Column("scores", json, nullable=True),
        sa.Column("embedding", json, nullable=True),
        sa.Column("reasons", json, nullable=False),
        sa.Column("decided_by", sa.String(200), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erase_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("ix_consents_owner_created_at_id", "consents", ["owner", "created_at", "id"])
    op.create_index("ix_consents_status_created_at_id", "consents", ["status", "created_at", "id"])
    op.create_index("ix_consents_erase_at_id", "consents", ["erase_at", "id"])
    _create(
        "consent_challenges",
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("speaker", sa.String(200), nullable=False),
        sa.Column("company", sa.String(200), nullable=False),
        sa.Column("code", sa.String(20), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index(
        "ix_consent_challenges_expires_at_id", "consent_challenges", ["expires_at", "id"]
    )


def downgrade() -> None:
    op.drop_table("consent_challenges")
    op.drop_table("consents")
    op.drop_index("ix_voices_consent_id_id", "voices")
    with op.batch_alter_table("voices") as voices:
        voices.drop_column("suspended")
        voices.drop_column("consent_method")
        voices.drop_column("consent_id")


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
