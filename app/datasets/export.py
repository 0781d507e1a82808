"""A version's rows in the words of another program, a stretch at a time."""

from collections.abc import Iterator
from pathlib import Path

from app.core.errors import Conflict, WrongInput
from app.datasets.forms import label_of, name_from
from app.datasets.index import Flag, Index, open_index
from app.datasets.models import DatasetVersion
from app.formats.dialects.base import Dialect
from app.formats.dialects.registry import DIALECTS

PIECE_BYTES = 2**18


def dialects_of(version: DatasetVersion) -> list[Dialect]:
    """The dialects that have words for the rows of this version."""
    return [one for one in DIALECTS.values() if version.format in one.formats]


def dialect_for(version: DatasetVersion, name: str) -> Dialect:
    """The dialect of this name. Raises WrongInput where there is none, and Conflict where it has no
    words for these rows or nobody has read them yet.
    """
    if name not in DIALECTS:
        raise WrongInput.field("as", f"One of: {', '.join(DIALECTS)}.")
    if not version.is_final:
        raise Conflict(f"The check of this version is not done; it is {version.status}.")
    dialect = DIALECTS[name]
    if version.format not in dialect.formats:
        rows = f"{version.format} rows" if version.format else "rows of no known format"
        raise Conflict(f"{dialect.title} has no words for {rows}.")
    return dialect


def file_name(version: DatasetVersion, dialect: Dialect) -> str:
    """What the exported file is called."""
    name = f"{name_from(version.file_name)}-v{version.number}.{dialect.name}.{dialect.ending}"
    return label_of(name.replace(".csv.csv", ".csv"))


def pieces(blob: Path, index: Path, format_name: str, dialect: Dialect) -> Iterator[bytes]:
    """The file, in pieces. Rows that cannot be read have no words in any dialect: they stay out."""
    waiting = [dialect.head(format_name)]
    size = 0
    with open_index(index) as opened, blob.open("rb", buffering=2**20) as file:
        for row in opened.each_row():
            if row.flags & Flag.UNREADABLE:
                continue
            file.seek(row.offset)
            waiting.append(dialect.row(format_name, file.read(row.length)))
            size += len(waiting[-1])
            if size > PIECE_BYTES:
                yield b"".join(waiting)
                waiting.clear()
                size = 0
    yield b"".join(waiting)


def left_out(opened: Index) -> int:
    """How many rows no dialect has words for, because they cannot be read."""
    counted = opened.facts.get("flags", [])
    return sum(count for flags, count in counted if flags & Flag.UNREADABLE)
