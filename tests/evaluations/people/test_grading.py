"""People grade a run: blind, in their own order, going on where they left; what is told when."""

import csv
import re

import pytest

from app.core.database import unit_of_work
from app.evaluations.people import queries, service
from app.evaluations.people.forms import GradeForm
from app.evaluations.people.models import PersonsGrade, Round
from app.evaluations.queries import run_by_id
from app.graders.reading import read_grader
from app.projects.models import Project
from tests.evaluations.people.rounds import begin, plant_graded
from tests.evaluations.planted import Player, plant_evaluation, plant_run, right_in
from tests.stage import one_database, read

NUMBER = re.compile(r'name="number" value="(\d+)"')
HTMX = {"HX-Request": "true"}


@pytest.fixture
def run_id(team):
    with unit_of_work() as session:
        return plant_graded(session, session.get_one(Project, team.project_id)).id


@pytest.fixture
def start(team, run_id):
    """Begin a round of the run."""

    def begun(**fields):
        with unit_of_work() as session:
            run = run_by_id(session, run_id)
            return begin(session, run, actor_id=team.users["owner"], **fields).id

    return begun


def number_on(page) -> int:
    """Which item a page shows."""
    return int(NUMBER.search(page.text)[1])


def grade_all(browser, round_id, say=lambda _number: "right") -> list[int]:
    """Grade what is left; the numbers in the order they came."""
    came = []
    page = browser.get(f"/grading-rounds/{round_id}/grade")
    while NUMBER.search(page.text):
        came.append(number_on(page))
        sent = {"number": str(came[-1]), "label": say(came[-1])}
        page = browser.post(f"/grading-rounds/{round_id}/grade", sent, **HTMX)
        assert page.status_code == 200
    return came


def test_a_round_is_begun_from_its_form_and_graded_to_the_end(team, run_id, browser):
    owner = browser(team.users["owner"])
    sent = {"kind": "grades", "cases": "3", "per_item": "2", "shows_reference": "yes"}
    answer = owner.post(f"/evaluation-runs/{run_id}/rounds", sent)
    assert answer.status_code == 303
    place = answer.headers["location"]
    round_id = int(place.rpartition("/")[2])
    kept = read(Round, round_id)
    assert 3 <= kept.items <= 9
    assert "Nobody has been asked yet" in owner.get(place).text

    came = grade_all(owner, round_id)
    assert sorted(came) == list(range(1, kept.items + 1))
    assert "Nothing is left for you" in owner.get(f"{place}/grade").text
    assert "What people say of the contestants" not in owner.get(place).text
    assert owner.post(f"{place}/finish").status_code == 303
    told = owner.get(place).text
    assert "What people say of the contestants" in told
    assert "Held-out questions sure" in told
    assert "Held-out questions, run 1" in owner.get(f"/evaluation-runs/{run_id}/rounds").text


def test_what_a_grader_sees_tells_neither_whose_answer_it_is_nor_what_others_said(
    team, start, browser
):
    round_id = start()
    editor, owner = browser(team.users["editor"]), browser(team.users["owner"])
    grade_all(owner, round_id)
    owner.post(f"/grading-rounds/{round_id}/finish")
    with unit_of_work() as session:
        names = [one.name for one in queries.contestants_of(session, read(Round, round_id).run_id)]
    for _ in range(3):
        page = editor.get(f"/grading-rounds/{round_id}/grade")
        sent = {"number": str(number_on(page)), "label": "wrong", "note": "why"}
        after = editor.post(f"/grading-rounds/{round_id}/grade", sent, **HTMX)
        for text in (page.text, after.text):
            assert not [name for name in names if name in text]
            assert "result" not in text
            assert set(re.findall(r'<input[^>]* name="(\w+)"', text)) <= {"csrf", "number", "q"}
    whole = editor.get(f"/grading-rounds/{round_id}")
    assert "What people say of the contestants" not in whole.text
    assert "told to you once you have graded" in whole.text
    assert editor.get(f"/grading-rounds/{round_id}/grades.csv").status_code == 409
    assert "What people say" in owner.get(f"/grading-rounds/{round_id}").text
    assert (
        "What people say" in browser(team.users["viewer"]).get(f"/grading-rounds/{round_id}").text
    )


