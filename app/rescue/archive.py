"""Everything a rescue brought home as one ZIP, made while it is sent: no copy on the disk, and of
the bytes no more in memory than a piece.
"""

import csv
import hashlib
import io
import zipfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from app.core import storage
from app.core.cells import cell
from app.core.database import read_only
from app.rescue import queries_archive as queries
from app.rescue.evals import exports as eval_exports
from app.rescue.models import Kind, RescuedObject
from app.rescue.naming import safe_name
from app.rescue.queries_archive import Entry

PIECE_BYTES = 64 * 1024
AT_ONCE = 500
# The fastest: JSON shrinks to a fifth, and a processor keeps up with most lines.
LEVEL = 1
OLDEST = datetime(1980, 1, 1, tzinfo=UTC)  # no ZIP knows an older day
FOLDERS = {
    Kind.EVAL: ("evals", ".json"),
    Kind.EVAL_RUN: ("eval-runs", ".json"),
    Kind.EVAL_ITEMS: ("eval-output-items", ".jsonl"),
    Kind.MODEL: ("models", ".json"),
    Kind.JOB: ("jobs", ".json"),
    Kind.JOB_EVENTS: ("job-events", ".jsonl"),
    Kind.CHECKPOINTS: ("checkpoints", ".jsonl"),
    Kind.PERMISSIONS: ("checkpoint-permissions", ".jsonl"),
    Kind.FILE: ("files", ""),
    Kind.USAGE: ("usage", ".jsonl"),
    Kind.COMPLETION: ("completions", ".jsonl"),
}
COLUMNS = (
    "kind", "object_id", "bytes", "sha256", "fetched_at", "outcome", "error", "name", "connection",
    "path",
)  # fmt: skip
NOT_WHOLE = "What lies here is no longer what came: verify, then fetch it again."
MISSING = "Its bytes do not lie here any more: verify, then fetch it again."
README = """\
What Luthier brought home, as it stood on {moment}.

Each connection has a folder. In it, a folder a kind; in that, a file an object. The number at the
beginning of a file's name is its line's in Luthier; the provider's id and the name follow.

  evals, eval-runs, models, jobs   one JSON object each, as the provider wrote it
  eval-output-items                JSONL, an output item a line, of one run each
  job-events, checkpoints          JSONL, of one job each
  checkpoint-permissions           JSONL, of one checkpoint each
  files                            training, validation, result and eval files, byte for byte
  usage                            JSONL, a day a line, of one month each
  completions                      JSONL: a stored completion, then its messages; may hold
                                   personal data
  promptfoo                        of each eval a promptfooconfig.yaml, and the output items as
                                   `promptfoo import` reads them (eval_items_...jsonl)

manifest.jsonl and manifest.csv list every object that was found, also what was refused or is gone,
with the provider's words. Where `path` is empty, nothing of it is here; of what was still `waiting`
here is what had come before. `sha256` and `bytes` are
those of the file in this archive:  sha256sum PATH

The weights of tuned models are not here: no provider of theirs gives them out.
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes in: the connections' names by id, up to the line `last` of their manifest."""

    connections: Mapping[int, str]
    last: int
    moment: datetime


@dataclass(slots=True)
class _Put:
    """What was written: by line the SHA-256 and the number of bytes, and what is wrong with it."""

    digests: dict[int, bytes] = field(default_factory=dict)
    words: dict[int, str] = field(default_factory=dict)


