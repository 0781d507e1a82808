"""The page that rescues begin on: which connections can, which rescues there were."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from app.connections import queries as connections
from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.connections.views import state_of as connection_state
from app.core.errors import WrongInput
from app.core.views import FormState
from app.projects.models import Membership
from app.providers.profiles import profiles
from app.rescue.models import Rescue
from app.rescue.pages import queries
from app.rescue.pages.overview import state_of
from app.rescue.pages.queries import Counts
from app.rescue.service import ABILITY
from app.rescue.views import Choice, HistoryView, IndexView, RescueRow, over_of

LATEST = 12
NONE = Counts(0, 0, 0)


def index(session: Session, project_id: int, form: FormState, *, role: Membership) -> IndexView:
    """The page of a project's rescues."""
    rows = queries.latest_rescues(session, project_id, limit=LATEST)
    counted = queries.outcomes_over(session, project_id) if rows else {}
    total = len(rows) if len(rows) < LATEST else queries.count_rescues(session, project_id)
    return IndexView(
        project_id=project_id,
        choices=tuple(map(_choice, connections.connections_of(session, project_id))),
        can_edit=role.may("edit"),
        can_manage=role.may("manage"),
        form=form,
        rescues=tuple(_row(one, counted) for one in rows),
        total=total,
        topic=f"project:{project_id}",
    )


def history(
    session: Session, connection: Connection, *, can_edit: bool, refresh_url: str
) -> HistoryView:
    """What the page of a connection says of its history."""
    found = queries.newest_rescue_over(session, connection.id)
    counted = queries.outcomes_over(session, connection.project_id) if found else {}
    return HistoryView(
        project_id=connection.project_id,
        connection_id=connection.id,
        rescue=_row(found, counted) if found else None,
        can_edit=can_edit,
        topic=f"connection:{connection.id}",
        refresh_url=refresh_url,
    )


def share_home(session: Session, project_id: int) -> float | None:
    """How much of what the rescues at work found waits no more; None while none works."""
    at_work = queries.connections_at_work(session, project_id)
    if not at_work:
        return None
    counted = queries.outcomes_over(session, project_id)
    numbers = [counted.get(one, NONE) for one in at_work]
    found = sum(one.found for one in numbers)
    return (found - sum(one.waiting for one in numbers)) / found if found else 0.0


def chosen_connections(
    mine: Sequence[Connection], values: Mapping[str, str]
) -> Sequence[Connection]:
    """Those of a project's connections whose box is ticked. Raises WrongInput when none is."""
    chosen = [one for one in mine if values.get(f"connection-{one.id}") == "yes"]
    if not chosen:
        raise WrongInput.field("connection_ids", "Choose at least one connection.")
    return chosen


def _choice(connection: Connection) -> Choice:
    label = profiles()[connection.profile].label
    status, words = connection_state(connection)
    if ABILITY not in capabilities_of(connection).abilities:
        why = f"{label} keeps no history that can be read."
    elif status in {"refused", "unreadable"}:
        why = words
    else:
        why = ""
    is_key = status in {"refused", "unreadable"} and bool(why)
    return Choice(connection.id, connection.name, f"{label}. {words}", why, is_key)


def _row(rescue: Rescue, counted: Mapping[int, Counts]) -> RescueRow:
    shape, state = state_of(rescue)
    numbers = [counted.get(part.connection_id, NONE) for part in rescue.parts]
    return RescueRow(
        id=rescue.id,
        over=over_of([part.connection.name for part in rescue.parts]),
        shape=shape,
        state=state,
        home=sum(one.home for one in numbers),
        found=sum(one.found for one in numbers),
        by=rescue.creator.name if rescue.creator else "Luthier",
        created_at=rescue.created_at,
    )
