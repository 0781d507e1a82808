"""Two teams that know nothing of each other, each with something of every kind, and everybody who
could knock: see `World`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.auth import queries as people
from app.auth import service as auth
from app.auth.access import cookie_name
from app.auth.models import User, UserSession
from app.budgets import queries as ledger
from app.catalog import service as catalog
from app.connections.models import Connection
from app.core import clock, secrets
from app.core.database import SessionFactory, unit_of_work
from app.datasets.models import DatasetVersion
from app.evaluations.after.models import JobEvaluation
from app.evaluations.drift.models import Every, Schedule, ScheduleStatus
from app.evaluations.golden.models import GoldenRecording
from app.evaluations.models import Contestant, EvaluationRun, RunStatus
from app.jobs import orphans
from app.notices.models import Notice, WatchedDate
from app.notices.sending.addressing import deliver_to
from app.projects import service as projects
from app.projects.models import Project, Role
from app.projects.queries import membership, open_invitations
from app.providers.base import BaseModelInfo
from app.rescue.models import Stage
from tests import make
from tests.architecture.routes import Route
from tests.rescue.history import bring_home
from tests.stage import Team, make_team
from tests.walls.evaluated import evaluated
from tests.walls.expected import Sends
from tests.walls.matrix import TABLE
from tests.witness import handle

Ids = dict[str, Any]
CHILD = "child of another parent"
MISSING = 999_999
# Stands in every name on the other team's side; who reads it here looked through a wall.
MARK = "zyxwv"
# Whose cookie and whose token are worth nothing any more.
SHUT_OUT = {"anonymous", "disabled", "revoked"}


@dataclass(frozen=True)
class Person:
    """Somebody who knocks, by cookie or by token, and the project they have a role in."""

    name: str
    role: str | None
    cookie: str = ""
    csrf: str = ""
    token: str = ""
    ids: Ids | None = None
    user_id: int = 0

    @property
    def is_known(self) -> bool:
        return self.name not in SHUT_OUT

    def knocking_at(self, route: Route) -> dict[str, str]:
        """A page takes the cookie, the API the token."""
        return self.by_cookie if route.is_page else self.by_token

    @property
    def by_cookie(self) -> dict[str, str]:
        """What a browser sends, with the token of its forms in the header."""
        if not self.cookie:
            return {}
        return {"Cookie": f"{cookie_name()}={self.cookie}", "X-CSRF-Token": self.csrf}

    @property
    def by_token(self) -> dict[str, str]:
        """What a script sends."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass(frozen=True)
class World:
    """Everybody by name, and the ids of both teams as the paths of routes name them."""

    client: Any
    team: Team
    people: dict[str, Person]
    ours: Ids
    theirs: Ids

    def ids(self, person: Person, kind: str, route: Route) -> Ids:
        """What stands in the route's path: this team's things and the person's own; or another
        team's; or those of nobody; or another team's things under our project.
        """
        own = {**self.ours, **(person.ids or {})}
        if kind == "own":
            return own
        if kind == "missing":
            return dict.fromkeys(own, MISSING)
        if kind == CHILD:
            return {**self.theirs, route.ids[0]: own[route.ids[0]]}
        return self.theirs

    def ask(
        self, route: Route, ids: Ids, headers: dict[str, str], sends: Sends | None = None
    ) -> Any:
        """One request with what the table says it needs, or with `sends`."""
        body = "data" if route.is_page else "json"
        how = body if route.method in {"POST", "PATCH"} else "params"
        words = {how: TABLE[route.name].sends if sends is None else sends}
        return self.client.request(route.method, route.path.format(**ids), headers=headers, **words)


@contextmanager
def forgotten() -> Iterator[None]:
    """Undo in the end whatever is done inside."""
    savepoint = SessionFactory.kw["bind"].begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def make_world(client: Any, provider_url: str) -> World:
    """Both teams; the instance's owner is in neither."""
    with unit_of_work() as session:
        keeper = make.make_user(session, "keeper")
        assert keeper.is_instance_owner
    team = make_team(provider_url, handle.KEY)
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        users = {name: session.get_one(User, user_id) for name, user_id in team.users.items()}
        users |= {"keeper": keeper}
        for name in ("removed", "disabled"):
            users[name] = make.make_user(session, name)
            role = Role.OWNER if name == "disabled" else Role.EDITOR
            projects.add_member(
                session, project=project, user=users[name], role=role, actor_id=None
            )
        ours = things_of(session, project, "helper")
        stranger = make.make_user(session, f"{MARK}-stranger")
        foreign = make.make_project(session, stranger, f"{MARK} routing")
        theirs = things_of(session, foreign, f"{MARK}-helper", name=f"{MARK} things")
        theirs |= _own_things(person(session, stranger, None), session, stranger)
        people = {"anonymous": Person("anonymous", None)}
        for name, user in users.items():
            people[name] = person(session, user, _role(session, user, project, name))
        ours |= people["owner"].ids or {}
        people["revoked"] = _revoked(session, users["owner"])
        projects.remove_member(
            session, project=project, user_id=users["removed"].id, actor_id=users["owner"].id
        )
        # Not by the service, which ends the sessions too: the check itself has to hold.
        users["disabled"].disabled_at = clock.now(session)
    return World(client, team, people, ours, theirs)


def _role(session: Session, user: User, project: Project, name: str) -> str | None:
    found = membership(session, user.id, project.id)
    return found.role if found and name != "removed" else None


