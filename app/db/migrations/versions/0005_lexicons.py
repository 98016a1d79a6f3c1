"""Lexicons, which of them a voice has, and what they have changed in a text."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("voices", sa.Column("lexicon_ids", json, server_default="[]", nullable=False))
    op.add_column("history", sa.Column("lexicon", json, nullable=True))
    _create(
        "lexicons",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("language", sa.String(35), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("content_id", sa.String(36), nullable=True),
        sa.Column("next_number", sa.Integer(), nullable=False),
    )
    op.create_index("ix_lexicons_owner_name", "lexicons", ["owner", "name"], unique=True)
    op.create_index("ix_lexicons_owner_created_at_id", "lexicons", ["owner", "created_at", "id"])
    _create(
        "lexicon_contents",
        sa.Column("lexicon_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("previous_id", sa.String(36), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("comment", sa.String(200), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_index(
        "ix_lexicon_contents_lexicon_id_number", "lexicon_contents", ["lexicon_id", "number"]
    )


def downgrade() -> None:
    op.drop_table("lexicon_contents")
    op.drop_table("lexicons")
    with op.batch_alter_table("history") as history:
        history.drop_column("lexicon")
    with op.batch_alter_table("voices") as voices:
        voices.drop_column("lexicon_ids")


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
