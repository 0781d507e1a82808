"""A judge is asked about rows of a dataset; the witness plays it and says what the rows plant."""

import json
import re
from html import unescape

import pytest

from app.core.database import unit_of_work
from app.grading import service
from app.projects.models import Project
from tests import make
from tests.graders import making
from tests.grading.test_trying import rows
from tests.make import BASE_MODEL
from tests.stage import one_database, take_turns
from tests.witness.script import CHAT, Fault

pytestmark = one_database

PLANTED = ('{"reason": "Near.", "result": 0.9}', '{"reason": "Far.", "result": 0.1}', "no verdict")
PRICED = "ft:gpt-4o-mini-2024-07-18:acme::abcd1234"
FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')


@pytest.fixture(autouse=True)
def _turns(monkeypatch):
    take_turns(monkeypatch, "app.connections.allowance", "app.catalog.asking")


@pytest.fixture
def version_id(workshop):
    """Six rows: the witness repeats what it is told, so that each answer is its own verdict."""
    with unit_of_work() as session:
        project = session.get_one(Project, workshop.project_id)
        return make.make_checked_version(session, project, rows(*PLANTED * 2), name="Planted").id


def judge(**more):
    told = [{"role": "user", "content": "How good is this: {{ sample.output_text }}"}]
    usual = {"model": BASE_MODEL, "input": told, "pass_threshold": 0.5}
    return making.score_model(**{**usual, **more})


def keep(team, body, **more):
    with unit_of_work() as session:
        owner = team.users["owner"]
        over = {"connection_id": team.connection_id, **more}
        made = service.create_grader(
            session, project_id=team.project_id, actor_id=owner, body=body, **over
        )
        return made.id


@pytest.fixture
def grader_id(workshop):
    return keep(workshop, judge())


@pytest.fixture
def editor(workshop, browser):
    return browser(workshop.users["editor"])


def carried(page):
    """The fields of the judge's form as it came."""
    form = page[page.index('id="judging"') :]
    return {unescape(name): unescape(value) for name, value in FIELD.findall(form)}


def planned(person, grader_id, version_id, rows=5):
    asked = f"/graders/{grader_id}/try?version_id={version_id}&rows={rows}"
    return person.get(asked)


def sent(person, grader_id, page, **more):
    fields = {name: value for name, value in carried(page).items() if name != "csrf"}
    return person.post(f"/graders/{grader_id}/judge", {**fields, **more}).text


def test_the_price_stands_there_before_anybody_is_asked(witness, editor, grader_id, version_id):
    page = planned(editor, grader_id, version_id).text

    assert f"{BASE_MODEL} over " in page
    assert re.search(r"5 questions, about \d+ tokens to read", page)
    assert "Ask the judge" in page
    assert witness.journal.read(CHAT) == []


def test_a_judge_is_asked_four_questions_at_a_time_until_all_are_answered(
    witness, editor, grader_id, version_id
):
    page = planned(editor, grader_id, version_id).text
    page = sent(editor, grader_id, page)

    assert "<b>4 of 5</b> asked" in page
    assert 'hx-trigger="submit, load delay:100ms"' in page
    page = sent(editor, grader_id, page)
    assert "<b>5 of 5</b> asked" in page
    assert "load delay" not in page
    assert (page.count("Passed</span>"), page.count("Failed</span>")) == (2, 2)
    assert "reason Near." in page
    assert "There is no JSON object with a result." in page
    assert "begins: You said: How good is this: no verdict" in page
    assert "because the judge&#39;s reply is malformed" in page
    bodies = [request.body for request in witness.journal.read(CHAT)]
    assert len(bodies) == 5
    assert {body["temperature"] for body in bodies} == {0}


def test_what_was_stopped_goes_on_where_it_was(witness, editor, grader_id, version_id):
    page = sent(editor, grader_id, planned(editor, grader_id, version_id).text)
    page = sent(editor, grader_id, page, stop="yes")

    assert "<b>4 of 5</b> asked, stopped" in page
    assert "load delay" not in page
    assert "Not asked yet." in page
    assert len(witness.journal.read(CHAT)) == 4
    page = sent(editor, grader_id, page)
    assert "<b>5 of 5</b> asked" in page
    assert len(witness.journal.read(CHAT)) == 5


def test_the_providers_error_stands_at_its_row_which_can_be_asked_again_alone(
    witness, editor, grader_id, version_id
):
    broken = {"error": {"message": "The server had a bad day."}}
    witness.script(Fault(CHAT, status=500, body=json.dumps(broken), times=2))
    page = planned(editor, grader_id, version_id, rows=1).text
    page = sent(editor, grader_id, page)

    assert "The server had a bad day." in page
    assert "Ask again<span" in page
    assert "load delay" not in page
    assert "The server had a bad day." in sent(editor, grader_id, page, again="1")
    page = sent(editor, grader_id, page, again="1")
    assert page.count("Passed</span>") == 1
    assert len(witness.journal.read(CHAT)) == 3


def test_a_formula_asks_its_judges(witness, workshop, editor, version_id):
    parts = {"good": judge(), "label": making.label_model(model=BASE_MODEL), "long": LONG}
    both = keep(workshop, making.multi("good * long", **parts))
    page = sent(editor, both, planned(editor, both, version_id, rows=1).text)

    assert "<b>2 of 2</b> asked" in page
    assert "good 0.9" in page
    assert "none of the labels" in page


