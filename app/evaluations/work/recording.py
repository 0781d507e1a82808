"""Writing down what a slice brought, about twice a second: answers, grades, refusals, and sums."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core import clock
from app.core.tokens import counter
from app.evaluations import prices, queries_work, service
from app.evaluations.models import (
    Contestant,
    EvaluationRun,
    GivenAnswer,
    Grade,
    Result,
    ResultStatus,
)
from app.evaluations.reports import service as reports
from app.evaluations.work.asking import Answered, Came, Failed, Unsent
from app.evaluations.work.claiming import Asking, Work, hold, put_back
from app.evaluations.work.grading import Graders, Grades, Waiting, answer_of, graded, verdict
from app.providers.base import (
    KeyRejected,
    NotFound,
    NotPermitted,
    RequestRejected,
)
from app.settings import settings

INSERTS: dict[str, Callable[[Any], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
MOST_TRIES = 5
LONGEST_WAIT = 60.0
Columns = dict[str, Any]


def record(
    session: Session,
    work: Work,
    graders: Graders,
    came: Sequence[Came],
    known: Sequence[Asking],
    *,
    is_away: bool,
) -> EvaluationRun:
    """Keep what came, and what was known already; the run as it stands. Where the provider
    `is_away`, its failures count for no case. Raises LeaseLost.
    """
    run, row = hold(session, work)
    answered = [one for one in came if isinstance(one, Answered)]
    costs = [_cost(work, one) for one in answered]
    given = _keep(session, work, answered, costs)
    fresh = [(one.asking, given[one.asking.digest], False) for one in answered]
    _grade(session, row, graders, [*fresh, *((one, one.known, True) for one in known)])
    _count(run, row, answered, costs)
    failed = [one for one in came if isinstance(one, Failed)]
    _fail(session, run, row, failed, is_away=is_away)
    put_back(session, row, [one.asking for one in came if isinstance(one, Unsent)])
    if run.ended_at is not None and came:  # it was stopped, and this was on its way
        session.flush()
        service.count(session, run)
        reports.ask(session, run.id)
    if came or known:
        service.tell(session, run)
    return run


def _keep(
    session: Session, work: Work, answered: Sequence[Answered], costs: Sequence[int | None]
) -> dict[str, GivenAnswer]:
    """The answers by their digests; one that another contestant brought first stays."""
    if not answered:
        return {}
    moment = clock.now(session)
    rows = {
        one.asking.digest: {
            "project_id": work.project_id,
            "digest": one.asking.digest,
            "text": one.text,
            "calls": one.calls,
            "refusal": one.refusal,
            "finish_reason": one.finish_reason,
            "prompt_tokens": one.prompt_tokens,
            "completion_tokens": one.completion_tokens,
            "total_ms": one.total_ms,
            "cost": cost,
            "answered_at": moment,
        }
        for one, cost in zip(answered, costs, strict=True)
    }
    statement = INSERTS[session.get_bind().dialect.name](GivenAnswer.__table__)
    session.execute(statement.on_conflict_do_nothing(), list(rows.values()))
    return queries_work.answers_by_digest(session, work.project_id, rows)


def _cost(work: Work, one: Answered) -> int | None:
    """By the tokens that the provider counted; where it says none, by our own count."""
    prompt, completion = one.prompt_tokens, one.completion_tokens
    if prompt is None:
        prompt = one.asking.tokens
    if completion is None:
        completion = counter()(one.text) if work.price else 0
    return prices.cost(work.price, prompt, completion)


def _grade(
    session: Session,
    row: Contestant,
    graders: Graders,
    answers: Iterable[tuple[Asking, Any, bool]],
) -> None:
    """Write down the answers of results, and what the quick graders say of them."""
    results: list[Columns] = []
    grades: list[Columns] = []
    for asking, given, is_cached in answers:
        said = graded(graders.quick, asking.item, answer_of(given))
        grades += _rows(asking.result_id, row.run_id, said)
        ended: Columns = {"status": ResultStatus.ANSWERED, "score": None, "passed": None}
        if not graders.slow:
            ended = verdict(said, graders.pass_rule)
            row.graded += 1
            row.passed += ended["passed"]
        results.append(
            {
                "id": asking.result_id,
                "answer_id": given.id,
                "is_cached": is_cached,
                "not_before": None,
                **ended,
            }
        )
    if results:
        session.execute(update(Result), results)
        _insert_grades(session, grades)


def _rows(result_id: int, run_id: int, said: Grades) -> list[Columns]:
    return [
        {"result_id": result_id, "place": place, "run_id": run_id, **columns}
        for place, columns in said.items()
    ]


def _insert_grades(session: Session, grades: Sequence[Columns]) -> None:
    if grades:
        session.execute(insert(Grade), grades)


def _count(
    run: EvaluationRun,
    row: Contestant,
    answered: Sequence[Answered],
    costs: Sequence[int | None],
) -> None:
    """What the answers came to: those that were known were paid before."""
    spent = sum(cost or 0 for cost in costs)
    row.prompt_tokens += sum(one.prompt_tokens or 0 for one in answered)
    row.completion_tokens += sum(one.completion_tokens or 0 for one in answered)
    row.spent += spent
    run.spent += spent


def _fail(
    session: Session,
    run: EvaluationRun,
    row: Contestant,
    failed: Sequence[Failed],
    *,
    is_away: bool,
) -> None:
    """What may come another time waits for it; what was refused fails alone. What asks for a person
    waits for the run's pause.
    """
    moment = clock.now(session)
    changed: list[Columns] = []
    for one in failed:
        if one.may_be_billed and one.asking.held:
            run.spent += one.asking.held
            run.guessed += one.asking.held
            row.spent += one.asking.held
        tries = one.asking.tries + (not is_away)
        if is_for_all(one):
            columns: Columns = {"status": ResultStatus.WAITING, "not_before": None}
            tries = one.asking.tries
        elif isinstance(one.error, RequestRejected) or tries >= MOST_TRIES:
            columns = {"status": ResultStatus.FAILED, "not_before": None}
            row.failed += 1
        else:
            seconds = settings().wait(_wait(one, tries))
            not_before = moment + timedelta(seconds=seconds)
            columns = {"status": ResultStatus.WAITING, "not_before": not_before}
        said = {"id": one.asking.result_id, "error": one.error.message, "tries": tries}
        changed.append({**said, **columns})
    if changed:
        session.execute(update(Result), changed)


def is_for_all(one: Failed) -> bool:
    """Whether it would be said of every other case, too: of the key, or of the model."""
    return isinstance(one.error, KeyRejected | NotFound | NotPermitted)


def _wait(one: Failed, tries: int) -> float:
    asked = getattr(one.error, "retry_after", None) or 0.0
    return min(max(asked, 2.0 ** max(tries - 1, 0)), LONGEST_WAIT)


def record_grades(
    session: Session, work: Work, graders: Graders, said: Sequence[tuple[Waiting, Grades]]
) -> EvaluationRun:
    """Keep what the slow graders say, and what that makes of the results. Raises LeaseLost."""
    run, row = hold(session, work)
    results: list[Columns] = []
    grades: list[Columns] = []
    open_ = queries_work.answered_among(session, [one.result_id for one, _ in said])
    for one, new in said:
        if one.result_id not in open_:
            continue
        grades += _rows(one.result_id, row.run_id, new)
        ended = verdict({**one.grades, **new}, graders.pass_rule)
        results.append({"id": one.result_id, **ended})
        row.graded += 1
        row.passed += ended["passed"]
    if results:
        session.execute(update(Result), results)
        _insert_grades(session, grades)
        service.tell(session, run)
    return run
