"""What the instance's owner says of what training costs."""

import sqlalchemy as sa
from alembic import op

revision = "c7a1e4f82d93"
down_revision = "e7c1d94a3b60"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "owners_prices",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("per_million", sa.Double(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("changed_by", ID, nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by"],
            ["users.id"],
            name=op.f("fk_owners_prices_changed_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owners_prices")),
        sa.UniqueConstraint("profile", "model", name=op.f("uq_owners_prices_profile_model")),
    )


def downgrade() -> None:
    op.drop_table("owners_prices")