def test_two_people_have_orders_of_their_own_and_each_goes_on_where_they_left(team, start, browser):
    round_id = start()
    owner, editor = browser(team.users["owner"]), browser(team.users["editor"])
    first = number_on(owner.get(f"/grading-rounds/{round_id}/grade"))
    owner.post(f"/grading-rounds/{round_id}/grade", {"number": str(first), "label": "right"})
    second = number_on(owner.get(f"/grading-rounds/{round_id}/grade"))
    assert second != first
    assert (
        number_on(browser(team.users["owner"]).get(f"/grading-rounds/{round_id}/grade")) == second
    )
    with unit_of_work() as session:
        kept = session.get_one(Round, round_id)
        orders = [
            service.still_to_grade(session, kept, team.users[who]) for who in ("owner", "editor")
        ]
    assert orders[0] != orders[1]
    assert grade_all(editor, round_id) == orders[1]


def test_an_item_that_enough_people_graded_is_shown_to_nobody_else(team, start, browser):
    round_id = start(per_item=1)
    grade_all(browser(team.users["owner"]), round_id)
    page = browser(team.users["editor"]).get(f"/grading-rounds/{round_id}/grade")
    assert "Nothing is left for you" in page.text


def test_the_last_grade_is_taken_back_with_its_note_and_graded_again(team, start, browser):
    round_id = start()
    owner = browser(team.users["owner"])
    at = f"/grading-rounds/{round_id}"
    number = number_on(owner.get(f"{at}/grade"))
    owner.post(f"{at}/grade", {"number": str(number), "label": "wrong", "note": "too <b>short"})
    back = owner.post(f"{at}/undo", **HTMX)
    assert number_on(back) == number
    assert "too &lt;b&gt;short</textarea>" in back.text
    assert "0 of" in back.text
    owner.post(f"{at}/grade", {"number": str(number), "skip": "yes"})
    kept = read(PersonsGrade, (round_id, team.users["owner"], number))
    assert (kept.label, kept.note, kept.step) == (None, "", 1)
    assert owner.post(f"{at}/undo").status_code == 303
    assert owner.post(f"{at}/undo").status_code == 303


def test_the_same_press_twice_is_one_grade(team, start, browser):
    round_id = start()
    owner = browser(team.users["owner"])
    number = number_on(owner.get(f"/grading-rounds/{round_id}/grade"))
    for label in ("wrong", "right"):
        sent = {"number": str(number), "label": label}
        owner.post(f"/grading-rounds/{round_id}/grade", sent)
    with unit_of_work() as session:
        (kept,) = queries.grades_of(session, [round_id])
    assert (kept.label, kept.step) == ("right", 1)


def test_whoever_knows_what_others_said_grades_no_more(team, start, browser):
    round_id = start()
    at, owner = f"/grading-rounds/{round_id}", browser(team.users["owner"])
    assert owner.post(f"{at}/finish").status_code == 409
    (*_, last) = grade_all(owner, round_id)
    assert owner.post(f"{at}/undo").status_code == 303
    assert owner.post(f"{at}/finish").status_code == 409, "something is left again"
    owner.post(f"{at}/grade", {"number": str(last), "label": "wrong"})
    assert owner.post(f"{at}/finish").status_code == 303
    assert owner.post(f"{at}/undo").status_code == 409
    answer = owner.post(f"{at}/grade", {"number": str(last), "label": "right"})
    assert answer.status_code == 422
    assert "You are done" in answer.text
    assert read(PersonsGrade, (round_id, team.users["owner"], last)).label == "wrong"


