"""How often somebody did something lately is found by index alone."""

from alembic import op

revision = "4d7a90c3be12"
down_revision = "b7d20e5c91fa"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("activity") as batch_op:
        batch_op.create_index("ix_activity_actor_id_verb_at", ["actor_id", "verb", "at"])


def downgrade() -> None:
    with op.batch_alter_table("activity") as batch_op:
        batch_op.drop_index("ix_activity_actor_id_verb_at")
