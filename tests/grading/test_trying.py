"""A grader tried on rows of a dataset: the rows' own answers, or somebody's."""

import json
from typing import get_args

import pytest

from app.core import jail
from app.core.database import unit_of_work
from app.graders.base import Fault
from app.grading import trying, verdicts
from app.projects.models import Project
from tests import make
from tests.graders import making
from tests.stage import one_database
from tests.walls.named_rows import A_GRADER

LABELS = ("refund", "delivery", "refund", "other")


def rows(*answers):
    """A chat file: one question each."""
    return b"".join(
        json.dumps(
            {
                "messages": [
                    {"role": "user", "content": f"Question {n}"},
                    {"role": "assistant", "content": answer},
                ]
            }
        ).encode()
        + b"\n"
        for n, answer in enumerate(answers)
    )


@pytest.fixture
def version_id(team):
    """Twelve rows with the labels in turn."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        return make.make_checked_version(session, project, rows(*LABELS * 3), name="Labels").id


@pytest.fixture
def grader_id(team):
    with unit_of_work() as session:
        return make.make_grader(session, session.get_one(Project, team.project_id)).id


@pytest.fixture
def viewer(team, browser):
    return browser(team.users["viewer"])


@pytest.fixture
def sends(team, script):
    return script(team.users["editor"])


def test_the_rows_own_answers_pass(viewer, grader_id, version_id):
    page = viewer.get(f"/graders/{grader_id}/try?version_id={version_id}").text
    assert "Labels, version 1" in page
    assert page.count("Passed</span>") == 12
    assert "of 12" in page


@one_database
def test_pasted_answers_are_held_against_the_rows(viewer, grader_id, version_id):
    answers = "refund%0Adelivery%0Adelivery"
    page = viewer.get(f"/graders/{grader_id}/try?version_id={version_id}&answers={answers}").text
    assert page.count("Passed</span>") == 2
    assert page.count("Failed</span>") == 1
    assert "Rows 1 to 3 of 12" in page
    whole = f"/graders/{grader_id}/try?version_id={version_id}&rows=1&answers=refund%0Aor not"
    assert viewer.get(whole).text.count("Failed</span>") == 1


@one_database
def test_a_try_goes_on_where_it_ended(viewer, sends, grader_id, version_id):
    at = f"/graders/{grader_id}/try?version_id={version_id}&rows=5"
    page = viewer.get(f"{at}&first=6", **{"HX-Request": "true"}).text
    assert page.lstrip().startswith("<div")
    assert "Rows 6 to 10 of 12" in page
    assert "first=11" in page
    seen, first = [], 1
    while first:
        came = sends.get(f"{at}&first={first}").json()
        seen += [one["line"] for one in came["rows"]]
        first = came["next_first"]
    assert seen == list(range(1, 13))
    assert "There is no row 99" in viewer.get(f"{at}&first=99").text


@one_database
def test_labels_have_accuracy_and_what_was_found_for_which(team, sends, version_id):
    grader = {"type": "label", "name": "intent", "reference": "{{ item.answer }}"}
    asked = {
        "grader": grader,
        "version_id": version_id,
        "answers": ["refund", "delivery", "delivery", "Other."],
    }
    at = f"/projects/{team.project_id}/graders/try"
    figures = sends.post(at, json=asked).json()["summary"]["figures"]
    assert figures["accuracy"] == 0.75
    assert ["refund", "delivery", 1] in figures["confusion"]


@one_database
def test_what_is_still_in_its_form_is_tried_and_not_kept(team, browser, sends, version_id):
    editor = browser(team.users["editor"])
    at = f"/projects/{team.project_id}/graders"
    typed = {
        "type": "label",
        "name": "intent",
        "reference": "{{ item.answer }}",
        "find": "whole",
        "version_id": str(version_id),
        "answers": "refund\r\nrefund",
    }
    part = editor.post(f"{at}/try", typed, **{"HX-Request": "true"})
    assert part.status_code == 200
    assert "50.0 %" in part.text
    assert "Which labels were found for which" in part.text
    assert sends.get(at).json()["data"] == []

    wrong = editor.post(f"{at}/try", {**typed, "find": "within"}, **{"HX-Request": "true"})
    assert wrong.status_code == 422
    assert "The grader is not right yet." in wrong.text


@one_database
def test_one_of_the_library_is_tried_by_its_name(team, sends, grader_id, version_id):
    at = f"/projects/{team.project_id}/graders/try"
    asked = {"name": "right", "version_id": version_id, "rows": 3}
    assert sends.post(at, json=asked).json()["summary"]["passed"] == 3
    missing = sends.post(at, json={**asked, "name": "left"})
    assert missing.json()["errors"][0]["field"] == "name"
    both = sends.post(at, json={**asked, "grader": A_GRADER})
    assert both.status_code == 422


@one_database
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (making.similarity("cosine"), "embeddings"),
        (making.multi("near", near=making.similarity("cosine")), "embeddings"),
    ],
)
def test_what_cannot_grade_here_is_kept_and_says_what_it_needs(
    team, viewer, sends, version_id, body, words
):
    at = f"/projects/{team.project_id}/graders"
    kept = sends.post(at, json={"grader": body}).json()
    assert words in viewer.get(f"/graders/{kept['grader_id']}").text
    told = sends.get(f"/graders/{kept['grader_id']}/try?version_id={version_id}")
    assert told.status_code == 409
    assert words in told.json()["detail"]
    page = viewer.get(f"/graders/{kept['grader_id']}/try?version_id={version_id}")
    assert page.status_code == 409
    assert words in page.text


@one_database
def test_a_teams_own_code_has_no_more_time_than_the_try(team, sends, version_id, monkeypatch):
    monkeypatch.setattr(trying, "SECONDS", 1)
    source = "def grade(sample, item):\n    while True:\n        pass\n"
    asked = {"grader": making.python(source), "version_id": version_id}
    told = sends.post(f"/projects/{team.project_id}/graders/try", json=asked)
    if lacks := jail.obstacle():
        assert told.status_code == 409
        assert lacks in told.json()["detail"]
        return
    (row,) = told.json()["rows"]
    assert row["score"]["fault"] == "python_grader_runtime_error"
    assert "It took longer than" in row["score"]["reason"]
    assert told.json()["next_first"] == 2


def test_every_reason_for_no_score_has_words():
    assert verdicts.FAULTS.keys() == set(get_args(Fault))


@one_database
def test_a_try_is_bounded_in_rows_and_in_time(
    team, viewer, sends, grader_id, version_id, monkeypatch
):
    at = f"/graders/{grader_id}/try?version_id={version_id}"
    assert sends.get(f"{at}&rows=201").status_code == 422
    assert viewer.get(f"{at}&answers={'x' * 4001}").status_code == 422
    monkeypatch.setattr(trying, "SECONDS", -1)
    came = sends.get(at).json()
    assert (came["is_cut"], len(came["rows"]), came["next_first"]) == (True, 1, 2)
    assert "Two seconds were up" in viewer.get(at).text


@one_database
def test_rows_that_cannot_be_graded_say_why(team, viewer, sends):
    content = b'{"item": {"answer": "4"}}\n{"item": {"reply": "<b>5</b>"}}\n'
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        version = make.make_checked_version(session, project, content, name="Fields")
        grader = make.make_grader(session, project)
    at = f"/graders/{grader.id}/try?version_id={version.id}"
    page = viewer.get(at).text
    assert "The row has no answer of its own." in page
    named = viewer.get(f"{at}&field=reply").text
    assert "There is no variable &#39;item.answer&#39;" in named
    assert "&lt;b&gt;5&lt;/b&gt;" in named
