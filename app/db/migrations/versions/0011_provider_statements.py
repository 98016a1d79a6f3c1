"""Recordings of the statements that engines' providers want to hear."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("consents", sa.Column("provider_blob", sa.String(200), nullable=True))


def downgrade() -> None:
    op.drop_column("consents", "provider_blob")
