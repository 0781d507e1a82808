"""What a person knows a signed-in browser by."""

import sqlalchemy as sa
from alembic import op

revision = "5b0d7e93a4c1"
down_revision = "f3a9d1c65b70"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, length in (("browser", 120), ("address", 64)):
        op.add_column("user_sessions", sa.Column(name, sa.String(length=length)))


def downgrade() -> None:
    with op.batch_alter_table("user_sessions") as batch_op:
        batch_op.drop_column("address")
        batch_op.drop_column("browser")
