"""A contestant in a worker's hands: taken for a slice, the next of its results claimed before they
are asked for, and given back.

Whatever is asked for is written down first. A run is always held before its contestants.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.catalog.answer_prices import AnswerPrice
from app.core import clock, leases
from app.core.leases import Leased
from app.datasets.models import DatasetVersion
from app.evaluations import prices, queries, queries_work, service
from app.evaluations.asking import rows, standing
from app.evaluations.asking.asker import Share
from app.evaluations.asking.questions import Question
from app.evaluations.asking.slices import Claimed
from app.evaluations.byhand.drawing import drawn
from app.evaluations.forms import AnswerSettings
from app.evaluations.models import (
    Contestant,
    ContestantKind,
    Evaluation,
    EvaluationRun,
    Result,
    RunStatus,
)
from app.evaluations.work.grading import item_of
from app.evaluations.work.shots import Examples
from app.providers.base import ChatRequest

LEASE_SECONDS = 60.0
MILLION = 1_000_000
CAP = "It would come to more than its cap of ${cap:,.2f}: ${spent:,.2f} is spent."
Item = dict[str, Any]
"""What graders know of a case."""


class Work(NamedTuple):
    """A contestant taken for a slice, with all that asking takes; one whose answers were given
    before has no `share` of a connection.
    """

    contestant_id: int
    fence: int
    run_id: int
    project_id: int
    share: Share | None
    model: str
    settings: AnswerSettings
    shots: Mapping[str, Any] | None
    shots_version: DatasetVersion | None
    pass_rule: str

    @property
    def price(self) -> AnswerPrice | None:
        return prices.price_of(self.share.connection, self.model) if self.share else None


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
    prepare(session, run, row)
    billed = rows.wait_again(session, Result, Result.contestant_id == row.id)
    run.spent, run.guessed, row.spent = run.spent + billed, run.guessed + billed, row.spent + billed
    connection = row.ref.connection if row.ref and row.kind == ContestantKind.MODEL else None
    if connection is not None and standing.stands_still(
        session, row, connection, service.pausing(session, run)
    ):
        return None
    answers = AnswerSettings.model_validate(run.settings)
    limits = {"per_minute": answers.per_minute, "at_once": answers.at_once}
    version_id = row.shots_version_id
    return Work(
        row.id,
        fence,
        run.id,
        run.project_id,
        standing.share_of(session, connection, **limits) if connection else None,
        row.ref.name if row.ref else "",
        answers,
        row.shots if version_id else None,
        session.get(DatasetVersion, version_id) if version_id else None,
        run.pass_rule,
    )


def prepare(session: Session, run: EvaluationRun, row: Contestant) -> None:
    """A result for each case and repeat: once, and in as many statements as there are repeats.
    People answer once, and may have been asked for a part of the cases. The run is held.
    """
    if row.expected:
        return
    repeats, numbers = run.repeats, None
    if row.kind == ContestantKind.PEOPLE and row.by_people is not None:
        cases = session.get_one(Evaluation, run.evaluation_id).cases
        repeats, numbers = 1, drawn(cases, row.by_people)
    for repeat in range(repeats):
        found = queries_work.results_to_be(run, row, repeat, numbers)
        made = insert(Result).from_select(
            queries_work.RESULT_COLUMNS, found, include_defaults=False
        )
        session.execute(made)
    row.expected = queries_work.count_results(session, row.id)


def hold(session: Session, work: Work) -> tuple[EvaluationRun, Contestant]:
    """The run and the contestant, locked until the unit of work ends, the lease made longer. Raises
    LeaseLost when somebody else has it.
    """
    run = queries.held_run(session, work.run_id)
    row = leases.keep(session, Contestant, work.contestant_id, work.fence, seconds=LEASE_SECONDS)
    return run, row


def claim_results(
    session: Session, work: Work, questions: Sequence[Question[Item]]
) -> Claimed[Item]:
    """Write down that these are asked for, as far as the cap has room, but for those whose answer
    is known. Nothing once the run pauses. Raises LeaseLost.
    """
    run, row = hold(session, work)
    if run.status != RunStatus.RUNNING:
        return Claimed([])
    claimed = rows.claimed(session, Result, work.project_id, questions, room_of(session, run))
    row.asked += len(claimed.sent)
    return claimed


def room_of(session: Session, run: EvaluationRun) -> int | None:
    """What the run's cap has room for, should all that is on its way cost the most it can."""
    if run.cap is None:
        return None
    return run.cap - run.spent - queries_work.held_money(session, run.id)


def wait_for_room(session: Session, run: EvaluationRun, row: Leased) -> None:
    """The cap leaves no room. What is on its way may leave some; else the run pauses."""
    if queries_work.held_money(session, run.id):
        leases.settle(row, due_at=clock.later(session, 1.0))
        return
    leases.settle(row, due_at=None)
    spent, cap = run.spent / MILLION, (run.cap or 0) / MILLION
    service.pause(session, run, by="cap", words=CAP.format(cap=cap, spent=spent))


def question_of(work: Work, examples: Examples | None, found: Any) -> Question[Item]:
    """A result that was found, as it is asked for."""
    result_id, repeat, tries, case = found
    messages = with_system(case.messages, work.settings.system)
    tokens = case.tokens
    if examples is not None:
        shown = examples.before(messages)
        messages = put_before(messages, shown.messages)
        tokens += shown.tokens
    chosen = work.settings
    return Question(
        result_id,
        item_of(case),
        ChatRequest(
            model=work.model,
            messages=tuple(messages),
            temperature=chosen.temperature,
            top_p=chosen.top_p,
            max_tokens=chosen.max_tokens,
            seed=chosen.seed,
            tools=tuple(case.tools or ()),
        ),
        digest_of(work, messages, case.tools, repeat),
        tokens,
        prices.cost(work.price, tokens, chosen.max_tokens),
        tries,
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
        "connection": work.share.connection.id if work.share else None,
        "model": work.model,
        "messages": messages,
        "tools": tools or None,
        "settings": [chosen.temperature, chosen.top_p, chosen.max_tokens, chosen.seed],
        "repeat": repeat,
        "run": work.run_id if chosen.fresh else None,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def put_off(session: Session, work: Work, words: str, *, seconds: float) -> None:
    """The examples cannot be read just now: later, which costs no attempt."""
    row = leases.hold(session, Contestant, work.contestant_id, work.fence)
    if row is not None:
        leases.settle(row, due_at=clock.later(session, seconds), error=words)
