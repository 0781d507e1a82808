"""What the project is told of its jobs, and that it is told once."""

import threading

import pytest

from app.auth.models import User
from app.connections import standing
from app.connections.models import Connection
from app.core import clock, instance, leases
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs import doubts, looks, orphans, queries_orders, service, tasks
from app.jobs.models import Job, JobStatus, StartAttempt
from app.notices.telling import Topic, tell
from app.projects.models import Project
from app.providers.base import KeyRejected
from tests import make
from tests.notices.steps import notices_of
from tests.notices.test_pages import at, unread
from tests.stage import make_team, one_database, run_together


def end(job_id, status, **more):
    with unit_of_work() as session:
        service.end(session, session.get_one(Job, job_id), status, **more)


def give_up(job_id):
    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        (attempt,) = queries_orders.unproved_attempts(session, job_id)
        looks.give_up(session, job, attempt, looks.NEVER_SHOWN)


def words_of(team):
    return [(one.topic, one.title) for one in notices_of(team)]


def say(team, key="a", topic=Topic.BUDGET, **more):
    with unit_of_work() as session:
        tell(
            session,
            project_id=team.project_id,
            topic=topic,
            key=key,
            **{"title": "Half is spent", "text": "Of $100.", "path": "/", **more},
        )


@pytest.fixture
def job_id(team):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        return make.make_job(session, project, connection, version).id


@pytest.mark.parametrize(
    ("status", "words"),
    [("succeeded", "succeeded"), ("failed", "failed"), ("cancelled", "was cancelled"),
     ("vanished", "vanished")],
)  # fmt: skip
@one_database
def test_the_end_of_a_job_is_told_once_and_to_whom_it_belongs(team, job_id, browser, status, words):
    end(job_id, JobStatus(status), error="The reason.")
    end(job_id, JobStatus.FAILED, error="Late.")
    ((topic, title),) = words_of(team)
    assert topic == "job_ended"
    assert title.endswith(words)
    assert unread(browser, team, "owner") == "1 new"
    assert unread(browser, team, "viewer") == ""
    page = browser(team.users["viewer"]).get(at(team)).text
    for shown in (title, f'href="/jobs/{job_id}"', "a job ended", "not asked of you"):
        assert shown in page
    assert title in browser(team.users["owner"]).get(f"/projects/{team.project_id}").text


def test_whoever_cancelled_it_knows(team, job_id, browser):
    with unit_of_work() as session:
        service.cancel_job(session, session.get_one(Job, job_id), actor_id=team.users["owner"])
    assert [topic for topic, _ in words_of(team)] == ["job_ended"]
    assert unread(browser, team, "owner") == ""


@one_database
def test_a_run_that_ends_cancelled_was_cancelled_by_whoever_asked(team, job_id, browser):
    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        job.status, job.run_id = JobStatus.RUNNING, "ftjob-1"
    with unit_of_work() as session:
        service.cancel_job(session, session.get_one(Job, job_id), actor_id=team.users["owner"])
    end(job_id, JobStatus.CANCELLED)
    assert unread(browser, team, "owner") == ""


@one_database
def test_a_colleague_who_cancels_it_is_news_to_whose_it_is(team, job_id, browser):
    with unit_of_work() as session:
        service.cancel_job(session, session.get_one(Job, job_id), actor_id=team.users["editor"])
    assert unread(browser, team, "owner") == "1 new"


@one_database
def test_what_came_home_from_a_provider_is_no_news(team, job_id):
    with unit_of_work() as session:
        session.get_one(Job, job_id).rescued_at = clock.now(session)
    end(job_id, JobStatus.SUCCEEDED)
    assert words_of(team) == []


@one_database
def test_a_restored_instance_tells_nothing_until_somebody_has_looked(team, job_id):
    with unit_of_work() as session:
        moment = clock.now(session)
        session.add(
            instance.Instance(
                id=instance.ONLY, tag="f" * 16, backed_up_at=moment, restored_at=moment
            )
        )
    end(job_id, JobStatus.SUCCEEDED)
    assert words_of(team) == []


def test_a_job_in_doubt_asks_everybody_and_again_after_another_search(team, job_id, browser):
    with unit_of_work() as session:
        moment = clock.now(session)
        session.add(StartAttempt(job_id=job_id, number=1, fence=1, sent_at=moment))
    give_up(job_id)
    give_up(job_id)
    with unit_of_work() as session:
        job, user = session.get_one(Job, job_id), session.get_one(User, team.users["owner"])
        doubts.look_again(session, job, user=user)
    give_up(job_id)
    assert [topic for topic, _ in words_of(team)] == ["needs_decision"] * 2
    assert unread(browser, team, "viewer") == "2 new"


@one_database
def test_a_stray_run_asks_everybody_once(team, job_id):
    for _ in range(2):
        with unit_of_work() as session:
            connection = session.get_one(Connection, team.connection_id)
            job = session.get_one(Job, job_id)
            orphans.note(session, connection, make.make_report("ftjob-stray"), job)
    ((topic, title),) = words_of(team)
    assert topic == "needs_decision"
    assert title.startswith("A run of ")


@one_database
def test_a_key_that_worked_and_is_refused_asks_everybody_once(team):
    for answered in (False, True):
        with unit_of_work() as session:
            connection = session.get_one(Connection, team.connection_id)
            connection.answered_at = clock.now(session) if answered else None
            connection.refused_at = None
            for _ in range(2):
                standing.record_failure(session, connection, KeyRejected("No.", said="Revoked."))
        assert len(words_of(team)) == answered
    ((topic, title),) = words_of(team)
    assert topic == "needs_decision"
    assert title.endswith("needs another key")


def test_a_start_over_which_three_workers_died_asks_everybody_once(team, job_id, letters):
    for fence in (3, 6):
        with unit_of_work() as session:
            job = session.get_one(Job, job_id)
            job.due_at, job.attempts, job.fence = clock.now(session), leases.POISON_AFTER, fence
        for _ in range(2):
            letters.ring(tasks.waiting)
            letters.deliver()
    assert [topic for topic, _ in words_of(team)] == ["needs_decision"] * 2


def test_one_key_is_told_once_in_a_topic_and_a_project(team):
    for key in ("a", "a", "b"):
        say(team, key)
    assert len(notices_of(team)) == 2


@one_database
def test_a_unit_of_work_that_fails_tells_nothing(team):
    with pytest.raises(RuntimeError), unit_of_work() as session:
        tell(session, project_id=team.project_id, topic=Topic.BUDGET, key="a", title="t", text="",
             path="/")  # fmt: skip
        raise RuntimeError
    assert notices_of(team) == []


@one_database
def test_a_title_of_many_lines_is_one_line(team):
    say(team, title="a\r\nBcc: b\n\n" + "c" * 500)
    (one,) = notices_of(team)
    assert one.title.startswith("a Bcc: b ccc")
    assert len(one.title) == 400


def test_two_workers_at_once_tell_a_key_once(real_database):
    team = make_team(make.PUBLIC_URL, "sk-0123456789abcdef")
    together, failed = threading.Barrier(4), []

    def work():
        try:
            together.wait(10)
            say(team)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)

    run_together(work, 4)
    assert failed == []
    assert len(notices_of(team)) == 1
