"""Webhooks that come in: each has one effect, and none is more than a hint."""

import base64
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.connections import hook_setup, hooks, queries_hooks
from app.connections.hook_secrets import OVERLAP, secrets_at
from app.connections.keyring import reseal_keys
from app.connections.models import Connection, Hook
from app.connections.service import forget_hook
from app.core import clock, secrets
from app.core.database import read_only, unit_of_work
from app.jobs import tasks, tasks_orphans
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from app.settings import settings
from app.upkeep import service as housekeeping
from app.upkeep import tasks as upkeep
from tests import make
from tests.conftest import SECRET as INSTANCES
from tests.hooks import (
    CANCELLED,
    FAILED,
    OTHER_SECRET,
    SECRET,
    deliver,
    deliveries,
    event,
    give_hook,
    hook_of,
    signed,
)
from tests.jobs.steps import bring_into_doubt, queue_job
from tests.stage import connection_of, job_of, make_team, one_database, run_together


def now():
    with read_only() as session:
        return clock.now(session)


def postpone(connection_id, **fields):
    """Nothing is due for an hour."""
    with unit_of_work() as session:
        connection = session.get_one(Connection, connection_id)
        connection.due_at = clock.now(session) + timedelta(hours=1)
        connection.lease_until = None
        for name, value in fields.items():
            setattr(connection, name, value)


@pytest.fixture
def job(workshop, letters):
    """A job whose run goes on, and which nobody looks at for an hour."""
    job_id = queue_job(workshop)
    tasks.start(job_id)
    postpone(workshop.connection_id)
    letters.tasks.clear()
    return job_id


@pytest.fixture
def path(workshop):
    return give_hook(workshop.connection_id)


def test_news_of_a_run_bring_the_next_look_forward_and_are_not_believed(
    workshop, client, job, path, letters, witness
):
    run_id = job_of(job).run_id
    before = len(witness.journal.read())

    assert deliver(client, path, signed(event(run_id, FAILED))) == 204

    assert connection_of(workshop.connection_id).due_at <= now()
    assert ("jobs.sweep", (workshop.connection_id,)) in letters.tasks
    assert len(witness.journal.read()) == before, "no provider is asked by the receiver"
    (kept,) = deliveries(workshop.connection_id)
    assert (kept.type, kept.run_id, kept.outcome, kept.times) == (FAILED, run_id, "looked", 1)
    letters.deliver()
    assert job_of(job).status == JobStatus.RUNNING, "the provider's list says that it goes on"


def test_the_end_that_a_webhook_announces_is_kept_by_the_look_that_follows(
    workshop, client, job, path, letters, witness
):
    run_id = job_of(job).run_id
    witness.change_run(run_id, status="cancelled")
    assert deliver(client, path, signed(event(run_id, CANCELLED))) == 204
    letters.deliver()
    assert job_of(job).status == JobStatus.CANCELLED
    assert deliver(client, path, signed(event(run_id))) == 204
    assert deliveries(workshop.connection_id)[0].outcome == "known"


def test_the_same_delivery_again_is_counted_and_does_nothing(workshop, client, job, path, letters):
    one = signed(event(job_of(job).run_id))
    assert deliver(client, path, one) == 204
    postpone(workshop.connection_id)
    letters.tasks.clear()
    for _ in range(3):
        assert deliver(client, path, one) == 204
    assert connection_of(workshop.connection_id).due_at > now()
    assert letters.tasks == []
    (kept,) = deliveries(workshop.connection_id)
    assert kept.times == 4


def test_a_hundred_at_once_have_one_effect(real_database, client_of_real, letters):
    team, client, path = client_of_real
    one = signed(event("ftjob-1"))
    letters.nudges.clear()
    answers = []
    run_together(lambda: answers.append(deliver(client, path, one)), times=100)
    assert set(answers) == {204}
    (kept,) = deliveries(team.connection_id)
    assert kept.times == 100
    assert letters.nudges == [f"connection:{team.connection_id}"]


@pytest.fixture
def client_of_real(real_database, _app):
    """Without the shared transaction: everybody commits."""
    team = make_team(make.PUBLIC_URL, "sk-0123456789abcdef")
    path = give_hook(team.connection_id)
    client = TestClient(_app, base_url="http://127.0.0.1:8000")
    client.app.state.hub = None
    return team, client, path


