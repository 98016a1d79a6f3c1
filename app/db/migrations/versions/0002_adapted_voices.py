"""Adapted voices."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "voices",
        sa.Column("state_name", sa.String(100), server_default="state", nullable=False),
    )
    op.add_column("voices", sa.Column("adapted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("voices", sa.Column("adapted_minutes", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("voices") as voices:
        for name in ("adapted_minutes", "adapted_at", "state_name"):
            voices.drop_column(name)
