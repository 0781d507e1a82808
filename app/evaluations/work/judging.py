"""A slice of a run's judge: it is asked about answers, which are graded by what it replies."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy.orm import Session

from app.core import clock, leases
from app.core.database import read_only, unit_of_work
from app.core.queue import enqueue
from app.evaluations import queries_judges, service
from app.evaluations.asking import standing
from app.evaluations.asking.asker import Asker
from app.evaluations.asking.slices import RECORD_SECONDS, Brought, Claimed, Slice, ask_all
from app.evaluations.models import EvaluationRun, RunStatus
from app.evaluations.models_judges import Judgement
from app.evaluations.work import claiming, judgements
from app.evaluations.work.grading import Graders, Grades, answer_of, graded, graders_of, item_of
from app.evaluations.work.judgements import JudgeWork
from app.graders.base import Answer, Grader, JsonObject, Score, Ungradable
from app.graders.judge import Ask, Judge, unanswered

GRADED_AT_ONCE = 100
AGAIN_SECONDS = 1.0


@dataclass
class Judgements:
    """A judge's questions as a book; what its replies come to is written down with them, as far as
    the slice lasts.
    """

    work: JudgeWork
    graders: Graders
    ends_at: float

    @property
    def grader(self) -> Grader:
        return self.graders.judged[self.work.place]

    def claim(self, *, behind: int, limit: int) -> Claimed[Ask]:
        with unit_of_work() as session:
            return judgements.claim_judgements(
                session, self.work, self.grader, behind=behind, limit=limit
            )

    def record(self, brought: Brought[Ask]) -> bool:
        with unit_of_work() as session:
            run = judgements.record(session, self.work, brought)
        self.grade()
        return run.status == RunStatus.RUNNING

    def grade(self) -> None:
        """Grade what lacks nothing any more: some of it in any case."""
        while True:
            with read_only() as session:
                found = queries_judges.ready(session, self.work.judge_id, limit=GRADED_AT_ONCE)
            said: Grades = {}
            until = time.monotonic() + RECORD_SECONDS
            for result_id, several in groupby(found, key=lambda one: one.result_id):
                said[result_id] = self._graded(list(several))
                if time.monotonic() > until:
                    break
            if not said:
                return
            with unit_of_work() as session:
                judgements.record_grades(session, self.work, self.graders, said)
            if time.monotonic() > self.ends_at:
                return

    def _graded(self, several: Sequence[Judgement]) -> JsonObject:
        result = several[0].result
        item, answer = item_of(result.case), answer_of(result.answer)
        judged = dict(_scores(self.grader, several, item, answer))
        place = self.work.place
        return graded({place: self.grader}, item, answer, judged)[place]


def _scores(
    grader: Grader, several: Sequence[Judgement], item: JsonObject, answer: Answer
) -> Iterator[tuple[str, Score]]:
    """What each judge of the grader said, by its name."""
    for one in several:
        yield one.name, _score(grader.judges[one.name], one, item, answer)


def _score(judge: Judge, one: Judgement, item: JsonObject, answer: Answer) -> Score:
    try:
        ask = judge.ask(item, answer)
    except Ungradable as fault:
        return Score(0.0, fault)
    return unanswered(one.error or "") if one.answer is None else judge.read(one.answer.text, ask)


def work_on(work: JudgeWork) -> bool:
    """One slice; whether the run is over. Raises LeaseLost."""
    seen = Slice()
    book = Judgements(work, graders_of(work.run_id, work.pass_rule), seen.ends_at)
    book.grade()  # what a worker that died had asked and not graded
    with Asker(work.share) as asker:
        ask_all(asker, book, seen)
    with unit_of_work() as session:
        return _finish(session, work, asker, seen).ended_at is not None


def _finish(session: Session, work: JudgeWork, asker: Asker, seen: Slice) -> EvaluationRun:
    """Give the judge back: to go on at once, later, after a person has looked, or with the next
    answers.
    """
    run, row = judgements.hold(session, work)
    outages = standing.keep_pace(session, work.share, asker, seen)
    pause, moment = service.pausing(session, run), clock.now(session)
    if run.status != RunStatus.RUNNING:
        leases.settle(row, due_at=None)
    elif standing.gives_up(session, row, work.share, seen, outages, pause):
        pass
    elif seen.is_capped:
        claiming.wait_for_room(session, run, row)
    else:
        due_at = queries_judges.next_moment(session, row.id, moment)
        is_now = due_at is not None and due_at <= moment
        if is_now and not seen.claimed:  # the same is being asked for another answer
            due_at = clock.later(session, AGAIN_SECONDS)
        elif is_now:
            enqueue(session, "evaluations.judge", row.id)
        leases.settle(row, due_at=due_at)
    return run
