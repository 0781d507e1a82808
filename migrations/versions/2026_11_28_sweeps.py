"""When a connection was last looked at, what a run is in our words, and logs still to be read."""

import sqlalchemy as sa
from alembic import op

revision = "c5e8a1b7f240"
down_revision = "a93d1e60c7f5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connections", sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("run_status", sa.String(16), nullable=True))
    op.create_index(
        "ix_jobs_unread",
        "jobs",
        ["connection_id", "changed_at"],
        postgresql_where=sa.text("events_at IS NULL"),
        sqlite_where=sa.text("events_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_unread", "jobs")
    op.drop_column("jobs", "run_status")
    op.drop_column("connections", "swept_at")
