"""Notices about everything, not about dates alone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "f1c83a5e7d46"
down_revision = "d2f6b81c4e97"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FACTS = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
OF_DATES = {
    "date_id": ID,
    "changes": sa.BigInteger(),
    "days_ahead": sa.BigInteger(),
    "left_days": sa.BigInteger(),
    "day": sa.Date(),
}


def upgrade() -> None:
    with op.batch_alter_table("notices") as batch_op:
        batch_op.add_column(sa.Column("topic", sa.String(32), server_default="dates"))
        batch_op.add_column(sa.Column("key", sa.String(400), server_default=""))
        batch_op.add_column(sa.Column("path", sa.String(255), server_default=""))
        batch_op.add_column(sa.Column("person_id", ID))
        batch_op.add_column(sa.Column("facts", FACTS, server_default="{}"))
    op.execute(
        "UPDATE notices SET key = date_id || ':' || changes || ':' || days_ahead, "
        "path = '/projects/' || project_id || '/calendar'"
    )
    with op.batch_alter_table("notices") as batch_op:
        for name, kind in (
            ("topic", sa.String(32)),
            ("key", sa.String(400)),
            ("path", sa.String(255)),
            ("facts", FACTS),
        ):
            batch_op.alter_column(name, existing_type=kind, nullable=False, server_default=None)
        for name, kind in OF_DATES.items():
            batch_op.alter_column(name, existing_type=kind, nullable=True)
        batch_op.create_foreign_key(
            op.f("fk_notices_person_id"), "users", ["person_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.drop_constraint(op.f("uq_notices_date_id_changes_days_ahead"), type_="unique")
        batch_op.create_unique_constraint(
            op.f("uq_notices_project_id_topic_key"), ["project_id", "topic", "key"]
        )


def downgrade() -> None:
    op.execute("DELETE FROM notices WHERE topic <> 'dates'")
    with op.batch_alter_table("notices") as batch_op:
        batch_op.drop_constraint(op.f("uq_notices_project_id_topic_key"), type_="unique")
        batch_op.drop_constraint(op.f("fk_notices_person_id"), type_="foreignkey")
        for name in ("topic", "key", "path", "person_id", "facts"):
            batch_op.drop_column(name)
        for name, kind in OF_DATES.items():
            batch_op.alter_column(name, existing_type=kind, nullable=False)
        batch_op.create_unique_constraint(
            op.f("uq_notices_date_id_changes_days_ahead"), ["date_id", "changes", "days_ahead"]
        )
