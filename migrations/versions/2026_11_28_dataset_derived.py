"""Further files of dataset versions, made after they are ready; those there are get theirs, too."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "e7c1d94a3b60"
down_revision = "e7b25d91c3f6"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
KEPT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "dataset_derived",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("progress", KEPT, nullable=True),
        sa.Column("facts", KEPT, nullable=True),
        sa.Column("made_at", AT, nullable=True),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["dataset_versions.id"],
            name=op.f("fk_dataset_derived_version_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_derived")),
        sa.UniqueConstraint("version_id", "kind", name=op.f("uq_dataset_derived_version_id_kind")),
    )
    op.create_index(op.f("ix_dataset_derived_due_at"), "dataset_derived", ["due_at"])
    op.execute(
        "INSERT INTO dataset_derived(version_id, kind, status, due_at, fence, attempts) "
        "SELECT id, 'checks', 'waiting', CURRENT_TIMESTAMP, 0, 0 FROM dataset_versions "
        "WHERE status = 'ready'"
    )


def downgrade() -> None:
    op.drop_table("dataset_derived")
