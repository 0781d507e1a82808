"""Decisions about jobs up to the order: what may start, what a click means the second time, what
cancel does.
"""

import hashlib
import json
import uuid
from dataclasses import asdict
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.catalog import queries as catalog
from app.catalog.prices import training_price
from app.connections import queries as connections
from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.core import clock, leases
from app.core.errors import Conflict, FieldError, WrongInput
from app.core.events import announce
from app.core.queue import enqueue
from app.datasets import queries as datasets
from app.datasets.models import DatasetVersion, VersionStatus
from app.jobs import queries
from app.jobs.estimates import Estimate, estimate
from app.jobs.forms import JobForm
from app.jobs.models import FOLLOWED, Job, JobEvent, JobStatus
from app.projects.models import Project
from app.providers.base import Capabilities, Parameter

WATCH = timedelta(seconds=40)


class Checked(NamedTuple):
    """A form that fits its project and provider: what it names, and its settings as the provider
    takes them.
    """

    connection: Connection
    capabilities: Capabilities
    training: DatasetVersion
    validation: DatasetVersion | None
    hyperparameters: dict[str, Any]
    suffix: str | None
    seed: int | None
    estimate: Estimate


def create_job(
    session: Session, *, project: Project, user: User, form: JobForm, request_key: str
) -> Job:
    """The job this request asks for. The same key again gives the first job; with other content it
    is a Conflict.

    Raises WrongInput naming each field, Conflict when a version is not ready.
    """
    sha256 = _fingerprint(form)
    known = queries.job_asked_for(session, project.id, request_key)
    if known is None:
        checked = check_form(session, project.id, form)
        try:
            with session.begin_nested():
                return _write_down(session, project, user, form, checked, request_key, sha256)
        except IntegrityError:
            known = queries.job_asked_for(session, project.id, request_key)
            if known is None:
                raise
    if known.request_sha256 != sha256:
        raise Conflict("This request key was used for another job. Take a fresh one for a new job.")
    return known


def check_form(session: Session, project_id: int, form: JobForm) -> Checked:
    """Everything the form names, if it all fits together. Raises WrongInput or Conflict."""
    wrong: list[FieldError] = []
    connection = connections.connection_in(session, project_id, form.connection_id)
    training = datasets.version_in(session, project_id, form.training_version_id)
    validation = None
    if connection is None:
        wrong.append(FieldError("connection_id", "This project has no such connection."))
    if training is None:
        wrong.append(FieldError("training_version_id", "This project has no such dataset version."))
    if form.validation_version_id is not None:
        validation = datasets.version_in(session, project_id, form.validation_version_id)
        if validation is None:
            wrong.append(
                FieldError("validation_version_id", "This project has no such dataset version.")
            )
        elif form.validation_version_id == form.training_version_id:
            wrong.append(
                FieldError(
                    "validation_version_id",
                    "Rows a model has trained on cannot measure it. Choose others.",
                )
            )
    if connection is None or training is None or wrong:
        raise WrongInput(wrong[0].message, errors=wrong)
    capabilities = capabilities_of(connection)
    dials, suffix, seed = _settings(form, capabilities, wrong)
    _check_model(session, connection, form, capabilities, wrong)
    for name, version in (("training_version_id", training), ("validation_version_id", validation)):
        if version is not None and version.is_final:
            wrong.extend(
                FieldError(name, words)
                for words in _not_trainable(version, form.method, capabilities)
            )
    if wrong:
        raise WrongInput(wrong[0].message, errors=wrong)
    for version in (training, validation):
        if version is not None and version.status != VersionStatus.READY:
            raise Conflict(
                f"{version.dataset.name}, version {version.number}, is {version.status}, not ready."
            )
    price = training_price(connection.profile, form.base_model)
    guess = estimate(
        rows=training.rows or 0,
        tokens=training.tokens or 0,
        n_epochs=dials.get("n_epochs"),
        split=form.validation_split,
        price=price,
    )
    return Checked(connection, capabilities, training, validation, dials, suffix, seed, guess)


