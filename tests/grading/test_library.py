"""The library: built, pasted, kept in versions, exported."""

import json

import pytest

from app.core.database import unit_of_work
from app.projects.models import Project
from tests import make
from tests.graders import making
from tests.stage import one_database
from tests.walls.named_rows import A_GRADER


@pytest.fixture
def at(team):
    return f"/projects/{team.project_id}/graders"


@pytest.fixture
def editor(team, browser):
    return browser(team.users["editor"])


@pytest.fixture
def sends(team, script):
    return script(team.users["editor"])


@pytest.fixture
def grader_id(team):
    with unit_of_work() as session:
        return make.make_grader(session, session.get_one(Project, team.project_id)).id


def test_a_grader_is_built_from_a_task_changed_and_exported(at, editor, sends):
    page = editor.get(f"{at}/new?task=arithmetic").text
    assert "Is the last number in the text" in page
    answer = editor.post(at, {"type": "number", "name": "sum", "reference": "{{ item.answer }}"})
    assert answer.status_code == 303
    place = answer.headers["location"]
    assert "Luthier&#39;s own, which OpenAI does not take: number." in editor.get(place).text

    same = {"type": "number", "number": "1", "name": "sum", "reference": "{{ item.answer }}"}
    editor.post(place, same)
    assert sends.get(place).json()["number"] == 1
    editor.post(place, {**same, "tolerance": "0.5"})

    found = sends.get(place).json()
    assert (found["number"], found["grader"]["tolerance"]) == (2, 0.5)
    assert "tolerance" not in sends.get(f"{place}?version=1").json()["grader"]
    assert len(sends.get(f"{place}/versions").json()["data"]) == 2
    assert "This is an earlier version" in editor.get(f"{place}?version=1").text
    exported = editor.get(f"{place}/grader.json?version=2")
    assert exported.json() == found["grader"]
    assert "attachment" in exported.headers["content-disposition"]
    assert editor.get(f"{place}?version=9").status_code == 404


@one_database
def test_what_was_typed_stays_with_what_is_wrong_beside_it(at, editor):
    answer = editor.post(at, {"type": "regex", "name": "order <b>", "pattern": "(unclosed"})
    assert answer.status_code == 422
    assert 'value="order &lt;b&gt;"' in answer.text
    assert 'value="(unclosed"' in answer.text
    assert 'id="pattern-error"' in answer.text


@one_database
def test_two_graders_of_a_project_cannot_have_one_name(at, editor, sends, grader_id):
    answer = editor.post(at, A_GRADER)
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text
    told = sends.post(at, json={"grader": A_GRADER})
    assert told.json()["errors"][0]["field"] == "grader.name"
    other = sends.post(at, json={"grader": {**A_GRADER, "name": "other"}}).json()
    renamed = sends.send("PUT", f"/graders/{other['grader_id']}", json={"grader": A_GRADER})
    assert renamed.status_code == 422


@one_database
def test_who_changed_an_older_version_is_told_and_keeps_what_they_typed(editor, sends, grader_id):
    place = f"/graders/{grader_id}"
    sends.send("PUT", place, json={"grader": {**A_GRADER, "ignore": ["case"]}})
    answer = editor.post(place, {**A_GRADER, "number": "1", "reference": "mine"})
    assert answer.status_code == 409
    assert "Somebody made version 2" in answer.text
    assert "\nmine</textarea>" in answer.text
    assert editor.post(place, {**A_GRADER, "number": "2", "reference": "mine"}).status_code == 303
    assert sends.get(place).json()["number"] == 3


@pytest.mark.parametrize("body", [making.string_check(), making.score_model(), making.multi()])
def test_openais_json_comes_in_and_goes_out_as_it_is(at, editor, body):
    answer = editor.post(f"{at}/import", {"json": json.dumps({"grader": body})})
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"]
    assert editor.get(f"{place}/grader.json").json() == body
    assert "OpenAI takes it as it stands" in editor.get(place).text


@one_database
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "This is not JSON"),
        ("[]", "a JSON object with a type"),
        ('{"type": "string_chek"}', "Did you mean &#39;string_check&#39;?"),
        ('{"type": "match", "name": "a\\u0000", "reference": "x"}', "cannot be stored"),
        ('{"type": "match", "name": "", "reference": "x"}', "1 to 120 characters"),
        ('{"type": "json_valid", "name": "x", "a": NaN}', "This is not JSON"),
        ("[" * 100_000, "This is not JSON"),
    ],
)
def test_what_is_no_grader_is_told_where_it_was_pasted(at, editor, text, words):
    answer = editor.post(f"{at}/import", {"json": text})
    assert answer.status_code == 422
    assert words in answer.text


@one_database
def test_what_is_too_deep_or_too_long_is_refused(at, sends):
    deep = {}
    for _ in range(70):
        deep = {"properties": {"a": deep}}
    for schema, words in ((deep, "64 levels deep"), ({"title": "x" * 400_000}, "400,000")):
        body = {"type": "json_schema", "name": "x", "json_schema": schema}
        told = sends.post(at, json={"grader": body})
        assert told.status_code == 422
        assert words in told.json()["errors"][0]["message"]


@one_database
def test_a_formula_is_built_of_graders_of_the_library(at, editor, sends, grader_id):
    page = editor.get(f"{at}/new?type=multi").text
    assert "right, Match" in page
    values = {"type": "multi", "name": "all", "calculate_output": "right * 2"}
    answer = editor.post(at, {**values, "graders.0.from": str(grader_id)})
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"]
    assert sends.get(place).json()["grader"]["graders"] == {"right": A_GRADER}

    sends.send("PUT", f"/graders/{grader_id}", json={"grader": {**A_GRADER, "ignore": ["case"]}})
    assert sends.get(place).json()["grader"]["graders"] == {"right": A_GRADER}
    assert "as it stands here" in editor.get(f"{place}/edit").text


@one_database
def test_another_teams_grader_cannot_be_a_part(at, editor, team):
    with unit_of_work() as session:
        stranger = make.make_user(session, "stranger")
        theirs = make.make_grader(session, make.make_project(session, stranger, "Theirs"), "secret")
    values = {"type": "multi", "name": "all", "calculate_output": "secret"}
    answer = editor.post(at, {**values, "graders.0.from": str(theirs.id)})
    assert answer.status_code == 422
    assert "The project has no such grader." in answer.text


@one_database
def test_viewers_read_and_build_nothing(at, browser, team, grader_id):
    viewer = browser(team.users["viewer"])
    page = viewer.get(f"/graders/{grader_id}").text
    assert "/edit" not in page
    assert "Delete" not in page
    assert viewer.get(f"{at}/new").status_code == 403
    assert "New grader" not in viewer.get(at).text


@one_database
def test_an_empty_library_teaches_what_to_begin_with(at, browser, team, editor):
    page = editor.get(at).text
    assert page.count("/graders/new?task=") == 6
    assert "editors and owners build graders" in browser(team.users["viewer"]).get(at).text


@one_database
def test_a_deleted_grader_is_gone_with_its_versions(at, editor, sends, grader_id):
    assert editor.post(f"/graders/{grader_id}/delete").status_code == 303
    assert editor.get(f"/graders/{grader_id}").status_code == 404
    assert sends.get(at).json()["data"] == []
    assert sends.post(at, json={"grader": A_GRADER}).status_code == 201
