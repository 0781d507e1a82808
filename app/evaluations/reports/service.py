"""Decisions about reports: when one is made, and what is kept of it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app.core import clock, leases
from app.core.events import announce
from app.core.queue import enqueue
from app.evaluations.models import EvaluationRun, RunStatus
from app.evaluations.reports import queries
from app.evaluations.reports.models import BoardCase, Report
from app.evaluations.worst import service as worst

LEASE_SECONDS = 120
AGAIN_SECONDS = 20.0


class Work(NamedTuple):
    """A report to make. `status` is the run's as the making began."""

    report_id: int
    run_id: int
    fence: int
    status: str


def ask(session: Session, run_id: int) -> None:
    """Have the report of a run made: when it begins, whenever its answers or grades have changed
    without it running, and when it stops running.
    """
    report = queries.report_of(session, run_id)
    if report is None:
        report = Report(run_id=run_id)
        session.add(report)
    report.due_at = clock.now(session)
    report.attempts = 0
    session.flush()
    enqueue(session, "evaluations.report", report.id)


def ask_soon(session: Session, run_id: int) -> None:
    """Have the board of a run drawn anew that waits for people alone: each of their answers asks,
    and a while passes between two drawings.
    """
    report = queries.report_of(session, run_id)
    if report is not None and report.due_at is None:
        report.due_at = clock.later(session, AGAIN_SECONDS)


def claim(session: Session, report_id: int) -> Work | None:
    """Take a report for one making; None where it is not due, or another worker has it."""
    fence = leases.claim(session, Report, report_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    report = session.get_one(Report, report_id)
    run = session.get_one(EvaluationRun, report.run_id)
    return Work(report_id, run.id, fence, run.status)


def keep_lines(
    session: Session, work: Work, lines: Sequence[Mapping[str, Any]], known: set[int]
) -> bool:
    """Write lines of the board: those `known` are there already. False where the report was given
    to somebody else meanwhile.
    """
    if not leases.renew(session, Report, work.report_id, work.fence, seconds=LEASE_SECONDS):
        return False
    fresh = [one for one in lines if one["number"] not in known]
    if fresh:
        session.execute(insert(BoardCase), fresh)
    changed = [one for one in lines if one["number"] in known]
    if changed:
        session.execute(update(BoardCase), changed)
    return True


def record(session: Session, work: Work, figures: dict[str, Any] | None) -> None:
    """Keep what was reckoned, and look again soon while the run goes on, or at once where it has
    changed meanwhile.
    """
    report = leases.hold(session, Report, work.report_id, work.fence)
    if report is None:
        return
    run = session.get_one(EvaluationRun, work.run_id)
    moment = clock.now(session)
    report.figures, report.made_at = figures, moment
    due_at = None
    if run.status != work.status:
        due_at = moment
    elif run.status == RunStatus.RUNNING and queries.is_worked_at(session, run.id):
        due_at = moment + timedelta(seconds=AGAIN_SECONDS)
    leases.settle(report, due_at=due_at)
    if figures is not None and due_at is None:
        worst.ask(session, run.id)
    announce(session, f"evaluation_run:{run.id}", f"evaluation:{run.evaluation_id}")


def due_ids(session: Session) -> Sequence[int]:
    """The reports to make."""
    return leases.due_ids(session, Report)
