"""A model that is asked again by itself: once a moment, held against what it said before."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.auth.models import User
from app.connections import standing
from app.connections.models import Connection
from app.core import clock, instance
from app.core.database import unit_of_work
from app.core.errors import Conflict, WrongInput
from app.core.instance import Instance
from app.evaluations import service as evaluations
from app.evaluations.drift import looking, moments, queries, service, tasks
from app.evaluations.drift.forms import ScheduleForm
from app.evaluations.drift.models import Every, Look, Schedule
from app.evaluations.models import Contestant, Evaluation, EvaluationRun
from app.evaluations.queries import evaluation_by_id
from app.evaluations.reports import tasks as reports
from app.notices.models import Notice, Topic
from app.projects.models import Membership
from tests.budgets.steps import set_budget
from tests.evaluations.steps import begin, run_of, start
from tests.stage import one_database, read
from tests.witness.script import CHAT, Fault

TUNED = "ft:gpt-4o-mini-2024-07-18:acme::june"  # with a price
ROWS, DAY, WEEK = 12, 86_400, 7 * 86_400
NO = {
    "id": "chatcmpl-2",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": TUNED,
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "No."}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
}


@pytest.fixture
def asked(workshop, witness, letters):
    """A run that is done: its evaluation, and who answered."""
    witness.set(models=[{"id": TUNED, "object": "model"}])
    evaluation_id = begin(workshop)
    letters.deliver()
    run_id = start(workshop, evaluation_id, TUNED, settings={"temperature": 0.5})
    finish(letters)
    return evaluation_id, run_of(run_id).contestants[0].id


@pytest.fixture
def again(workshop, asked):
    """Have it asked again every week; the schedule's id."""

    def do(**form):
        evaluation_id, contestant_id = asked
        with unit_of_work() as session:
            sent = ScheduleForm.model_validate({"contestant_id": contestant_id, **form})
            evaluation = evaluation_by_id(session, evaluation_id)
            owner = workshop.users["owner"]
            return service.ask_again(session, evaluation, actor_id=owner, form=sent).id

    return do


def finish(letters):
    """Everything that was asked for is answered and reckoned."""
    letters.deliver()
    for _, report_id in reports.waiting():
        reports.report(report_id)


def ring():
    """What the clock finds to be due."""
    for name, row_id in tasks.waiting():
        {"drift.look": tasks.look, "drift.compare": tasks.compare}[name](row_id)


def pass_by(seconds, letters):
    """So much later a worker looks, and the run that it begins comes to its end."""
    clock.shift(seconds)
    ring()
    finish(letters)
    ring()


def looks(schedule_id):
    with unit_of_work() as session:
        return list(reversed(queries.looks_of(session, [schedule_id])))


def runs():
    with unit_of_work() as session:
        return session.query(EvaluationRun).count()


def told(topic):
    with unit_of_work() as session:
        return session.query(Notice).filter_by(topic=topic).order_by(Notice.id).all()


def test_a_model_is_asked_the_same_afresh_each_week_beside_what_it_said_before(
    workshop, witness, letters, asked, again, browser, script
):
    evaluation_id, contestant_id = asked
    schedule_id = again()
    assert tasks.waiting() == [], "a week has not passed"
    pass_by(WEEK + 60, letters)
    (look,) = looks(schedule_id)
    run = run_of(look.run_id)
    assert (run.origin, run.created_by) == ("asked again by itself", workshop.users["owner"])
    assert run.settings == {**run_of(asked_run(contestant_id)).settings, "fresh": True}
    assert [(one.kind, one.graded, one.recorded_id) for one in run.contestants] == [
        ("model", ROWS, None), ("recorded", ROWS, contestant_id),
    ]  # fmt: skip
    assert len(witness.journal.read(CHAT)) == 2 * ROWS, "afresh, and the old ones not again"
    assert (look.drift["verdict"]["kind"], look.drift["is_shown"]) == ("same", False)
    assert [one["value"] for one in look.scores] == [1.0, 1.0]
    assert told(Topic.DRIFT) == []
    page = browser(workshop.users["viewer"]).get(f"/evaluations/{evaluation_id}/schedules").text
    assert "did equally well in every one of 12 cases" in page
    assert "Score over time" in page
    assert "Pause" not in page, "viewers spend nothing"
    said = script(workshop.users["viewer"]).get(f"/evaluations/{evaluation_id}/schedules").json()
    assert said["data"][0]["looks"][0]["run_id"] == look.run_id
    assert "equally well" in said["data"][0]["looks"][0]["words"]


def asked_run(contestant_id):
    return read(Contestant, contestant_id).run_id


