"""A contestant's slice: its next cases asked and graded, and what comes after it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.connections import standing
from app.core import clock, leases
from app.core.database import read_only, unit_of_work
from app.core.gather import gather
from app.core.queue import enqueue
from app.evaluations import queries, queries_work, service
from app.evaluations.models import AnswerPace, Contestant, ContestantKind, EvaluationRun, RunStatus
from app.evaluations.work import claiming
from app.evaluations.work.asking import Answered, Asker, Came, Failed
from app.evaluations.work.claiming import Asking, Work
from app.evaluations.work.grading import Graders, graders_of, missing_grades, waiting
from app.evaluations.work.pace import FIRST
from app.evaluations.work.recording import is_for_all, record, record_grades
from app.evaluations.work.shots import Examples, examples_of
from app.providers.base import KeyRejected, ProviderError, RequestRejected
from app.settings import settings

SLICES = 4  # of the usual length: each begins and ends with fewer requests on their way
RECORD_SECONDS, ALIVE_SECONDS = 0.5, 10.0
MOST_KNOWN, GRADED_AT_ONCE = 250, 50
# So many failures and no answer look like a provider that is away.
AWAY_AFTER = 24
# So many refusals and no answer are of the question's form, and not of single cases.
REFUSED_AFTER = 20
CAP = "It would come to more than its cap of ${cap:,.2f}: ${spent:,.2f} is spent."
MILLION = 1_000_000
AWAY_WAITS = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0)


@dataclass
class Slice:
    """What a slice has seen so far."""

    ends_at: float
    behind: int = 0
    answered: int = 0
    failed: int = 0
    refused: int = 0
    doubtful: list[Failed] = field(default_factory=list)
    known: list[Asking] = field(default_factory=list)
    left: list[Asking] = field(default_factory=list)
    kept_at: float = field(default_factory=time.monotonic)
    is_running: bool = True
    is_capped: bool = False
    for_all: Failed | None = None
    last: ProviderError | None = None

    @property
    def is_away(self) -> bool:
        return not self.answered and self.failed >= AWAY_AFTER

    @property
    def is_refused(self) -> bool:
        return not self.answered and self.refused >= REFUSED_AFTER

    def is_over(self) -> bool:
        """Whether nothing more should be asked for."""
        is_up = time.monotonic() > self.ends_at
        return bool(is_up or not self.is_running or self.for_all or self.is_away or self.is_refused)


def work_on(work: Work) -> None:
    """One slice. Raises LeaseLost, and Gone where examples cannot be read."""
    seen = Slice(time.monotonic() + SLICES * settings().slice_seconds)
    graders = graders_of(work.run_id, work.pass_rule)
    asker = None
    if work.kind == ContestantKind.MODEL:
        examples = None
        if work.shots_version is not None and work.shots is not None:
            examples = examples_of(work.shots_version, work.shots)
        with Asker(work) as asker:
            _ask(work, asker, graders, examples, seen)
    _grade_waiting(work, graders, seen)
    with unit_of_work() as session:
        _finish(session, work, asker, seen)


def _ask(
    work: Work, asker: Asker, graders: Graders, examples: Examples | None, seen: Slice
) -> None:
    wanted = _wanted(work, asker, graders, examples, seen)
    batches = gather(asker.ask, wanted, at_once=asker.at_once, every=RECORD_SECONDS)
    with closing(batches):
        try:
            for batch in batches:
                _keep(work, asker, graders, seen, batch)
        except BaseException:
            asker.stopped.set()  # whoever leaves early sends nothing more
            raise
    _keep(work, asker, graders, seen, [], is_last=True)


def _wanted(
    work: Work, asker: Asker, graders: Graders, examples: Examples | None, seen: Slice
) -> Iterator[Asking]:
    """What is to be asked, claimed some at a time, as long as the slice lasts."""
    limit = max(asker.at_once // 2, 4)
    while not seen.is_over():
        with read_only() as session:
            found = queries_work.next_results(
                session,
                work.contestant_id,
                clock.now(session),
                behind=seen.behind,
                limit=limit,
            )
        asking = [claiming.asking_of(work, examples, one) for one in found]
        if not asking:
            return
        with unit_of_work() as session:
            claimed = claiming.claim_results(session, work, asking)
        seen.is_capped = claimed.is_capped
        for place, one in enumerate(claimed.asking):
            seen.behind = one.result_id
            if one.known is not None:
                seen.known.append(one)
            elif seen.is_over():
                seen.left += [left for left in claimed.asking[place:] if left.known is None]
                return
            else:
                yield one
        if len(seen.known) >= MOST_KNOWN:
            _keep(work, asker, graders, seen, [])
        if claimed.is_capped or not claimed.asking:
            return


def _keep(
    work: Work,
    asker: Asker,
    graders: Graders,
    seen: Slice,
    batch: Sequence[Came],
    *,
    is_last: bool = False,
) -> None:
    """Write down what came. Nothing for a while is told too: the lease must not run out."""
    came = _sorted(seen, batch, is_last=is_last)
    is_quiet = not (came or seen.known or is_last)
    if is_quiet and time.monotonic() - seen.kept_at < ALIVE_SECONDS:
        return
    known, seen.known, seen.kept_at = seen.known, [], time.monotonic()
    with unit_of_work() as session:
        run = record(session, work, graders, came, known, is_away=seen.is_away)
        if is_last:
            row = session.get_one(Contestant, work.contestant_id)
            claiming.put_back(session, row, seen.left)
        seen.is_running = run.status == RunStatus.RUNNING
    if not seen.is_running or seen.for_all:
        asker.stopped.set()


def _sorted(seen: Slice, batch: Sequence[Came], *, is_last: bool) -> list[Came]:
    """What may be written down by now. Failures wait until it is known whether the provider answers
    anything at all.
    """
    found: list[Came] = []
    for one in batch:
        if isinstance(one, Failed) and _is_doubtful(seen, one):
            seen.doubtful.append(one)
        else:
            seen.answered += isinstance(one, Answered)
            found.append(one)
    if seen.answered or is_last:
        found += seen.doubtful
        seen.doubtful = []
    return found


def _is_doubtful(seen: Slice, one: Failed) -> bool:
    """Whether it may say something of the provider rather than of the case."""
    seen.last = one.error
    if is_for_all(one):
        seen.for_all = seen.for_all or one
        return False
    if isinstance(one.error, RequestRejected):
        seen.refused += 1
        return False
    seen.failed += 1
    return True


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
    outages = 0
    if asker is not None:
        outages = _keep_pace(session, work, asker, seen)
        if seen.answered and work.connection is not None:
            standing.record_answer(session, work.connection.id)
    if run.status != RunStatus.RUNNING:
        leases.settle(row, due_at=None)
    elif seen.for_all is not None:
        _stop_for_person(session, work, run, row, seen.for_all.error)
    elif seen.is_refused and seen.last is not None:
        leases.settle(row, due_at=None)
        service.pause(session, run, by="provider", words=seen.last.message)
    elif not queries_work.has_open(session, row.id):
        _end(session, run, row)
    else:
        _go_on(session, work, run, row, seen, outages)


def _keep_pace(session: Session, work: Work, asker: Asker, seen: Slice) -> int:
    """How fast it went, for the next slice; and how many in a row brought nothing."""
    if work.connection is None:
        return 0
    kept = session.get(AnswerPace, work.connection.id)
    if kept is None:
        kept = AnswerPace(connection_id=work.connection.id, rate=FIRST, outages=0)
        session.add(kept)
    kept.outages = kept.outages + 1 if seen.is_away else 0
    if asker.pace is not None and work.settings.per_minute is None and not seen.is_away:
        kept.rate = asker.pace.rate * work.beside
        kept.most = asker.pace.most and asker.pace.most * work.beside
    return kept.outages


def _stop_for_person(
    session: Session, work: Work, run: EvaluationRun, row: Contestant, error: ProviderError
) -> None:
    """A refused key stops the connection too; a model that is not there only this run."""
    leases.settle(row, due_at=None, error=error.message)
    is_of_key = isinstance(error, KeyRejected)
    if is_of_key and work.connection is not None:
        standing.record_failure(session, work.connection, error)
    service.pause(session, run, by="key" if is_of_key else "provider", words=error.message)


def _end(session: Session, run: EvaluationRun, row: Contestant) -> None:
    leases.settle(row, due_at=None)
    session.flush()
    if not queries.is_any_unfinished(session, run.id):
        service.end(session, run, RunStatus.DONE)


def _go_on(
    session: Session,
    work: Work,
    run: EvaluationRun,
    row: Contestant,
    seen: Slice,
    outages: int,
) -> None:
    moment = clock.now(session)
    if seen.is_capped:
        if queries_work.held_money(session, run.id):  # others' answers may leave room
            leases.settle(row, due_at=clock.later(session, 1.0))
            return
        leases.settle(row, due_at=None)
        spent, cap = run.spent / MILLION, (run.cap or 0) / MILLION
        service.pause(session, run, by="cap", words=CAP.format(cap=cap, spent=spent))
    elif seen.is_away and seen.last is not None:
        _wait_for_provider(session, work, row, seen.last, outages)
    elif queries_work.has_work_now(session, row.id, moment):
        leases.settle(row, due_at=moment)
        enqueue(session, "evaluations.answer", row.id)
    else:
        leases.settle(row, due_at=queries_work.next_try(session, row.id) or moment)


def _wait_for_provider(
    session: Session, work: Work, row: Contestant, error: ProviderError, outages: int
) -> None:
    """Nobody answers at all: that says nothing of the cases. People see the words, and it is tried
    again by itself.
    """
    if work.connection is not None:
        standing.record_failure(session, work.connection, error)
    seconds = AWAY_WAITS[min(outages, len(AWAY_WAITS)) - 1]
    leases.settle(row, due_at=clock.later(session, seconds), error=error.message)
