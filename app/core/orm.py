"""The declarative base, named constraints, and what means the same on both databases: column types,
searching in names.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    TypeDecorator,
    and_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """A moment in UTC. Goes in aware, comes out aware; SQLite would silently drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be stored.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table's base; `lazy="raise"` on every relationship is a rule a test checks."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar = {
        datetime: Instant,
        int: BigInteger(),
        dict[str, Any]: JSON().with_variant(JSONB(), "postgresql"),
        list[Any]: JSON().with_variant(JSONB(), "postgresql"),
    }


# Marks a column of hashes of stored bytes: backups carry them, pruning leaves them alone.
NAMES_A_BLOB: dict[Any, Any] = {"names_a_blob": True}


def blob_columns() -> list[Column[Any]]:
    """Every column whose values are hashes of stored bytes."""
    tables = Base.metadata.sorted_tables
    return [one for table in tables for one in table.columns if one.info.get("names_a_blob")]


# SQLite counts keys up by itself only where they are called INTEGER.
Id = Annotated[
    int,
    mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
]


def holds(column: InstrumentedAttribute[Any], words: Sequence[str]) -> ColumnElement[bool]:
    """True where a text holds each of these words, however they are capitalised (on SQLite only
    ASCII letters have two sizes). No words: always true.
    """
    return and_(True, *(column.icontains(word, autoescape=True) for word in words))
