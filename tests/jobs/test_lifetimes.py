"""A job is warned of the day its base model stops, and refused where it could not end before."""

from datetime import timedelta

import pytest

from app.auth.models import User
from app.catalog import owners
from app.connections.models import Connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.jobs import starts, tasks
from app.jobs.lifetimes import Wish, outlook
from app.jobs.models import Job, JobStatus
from tests import make
from tests.catalog.rows import Shop, day_of, days, lists, today
from tests.jobs.steps import attempts_of, log_of, queue_job
from tests.stage import one_database

MINI = make.BASE_MODEL


@pytest.fixture
def shop(team):
    with unit_of_work() as session:
        yield Shop(session, team)


def looked(shop, connection=None, base=MINI, tokens=None):
    return outlook(shop.session, Wish(connection or shop.openai, base, tokens))


def move(session, user, key, day):
    owners.change_day(session, user=user, key=key, day=day, why="Moved.", source_url=None)


def moved(team, key, *, by):
    """The instance's owner says another day: so many days from today."""
    with unit_of_work() as session:
        move(session, session.get_one(User, team.users["owner"]), key, today(session) + days(by))


def order(team, **changes):
    body = {
        "connection_id": team.connection_id,
        "base_model": MINI,
        "training_version_id": team.version_id,
    }
    return {**body, **changes}


def test_the_answer_to_a_script_warns_of_the_day_and_names_its_source(team, script):
    made = script(team.users["editor"]).post(f"/projects/{team.project_id}/jobs", json=order(team))
    assert made.status_code == 201
    (warning,) = made.json()["warnings"]
    last = day_of("openai-gpt-4")
    assert f"stops on {last.day} {last:%B %Y}, in 47 days, at OpenAI" in warning
    assert "deprecations page, read 22 November 2026: https://" in warning


def test_a_script_is_refused_where_its_platform_takes_no_more_jobs_with_the_day_and_its_source(
    team, script
):
    moved(team, "openai-jobs", by=-1)
    refused = script(team.users["editor"]).post(
        f"/projects/{team.project_id}/jobs", json=order(team)
    )
    assert refused.status_code == 409
    told = refused.json()
    assert told["detail"].startswith("OpenAI takes no new fine-tuning jobs since ")
    assert make.problem_fields(refused) == {"base_model": told["detail"]}
    with read_only() as session:
        assert told["stop"]["day"] == (today(session) - days(1)).isoformat()
        assert session.query(Job).count() == 0
    assert told["stop"]["origin"] == "owner"
    assert told["stop"]["source"] == "Owner, for this instance: Moved."


def test_the_form_warns_in_its_receipt_and_says_at_the_field_why_it_refuses(team, browser):
    editor = browser(team.users["editor"])
    fields = {name: str(value) for name, value in order(team).items()}
    path = f"/projects/{team.project_id}/jobs"
    receipt = editor.client.get(f"{path}/receipt", params=fields, headers=editor.headers).text
    assert "in 47 days, at OpenAI" in receipt
    assert "aria-disabled" not in receipt

    moved(team, "openai-gpt-4", by=0)
    receipt = editor.client.get(f"{path}/receipt", params=fields, headers=editor.headers).text
    assert "stops today at OpenAI" in receipt
    assert 'aria-disabled="true"' in receipt
    answer = editor.post(path, fields)
    assert answer.status_code == 409
    assert 'id="base_model-error"' in answer.text
    assert "stops today at OpenAI" in answer.text


@one_database
def test_the_last_day_for_new_jobs_is_a_day_for_new_jobs(shop):
    move(shop.session, shop.owner, "openai-jobs", today(shop.session))
    assert looked(shop).refusal is None
    move(shop.session, shop.owner, "openai-jobs", today(shop.session) - days(1))
    assert looked(shop).refusal is not None


@one_database
def test_a_base_that_has_stopped_is_refused_and_the_provider_is_believed(shop):
    assert "stopped on" in looked(shop, base="gpt-4.1-nano-2025-04-14").refusal.message
    lists(shop.session, shop.openai.id, **{MINI: today(shop.session) - days(1)})
    refusal = looked(shop).refusal
    assert refusal.said.origin == "provider"
    assert "OpenAI's list of models" in refusal.message