@one_database
def test_a_model_that_answers_otherwise_has_drifted_and_the_project_is_told_once(
    workshop, witness, letters, again, browser
):
    schedule_id = again()
    witness.script(Fault(CHAT, body=json.dumps(NO), times=3 * ROWS))
    for week in (1, 2, 3):
        pass_by(week * WEEK + 60, letters)
    found = looks(schedule_id)
    assert [one.drift["is_shown"] for one in found] == [True] * 3
    assert [one.drift["look"] for one in found] == [1, 2, 3]
    (notice,) = told(Topic.DRIFT)
    assert "has drifted" in notice.title
    assert "answers 100.0 points fewer cases correctly" in notice.text
    assert notice.path == f"/evaluation-runs/{found[0].run_id}"
    assert notice.facts["schedule_id"] == schedule_id
    evaluation_id = read(Schedule, schedule_id).evaluation_id
    page = browser(workshop.users["owner"]).get(f"/evaluations/{evaluation_id}/schedules").text
    assert page.count(">drifted<") >= 3
    witness.calm()
    pass_by(4 * WEEK + 60, letters)
    assert looks(schedule_id)[-1].drift["verdict"]["kind"] == "same"
    assert len(told(Topic.DRIFT)) == 1


@one_database
def test_a_moment_is_looked_at_once_and_a_month_away_is_one_run(workshop, letters, again):
    schedule_id = again(every="day")
    clock.shift(DAY + 60)
    first = read(Schedule, schedule_id).due_at
    ring()
    tasks.look(schedule_id)  # a late letter does no harm
    assert (runs(), len(looks(schedule_id))) == (2, 1)
    finish(letters)
    ring()
    clock.shift(60)  # the clock jumps back
    ring()
    assert runs() == 2
    clock.shift(31 * DAY)  # nobody looked for a month
    ring()
    assert runs() == 3
    found = looks(schedule_id)
    assert found[0].moment == first
    assert read(Schedule, schedule_id).due_at - first == timedelta(days=31)
    with unit_of_work() as session:  # as if the moment had not been written down
        session.get_one(Schedule, schedule_id).due_at = first
        session.query(Look).delete()
    finish(letters)
    ring()
    assert (runs(), looks(schedule_id)[0].run_id) == (3, found[0].run_id)


@one_database
def test_a_time_whose_run_is_not_over_begins_no_second(workshop, letters, again):
    schedule_id = again()
    clock.shift(WEEK + 60)
    ring()
    run_id = looks(schedule_id)[0].run_id
    with unit_of_work() as session:
        evaluations.pause_run(session, run_id, actor_id=workshop.users["owner"])
    clock.shift(2 * WEEK + 60)
    ring()
    assert runs() == 2
    assert looks(schedule_id)[1].words == looking.NOT_OVER.format(number=2)
    with unit_of_work() as session:
        evaluations.stop_run(session, run_id, actor_id=workshop.users["owner"])
    ring()
    assert "nothing is compared" in looks(schedule_id)[0].words
    assert tasks.waiting() == []


@one_database
def test_without_money_nobody_is_asked_and_it_is_said(workshop, letters, again):
    schedule_id = again()
    set_budget(workshop, 0)
    clock.shift(WEEK + 60)
    ring()
    (look,) = looks(schedule_id)
    assert look.run_id is None
    assert look.words.startswith("Nobody was asked: ")
    assert read(Schedule, schedule_id).status == "active"
    assert len(told(Topic.BUDGET)) == 1
    assert tasks.waiting() == []


@pytest.mark.parametrize("how", ["left", "viewer", "disabled"])
@one_database
def test_who_set_it_must_still_be_allowed_to_spend(workshop, letters, again, browser, how):
    schedule_id = again()
    owner = workshop.users["owner"]
    with unit_of_work() as session:
        member = session.get_one(Membership, (workshop.project_id, owner))
        if how == "left":
            session.delete(member)
        elif how == "viewer":
            member.role = "viewer"
        else:
            session.get_one(User, owner).disabled_at = clock.now(session)
    clock.shift(WEEK + 60)
    ring()
    row = read(Schedule, schedule_id)
    assert (row.status, row.paused_by, row.words) == ("paused", "person", looking.NOBODY)
    assert (looks(schedule_id), len(told(Topic.NEEDS_DECISION))) == ([], 1)
    editor = browser(workshop.users["editor"])
    assert editor.post(f"/schedules/{schedule_id}/resume").status_code == 303
    row = read(Schedule, schedule_id)
    assert (row.status, row.created_by) == ("active", workshop.users["editor"])
    pass_by(2 * WEEK + 60, letters)
    assert len(looks(schedule_id)) == 1


@one_database
def test_a_refused_key_makes_it_wait_and_another_lets_it_go_on(workshop, letters, again):
    schedule_id = again()
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        connection.refused_at, connection.words = clock.now(session), "The key is refused."
    clock.shift(WEEK + 60)
    ring()
    row = read(Schedule, schedule_id)
    assert (row.status, row.paused_by, row.words) == ("paused", "key", "The key is refused.")
    with unit_of_work() as session:
        for go_on in standing.GO_ON:
            go_on(session, workshop.connection_id, None)
    row = read(Schedule, schedule_id)
    assert (row.status, row.words) == ("active", None)
    with unit_of_work() as session:
        assert row.due_at > clock.now(session), "what passed is not made up for"


