"""Jobs and models that came home from a provider: their rows may be no dataset, and a model's job
unknown. The list of jobs is in the order in which they were asked for, wherever that was.
"""

import sqlalchemy as sa
from alembic import op

revision = "b4c7e19d5a02"
down_revision = "b4e8c2a91d37"
branch_labels = None
depends_on = None

LISTED = sa.text("archived_at IS NULL")
ORDERS = ["created_by", "created_at", "best_valid_loss", "ended_at"]
BEFORE = ["status", "name", "base_model", "connection_id", "training_version_id", *ORDERS]
COLUMNS = [name for name in BEFORE if name != "created_at"]
OF_A_JOB = ("start_attempts", "job_events", "checkpoints", "metric_chunks")

JOBS = sa.table("jobs", sa.column("id"), sa.column("training_version_id"))
MODELS = sa.table(
    "tuned_models", sa.column("id"), sa.column("job_id"), sa.column("dataset_version_id")
)
OBJECTS = sa.table("rescued_objects", sa.column("job_id"), sa.column("used_at"), sa.column("kind"))


def upgrade() -> None:
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_index("ix_jobs_listed")
        batch_op.add_column(sa.Column("rescued_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.alter_column("training_version_id", existing_type=sa.BigInteger(), nullable=True)
        _listed_by(batch_op, "project_id", "created_at", "id", "archived_at", *COLUMNS)
    with op.batch_alter_table("tuned_models") as batch_op:
        batch_op.alter_column("job_id", existing_type=sa.BigInteger(), nullable=True)
        batch_op.alter_column("dataset_version_id", existing_type=sa.BigInteger(), nullable=True)


def downgrade() -> None:
    """What the older tables cannot say goes: jobs without a dataset, models without a job or a
    dataset. The manifest keeps what they were made from and forgets that it was used: another
    rescue makes them again.
    """
    _forget_what_does_not_fit()
    with op.batch_alter_table("tuned_models") as batch_op:
        batch_op.alter_column("dataset_version_id", existing_type=sa.BigInteger(), nullable=False)
        batch_op.alter_column("job_id", existing_type=sa.BigInteger(), nullable=False)
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_index("ix_jobs_listed")
        batch_op.alter_column("training_version_id", existing_type=sa.BigInteger(), nullable=False)
        batch_op.drop_column("rescued_at")
        _listed_by(batch_op, "project_id", "id", "archived_at", *BEFORE)


def _listed_by(batch_op: object, *columns: str) -> None:
    batch_op.create_index(  # type: ignore[attr-defined]
        "ix_jobs_listed", list(columns), postgresql_where=LISTED, sqlite_where=LISTED
    )


def _forget_what_does_not_fit() -> None:
    # SQLite's keys rest while it migrates, so that nothing follows by itself.
    jobs = sa.select(JOBS.c.id).where(JOBS.c.training_version_id.is_(None))
    op.execute(
        sa.delete(MODELS).where(
            sa.or_(
                MODELS.c.job_id.is_(None),
                MODELS.c.dataset_version_id.is_(None),
                MODELS.c.job_id.in_(jobs),
            )
        )
    )
    op.execute(sa.update(OBJECTS).where(OBJECTS.c.kind == "model").values(used_at=None))
    op.execute(
        sa.update(OBJECTS).where(OBJECTS.c.job_id.in_(jobs)).values(job_id=None, used_at=None)
    )
    for name in OF_A_JOB:
        table = sa.table(name, sa.column("job_id"))
        op.execute(sa.delete(table).where(table.c.job_id.in_(jobs)))
    op.execute(sa.delete(JOBS).where(JOBS.c.training_version_id.is_(None)))
