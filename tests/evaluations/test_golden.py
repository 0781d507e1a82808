"""Golden recordings: a model's answers kept for ever, and successors held against them."""

import pytest

from app.catalog.queries import model_by_id
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.datasets.models import DatasetVersion
from app.evaluations.golden import queries, service, tasks
from app.evaluations.golden.forms import CheckForm, RecordForm
from app.evaluations.golden.models import GoldenRecording, SuccessionCheck
from app.evaluations.models import EvaluationRun, Result
from app.projects.models import Project
from tests import make
from tests.catalog.rows import day_of
from tests.evaluations.steps import begin, run_of
from tests.stage import one_database, read
from tests.witness.script import CHAT

ROWS, TIMES = 12, 3


@pytest.fixture
def model_id(workshop):
    """A tuned model of the team, over the witness."""
    with unit_of_work() as session:
        project = session.get_one(Project, workshop.project_id)
        connection = session.get_one(Connection, workshop.connection_id)
        version = session.get_one(DatasetVersion, workshop.version_id)
        return make.make_model(session, project, connection, version).id


@pytest.fixture
def record(workshop, model_id, letters):
    """Record that model on the team's rows; the recording's id."""

    def do(key="golden:1", evaluation_id=None, **form):
        evaluation_id = evaluation_id or begin(workshop)
        letters.deliver()
        with unit_of_work() as session:
            asked = {"evaluation_id": evaluation_id, "repeats": TIMES, **form}
            made = service.record(
                session,
                service.tuned(model_by_id(session, model_id)),
                actor_id=workshop.users["owner"],
                form=RecordForm.model_validate(asked),
                request_key=key,
            )
            return made.id

    return do


def check(team, recording_id, *, key="check:1", margin=20.0):
    with unit_of_work() as session:
        return service.check(
            session,
            queries.recording_by_id(session, recording_id),
            actor_id=team.users["owner"],
            form=CheckForm(connection_id=team.connection_id, model=make.BASE_MODEL, margin=margin),
            request_key=key,
        ).id


def reckon():
    """What the clock finds to be due."""
    for name, row_id in tasks.waiting():
        {"golden.noise": tasks.noise, "golden.verdict": tasks.verdict}[name](row_id)
    assert tasks.waiting() == []


def test_a_recording_is_kept_and_says_how_much_the_model_differs_from_itself(
    workshop, witness, letters, record, browser
):
    recording_id = record()
    reckon()
    assert read(GoldenRecording, recording_id).noise is None, "it is not over"
    letters.deliver()
    reckon()
    recording = read(GoldenRecording, recording_id)
    run = run_of(recording.run_id)
    assert (run.status, run.is_frozen, run.origin) == ("done", True, "golden recording")
    assert len(witness.journal.read(CHAT)) == ROWS * TIMES
    assert recording.noise["repeats"] == TIMES
    assert recording.noise["disagreeing"]["value"] == 0
    page = browser(workshop.users["viewer"]).get(f"/golden/{recording_id}").text
    assert "in each of the 12 cases every time" in page
    assert "Ask it" not in page, "viewers spend nothing"


@one_database
def test_answers_that_differ_are_its_noise(workshop, letters, record):
    recording_id = record()
    run_id = read(GoldenRecording, recording_id).run_id
    letters.deliver()
    with unit_of_work() as session:
        flipped = session.query(Result).filter_by(run_id=run_id, repeat=1).order_by(Result.id)
        for one in flipped.limit(6):
            one.passed = False
        row = session.get_one(GoldenRecording, recording_id)
        row.noise, row.due_at = None, row.created_at
    assert tasks.waiting() == [("golden.noise", recording_id)]
    reckon()
    tasks.noise(recording_id)  # a late letter does no harm
    noise = read(GoldenRecording, recording_id).noise
    assert noise["disagreeing"]["value"] == 0.5
    assert noise["noise_floor"] > 0


def test_a_successor_is_asked_as_often_and_the_recorded_answers_are_not_asked_again(
    workshop, witness, letters, record, browser, script
):
    recording_id = record()
    with pytest.raises(Conflict, match="not complete"):
        check(workshop, recording_id)
    letters.deliver()
    check_id = check(workshop, recording_id)
    assert check(workshop, recording_id) == check_id
    with pytest.raises(Conflict, match="another run"):
        check(workshop, recording_id, margin=5.0)
    letters.deliver()
    reckon()
    assert len(witness.journal.read(CHAT)) == 2 * ROWS * TIMES
    found = read(SuccessionCheck, check_id)
    run = run_of(found.run_id)
    assert [(one.kind, one.graded) for one in run.contestants] == [
        ("model", ROWS * TIMES),
        ("recorded", ROWS * TIMES),
    ]
    assert (found.verdict["kind"], found.verdict["margin"]) == ("non_inferior", 0.2)
    page = browser(workshop.users["viewer"]).get(f"/golden/{recording_id}").text
    assert "at most 20 points worse" in page
    said = script(workshop.users["viewer"]).get(f"/golden/{recording_id}").json()
    assert make.BASE_MODEL in said["checks"][0]["words"]
    assert said["checks"][0]["margin"] == 20