@one_database
@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"number": "1"}, "Choose one of right, wrong, or pass it over."),
        ({"number": "1", "label": "maybe"}, "Choose one of right, wrong, or pass it over."),
        ({"number": "9999", "label": "right"}, "The round has no such item."),
        ({"number": "one", "label": "right"}, "A whole number is needed."),
        ({"label": "right"}, "This is needed."),
        ({"number": "1", "label": "right", "note": "x" * 2001}, "At most 2000 characters."),
    ],
)
def test_what_cannot_be_taken_is_told_beside_the_item(team, start, browser, sent, words):
    round_id = start()
    answer = browser(team.users["owner"]).post(f"/grading-rounds/{round_id}/grade", sent)
    assert answer.status_code == 422
    assert words in answer.text


def test_duels_keep_the_contestant_that_won_whichever_side_it_stood_on(team, start, browser):
    round_id = start(kind="duels", per_item=1)
    owner = browser(team.users["owner"])
    grade_all(owner, round_id, lambda _number: "left")
    with unit_of_work() as session:
        said = queries.grades_of(session, [round_id])
    owner.post(f"/grading-rounds/{round_id}/finish")
    assert {one.label for one in said} == {"first", "second"}
    assert all((one.label == "second") == one.is_swapped for one in said)
    told = owner.get(f"/grading-rounds/{round_id}").text
    assert "What people prefer" in told
    assert "How often the row is preferred to the column" in told
    page = owner.get(f"/grading-rounds/{round_id}/grades.csv").text
    heads, *rows = csv.reader(page.splitlines())
    assert heads[0] == "item"
    assert len(rows) == read(Round, round_id).items


def test_a_judges_labels_are_what_people_give(team, browser):
    judge = {
        "type": "label_model",
        "name": "tone",
        "model": "gpt-4o",
        "input": [{"role": "user", "content": "Is it kind? {{ sample.output_text }}"}],
        "labels": ["kind", "neutral", "rude"],
        "passing_labels": ["kind", "neutral"],
    }
    with unit_of_work() as session:
        from app.grading import service as graders

        project = session.get_one(Project, team.project_id)
        grader = graders.create_grader(
            session, project_id=project.id, actor_id=team.users["owner"], body=judge
        )
        evaluation = plant_evaluation(session, project, grader=grader)
        run = plant_run(session, evaluation, Player("tuned", right_in(80)))
        assert service.labelled(session, run.id)[0][1] == read_grader(judge)
        run_id = run.id
    owner = browser(team.users["owner"])
    assert "kind, neutral, rude" in owner.get(f"/evaluation-runs/{run_id}/rounds").text
    sent = {"kind": "grades", "cases": "4", "per_item": "1", "labels_of": "0"}
    place = owner.post(f"/evaluation-runs/{run_id}/rounds", sent).headers["location"]
    page = owner.get(f"{place}/grade")
    assert re.findall(r'name="label" value="(\w+)"', page.text) == ["kind", "neutral", "rude"]
    grade_all(owner, int(place.rpartition("/")[2]), lambda number: ("kind", "rude")[number % 2])
    owner.post(f"{place}/finish")
    assert "50.0 %" in owner.get(place).text
    wrong = owner.post(f"/evaluation-runs/{run_id}/rounds", {**sent, "labels_of": "3"})
    assert wrong.status_code == 422
    assert "The run has no such grader" in wrong.text


