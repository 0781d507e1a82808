"""What a project may spend in a month, and a row for each paid thing: every job that was asked for
here has one, whether or not there is a budget.
"""

from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.orm import Instant

revision = "a6d9f2c75b18"
down_revision = "d7b2f94c1a08"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
AT_ONCE = 500
LARGEST = 10**15
KEPT = "Counted by its estimate when budgets came."

JOBS = sa.table(
    "jobs",
    sa.column("id", sa.BigInteger()),
    sa.column("project_id", sa.BigInteger()),
    sa.column("created_by", sa.BigInteger()),
    sa.column("created_at", Instant()),
    sa.column("ended_at", Instant()),
    sa.column("rescued_at", Instant()),
    sa.column("name", sa.String()),
    sa.column("status", sa.String()),
    sa.column("run_id", sa.String()),
    sa.column("estimate", sa.JSON()),
    sa.column("trained_tokens", sa.BigInteger()),
    sa.column("step", sa.BigInteger()),
    sa.column("total_steps", sa.BigInteger()),
)
SPENDS = sa.table(
    "spends",
    sa.column("project_id", sa.BigInteger()),
    sa.column("key", sa.String()),
    sa.column("subject", sa.String()),
    sa.column("name", sa.String()),
    sa.column("month", sa.Date()),
    sa.column("state", sa.String()),
    sa.column("reserved", sa.BigInteger()),
    sa.column("spent", sa.BigInteger()),
    sa.column("is_open", sa.Boolean()),
    sa.column("words", sa.Text()),
    sa.column("created_by", sa.BigInteger()),
    sa.column("created_at", Instant()),
    sa.column("settled_at", Instant()),
)


def _key(column: str, target: str, ondelete: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [target], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def upgrade() -> None:
    op.create_table(
        "budgets",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("monthly", sa.BigInteger(), nullable=True),
        sa.Column("warn_percent", sa.BigInteger(), nullable=False),
        sa.Column("unknown_price", sa.String(8), nullable=False),
        sa.Column("changed_by", ID, nullable=True),
        sa.Column("changed_at", AT, nullable=False),
        _key("project_id", "projects.id", "CASCADE", "budgets"),
        _key("changed_by", "users.id", "SET NULL", "budgets"),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_budgets")),
    )
    op.create_table(
        "spends",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=True),
        sa.Column("spent", sa.BigInteger(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("settled_at", AT, nullable=True),
        _key("project_id", "projects.id", "CASCADE", "spends"),
        _key("created_by", "users.id", "SET NULL", "spends"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spends")),
        sa.UniqueConstraint("key", name=op.f("uq_spends_key")),
    )
    op.create_index(op.f("ix_spends_project_id_month_id"), "spends", ["project_id", "month", "id"])
    _count_what_was_ordered()


def downgrade() -> None:
    op.drop_table("spends")
    op.drop_table("budgets")


def _count_what_was_ordered() -> None:
    connection, last_id = op.get_bind(), 0
    while True:
        query = sa.select(JOBS).where(JOBS.c.id > last_id, JOBS.c.rescued_at.is_(None))
        jobs = connection.execute(query.order_by(JOBS.c.id).limit(AT_ONCE)).mappings().all()
        if not jobs:
            return
        connection.execute(SPENDS.insert(), [_spend(job) for job in jobs])
        last_id = jobs[-1]["id"]


def _spend(job: Any) -> dict[str, Any]:
    asked_at: datetime = job["created_at"].astimezone(UTC)
    per_million = job["estimate"].get("per_million")
    estimated = _cost(job["estimate"].get("billed_tokens"), per_million)
    state, spent, is_open = _outcome(job, estimated, per_million)
    return {
        "project_id": job["project_id"],
        "key": f"job:{job['id']}",
        "subject": f"job:{job['id']}",
        "name": job["name"],
        "month": date(asked_at.year, asked_at.month, 1),
        "state": state,
        "reserved": estimated,
        "spent": spent,
        "is_open": is_open,
        "words": KEPT if is_open else None,
        "created_by": job["created_by"],
        "created_at": asked_at,
        "settled_at": job["ended_at"] if state != "reserved" else None,
    }


def _outcome(
    job: Any, estimated: int | None, per_million: float | None
) -> tuple[str, int | None, bool]:
    if job["status"] not in {"succeeded", "failed", "cancelled", "vanished"}:
        return "reserved", None, False
    if job["run_id"] is None:
        return "released", None, False
    if job["trained_tokens"] is not None:
        spent = _cost(job["trained_tokens"], per_million)
        return "spent", spent, spent is None
    if job["status"] in {"succeeded", "vanished"} or not estimated:
        return "spent", estimated, estimated != 0
    share = min(1.0, (job["step"] or 0) / job["total_steps"]) if job["total_steps"] else 0.0
    spent = _cost(round(job["estimate"]["billed_tokens"] * share), per_million)
    return "spent", spent, bool(spent)


def _cost(tokens: int | None, per_million: float | None) -> int | None:
    if per_million == 0:
        return 0
    if tokens is None or per_million is None:
        return None
    exact = Decimal(tokens) * Decimal(str(per_million))
    return min(LARGEST, int(exact.to_integral_value(ROUND_CEILING)))
