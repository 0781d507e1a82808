"""Decisions about evaluations and their runs: what is made, what starts, and what pauses it."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.budgets import ledger
from app.budgets.ledger import PaidThing
from app.core import clock, secrets
from app.core.errors import Conflict, WrongInput
from app.core.events import announce
from app.core.queue import enqueue
from app.datasets import queries as datasets
from app.datasets.models import VersionStatus
from app.evaluations import queries
from app.evaluations.forms import EvaluationForm, RunForm
from app.evaluations.models import (
    Contestant,
    Evaluation,
    EvaluationGrader,
    EvaluationRun,
    EvaluationStatus,
    RunGrader,
    RunJudge,
    RunStatus,
)
from app.evaluations.orders import Order, checked
from app.evaluations.reports import service as reports
from app.graders.reading import read_grader

NOT_READY = "The project has no such version that is ready, with rows in a known format."
NO_GRADER = "The project has no such grader."
TAKEN = "Another evaluation of the project is called so already."
NOT_YET = "Its cases are still being read."
REFUSED = "It has no cases."
IS_OVER = "The run is over."
OTHER_CONTENT = "This request key was used for another run. Take a fresh one for a new run."
UNKNOWN_PRICE = "The price of some of its answers is not in the price book."
LOST = "What was asked for and never came is counted at the most it can cost."
NOTHING = "Nothing was billed."


def create_evaluation(
    session: Session, *, project_id: int, actor_id: int, form: EvaluationForm
) -> Evaluation:
    """An evaluation whose cases a worker reads. Raises WrongInput naming each field."""
    if queries.evaluation_named(session, project_id, form.name) is not None:
        raise WrongInput.field("name", TAKEN)
    known = queries.graders_in(session, project_id, form.graders)
    if missing := [place for place, one in enumerate(form.graders) if one not in known]:
        raise WrongInput.field(f"graders.{missing[0]}", NO_GRADER)
    moment = clock.now(session)
    made = Evaluation(
        project_id=project_id,
        name=form.name,
        status=EvaluationStatus.READING,
        source=_source(session, project_id, form),
        dataset_version_id=form.version_id,
        prompt=[one.model_dump() for one in form.prompt] if form.prompt else None,
        pass_rule=form.pass_rule,
        created_by=actor_id,
        created_at=moment,
        due_at=moment,
    )
    session.add(made)
    session.flush()
    session.add_all(
        EvaluationGrader(evaluation_id=made.id, place=place, grader_id=grader_id)
        for place, grader_id in enumerate(form.graders)
    )
    _record(session, made, "evaluation.created", actor_id)
    enqueue(session, "evaluations.read_cases", made.id)
    announce(session, f"project:{project_id}")
    session.flush()
    return made


def _source(session: Session, project_id: int, form: EvaluationForm) -> dict[str, Any]:
    if form.version_id is None:
        return {"kind": "pasted", "field": form.field, "pasted": form.pasted or ""}
    version = datasets.version_in(session, project_id, form.version_id)
    if version is None or version.status != VersionStatus.READY or version.format is None:
        raise WrongInput.field("version_id", NOT_READY)
    if version.format == "evaluation" and not form.prompt:
        words = "Rows of fields have no messages: say how they are asked."
        raise WrongInput.field("prompt", words)
    sample = {"rows": form.rows, "seed": form.seed} if form.rows else {}
    return {"kind": "version", "version_id": version.id, "field": form.field, **sample}


def start_run(
    session: Session,
    evaluation: Evaluation,
    *,
    actor_id: int | None,
    form: RunForm,
    request_key: str,
    origin: str | None = None,
) -> EvaluationRun:
    """The run that this request asks for. The same key again gives the first; with other content it
    is a Conflict. Raises WrongInput naming each field, Conflict while there are no cases, and
    OverBudget when the project's month has not so much left.
    """
    sha256 = _fingerprint(evaluation, form)
    known = queries.run_asked_for(session, evaluation.project_id, request_key)
    if known is None:
        if evaluation.status != EvaluationStatus.READY:
            is_reading = evaluation.status == EvaluationStatus.READING
            raise Conflict(NOT_YET if is_reading else REFUSED)
        order = checked(session, evaluation, form)
        try:
            with session.begin_nested():
                made = _write_down(session, evaluation, order, form, request_key, sha256)
                made.created_by, made.origin = actor_id, origin
                _begin(session, made, evaluation, actor_id)
                return made
        except IntegrityError:
            known = queries.run_asked_for(session, evaluation.project_id, request_key)
            if known is None:
                raise
    if known.request_sha256 != sha256:
        raise Conflict(OTHER_CONTENT)
    return known


def _write_down(
    session: Session,
    evaluation: Evaluation,
    order: Order,
    form: RunForm,
    request_key: str,
    sha256: str,
) -> EvaluationRun:
    moment = clock.now(session)
    run = EvaluationRun(
        project_id=evaluation.project_id,
        evaluation_id=evaluation.id,
        number=queries.last_number(session, evaluation.id) + 1,
        request_key=request_key,
        request_sha256=sha256,
        status=RunStatus.RUNNING,
        settings=form.settings.model_dump(exclude_none=True),
        pass_rule=evaluation.pass_rule,
        repeats=form.repeats,
        estimate=order.cost.expected,
        cap=form.cap_usd,
        created_at=moment,
    )
    session.add(run)
    session.flush()
    for place, one in enumerate(order.contestants):
        session.add(Contestant(run_id=run.id, place=place, due_at=moment, **one))
    for place, version in order.graders:
        session.add(RunGrader(run_id=run.id, place=place, version_id=version.id))
        if read_grader(version.settings).judges:
            session.add(RunJudge(run_id=run.id, place=place))
    session.flush()
    return run


def _begin(
    session: Session, run: EvaluationRun, evaluation: Evaluation, actor_id: int | None
) -> None:
    thing = PaidThing(
        run.project_id,
        key_of(run.id),
        f"{evaluation.name}, run {run.number}",
        key_of(run.id),
        actor_id,
    )
    ledger.reserve(session, thing, run.estimate)
    _record(session, evaluation, "evaluation.run_started", actor_id, run=run.number)
    for contestant_id in session.scalars(queries.contestant_ids(run.id)):
        enqueue(session, "evaluations.answer", contestant_id)
    tell(session, run)
    reports.ask(session, run.id)


def key_for(kind: str, nonce: str) -> str:
    """The request key of a form's nonce or a script's own key, which may be anything."""
    return f"{kind}:{secrets.fingerprint(nonce)[:48]}"


def key_of(run_id: int) -> str:
    """The key of a run's row in the ledger, and the subject of its page."""
    return f"evaluation_run:{run_id}"


