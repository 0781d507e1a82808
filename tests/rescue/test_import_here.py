"""A rescued eval runs here: criteria are graders, items cases, old answers a contestant."""

import pytest
from sqlalchemy import select

from app.connections.models import Connection
from app.core.database import read_only, unit_of_work
from app.evaluations.models import Case, Contestant, Evaluation, EvaluationRun, Grade, Result
from app.grading.models import LibraryGrader
from tests.rescue.history import CRITERIA, an_eval, bring_home


@pytest.fixture
def brought(team):
    """The id of an eval that is home with two runs."""

    def bring(**changes):
        with unit_of_work() as session:
            connection = session.get_one(Connection, team.connection_id)
            one, _ = bring_home(session, connection, **changes)
            return one.id

    return bring


def rows_of(table, **where):
    with read_only() as session:
        key = table.__table__.primary_key
        return session.scalars(select(table).filter_by(**where).order_by(*key)).all()


def test_an_editor_runs_it_here_by_one_press_and_old_answers_take_part(team, browser, brought):
    eval_id = brought()
    editor = browser(team.users["editor"])
    assert "Run it here" in editor.get(f"/rescued-evals/{eval_id}").text
    answer = editor.post(f"/rescued-evals/{eval_id}/import")
    assert answer.status_code == 303
    (made,) = rows_of(Evaluation, project_id=team.project_id)
    assert answer.headers["location"].endswith(f"/evaluations/{made.id}/import")
    assert (made.name, made.status) == ("Ticket intents", "ready")
    assert {one.name for one in rows_of(LibraryGrader)} >= {"Exact intent", "Friendly"}
    cases = rows_of(Case, evaluation_id=made.id)
    assert cases[0].messages == [{"role": "user", "content": "Where is my money 0?"}]
    assert made.prompt[0] == {"role": "developer", "content": "Say the intent."}
    (run,) = rows_of(EvaluationRun, evaluation_id=made.id)
    assert (run.status, run.origin) == ("done", "came with an eval rescued from OpenAI")
    contestants = rows_of(Contestant, run_id=run.id)
    assert len(contestants) == 2
    results = rows_of(Result, contestant_id=contestants[0].id)
    assert [one.passed for one in results] == [True, True, False]
    grades = rows_of(Grade, result_id=results[2].id)
    assert [(one.place, one.passed) for one in grades] == [(0, False), (1, True)]


def test_a_criterion_that_cannot_grade_here_says_so(team, browser, brought):
    odd = {
        "type": "text_similarity",
        "name": "Near",
        "input": "{{ sample.output_text }}",
        "reference": "{{ item.intent }}",
        "evaluation_metric": "cosine",
        "pass_threshold": 0.8,
    }
    unknown = {"type": "endpoint", "name": "Calls home"}
    eval_id = brought(content=an_eval(testing_criteria=[*CRITERIA, odd, unknown]))
    editor = browser(team.users["editor"])
    editor.post(f"/rescued-evals/{eval_id}/import")
    (made,) = rows_of(Evaluation, project_id=team.project_id)
    page = editor.get(f"/evaluations/{made.id}/import").text
    assert "needs embeddings" in page
    assert "criterion Calls home" in page
    assert "grader Near" in page
    assert "Near" not in {one.name for one in rows_of(LibraryGrader)}


def test_viewers_have_no_button_and_an_eval_without_items_is_refused(
    team, browser, script, brought
):
    eval_id = brought(items=0)
    viewer = browser(team.users["viewer"])
    assert "Run it here" not in viewer.get(f"/rescued-evals/{eval_id}").text
    assert viewer.post(f"/rescued-evals/{eval_id}/import").status_code == 403
    refused = script(team.users["editor"]).post(f"/rescued-evals/{eval_id}/import")
    assert refused.status_code == 422
    assert "items" in refused.json()["detail"]


def test_a_script_gets_the_evaluations_id(team, script, brought):
    answer = script(team.users["editor"]).post(f"/rescued-evals/{brought()}/import")
    assert answer.status_code == 201
    (made,) = rows_of(Evaluation, project_id=team.project_id)
    assert answer.json() == {"evaluation_id": made.id}
