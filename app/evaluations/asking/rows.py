"""The rows of questions as they are asked: sent, answered, failed, or lost with a worker. Whoever
calls holds what they belong to.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.core import clock
from app.core.database import insert_new
from app.core.tokens import counter
from app.evaluations import prices
from app.evaluations.asking import queries
from app.evaluations.asking.asker import Share
from app.evaluations.asking.queries import ASKED, WAITING, Table
from app.evaluations.asking.questions import Answered, Failed, Of, Question
from app.evaluations.asking.slices import Claimed
from app.evaluations.models import GivenAnswer
from app.providers.base import RequestRejected
from app.settings import settings

# A no to one too many is not of the question: the pace changes, and it is asked again soon.
MOST_TRIES, MOST_NOES = 5, 10
LONGEST_WAIT = 60.0
WORKER_ENDED = "The worker ended before the answer came."
FAILED = "failed"


def wait_again(session: Session, table: Table, *where: ColumnElement[bool]) -> int:
    """Nobody knows whether what a dead worker asked for was answered, and billed: at most so
    much.
    """
    lost = session.execute(
        update(table)
        .where(table.status == ASKED, *where)
        .values(status=WAITING, error=WORKER_ENDED)
        .returning(table.held)
        .execution_options(synchronize_session=False)
    )
    return sum(held or 0 for (held,) in lost.all())


def claimed(
    session: Session,
    table: Table,
    project_id: int,
    questions: Sequence[Question[Of]],
    room: int | None,
    away: Collection[str] = (),
) -> Claimed[Of]:
    """Write down that these are asked from now on, as far as there is room, but for those whose
    answer is known. What is asked twice is sent once, and not while it is `away` for another row:
    the others wait for its answer. `room` is money, None as much as may be.
    """
    known = queries.given_for(session, project_id, {one.digest for one in questions})
    found = _once([one._replace(known=known.get(one.digest)) for one in questions], away)
    fitting = _fitting(found, room)
    _write_down(session, table, [one for one in fitting if one.known is None])
    return Claimed(fitting, is_capped=len(fitting) < len(found))


def _once(found: list[Question[Of]], away: Collection[str]) -> list[Question[Of]]:
    asked = set(away)
    once: list[Question[Of]] = []
    for one in found:
        if one.known is None and one.digest in asked:
            continue
        asked.add(one.digest)
        once.append(one)
    return once


def _fitting(found: list[Question[Of]], room: int | None) -> list[Question[Of]]:
    """As many as there is room for, should each cost the most it can."""
    if room is None:
        return found
    for place, one in enumerate(found):
        room -= (one.held or 0) if one.known is None else 0
        if room < 0:
            return found[:place]
    return found


def _write_down(session: Session, table: Table, asking: Sequence[Question[Any]]) -> None:
    if not asking:
        return
    session.execute(
        update(table)
        .where(table.id.in_([one.row_id for one in asking]))
        .values(status=ASKED, asked=table.asked + 1)
        .execution_options(synchronize_session=False)
    )
    held = [{"id": one.row_id, "held": one.held} for one in asking if one.held]
    if held:
        session.execute(update(table), held)


def put_back(session: Session, table: Table, questions: Sequence[Question[Any]]) -> int:
    """What was claimed and never left waits again, as if it had not been claimed; how many."""
    claimed = [one.row_id for one in questions if one.known is None]
    if claimed:
        session.execute(
            update(table)
            .where(table.id.in_(claimed))
            .values(status=WAITING, asked=table.asked - 1)
            .execution_options(synchronize_session=False)
        )
    return len(claimed)


class Kept(NamedTuple):
    """What was kept by its digests, and what that came to."""

    given: Mapping[str, GivenAnswer]
    spent: int


def keep(
    session: Session,
    project_id: int,
    share: Share | None,
    answered: Sequence[Answered[Any]],
) -> Kept:
    """Keep answers; one that somebody else brought first stays."""
    if share is None or not answered:
        return Kept({}, 0)
    moment = clock.now(session)
    costs = [_cost(share.connection, one) for one in answered]
    made = [
        {
            "project_id": project_id,
            "digest": one.question.digest,
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
    ]
    session.execute(insert_new(session, GivenAnswer), made)
    given = queries.given_for(session, project_id, {one.question.digest for one in answered})
    return Kept(given, sum(cost or 0 for cost in costs))


def _cost(connection: Connection, one: Answered[Any]) -> int | None:
    """By the tokens that the provider counted; where it says none, by our own count."""
    price = prices.price_of(connection, one.question.request.model)
    prompt, completion = one.prompt_tokens, one.completion_tokens
    if prompt is None:
        prompt = one.question.tokens
    if completion is None:
        completion = counter()(one.text) if price else 0
    return prices.cost(price, prompt, completion)


class Fell(NamedTuple):
    """How many will have no answer, and the most that may be billed for those that never came."""

    given_up: int
    billed: int


def fail(session: Session, table: Table, failed: Sequence[Failed[Any]], *, is_away: bool) -> Fell:
    """What may come another time waits for it; what was refused fails alone. What asks for a person
    waits until one has looked.
    """
    moment = clock.now(session)
    changed: list[dict[str, Any]] = []
    given_up = 0
    for one in failed:
        tries = one.question.tries + (not is_away)
        status, not_before = WAITING, None
        if one.is_for_all:
            tries = one.question.tries
        elif isinstance(one.error, RequestRejected) or tries >= _most_tries(one):
            status = FAILED
            given_up += 1
        else:
            not_before = moment + timedelta(seconds=settings().wait(_wait(one, tries)))
        said = {"status": status, "not_before": not_before, "error": one.error.message}
        changed.append({"id": one.question.row_id, "tries": tries, **said})
    if changed:
        session.execute(update(table), changed)
    return Fell(given_up, sum(one.question.held or 0 for one in failed if one.may_be_billed))


def _is_no(one: Failed[Any]) -> bool:
    return one.error.http_status == HTTPStatus.TOO_MANY_REQUESTS


def _most_tries(one: Failed[Any]) -> int:
    return MOST_NOES if _is_no(one) else MOST_TRIES


def _wait(one: Failed[Any], tries: int) -> float:
    """Seconds: twice as long each time, behind a no from a quarter on."""
    asked = getattr(one.error, "retry_after", None) or 0.0
    longer = max(tries - 4, -2) if _is_no(one) else max(tries - 1, 0)
    return float(min(max(asked, 2.0**longer), LONGEST_WAIT))
