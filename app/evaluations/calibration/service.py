"""Decisions about judges: they are measured against what people said, and provisional until they
pass.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock
from app.evaluations.calibration import measuring, queries
from app.evaluations.calibration.measuring import Measured
from app.evaluations.calibration.models import Calibration
from app.evaluations.duels.outcomes import by_pair, in_both_orders, outcome_of, whole
from app.evaluations.duels.queries import said_of
from app.evaluations.models import EvaluationRun
from app.evaluations.people.figures import verdict_of
from app.evaluations.people.models import RoundKind
from app.graders.pairwise import Pairwise
from app.graders.reading import read_grader
from app.grading.models import GraderVersion

NEVER = "It has not been measured against people yet."
Shown = tuple[int, int]
"""A round and the number of an item in it."""


def provisional_places(session: Session, run_id: int) -> dict[int, str]:
    """The places of a run's judges whose scores are provisional, each with the reason."""
    return {
        grader.place: _why(calibration)
        for grader, version, calibration in queries.graders_of(session, run_id)
        if asks_a_model(version) and (calibration is None or not calibration.has_passed)
    }


def asks_a_model(version: GraderVersion) -> bool:
    """Whether a model judges, alone or as a part."""
    return bool(read_grader(version.settings).judges)


def _why(calibration: Calibration | None) -> str:
    return NEVER if calibration is None else str(calibration.reasons[0])


def measure_again(session: Session, run: EvaluationRun, *, actor_id: int) -> None:
    """Measure a run's judges because somebody asks for it."""
    measure_run(session, run.id)
    auth.record(
        session,
        "judges.measured",
        f"evaluation_run:{run.id}",
        actor_id=actor_id,
        project_id=run.project_id,
        name=run.evaluation.name,
    )


def measure_run(session: Session, run_id: int) -> None:
    """Measure each judge of a run anew, by all that people have said by now."""
    graders = queries.graders_of(session, run_id)
    compared = queries.comparing_judges_of(session, run_id)
    versions = [row[1] for row in graders] + [row[0] for row in compared]
    for version in {one.sha256: one for one in versions if asks_a_model(one)}.values():
        measure(session, version)


def measure(session: Session, version: GraderVersion) -> Calibration:
    """Measure a judge, and keep what was found."""
    is_of_two = isinstance(read_grader(version.settings), Pairwise)
    found = (_of_two if is_of_two else _alone)(session, version.project_id, version.sha256)
    against, moment = measuring.reasons_against(found), clock.now(session)
    kept = queries.calibration_of(session, version.project_id, version.sha256)
    if kept is None:
        kept = Calibration(project_id=version.project_id, sha256=version.sha256)
        session.add(kept)
    kept.has_passed, kept.reasons = not against, against
    kept.figures, kept.measured_at = measuring.as_json(found), moment
    session.flush()
    return kept


def _alone(session: Session, project_id: int, sha256: str) -> Measured:
    people = _good_by_people(session, project_id)
    seen: dict[int, tuple[bool | None, bool | None]] = {}
    unread = 0
    items: set[Shown] = set()
    for row in queries.judged_beside_people(session, project_id, sha256):
        at = (row.round_id, row.number)
        if at in items or at not in people:
            continue  # the same answer of another contestant, or nobody's
        items.add(at)
        unread += row.fault is not None
        seen[row.result_id] = (None if row.fault is not None else row.passed, people[at])
    judge, human = [one for one, _ in seen.values()], [one for _, one in seen.values()]
    return measuring.measured_alone(judge, human, unread)


def _good_by_people(session: Session, project_id: int) -> dict[Shown, bool | None]:
    """By item whether people find it good; None where they are even."""
    rounds = queries.closed_rounds(session, project_id, RoundKind.GRADES)
    passing = {one.id: set(one.passing) for one in rounds}
    verdicts = _verdicts(session, list(passing))
    return {
        at: None if label is None else label in passing[at[0]] for at, label in verdicts.items()
    }


def _verdicts(session: Session, round_ids: Sequence[int]) -> dict[Shown, str | None]:
    labels: dict[Shown, list[str]] = defaultdict(list)
    for one in queries.people_said(session, round_ids):
        labels[one.round_id, one.number].append(str(one.label))
    return {at: verdict_of(several) for at, several in labels.items()}


def _of_two(session: Session, project_id: int, sha256: str) -> Measured:
    said: list[Any] = []
    for duels in queries.duels_by(session, project_id, sha256):
        said += whole(said_of(session, duels.id), both_ways=duels.both_ways)
    pairs = by_pair(said)
    people = _preferred_by_people(session, project_id)
    both = [pair for pair in pairs if pair in people]
    as_asked, swapped = in_both_orders(pairs)
    return measuring.measured_of_two(
        [outcome_of(pairs[pair]) for pair in both],
        [people[pair] for pair in both],
        as_asked,
        swapped,
    )


def _preferred_by_people(session: Session, project_id: int) -> Mapping[tuple[int, int], str]:
    """How people decided each pair of results, the first contestant's first."""
    rounds = queries.closed_rounds(session, project_id, RoundKind.DUELS)
    ids = [one.id for one in rounds]
    shown: dict[Shown, list[int]] = defaultdict(list)
    for one in queries.pairs_shown(session, ids):
        shown[one.round_id, one.number].append(one.result_id)
    return {
        (shown[at][0], shown[at][1]): label or "tie"
        for at, label in _verdicts(session, ids).items()
    }