def tell(session: Session, run: EvaluationRun) -> None:
    """Open pages of the run and of its evaluation look again."""
    announce(session, key_of(run.id), f"evaluation:{run.evaluation_id}")


def _fingerprint(evaluation: Evaluation, form: RunForm) -> str:
    said = {"evaluation": evaluation.id, **form.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def pause_run(session: Session, run_id: int, *, actor_id: int) -> EvaluationRun:
    """Ask nobody any more for now; what is on its way is kept. Raises Conflict once it is over."""
    run = _unended(session, run_id)
    if run.status == RunStatus.RUNNING:
        pause(session, run, by="person")
        _record_run(session, run, "evaluation.run_paused", actor_id)
    return run


def pause(session: Session, run: EvaluationRun, *, by: str, words: str | None = None) -> None:
    """Let a run that is held wait: for a `person`, the `cap`, the `key`, or the `provider`."""
    run.status, run.paused_by, run.words = RunStatus.PAUSED, by, words
    _set_due(session, run, None)
    tell(session, run)
    reports.ask(session, run.id)


def pausing(session: Session, run: EvaluationRun) -> Callable[[str, str | None], None]:
    """What pauses this run, by whom or what and in which words."""
    return lambda by, words: pause(session, run, by=by, words=words)


def resume_run(
    session: Session, run_id: int, *, actor_id: int, cap: int | None = None
) -> EvaluationRun:
    """Go on where it was paused, with another cap if one is given. Raises Conflict once it is over,
    WrongInput for a cap that is spent already.
    """
    run = _unended(session, run_id)
    if cap is not None:
        if cap <= run.spent:
            raise WrongInput.field("cap_usd", "So much is spent already.")
        run.cap = cap
    if run.status == RunStatus.PAUSED:
        go_on(session, run)
        _record_run(session, run, "evaluation.run_resumed", actor_id)
    return run


def go_on(session: Session, run: EvaluationRun) -> None:
    """Let a run that is held go on."""
    run.status, run.paused_by, run.words = RunStatus.RUNNING, None, None
    _set_due(session, run, clock.now(session))
    for contestant_id in session.scalars(queries.contestant_ids(run.id)):
        enqueue(session, "evaluations.answer", contestant_id)
    for judge_id in session.scalars(queries.judge_ids(run.id)):
        enqueue(session, "evaluations.judge", judge_id)
    tell(session, run)
    reports.ask(session, run.id)


def stop_run(session: Session, run_id: int, *, actor_id: int) -> EvaluationRun:
    """End it for good: what was answered stays. Raises Conflict once it is over."""
    run = _unended(session, run_id)
    _set_due(session, run, None)
    end(session, run, RunStatus.STOPPED)
    _record_run(session, run, "evaluation.run_stopped", actor_id)
    return run


def end(session: Session, run: EvaluationRun, status: RunStatus) -> None:
    """A run that is held is over: count what it came to."""
    run.status, run.paused_by, run.words = status, None, None
    run.ended_at = clock.now(session)
    count(session, run)
    tell(session, run)
    reports.ask(session, run.id)
    announce(session, f"project:{run.project_id}")


def count(session: Session, run: EvaluationRun) -> None:
    """Put into the ledger what a run that is over came to, as far as anybody knows by now."""
    key = key_of(run.id)
    if not queries.was_asked(session, run.id):
        ledger.release(session, key, NOTHING)
    elif run.estimate is None:
        ledger.settle(session, key, None, words=UNKNOWN_PRICE)
    else:
        words = LOST if run.guessed else None
        ledger.settle(session, key, run.spent, is_guess=bool(run.guessed), words=words)


def _unended(session: Session, run_id: int) -> EvaluationRun:
    run = queries.held_run(session, run_id)
    if run.status not in queries.UNENDED:
        raise Conflict(IS_OVER)
    return run


def _set_due(session: Session, run: EvaluationRun, due_at: Any) -> None:
    """Whoever works at a contestant or asks a judge just now sees it when it next claims or
    records.
    """
    session.flush()
    unfinished = update(Contestant).where(queries.is_unfinished(), Contestant.run_id == run.id)
    for one in (unfinished, update(RunJudge).where(RunJudge.run_id == run.id)):
        due = one.values(due_at=due_at, attempts=0)
        session.execute(due.execution_options(synchronize_session=False))


def names_under_way(session: Session, connection_id: int) -> list[str]:
    """What is still to be asked over a connection, by name."""
    return [
        f"{run.evaluation.name}, run {run.number}"
        for run in queries.unended_runs_over(session, connection_id)
    ]


def key_works(session: Session, connection_id: int, _words: str | None) -> None:
    """A connection is held no more: runs that waited for its key go on."""
    for found in queries.unended_runs_over(session, connection_id):
        run = queries.held_run(session, found.id)
        if run.status == RunStatus.PAUSED and run.paused_by == "key":
            go_on(session, run)


def _record(
    session: Session, evaluation: Evaluation, verb: str, actor_id: int | None, **more: Any
) -> None:
    auth.record(
        session,
        verb,
        f"evaluation:{evaluation.id}",
        actor_id=actor_id,
        project_id=evaluation.project_id,
        name=evaluation.name,
        **more,
    )


def _record_run(session: Session, run: EvaluationRun, verb: str, actor_id: int) -> None:
    _record(session, session.get_one(Evaluation, run.evaluation_id), verb, actor_id, run=run.number)