class _Pipe(io.RawIOBase):
    """Where the archive is written to and taken from; it cannot be gone back in."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._kept.append(bytes(piece))
        self.size += len(piece)
        return len(piece)

    def take(self) -> bytes:
        taken, self._kept, self.size = b"".join(self._kept), [], 0
        return taken


class _Archive:
    """A ZIP that grows into a pipe. Lengths are written behind each file, so that nobody has to go
    back; sizes beyond four gigabytes and more than 65,535 files are ZIP64.
    """

    def __init__(self) -> None:
        self._pipe = _Pipe()
        self._zip = zipfile.ZipFile(self._pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)

    def add(
        self, name: str, pieces: Iterable[bytes], moment: datetime, size: int = 0
    ) -> Iterator[bytes]:
        """One more file. `size` is how large it will be, at least about."""
        about = zipfile.ZipInfo(name, max(moment, OLDEST).timetuple()[:6])
        about.compress_type, about.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
        about.file_size = size
        with self._zip.open(about, "w", force_zip64=size == 0) as file:
            for piece in pieces:
                file.write(piece)
                if self._pipe.size > PIECE_BYTES:
                    yield self._pipe.take()
        if self._pipe.size > PIECE_BYTES:
            yield self._pipe.take()

    def end(self) -> bytes:
        """The directory, which every ZIP has at its end."""
        self._zip.close()
        return self._pipe.take()


def archive(contents: Contents) -> Generator[bytes, None, None]:
    """The whole archive, piece by piece. What came home is read once more on the way out: the
    manifest tells the hashes of what was sent.
    """
    made, put, moment = _Archive(), _Put(), contents.moment
    readme = README.format(moment=f"{moment:%Y-%m-%d %H:%M} UTC").encode()
    yield from made.add("README.txt", [readme], moment)
    for entry in _entries(contents):
        if entry.sha256 is not None:
            yield from _add_object(made, put, contents, entry)
    for one in _evals(contents):
        yield from _add_exports(made, contents, one)
    yield from made.add("manifest.jsonl", _jsonl(contents, put), moment)
    yield from made.add("manifest.csv", _csv(contents, put), moment)
    yield made.end()


def path_of(contents: Contents, entry: Entry) -> str:
    """Where an object lies in the archive: a name of its own, whatever the provider called it."""
    folder, ending = FOLDERS[Kind(entry.kind)]
    names = [f"{entry.id:07}", safe_name(entry.object_id, 60)]
    if entry.name and entry.name != entry.object_id:
        names.append(safe_name(entry.name, 60))
    return f"{_folder(contents, entry.connection_id)}/{folder}/{'-'.join(names)}{ending}"


def _folder(contents: Contents, connection_id: int) -> str:
    return f"{connection_id}-{safe_name(contents.connections[connection_id], 40)}"


def _add_object(made: _Archive, put: _Put, contents: Contents, entry: Entry) -> Iterator[bytes]:
    assert entry.sha256 is not None  # noqa: S101 - the caller looked
    try:
        with storage.blob_path(entry.sha256).open("rb") as file:
            digest, size = hashlib.sha256(), 0

            def counted() -> Iterator[bytes]:
                nonlocal size
                while piece := file.read(storage.PIECE_BYTES):
                    digest.update(piece)
                    size += len(piece)
                    yield piece

            name = path_of(contents, entry)
            yield from made.add(name, counted(), entry.fetched_at or OLDEST, entry.size or 0)
    except FileNotFoundError:
        put.words[entry.id] = MISSING
        return
    put.digests[entry.id] = digest.digest() + size.to_bytes(8)
    if digest.hexdigest() != entry.sha256:
        put.words[entry.id] = NOT_WHOLE


def _add_exports(made: _Archive, contents: Contents, one: RescuedObject) -> Iterator[bytes]:
    name = safe_name(one.name or one.object_id, 60)
    folder = f"{_folder(contents, one.connection_id)}/promptfoo/{one.id:07}-{name}"
    for file_name, pieces in (
        ("promptfooconfig.yaml", eval_exports.configuration_of(one)),
        (eval_exports.items_name(one.object_id), eval_exports.items_of_eval(one)),
    ):
        yield from made.add(f"{folder}/{file_name}", pieces, contents.moment)


def _entries(contents: Contents) -> Iterator[Entry]:
    """Every line of the manifest; no session stays open while the reader is slow."""
    after = 0
    while True:
        with read_only() as session:
            found = queries.entries(
                session,
                contents.connections.keys(),
                after=after,
                last=contents.last,
                limit=AT_ONCE,
            )
        if not found:
            return
        yield from found
        after = found[-1].id


def _evals(contents: Contents) -> Iterator[RescuedObject]:
    after = 0
    while True:
        with read_only() as session:
            found = queries.an_eval_after(
                session, contents.connections.keys(), after=after, last=contents.last
            )
        if found is None:
            return
        yield found
        after = found.id


def _lines(contents: Contents, put: _Put) -> Iterator[dict[str, Any]]:
    for entry in _entries(contents):
        known = put.digests.get(entry.id)
        yield {
            "kind": entry.kind,
            "object_id": entry.object_id,
            "bytes": int.from_bytes(known[32:]) if known else None,
            "sha256": known[:32].hex() if known else None,
            "fetched_at": entry.fetched_at.isoformat() if entry.fetched_at else None,
            "outcome": entry.outcome,
            "error": put.words.get(entry.id) or entry.error,
            "name": entry.name,
            "connection": contents.connections[entry.connection_id],
            "path": path_of(contents, entry) if known else "",
        }


def _jsonl(contents: Contents, put: _Put) -> Iterator[bytes]:
    for line in _lines(contents, put):
        yield msgspec.json.encode(line) + b"\n"


def _csv(contents: Contents, put: _Put) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for line in _lines(contents, put):
        writer.writerow([cell(line[name]) for name in COLUMNS])
        yield text.getvalue().encode(errors="replace")
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode(errors="replace")
