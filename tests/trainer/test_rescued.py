"""A rescue from our own trainer: what speaks the wire can be brought home."""

import hashlib

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob

from app.rescue.models import Kind, Outcome
from app.settings import settings
from tests.rescue.conftest import Rescuing, begin_rescue, content_of
from tests.stage import make_team, one_database
from tests.trainer.conftest import KEY, Trainer

pytestmark = one_database


@pytest.fixture
def rescuing(trainer: Trainer, database: str, monkeypatch: pytest.MonkeyPatch) -> Rescuing:
    """A rescue over a connection to the trainer of these tests."""
    host = f"127.0.0.1:{trainer.port}"
    monkeypatch.setenv("LUTHIER_ALLOW_HOSTS", host)
    settings.cache_clear()
    return begin_rescue(make_team(f"http://{host}/v1", KEY))


def test_a_trainers_history_comes_home(
    client: openai.OpenAI, finished: FineTuningJob, rescuing: Rescuing
):
    assert rescuing.work().stage == "done"
    jobs = {job.id for job in client.fine_tuning.jobs.list()}
    assert rescuing.outcomes(Kind.JOB) == dict.fromkeys(jobs, Outcome.HOME)
    by_place = {(one.kind, one.object_id): one for one in rescuing.objects}
    events = by_place[Kind.JOB_EVENTS, finished.id]
    assert events.lines == len(list(client.fine_tuning.jobs.list_events(finished.id)))
    for file_id in (finished.training_file, *finished.result_files):
        there = client.files.content(file_id).read()
        here = by_place[Kind.FILE, file_id]
        assert content_of(here) == there
        assert here.sha256 == hashlib.sha256(there).hexdigest()


def test_a_server_without_evals_says_so_and_gives_the_rest(
    finished: FineTuningJob, rescuing: Rescuing
):
    part = rescuing.work()
    assert part.kinds[Kind.EVAL]["words"]
    assert rescuing.outcomes(Kind.JOB)[finished.id] == Outcome.HOME
