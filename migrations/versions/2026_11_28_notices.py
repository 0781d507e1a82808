"""Dates a project was told of, the notices about them, who has read which, links of calendars."""

import sqlalchemy as sa
from alembic import op

revision = "c4e8b1f7a690"
down_revision = "b4e19c7d2a60"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def _key(column: str, target: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [target], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def upgrade() -> None:
    op.create_table(
        "date_watches",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key("project_id", "projects.id", "date_watches"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_date_watches")),
        sa.UniqueConstraint("project_id", name=op.f("uq_date_watches_project_id")),
    )
    op.create_index(op.f("ix_date_watches_due_at"), "date_watches", ["due_at"])
    # Every project that is there already is due at once.
    op.execute(
        "INSERT INTO date_watches (project_id, due_at, fence, attempts) "
        "SELECT id, created_at, 0, 0 FROM projects"
    )
    op.create_table(
        "watched_dates",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        _key("project_id", "projects.id", "watched_dates"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_dates")),
        sa.UniqueConstraint("project_id", "key", name=op.f("uq_watched_dates_project_id_key")),
    )
    op.create_table(
        "notices",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("date_id", ID, nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("days_ahead", sa.BigInteger(), nullable=False),
        sa.Column("left_days", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("title", sa.String(400), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("depends", sa.Text(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("at", AT, nullable=False),
        _key("project_id", "projects.id", "notices"),
        _key("date_id", "watched_dates.id", "notices"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint(
            "date_id", "changes", "days_ahead", name=op.f("uq_notices_date_id_changes_days_ahead")
        ),
    )
    op.create_index(
        op.f("ix_notices_project_id_is_current"), "notices", ["project_id", "is_current"]
    )
    op.create_table(
        "notice_reads",
        sa.Column("notice_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("at", AT, nullable=False),
        _key("notice_id", "notices.id", "notice_reads"),
        _key("user_id", "users.id", "notice_reads"),
        sa.PrimaryKeyConstraint("notice_id", "user_id", name=op.f("pk_notice_reads")),
    )
    op.create_index(op.f("ix_notice_reads_user_id"), "notice_reads", ["user_id"])
    op.create_table(
        "calendar_links",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        _key("project_id", "projects.id", "calendar_links"),
        _key("user_id", "users.id", "calendar_links"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_links")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_calendar_links_fingerprint")),
        sa.UniqueConstraint(
            "user_id", "project_id", name=op.f("uq_calendar_links_user_id_project_id")
        ),
    )
    op.create_index(op.f("ix_calendar_links_project_id"), "calendar_links", ["project_id"])


def downgrade() -> None:
    for table in ("calendar_links", "notice_reads", "notices", "watched_dates", "date_watches"):
        op.drop_table(table)
