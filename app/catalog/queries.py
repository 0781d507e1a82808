"""Every select about base models, model refs and tuned models."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Select, func, or_, select, update
from sqlalchemy.orm import Session, contains_eager, joinedload, load_only

from app.catalog.models import BaseModel, ModelRef, OwnersDate, OwnersPrice, TunedModel
from app.connections.models import Connection
from app.core.orm import holds
from app.datasets.models import DatasetVersion


def base_models_of(session: Session, connection_id: int) -> Sequence[BaseModel]:
    """The base models a connection was last seen to offer, by name."""
    return session.scalars(
        select(BaseModel)
        .where(BaseModel.connection_id == connection_id, BaseModel.can_tune)
        .order_by(BaseModel.name)
    ).all()


def base_models_in(session: Session, project_id: int) -> Sequence[BaseModel]:
    """The base models that a project's connections were last seen to offer."""
    return session.scalars(
        select(BaseModel)
        .join(BaseModel.connection)
        .where(Connection.project_id == project_id, BaseModel.can_tune)
        .options(contains_eager(BaseModel.connection))
        .order_by(BaseModel.connection_id, BaseModel.name)
    ).all()


def listed_models(session: Session, connection_ids: Collection[int]) -> Sequence[BaseModel]:
    """What says something of when models of these connections stop: those with a date, and tuned
    ones.
    """
    is_tuned = BaseModel.name.startswith("ft:", autoescape=True)
    says = or_(BaseModel.shutdown_date.is_not(None), is_tuned)
    return session.scalars(
        select(BaseModel)
        .where(BaseModel.connection_id.in_(connection_ids), says)
        .options(
            load_only(
                BaseModel.connection_id,
                BaseModel.name,
                BaseModel.shutdown_date,
                BaseModel.read_at,
                raiseload=True,
            )
        )
        .order_by(BaseModel.connection_id, BaseModel.name)
    ).all()


def _is_to_be_read(moment: datetime) -> ColumnElement[bool]:
    return or_(Connection.models_due_at.is_(None), Connection.models_due_at <= moment)


def connections_to_read(session: Session, moment: datetime) -> Sequence[int]:
    """The ids of connections whose list of models is to be read again. The trainer's own models
    have no dates.
    """
    return session.scalars(
        select(Connection.id).where(
            _is_to_be_read(moment),
            Connection.is_practice.is_(False),
            Connection.refused_at.is_(None),
        )
    ).all()


def put_off_reading(
    session: Session, connection_id: int, moment: datetime, until: datetime
) -> bool:
    """Say when the list of models is read next; False when somebody said so already."""
    done: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(Connection)
        .where(Connection.id == connection_id, _is_to_be_read(moment))
        .values(models_due_at=until)
        .execution_options(synchronize_session=False)
    )
    return done.rowcount == 1


def owners_dates(session: Session) -> Sequence[OwnersDate]:
    """What the instance's owner says of dates, the first said first."""
    query = select(OwnersDate).options(joinedload(OwnersDate.maker)).order_by(OwnersDate.id)
    return session.scalars(query).all()


def owners_date(session: Session, key: str) -> OwnersDate | None:
    """What the instance's owner says of the day with this key."""
    query = select(OwnersDate).where(OwnersDate.key == key)
    return session.scalar(query.options(joinedload(OwnersDate.maker)))


def owners_prices(session: Session) -> Sequence[OwnersPrice]:
    """What the instance's owner says of prices, the first said first."""
    query = select(OwnersPrice).options(joinedload(OwnersPrice.maker)).order_by(OwnersPrice.id)
    return session.scalars(query).all()


def owners_price(session: Session, profile: str, model: str) -> OwnersPrice | None:
    """What the instance's owner says of the price of this name or pattern."""
    query = select(OwnersPrice).where(OwnersPrice.profile == profile, OwnersPrice.model == model)
    return session.scalar(query.options(joinedload(OwnersPrice.maker)))


def model_ref(session: Session, connection_id: int, name: str) -> ModelRef | None:
    """The ref of this name at the connection."""
    return session.scalar(
        select(ModelRef).where(ModelRef.connection_id == connection_id, ModelRef.name == name)
    )


def _with_all(query: Select[TunedModel]) -> Select[TunedModel]:
    return query.options(
        joinedload(TunedModel.ref).joinedload(ModelRef.connection),
        joinedload(TunedModel.dataset_version).joinedload(DatasetVersion.dataset),
        joinedload(TunedModel.creator),
    )


def model_by_id(session: Session, model_id: int) -> TunedModel | None:
    """The tuned model with its ref, connection, rows and maker, whichever project: the caller
    checks the fence.
    """
    return session.scalar(_with_all(select(TunedModel).where(TunedModel.id == model_id)))


def ids_of_models(project_id: int) -> Select[int]:
    """The ids of a project's tuned models beside their refs, archived ones included: what its list
    is sorted and filtered from.
    """
    return (
        select(TunedModel.id)
        .select_from(TunedModel)
        .join(TunedModel.ref)
        .where(TunedModel.project_id == project_id)
    )


