"""What tests need, made the way the program makes it: plain functions, nothing hidden."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

import app.tables  # noqa: F401 - every foreign key finds what it points at
from app.auth import service as auth
from app.auth.models import User
from app.catalog.models import TunedModel
from app.collections import service as collections
from app.collections.models import CollectionRow
from app.collections.models import Kind as RowKind
from app.connections import service as connections
from app.connections.models import Connection
from app.core import clock, storage
from app.core.storage import Blob
from app.datasets import service as datasets
from app.datasets import uploads
from app.datasets.checks import check_slice, verdict
from app.datasets.derived.queries import derived_of
from app.datasets.forms import UploadForm
from app.datasets.models import Dataset, DatasetVersion, Derived, Upload
from app.grading import service as grading
from app.grading.models import LibraryGrader
from app.jobs import service as jobs
from app.jobs import sweeps
from app.jobs.forms import JobForm
from app.jobs.models import Job, JobStatus
from app.notices.endpoints import service as endpoints
from app.notices.models import Endpoint, EndpointKind, Notice, Topic
from app.playground import service as playground
from app.playground.forms import AskForm, Column
from app.playground.models import Conversation
from app.projects import service as projects
from app.projects.models import Project, Role
from app.providers.base import RunReport, RunStatus
from app.rescue.models import Kind, Outcome, Rescue, RescuedObject, RescuePart, Stage

A_CENTURY = timedelta(days=36_500)
PASSWORD = "correct horse battery staple"
BASE_MODEL = "gpt-4o-mini-2024-07-18"
PUBLIC_URL = "https://api.openai.com/v1"
SYSTEM = "Say the intent of the question."


def make_user(session: Session, name: str = "anna", *, password_hash: str | None = None) -> User:
    """A person called `name`, at example.org."""
    email = f"{name}@example.org"
    return auth.create_user(session, email=email, name=name.title(), password_hash=password_hash)


def make_project(
    session: Session, owner: User, name: str = "Support routing", **members: User
) -> Project:
    """A project of `owner`; `editor=` and `viewer=` are let in."""
    project = projects.create_project(session, name=name, user=owner)
    for role, user in members.items():
        projects.add_member(session, project=project, user=user, role=Role(role), actor_id=owner.id)
    session.flush()
    return project


def make_connection(
    session: Session,
    project: Project,
    *,
    name: str = "OpenAI",
    base_url: str = PUBLIC_URL,
    api_key: str = "sk-0123456789abcdef",
    profile: str = "openai",
) -> Connection:
    """An account at a provider; nobody is asked."""
    made = connections.create_connection(
        session,
        project_id=project.id,
        actor_id=project.created_by or 0,
        name=name,
        kind="openai",
        base_url=base_url,
        api_key=api_key,
        is_tested=False,
    )
    made.profile = profile
    session.flush()
    return made


def chat_row(question: str, answer: str, system: str = SYSTEM) -> bytes:
    """One line of a chat file."""
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]
    return json.dumps({"messages": messages}).encode() + b"\n"


def chat_file(rows: int = 12, *, words: str = "Where is parcel") -> bytes:
    """A small file that every provider takes."""
    return b"".join(chat_row(f"{words} {n}?", ("delivery", "refund")[n % 2]) for n in range(rows))


def make_blob(content: bytes) -> Blob:
    """Stored bytes."""
    with storage.Incoming() as incoming:
        incoming.write(content)
        return incoming.keep()


def make_version(
    session: Session,
    project: Project,
    content: bytes | None = None,
    *,
    name: str = "Tickets",
    dataset: Dataset | None = None,
) -> DatasetVersion:
    """An uploaded version that nobody has checked."""
    return datasets.receive_upload(
        session,
        project_id=project.id,
        actor_id=project.created_by or 0,
        blob=make_blob(chat_file() if content is None else content),
        file_name=f"{name}.jsonl",
        name=name,
        dataset=dataset,
    )


def make_checked_version(
    session: Session,
    project: Project,
    content: bytes | None = None,
    *,
    name: str = "Tickets",
    dataset: Dataset | None = None,
) -> DatasetVersion:
    """A version with its verdict: ready, or rejected where the content asks for it. Its further
    files are made where a test says that they are due.
    """
    version = make_version(session, project, content, name=name, dataset=dataset)
    work = datasets.claim_check(session, version.id)
    assert work is not None
    blob, index = storage.blob_path(version.sha256), storage.index_path(version.id)
    inherit = storage.index_path(work.inherit_id) if work.inherit_id else None
    for left in index.parent.glob(f"{version.id}.*"):
        left.unlink()
    progress = work.progress
    while not progress.is_done:
        progress = check_slice(blob, index, progress, seconds=60, inherit=inherit)
    datasets.record_check(session, work, verdict(index))
    for further in derived_of(session, version.id):
        further.due_at = clock.now(session) + A_CENTURY
    session.flush()
    return version


def make_derived(session: Session, version_id: int, kind: str = "checks") -> Derived:
    """A further file of a checked version, due to be made."""
    (row,) = (one for one in derived_of(session, version_id) if one.kind == kind)
    row.due_at = clock.now(session)
    session.flush()
    return row


def make_upload(session: Session, project: Project, name: str = "Tickets") -> Upload:
    """An upload of a kilobyte of which nothing is here."""
    form = UploadForm(filename=f"{name}.jsonl", name=name)
    actor_id = project.created_by or 0
    return uploads.begin(session, project_id=project.id, actor_id=actor_id, form=form, size=1000)


def make_conversation(
    session: Session, project: Project, connection: Connection, text: str = "Where is my parcel?"
) -> Conversation:
    """A question of the project's owner that one model answered, shared with the project."""
    asked = AskForm(text=text, columns=[Column(connection_id=connection.id, model=BASE_MODEL)])
    user_id = project.created_by or 0
    question = playground.begin(session, project_id=project.id, user_id=user_id, form=asked)
    came = {"state": "done", "text": f"You said: {text}", "calls": [], "total_ms": 5}
    playground.keep_answer(session, question_id=question.id, place=0, came=came)
    conversation = session.get_one(Conversation, question.conversation_id)
    playground.share(session, conversation, actor_id=user_id)
    return conversation


