"""What the page about a run's judges shows."""

from dataclasses import dataclass
from datetime import datetime

from app.evaluations.calibration import measuring
from app.evaluations.calibration.measuring import Measured
from app.evaluations.calibration.models import Calibration
from app.evaluations.people.views import RunHead
from app.grading.models import GraderVersion


@dataclass(frozen=True, slots=True)
class JudgeView:
    """A judge in the version that was used. `measured` is None until it has been; `model` is empty
    where several judges are parts of one grader.
    """

    version_id: int
    grader_id: int
    name: str
    number: int
    model: str
    has_passed: bool
    reasons: tuple[str, ...]
    measured: Measured | None
    measured_at: datetime | None


@dataclass(frozen=True, slots=True)
class JudgesView:
    """A run's judges, and what is asked of one that is to be trusted."""

    head: RunHead
    judges: tuple[JudgeView, ...]
    can_edit: bool
    kappa: float = measuring.KAPPA
    least: float = measuring.LEAST_KAPPA
    kappa_of_two: float = measuring.KAPPA_OF_TWO
    least_of_two: float = measuring.LEAST_OF_TWO
    consistent: float = measuring.CONSISTENT
    fewest: int = measuring.FEWEST
    fewest_of_kind: int = measuring.FEWEST_OF_KIND


def judge(version: GraderVersion, calibration: Calibration | None, never: str) -> JudgeView:
    """A judge with what was found of it."""
    return JudgeView(
        version.id,
        version.grader_id,
        version.grader.name,
        version.number,
        str(version.settings.get("model", "")),
        calibration is not None and calibration.has_passed,
        (never,) if calibration is None else tuple(calibration.reasons),
        measuring.from_json(calibration.figures) if calibration else None,
        calibration.measured_at if calibration else None,
    )