def models_by_ids(session: Session, project_id: int, ids: Sequence[int]) -> Sequence[TunedModel]:
    """Those of the ids that are models of the project, in the order of the ids."""
    query = select(TunedModel).where(TunedModel.project_id == project_id, TunedModel.id.in_(ids))
    found = {model.id: model for model in session.scalars(_with_all(query))}
    return [found[model_id] for model_id in ids if model_id in found]


def has_models(session: Session, project_id: int) -> bool:
    """True when a job of the project ever made a model."""
    query = select(TunedModel.id).where(TunedModel.project_id == project_id).limit(1)
    return session.scalar(query) is not None


def base_models_tuned(session: Session, project_id: int) -> Sequence[str]:
    """The base models the project's models were tuned from, by name."""
    query = select(TunedModel.base_model).where(TunedModel.project_id == project_id)
    return sorted(session.scalars(query.distinct()))


def models_of(
    session: Session, project_id: int, *, after: int | None, limit: int
) -> Sequence[TunedModel]:
    """A project's tuned models, the newest first, from behind `after`."""
    query = select(TunedModel).where(
        TunedModel.project_id == project_id, TunedModel.archived_at.is_(None)
    )
    if after is not None:
        query = query.where(TunedModel.id < after)
    return session.scalars(_with_all(query).order_by(TunedModel.id.desc()).limit(limit)).all()


def models_named(
    session: Session, project_ids: Select[int], words: Sequence[str], *, limit: int
) -> Sequence[TunedModel]:
    """Tuned models of these projects whose name, ours or the provider's, holds all words, the
    newest first.
    """
    return session.scalars(
        select(TunedModel)
        .join(TunedModel.ref)
        .where(
            TunedModel.project_id.in_(project_ids),
            or_(holds(TunedModel.name, words), holds(ModelRef.name, words)),
        )
        .order_by(TunedModel.id.desc())
        .limit(limit)
    ).all()


def models_to_lose(session: Session, project_id: int) -> Sequence[TunedModel]:
    """Every tuned model of a project with its name at the provider, archived ones too: they go on
    answering, and stop like the others.
    """
    return session.scalars(
        select(TunedModel)
        .where(TunedModel.project_id == project_id)
        .options(
            load_only(TunedModel.name, TunedModel.base_model, TunedModel.job_id, raiseload=True),
            joinedload(TunedModel.ref).load_only(
                ModelRef.name, ModelRef.connection_id, raiseload=True
            ),
        )
        .order_by(TunedModel.id)
    ).all()


def count_models_by_project(session: Session, project_ids: Select[int]) -> dict[int, int]:
    """How many tuned models each of these projects has; those without one are left out."""
    rows = session.execute(
        select(TunedModel.project_id, func.count())
        .where(TunedModel.project_id.in_(project_ids))
        .group_by(TunedModel.project_id)
    )
    return dict(rows.all())


def model_id_of_job(session: Session, job_id: int) -> int | None:
    """The tuned model a job made, if it made one."""
    return session.scalar(select(TunedModel.id).where(TunedModel.job_id == job_id))


def models_of_jobs(session: Session, job_ids: Collection[int]) -> Sequence[TunedModel]:
    """The tuned models that these jobs made."""
    return session.scalars(select(TunedModel).where(TunedModel.job_id.in_(job_ids))).all()


def jobs_of_models(
    session: Session, connection_ids: Collection[int], names: Collection[str]
) -> dict[str, int | None]:
    """The tuned models of these names over these connections, each with its job, None where that is
    not known.
    """
    rows = session.execute(
        select(ModelRef.name, TunedModel.job_id)
        .join(TunedModel.ref)
        .where(ModelRef.connection_id.in_(connection_ids), ModelRef.name.in_(names))
    )
    return dict(rows.all())


def tuned_with_ref(session: Session, model_ref_id: int) -> TunedModel | None:
    """The tuned model of this ref; none of a base model."""
    query = select(TunedModel).where(TunedModel.model_ref_id == model_ref_id)
    return session.scalar(query.order_by(TunedModel.id.desc()).limit(1))


def model_without_job(session: Session, model_ref_id: int) -> TunedModel | None:
    """The tuned model of this ref whose job is not known."""
    return session.scalar(
        select(TunedModel).where(
            TunedModel.model_ref_id == model_ref_id, TunedModel.job_id.is_(None)
        )
    )


def model_ids_of_jobs(session: Session, job_ids: Sequence[int]) -> dict[int, int]:
    """The tuned model of each of these jobs that made one."""
    rows = session.execute(
        select(TunedModel.job_id, TunedModel.id).where(TunedModel.job_id.in_(job_ids))
    )
    return {job_id: model_id for job_id, model_id in rows if job_id is not None}


def words_of_connection(session: Session, connection_id: int) -> str | None:
    """What the provider last said when it did not do as asked."""
    return session.scalar(select(Connection.words).where(Connection.id == connection_id))