def _settings(
    form: JobForm, capabilities: Capabilities, wrong: list[FieldError]
) -> tuple[dict[str, Any], str | None, int | None]:
    """Hyperparameters, suffix and seed as the provider describes them; what does not fit goes into
    `wrong`.
    """
    if capabilities.method(form.method) is None:
        wrong.append(FieldError("method", f"{capabilities.label} does not offer this method."))
        return {}, None, None
    described = {parameter.name: parameter for parameter in capabilities.parameters_of(form.method)}
    dials: dict[str, Any] = {}
    for name in form.hyperparameters.keys() - described.keys():
        wrong.append(
            FieldError(
                f"hyperparameters.{name}", f"{capabilities.label} has no such hyperparameter."
            )
        )
    for name, parameter in described.items():
        dials[name] = _accepted(
            parameter, form.hyperparameters.get(name), f"hyperparameters.{name}", wrong
        )
    given = {"suffix": form.suffix, "seed": form.seed}
    taken: dict[str, Any] = dict.fromkeys(given)
    for option in capabilities.options:
        if option.name in given:
            taken[option.name] = _accepted(option, given[option.name], option.name, wrong)
    return dials, taken["suffix"], taken["seed"]


def _accepted(parameter: Parameter, value: object, field: str, wrong: list[FieldError]) -> Any:
    try:
        return parameter.accept(value)
    except ValueError as error:
        wrong.append(FieldError(field, str(error)))
        return None


def _check_model(
    session: Session,
    connection: Connection,
    form: JobForm,
    capabilities: Capabilities,
    wrong: list[FieldError],
) -> None:
    offered = {one.name: one for one in catalog.base_models_of(session, connection.id)}
    if offered and form.base_model not in offered:
        names = ", ".join(sorted(offered)[:5])
        wrong.append(
            FieldError(
                "base_model", f"{capabilities.label} does not tune this model. It offers {names}."
            )
        )


def _not_trainable(version: DatasetVersion, method: str, capabilities: Capabilities) -> list[str]:
    """Why the provider would refuse these rows, each in one sentence."""
    name = f"{version.dataset.name}, version {version.number},"
    if version.status == VersionStatus.REJECTED:
        return [f"{name} was refused: {version.reason}"]
    how = capabilities.method(method)
    found = []
    if version.errors:
        found.append(
            f"{name} has {version.errors:,} errors that {capabilities.label} would refuse. See its report."
        )
    if how is not None and version.format not in how.formats:
        found.append(
            f"{name} holds {version.format} rows; this method takes {', '.join(how.formats)}."
        )
    if (version.rows or 0) < capabilities.minimum_rows:
        found.append(
            f"{name} has {version.rows} rows; {capabilities.label} takes {capabilities.minimum_rows} at least."
        )
    if capabilities.file_limit is not None and version.size > capabilities.file_limit:
        found.append(f"{name} is larger than {capabilities.label} takes.")
    return found


def _write_down(
    session: Session,
    project: Project,
    user: User,
    form: JobForm,
    checked: Checked,
    request_key: str,
    sha256: str,
) -> Job:
    moment = clock.now(session)
    training, validation = checked.training, checked.validation
    is_split = form.validation_split is not None
    job = Job(
        project_id=project.id,
        created_by=user.id,
        created_at=moment,
        name=checked.suffix or f"{training.dataset.name} v{training.number}"[:120],
        status=JobStatus.QUEUED,
        connection_id=checked.connection.id,
        base_model=form.base_model,
        method=form.method,
        training_version_id=training.id,
        validation_version_id=validation.id if validation else None,
        validation_split=form.validation_split,
        hyperparameters=checked.hyperparameters,
        suffix=checked.suffix,
        seed=checked.seed,
        estimate=_jsonable(checked.estimate),
        op_key=str(uuid.uuid4()),
        request_key=request_key,
        request_sha256=sha256,
        training_sha256=None if is_split else training.sha256,
        training_rows=None if is_split else training.rows,
        validation_sha256=validation.sha256 if validation else None,
        validation_rows=validation.rows if validation else None,
        due_at=moment,
        changed_at=moment,
        connection=checked.connection,
        training_version=training,
        validation_version=validation,
        creator=user,
    )
    session.add(job)
    session.flush()
    auth.record(
        session,
        "job.created",
        f"job:{job.id}",
        actor_id=user.id,
        project_id=project.id,
        name=job.name,
        base_model=job.base_model,
        training_sha256=training.sha256,
        estimate=job.estimate["total"],
    )
    enqueue(session, "jobs.start", job.id)
    announce(session, f"project:{project.id}")
    return job


