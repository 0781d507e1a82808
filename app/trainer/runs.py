"""Every run and tuned model by name, and what the server may change in them."""

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from app.trainer.checkpoints import checkpoint_model, run_model
from app.trainer.engines.registry import BASE_MODELS
from app.trainer.files import RESULTS, Files, StoredFile
from app.trainer.folder import Checkpoint, Control, RunFolder, Spec, State, sync_folder
from app.trainer.index import Entry, Index, read_folder
from app.trainer.launch import LaunchFile


@dataclass(frozen=True)
class Run:
    """One run: what was asked, and its folder among those of all."""

    spec: Spec
    beside: Path

    @cached_property
    def folder(self) -> RunFolder:
        """Its folder; thousands of them are never looked into."""
        return RunFolder(self.beside / self.id)

    @property
    def id(self) -> str:
        """Its name on the wire."""
        return self.spec.id

    @property
    def result_id(self) -> str:
        """The name of its result file."""
        return f"file-{self.id.removeprefix('ftjob-')}"


@dataclass(frozen=True)
class TunedModel:
    """A model that can answer: the run it comes from and its saved weights."""

    name: str
    run: Run
    saved: Checkpoint

    @property
    def path(self) -> Path:
        """Its weights."""
        return self.run.folder.checkpoints / self.saved.file

    @property
    def created_at(self) -> int:
        """When it was saved, in Unix seconds."""
        return self.saved.created_at