@one_database
def test_an_unknown_address_and_a_wrong_signature_are_told_no_more_than_that(
    workshop, client, path
):
    for one in (signed(event("x")), signed(event("x"), secret=OTHER_SECRET)):
        answer = client.post("/hooks/" + "x" * 43, content=one.body, headers=one.headers)
        assert (answer.status_code, answer.content) == (404, b"")
    wrong = signed(event("x"), secret=OTHER_SECRET)
    late = signed(event("x"), at=1)
    for one in (wrong, late, signed(b"[]")):
        answer = client.post(path, content=one.body, headers=one.headers)
        assert (answer.status_code, answer.content) == (400, b"")
    assert client.post(path, content=b"{}").status_code == 400
    assert deliveries(workshop.connection_id) == []
    assert "does not fit the secret" in hook_of(workshop.connection_id).refused_words


@one_database
def test_refusals_are_told_to_the_owner_once_for_many(workshop, client, path):
    deliver(client, path, signed(event("x"), secret=OTHER_SECRET))
    first = hook_of(workshop.connection_id).refused_at
    deliver(client, path, signed(event("x"), at=1))
    assert hook_of(workshop.connection_id).refused_at == first
    clock.shift(60)
    deliver(client, path, signed(event("x"), at=1))
    assert "5 min are the most" in hook_of(workshop.connection_id).refused_words


@one_database
def test_a_delivery_before_the_secret_is_here_says_so(workshop, client):
    path = give_hook(workshop.connection_id, secret=None)
    assert deliver(client, path, signed(event("x"))) == 400
    assert "before its signing secret" in hook_of(workshop.connection_id).refused_words


@one_database
def test_more_than_64_kb_are_not_read(workshop, client, path):
    body = b'{"type": "x", "x": "' + b"x" * 65_536 + b'"}'
    assert deliver(client, path, signed(body)) == 413
    whole = b'{"type": "x", "x": "' + b"x" * 65_000 + b'"}'
    assert deliver(client, path, signed(whole)) == 204
    for name in ("upload", "datasets"):  # where a path ends so, a file may come elsewhere
        assert client.post(f"/hooks/{name}", content=body).status_code == 413


@one_database
def test_another_connections_secret_does_not_open_this_one(workshop, client, path):
    with unit_of_work() as session:
        project = session.get_one(Project, workshop.project_id)
        other = make.make_connection(session, project, name="Other")
    other_path = give_hook(other.id, OTHER_SECRET)
    assert deliver(client, path, signed(event("x"), secret=OTHER_SECRET)) == 400
    assert deliver(client, other_path, signed(event("x"), secret=OTHER_SECRET)) == 204


@one_database
def test_a_run_of_nobody_or_of_another_connection_changes_nothing(
    workshop, client, job, path, letters
):
    with unit_of_work() as session:
        project = session.get_one(Project, workshop.project_id)
        other = make.make_connection(session, project, name="Other")
    postpone(other.id)
    other_path = give_hook(other.id)
    for run_id in ("ftjob-of-nobody", job_of(job).run_id):
        assert deliver(client, other_path, signed(event(run_id))) == 204
    assert {one.outcome for one in deliveries(other.id)} == {"unknown"}
    assert connection_of(other.id).due_at > now()
    assert connection_of(workshop.connection_id).due_at > now()
    assert letters.tasks == []


@one_database
def test_other_events_and_those_without_a_run_are_kept_and_ignored(workshop, client, job, path):
    for body in (event(job_of(job).run_id, "batch.completed"), event("../x"), event(None)):
        assert deliver(client, path, signed(body)) == 204
    assert {one.outcome for one in deliveries(workshop.connection_id)} == {"ignored"}
    assert connection_of(workshop.connection_id).due_at > now()


def test_a_webhook_that_is_faster_than_the_orders_answer_lets_the_run_be_found(
    workshop, client, path, letters, witness
):
    job_id = bring_into_doubt(workshop, witness, is_made=True)
    witness.set(visible_at={run["id"]: 0 for run in witness.runs})
    postpone(workshop.connection_id, orphans_due_at=now() + timedelta(hours=1))
    (run,) = witness.runs

    assert deliver(client, path, signed(event(run["id"]))) == 204

    assert deliveries(workshop.connection_id)[0].outcome == "searched"
    soon = connection_of(workshop.connection_id).orphans_due_at
    assert soon - now() <= timedelta(seconds=1), "a sixtieth of 15 s"
    clock.shift(1)
    tasks_orphans.look_for_orphans(workshop.connection_id)
    assert job_of(job_id).run_id == run["id"]
    assert len(witness.creates) == 1


