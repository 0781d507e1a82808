"""People answer cases by hand: who has which, and which contestants are people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c41f8e5b7d02"
down_revision = "b1f6d2a70c94"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
AT = sa.DateTime(timezone=True)
TABLE = "hand_answers"


def _key(column: str, target: str, gone: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{TABLE}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=gone)


def upgrade() -> None:
    op.add_column("contestants", sa.Column("by_people", KEPT, nullable=True))
    op.create_table(
        TABLE,
        sa.Column("result_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("shown_at", AT, nullable=False),
        sa.Column("lease_until", AT, nullable=False),
        sa.Column("given_at", AT, nullable=True),
        _key("result_id", "results", "CASCADE"),
        _key("run_id", "evaluation_runs", "CASCADE"),
        _key("user_id", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("result_id", name=op.f(f"pk_{TABLE}")),
    )
    for column in ("run_id", "user_id"):
        op.create_index(op.f(f"ix_{TABLE}_{column}"), TABLE, [column])


def downgrade() -> None:
    op.drop_table(TABLE)
    op.drop_column("contestants", "by_people")