@one_database
def test_it_ends_on_the_day_the_model_stops(workshop, letters, again, browser):
    schedule_id = again(every="month")
    evaluation_id = read(Schedule, schedule_id).evaluation_id
    page = f"/evaluations/{evaluation_id}/schedules"
    viewer = browser(workshop.users["viewer"])
    assert "next " in viewer.get(page).text
    clock.shift(31 * DAY + 60)
    ring()
    finish(letters)
    assert "not asked any more: it stops on" in browser(workshop.users["viewer"]).get(page).text
    clock.shift(62 * DAY + 60)  # gpt-4o-mini stops in 47 days
    before = runs()
    ring()
    row = read(Schedule, schedule_id)
    assert (row.status, row.due_at, runs()) == ("ended", None, before)
    assert "stopped on" in row.words
    with pytest.raises(Conflict), unit_of_work() as session:
        service.resume_schedule(session, schedule_id, actor_id=workshop.users["owner"])


@one_database
def test_a_cap_that_cannot_do_is_refused_and_one_that_does_holds(workshop, letters, asked, again):
    with unit_of_work() as session:
        evaluation = session.get_one(Evaluation, asked[0])
        tokens, evaluation.tokens = evaluation.tokens, 10_000_000
    with pytest.raises(WrongInput, match=r"One time is to cost about \$3\.00"):
        again(cap_usd="0.50")
    with unit_of_work() as session:
        session.get_one(Evaluation, asked[0]).tokens = tokens
    schedule_id = again(cap_usd="0.50")
    with pytest.raises(Conflict, match="already"):
        again()
    clock.shift(WEEK + 60)
    ring()
    assert run_of(looks(schedule_id)[0].run_id).cap == 500_000


@one_database
def test_the_form_begins_it_and_pages_pause_and_remove_it(
    workshop, letters, asked, browser, script
):
    evaluation_id, contestant_id = asked
    path = f"/evaluations/{evaluation_id}/schedules"
    editor = browser(workshop.users["editor"])
    assert path in editor.get(f"/evaluations/{evaluation_id}").text
    form = editor.get(f"{path}/new").text
    assert f'<option value="{contestant_id}">' in form
    wrong = editor.post(path, data={"contestant_id": "987654", "every": "hour"})
    assert wrong.status_code == 422
    assert "no such model" in editor.post(path, data={"contestant_id": "987654"}).text
    sent = {"contestant_id": str(contestant_id), "every": "day", "cap_usd": ""}
    assert editor.post(path, data=sent).status_code == 303
    assert editor.post(path, data=sent).status_code == 409
    with unit_of_work() as session:
        schedule_id = session.query(Schedule.id).scalar()
    assert editor.post(f"/schedules/{schedule_id}/pause").status_code == 303
    clock.shift(2 * DAY)
    assert tasks.waiting() == []
    editor, by_script = browser(workshop.users["editor"]), script(workshop.users["editor"])
    assert by_script.post(f"/schedules/{schedule_id}/resume").json()["status"] == "active"
    assert "scheduled asking again" in editor.get(f"/projects/{workshop.project_id}/activity").text
    assert editor.post(f"/schedules/{schedule_id}/remove").status_code == 303
    assert editor.post(f"/schedules/{schedule_id}/remove").status_code == 404


@one_database
def test_a_restored_instance_asks_nobody_until_a_person_says_so(workshop, letters, again):
    schedule_id = again()
    with unit_of_work() as session:
        moment = clock.now(session)
        session.add(
            Instance(id=instance.ONLY, tag="0" * 16, backed_up_at=moment, restored_at=moment)
        )
    clock.shift(WEEK + 60)
    assert tasks.waiting() == []
    tasks.look(schedule_id)
    assert looks(schedule_id) == []


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begins", "every", "moment", "next_one"),
    [
        ("2026-11-28T10:00", "day", "2026-11-28T10:00", "2026-11-29T10:00"),
        ("2026-11-28T10:00", "day", "2026-12-28T11:00", "2026-12-29T10:00"),
        ("2026-11-28T10:00", "week", "2026-12-05T10:00", "2026-12-12T10:00"),
        ("2026-11-28T10:00", "week", "2020-01-01T00:00", "2026-12-05T10:00"),
        ("2027-01-31T10:00", "month", "2027-01-31T10:00", "2027-02-28T10:00"),
        ("2027-01-31T10:00", "month", "2027-02-28T10:00", "2027-03-31T10:00"),
        ("2027-01-31T10:00", "month", "2028-02-29T09:00", "2028-02-29T10:00"),
        ("2026-11-28T10:00", "month", "2027-11-28T10:00", "2027-12-28T10:00"),
        ("2026-11-28T10:00", "month", "2020-01-01T00:00", "2026-12-28T10:00"),
    ],
)
def test_the_next_moment_is_counted_from_the_beginning(begins, every, moment, next_one):
    assert moments.following(at(begins), Every(every), at(moment)) == at(next_one)
