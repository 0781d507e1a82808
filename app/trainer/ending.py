"""Ends a run that no child trains: the lock makes this process the one that may."""

from collections.abc import Callable

from app.trainer.folder import Failure
from app.trainer.record import Recorder
from app.trainer.runs import Run

LOCK_SECONDS = 0.2


def end_cancelled(run: Run) -> bool:
    """End a run that was cancelled while it waited or rested. False while a child holds it: the
    child obeys.
    """
    return _ended_here(run, lambda record: record.cancelled())


def end_unstartable(run: Run) -> bool:
    """Fail a run whose child dies without a word."""
    failure = Failure("server_error", "The training process does not start; see its train.log.")
    return _ended_here(run, lambda record: record.failed(failure))


def _ended_here(run: Run, end: Callable[[Recorder], None]) -> bool:
    with run.folder.locked(wait_seconds=LOCK_SECONDS) as is_ours:
        state = run.folder.state()
        if not is_ours or state.is_ended:
            return state.is_ended
        record = Recorder(run.folder, run.spec, state)
        try:
            end(record)
        finally:
            record.close()
        run.folder.clean()
        return True
