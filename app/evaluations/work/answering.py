"""A contestant's slice: its next cases asked and graded, and what comes after it."""

import time
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import clock, leases
from app.core.database import read_only, unit_of_work
from app.core.queue import enqueue
from app.evaluations import queries, queries_work, service
from app.evaluations.asking import standing
from app.evaluations.asking.asker import Asker
from app.evaluations.asking.slices import RECORD_SECONDS, Brought, Claimed, Slice, ask_all
from app.evaluations.models import Contestant, ContestantKind, EvaluationRun, RunStatus
from app.evaluations.reports import service as reports
from app.evaluations.work import claiming
from app.evaluations.work.claiming import Item, Work
from app.evaluations.work.grading import Graders, graders_of, missing_grades, waiting
from app.evaluations.work.recording import record, record_grades
from app.evaluations.work.shots import Examples, examples_of

GRADED_AT_ONCE = 50


@dataclass
class Cases:
    """A contestant's cases as a book of questions."""

    work: Work
    graders: Graders
    examples: Examples | None

    def claim(self, *, behind: int, limit: int) -> Claimed[Item]:
        with read_only() as session:
            contestant_id, moment = self.work.contestant_id, clock.now(session)
            found = queries_work.next_results(
                session, contestant_id, moment, behind=behind, limit=limit
            )
        questions = [claiming.question_of(self.work, self.examples, one) for one in found]
        if not questions:
            return Claimed([])
        with unit_of_work() as session:
            return claiming.claim_results(session, self.work, questions)

    def record(self, brought: Brought[Item]) -> bool:
        with unit_of_work() as session:
            run = record(session, self.work, self.graders, brought)
        return run.status == RunStatus.RUNNING


def work_on(work: Work) -> None:
    """One slice. Raises LeaseLost, and Gone where examples cannot be read."""
    seen = Slice()
    graders = graders_of(work.run_id, work.pass_rule)
    asker = None
    if work.share is not None:
        examples = None
        if work.shots_version is not None and work.shots is not None:
            examples = examples_of(work.shots_version, work.shots)
        with Asker(work.share) as asker:
            ask_all(asker, Cases(work, graders, examples), seen)
    _grade_waiting(work, graders, seen)
    with unit_of_work() as session:
        _finish(session, work, asker, seen)


def _grade_waiting(work: Work, graders: Graders, seen: Slice) -> None:
    """What was answered and waits for graders that take their time: some of it in any case."""
    while True:
        with read_only() as session:
            found = waiting(session, work.contestant_id, limit=GRADED_AT_ONCE)
        if not found:
            return
        said = []
        until = time.monotonic() + RECORD_SECONDS
        for one in found:
            said.append((one, missing_grades(graders, one)))
            if time.monotonic() > until:
                break
        with unit_of_work() as session:
            run = record_grades(session, work, graders, said)
        if run.status != RunStatus.RUNNING or time.monotonic() > seen.ends_at:
            return


def _finish(session: Session, work: Work, asker: Asker | None, seen: Slice) -> None:
    """Give the contestant back: to go on at once, later, after a person has looked, or never."""
    run, row = claiming.hold(session, work)
    pause, outages = service.pausing(session, run), 0
    for judge_id in session.scalars(queries.due_judge_ids(run.id)):
        enqueue(session, "evaluations.judge", judge_id)
    if asker is not None and work.share is not None:
        outages = standing.keep_pace(session, work.share, asker, seen)
    if run.status != RunStatus.RUNNING:
        leases.settle(row, due_at=None)
    elif work.share is not None and standing.gives_up(
        session, row, work.share, seen, outages, pause
    ):
        return
    elif not queries_work.has_open(session, row.id):
        _end(session, run, row)
    elif seen.is_capped:
        claiming.wait_for_room(session, run, row)
    else:
        _go_on(session, row)


def _end(session: Session, run: EvaluationRun, row: Contestant) -> None:
    leases.settle(row, due_at=None)
    session.flush()
    if not queries.is_any_unfinished(session, run.id):
        service.end(session, run, RunStatus.DONE)


def _go_on(session: Session, row: Contestant) -> None:
    moment = clock.now(session)
    if row.kind == ContestantKind.PEOPLE and not queries_work.has_answered(session, row.id):
        leases.settle(row, due_at=None)  # their next answer rings
        reports.ask_soon(session, row.run_id)
    elif queries_work.has_work_now(session, row.id, moment):
        leases.settle(row, due_at=moment)
        enqueue(session, "evaluations.answer", row.id)
    else:
        leases.settle(row, due_at=queries_work.next_try(session, row.id) or moment)
