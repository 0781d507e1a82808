"""A whole history from the other side, used: every job, curve, log and model the wire told of."""

import json
from collections import Counter

from sqlalchemy import select

from app.core.database import read_only
from app.datasets.models import DatasetVersion
from app.jobs import queries
from app.jobs.models import JobEvent, JobStatus, StartAttempt
from app.rescue.models import Kind, Stage
from tests.rescue.bringing import count, curve, datasets, jobs, models
from tests.stage import one_database
from tests.witness import history

FIGURE_OF = {"reinforcement": "train_mean_reward"}


def test_all_that_the_wire_told_of_its_jobs_is_here(begin, workshop, witness, letters):
    history.fill(witness)
    told = {(row["kind"], row["id"]): row for row in witness.expected(with_lines=True)}
    runs = {number: row for (kind, number), row in told.items() if kind == "job"}

    assert begin(workshop).work().stage == Stage.DONE

    found = {job.run_id: job for job in jobs()}
    assert found.keys() == runs.keys()
    assert count(StartAttempt) == 0
    with read_only() as session:
        logs = Counter(session.scalars(select(JobEvent.job_id)))
        saved = {run: len(queries.checkpoints_of(session, job.id)) for run, job in found.items()}
    for run, job in found.items():
        events = [json.loads(line) for line in told["job_events", run]["lines_themselves"]]
        steps = [one["data"]["step"] for one in events if one["type"] == "metrics"]
        drawn = curve(job.id, FIGURE_OF.get(job.method, "train_loss"))
        assert [step for step, _ in drawn] == sorted(steps)
        assert logs[job.id] == len(events) - len(steps)
        assert saved[run] == len(told["checkpoints", run]["lines_themselves"])
        assert job.due_at is None
    assert {job.method for job in found.values()} == {"supervised", "dpo", "reinforcement"}
    made = {model.job_id for model in models()}
    # One more was there from the beginning, and no job that is listed made it.
    assert made - {None} == {job.id for job in found.values() if job.status == JobStatus.SUCCEEDED}
    assert {request.method for request in witness.journal.read()} == {"GET"}


@one_database
def test_rows_of_each_format_are_datasets_and_what_has_no_rows_says_what_it_is(
    begin, workshop, witness, letters
):
    history.fill(witness)
    rescuing = begin(workshop)
    rescuing.work()
    letters.deliver()

    files = [one for one in rescuing.objects if one.kind == Kind.FILE and one.sha256]
    reasons = Counter(one.why_raw for one in files if one.version_id is None)
    with read_only() as session:
        versions = session.scalars(
            select(DatasetVersion).where(
                DatasetVersion.id.in_([one.version_id for one in files if one.version_id])
            )
        ).all()
    assert {version.status for version in versions} == {"ready"}
    assert {version.sha256 for version in versions} == {
        one.sha256 for one in files if one.version_id
    }
    assert None not in reasons
    assert reasons.keys() >= {"A run's own figures by step, which its job's chart shows."}
    assert {version.format for version in versions} >= {"chat", "preference", "reinforcement"}
    for method in ("supervised", "dpo", "reinforcement"):
        assert any(job.training_version for job in jobs() if job.method == method)


@one_database
def test_a_second_rescue_makes_nothing_new(begin, workshop, witness, letters):
    history.fill(witness, jobs=4, files=6, evals=1, runs=1)
    begin(workshop).work()
    before = (len(jobs()), len(models()), len(datasets()), count(JobEvent))

    begin(workshop).work()

    assert (len(jobs()), len(models()), len(datasets()), count(JobEvent)) == before
