"""Which of a run's judges may be trusted, as JSON."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.core.api import Listing
from app.core.database import DbSession
from app.evaluations.access import CurrentRun, EditableRun
from app.evaluations.calibration import service, showing
from app.evaluations.calibration.views import JudgeView
from app.evaluations.models import EvaluationRun

router = APIRouter(prefix="/api/v1", tags=["evaluations"])


@router.get("/evaluation-runs/{evaluation_run_id}/judges", name="api.judges.index")
def index(session: DbSession, run: CurrentRun) -> Listing[JudgeView]:
    """The run's judges: `has_passed`, else the `reasons` why their scores are provisional."""
    return _listed(session, run)


@router.post("/evaluation-runs/{evaluation_run_id}/judges", name="api.judges.measure")
def measure(session: DbSession, user: CurrentUser, run: EditableRun) -> Listing[JudgeView]:
    """Measure them anew by all that people have said by now."""
    service.measure_again(session, run, actor_id=user.id)
    return _listed(session, run)


def _listed(session: Session, run: EvaluationRun) -> Listing[JudgeView]:
    return Listing(data=list(showing.judges_of(session, run.id)), next=None)