class Runs:
    """Every run by id, in the order of creation; what can no longer change is kept in memory."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "runs"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._files: Files | None = None
        self._index = Index(home / "index.jsonl")
        self._by_id: dict[str, Run] = {}
        self._by_model: dict[str, Run] = {}
        self._unended: dict[str, Run] = {}
        self._ended: dict[str, State] = {}
        self._results: dict[str, int | None] = {}
        self._controls: dict[str, Control] = {}
        found = self._index.entries(self._folder)
        for entry in sorted(found, key=lambda entry: (entry.spec.number, entry.spec.created_at)):
            self._learn(entry)
        self._number = max((run.spec.number for run in self._by_id.values()), default=0)

    def _learn(self, entry: Entry) -> None:
        run = Run(entry.spec, self._folder)
        self._by_id[run.id] = self._by_model[run.spec.tuned_model] = run
        self._controls[run.id] = entry.control
        if entry.state.is_ended:
            self._keep_ended(run, entry)
        else:
            self._unended[run.id] = run

    def _keep_ended(self, run: Run, entry: Entry) -> None:
        self._results[run.id] = entry.result_size
        self._ended[run.id] = entry.state
        self._unended.pop(run.id, None)

    def use(self, files: Files) -> None:
        """Name where uploaded files lie; they and runs know each other."""
        self._files = files

    def add(self, spec: Spec, *, start: Path | None) -> Run:
        """A new run, its folder written before anyone can see it. It keeps its own name for the
        weights it starts from: their model may be deleted while it waits.
        """
        with self._lock:
            self._number += 1
            run = Run(msgspec.structs.replace(spec, number=self._number), self._folder)
        folder = run.folder
        folder.path.mkdir()
        try:
            if start is not None:
                os.link(start, folder.start)
            folder.write_spec(run.spec)
            sync_folder(self._folder)
        except OSError:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        with self._lock:
            self._by_id[run.id] = self._by_model[spec.tuned_model] = self._unended[run.id] = run
        return run

    def get(self, run_id: str) -> Run | None:
        """The run of this id."""
        return self._by_id.get(run_id)

    def newest_first(self) -> list[Run]:
        """Every run."""
        with self._lock:
            return list(reversed(self._by_id.values()))

    def state(self, run: Run) -> State:
        """Its state; an ended run's is read once."""
        known = self._ended.get(run.id)
        if known is not None:
            return known
        found = run.folder.state()
        if found.is_ended:
            self._remember(run)
        return found

    def settled(self, run: Run) -> None:
        """A run has ended and nobody works in its folder any more: note it for the next start."""
        entry = self._remember(run)
        if entry is not None:
            with self._lock:
                self._index.add(entry)

    def _remember(self, run: Run) -> Entry | None:
        entry = read_folder(run.folder.path)
        if entry is None or not entry.state.is_ended:
            return None
        with self._lock:
            self._keep_ended(run, entry)
        return entry

    def unended(self) -> list[Run]:
        """Runs that something must still happen to, oldest first."""
        with self._lock:
            runs = list(self._unended.values())
        return [run for run in runs if not self.state(run).is_ended]

    def cancel(self, run: Run) -> None:
        """Wish the run to end; its child obeys."""
        self._want(run, cancel=True)

    def pause(self, run: Run) -> None:
        """Wish the run to rest; its child obeys."""
        self._want(run, pause=True)

    def resume(self, run: Run) -> None:
        """Wish the run to go on."""
        self._want(run, pause=False)

    def control(self, run: Run) -> Control:
        """What is wanted of it; only this process writes that."""
        return self._controls.get(run.id) or Control()

    def _want(self, run: Run, **changes: bool) -> None:
        with self._lock:
            wanted = msgspec.structs.replace(self.control(run), **changes)
            run.folder.write_control(wanted)
            self._controls[run.id] = wanted

    def launch_file(self, run: Run) -> LaunchFile:
        """Where the run's child finds its files."""
        if self._files is None:
            raise RuntimeError("runs were not told where files lie")
        valid = run.spec.validation_file
        return LaunchFile(
            training_file=str(self._files.path(run.spec.training_file)),
            validation_file=str(self._files.path(valid)) if valid else None,
            start_from=None if run.spec.model in BASE_MODELS else str(run.folder.start),
        )

    def models(self) -> Iterator[TunedModel]:
        """Every tuned model, newest first; checkpoints are not listed but can be named."""
        for run in self.newest_first():
            state = self._ended.get(run.id)
            if state is not None and state.status == "succeeded" and self._has_model(run):
                yield TunedModel(run.spec.tuned_model, run, state.checkpoints[-1])

    def _has_model(self, run: Run) -> bool:
        return not self.control(run).model_deleted

    def model(self, name: str) -> TunedModel | None:
        """A tuned model or a checkpoint by its name."""
        run = self._by_model.get(run_model(name))
        if run is None or not self._has_model(run):
            return None
        state = self.state(run)
        for saved in state.checkpoints:
            if checkpoint_model(run.spec, saved.step, state.total_steps) == name:
                is_whole = name != run.spec.tuned_model or state.status == "succeeded"
                return TunedModel(name, run, saved) if is_whole else None
        return None

    def delete_model(self, model: TunedModel) -> None:
        """Forget the model and its checkpoints for good; the run keeps its history."""
        self._want(model.run, model_deleted=True)
        shutil.rmtree(model.run.folder.checkpoints, ignore_errors=True)
        self.settled(model.run)

    def has_name(self, tuned_model: str) -> bool:
        """Whether a run already makes a model of this name."""
        return tuned_model in self._by_model

    def result_files(self) -> Iterator[tuple[StoredFile, Path]]:
        """The result tables of ended runs, as files."""
        for run in self.newest_first():
            file = self.result_file(run) if run.id in self._ended else None
            if file is not None:
                yield file, run.folder.result

    def result_of(self, file_id: str) -> tuple[StoredFile, Path] | None:
        """The result table of this file id."""
        run = self._by_id.get(f"ftjob-{file_id.removeprefix('file-')}")
        file = None if run is None else self.result_file(run)
        return None if run is None or file is None else (file, run.folder.result)

    def result_file(self, run: Run) -> StoredFile | None:
        """The run's result table, once it has ended and unless it was deleted."""
        state = self.state(run)
        size = self._results.get(run.id)
        if size is None or self.control(run).result_deleted:
            return None
        return StoredFile(
            id=run.result_id,
            size=size,
            created_at=float(state.finished_at or 0),
            filename="step_metrics.csv",
            purpose=RESULTS,
        )

    def delete_result(self, file_id: str) -> bool:
        """Delete a result table; False when there is none of this id."""
        run = self._by_id.get(f"ftjob-{file_id.removeprefix('file-')}")
        if run is None or self.result_file(run) is None:
            return False
        self._want(run, result_deleted=True)
        self.settled(run)
        return True


def metadata_matches(run: Run, wanted: Mapping[str, str]) -> bool:
    """Whether the run carries all of these pairs."""
    return run.spec.metadata is not None and wanted.items() <= run.spec.metadata.items()
