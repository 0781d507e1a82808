"""Every select about the evals that came home."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from app.rescue.models import Kind, RescuedObject

MOST_RUNS = 500

_runs = aliased(RescuedObject)
# How many runs of an eval were found: what a list of evals is sorted by.
RUNS = (
    select(func.count(_runs.id))
    .where(
        _runs.connection_id == RescuedObject.connection_id,
        _runs.kind == Kind.EVAL_RUN,
        _runs.parent_id == RescuedObject.object_id,
    )
    .correlate(RescuedObject)
    .scalar_subquery()
)


def ids_of_evals(project_id: int) -> Select[int]:
    """The ids of a project's rescued evals: what its list is sorted and filtered from."""
    return select(RescuedObject.id).where(
        RescuedObject.project_id == project_id, RescuedObject.kind == Kind.EVAL
    )


def evals_by_ids(session: Session, ids: Sequence[int]) -> Sequence[RescuedObject]:
    """These evals with their connections, in the order of the ids."""
    query = select(RescuedObject).where(RescuedObject.id.in_(ids))
    found = {
        one.id: one for one in session.scalars(query.options(joinedload(RescuedObject.connection)))
    }
    return [found[one] for one in ids if one in found]


def object_of_kind(session: Session, object_id: int, kind: Kind) -> RescuedObject | None:
    """The object with its connection, whichever project it belongs to: the caller checks the
    fence.
    """
    query = select(RescuedObject).where(RescuedObject.id == object_id, RescuedObject.kind == kind)
    return session.scalar(query.options(joinedload(RescuedObject.connection)))


class Counted(NamedTuple):
    """How many runs of an eval were found, and how many of their output items are here."""

    runs: int
    items: int


def counts_of(
    session: Session, evals: Sequence[RescuedObject]
) -> dict[tuple[int, str | None], Counted]:
    """The counts of these evals, by connection and OpenAI's id."""
    runs, items = aliased(RescuedObject), aliased(RescuedObject)
    query = (
        select(runs.connection_id, runs.parent_id, func.count(), func.sum(items.lines))
        .outerjoin(items, _items_of(runs, items))
        .where(
            runs.connection_id.in_({one.connection_id for one in evals}),
            runs.kind == Kind.EVAL_RUN,
            runs.parent_id.in_({one.object_id for one in evals}),
        )
        .group_by(runs.connection_id, runs.parent_id)
    )
    return {
        (connection, eval_id): Counted(number, int(lines or 0))
        for connection, eval_id, number, lines in session.execute(query)
    }


def _items_of(run: type[RescuedObject], items: type[RescuedObject]) -> ColumnElement[bool]:
    return and_(
        items.connection_id == run.connection_id,
        items.kind == Kind.EVAL_ITEMS,
        items.object_id == run.object_id,
    )


def runs_of(
    session: Session, one: RescuedObject
) -> Sequence[tuple[RescuedObject, RescuedObject | None]]:
    """The runs of an eval, each with its output items where they were found."""
    items = aliased(RescuedObject)
    query = (
        select(RescuedObject, items)
        .outerjoin(items, _items_of(RescuedObject, items))
        .where(
            RescuedObject.connection_id == one.connection_id,
            RescuedObject.kind == Kind.EVAL_RUN,
            RescuedObject.parent_id == one.object_id,
        )
        .order_by(RescuedObject.id)
        .limit(MOST_RUNS)
    )
    return [(run, found) for run, found in session.execute(query)]


def kin_of(
    session: Session, run: RescuedObject
) -> tuple[RescuedObject | None, RescuedObject | None]:
    """A run's eval and its output items, where they were found."""
    wanted = ((Kind.EVAL, run.parent_id), (Kind.EVAL_ITEMS, run.object_id))
    eval_row, items = (
        session.scalar(
            select(RescuedObject).where(
                RescuedObject.connection_id == run.connection_id,
                RescuedObject.kind == kind,
                RescuedObject.object_id == object_id,
            )
        )
        for kind, object_id in wanted
    )
    return eval_row, items
