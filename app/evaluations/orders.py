"""A run as a form asks for it, checked: who answers, what grades, what it is to cost."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.catalog import service as catalog
from app.connections import queries as connections
from app.connections.models import Connection
from app.core.errors import Conflict, WrongInput
from app.datasets import queries as datasets
from app.datasets.models import DatasetVersion, VersionStatus
from app.evaluations import queries
from app.evaluations.forms import ContestantForm, RunForm, Shots
from app.evaluations.models import Case, Contestant, ContestantKind, Evaluation
from app.evaluations.prices import Asked, AskedJudge, Cost, estimate, judging, total
from app.evaluations.work.grading import item_of, takes_its_time
from app.graders.base import Answer, Grader, Ungradable
from app.graders.judge import Ask, Judge
from app.graders.reading import read_grader
from app.graders.template import is_missing_in_item
from app.grading.models import GraderVersion

MOST_RESULTS = 500_000
PRICED = 20  # so many cases say what judges cost
PEOPLE = "People"
NO_CONNECTION = "The project has no such connection."
NO_EXAMPLES = "The project has no such version of a chat dataset that is ready."
NO_RECORDED = "The evaluation has no such contestant with answers."
TOO_MANY = f"At most {MOST_RESULTS:,} answers in a run: cases times contestants times repeats."
NO_CAP = "Where a price is not known, no cap can hold: leave it out, or ask other models."
NOWHERE = "{} is a judge without a connection. Choose one in its form: that makes a new version."


class Order(NamedTuple):
    """What is to be written down: the columns of each contestant, the graders' versions by place,
    and the cost.
    """

    contestants: list[dict[str, Any]]
    graders: list[tuple[int, GraderVersion]]
    cost: Cost


def checked(session: Session, evaluation: Evaluation, form: RunForm) -> Order:
    """The form checked against what the project has. Raises WrongInput naming each field, Conflict
    where a grader cannot grade here or a key is refused.
    """
    cost = priced(session, evaluation, form)
    graders = queries.newest_versions_of(session, evaluation)
    made = [
        _contestant(session, evaluation, one, f"contestants.{place}")
        for place, one in enumerate(form.contestants)
    ]
    return Order(made, graders, cost)


def _contestant(
    session: Session, evaluation: Evaluation, one: ContestantForm, at: str
) -> dict[str, Any]:
    if one.recorded_id is not None:
        return _recorded(session, evaluation, one, at)
    if one.people is not None:
        asked = one.people.model_dump()
        return {"kind": ContestantKind.PEOPLE, "name": one.name or PEOPLE, "by_people": asked}
    return _model(session, evaluation.project_id, one)


def priced(session: Session, evaluation: Evaluation, form: RunForm) -> Cost:
    """What it is to cost, judges included; nothing is written. Raises as `checked` does."""
    judges = _judges_of(session, evaluation)
    answers = sum(_answers_of(evaluation.cases, one, form.repeats) for one in form.contestants)
    if answers > MOST_RESULTS:
        raise WrongInput.field("contestants", TOO_MANY)
    asked = [
        _asked(session, evaluation.project_id, one, f"contestants.{place}")
        for place, one in enumerate(form.contestants)
        if one.model is not None
    ]
    most = form.settings.max_tokens
    costs = [estimate(evaluation, one, repeats=form.repeats, max_tokens=most) for one in asked]
    if judges:
        cases = queries.first_cases(session, evaluation.id, limit=PRICED)
        costs += [judging(*one, _asks(one.judge, cases), answers, longer=most) for one in judges]
    cost = total(costs)
    if form.cap_usd is not None and cost.most is None:
        raise WrongInput.field("cap_usd", NO_CAP)
    return cost


def _answers_of(cases: int, one: ContestantForm, repeats: int) -> int:
    """How many answers it gives: people give one each, to those of the cases that are theirs."""
    return cases * repeats if one.people is None else min(one.people.cases or cases, cases)


def _judges_of(session: Session, evaluation: Evaluation) -> list[AskedJudge]:
    """Whom its graders ask. Raises Conflict where one cannot grade here, or names what the first
    case lacks: every answer would be paid for and none could pass.
    """
    case = next(iter(queries.first_cases(session, evaluation.id, limit=1)), None)
    judges: list[AskedJudge] = []
    for _, version in queries.newest_versions_of(session, evaluation):
        grader = read_grader(version.settings)
        if reason := grader.obstacle():
            raise Conflict(reason)
        if grader.judges:
            connection = _connection_of(session, grader, version)
            judges += [AskedJudge(connection, one) for one in grader.judges.values()]
        faults = () if case is None else _faults(grader, case)
        if lacking := next(filter(is_missing_in_item, faults), None):
            raise Conflict(f"{grader.name} cannot grade these cases. {lacking.reason}")
    return judges


def _connection_of(session: Session, grader: Grader, version: GraderVersion) -> Connection:
    connection = session.get(Connection, version.connection_id) if version.connection_id else None
    if connection is None:
        raise Conflict(NOWHERE.format(grader.name))
    _check_key(connection)
    return connection


def _check_key(connection: Connection) -> None:
    if connection.refused_at is not None:
        raise Conflict(f"{connection.words} Nothing is asked until it is changed.")


def _faults(grader: Grader, case: Case) -> Iterator[Ungradable]:
    """What is wrong with the right answer to a case; code is not run for that."""
    item, answer = item_of(case), Answer(case.reference or "")
    for judge in grader.judges.values():
        try:
            judge.ask(item, answer)
        except Ungradable as fault:
            yield fault
    if not takes_its_time(grader):
        yield from grader.grade(item, answer).faults()


def _asks(judge: Judge, cases: Sequence[Case]) -> list[Ask]:
    """What it would be asked about the right answers to these."""
    found = []
    for case in cases:
        with suppress(Ungradable):
            found.append(judge.ask(item_of(case), Answer(case.reference or "")))
    return found


def _asked(session: Session, project_id: int, one: ContestantForm, at: str) -> Asked:
    connection = connections.connection_in(session, project_id, one.connection_id or 0)
    if connection is None:
        raise WrongInput.field(f"{at}.connection_id", NO_CONNECTION)
    _check_key(connection)
    version = _version(session, project_id, one.shots, at)
    return Asked(connection, one.model or "", one.shots.k if one.shots else 0, version)


def _version(
    session: Session, project_id: int, shots: Shots | None, at: str
) -> DatasetVersion | None:
    if shots is None:
        return None
    version = datasets.version_in(session, project_id, shots.version_id)
    if version is None or version.format != "chat" or version.status != VersionStatus.READY:
        raise WrongInput.field(f"{at}.shots.version_id", NO_EXAMPLES)
    return version


def _model(session: Session, project_id: int, one: ContestantForm) -> dict[str, Any]:
    connection_id, model = one.connection_id or 0, one.model or ""
    connections.keep_in_place(session, connection_id)
    ref = catalog.ref_of(session, project_id=project_id, connection_id=connection_id, name=model)
    made = queries.made_by(session, connection_id, model)
    shots = one.shots.model_dump(exclude={"version_id"}) if one.shots else None
    return {
        "kind": ContestantKind.MODEL,
        "name": (one.name or name_of(made.title or model, one.shots))[:255],
        "model_ref_id": ref.id,
        "shots": shots,
        "shots_version_id": one.shots.version_id if one.shots else None,
        "job_id": made.job_id,
        "checkpoint_step": made.step,
    }


def name_of(model: str, shots: Shots | None) -> str:
    """What a contestant is called without a name of its own."""
    if shots is None:
        return model
    near = "nearest examples" if shots.way == "nearest" else "examples"
    return f"{model}, {shots.k} {near}"


def _recorded(
    session: Session, evaluation: Evaluation, one: ContestantForm, at: str
) -> dict[str, Any]:
    found = queries.contestant_in(session, evaluation.id, one.recorded_id or 0)
    if found is None or found.recorded_id is not None or not found.graded:
        raise WrongInput.field(f"{at}.recorded_id", NO_RECORDED)
    return {
        "kind": ContestantKind.RECORDED,
        "name": (one.name or recorded_name(found))[:255],
        "model_ref_id": found.model_ref_id,
        "recorded_id": found.id,
        "shots": found.shots,
        "shots_version_id": found.shots_version_id,
        "job_id": found.job_id,
        "checkpoint_step": found.checkpoint_step,
        "by_people": found.by_people,
    }


def recorded_name(contestant: Contestant) -> str:
    """What a contestant of an earlier run is called when it takes part again."""
    return f"{contestant.name}, as in run {contestant.run.number}"