@one_database
def test_a_job_that_would_end_too_late_is_refused_by_the_speed_of_the_last_one(shop):
    model = shop.model("ft:m")
    done = shop.session.get_one(Job, model.job_id)
    done.trained_tokens, done.status = 1000, JobStatus.SUCCEEDED
    done.training_since, done.ended_at = done.created_at, done.created_at + timedelta(seconds=1000)
    shop.session.flush()
    until_then = (day_of("openai-gpt-4") - today(shop.session)).days * 86_400

    assert looked(shop, tokens=1000).refusal is None
    late = looked(shop, tokens=until_then)
    assert late.refusal.message.startswith("It would end about ")
    assert looked(shop, tokens=until_then - 2 * 86_400).refusal is None
    assert looked(shop, tokens=10**15).refusal is not None
    with pytest.raises(Conflict):
        raise late.refusal.error()


@one_database
def test_azure_tunes_on_after_a_base_retires_and_what_is_only_not_before_refuses_nothing(shop):
    azure = shop.azure()
    assert looked(shop, azure, "o4-mini-2025-04-16").refusal is None
    seen = looked(shop, azure)
    served = day_of("azure-gpt-4o-deployments")
    assert seen.refusal is None
    assert f"what is tuned on it is served until {served.day} {served:%B %Y}" in seen.warnings[0]

    clock.shift((day_of("azure-gpt-4o-training") - today(shop.session)).days * 86_400)
    assert looked(shop, azure).refusal is None
    assert looked(shop, azure).warnings[0].startswith("Azure OpenAI may take no new jobs")


@one_database
def test_what_is_more_than_180_days_away_is_not_worth_a_warning(shop):
    move(shop.session, shop.owner, "openai-gpt-4", today(shop.session) + days(180))
    assert len(looked(shop).warnings) == 1
    move(shop.session, shop.owner, "openai-gpt-4", today(shop.session) + days(181))
    assert looked(shop).warnings == ()


@one_database
@pytest.mark.parametrize("profile", ["luthier", "compatible"])
def test_practice_and_ones_own_hardware_know_no_days(shop, profile):
    shop.openai.profile = profile
    clock.shift(3 * 365 * 86_400)
    assert looked(shop) == (None, ())


def test_a_start_is_refused_when_the_day_changed_after_the_form_and_nothing_is_sent(
    workshop, witness
):
    job_id = queue_job(workshop)
    moved(workshop, "openai-gpt-4", by=-1)
    tasks.start(job_id)
    with read_only() as session:
        job = session.get_one(Job, job_id)
        assert job.status == JobStatus.FAILED
        assert job.error.endswith("Nothing was ordered.")
        assert (job.due_at, job.lease_until) == (None, None)
    assert witness.journal.read() == []
    assert attempts_of(job_id) == []
    assert "stopped on" in log_of(job_id)[0]


def test_the_day_is_looked_at_once_more_in_the_unit_that_writes_the_order_down(workshop):
    job_id = queue_job(workshop)
    with unit_of_work() as session:
        work = starts.claim_start(session, job_id)
    moved(workshop, "openai-jobs", by=-1)
    with unit_of_work() as session:
        assert starts.write_order(session, work) is None
        assert session.get_one(Job, job_id).status == JobStatus.FAILED
    assert attempts_of(job_id) == []


def test_an_order_without_an_answer_is_looked_for_whatever_stops(workshop):
    job_id = queue_job(workshop)
    with unit_of_work() as session:
        work = starts.claim_start(session, job_id)
        starts.write_order(session, work)
        job = session.get_one(Job, job_id)
        job.lease_until = job.due_at = job.created_at
    moved(workshop, "openai-gpt-4", by=-1)
    with unit_of_work() as session:
        assert starts.claim_start(session, job_id).doubt is not None


def test_the_page_of_a_job_says_when_its_base_stops_and_who_says_so(team, browser):
    with unit_of_work() as session:
        shop = Shop(session, team)
        lists(session, shop.openai.id, **{MINI: today(session) + days(5)})
        job = shop.job()
        assert session.get_one(Connection, job.connection_id).profile == "openai"
    shown = browser(team.users["viewer"]).get(f"/jobs/{job.id}").text
    assert "The base model stops on" in shown
    assert "OpenAI&#39;s list of models" in shown