@one_database
def test_many_hints_bring_no_more_looks_than_somebody_who_watches(workshop, client, job, path):
    run_id = job_of(job).run_id
    deliver(client, path, signed(event(run_id)))
    tasks.sweep(workshop.connection_id)
    postpone(workshop.connection_id)
    deliver(client, path, signed(event(run_id)))
    wait = connection_of(workshop.connection_id).due_at - now()
    assert timedelta(seconds=3) < wait <= timedelta(seconds=5)


@one_database
def test_a_look_that_is_out_is_followed_by_another(workshop, client, job, path):
    """What it sees may be older than the news."""
    postpone(workshop.connection_id)
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        connection.lease_until = clock.now(session) + timedelta(seconds=20)
        connection.due_at = clock.now(session) - timedelta(seconds=3)
    before = now()
    deliver(client, path, signed(event(job_of(job).run_id)))
    assert connection_of(workshop.connection_id).due_at >= before


@one_database
def test_a_hint_hurries_nobody_past_a_wait_or_a_refused_key(workshop, client, job, path):
    until = now() + timedelta(minutes=10)
    postpone(workshop.connection_id, not_before=until)
    deliver(client, path, signed(event(job_of(job).run_id)))
    assert connection_of(workshop.connection_id).due_at == until
    postpone(workshop.connection_id, not_before=None, refused_at=until)
    deliver(client, path, signed(event(job_of(job).run_id)))
    assert connection_of(workshop.connection_id).due_at > until


@one_database
def test_after_a_week_deliveries_are_forgotten_and_their_replay_is_too_old(workshop, client, path):
    one = signed(event("ftjob-1"))
    deliver(client, path, one)
    clock.shift(hooks.KEPT.total_seconds() - 60)
    with unit_of_work() as session:
        hooks.forget_old(session)
    assert len(deliveries(workshop.connection_id)) == 1
    clock.shift(hooks.KEPT.total_seconds() + 60)
    with unit_of_work() as session:
        row = housekeeping.begin(session)
        row.due_at = clock.now(session)
    upkeep.keep(row.id)
    assert deliveries(workshop.connection_id) == []
    assert deliver(client, path, one) == 400


@one_database
def test_the_old_secret_is_good_for_a_day_after_a_rotation(workshop, client, path):
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        hook_setup.keep_by_hand(session, connection, OTHER_SECRET, actor_id=workshop.users["owner"])
    for secret in (SECRET, OTHER_SECRET):
        assert deliver(client, path, signed(event("x"), secret=secret)) == 204
    clock.shift(OVERLAP.total_seconds() + 1)
    at = now().timestamp()
    assert deliver(client, path, signed(event("x"), secret=SECRET, at=at)) == 400
    assert deliver(client, path, signed(event("x"), secret=OTHER_SECRET, at=at)) == 204
    with unit_of_work() as session:
        hooks.forget_old(session)
    assert hook_of(workshop.connection_id).sealed_old_secret is None


@one_database
def test_what_is_sealed_opens_for_its_own_webhook_alone(workshop, path):
    with unit_of_work() as session:
        hook = queries_hooks.hook_of(session, workshop.connection_id)
        assert SECRET.encode() not in hook.sealed_secret
        hook.sealed_secret, hook.sealed_token = hook.sealed_token, hook.sealed_secret
        assert secrets_at(hook, clock.now(session)) == []
        with pytest.raises(secrets.SealBroken):
            secrets.unseal(hook.sealed_secret, aad="token of webhook")


@one_database
def test_the_instances_secret_is_rotated_with_the_webhooks_in_it(
    workshop, client, path, monkeypatch
):
    fresh = base64.urlsafe_b64encode(bytes(range(50, 82))).decode()
    monkeypatch.setenv("LUTHIER_OLD_SECRET", INSTANCES)
    monkeypatch.setenv("LUTHIER_SECRET", fresh)
    settings.cache_clear()
    secrets._ring.cache_clear()
    with unit_of_work() as session:
        reseal_keys(session)
    monkeypatch.delenv("LUTHIER_OLD_SECRET")
    settings.cache_clear()
    secrets._ring.cache_clear()
    assert deliver(client, path, signed(event("x"))) == 204


def test_a_removed_webhook_is_an_unknown_address(workshop, client, path):
    one = signed(event("x"))
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        forget_hook(session, connection, actor_id=workshop.users["owner"])
    assert deliver(client, path, one) == 404
    with read_only() as session:
        assert session.query(Hook).count() == 0
        assert session.query(Job).count() == 0
