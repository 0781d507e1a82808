"""A rescue's part knows where its provider last said that this was too fast."""

import sqlalchemy as sa
from alembic import op

revision = "b8e4a6d92f31"
down_revision = "b4c7e19d5a02"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rescue_parts", sa.Column("pace_limit", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("rescue_parts", "pace_limit")
