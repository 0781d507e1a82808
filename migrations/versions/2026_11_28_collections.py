"""Collections of rows that people save."""

import sqlalchemy as sa
from alembic import op

revision = "e2f7a90c41bd"
down_revision = "c8a41f6d20e5"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def _key(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "collections",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("dataset_id", ID, nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        _key("collections", "project_id", "projects", "CASCADE"),
        _key("collections", "dataset_id", "datasets", "SET NULL"),
        _key("collections", "created_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint(
            "project_id", "format", "name", name=op.f("uq_collections_project_id_format_name")
        ),
    )
    op.create_index(op.f("ix_collections_dataset_id"), "collections", ["dataset_id"])
    op.create_table(
        "collection_rows",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("conversation_id", ID, nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("removed_at", AT, nullable=True),
        _key("collection_rows", "project_id", "projects", "CASCADE"),
        _key("collection_rows", "collection_id", "collections", "CASCADE"),
        _key("collection_rows", "conversation_id", "conversations", "SET NULL"),
        _key("collection_rows", "created_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_rows")),
        sa.UniqueConstraint(
            "collection_id", "digest", name=op.f("uq_collection_rows_collection_id_digest")
        ),
    )
    for columns in (["project_id"], ["conversation_id"], ["collection_id", "removed_at"]):
        name = op.f(f"ix_collection_rows_{'_'.join(columns)}")
        op.create_index(name, "collection_rows", columns)


def downgrade() -> None:
    op.drop_table("collection_rows")
    op.drop_table("collections")
