"""What is known for good about ended runs, in one file: a start need not open their folders.

The folders are the truth: an entry counts only while its folder is as it was, and a lost or torn
index is made anew from them.
"""

import logging
import os
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from app.trainer.folder import Control, RunFolder, Spec, State
from app.trainer.journal import JournalWriter

LOG = logging.getLogger(__name__)
_MOST_STALE_LINES = 1_000


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A run as its folder has it. `result_size` is that of its table in bytes, None without one;
    `folder_at` the folder's time of change: every file in it is replaced by renaming, which shows.
    """

    folder_at: int
    spec: Spec
    state: State
    control: Control
    result_size: int | None


def read_folder(path: Path) -> Entry | None:
    """The run in a folder; None where a create was killed before anyone was told of the run."""
    folder = RunFolder(path)
    try:
        folder_at = path.stat().st_mtime_ns
        spec = folder.spec()
    except (OSError, msgspec.DecodeError):
        return None
    return Entry(
        folder_at=folder_at,
        spec=spec,
        state=folder.state(),
        control=folder.control(),
        result_size=folder.result.stat().st_size if folder.result.exists() else None,
    )


class Index:
    """The file, one line an entry; the last line of a run counts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self, runs: Path) -> Iterable[Entry]:
        """Every run of the folder `runs`, in no order; what the file does not know is read."""
        known, superseded = _read(self._path)
        found = []
        is_stale = superseded > _MOST_STALE_LINES
        with os.scandir(runs) as folders:
            for place in folders:
                entry = known.get(place.name)
                if entry is None or entry.folder_at != place.stat().st_mtime_ns:
                    entry = read_folder(Path(place.path))
                    is_stale = is_stale or (entry is not None and entry.state.is_ended)
                if entry is not None:
                    found.append(entry)
        if is_stale:
            self._write_anew(entry for entry in found if entry.state.is_ended)
        return found

    def add(self, entry: Entry) -> None:
        """Note a run that has ended, or what was changed in one. Not to be able to is no harm."""
        try:
            with closing(JournalWriter(self._path)) as journal:
                journal.append(msgspec.to_builtins(entry))
        except OSError as error:
            LOG.warning("the index of runs could not be written: %s", error)

    def _write_anew(self, entries: Iterable[Entry]) -> None:
        part = self._path.with_name(self._path.name + ".part")
        try:
            with part.open("wb") as file:
                file.writelines(msgspec.json.encode(entry) + b"\n" for entry in entries)
            part.replace(self._path)
        except OSError as error:
            LOG.warning("the index of runs could not be written: %s", error)


def _read(path: Path) -> tuple[dict[str, Entry], int]:
    """The entries of the file, and how many of its lines later ones have superseded."""
    known: dict[str, Entry] = {}
    superseded = 0
    decoder = msgspec.json.Decoder(Entry)
    if not path.exists():
        return known, superseded
    with path.open("rb") as file:
        for line in file:
            try:
                entry = decoder.decode(line)
            except msgspec.DecodeError:
                continue  # torn, or of another version: its folder says the same
            superseded += entry.spec.id in known
            known[entry.spec.id] = entry
    return known, superseded
