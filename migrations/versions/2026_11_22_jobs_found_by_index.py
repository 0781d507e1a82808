"""The list, its counts and the home page find jobs by index alone."""

import sqlalchemy as sa
from alembic import op

revision = "8c1b7f0e24d9"
down_revision = "5cc310ca8ae6"
branch_labels = None
depends_on = None

LISTED = sa.text("archived_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.create_index(
            "ix_jobs_listed", ["project_id", "id"], postgresql_where=LISTED, sqlite_where=LISTED
        )
        batch_op.create_index(
            "ix_jobs_project_id_status_ended_at", ["project_id", "status", "ended_at"]
        )
        batch_op.drop_index("ix_jobs_project_id_id")


def downgrade() -> None:
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.create_index("ix_jobs_project_id_id", ["project_id", "id"])
        batch_op.drop_index("ix_jobs_project_id_status_ended_at")
        batch_op.drop_index("ix_jobs_listed")
