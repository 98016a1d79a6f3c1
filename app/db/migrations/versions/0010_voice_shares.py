"""Voices that are shared with others, and the groups that keys are in."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.create_table(
        "voice_shares",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voice_id", sa.String(36), nullable=False),
        sa.Column("grantee", sa.String(210), nullable=False),
        sa.Column("access", sa.String(10), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_voice_shares"),
    )
    columns = ["voice_id", "grantee"]
    op.create_index("ix_voice_shares_voice_id_grantee", "voice_shares", columns, unique=True)
    columns = ["grantee", "created_at", "id"]
    op.create_index("ix_voice_shares_grantee_created_at_id", "voice_shares", columns)
    op.add_column("api_keys", sa.Column("groups", json, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("api_keys", "groups")
    op.drop_table("voice_shares")