def things_of(session: Session, project: Project, member: str, name: str = "Ours") -> Ids:
    """Something of every kind in a project, by the names that paths have for it."""
    found = session.query(Connection).filter_by(project_id=project.id, profile="openai").first()
    connection = found or make.make_connection(session, project, name=name)
    versions = session.query(DatasetVersion).filter_by(project_id=project.id)
    version = versions.first() or make.make_checked_version(session, project, name=name)
    model = make.make_model(session, project, connection, version, model_name=f"ft:{name}")
    job = make.make_running_job(session, project, connection, version, key="form:2")
    orphan = orphans.note(session, connection, make.make_report(f"ftjob-{name}"), job)
    assert orphan is not None
    spend = ledger.spend_of(session, f"job:{job.id}")
    assert spend is not None
    rescue = make.make_rescue(session, connection, stage=Stage.LOOKING)
    # Fresh, so that no reading asks the provider and notes what it says.
    offered = BaseModelInfo(make.BASE_MODEL, None, ("supervised",), None, None, None)
    catalog.record_base_models(session, connection.id, [offered])
    rescued_eval, (rescued_run,) = bring_home(session, connection, runs=("evalrun_1",))
    rescued_eval.name = name
    helper = make.make_user(session, member)
    projects.add_member(session, project=project, user=helper, role=Role.VIEWER, actor_id=None)
    projects.invite(session, project=project, role=Role.VIEWER, actor_id=project.created_by)
    conversation = make.make_conversation(session, project, connection, name)
    saved = make.make_collected_row(session, project, name, conversation=conversation)
    return {
        "project_id": project.id,
        "connection_id": connection.id,
        "collection_id": saved.collection_id,
        "row_id": saved.id,
        "dataset_id": version.dataset_id,
        "version_id": version.id,
        "job_id": job.id,
        "orphan_id": orphan.id,
        "spend_id": spend.id,
        "model_id": model.id,
        "rescued_eval_id": rescued_eval.id,
        "rescued_run_id": rescued_run.id,
        "rescue_id": rescue.id,
        "rescued_id": rescued_run.id,
        "conversation_id": conversation.id,
        "grader_id": make.make_grader(session, project, name).id,
        **_evaluation(session, project, connection, name, job.id),
        "upload_id": make.make_upload(session, project, name).id,
        "user_id": helper.id,
        "notice_id": _notice(session, project, name).id,
        **_endpoint(session, project, name),
        "invitation_id": open_invitations(session, project.id, clock.now(session))[0].id,
        "token": "no-link-has-this-token",
    }


def _evaluation(
    session: Session, project: Project, connection: Connection, name: str, job_id: int
) -> Ids:
    """A run that goes on and is a golden recording; a checkpoint of the job takes part in it."""
    ids = evaluated(session, project, connection, name)
    run = session.get_one(EvaluationRun, ids["evaluation_run_id"])
    run.status, run.ended_at = RunStatus.RUNNING, None
    contestant = session.query(Contestant).filter_by(run_id=run.id).first()
    assert contestant is not None
    contestant.job_id, contestant.checkpoint_step = job_id, 1
    golden = GoldenRecording(project_id=project.id, run_id=run.id, created_at=run.created_at)
    after = JobEvaluation(
        project_id=project.id,
        job_id=job_id,
        evaluation_id=run.evaluation_id,
        has_base=True,
        has_checkpoints=False,
        created_at=run.created_at,
    )
    again = Schedule(
        project_id=project.id,
        evaluation_id=run.evaluation_id,
        baseline_id=contestant.id,
        every=Every.WEEK,
        begins_at=run.created_at,
        status=ScheduleStatus.ACTIVE,
        created_by=project.created_by,
        created_at=run.created_at,
    )
    session.add_all([golden, after, again])
    session.flush()
    ids |= {"golden_id": golden.id, "job_evaluation_id": after.id, "schedule_id": again.id}
    return {**ids, "contestant_id": contestant.id, "number": 1}


def _endpoint(session: Session, project: Project, name: str) -> Ids:
    """A webhook that was sent a test."""
    endpoint = make.make_endpoint(session, project, name)
    delivery = deliver_to(session, endpoint, None)
    delivery.due_at, delivery.delivered_at = None, delivery.created_at
    session.flush()
    return {"endpoint_id": endpoint.id, "delivery_id": delivery.id}


def _notice(session: Session, project: Project, name: str) -> Notice:
    """Something that stops in a week, told a moment ago."""
    moment = clock.now(session)
    day = moment.date() + timedelta(days=7)
    seen = WatchedDate(project_id=project.id, key="base:1:x", day=day, changed_at=moment)
    session.add(seen)
    session.flush()
    notice = Notice(
        project_id=project.id,
        topic="dates",
        key="x",
        path=f"/projects/{project.id}/calendar",
        date_id=seen.id,
        changes=0,
        days_ahead=7,
        left_days=7,
        day=day,
        title=f"{name} stops",
        text=name,
        depends="",
        at=moment,
    )
    session.add(notice)
    session.flush()
    return notice


def person(session: Session, user: User, role: str | None) -> Person:
    """Somebody signed in twice: with a browser and with a token."""
    cookie = auth.sign_in(session, user.id)
    csrf = session.get_one(UserSession, secrets.fingerprint(cookie)).csrf
    token = auth.create_token(session, user, name="tests")
    name = user.name.lower()
    person = Person(name, role, cookie, csrf, token)
    return Person(name, role, cookie, csrf, token, _own_things(person, session, user), user.id)


def _own_things(person: Person, session: Session, user: User) -> Ids:
    """What in paths means something of the person's own: a browser and a token."""
    return {
        "fingerprint": secrets.fingerprint(person.cookie),
        "token_id": people.tokens_of(session, user.id)[0].id,
    }


def _revoked(session: Session, user: User) -> Person:
    token = auth.create_token(session, user, name="revoked")
    row = people.token_with_user(session, secrets.fingerprint(token))
    assert row is not None
    auth.revoke_token(session, user_id=user.id, token_id=row.id)
    return Person("revoked", None, token=token)
