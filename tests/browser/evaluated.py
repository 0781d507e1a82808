"""An evaluation and its run, beside a running instance whose worker reckons the evidence."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from app.evaluations.byhand import service as byhand
from app.evaluations.models import EvaluationRun, RunStatus
from app.evaluations.reports import service as reports
from app.evaluations.reports.models import Report
from app.evaluations.worst.models import WorstList
from app.grading.models import LibraryGrader
from app.projects.models import Project
from tests.browser.judged import judge as judge_run
from tests.evaluations.asked_again import plant_look, plant_schedule
from tests.evaluations.byhand.byhand import wait_for_people
from tests.evaluations.planted import Player, Question, plant_evaluation, plant_run, right_in
from tests.waiting import eventually

LABELS = ("card_arrival", "change_pin", "top_up_failed", "card_delivery_estimate")


def evaluate(
    home: Path,
    project_id: int,
    *,
    words: str,
    name: str,
    model: str,
    label: str,
    job_id: int | None = None,
) -> dict[str, str]:
    """Forty cases put to three contestants, and put to them again; their pages by name. `words` are
    asked, and the first of five labels is `label`. The project's grader grades, if it has one. The
    first contestant is a model of the job.
    """
    engine = create_engine(
        f"sqlite:///{home}/luthier.sqlite",
        connect_args={"timeout": 30},
        json_serializer=json.dumps,
    )
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            evaluation_id, run_ids, judged = _plant(
                session, project_id, words, name, model, label, job_id
            )

        def is_made() -> bool:
            with Session(engine) as session:
                made = session.scalars(select(Report.figures)).all()
                due = session.scalars(select(WorstList.due_at)).all()
            return len(made) == len(run_ids) and all(made) and not any(due)

        assert eventually(is_made, within=60), "No worker has reckoned the evidence."
    finally:
        engine.dispose()
    run = f"/evaluation-runs/{run_ids[-1]}"
    return {
        "evaluations": f"/projects/{project_id}/evaluations",
        "evaluation": f"/evaluations/{evaluation_id}",
        "evaluation-run": f"{run}?wrong=1",
        "evaluation-case": f"{run}/cases/5",
        "evaluation-worst": f"{run}/contestants/1/worst",
        "evaluation-compare": f"/evaluations/{evaluation_id}/compare",
        **judged,
    }


def _plant(
    session: Session,
    project_id: int,
    words: str,
    name: str,
    model: str,
    label: str,
    job_id: int | None,
) -> tuple[int, list[int], dict[str, str]]:
    project = session.get_one(Project, project_id)
    labels = (label[:100], *LABELS)
    asked = [
        Question(f"{words} {n}", labels[n % len(labels)], {"channel": label[:64]})
        for n in range(1, 41)
    ]
    judge = session.scalar(select(LibraryGrader).where(LibraryGrader.project_id == project_id))
    kept = plant_evaluation(session, project, asked, name=name[:110], grader=judge)
    runs = [_run(session, kept, labels, percent, model, job_id) for percent in (80, 95)]
    for run in runs:
        reports.ask(session, run.id)
    again = plant_schedule(session, runs[0], words=words)
    plant_look(session, again, runs[1], weeks=1, passed=(120, 160))
    plant_look(session, again, weeks=2, words=words)
    judged = judge_run(session, runs[-1], name)
    waiting = plant_run(
        session, kept, Player("alone", right_in(70, 4, labels)), status=RunStatus.RUNNING
    )
    by_hand = {"by-hand": f"/evaluation-runs/{waiting.id}/people"}
    by_hand["by-hand-case"] = f"{by_hand['by-hand']}/{_answer(session, waiting, words)}"
    return kept.id, [run.id for run in runs], {**judged, **by_hand}


def _answer(session: Session, run: EvaluationRun, words: str) -> int:
    """The project's maker has answered a case by hand, and another in hand; its number."""
    wait_for_people(session, run)
    actor_id = run.created_by or 0
    number = byhand.claim_next(session, run.id, user_id=actor_id)
    assert number is not None
    byhand.give(session, run.id, number, words, user_id=actor_id)
    return byhand.claim_next(session, run.id, user_id=actor_id) or 0


def _run(
    session: Session,
    kept: Any,
    labels: tuple[str, ...],
    percent: int,
    model: str,
    job_id: int | None,
) -> Any:
    def silent(number: int, repeat: int, reference: str) -> str | None:
        return None if number == 5 else right_in(60, 3, labels)(number, repeat, reference)

    return plant_run(
        session,
        kept,
        Player(model[:255], right_in(percent, 1, labels), job_id=job_id),
        Player("few-shot", right_in(75, 2, labels), shots={"k": 20, "way": "nearest"}, cost=330),
        Player("zero-shot", silent, ms=900),
    )