def make_collected_row(
    session: Session,
    project: Project,
    name: str = "Good answers",
    *,
    conversation: Conversation | None = None,
) -> CollectionRow:
    """The only row of a new collection of chat rows, saved from a conversation if from any."""
    user_id = project.created_by or 0
    collection = collections.create(
        session, project_id=project.id, actor_id=user_id, name=name, kind=RowKind.CHAT
    )
    row = json.loads(chat_row(f"Where is {name}?", "delivery"))
    saved = collections.save(
        session,
        collection,
        row,
        actor_id=user_id,
        origin=name,
        conversation_id=conversation and conversation.id,
    )
    return saved.row


def make_grader(session: Session, project: Project, name: str = "right") -> LibraryGrader:
    """A grader of the project's owner: is the answer the row's."""
    body = {"type": "match", "name": name, "reference": "{{ item.answer }}"}
    actor_id = project.created_by or 0
    return grading.create_grader(session, project_id=project.id, actor_id=actor_id, body=body)


def make_endpoint(session: Session, project: Project, name: str = "Ops") -> Endpoint:
    """A program that is told of everything."""
    endpoint, _ = endpoints.create_endpoint(
        session,
        project_id=project.id,
        actor_id=project.created_by or 0,
        name=name,
        kind=EndpointKind.WEBHOOK,
        url="https://hooks.example.com/luthier",
        topics=list(Topic),
    )
    return endpoint


def make_job(
    session: Session,
    project: Project,
    connection: Connection,
    version: DatasetVersion,
    *,
    key: str = "form:1",
    **form: Any,
) -> Job:
    """A queued job, as a click makes it."""
    filled = {
        "connection_id": connection.id,
        "training_version_id": version.id,
        "base_model": BASE_MODEL,
        **form,
    }
    user = session.get_one(User, project.created_by)
    return jobs.create_job(
        session,
        project=project,
        user=user,
        form=JobForm.model_validate(filled),
        request_key=key,
    )


