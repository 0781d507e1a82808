"""Search files are kept in volumes: those that are there already are made again."""

from alembic import op

revision = "5d0c9be7f14a"
down_revision = "b2f86d0c57a9"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE dataset_derived SET status = 'waiting', due_at = CURRENT_TIMESTAMP, "
        "lease_until = NULL, attempts = 0, progress = NULL "
        "WHERE kind = 'search'"
    )


def downgrade() -> None:
    upgrade()
