"""A dataset version whose rows were made of a table keeps the table and how it was read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "e7b25d91c3f6"
down_revision = "a6d9f2c75b18"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TABLE = "dataset_versions"
INDEX = "ix_dataset_versions_source_sha256"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("source_sha256", sa.String(64), nullable=True))
    op.add_column(TABLE, sa.Column("source_size", sa.BigInteger(), nullable=True))
    op.add_column(TABLE, sa.Column("reading", JSON, nullable=True))
    op.create_index(op.f(INDEX), TABLE, ["source_sha256"])


def downgrade() -> None:
    op.drop_index(op.f(INDEX), TABLE)
    for name in ("reading", "source_size", "source_sha256"):
        op.drop_column(TABLE, name)
