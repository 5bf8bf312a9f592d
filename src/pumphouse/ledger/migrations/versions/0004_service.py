"""Jobs that were handed in, and who asked for what."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENTS = {
    "migration": ("created_at", "updated_at"),
    "resource": ("updated_at",),
    "host": ("updated_at",),
    "event": ("at",),
    "holder": ("since", "beat"),
}


def upgrade() -> None:
    """Make the tables; give moments their fractions where they were rounded to minutes."""
    if op.get_bind().dialect.name in ("mysql", "mariadb"):
        for table, columns in MOMENTS.items():
            for column in columns:
                op.alter_column(table, column, type_=sa.Float(53), existing_nullable=False)
    _make_job()
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("origin", sa.String(64), nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
    )
    about = sa.table("about", sa.column("name", sa.String), sa.column("value", sa.Text))
    op.execute(about.insert().values(name="events", value="whoever appends one locks this row"))


def _make_job() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("command", sa.String(32), nullable=False),
        sa.Column("selection", sa.JSON, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("caller", sa.String(255), nullable=False),
        sa.Column("key", sa.String(200)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("wish", sa.String(16), nullable=False),
        sa.Column("conductor", sa.String(255), nullable=False),
        sa.Column("ended", sa.JSON, nullable=False),
        sa.Column("result", sa.JSON),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("updated_at", sa.Float(53), nullable=False),
        sa.UniqueConstraint("caller", "key", name="job_by_key"),
    )
    op.create_index("job_by_state", "job", ["state", "created_at"])
