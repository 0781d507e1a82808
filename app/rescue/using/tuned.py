"""Models that came home: with their job where that is known; of others there is only the name."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.catalog import queries as catalog
from app.catalog.service import add_tuned_model
from app.connections.models import Connection
from app.connections.service import service_of
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.events import announce
from app.providers.reading import TunedName, reader_of
from app.rescue.models import Kind, RescuedObject, RescuePart
from app.rescue.using import queries
from app.rescue.using.facts import time_in

AT_ONCE = 50


def use_models(part: RescuePart, after: int) -> int | None:
    """List a few tuned models whose jobs nobody knows; link the others."""
    with read_only() as session:
        kind = session.get_one(Connection, part.connection_id).kind
        found = queries.unused(session, part.connection_id, Kind.MODEL, after=after, limit=AT_ONCE)
    if not found:
        return None
    reader = reader_of(kind)
    names = {one.id: reader.tuned(one.object_id) for one in found}
    with unit_of_work() as session:
        _use(session, part, names)
    return found[-1].id


def _use(session: Session, part: RescuePart, names: dict[int, TunedName | None]) -> None:
    queries.hold_project(session, part.project_id)
    connection = session.get_one(Connection, part.connection_id)
    places = queries.alike(session, connection)
    objects = list(queries.held(session, names.keys()).values())
    called = [one.object_id for one in objects if names[one.id] is not None]
    known = catalog.jobs_of_models(session, places, called)
    saved = queries.checkpoints_called(session, places, called)
    moment = clock.now(session)
    for one in objects:
        one.used_at = moment
        name = names[one.id]
        if name is None:
            continue
        one.job_id = known.get(one.object_id) or saved.get(one.object_id)
        if one.object_id not in known and one.object_id not in saved:
            _add(session, connection, one, name, moment)
    announce(session, f"project:{part.project_id}")


def _add(
    session: Session,
    connection: Connection,
    found: RescuedObject,
    name: TunedName,
    moment: datetime,
) -> None:
    label = name.suffix or found.object_id.rpartition(":")[2]
    add_tuned_model(
        session,
        project_id=connection.project_id,
        connection_id=connection.id,
        job_id=None,
        dataset_version_id=None,
        model_name=found.object_id,
        name=(f"{label}, step {name.step}" if name.step else label)[:120],
        base_model=name.base_model,
        best_valid_loss=None,
        lineage={
            "rescued_from": service_of(connection),
            "job_name": None,
            "run_id": None,
            "method": None,
            "hyperparameters": {},
            "suffix": name.suffix,
            "made_as": name.made_as,
        },
        created_by=None,
        made_at=time_in(found.facts, "created") or moment,
    )
