"""A contestant in a worker's hands: taken for a slice, the next of its results claimed before they
are asked for, and given back.

Whatever is asked for is written down first. A run is always held before its contestants.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app.catalog.answer_prices import AnswerPrice
from app.connections import standing
from app.connections.models import Connection
from app.core import clock, leases
from app.core.leases import LeaseLost
from app.datasets.models import DatasetVersion
from app.evaluations import prices, queries, queries_work, service
from app.evaluations.forms import AnswerSettings
from app.evaluations.models import (
    AnswerPace,
    Contestant,
    ContestantKind,
    EvaluationRun,
    GivenAnswer,
    Result,
    ResultStatus,
    RunStatus,
)
from app.evaluations.work.grading import item_of
from app.evaluations.work.shots import Examples
from app.settings import settings

LEASE_SECONDS = 60.0
HELD_SECONDS = 30.0
WORKER_ENDED = "The worker ended before the answer came."


class Work(NamedTuple):
    """A contestant taken for a slice, with all that asking takes. `beside` counts those who ask
    over the same connection just now, itself included.
    """

    contestant_id: int
    fence: int
    run_id: int
    project_id: int
    kind: str
    connection: Connection | None
    model: str
    settings: AnswerSettings
    shots: Mapping[str, Any] | None
    shots_version: DatasetVersion | None
    pass_rule: str
    beside: int
    pace: AnswerPace | None

    @property
    def price(self) -> AnswerPrice | None:
        return prices.price_of(self.connection, self.model) if self.connection else None


class Asking(NamedTuple):
    """One result that is claimed: what is sent, under which digest its answer is kept, and what it
    costs at most. `known` is the answer where it was given before.
    """

    result_id: int
    case_id: int
    item: dict[str, Any]
    messages: list[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]]
    digest: str
    tokens: int
    held: int | None
    tries: int
    known: GivenAnswer | None


class Claimed(NamedTuple):
    """What may be asked for. With nothing to ask, `is_capped` says that the cap leaves no room."""

    asking: list[Asking]
    is_capped: bool = False


def claim(session: Session, contestant_id: int) -> Work | None:
    """Take a contestant for a slice; None when another has it, its run does not go on, or its
    connection may not be asked just now. What a dead worker had on its way waits again.
    """
    run_id = queries_work.run_id_of(session, contestant_id)
    if run_id is None:
        return None
    run = queries.held_run(session, run_id)
    fence = leases.claim(session, Contestant, contestant_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    row = queries_work.contestant_at_work(session, contestant_id)
    if run.status != RunStatus.RUNNING:
        leases.settle(row, due_at=None)
        return None
    _prepare(session, run, row)
    _wait_again(session, run, row)
    connection = row.ref.connection if row.ref and row.kind == ContestantKind.MODEL else None
    moment = clock.now(session)
    if connection is not None and standing.is_held(connection, moment):
        _stand_still(session, run, row, connection)
        return None
    version_id = row.shots_version_id
    return Work(
        row.id,
        fence,
        run.id,
        run.project_id,
        row.kind,
        connection,
        row.ref.name if row.ref else "",
        AnswerSettings.model_validate(run.settings),
        row.shots if version_id else None,
        session.get(DatasetVersion, version_id) if version_id else None,
        run.pass_rule,
        queries_work.count_beside(session, connection.id, moment) if connection else 1,
        session.get(AnswerPace, connection.id) if connection else None,
    )


def _prepare(session: Session, run: EvaluationRun, row: Contestant) -> None:
    """A result for each case and repeat: once, and in as many statements as there are repeats."""
    if row.expected:
        return
    for repeat in range(run.repeats):
        found = queries_work.results_to_be(run, row, repeat)
        made = insert(Result).from_select(
            queries_work.RESULT_COLUMNS, found, include_defaults=False
        )
        session.execute(made)
    row.expected = queries_work.count_results(session, row.id)


def _wait_again(session: Session, run: EvaluationRun, row: Contestant) -> None:
    """Nobody knows whether what a dead worker asked for was answered, and billed."""
    lost = session.execute(
        update(Result)
        .where(Result.contestant_id == row.id, Result.status == ResultStatus.ASKED)
        .values(status=ResultStatus.WAITING, error=WORKER_ENDED)
        .returning(Result.held)
        .execution_options(synchronize_session=False)
    ).all()
    billed = sum(held or 0 for (held,) in lost)
    if billed:
        run.spent += billed
        run.guessed += billed
        row.spent += billed


def _stand_still(
    session: Session, run: EvaluationRun, row: Contestant, connection: Connection
) -> None:
    """A refused key pauses the run until it is another, or works again; a wait passes by itself."""
    if connection.refused_at is not None:
        leases.settle(row, due_at=None)
        service.pause(session, run, by="key", words=connection.words)
        return
    due_at = connection.not_before or clock.later(session, HELD_SECONDS)
    leases.settle(row, due_at=due_at, error=connection.words)


def hold(session: Session, work: Work) -> tuple[EvaluationRun, Contestant]:
    """The run and the contestant, locked until the unit of work ends, the lease made longer. Raises
    LeaseLost when somebody else has it.
    """
    run = queries.held_run(session, work.run_id)
    row: Contestant | None = leases.hold(session, Contestant, work.contestant_id, work.fence)
    if row is None:
        raise LeaseLost
    row.lease_until = clock.now(session) + timedelta(seconds=settings().lease(LEASE_SECONDS))
    row.attempts = 0
    return run, row


def claim_results(session: Session, work: Work, asking: Sequence[Asking]) -> Claimed:
    """Write down that these are asked for, as far as the cap has room, but for those whose answer
    is known. Nothing once the run pauses. Raises LeaseLost.
    """
    run, row = hold(session, work)
    if run.status != RunStatus.RUNNING:
        return Claimed([])
    digests = {one.digest for one in asking}
    known = queries_work.answers_by_digest(session, work.project_id, digests)
    found = [one._replace(known=known.get(one.digest)) for one in asking]
    fitting = _fitting(session, run, found)
    _write_down(session, row, [one for one in fitting if one.known is None])
    return Claimed(fitting, is_capped=len(fitting) < len(found))


def asking_of(work: Work, examples: Examples | None, found: Any) -> Asking:
    """What a result that was found takes to be asked for."""
    result_id, repeat, tries, case = found
    messages = with_system(case.messages, work.settings.system)
    tokens = case.tokens
    if examples is not None:
        shown = examples.before(messages)
        messages = put_before(messages, shown.messages)
        tokens += shown.tokens
    price = work.price
    return Asking(
        result_id,
        case.id,
        item_of(case),
        messages,
        case.tools or (),
        digest_of(work, messages, case.tools, repeat),
        tokens,
        prices.cost(price, tokens, work.settings.max_tokens),
        tries,
        None,
    )


def with_system(
    messages: Sequence[Mapping[str, Any]], system: str | None
) -> list[Mapping[str, Any]]:
    """The messages with the run's own system prompt in place of theirs, where it has one."""
    if system is None:
        return list(messages)
    others = [one for one in messages if one.get("role") not in {"system", "developer"}]
    return [{"role": "system", "content": system}, *others]


