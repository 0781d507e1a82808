"""F18 and F19: webhooks that come twice, a hundred times at once, out of order, too early, too
late, of nobody, or never. One effect at most, and the provider's own list has the last word.
"""

import threading
import time

import httpx2
import openai
import pytest

from app.catalog.models import TunedModel
from app.connections import hook_setup
from app.connections.models import Connection, HookDelivery
from app.core.database import read_only, unit_of_work
from app.jobs.models import JobStatus
from tests.faults.stage import on
from tests.hooks import OTHER_SECRET, give_hook
from tests.stage import job_of, run_together
from tests.waiting import eventually
from tests.witness.script import CREATE_RUN, Fault
from tests.witness.webhooks import ENDS, event, signed

HUNDRED = 100
SUCCEEDED, FAILED = ENDS["succeeded"], ENDS["failed"]
MODEL = "ft:gpt-4o-mini-2024-07-18:acme::done"


def hooked(stage):
    """The processes of an instance whose provider knows where to announce the ends of runs; the
    address and the secret of that.
    """
    stage.start("beat", "worker", "web")
    path = give_hook(stage.team.connection_id, None)
    url = f"{stage.programs['web'].address}{path}"
    with openai.OpenAI(base_url=stage.witness.url, api_key=stage.witness.key) as client:
        made = client.webhooks.create(name="Luthier", url=url, event_types=list(ENDS.values()))
    with unit_of_work() as session:
        connection = session.get_one(Connection, stage.team.connection_id)
        owner = stage.team.users["owner"]
        hook_setup.keep_by_hand(session, connection, made.signing_secret, actor_id=owner)
    return url, made.signing_secret


def post(url, secret, body, webhook_id, at=None):
    headers = signed(secret, webhook_id, body, time.time() if at is None else at)
    return httpx2.post(url, content=body, headers=headers, timeout=60, trust_env=False).status_code


def kept(webhook_id):
    with read_only() as session:
        return session.query(HookDelivery).filter_by(webhook_id=webhook_id).one_or_none()


def models_of(job_id):
    with read_only() as session:
        return session.query(TunedModel).filter_by(job_id=job_id).count()


def ends(stage, job_id, status, within=60.0):
    eventually(lambda: job_of(job_id).status == status, within, every=0.1)


@pytest.mark.full
@on("sqlite", "postgresql")
def test_F18_webhooks_of_every_kind_have_one_effect(stage):
    url, secret = hooked(stage)
    first = stage.settled(stage.queue_job())

    # Out of order: an end is announced of a run that goes on.
    early = event(FAILED, first.run_id, time.time(), "evt_1")
    assert post(url, secret, early, "wh_early") == 204
    eventually(lambda: kept("wh_early").outcome == "looked")
    assert job_of(first.id).status == JobStatus.RUNNING

    # The same a hundred times at once, on top of what the provider itself sends twice.
    stage.witness.plan_webhooks("twice")
    stage.witness.change_run(first.run_id, status="succeeded", fine_tuned_model=MODEL)
    body, answers = event(SUCCEEDED, first.run_id, time.time(), "evt_2"), []
    together = threading.Barrier(20)

    def storm():
        together.wait(30)
        answers.extend(post(url, secret, body, "wh_storm") for _ in range(HUNDRED // 20))

    run_together(storm, 20)
    assert answers == [204] * HUNDRED
    assert kept("wh_storm").times == HUNDRED
    ends(stage, first.id, JobStatus.SUCCEEDED)
    assert models_of(first.id) == 1
    (told,) = eventually(lambda: [one for one in stage.witness.webhooks if one["is_over"]])
    assert kept(told["id"]).times == 2

    # Of nobody's run, of another's signature, of long ago, and three days late.
    assert post(url, secret, event(SUCCEEDED, "ftjob-nobody", 1, "evt_3"), "wh_nobody") == 204
    assert kept("wh_nobody").outcome == "unknown"
    assert post(url, OTHER_SECRET, body, "wh_other") == 400
    assert post(url, secret, body, "wh_old", at=time.time() - 400) == 400
    late = event(FAILED, first.run_id, time.time() - 3 * 86_400, "evt_4")
    assert post(url, secret, late, "wh_late") == 204
    assert kept("wh_late").outcome == "known"
    assert job_of(first.id).status == JobStatus.SUCCEEDED

    # Before the order's own answer is here.
    stage.witness.script(Fault(CREATE_RUN, end="answer", commits=True, delay=4))
    second_id = stage.queue_job(key="form:2")
    run = eventually(lambda: stage.witness.runs[:1] if len(stage.witness.runs) > 1 else None, 60)[0]
    stage.witness.change_run(run["id"], status="succeeded", fine_tuned_model=f"{MODEL}2")
    ends(stage, second_id, JobStatus.SUCCEEDED)
    assert job_of(second_id).run_id == run["id"]
    assert models_of(second_id) == 1
    assert len(stage.witness.creates) == len(stage.witness.runs) == 2
    stage.invariants_hold()


@pytest.mark.full
@on("sqlite", "postgresql")
def test_F19_without_webhooks_looks_alone_see_every_end(stage):
    hooked(stage)
    lost, unheard = (stage.settled(stage.queue_job(key=f"form:{n}")) for n in range(2))
    stage.witness.plan_webhooks("lost")
    stage.witness.change_run(lost.run_id, status="succeeded", fine_tuned_model=MODEL)
    ends(stage, lost.id, JobStatus.SUCCEEDED)

    stage.kill("web")
    stage.witness.change_run(unheard.run_id, status="failed")
    ends(stage, unheard.id, JobStatus.FAILED)

    told = eventually(lambda: [one for one in stage.witness.webhooks if one["how"] == "sent"])[0]
    eventually(lambda: stage.witness.webhooks[-1]["is_over"])
    assert set(stage.witness.webhooks[-1]["answers"]) == {None}, told
    with read_only() as session:
        assert session.query(HookDelivery).count() == 0
    stage.invariants_hold()