def cancel_job(session: Session, job: Job, *, actor_id: int) -> None:
    """Stop a job. Before an order was sent it ends at once; a run is asked to stop, and a sweep
    sees it end.

    Raises Conflict when it has ended already.
    """
    held = session.get_one(Job, job.id, with_for_update=True, populate_existing=True)
    if held.has_ended:
        raise Conflict(f"This job has ended already: {held.status}.")
    moment = clock.now(session)
    held.cancel_requested_at = held.cancel_requested_at or moment
    if held.status in {JobStatus.QUEUED, JobStatus.IN_DOUBT}:
        end(session, held, JobStatus.CANCELLED)
        log(session, held, "Cancelled before a run was known.")
    elif held.status in FOLLOWED:
        session.get_one(Connection, held.connection_id).due_at = moment
        enqueue(session, "jobs.sweep", held.connection_id)
        log(session, held, "Cancel asked for.")
    auth.record(
        session, "job.cancelled", f"job:{held.id}", actor_id=actor_id, project_id=held.project_id
    )
    tell(session, held)


def retry_start(session: Session, job: Job, *, actor_id: int) -> None:
    """Try a start once more that gave up after three dead workers. Raises Conflict when it did not
    give up.
    """
    held = session.get_one(Job, job.id, with_for_update=True, populate_existing=True)
    if not leases.is_poisoned(held, clock.now(session)):
        raise Conflict("This start did not give up.")
    leases.try_again(session, held)
    enqueue(session, "jobs.start", held.id)
    auth.record(
        session, "job.retried", f"job:{held.id}", actor_id=actor_id, project_id=held.project_id
    )
    tell(session, held)


def end(session: Session, job: Job, status: JobStatus, *, error: str | None = None) -> None:
    """The job ends here; ended jobs never change their state again."""
    if job.has_ended:
        return
    job.status = status
    job.error = error
    job.ended_at = clock.now(session)
    job.due_at = job.lease_until = None


def mark_watched(session: Session, job_id: int) -> None:
    """Somebody looks at this job: its connection is swept often for a while."""
    moment = clock.now(session)
    job = session.get_one(Job, job_id)
    job.watched_until = moment + WATCH
    connection = session.get_one(Connection, job.connection_id)
    if job.status in FOLLOWED and (connection.due_at is None or connection.due_at > moment):
        connection.due_at = max(moment, connection.not_before or moment)


def is_watch_due(job: Job, moment: Any) -> bool:
    """True when the watch must be renewed; asked first because reading pages should not write."""
    return not job.has_ended and (
        job.watched_until is None or job.watched_until - moment < WATCH / 2
    )


def log(session: Session, job: Job, text: str, *, level: str = "info") -> None:
    """Add one of our own lines to the job's log."""
    session.add(
        JobEvent(
            job_id=job.id,
            event_id=None,
            at=clock.now(session),
            level=level,
            is_ours=True,
            text=text,
        )
    )


def tell(session: Session, job: Job) -> None:
    """Tell open pages that the job changed."""
    announce(session, f"job:{job.id}", f"project:{job.project_id}")


def _fingerprint(form: JobForm) -> str:
    return hashlib.sha256(
        json.dumps(form.model_dump(mode="json"), sort_keys=True).encode()
    ).hexdigest()


def _jsonable(found: Estimate) -> dict[str, Any]:
    return {**asdict(found), "read_on": found.read_on.isoformat() if found.read_on else None}
