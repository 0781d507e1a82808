"""How Alembic reaches the database: one transaction, one migrator at a time, no endless waits."""

from pathlib import Path
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, Connection, Engine, create_engine, event, pool, text

from app.core.orm import Instant
from app.settings import settings
from app.tables import metadata

# Any fixed number: "luthier" in base 36, cut to what fits.
MIGRATION_LOCK = 48_211_877_007
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"


def make_engine() -> Engine:
    """An engine for migrations alone: SQLite rebuilds tables, so its foreign keys must rest."""
    url = settings().database_url
    if not url.startswith("sqlite"):
        return create_engine(url, poolclass=pool.NullPool)
    Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = create_engine(url, poolclass=pool.NullPool, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def by_hand(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def take_the_lock(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def prepare(connection: Connection) -> None:
    """Wait for another migrator, and never stop a running instance for long."""
    if connection.dialect.name != "postgresql":
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))


def render_item(kind: str, value: object, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types as what they are in the database."""
    if kind == "type" and isinstance(value, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(value, JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def migrate(connection: Connection) -> None:
    """Run what is due, all of it or none."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        render_item=render_item,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        prepare(connection)
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if broken is not None:
                raise RuntimeError(f"After the migration a row points nowhere: {broken}")


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    engine = make_engine()
    with engine.connect() as fresh:
        migrate(fresh)
    engine.dispose()
