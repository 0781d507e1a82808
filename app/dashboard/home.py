"""The home page of a project, gathered from every domain."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.auth import queries as people
from app.auth.models import User
from app.budgets.lines import line_of
from app.catalog import queries as catalog
from app.catalog.models import TunedModel
from app.catalog.stopping import calendar
from app.catalog.strip import strip
from app.catalog.views import maker_of
from app.connections import queries as connections
from app.connections.models import Connection
from app.connections.views import stop_of
from app.core import clock
from app.core.leases import is_poisoned
from app.core.pages import Link
from app.dashboard.activity import happening
from app.dashboard.tour import next_step
from app.dashboard.views import HomeView, ModelRow, Need, RunningJob
from app.datasets import queries as datasets
from app.jobs import queries as jobs
from app.jobs import queries_orders as orders
from app.jobs import words
from app.jobs.charts import highest, spark
from app.jobs.models import Job, JobStatus, Orphan
from app.notices import queries as notices
from app.projects.models import Project

FEW = 5
LATELY = timedelta(days=7)


def home(
    session: Session,
    project: Project,
    link: Link,
    *,
    user: User,
    can_edit: bool,
) -> HomeView:
    """What needs the person, what runs, what was made lately. `link` makes paths of route names."""
    moment = clock.now(session)
    running = jobs.unended_jobs_of(session, project.id, limit=10)
    models = catalog.models_of(session, project.id, after=None, limit=FEW)
    accounts = connections.connections_of(session, project.id)
    top = max((highest(job.spark) for job in running), default=0.0) or None
    return HomeView(
        project_id=project.id,
        project_name=project.name,
        can_edit=can_edit,
        needs=(
            *_needs(session, project.id, running, accounts, moment, link),
            *_budget(session, project.id, moment, link),
            *_notices(session, project.id, user.id, moment.date(), link),
        ),
        running=tuple(_running(job, moment, top) for job in running),
        spark_top=top,
        stops=strip(calendar(session, project.id, is_brief=True), moment.date()),
        models=tuple(_model(model) for model in models),
        happenings=tuple(
            happening(row, link) for row in people.activity_of(session, project.id, limit=8)
        ),
        step=next_step(session, project.id, link) if user.is_touring else None,
        topic=f"project:{project.id}",
    )


def _orphan_title(orphan: Orphan) -> str:
    """A run that waits for a person, in one line."""
    where = orphan.connection.name
    if orphan.job is None:
        return f"{where} has a run of ours that no job has"
    if not orphan.is_tagged:
        return f"A run at {where} may be that of {orphan.job.name}"
    return f"A run of {orphan.job.name} showed up at {where}"


def _needs(
    session: Session,
    project_id: int,
    running: Sequence[Job],
    accounts: Sequence[Connection],
    moment: datetime,
    link: Link,
) -> Sequence[Need]:
    found = [
        Need(
            "doubt",
            "alert",
            f"{job.name} may or may not be running",
            f"{job.last_error or ''} Nothing is sent again until you decide.".strip(),
            link("jobs.show", job_id=job.id),
            "Decide",
        )
        for job in running
        if job.status == JobStatus.IN_DOUBT
    ]
    found += [
        Need(
            "doubt",
            "alert",
            _orphan_title(orphan),
            f"{orphan.run_id}: adopt it, or have it cancelled there. What it trains is billed."
            if orphan.is_tagged
            else f"{orphan.run_id} carries no tag and trains on its file. Adopt it if it is.",
            link("connections.show", connection_id=orphan.connection_id),
            "Decide",
        )
        for orphan in orders.open_orphans(session, project_id=project_id)
    ]
    found += [
        Need(
            "bad",
            "plug",
            stop.title,
            stop.words,
            link("connections.show", connection_id=stop.connection_id),
            "See it",
        )
        for connection in accounts
        if (stop := stop_of(connection)) is not None
    ]
    found += [
        Need(
            "bad",
            "file",
            f"{version.dataset.name}, version {version.number}, was refused",
            version.reason or "The check says why.",
            link("datasets.show", version_id=version.id),
            "See why",
        )
        for version in datasets.rejected_versions(session, project_id)
    ]
    found += [
        Need(
            "bad",
            "job",
            f"{job.name} could not be started",
            "Three workers died over it. Nothing is lost; it can be tried again.",
            link("jobs.show", job_id=job.id),
            "See it",
        )
        for job in running
        if is_poisoned(job, moment)
    ]
    found += [
        Need(
            "bad",
            "file",
            f"{version.dataset.name}, version {version.number}, could not be checked",
            "Three workers died over it. Nothing is lost; it can be tried again.",
            link("datasets.show", version_id=version.id),
            "See it",
        )
        for version in datasets.unchecked_versions(session, project_id)
        if is_poisoned(version, moment)
    ]
    found += [
        Need(
            "bad",
            "job",
            f"{job.name} {'failed' if job.status == JobStatus.FAILED else 'vanished'}",
            job.error or "",
            link("jobs.show", job_id=job.id),
            "See why",
        )
        for job in jobs.failed_lately(session, project_id, moment - LATELY)
    ]
    return found


def _budget(session: Session, project_id: int, moment: datetime, link: Link) -> Sequence[Need]:
    """The month's budget, once it is nearly or all taken."""
    line = line_of(session, project_id, moment)
    if line is None:
        return ()
    url = link("budgets.show", project_id=project_id)
    return (Need(line.tone, "budget", line.title, line.text, url, "See it"),)


def _notices(
    session: Session, project_id: int, user_id: int, today: date, link: Link
) -> Sequence[Need]:
    """The nearest of what stops that the person has not read of, else the latest notice, and how
    many more there are.
    """
    first = notices.first_unread(session, project_id, user_id, today)
    if first is None:
        return ()
    more = notices.count_unread(session, project_id, user_id, today) - 1
    title, said = first.title, [first.text] if first.text else []
    if first.day is not None:
        title = f"{title} {_days_until(first.day, today)}"
        said = [f"On {first.day.day} {first.day:%B %Y}."]
        said += [f"{first.depends[0].upper()}{first.depends[1:]}."] if first.depends else []
    if more:
        said.append(f"{more:,} more to read." if more > 1 else "One more to read.")
    url = link("notices.index", project_id=project_id)
    return (Need("warn", "bell", title, " ".join(said), url, "Read"),)


def _days_until(day: date, today: date) -> str:
    left = (day - today).days
    return "today" if left == 0 else "in 1 day" if left == 1 else f"in {left} days"


def _running(job: Job, moment: datetime, top: float | None) -> RunningJob:
    return RunningJob(
        id=job.id,
        name=job.name,
        status=job.status,
        base_model=job.base_model,
        connection=job.connection.name,
        dataset=job.training_version.dataset.name if job.training_version else None,
        dataset_number=job.training_version.number if job.training_version else None,
        by=words.asker_of(job),
        step=job.step,
        steps=job.total_steps,
        best_valid_loss=job.best_valid_loss,
        train_loss=job.train_loss,
        left_seconds=words.left_seconds(job, moment),
        spark=spark(job.spark, step=job.step, total_steps=job.total_steps, top=top),
    )


def _model(model: TunedModel) -> ModelRow:
    return ModelRow(
        id=model.id,
        name=model.name,
        base_model=model.base_model,
        job_id=model.job_id,
        job_name=model.lineage["job_name"],
        best_valid_loss=model.best_valid_loss,
        by=maker_of(model),
        created_at=model.created_at,
    )
