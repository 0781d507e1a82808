"""Rows as text that either kind of database reads: out of one snapshot, into one transaction."""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Engine,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    column,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from app.core.database import READ_ONLY
from app.core.orm import Instant

ROWS_AT_ONCE = 200
BYTES_AT_ONCE = 4 * 2**20

# What a column holds, by the word that stands for it outside a database.
KINDS: dict[str, TypeEngine[Any]] = {
    "instant": Instant(),
    "date": Date(),
    "bool": Boolean(),
    "int": BigInteger(),
    "float": Float(53),
    "json": JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
    "bytes": LargeBinary(),
    "text": Text(),
}
_TYPES: tuple[tuple[type[Any], str], ...] = (
    (Instant, "instant"),
    (Date, "date"),
    (Boolean, "bool"),
    (Integer, "int"),
    (Float, "float"),
    (JSON, "json"),
    (LargeBinary, "bytes"),
    (String, "text"),
)
_READERS: dict[str, Callable[[Any], Any]] = {
    "instant": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": base64.b64decode,
    "float": float,
}


def kind_of(described: Column[Any]) -> str:
    """The word of KINDS for a column. Raises LookupError for a type that has none."""
    for kind, word in _TYPES:
        if isinstance(described.type, kind):
            return word
    raise LookupError(f"No word for the type of {described}.")


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the database as it is at its first question, and hinders no writer."""
    with engine.connect() as connection:
        words: dict[str, Any] = dict(READ_ONLY)
        if connection.dialect.name == "postgresql":
            words["isolation_level"] = "REPEATABLE READ"
        connection.execution_options(**words)
        with connection.begin():
            yield connection


def lines_of(connection: Connection, source: Table) -> Iterator[bytes]:
    """Every row of a table as a line of JSON, a list in the order of its columns."""
    query = source.select().order_by(*source.primary_key.columns)
    rows = connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})
    for row in rows:
        yield msgspec.json.encode(tuple(row)) + b"\n"


def load(
    connection: Connection, name: str, columns: Mapping[str, str], lines: Iterable[bytes]
) -> int:
    """Insert what `lines_of` wrote into the table `name`; `columns` are names and kinds, in the
    order of the values. Returns the number of rows.
    """
    target = table(name, *(column(key, KINDS[kind]) for key, kind in columns.items()))
    count = 0
    for batch in _batches(lines):
        connection.execute(target.insert(), [_read(columns, line) for line in batch])
        count += len(batch)
    return count


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if len(waiting) >= ROWS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def _read(columns: Mapping[str, str], line: bytes) -> dict[str, Any]:
    values = msgspec.json.decode(line)
    return {
        name: value if value is None or kind not in _READERS else _READERS[kind](value)
        for (name, kind), value in zip(columns.items(), values, strict=True)
    }


@contextmanager
def in_any_order(connection: Connection, names: Iterable[str]) -> Iterator[None]:
    """Rows may point at rows that come later: foreign keys are looked at when the block ends, and
    numbers are counted on from where the rows stop.

    SQLite's own check is the caller's migration: outside the program it enforces none.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    keys = connection.execute(
        text(
            "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint"
            " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
        )
    ).all()
    for owner, key in keys:
        _run(
            connection, f"ALTER TABLE {owner} ALTER CONSTRAINT {key} DEFERRABLE INITIALLY DEFERRED"
        )
    yield
    _run(connection, "SET CONSTRAINTS ALL IMMEDIATE")
    for owner, key in keys:
        _run(connection, f"ALTER TABLE {owner} ALTER CONSTRAINT {key} NOT DEFERRABLE")
    for name in names:
        _count_on(connection, name)


def _count_on(connection: Connection, name: str) -> None:
    find = text(
        "SELECT pg_get_serial_sequence(quote_ident(table_name), 'id')"
        " FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND table_name = :name AND column_name = 'id'"
    )
    sequence = connection.scalar(find, {"name": name})
    if sequence is not None:
        last = f'(SELECT max(id) FROM "{name}")'  # noqa: S608 - a table of ours
        _run(connection, f"SELECT setval('{sequence}', coalesce({last}, 1), {last} IS NOT NULL)")


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)
