"""Decisions about models: what a provider offers, what a job made."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.catalog import queries
from app.catalog.models import BaseModel, ModelRef, TunedModel
from app.catalog.stopping import MOVED
from app.connections.models import Connection
from app.core import clock
from app.core.events import announce
from app.providers.base import BaseModelInfo
from app.settings import settings

STALE_AFTER = timedelta(minutes=10)
READ_EVERY_SECONDS = 86_400


def has_fresh_base_models(session: Session, connection_id: int) -> bool:
    """True when the connection's list of base models was read lately."""
    known = queries.base_models_of(session, connection_id)
    moment = clock.now(session)
    return bool(known) and all(moment - one.read_at < STALE_AFTER for one in known)


def claim_reading(session: Session, connection_id: int) -> bool:
    """Take the daily reading of a connection's list of models; False when it is not due."""
    moment = clock.now(session)
    until = moment + timedelta(seconds=settings().wait(READ_EVERY_SECONDS))
    return queries.put_off_reading(session, connection_id, moment, until)


def record_base_models(
    session: Session, connection_id: int, offered: Iterable[BaseModelInfo]
) -> None:
    """Keep what the provider lists now. What it lists no longer cannot be tuned; its last word on
    when that stops stays, as old as it is.
    """
    moment = clock.now(session)
    offered = list(offered)
    names = {info.name for info in offered}
    before = queries.listed_models(session, {connection_id})
    gone = [one.id for one in before if one.shutdown_date is not None and one.name not in names]
    ours = BaseModel.connection_id == connection_id
    session.execute(delete(BaseModel).where(ours, BaseModel.id.not_in(gone)))
    session.execute(update(BaseModel).where(ours).values(can_tune=False))
    session.add_all(
        BaseModel(
            connection_id=connection_id,
            name=info.name,
            shutdown_date=info.shutdown_date,
            can_tune=bool(info.methods),
            methods=list(info.methods),
            context_tokens=info.context_tokens,
            row_token_cap=info.row_token_cap,
            read_at=moment,
        )
        for info in offered
    )
    session.flush()
    project_id = session.get_one(Connection, connection_id).project_id
    for tell in MOVED:
        tell(session, project_id)


def forget_base_models(session: Session, connection_id: int) -> None:
    """What was offered for another key, or at another address, says nothing of the new one."""
    session.execute(delete(BaseModel).where(BaseModel.connection_id == connection_id))


def ref_of(session: Session, *, project_id: int, connection_id: int, name: str) -> ModelRef:
    """The one ref of a model at a connection, made at first use."""
    ref = queries.model_ref(session, connection_id, name)
    if ref is None:
        ref = ModelRef(
            project_id=project_id,
            connection_id=connection_id,
            name=name,
            created_at=clock.now(session),
        )
        session.add(ref)
        session.flush()
    return ref


def add_tuned_model(
    session: Session,
    *,
    project_id: int,
    connection_id: int,
    job_id: int | None,
    dataset_version_id: int | None,
    model_name: str,
    name: str,
    base_model: str,
    best_valid_loss: float | None,
    lineage: dict[str, Any],
    created_by: int | None,
    made_at: datetime | None = None,
) -> TunedModel:
    """Keep the model a job made, with its lineage. A job makes one model, however often this is
    called; a model found before its job was known gets its job now.

    `made_at` is said of a model that came home: it was made then, which is no news of today.
    """
    known = queries.model_id_of_job(session, job_id) if job_id is not None else None
    if known is not None:
        return session.get_one(TunedModel, known)
    moment = made_at or clock.now(session)
    ref = ref_of(session, project_id=project_id, connection_id=connection_id, name=model_name)
    model = queries.model_without_job(session, ref.id)
    if model is None:
        model = TunedModel(project_id=project_id, model_ref_id=ref.id, created_by=created_by)
        session.add(model)
    model.job_id, model.dataset_version_id = job_id, dataset_version_id
    model.name, model.base_model = name, base_model
    model.best_valid_loss, model.lineage = best_valid_loss, lineage
    model.created_at = moment
    session.flush()
    if made_at is None:
        auth.record(
            session,
            "model.added",
            f"model:{model.id}",
            actor_id=None,
            project_id=project_id,
            name=model_name,
            job_id=job_id,
        )
    announce(session, f"project:{project_id}")
    return model


def note_losses(session: Session, best_of: Mapping[int, float | None]) -> None:
    """The best losses of jobs whose models were there before their curves."""
    for model in queries.models_of_jobs(session, best_of.keys()):
        if model.job_id is not None:
            model.best_valid_loss = best_of[model.job_id]


def archive_model(session: Session, model: TunedModel, *, actor_id: int) -> None:
    """Put a model out of the list; the provider keeps it, and its lineage stays."""
    if model.archived_at is None:
        model.archived_at = clock.now(session)
        _record(session, model, "model.archived", actor_id)


def unarchive_model(session: Session, model: TunedModel, *, actor_id: int) -> None:
    """Bring an archived model back into the list."""
    if model.archived_at is not None:
        model.archived_at = None
        _record(session, model, "model.unarchived", actor_id)


def _record(session: Session, model: TunedModel, verb: str, actor_id: int) -> None:
    auth.record(
        session,
        verb,
        f"model:{model.id}",
        actor_id=actor_id,
        project_id=model.project_id,
        name=model.name,
    )
    announce(session, f"project:{model.project_id}")
