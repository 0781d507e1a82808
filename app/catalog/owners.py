"""What the instance's owner decides about days: another one, one more, one that does not hold."""

import uuid
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.catalog import queries
from app.catalog.deadlines import Deadline, catalogue
from app.catalog.forms import NewDay
from app.catalog.models import OwnersDate
from app.catalog.stopping import MOVED
from app.core import clock
from app.core.errors import Conflict, WrongInput

NO_SUCH = "The catalogue has no entry of this name."


def change_day(
    session: Session, *, user: User, key: str, day: date, why: str, source_url: str | None
) -> OwnersDate:
    """Another day for an entry of the file, or one that was added. Raises WrongInput."""
    row = queries.owners_date(session, key)
    before = row.day if row is not None and row.day is not None else _in_file(key).day
    row = row or OwnersDate(key=key, is_added=False)
    _say(session, row, user, day, why, source_url)
    _record(session, user, "date.changed", key, why, day=day, before=before)
    return row


def add_day(session: Session, *, user: User, form: NewDay) -> OwnersDate:
    """A day that the file does not have. Raises WrongInput where it says no models and needs
    them.
    """
    if form.kind != "platform" and not form.models:
        raise WrongInput.field("models", "Name the models it concerns; * is every one.")
    row = OwnersDate(
        key=f"own-{uuid.uuid4().hex[:12]}",
        is_added=True,
        profile=form.profile,
        kind=form.kind,
        models=form.models if form.kind != "platform" else [],
        title=form.title,
    )
    _say(session, row, user, form.day, form.why, form.source_url)
    _record(session, user, "date.added", row.key, form.why, day=form.day)
    return row


def strike_day(session: Session, *, user: User, key: str, why: str) -> None:
    """An entry of the file that does not hold; one that was added is gone. Raises WrongInput."""
    row = queries.owners_date(session, key)
    if row is not None and row.is_added:
        session.delete(row)
        session.flush()
    else:
        _in_file(key)
        _say(session, row or OwnersDate(key=key, is_added=False), user, None, why, None)
    _record(session, user, "date.struck", key, why)


def take_back(session: Session, *, user: User, key: str) -> None:
    """The entry is as the file has it. Raises Conflict where nobody changed it, and for one that
    was added, which the file does not have.
    """
    row = queries.owners_date(session, key)
    if row is None or row.is_added:
        raise Conflict("There is nothing to take back: the file has no other day for it.")
    session.delete(row)
    session.flush()
    _record(session, user, "date.taken_back", key, row.why)


def _in_file(key: str) -> Deadline:
    found = next((one for one in catalogue() if one.key == key), None)
    if found is None:
        raise WrongInput.field("key", NO_SUCH)
    return found


def _say(
    session: Session,
    row: OwnersDate,
    user: User,
    day: date | None,
    why: str,
    source_url: str | None,
) -> None:
    row.day, row.why, row.source_url = day, why, source_url
    row.maker, row.changed_at = user, clock.now(session)
    session.add(row)
    session.flush()


def _record(session: Session, user: User, verb: str, key: str, why: str, **days: date) -> None:
    detail: dict[str, Any] = {name: day.isoformat() for name, day in days.items()}
    auth.record(session, verb, f"date:{key}", actor_id=user.id, why=why, **detail)
    for tell in MOVED:
        tell(session, None)
