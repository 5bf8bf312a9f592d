"""Runs and what each of them has locked."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "holder",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("place", sa.String(255), nullable=False),
        sa.Column("process", sa.Integer, nullable=False),
        sa.Column("began", sa.String(64), nullable=False),
        sa.Column("doing", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("beat", sa.Float, nullable=False),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(512), primary_key=True),
        sa.Column("holder", sa.String(32), nullable=False),
    )
