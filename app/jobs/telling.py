"""What a project's people are told of its jobs: an end, and what waits for a person's decision."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.auth import queries as people
from app.connections.models import Connection
from app.core import instance
from app.jobs.models import Job, JobStatus, Orphan, StartAttempt
from app.notices import queries
from app.notices.telling import Topic, tell

ENDED_AS = {
    JobStatus.SUCCEEDED: "succeeded",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "was cancelled",
    JobStatus.VANISHED: "vanished",
}


def tell_end(session: Session, job: Job, *, actor_id: int | None = None) -> None:
    """A job has ended; whoever had it cancelled knows. What came home has ended elsewhere."""
    if job.rescued_at is not None:
        return
    status = JobStatus(job.status)
    if status is JobStatus.CANCELLED and actor_id is None:
        actor_id = people.last_actor(session, job.project_id, f"job:{job.id}", "job.cancel_asked")
    tell(
        session,
        project_id=job.project_id,
        topic=Topic.JOB_ENDED,
        # A job that ended without its run and is given one after all ends a second time.
        key=f"job:{job.id}:{job.run_id or ''}:{status}",
        title=f"{job.name} {ENDED_AS[status]}",
        text=_words(session, job, status),
        path=f"/jobs/{job.id}",
        person_id=job.created_by,
        actor_id=actor_id,
        facts=_facts(job),
    )


def _words(session: Session, job: Job, status: JobStatus) -> str:
    if status is not JobStatus.SUCCEEDED:
        return job.error or ""
    connection = session.get_one(Connection, job.connection_id)
    best = job.best_valid_loss
    loss = f" Best validation loss {best:.4f}." if best is not None else ""
    return f"{job.base_model} at {connection.name}.{loss}"


def tell_doubt(session: Session, job: Job, attempt: StartAttempt, words: str) -> None:
    """Nobody can prove whether an order made a run; asked to look again, it is told again."""
    since = attempt.looking_since
    tell(
        session,
        project_id=job.project_id,
        topic=Topic.NEEDS_DECISION,
        key=f"job:{job.id}:doubt:{attempt.number}:{since.isoformat() if since else ''}",
        title=f"{job.name} may or may not be running",
        text=f"{words} Nothing is sent again until somebody decides.",
        path=f"/jobs/{job.id}",
        person_id=job.created_by,
        facts=_facts(job),
    )


def tell_orphan(session: Session, connection: Connection, orphan: Orphan, job: Job | None) -> None:
    """A run carries this instance's tag, and no job here has it."""
    title = f"{connection.name} has a run of ours that no job has"
    if job is not None:
        title = f"A run of {job.name} showed up at {connection.name}"
    tell(
        session,
        project_id=connection.project_id,
        topic=Topic.NEEDS_DECISION,
        key=f"orphan:{orphan.id}",
        title=title,
        text=f"{orphan.run_id}: adopt it, or have it cancelled there. What it trains is billed.",
        path=f"/connections/{connection.id}",
        person_id=job.created_by if job else None,
        facts={
            "connection_id": connection.id,
            "connection": connection.name,
            "run_id": orphan.run_id,
            "job_id": job.id if job else None,
        },
    )


def tell_refused(session: Session, connection: Connection) -> None:
    """A provider no longer takes a connection's key: what starts there waits for another one. Of a
    key that never worked, whoever entered it hears at once.
    """
    since = connection.refused_at
    if connection.answered_at is None:
        return
    tell(
        session,
        project_id=connection.project_id,
        topic=Topic.NEEDS_DECISION,
        key=f"connection:{connection.id}:refused:{since.isoformat() if since else ''}",
        title=f"{connection.name} needs another key",
        text=f"{connection.words} Jobs wait, and nothing is heard of those that run.",
        path=f"/connections/{connection.id}",
        facts={"connection_id": connection.id, "connection": connection.name},
    )


def tell_given_up(session: Session, job: Job) -> None:
    """Three workers died over a start: it is not tried a fourth time by itself."""
    tell(
        session,
        project_id=job.project_id,
        topic=Topic.NEEDS_DECISION,
        key=_given_up(job),
        title=f"{job.name} is not tried again by itself",
        text="Three workers died over its start. Have it tried once more on its page.",
        path=f"/jobs/{job.id}",
        person_id=job.created_by,
        facts=_facts(job),
    )


def untold(session: Session, given_up: Sequence[Job]) -> list[int]:
    """Those of these jobs of which nobody was told since their last worker died; none in a restored
    instance that nobody has looked at.
    """
    if not given_up or instance.held(session) is not None:
        return []
    projects, keys = {job.project_id for job in given_up}, list(map(_given_up, given_up))
    told = queries.told_of(session, projects, Topic.NEEDS_DECISION, keys)
    return [job.id for job in given_up if _given_up(job) not in told]


def _given_up(job: Job) -> str:
    return f"job:{job.id}:given-up:{job.fence}"


def _facts(job: Job) -> dict[str, object]:
    return {"job_id": job.id, "job": job.name, "status": job.status, "run_id": job.run_id}
