"""A provider's answers that once stopped a worker: kept as far as they can be, on both databases,
and the other runs of the connection are looked at all the same.
"""

import json

import pytest

from app.catalog import asking
from app.catalog.queries import base_models_of
from app.core.database import read_only
from app.jobs import metrics
from app.jobs.models import Checkpoint, JobEvent, JobStatus
from tests.jobs.steps import look
from tests.jobs.test_sweeps import EVENTS, metric
from tests.stage import connection_of, job_of
from tests.witness.script import LIST_MODELS, Fault

HUGE = "9" * 400
CHECKPOINTS = "GET /v1/fine_tuning/jobs/{}/checkpoints"


def listed(*items):
    """A page of a list; "@huge@" in it is a whole number of four hundred digits."""
    page = json.dumps({"object": "list", "data": items, "has_more": False})
    return page.replace('"@huge@"', HUGE)


def test_a_thing_that_is_told_twice_is_kept_once(workshop, witness, job):
    run_id = job_of(job).run_id
    twice = [{"id": "e-1", "message": "Hello"}] * 2 + [
        {"id": "m-1", "type": "metrics", "data": {"step": 1, "train_loss": 2.0}}
    ] * 2
    witness.script(Fault(EVENTS.format(run_id), body=listed(*twice)))
    saved = {"fine_tuned_model_checkpoint": "ft:c", "step_number": 7}
    points = listed({"id": "c-1", **saved}, {"id": "c-2", **saved})
    witness.script(Fault(CHECKPOINTS.format(run_id), body=points))
    witness.change_run(run_id, status="succeeded", fine_tuned_model="ft:done")
    look(workshop)
    assert job_of(job).status == JobStatus.SUCCEEDED
    with read_only() as session:
        theirs = session.query(JobEvent).filter_by(job_id=job, is_ours=False)
        assert [line.text for line in theirs] == ["Hello"]
        assert [one.step for one in session.query(Checkpoint).filter_by(job_id=job)] == [7]


@pytest.mark.parametrize(
    "data",
    [
        {"step": "@huge@", "train_loss": 1.0},
        {"step": 3, "total_steps": "@huge@", "train_loss": 1.0},
        {"step": 3, "train_loss": "@huge@"},
        {"step": 2**63, "train_loss": 1},
        {"step": 3, "train_loss": float("inf")},
    ],
    ids=str,
)
def test_a_number_that_nothing_can_keep_stops_no_look(workshop, witness, job, data):
    run_id = job_of(job).run_id
    event = {"id": "m-1", "type": "metrics", "data": data}
    witness.script(Fault(EVENTS.format(run_id), body=listed(event)))
    look(workshop)
    assert job_of(job).known_event_id == "m-1"
    metric(witness, run_id, 4, train_loss=0.5)
    look(workshop)
    with read_only() as session:
        assert metrics.read_after(session, job, -1)["train_loss"].steps[-1] == 4


def test_names_and_words_beyond_measure_stop_no_look(workshop, witness, job):
    run_id = job_of(job).run_id
    lines = [{"id": "e" * 300, "message": "gone"}, {"id": "e-1", "message": "m" * 1_000_000}]
    witness.script(Fault(EVENTS.format(run_id), body=listed(*lines)))
    witness.change_run(run_id, status="succeeded", fine_tuned_model="m" * 300)
    look(workshop)
    found = job_of(job)
    assert (found.status, found.known_event_id) == (JobStatus.SUCCEEDED, "e-1")
    with read_only() as session:
        (line,) = session.query(JobEvent).filter_by(job_id=job, is_ours=False)
        assert len(line.text) == 10_000


def test_a_run_has_no_more_series_than_anybody_draws(workshop, witness, job):
    run_id = job_of(job).run_id
    metric(witness, run_id, 1, train_loss=1.0)
    look(workshop)
    metric(witness, run_id, 2, **{f"made_up_{number}": 1.0 for number in range(500)})
    metric(witness, run_id, 3, train_loss=0.5)
    look(workshop)
    with read_only() as session:
        found = metrics.read_after(session, job, -1)
    assert len(found) == metrics.MOST_SERIES
    assert found["train_loss"].steps == [1, 3]


def test_a_list_of_models_with_twins_and_giants_is_a_list(workshop, witness):
    names = ["gpt-4o-mini-2024-07-18"] * 2 + ["gpt-4o-mini-" + "9" * 300]
    body = listed(*({"id": name, "object": "model"} for name in names))
    witness.script(Fault(LIST_MODELS, body=body))
    asking.read_base_models(workshop.connection_id)
    assert connection_of(workshop.connection_id).words is None
    with read_only() as session:
        offered = base_models_of(session, workshop.connection_id)
        assert [model.name for model in offered] == ["gpt-4o-mini-2024-07-18"]
