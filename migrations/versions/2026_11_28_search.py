"""Versions that are there already are searched too: their words are due to be taken up."""

from alembic import op

revision = "b2f86d0c57a9"
down_revision = "b3f08c6de952"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "INSERT INTO dataset_derived(version_id, kind, status, due_at, fence, attempts) "
        "SELECT id, 'search', 'waiting', CURRENT_TIMESTAMP, 0, 0 FROM dataset_versions "
        "WHERE status = 'ready'"
    )


def downgrade() -> None:
    op.execute("DELETE FROM dataset_derived WHERE kind = 'search'")
