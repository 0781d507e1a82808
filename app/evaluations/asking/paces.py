"""How fast a connection answers, as all who ask over it find together: each has an equal part."""

from sqlalchemy.orm import Session

from app.core import clock
from app.core.database import insert_new
from app.evaluations.asking import queries
from app.evaluations.asking.pace import FIRST, Pace
from app.evaluations.models import AnswerPace


def hold(session: Session, connection_id: int) -> AnswerPace:
    """How fast a connection answers, held until the unit of work ends: after all else that is."""
    begun = {"connection_id": connection_id, "rate": FIRST, "outages": 0}
    session.execute(insert_new(session, AnswerPace).values(begun))
    return queries.held_pace(session, connection_id)


def agree(session: Session, kept: AnswerPace, pace: Pace) -> None:
    """Add what one slice found of late, and give it its part of what all have found. It is held."""
    beside = queries.count_beside(session, kept.connection_id, clock.now(session))
    kept.rate, kept.most = pace.agree(kept.rate, kept.most, max(beside, 1))
