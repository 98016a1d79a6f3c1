"""Voices that several engines speak."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("voices", sa.Column("other_states", json, server_default="[]", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("voices") as voices:
        voices.drop_column("other_states")
