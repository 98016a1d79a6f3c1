"""What was spoken, and how it sounds."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.create_table(
        "outputs",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("batch_id", sa.String(36), nullable=True),
        sa.Column("voices", json, nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_outputs"),
    )
    op.create_index("ix_outputs_id", "outputs", ["id"], unique=True)
    op.create_index("ix_outputs_created_at_number", "outputs", ["created_at", "number"])
    op.create_table(
        "landmarks",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("output", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("frame", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "output", "frame", name="pk_landmarks"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("landmarks")
    op.drop_table("outputs")
