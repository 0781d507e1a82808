"""The list of jobs is sorted and filtered from its index alone."""

import sqlalchemy as sa
from alembic import op

revision = "b3d0f5a7c914"
down_revision = "c4e81a7f2d30"
branch_labels = None
depends_on = None

LISTED = sa.text("archived_at IS NULL")
COLUMNS = ["archived_at", "status", "name", "base_model", "connection_id", "training_version_id"]
ORDERS = ["created_by", "created_at", "best_valid_loss", "ended_at"]


def upgrade() -> None:
    _listed_by("project_id", "id", *COLUMNS, *ORDERS)


def downgrade() -> None:
    _listed_by("project_id", "id")


def _listed_by(*columns: str) -> None:
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_index("ix_jobs_listed")
        batch_op.create_index(
            "ix_jobs_listed", list(columns), postgresql_where=LISTED, sqlite_where=LISTED
        )