def test_only_those_who_may_grade_are_asked_and_a_closed_round_takes_nothing(team, start, browser):
    round_id = start()
    at, owner = f"/grading-rounds/{round_id}", browser(team.users["owner"])
    asked = owner.post(f"{at}/people", {"user_id": str(team.users["editor"])})
    assert asked.status_code == 303
    again = owner.post(f"{at}/people", {"user_id": str(team.users["editor"])})
    assert again.status_code == 303
    refused = owner.post(f"{at}/people", {"user_id": str(team.users["viewer"])})
    assert refused.status_code == 422
    assert "Only editors and owners" in refused.text
    page = owner.get(at).text
    assert "Editor" in page
    assert f"{at}/grade" in page

    owner.post(f"{at}/close")
    assert "Closed" in owner.get(at).text
    editor = browser(team.users["editor"])
    answer = editor.post(f"{at}/grade", {"number": "1", "label": "right"})
    assert answer.status_code == 422
    assert "This round is closed" in answer.text
    assert editor.post(f"{at}/undo").status_code == 409
    assert owner.post(f"{at}/people", {"user_id": str(team.users["owner"])}).status_code == 422
    verbs = owner.get(f"/projects/{team.project_id}/activity").text
    assert "closed a round of grading of" in verbs


@one_database
def test_a_script_begins_a_round_reads_it_and_has_the_grades_when_it_is_closed(
    team, run_id, browser, script
):
    sends = script(team.users["editor"])
    made = sends.post(f"/evaluation-runs/{run_id}/rounds", json={"kind": "duels", "cases": 3})
    assert made.status_code == 201, made.text
    round_ = made.json()
    assert (round_["labels"], round_["told"]) == (["first", "second", "tie"], None)
    at = f"/grading-rounds/{round_['id']}"
    page = browser(team.users["owner"])
    number = number_on(page.get(f"{at}/grade"))
    page.post(f"{at}/grade", {"number": str(number), "label": "tie", "note": "=1+1"})
    assert sends.get(f"{at}/grades").status_code == 409
    assert sends.get(at).json()["told"] is None
    closed = sends.post(f"{at}/close").json()
    assert closed["people"][0]["graded"] == 1
    assert closed["told"]["pairs"][0]["rate"]["ties"] == 1
    (grade,) = sends.get(f"{at}/grades").json()["data"]
    assert (grade["number"], grade["label"], len(grade["contestants"])) == (number, "tie", 2)
    assert ",'=1+1," in page.get(f"{at}/grades.csv").text  # no formula in a spreadsheet
    assert len(sends.get(f"/evaluation-runs/{run_id}/rounds").json()["data"]) == 1
    wrong = sends.post(f"/evaluation-runs/{run_id}/rounds", json={"kind": "grades", "cases": 0})
    assert wrong.json()["errors"][0]["field"] == "cases"


@one_database
def test_a_run_nobody_answered_has_nothing_to_grade(team, browser):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        run_id = plant_run(
            session, plant_evaluation(session, project), Player("m", lambda *_: None)
        ).id
    owner = browser(team.users["owner"])
    assert "Nobody has answered yet" in owner.get(f"/evaluation-runs/{run_id}/rounds").text
    answer = owner.post(f"/evaluation-runs/{run_id}/rounds", {"kind": "grades"})
    assert answer.status_code == 422
    assert "Nobody has answered yet" in answer.text
    answer = owner.post(f"/evaluation-runs/{run_id}/rounds", {"kind": "duels"})
    assert answer.status_code == 422


@one_database
def test_pages_of_a_large_round_ask_the_database_as_often_as_those_of_a_small_one(
    team, browser, queries
):
    counts = []
    for cases in (4, 60):
        with unit_of_work() as session:
            project = session.get_one(Project, team.project_id)
            planted = plant_graded(session, project, cases=cases, name=f"of {cases}")
            run = run_by_id(session, planted.id)
            round_ = begin(session, run, actor_id=team.users["owner"], cases=60)
            for number in range(1, 4):
                form = GradeForm(number=number, label="right")
                service.give(session, round_, form, user_id=team.users["owner"])
            service.close_round(session, round_, actor_id=team.users["owner"])
            ids = run.id, round_.id
        owner = browser(team.users["owner"])
        owner.get("/account")
        with queries() as asked:
            owner.get(f"/evaluation-runs/{ids[0]}/rounds")
            owner.get(f"/grading-rounds/{ids[1]}")
        counts.append(asked.count)
    assert counts[0] == counts[1]
