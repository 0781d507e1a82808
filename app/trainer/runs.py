"""The index of runs, made from their folders, and what the server may change in them."""

import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.trainer.engines.registry import BASE_MODELS
from app.trainer.files import RESULTS, Files, StoredFile
from app.trainer.folder import Checkpoint, Control, RunFolder, Spec, State
from app.trainer.launch import LaunchFile
from app.trainer.record import checkpoint_model


@dataclass(frozen=True)
class Run:
    """One run: what was asked, and its folder."""

    spec: Spec
    folder: RunFolder

    @property
    def id(self) -> str:
        """Its name on the wire."""
        return self.spec.id

    @property
    def result_id(self) -> str:
        """The name of its result file."""
        return f"file-{self.id.removeprefix('ftjob-')}"

    def state(self) -> State:
        """Read from the folder: the child writes it."""
        return self.folder.state()


@dataclass(frozen=True)
class TunedModel:
    """A model that can answer: the run it comes from and its saved weights."""

    name: str
    run: Run
    path: Path
    created_at: int


class Runs:
    """Every run by id, in the order of creation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._files: Files | None = None
        self._by_id = {
            run.id: run for run in sorted(_found(folder), key=lambda run: run.spec.created_at)
        }
        # What can no longer change, or changes only here, is read once.
        self._ended: dict[str, State] = {}
        self._controls: dict[str, Control] = {}
        self._results: dict[str, StoredFile | None] = {}

    def use(self, files: Files) -> None:
        """Name where uploaded files lie; they and runs know each other."""
        self._files = files

    def add(self, spec: Spec) -> Run:
        """A new run, its folder written before anyone can see it."""
        folder = RunFolder(self._folder / spec.id)
        folder.path.mkdir()
        folder.write_spec(spec)
        run = Run(spec, folder)
        with self._lock:
            self._by_id[spec.id] = run
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
        if known is None:
            known = run.state()
            if known.is_ended:
                self._ended[run.id] = known
        return known

    def unended(self) -> list[Run]:
        """Runs that something must still happen to, oldest first."""
        with self._lock:
            runs = list(self._by_id.values())
        return [run for run in runs if run.id not in self._ended and not self.state(run).is_ended]

    def cancel(self, run: Run) -> None:
        """Wish the run to end; its child obeys."""
        self._want(run, cancel=True)

    def control(self, run: Run) -> Control:
        """What is wanted of it; only this process writes that."""
        known = self._controls.get(run.id)
        if known is None:
            known = self._controls[run.id] = run.folder.control()
        return known

    def _want(self, run: Run, **changes: bool) -> None:
        with self._lock:
            wanted = msgspec.structs.replace(self.control(run), **changes)
            run.folder.write_control(wanted)
            self._controls[run.id] = wanted

    def launch_file(self, run: Run) -> LaunchFile:
        """Where the run's child finds its files."""
        if self._files is None:
            raise RuntimeError("runs were not told where files lie")
        start = None
        if run.spec.model not in BASE_MODELS:
            model = self.model(run.spec.model)
            # The child says so when it is gone; training afresh instead would be another model.
            start = str(model.path if model else run.folder.checkpoints / "deleted.npz")
        valid = run.spec.validation_file
        return LaunchFile(
            training_file=str(self._files.path(run.spec.training_file)),
            validation_file=str(self._files.path(valid)) if valid else None,
            start_from=start,
        )

    def models(self) -> Iterator[TunedModel]:
        """Every tuned model, newest first; checkpoints are not listed but can be named."""
        for run in self.newest_first():
            state = self.state(run)
            if (
                state.status == "succeeded"
                and state.checkpoints
                and not self.control(run).model_deleted
            ):
                yield _model(run, state, state.checkpoints[-1])

    def model(self, name: str) -> TunedModel | None:
        """A tuned model or a checkpoint by its name."""
        for run in self.newest_first():
            if not name.startswith(run.spec.tuned_model) or self.control(run).model_deleted:
                continue
            state = self.state(run)
            for checkpoint in state.checkpoints:
                if checkpoint_model(run.spec, checkpoint.step, state.total_steps) == name:
                    is_whole = name != run.spec.tuned_model or state.status == "succeeded"
                    return _model(run, state, checkpoint) if is_whole else None
        return None

    def delete_model(self, model: TunedModel) -> None:
        """Forget the model and its checkpoints for good; the run keeps its history."""
        self._want(model.run, model_deleted=True)
        shutil.rmtree(model.run.folder.checkpoints, ignore_errors=True)

    def has_name(self, tuned_model: str) -> bool:
        """Whether a run already makes a model of this name."""
        return any(run.spec.tuned_model == tuned_model for run in self.newest_first())

    def result_files(self) -> Iterator[tuple[StoredFile, Path]]:
        """The result tables of ended runs, as files."""
        for run in self.newest_first():
            file = self.result_file(run)
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
        if not state.is_ended or self.control(run).result_deleted:
            return None
        if run.id not in self._results:
            self._results[run.id] = _result(run, state)
        return self._results[run.id]

    def delete_result(self, file_id: str) -> bool:
        """Delete a result table; False when there is none of this id."""
        run = self._by_id.get(f"ftjob-{file_id.removeprefix('file-')}")
        if run is None or self.result_file(run) is None:
            return False
        self._want(run, result_deleted=True)
        return True


def metadata_matches(run: Run, wanted: Mapping[str, str]) -> bool:
    """Whether the run carries all of these pairs."""
    own = run.spec.metadata or {}
    return all(own.get(key) == value for key, value in wanted.items())


def _result(run: Run, state: State) -> StoredFile | None:
    if not run.folder.result.exists():
        return None
    return StoredFile(
        id=run.result_id,
        size=run.folder.result.stat().st_size,
        created_at=float(state.finished_at or 0),
        filename="step_metrics.csv",
        purpose=RESULTS,
    )


def _model(run: Run, state: State, checkpoint: Checkpoint) -> TunedModel:
    name = checkpoint_model(run.spec, checkpoint.step, state.total_steps)
    return TunedModel(name, run, run.folder.checkpoints / checkpoint.file, checkpoint.created_at)


def _found(folder: Path) -> Iterator[Run]:
    for path in folder.iterdir():
        try:
            run_folder = RunFolder(path)
            yield Run(run_folder.spec(), run_folder)
        except (OSError, msgspec.DecodeError):
            continue  # a create that was killed before its spec was written: nobody was told of it
