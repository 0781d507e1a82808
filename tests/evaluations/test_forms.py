"""The forms of an evaluation and of a run, as people fill them."""

import re
from urllib.parse import urlencode

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.evaluations.models import Evaluation, EvaluationRun
from app.projects.models import Project
from tests import make
from tests.evaluations.steps import add_grader, begin, run_of
from tests.evaluations.test_money import TUNED
from tests.stage import one_database

ECHO = {"type": "match", "name": "echoes", "reference": "{{ item.answer }}"}


def a_model(team):
    """A tuned model of a job; its base is the team's base model."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        make.make_model(session, project, connection, version, model_name=TUNED)


def checked(page):
    """The boxes that are ticked, by name."""
    return set(re.findall(r'type="checkbox" name="([^"]+)"[^>]* checked', page))


@one_database
def test_an_evaluation_is_made_in_its_form_and_what_is_wrong_is_told_at_its_box(
    workshop, browser, letters
):
    grader_id = add_grader(workshop, ECHO)
    editor = browser(workshop.users["editor"])
    path = f"/projects/{workshop.project_id}/evaluations"
    page = editor.get(f"{path}/new").text
    assert f'name="grader.{grader_id}"' in page
    assert "Rows that I paste below" in page
    values = {"name": "Held out", "version_id": str(workshop.version_id), "rows": "5", "seed": "3"}
    refused = editor.post(path, values)
    assert refused.status_code == 422
    assert 'id="graders-error"' in refused.text
    assert 'value="Held out"' in refused.text
    values[f"grader.{grader_id}"] = "yes"
    both = editor.post(path, {**values, "pasted": "Where?\tThere."})
    assert (both.status_code, 'id="pasted-error"' in both.text) == (422, True)
    made = editor.post(path, {**values, "pass_rule": f"only.{grader_id}"})
    assert made.status_code == 303
    letters.deliver()
    with unit_of_work() as session:
        kept = session.query(Evaluation).one()
        assert (kept.status, kept.cases, kept.pass_rule) == ("ready", 5, "0")
        assert made.headers["location"] == f"/evaluations/{kept.id}"
    again = editor.post(path, values)
    assert (again.status_code, 'id="name-error"' in again.text) == (422, True)


@one_database
def test_a_run_begins_with_the_tuned_model_beside_its_base_as_it_is_and_with_examples(
    workshop, browser, letters, witness
):
    witness.set(models=[{"id": one, "object": "model"} for one in (TUNED, make.BASE_MODEL)])
    a_model(workshop)
    evaluation_id = begin(workshop)
    letters.deliver()
    editor = browser(workshop.users["editor"])
    page = editor.get(f"/evaluations/{evaluation_id}/runs/new").text
    assert checked(page) >= {"use_tuned", "zero_shot", "few_shot"}
    assert f"{make.BASE_MODEL}, shown examples" in page
    fields = dict(re.findall(r'name="(nonce|base)" value="([^"]+)"', page))
    values = {
        **fields,
        "tuned": f"{workshop.connection_id}:{TUNED}",
        "use_tuned": "yes",
        "zero_shot": "yes",
        "few_shot": "yes",
        "shots_version": str(workshop.version_id),
        "shots_k": "2",
        "shots_way": "nearest",
        "temperature": "0",
        "max_tokens": "20",
        "repeats": "1",
    }
    receipt = editor.get(f"/evaluations/{evaluation_id}/runs/receipt?{urlencode(values)}").text
    assert re.search(r"<dt>Requests</dt><dd>36", receipt)
    assert "<dt>Would show differences</dt><dd>from " in receipt
    assert "price unknown" in receipt  # of the base model nobody knows it
    path = f"/evaluations/{evaluation_id}/runs"
    wrong = editor.post(path, {**values, "shots_k": "99"})
    assert (wrong.status_code, 'id="shots_k-error"' in wrong.text) == (422, True)
    first, second = (editor.post(path, values) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    letters.deliver()
    with unit_of_work() as session:
        (run_id,) = session.scalars(session.query(EvaluationRun.id).statement)
    run = run_of(run_id)
    assert run.status == "done"
    assert [one.name for one in run.contestants] == [
        make.BASE_MODEL,
        f"{make.BASE_MODEL}, 2 nearest examples",
        "Tickets v1",
    ]
    assert run.contestants[2].job_id is not None


@one_database
def test_a_run_is_steered_from_its_page(workshop, browser, letters):
    evaluation_id = begin(workshop)
    letters.deliver()
    editor = browser(workshop.users["editor"])
    values = {"model.0": f"{workshop.connection_id}:{make.BASE_MODEL}", "nonce": "n"}
    editor.post(f"/evaluations/{evaluation_id}/runs", values)
    with unit_of_work() as session:
        (run_id,) = session.scalars(session.query(EvaluationRun.id).statement)
    for verb, status in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        assert editor.post(f"/evaluation-runs/{run_id}/{verb}").status_code == 303
        assert run_of(run_id).status == status
    assert editor.post(f"/evaluation-runs/{run_id}/pause").status_code == 409


@one_database
def test_a_grader_that_names_what_the_cases_lack_is_refused_before_anything_is_paid(
    workshop, browser, letters
):
    a_model(workshop)
    elsewhere = {**ECHO, "name": "elsewhere", "reference": "{{ item.label }}"}
    evaluation_id = begin(workshop, graders=[add_grader(workshop, elsewhere)])
    letters.deliver()
    editor = browser(workshop.users["editor"])
    path = f"/evaluations/{evaluation_id}/runs"
    told = "elsewhere cannot grade these cases. There is no variable &#39;item.label&#39;"
    assert told in editor.get(f"{path}/new").text
    values = {"tuned": f"{workshop.connection_id}:{TUNED}", "use_tuned": "yes", "nonce": "n"}
    refused = editor.post(path, values)
    assert (refused.status_code, told in refused.text) == (409, True)
    with unit_of_work() as session:
        assert session.query(EvaluationRun).count() == 0
