"""A job whose run really exists."""

import pytest

from app.jobs import tasks
from tests.jobs.steps import queue_job


@pytest.fixture
def job(workshop):
    """A job whose run the witness really has."""
    job_id = queue_job(workshop, suffix="june")
    tasks.start(job_id)
    return job_id
