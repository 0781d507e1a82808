"""Making a report: the board slice by slice, then the evidence where the run has stopped."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.database import read_only, unit_of_work
from app.evaluations.models import Contestant, EvaluationRun, RunStatus
from app.evaluations.queries import run_by_id
from app.evaluations.reports import queries, queries_cases, service
from app.evaluations.reports.figures import written
from app.evaluations.reports.service import Work

CASES_AT_ONCE = 1_000


def make(work: Work) -> None:
    """Draw the board anew and reckon. No session may be open."""
    # Here, so that a worker that makes no report carries none of it.
    from app.evaluations.reports.board import Tally, lines_of  # noqa: PLC0415 - numpy

    with read_only() as session:
        run = run_by_id(session, work.run_id)
        assert run is not None  # noqa: S101 - the report would be gone with it
        cases = run.evaluation.cases
        labels = labels_of(session, run)
    places = {one.id: place for place, one in enumerate(run.contestants)}
    tally = Tally.of(len(places), cases, run.repeats, labels)
    for first in range(1, cases + 1, CASES_AT_ONCE):
        last = first + CASES_AT_ONCE - 1
        with read_only() as session:
            asked = queries_cases.cases_between(session, run.evaluation_id, first, last)
            results = queries_cases.results_between(
                session, run, first, last, label_place=_label_place(run)
            )
            there = queries_cases.board_between(session, run.id, first, last)
        lines = lines_of(asked, results, tally, places)
        changed = [
            one.values(run.id)
            for one in lines
            if there.get(one.number) != (one.marks, one.labels, one.words)
        ]
        with unit_of_work() as session:
            if not service.keep_lines(session, work, changed, set(there)):
                return
    figures = None if work.status == RunStatus.RUNNING else _reckoned(run, tally)
    with unit_of_work() as session:
        service.record(session, work, figures)


def _reckoned(run: EvaluationRun, tally: Any) -> dict[str, Any]:
    from app.evaluations.reports.reckoning import Entrant, reckon  # noqa: PLC0415 - numpy

    with read_only() as session:
        tuned = queries.tuned_refs(session, [one.model_ref_id for one in run.contestants])
        tags = queries_cases.numbers_by_tag(session, run.evaluation_id)
    names = names_of(run.contestants)
    entrants = [
        Entrant(place, names[place], is_tuned(one, tuned), one.by_people is not None)
        for place, one in enumerate(run.contestants)
    ]
    return written(reckon(entrants, tally, tags))


def names_of(contestants: Sequence[Contestant]) -> list[str]:
    """What they are called on pages, each differently."""
    names = [one.name for one in contestants]
    return [
        name if names.count(name) == 1 else f"{name} ({place})"
        for place, name in enumerate(names, start=1)
    ]


def is_tuned(one: Contestant, tuned: Any) -> bool:
    """True of a model that was tuned here, and of a job's checkpoint."""
    return one.job_id is not None or one.model_ref_id in tuned


def labels_of(session: Session, run: EvaluationRun) -> Sequence[str]:
    """The labels that answers are sorted by: the right answers, where they are few and each is
    asked for more than once.
    """
    found = queries_cases.references_of(session, run.evaluation_id)
    return found if 1 < len(found) <= run.evaluation.cases // 2 else ()


def _label_place(run: EvaluationRun) -> int | None:
    return next((one.place for one in run.graders if one.version.type == "label"), None)