def make_running_job(
    session: Session,
    project: Project,
    connection: Connection,
    version: DatasetVersion,
    *,
    run_id: str = "ftjob-1",
    key: str = "form:1",
    **form: Any,
) -> Job:
    """A job whose run is known, although no provider was asked."""
    job = make_job(session, project, connection, version, key=key, **form)
    job.status, job.run_id, job.provider_status = JobStatus.RUNNING, run_id, "running"
    job.started_at, job.due_at = job.created_at, None
    connection.due_at = job.created_at
    session.flush()
    return job


def make_model(
    session: Session,
    project: Project,
    connection: Connection,
    version: DatasetVersion,
    *,
    model_name: str = "ft:gpt-4o-mini-2024-07-18:acme::abcd1234",
    key: str = "form:1",
    **form: Any,
) -> TunedModel:
    """The model of a job that succeeded long ago: its people are told nothing any more."""
    job = make_running_job(session, project, connection, version, key=key, **form)
    done = make_report(status=RunStatus.SUCCEEDED, model_name=model_name)
    sweeps.finish(session, job, done)
    session.execute(delete(Notice).where(Notice.key.startswith(f"job:{job.id}:")))
    return session.query(TunedModel).filter_by(job_id=job.id).one()


def make_report(run_id: str = "ftjob-1", **changes: Any) -> RunReport:
    """What a provider says of a run that trains."""
    values: dict[str, Any] = {
        "run_id": run_id,
        "status": RunStatus.RUNNING,
        "provider_status": "running",
        "base_model": BASE_MODEL,
        "model_name": None,
        "created_at": None,
        "finished_at": None,
        "estimated_finish_at": None,
        "trained_tokens": None,
        "method": "supervised",
        "hyperparameters": {},
        "seed": None,
        "suffix": None,
        "training_file_id": None,
        "validation_file_id": None,
        "result_file_ids": (),
        "metadata": {},
        "error": None,
    }
    return RunReport(**{**values, **changes})


def make_rescue(
    session: Session,
    *over: Connection,
    stage: Stage = Stage.DONE,
    with_completions: bool = False,
    **part: Any,
) -> Rescue:
    """A rescue over connections of one project, which nobody works at; `part` are fields of each of
    its parts.
    """
    moment = clock.now(session)
    rescue = Rescue(
        project_id=over[0].project_id,
        with_completions=with_completions,
        created_by=over[0].created_by,
        created_at=moment,
    )
    session.add(rescue)
    session.flush()
    usual = {"is_asked_for": stage != Stage.LOOKED, "place": {}, "kinds": {}, "changed_at": moment}
    for connection in over:
        fields = {"stage": stage, "rescue_id": rescue.id, "project_id": rescue.project_id}
        whole = {**usual, **fields, "connection_id": connection.id, **part}
        session.add(RescuePart(**whole))
    session.flush()
    return rescue


def make_rescued_object(
    session: Session,
    connection: Connection,
    kind: Kind,
    object_id: str,
    content: bytes | None = None,
    **fields: Any,
) -> RescuedObject:
    """A line of the manifest: home with its `content`, else waiting unless `outcome` says more."""
    moment = clock.now(session)
    made = RescuedObject(
        project_id=connection.project_id,
        connection_id=connection.id,
        kind=kind,
        object_id=object_id,
        rank=40,
        facts={},
        listed_at=moment,
        outcome=Outcome.WAITING if content is None else Outcome.HOME,
    )
    if content is not None:
        blob = make_blob(content)
        made.sha256, made.size, made.fetched_at = blob.sha256, blob.size, moment
    for name, value in fields.items():
        setattr(made, name, value)
    session.add(made)
    session.flush()
    return made


def problem_fields(answer: Any) -> dict[str, str]:
    """The field errors of a problem-details answer, by field."""
    found: Mapping[str, Any] = {}
    with suppress(ValueError):
        found = answer.json()
    return {item["field"]: item["message"] for item in found.get("errors", [])}
