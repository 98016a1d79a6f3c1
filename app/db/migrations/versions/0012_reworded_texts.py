"""Texts that were translated, or prepared for the ear, before they were spoken."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = ("history", "batch_items")


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    for table in _TABLES:
        op.add_column(table, sa.Column("translation", json, nullable=True))
        op.add_column(table, sa.Column("prepared", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "prepared")
        op.drop_column(table, "translation")
