"""Decisions about golden recordings: what is recorded, and who is held against it."""

from typing import NamedTuple

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.catalog import queries as catalog
from app.catalog.models import TunedModel
from app.connections import queries as connections
from app.core import clock
from app.core.errors import Conflict, WrongInput
from app.evaluations import service
from app.evaluations.forms import AnswerSettings, ContestantForm, RunForm
from app.evaluations.golden import queries
from app.evaluations.golden.forms import CheckForm, RecordForm
from app.evaluations.golden.models import GoldenRecording, SuccessionCheck
from app.evaluations.models import Evaluation, RunStatus
from app.evaluations.orders import NO_CONNECTION
from app.evaluations.queries import evaluation_by_id

ORIGIN, CHECKED = "golden recording", "check of a successor"
NO_EVALUATION = "The project has no such evaluation that has its cases."
NOT_YET = "The recording is not complete yet."


class Recorded(NamedTuple):
    """Whose answers are recorded: a model by its name at a connection, and what it is called."""

    project_id: int
    connection_id: int
    model: str
    title: str
    tuned_id: int | None


def tuned(model: TunedModel) -> Recorded:
    """A model that was tuned here, loaded with its ref."""
    ref = model.ref
    return Recorded(model.project_id, ref.connection_id, ref.name, model.name, model.id)


def named(session: Session, project_id: int, connection_id: int, name: str) -> Recorded:
    """Any model by its name, tuned here or not. Raises WrongInput."""
    if connections.connection_in(session, project_id, connection_id) is None:
        raise WrongInput.field("connection_id", NO_CONNECTION)
    ref = catalog.model_ref(session, connection_id, name)
    model = catalog.tuned_with_ref(session, ref.id) if ref else None
    title, tuned_id = (model.name, model.id) if model else (name, None)
    return Recorded(project_id, connection_id, name, title, tuned_id)


def run_form_of(model: Recorded, form: RecordForm) -> RunForm:
    """The run that records a model."""
    answers = AnswerSettings(temperature=form.temperature, max_tokens=form.max_tokens)
    asked = ContestantForm(connection_id=model.connection_id, model=model.model)
    run = RunForm(contestants=[asked], settings=answers, repeats=form.repeats)
    return run.model_copy(update={"cap_usd": form.cap_usd})


def evaluation_of(session: Session, project_id: int, evaluation_id: int) -> Evaluation:
    """An evaluation of the project. Raises WrongInput."""
    found = evaluation_by_id(session, evaluation_id)
    if found is None or found.project_id != project_id or found.archived_at is not None:
        raise WrongInput.field("evaluation_id", NO_EVALUATION)
    return found


def record(
    session: Session, model: Recorded, *, actor_id: int, form: RecordForm, request_key: str
) -> GoldenRecording:
    """Start the run whose answers are kept for ever. Raises as `start_run` does."""
    evaluation = evaluation_of(session, model.project_id, form.evaluation_id)
    run = service.start_run(
        session,
        evaluation,
        actor_id=actor_id,
        form=run_form_of(model, form),
        request_key=request_key,
        origin=ORIGIN,
    )
    known = queries.recording_of_run(session, run.id)
    if known is not None:
        return known
    run.is_frozen = True
    moment = clock.now(session)
    made = GoldenRecording(
        project_id=model.project_id,
        run_id=run.id,
        model_id=model.tuned_id,
        created_by=actor_id,
        created_at=moment,
        due_at=moment,
    )
    session.add(made)
    session.flush()
    auth.record(
        session,
        "golden.recorded",
        f"golden:{made.id}",
        actor_id=actor_id,
        project_id=model.project_id,
        name=f"{model.title}, {evaluation.name}",
    )
    return made


def check(
    session: Session,
    recording: GoldenRecording,
    *,
    actor_id: int,
    form: CheckForm,
    request_key: str,
) -> SuccessionCheck:
    """Start the run that asks a successor the same, as often, beside the recorded answers. Raises
    as `start_run` does, and Conflict until the recording is done.
    """
    if connections.connection_in(session, recording.project_id, form.connection_id) is None:
        raise WrongInput.field("connection_id", NO_CONNECTION)
    if recording.run.status != RunStatus.DONE:
        raise Conflict(NOT_YET)
    evaluation = evaluation_by_id(session, recording.run.evaluation_id)
    assert evaluation is not None  # noqa: S101 - a run has its evaluation
    recorded = queries.contestants_of(session, recording.run_id)[0]
    wanted = RunForm(
        contestants=[
            ContestantForm(connection_id=form.connection_id, model=form.model),
            ContestantForm(recorded_id=recorded.id),
        ],
        settings=AnswerSettings.model_validate(recording.run.settings),
        repeats=recording.run.repeats,
    ).model_copy(update={"cap_usd": form.cap_usd})
    run = service.start_run(
        session,
        evaluation,
        actor_id=actor_id,
        form=wanted,
        request_key=request_key,
        origin=CHECKED,
    )
    known = queries.check_of_run(session, run.id)
    if known is not None:
        if known.margin != form.margin / 100:
            raise Conflict(service.OTHER_CONTENT)
        return known
    moment = clock.now(session)
    made = SuccessionCheck(
        project_id=recording.project_id,
        recording_id=recording.id,
        run_id=run.id,
        margin=form.margin / 100,
        created_by=actor_id,
        created_at=moment,
        due_at=moment,
    )
    session.add(made)
    session.flush()
    return made