def put_before(
    messages: Sequence[Mapping[str, Any]], shown: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Examples come after the system prompt and before the question."""
    head = [one for one in messages if one.get("role") in {"system", "developer"}]
    return [*head, *shown, *(one for one in messages if one not in head)]


def digest_of(work: Work, messages: Sequence[Any], tools: Sequence[Any] | None, repeat: int) -> str:
    """Of all that an answer depends on: asked the same again, it is taken from what was kept."""
    chosen = work.settings
    said = {
        "connection": work.connection.id if work.connection else None,
        "model": work.model,
        "messages": messages,
        "tools": tools or None,
        "settings": [chosen.temperature, chosen.top_p, chosen.max_tokens, chosen.seed],
        "repeat": repeat,
        "run": work.run_id if chosen.fresh else None,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _fitting(session: Session, run: EvaluationRun, asking: list[Asking]) -> list[Asking]:
    """As many of them as the cap has room for, should each cost the most it can."""
    if run.cap is None:
        return asking
    left = run.cap - run.spent - queries_work.held_money(session, run.id)
    for place, one in enumerate(asking):
        left -= (one.held or 0) if one.known is None else 0
        if left < 0:
            return asking[:place]
    return asking


def _write_down(session: Session, row: Contestant, asking: Sequence[Asking]) -> None:
    if not asking:
        return
    session.execute(
        update(Result)
        .where(Result.id.in_([one.result_id for one in asking]))
        .values(status=ResultStatus.ASKED, asked=Result.asked + 1)
        .execution_options(synchronize_session=False)
    )
    held = [{"id": one.result_id, "held": one.held} for one in asking if one.held]
    if held:
        session.execute(update(Result), held)
    row.asked += len(asking)


def put_back(session: Session, row: Contestant, asking: Sequence[Asking]) -> None:
    """What was claimed and never left waits again, as if it had not been claimed. The contestant is
    held.
    """
    claimed = [one.result_id for one in asking if one.known is None]
    if not claimed:
        return
    session.execute(
        update(Result)
        .where(Result.id.in_(claimed))
        .values(status=ResultStatus.WAITING, asked=Result.asked - 1)
        .execution_options(synchronize_session=False)
    )
    row.asked -= len(claimed)


def put_off(session: Session, work: Work, words: str, *, seconds: float) -> None:
    """The examples cannot be read just now: later, which costs no attempt."""
    row = leases.hold(session, Contestant, work.contestant_id, work.fence)
    if row is not None:
        leases.settle(row, due_at=clock.later(session, seconds), error=words)
