"""When what a rescue brings home is gone at its provider: the dates of the catalogue."""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.catalog.stopping import stop_dates
from app.connections.models import Connection
from app.rescue.models import Kind

# The catalogue's entry for the day on which hosted Evals close.
EVALS_CLOSE = "day:openai-evals"


class Loss(NamedTuple):
    """The next day on which some of a kind is lost, and who says so."""

    day: date
    source: str


def risks_of(
    session: Session, project_id: int, connections: Collection[Connection], today: date
) -> dict[Kind, Loss]:
    """What is lost next behind these connections; kinds that no date is known for are left out. A
    tuned model takes what it answered with it.
    """
    ids = {one.id for one in connections}
    profiles = {one.profile for one in connections}
    found: dict[Kind, Loss] = {}
    for stop in stop_dates(session, project_id, since=today):
        loss = Loss(stop.day, stop.source)
        if stop.key == EVALS_CLOSE and stop.profile in profiles:
            found.setdefault(Kind.EVAL, loss)
        if stop.kind in {"tuned_model", "deployment"} and stop.connection_id in ids:
            found.setdefault(Kind.MODEL, loss)
            found.setdefault(Kind.COMPLETION, loss)
    return found