@one_database
def test_the_same_click_records_once(workshop, letters, record):
    evaluation_id = begin(workshop)
    first = record(evaluation_id=evaluation_id)
    assert record(evaluation_id=evaluation_id) == first
    with unit_of_work() as session:
        assert session.query(EvaluationRun).count() == 1


def test_a_models_page_offers_it_and_the_form_begins_it(
    workshop, letters, model_id, browser, script
):
    evaluation_id = begin(workshop)
    letters.deliver()
    editor, viewer = browser(workshop.users["editor"]), browser(workshop.users["viewer"])
    assert "golden/latest" in editor.get(f"/models/{model_id}").text
    slot = editor.get(f"/models/{model_id}/golden/latest").text
    assert "This model stops on" in slot
    assert "Record its answers" in slot
    assert "Record its answers" not in viewer.get(f"/models/{model_id}/golden/latest").text
    form = editor.get(f"/models/{model_id}/golden").text
    assert "12 cases, about" in form
    path = f"/models/{model_id}/golden"
    wrong = editor.post(path, data={"evaluation_id": "987654", "repeats": "3"})
    assert wrong.status_code in {409, 422}
    assert "no such evaluation" in wrong.text
    sent = {"evaluation_id": str(evaluation_id), "repeats": "2", "nonce": "n"}
    begun = editor.post(path, data=sent)
    assert begun.status_code == 303
    assert editor.post(path, data=sent).headers["location"] == begun.headers["location"]
    assert "each case 2 times" in editor.get(f"/models/{model_id}/golden/latest").text
    assert viewer.post(path, data=sent).status_code == 403
    body = {"evaluation_id": evaluation_id, "repeats": 1}
    by_script = script(workshop.users["editor"]).post(path, json=body)
    assert by_script.status_code == 201
    assert by_script.json()["status"] == "running"


def test_the_deadlines_offer_to_record_what_stops_and_say_what_is_recorded(
    workshop, letters, model_id, record, browser, script
):
    calendar = f"/projects/{workshop.project_id}/calendar"
    editor, viewer = browser(workshop.users["editor"]), browser(workshop.users["viewer"])
    offered = editor.get(calendar).text
    assert f'href="/models/{model_id}/golden"' in offered
    base = f"connection_id={workshop.connection_id}&amp;model={make.BASE_MODEL}"
    assert f"/projects/{workshop.project_id}/golden/new?{base}" in offered
    assert "Recording begun" not in offered
    recording_id = record()
    assert "Recording begun" in editor.get(calendar).text
    letters.deliver()
    shown = viewer.get(calendar).text
    assert f'<a href="/golden/{recording_id}">Answers recorded</a>' in shown
    assert "12 cases" in shown
    assert "Record its answers" not in shown, "viewers spend nothing"
    asked = script(workshop.users["viewer"]).get(f"/projects/{workshop.project_id}/deadlines")
    kept = {one["kind"]: one["golden_id"] for one in asked.json()["data"]}
    assert (kept["tuned_model"], kept["base_model"]) == (recording_id, None)


def test_a_model_that_was_not_tuned_here_is_recorded_by_its_name(
    workshop, letters, witness, browser, script
):
    witness.set(models=[{"id": "gpt-4o", "object": "model"}])
    evaluation_id = begin(workshop)
    letters.deliver()
    editor = browser(workshop.users["editor"])
    path = f"/projects/{workshop.project_id}/golden"
    form = editor.get(f"{path}/new?connection_id={workshop.connection_id}&model=gpt-4o").text
    assert "Record gpt-4o" in form
    last = day_of("openai-gpt-4")
    assert f"It stops on {last.day} {last:%B %Y}" in form
    assert "12 cases, price unknown" in form
    sent = {
        "connection_id": str(workshop.connection_id),
        "model": "gpt-4o",
        "evaluation_id": str(evaluation_id),
        "repeats": "1",
        "nonce": "n",
    }
    wrong = editor.post(path, data={**sent, "connection_id": "987654"})
    assert (wrong.status_code, "no such connection" in wrong.text) == (422, True)
    begun = editor.post(path, data=sent)
    assert begun.status_code == 303
    assert editor.post(path, data=sent).headers["location"] == begun.headers["location"]
    letters.deliver()
    assert len(witness.journal.read(CHAT)) == ROWS
    assert "Golden recording of gpt-4o" in editor.get(begun.headers["location"]).text
    calendar = editor.get(f"/projects/{workshop.project_id}/calendar").text
    assert f'{begun.headers["location"]}">Answers recorded</a>' in calendar
    body = {"connection_id": workshop.connection_id, "model": "gpt-4o", "repeats": 1}
    by_script = script(workshop.users["editor"]).post(
        path, json={**body, "evaluation_id": evaluation_id}
    )
    assert (by_script.status_code, by_script.json()["model_id"]) == (201, None)