LONG = {"type": "length", "name": "long", "least": 3}


def test_answers_of_a_model_are_judged_in_the_rows_stead(witness, editor, grader_id, version_id):
    asked = f"/graders/{grader_id}/try?version_id={version_id}&rows=1"
    page = editor.get(f'{asked}&answers={{"result": 0.3}}').text
    page = sent(editor, grader_id, page)

    assert page.count("Failed</span>") == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rows": "21"}, "A judge is asked about 20 rows at most."),
        ({"version_id": "999"}, "The project has no such version"),
        ({"rows": "many"}, "whole number"),
    ],
)
def test_what_cannot_be_asked_is_said_and_nobody_is_asked(
    witness, editor, grader_id, version_id, values, words
):
    fields = {"version_id": str(version_id), "rows": "5", "field": "answer", **values}
    answer = editor.post(f"/graders/{grader_id}/judge", fields)

    assert answer.status_code == 422
    assert words in answer.text
    assert witness.journal.read(CHAT) == []


def test_without_a_connection_the_page_says_where_to_choose_one(
    witness, workshop, editor, version_id
):
    grader_id = keep(workshop, judge(), connection_id=None)

    assert "over which connection its judge is asked" in editor.get(f"/graders/{grader_id}").text
    answer = planned(editor, grader_id, version_id)
    assert answer.status_code == 409


def test_another_connection_is_another_version_and_a_strange_one_is_none(workshop, script):
    sends = script(workshop.users["editor"])
    at = f"/projects/{workshop.project_id}/graders"
    first = sends.post(at, json={"grader": judge()}).json()
    place = f"/graders/{first['grader_id']}"
    body = {"grader": judge(), "connection_id": workshop.connection_id}
    second = sends.send("PUT", place, json=body).json()

    assert (first["connection_id"], second["connection_id"]) == (None, workshop.connection_id)
    assert (first["number"], second["number"]) == (1, 2)
    assert first["sha256"] != second["sha256"]
    assert sends.send("PUT", place, json=body).json()["number"] == 2
    refused = sends.send("PUT", place, json={**body, "connection_id": 999})
    assert refused.status_code == 422
    plain = sends.post(at, json={**body, "grader": making.string_check()}).json()
    assert plain["connection_id"] is None


def test_the_form_asks_over_which_connection(workshop, editor):
    at = f"/projects/{workshop.project_id}/graders"
    page = editor.get(f"{at}/new?type=pairwise").text
    assert "Judges are asked over" in page
    assert "Judges are asked over" not in editor.get(f"{at}/new?type=match").text
    fields = {
        "type": "pairwise",
        "name": "better",
        "model": BASE_MODEL,
        "rubric": "The shorter.",
        "connection_id": str(workshop.connection_id),
    }
    place = editor.post(at, fields).headers["location"]
    page = editor.get(place).text
    assert "Asked over" in page
    assert "See what it would cost" in page
    edit = editor.get(f"{place}/edit").text
    assert f'<option value="{workshop.connection_id}" selected>' in edit


def test_a_viewer_sees_the_price_and_asks_nobody(witness, workshop, browser, grader_id, version_id):
    viewer = browser(workshop.users["viewer"])
    page = planned(viewer, grader_id, version_id).text

    assert "editors and owners ask judges" in page
    assert viewer.post(f"/graders/{grader_id}/judge", carried(page)).status_code == 403
    assert witness.journal.read(CHAT) == []


def test_a_script_is_told_the_price_caps_it_and_has_the_verdicts(
    witness, workshop, script, version_id
):
    witness.set(models=[{"id": PRICED, "object": "model"}])
    grader_id = keep(workshop, judge(model=PRICED, sampling_params=None))
    sends = script(workshop.users["editor"])
    chosen = {"version_id": version_id, "rows": 3}
    price = sends.get(f"/graders/{grader_id}/judging", params=chosen).json()
    assert price["questions"] == 3
    assert 0 < price["about_dollars"] < price["most_dollars"]
    place = f"/graders/{grader_id}/judge"
    refused = sends.post(place, json={**chosen, "most_dollars": 0})
    assert (refused.status_code, witness.journal.read(CHAT)) == (422, [])

    came = sends.post(place, json={**chosen, "most_dollars": 1}).json()

    assert came["dollars"] > 0
    scores = [row["score"] for row in came["tried"]["rows"]]
    assert [score["value"] for score in scores] == [0.9, 0.1, 0]
    assert scores[2]["fault"] == "model_grader_parse_error"
    assert came["tried"]["summary"]["faults"] == {"model_grader_parse_error": 1}
    unknown = keep(workshop, judge(name="of no known price"))
    price = sends.get(f"/graders/{unknown}/judging", params=chosen).json()
    assert (price["about_dollars"], price["most_dollars"]) == (None, None)
    refused = sends.post(f"/graders/{unknown}/judge", json={**chosen, "most_dollars": 9})
    assert "Nobody knows" in refused.text
    plain = keep(workshop, making.string_check())
    assert sends.post(f"/graders/{plain}/judge", json=chosen).status_code == 409
    answer = sends.get(f"/graders/{grader_id}/try", params={"version_id": version_id})
    assert answer.status_code == 409
