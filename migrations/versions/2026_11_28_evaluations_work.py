"""What the work on evaluations keeps: tokens, tries, what open requests hold, the pace."""

import sqlalchemy as sa
from alembic import op

revision = "5d81c07f3e92"
down_revision = "c4d81f6a02be"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COUNTS = (
    ("evaluations", "tokens"),
    ("evaluations", "answer_tokens"),
    ("cases", "tokens"),
    ("evaluation_runs", "guessed"),
    ("results", "tries"),
)


def upgrade() -> None:
    for table, name in COUNTS:
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("results", sa.Column("held", sa.BigInteger(), nullable=True))
    sha256 = sa.Column("request_sha256", sa.String(64), nullable=True)
    op.add_column("evaluation_runs", sha256)
    op.create_table(
        "answer_paces",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("most", sa.Double(), nullable=True),
        sa.Column("outages", sa.BigInteger(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_answer_paces_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_answer_paces")),
    )


def downgrade() -> None:
    op.drop_table("answer_paces")
    op.drop_column("evaluation_runs", "request_sha256")
    op.drop_column("results", "held")
    for table, name in COUNTS:
        op.drop_column(table, name)
