"""Migrations: up, down to nothing and up again, the same tables either way, on both databases."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from app.core import migrate
from app.settings import ROOT, settings
from app.tables import metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, monkeypatch, postgres, home):
    """An empty database."""
    made = postgres.create() if request.param == "postgresql" else None
    if made:
        monkeypatch.setenv("DATABASE_URL", made)
    settings.cache_clear()
    yield settings().database_url
    if made:
        postgres.drop(made)


@pytest.fixture
def config():
    return Config(str(ROOT / "alembic.ini"))


def shape(url):
    """Every table with its columns, keys and indexes, in words."""
    engine = create_engine(url)
    try:
        looked = inspect(engine)
        return {
            name: (
                sorted(
                    (c["name"], str(c["type"]), c["nullable"]) for c in looked.get_columns(name)
                ),
                sorted(str(i["column_names"]) + str(i["unique"]) for i in looked.get_indexes(name)),
                sorted(
                    f"{k['constrained_columns']}→{k['referred_table']} {k['options']}"
                    for k in looked.get_foreign_keys(name)
                ),
            )
            for name in looked.get_table_names()
            if name != "alembic_version"
        }
    finally:
        engine.dispose()


def test_up_down_and_up_again(url, config):
    migrate.upgrade()
    first = shape(url)
    assert first.keys() == metadata.tables.keys()
    command.downgrade(config, "base")
    assert shape(url) == {}
    migrate.upgrade()
    assert shape(url) == first


def test_migrated_tables_are_those_of_the_code(url, config):
    migrate.upgrade()
    command.check(config)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrating_what_is_migrated_does_nothing(url):
    migrate.upgrade()
    first = shape(url)
    assert migrate.upgrade() is None
    assert shape(url) == first


def test_there_is_one_line_of_migrations_with_dated_names(config):
    scripts = ScriptDirectory.from_config(config)
    assert len(scripts.get_heads()) == 1
    for script in scripts.walk_revisions():
        name = script.path.rpartition("/")[2]
        year, month, day, *words = name.removesuffix(".py").split("_")
        assert (len(year), len(month), len(day)) == (4, 2, 2)
        assert words
        assert script.doc
