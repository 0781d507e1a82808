"""What the instance's owner says of prices: another one, one more, one that nobody knows."""

from typing import Any

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.catalog import queries
from app.catalog.models import OwnersPrice
from app.core import clock
from app.core.errors import Conflict


def say_price(
    session: Session,
    *,
    user: User,
    profile: str,
    model: str,
    per_million: float | None,
    why: str,
    source_url: str | None,
) -> OwnersPrice:
    """The price of a name or pattern, in every project: before what the file says of the same and
    of others. Jobs that were asked for keep the price of their day.
    """
    row = queries.owners_price(session, profile, model)
    row = row or OwnersPrice(profile=profile, model=model)
    row.per_million, row.why, row.source_url = per_million, why, source_url
    row.maker, row.changed_at = user, clock.now(session)
    session.add(row)
    session.flush()
    _record(session, user, "price.said", row, per_million=per_million, why=why)
    return row


def take_back(session: Session, *, user: User, profile: str, model: str) -> None:
    """The price is as the file has it, or unknown where it has none. Raises Conflict where the
    owner said nothing of it.
    """
    row = queries.owners_price(session, profile, model)
    if row is None:
        raise Conflict("There is nothing to take back: nobody here said another price for it.")
    _record(session, user, "price.taken_back", row)
    session.delete(row)
    session.flush()


def _record(session: Session, user: User, verb: str, row: OwnersPrice, **said: Any) -> None:
    detail: dict[str, Any] = {"profile": row.profile, "model": row.model, **said}
    auth.record(session, verb, f"price:{row.profile}", actor_id=user.id, **detail)
