"""When what a rescue brings home is gone at its provider: the dates of the catalogue."""

from collections.abc import Collection
from datetime import date

from sqlalchemy.orm import Session

from app.catalog.stopping import stop_dates
from app.rescue.models import Kind

# The catalogue's entry for the day on which hosted Evals close.
EVALS_CLOSE = "day:openai-evals"


def risks_of(
    session: Session, project_id: int, connection_ids: Collection[int], today: date
) -> dict[Kind, date]:
    """The next day on which some of a kind is lost; kinds that no date is known for are left out.
    A tuned model takes what it answered with it.
    """
    found: dict[Kind, date] = {}
    for stop in stop_dates(session, project_id, since=today):
        if stop.key == EVALS_CLOSE:
            found.setdefault(Kind.EVAL, stop.day)
        if stop.kind in {"tuned_model", "deployment"} and stop.connection_id in connection_ids:
            found.setdefault(Kind.MODEL, stop.day)
            found.setdefault(Kind.COMPLETION, stop.day)
    return found
