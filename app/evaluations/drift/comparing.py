"""What a look came to, once its run is over: the model against what it answered before."""

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from app.core import leases
from app.evaluations.drift import queries, service, telling
from app.evaluations.drift.models import Look, Schedule
from app.evaluations.models import RunStatus
from app.evaluations.reports import queries as reports
from app.evaluations.reports.figures import Figures, read
from app.evidence.base import Drift, Estimate
from app.evidence.looks import drift

LEASE_SECONDS = 120.0
ANEW, BASELINE = 0, 1
"""The places of the two in the run."""
STOPPED = "The run was stopped before its end: nothing is compared."
DRIFT, ESTIMATE = TypeAdapter(Drift), TypeAdapter(Estimate)


def compare(session: Session, look_id: int) -> None:
    """Hold a look's answers against the baseline's: the verdict is the run's own, and counts among
    all looks of its schedule. Whoever belongs to the project is told of a drift when it begins.
    """
    known = session.get(Look, look_id)
    row = queries.held_schedule(session, known.schedule_id) if known else None
    over = [queries.is_over()]
    if row is None or not leases.claim(session, Look, look_id, seconds=LEASE_SECONDS, where=over):
        return
    look = queries.look_by_id(session, look_id)
    assert look is not None and look.run is not None  # noqa: S101, PT018 - it is claimed, and over
    if look.run.status == RunStatus.STOPPED:
        look.words = STOPPED
    else:
        report = reports.report_of(session, look.run.id)
        assert report is not None and report.figures is not None  # noqa: S101, PT018 - it is due
        _record(session, row, look, read(report.figures))
    leases.settle(look, due_at=None)
    service.tell(session, row)


def _record(session: Session, row: Schedule, look: Look, figures: Figures) -> None:
    verdict = figures.verdict(ANEW, BASELINE)
    anew, then = figures.standing(ANEW), figures.standing(BASELINE)
    assert verdict and anew and then  # noqa: S101, PT018 - the two took part
    floor = then.flakiness.noise_floor if then.flakiness else None
    number = queries.count_compared(session, row.id) + 1
    found = drift(verdict, look=number, noise_floor=floor)
    look.drift = DRIFT.dump_python(found, mode="json")
    look.scores = [ESTIMATE.dump_python(one.score, mode="json") for one in (anew, then)]
    if found.is_shown and not _goes_on(session, look, found):
        telling.tell_drift(session, row, look, found)


def _goes_on(session: Session, look: Look, found: Drift) -> bool:
    """Whether the look before showed the same already."""
    before = queries.compared_before(session, look)
    if before is None:
        return False
    known: Drift = DRIFT.validate_python(before.drift)
    return known.is_shown and known.verdict.kind == found.verdict.kind
