"""The training process of one run, `python -m app.trainer.child FOLDER`: it writes the progress."""

import math
import os
import sys
import time
import traceback
from pathlib import Path

from app.trainer.engines.base import InvalidData, StepReport, Task, Training
from app.trainer.engines.registry import load_engine
from app.trainer.folder import Failure, RunFolder, State
from app.trainer.launch import LaunchFile
from app.trainer.ownership import end_with_parent
from app.trainer.record import Recorder
from app.trainer.wishes import Cancelled, Interrupted, Paused, Wishes

INTERRUPTED_EXIT = 75
STARTS_WITHOUT_PROGRESS = 3
SAVE_SECONDS = float(os.environ.get("LUTHIER_TRAINER_SAVE_SECONDS", "5"))


def train(folder: RunFolder, launch: LaunchFile) -> int:
    """Bring the run to its end, or to where it was interrupted. Returns the exit status."""
    state = folder.state()
    if state.is_ended:
        return 0
    wishes = Wishes(folder)
    record = Recorder(folder, folder.spec(), state, meanwhile=wishes.obey)
    try:
        wishes.obey()
        record.begun()
        _refuse_another_death(state)
        training = _prepared(folder, launch, record, wishes)
        _resumed(training, folder, record)
        _run_steps(training, folder, record, wishes)
        record.succeeded()
    except Cancelled:
        record.cancelled()
    except Paused:
        record.paused()
        return 0
    except InvalidData as error:
        record.failed(Failure(error.code, error.message, error.param))
    except Interrupted:
        record.interrupted()
        return INTERRUPTED_EXIT
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a bug ends this run in words; the log has more
        traceback.print_exc()
        message = f"The training stopped with an error: {type(error).__name__}: {error}"
        record.failed(Failure("server_error", message))
    finally:
        record.close()
    folder.clean()
    return 0


def _refuse_another_death(state: State) -> None:
    if state.starts_without_progress > STARTS_WITHOUT_PROGRESS:
        times = state.starts_without_progress - 1
        message = f"The training process died {times} times at the same place."
        raise InvalidData("server_error", message, None)


def _prepared(folder: RunFolder, launch: LaunchFile, record: Recorder, wishes: Wishes) -> Training:
    spec = record.spec
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
    engine = load_engine(spec.engine)
    found: list[Training] = []

    def prepare() -> None:
        folder.work.mkdir(exist_ok=True)
        folder.checkpoints.mkdir(exist_ok=True)
        with wishes.at_once():
            found.append(engine.prepare(task))

    record.keep(prepare)
    (training,) = found
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
    for report in training.steps():
        _refuse_divergence(report)
        record.stepped(report)
        if report.is_checkpoint:
            _checkpoint(training, report, folder, record)
        if time.monotonic() - saved_at > SAVE_SECONDS:
            _save(training, folder, record)
            saved_at = time.monotonic()
        if report.step == training.facts.total_steps:
            return  # what is asked for now comes too late
        try:
            wishes.obey()
        except Interrupted:
            _save(training, folder, record)
            raise
        except Paused:
            if not report.is_checkpoint:
                _checkpoint(training, report, folder, record, is_snapshot=True)
            _save(training, folder, record)
            raise


def _save(training: Training, folder: RunFolder, record: Recorder) -> None:
    record.sync()
    record.keep(lambda: training.save_resume(folder.resume))


def _checkpoint(
    training: Training,
    report: StepReport,
    folder: RunFolder,
    record: Recorder,
    *,
    is_snapshot: bool = False,
) -> None:
    name = f"step-{report.step}.npz"
    record.keep(lambda: training.save_model(folder.checkpoints / name))
    for dropped in record.checkpointed(report, name, is_snapshot=is_snapshot):
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


def main() -> int:
    """Take the lock and train; a run that another process holds is left alone."""
    end_with_parent()
    folder = RunFolder(Path(sys.argv[1]))
    with folder.locked() as is_ours:
        return train(folder, LaunchFile.read()) if is_ours else 0


if __name__ == "__main__":
    sys.exit(main())
