"""The training process of one run, `python -m app.trainer.child FOLDER`: it writes the progress."""

import math
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.trainer.engines.base import InvalidData, StepReport, Task, Training
from app.trainer.engines.registry import load_engine
from app.trainer.folder import Failure, RunFolder
from app.trainer.launch import LaunchFile
from app.trainer.ownership import end_with_parent
from app.trainer.record import Recorder

INTERRUPTED_EXIT = 75
STARTS_WITHOUT_PROGRESS = 3
SAVE_SECONDS = float(os.environ.get("LUTHIER_TRAINER_SAVE_SECONDS", "5"))
LOOK_SECONDS = 0.5


class Interrupted(BaseException):
    """Asked to end (SIGTERM): the run goes on at the next start."""


class Cancelled(BaseException):
    """A person cancelled the run."""


class Wishes:
    """What signals and `control.json` ask for: looked at between steps, by a timer otherwise."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._control = folder.path / "control.json"
        self._seen = 0
        self._is_terminated = False
        self._raises_at_once = False
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGINT, self._terminate)

    def obey(self) -> None:
        """Raise Interrupted or Cancelled if that is wanted."""
        if self._is_terminated:
            raise Interrupted
        try:
            changed = self._control.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed != self._seen:
            self._seen = changed
            if self._folder.control().cancel:
                raise Cancelled

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within this, wishes break into whatever runs; only for work that can be begun again."""
        self._raises_at_once = True
        signal.signal(signal.SIGALRM, lambda *_: self.obey())
        signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._raises_at_once = False

    def _terminate(self, *_: object) -> None:
        self._is_terminated = True
        if self._raises_at_once:
            raise Interrupted


def train(folder: RunFolder, launch: LaunchFile) -> int:
    """Bring the run to its end, or to where it was interrupted. Returns the exit status."""
    state = folder.state()
    if state.is_ended:
        return 0
    record = Recorder(folder, folder.spec(), state)
    wishes = Wishes(folder)
    try:
        wishes.obey()
        record.begun()
        if state.starts_without_progress > STARTS_WITHOUT_PROGRESS:
            times = state.starts_without_progress - 1
            record.failed(
                Failure(
                    "server_error", f"The training process died {times} times at the same place."
                )
            )
            return 0
        with wishes.at_once():
            training = _prepared(folder, launch, record)
        _resumed(training, folder, record)
        _run_steps(training, folder, record, wishes)
        record.succeeded()
    except Cancelled:
        record.cancelled()
    except InvalidData as error:
        record.failed(Failure(error.code, error.message, error.param))
    except Interrupted:
        record.interrupted()
        return INTERRUPTED_EXIT
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a bug ends this run in words; the log has more
        traceback.print_exc()
        record.failed(
            Failure(
                "server_error",
                f"The training stopped with an error: {type(error).__name__}: {error}",
            )
        )
    finally:
        record.close()
    _clean(folder)
    return 0


def _prepared(folder: RunFolder, launch: LaunchFile, record: Recorder) -> Training:
    spec = record.spec
    folder.work.mkdir(exist_ok=True)
    folder.checkpoints.mkdir(exist_ok=True)
    task = Task(
        training_file=Path(launch.training_file),
        validation_file=Path(launch.validation_file) if launch.validation_file else None,
        start_from=Path(launch.start_from) if launch.start_from else None,
        seed=spec.seed,
        asked=spec.asked,
        work=folder.work,
        method=spec.method,
        grader=spec.grader,
    )
    training = load_engine(spec.engine).prepare(task)
    record.prepared(training.facts)
    return training


def _resumed(training: Training, folder: RunFolder, record: Recorder) -> None:
    if not folder.resume.exists():
        return
    try:
        training.load_resume(folder.resume)
    except Exception as error:  # noqa: BLE001 - whatever it raises, beginning again is right
        record.said(
            f"The last checkpoint cannot be read ({error}); training begins again.", level="warn"
        )
        folder.resume.unlink()
    else:
        record.said(f"Fine-tuning job resumed from step {training.step}")


def _run_steps(training: Training, folder: RunFolder, record: Recorder, wishes: Wishes) -> None:
    saved_at = time.monotonic()
    try:
        for report in training.steps():
            _refuse_divergence(report)
            record.stepped(report)
            if report.is_checkpoint:
                _checkpoint(training, report, folder, record)
            if time.monotonic() - saved_at > SAVE_SECONDS:
                record.sync()
                training.save_resume(folder.resume)
                saved_at = time.monotonic()
            wishes.obey()
    except Interrupted:
        record.sync()
        training.save_resume(folder.resume)
        raise


def _checkpoint(
    training: Training, report: StepReport, folder: RunFolder, record: Recorder
) -> None:
    name = f"step-{report.step}.npz"
    training.save_model(folder.checkpoints / name)
    for dropped in record.checkpointed(report, name):
        (folder.checkpoints / dropped).unlink(missing_ok=True)


def _refuse_divergence(report: StepReport) -> None:
    wrong = [
        name
        for name, value in report.metrics.items()
        if isinstance(value, float) and not math.isfinite(value)
    ]
    if wrong:
        said = f"The {wrong[0]} is no longer a number at step {report.step}."
        message = f"{said} Lower learning_rate_multiplier."
        raise InvalidData("training_diverged", message, "learning_rate_multiplier")


def _clean(folder: RunFolder) -> None:
    shutil.rmtree(folder.work, ignore_errors=True)
    folder.resume.unlink(missing_ok=True)


def main() -> int:
    """Take the lock and train; a run that another process holds is left alone."""
    end_with_parent()
    folder = RunFolder(Path(sys.argv[1]))
    with folder.locked() as is_ours:
        return train(folder, LaunchFile.read()) if is_ours else 0


if __name__ == "__main__":
    sys.exit(main())
