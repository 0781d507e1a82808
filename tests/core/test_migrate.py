"""SQLite is copied aside before it is changed, or it is not changed."""

import resource
import sqlite3
from contextlib import closing

import pytest
from alembic import command

from app import __main__ as commands
from app.core import migrate, storage
from app.core.errors import ProductError
from tests.journeys import api
from tests.processes import start_luthier

OLD = "f3a9d1c65b70"


@pytest.fixture
def old(home):
    """A database of an earlier version whose last row is still in its journal."""
    home.mkdir(mode=0o700)
    path = home / "luthier.sqlite"
    migrate.upgrade()
    command.downgrade(migrate.config(), OLD)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        _add(writer, "anna")
        yield path


def _add(writer, name):
    words = "INSERT INTO users(email, name, is_instance_owner, created_at) VALUES(?, ?, 1, ?)"
    writer.execute(words, (f"{name}@example.org", name, "2026-11-22"))
    writer.commit()


def revision_in(path):
    with closing(sqlite3.connect(path)) as database:
        ((revision,),) = database.execute("SELECT version_num FROM alembic_version")
        names = [name for (name,) in database.execute("SELECT name FROM users")]
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return revision, names


def test_the_copy_holds_what_was_only_in_the_journal(old):
    assert old.with_name("luthier.sqlite-wal").stat().st_size > 0
    copy = migrate.upgrade()
    assert revision_in(copy) == (OLD, ["anna"])
    assert revision_in(old) == (migrate.head(), ["anna"])
    assert copy.stat().st_mode & 0o077 == 0


def test_three_copies_are_kept(old):
    for day in range(1, 5):
        old.with_name(f"luthier-before-2026-01-0{day}-000000.sqlite").touch()
    copy = migrate.upgrade()
    assert storage.copies_of(old) == [
        old.with_name("luthier-before-2026-01-03-000000.sqlite"),
        old.with_name("luthier-before-2026-01-04-000000.sqlite"),
        copy,
    ]


def test_without_room_for_the_copy_nothing_is_changed(old, home):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(ProductError, match="Nothing was changed"):
            migrate.upgrade()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert revision_in(old) == (OLD, ["anna"])
    assert not list(home.glob("*-before-*"))


def test_the_migrate_command_says_where_the_copy_is(old, capsys, monkeypatch):
    asked = commands.parser().parse_args(["migrate"])
    assert asked.do(asked) == 0
    assert "The database as it was" in capsys.readouterr().out
    assert len(storage.copies_of(old)) == 1


@pytest.mark.processes
def test_make_run_copies_before_it_migrates(old, tmp_path):
    with start_luthier(old.parent, **api.OWNER):
        (copy,) = storage.copies_of(old)
        assert revision_in(copy) == (OLD, ["anna"])
        assert revision_in(old)[0] == migrate.head()
