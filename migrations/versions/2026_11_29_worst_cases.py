"""The worst cases of tuned contestants, and the training rows nearest to each."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "3a91c5e7d2b6"
down_revision = "c41d8e90b7f2"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
AT = sa.DateTime(timezone=True)
LISTS, CASES = "worst_lists", "worst_cases"


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        LISTS,
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("contestant_id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("is_drawn", sa.Boolean(), nullable=False),
        sa.Column("base_place", sa.BigInteger(), nullable=True),
        sa.Column("wrong", sa.BigInteger(), nullable=False),
        sa.Column("cases", sa.BigInteger(), nullable=False),
        sa.Column("looked", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key(LISTS, "run_id", "evaluation_runs"),
        _key(LISTS, "contestant_id", "contestants"),
        _key(LISTS, "version_id", "dataset_versions"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{LISTS}")),
        sa.UniqueConstraint("contestant_id", name=op.f(f"uq_{LISTS}_contestant_id")),
    )
    for column in ("run_id", "version_id", "due_at"):
        op.create_index(op.f(f"ix_{LISTS}_{column}"), LISTS, [column])
    op.create_table(
        CASES,
        sa.Column("list_id", ID, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("is_lost", sa.Boolean(), nullable=False),
        sa.Column("likeness", sa.Double(), nullable=True),
        sa.Column("says", sa.String(length=16), nullable=True),
        sa.Column("near", KEPT, nullable=False),
        _key(CASES, "list_id", "worst_lists"),
        _key(CASES, "run_id", "evaluation_runs"),
        _key(CASES, "case_id", "cases"),
        sa.PrimaryKeyConstraint("list_id", "place", name=op.f(f"pk_{CASES}")),
    )
    for first in ("list_id", "run_id"):
        op.create_index(op.f(f"ix_{CASES}_{first}_number"), CASES, [first, "number"])
    op.create_index(op.f(f"ix_{CASES}_case_id"), CASES, ["case_id"])


def downgrade() -> None:
    op.drop_table(CASES)
    op.drop_table(LISTS)
