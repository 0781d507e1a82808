"""People answer a run by hand: a contestant like any other, for whom the run waits."""

import csv
import re

import pytest

from app.auth.models import Activity
from app.core import clock
from app.core.database import unit_of_work
from app.core.errors import Conflict, NotFound
from app.evaluations import service as runs
from app.evaluations.byhand import service
from app.evaluations.byhand.models import HandAnswer
from app.evaluations.models import GivenAnswer, Grade
from app.evaluations.people.forms import RoundForm
from app.evaluations.people.service import begin_round
from app.evaluations.queries import run_by_id
from app.evaluations.reports.entrants import opened
from app.evaluations.reports.reckoning import Entrant, leading
from app.evaluations.work import answering
from app.evidence.base import Estimate
from tests.evaluations.byhand.byhand import (
    ROWS,
    answer_all,
    begun,
    claim,
    end_wait,
    give,
    people_of,
)
from tests.evaluations.planted import make_report
from tests.evaluations.steps import add_grader, add_up, begin, results_of, run_of, start
from tests.stage import one_database, read

HTMX = {"HX-Request": "true"}
WRONG = "somewhere"


def by_hand(run_id):
    """The results of people, by the number of the case."""
    row = people_of(run_id)
    return [one for one in results_of(run_id) if one.contestant_id == row.id]


def answers(run_id):
    with unit_of_work() as session:
        kept = {one.id: one.text for one in session.query(GivenAnswer)}
    return [kept.get(one.answer_id) for one in by_hand(run_id)]


def test_a_run_waits_for_people_grades_what_they_say_at_once_and_ends_with_the_last(
    workshop, witness, letters
):
    run_id = begun(workshop, letters)
    run = run_of(run_id)
    assert run.status == "running"
    assert people_of(run_id).due_at is None, "no worker turns in vain"
    owner, editor = workshop.users["owner"], workshop.users["editor"]
    number = claim(run_id, owner)
    give(run_id, number, "Where is parcel 0?", owner)
    letters.deliver()
    row = people_of(run_id)
    assert (row.expected, row.graded, row.passed, row.spent, row.asked) == (ROWS, 1, 1, 0, 0)
    give(run_id, claim(run_id, editor), WRONG, editor)
    answer_all(run_id, owner)
    letters.deliver()
    assert run_of(run_id).status == "done"
    row = people_of(run_id)
    assert (row.graded, row.passed, row.failed) == (ROWS, ROWS - 1, 0)
    add_up(run_id)
    with unit_of_work() as session:
        said = session.query(HandAnswer).order_by(HandAnswer.result_id).all()
        assert [one.user_id for one in said] == [owner, editor] + [owner] * (ROWS - 2)
        kept = session.query(GivenAnswer).filter_by(cost=0, prompt_tokens=None).all()
        assert all(one.total_ms is not None for one in kept)


@one_database
def test_two_people_never_have_the_same_case_and_a_lease_that_ran_out_frees_it(workshop, letters):
    run_id = begun(workshop, letters)
    owner, editor = workshop.users["owner"], workshop.users["editor"]
    assert claim(run_id, owner) == 1
    assert claim(run_id, editor) == 2
    assert claim(run_id, owner) == 1, "it is still theirs"
    with pytest.raises(Conflict, match="in hand"):
        give(run_id, 1, "mine", editor)
    clock.shift(31 * 60)
    try:
        assert claim(run_id, editor) == 1
        with pytest.raises(Conflict, match="in hand"):
            give(run_id, 1, "late", owner)
        give(run_id, 1, "mine", editor)
    finally:
        clock.shift(0)
    with pytest.raises(Conflict, match="meanwhile"):
        give(run_id, 1, "late", owner)
    assert answers(run_id)[0] == "mine"


@one_database
def test_a_case_that_is_skipped_comes_back_after_the_others(workshop, letters, browser):
    run_id = begun(workshop, letters, cases=3)
    numbers = []
    editor = browser(workshop.users["editor"])
    at = f"/evaluation-runs/{run_id}/people"
    place = editor.post(f"{at}/next").headers["location"]
    for _ in range(4):
        numbers.append(int(place.rpartition("/")[2]))
        place = editor.post(place, {"skip": "yes"}).headers["location"]
    assert numbers == [*sorted(numbers[:3]), numbers[0]]


@one_database
def test_an_answer_sent_twice_is_one_and_another_takes_its_place_until_the_end(workshop, letters):
    run_id = begun(workshop, letters)
    owner = workshop.users["owner"]
    number = claim(run_id, owner)
    give(run_id, number, WRONG, owner)
    give(run_id, number, WRONG, owner)
    letters.deliver()
    first = by_hand(run_id)[0]
    give(run_id, number, WRONG, owner)
    assert by_hand(run_id)[0].status == "graded", "said again, it stays as it is"
    assert (first.passed, people_of(run_id).passed) == (False, 0)
    taken = read(GivenAnswer, first.answer_id).total_ms
    give(run_id, number, "Where is parcel 0?\r\n", owner)
    assert people_of(run_id).graded == 0
    letters.deliver()
    second = by_hand(run_id)[0]
    assert (second.status, second.passed) == ("graded", True)
    assert (people_of(run_id).graded, people_of(run_id).passed) == (1, 1)
    with unit_of_work() as session:
        assert session.get(GivenAnswer, first.answer_id) is None
        assert session.query(Grade).filter_by(result_id=second.id).count() == 1
        assert session.get_one(GivenAnswer, second.answer_id).total_ms == taken
    add_up(run_id)
    answer_all(run_id, owner)
    letters.deliver()
    with pytest.raises(Conflict, match="over"):
        give(run_id, number, WRONG, owner)


@one_database
def test_a_grade_of_what_was_changed_meanwhile_is_not_kept(workshop, letters, monkeypatch):
    run_id = begun(workshop, letters)
    owner = workshop.users["owner"]
    number = claim(run_id, owner)
    give(run_id, number, WRONG, owner)
    graded = answering.missing_grades

    def change_first(graders, one):
        monkeypatch.setattr(answering, "missing_grades", graded)
        give(run_id, number, "Where is parcel 0?", owner)
        return graded(graders, one)

    monkeypatch.setattr(answering, "missing_grades", change_first)
    letters.deliver()
    result = by_hand(run_id)[0]
    assert (result.status, result.passed) == ("graded", True)
    add_up(run_id)


@one_database
def test_what_others_grade_or_another_run_has_already_is_not_changed(workshop, letters):
    run_id = begun(workshop, letters)
    owner = workshop.users["owner"]
    number = claim(run_id, owner)
    give(run_id, number, WRONG, owner)
    letters.deliver()
    with unit_of_work() as session:
        run = run_by_id(session, run_id)
        begin_round(session, run, RoundForm(kind="grades", cases=ROWS), actor_id=owner)
    later = claim(run_id, owner)
    give(run_id, later, WRONG, owner)
    letters.deliver()
    start(workshop, run.evaluation_id, {"recorded_id": people_of(run_id).id}, key="form:2")
    letters.deliver()
    with pytest.raises(Conflict, match="stays as it is"):
        give(run_id, later, "other", owner)
    with pytest.raises(Conflict, match="stays as it is"):
        give(run_id, number, "other", owner)


def test_whoever_ends_the_wait_fails_what_nobody_answered_and_the_run_is_done(workshop, letters):
    run_id = begun(workshop, letters)
    owner = workshop.users["owner"]
    give(run_id, claim(run_id, owner), WRONG, owner)
    assert claim(run_id, owner) == 2
    letters.deliver()
    assert end_wait(run_id, owner) == ROWS - 1
    run = run_of(run_id)
    assert run.status == "done"
    assert {one.error for one in by_hand(run_id) if one.status == "failed"} == {
        "No person answered it before the wait was ended."
    }
    with unit_of_work() as session:
        verbs = [one.verb for one in session.query(Activity)]
        assert session.query(HandAnswer).count() == 1
    assert verbs.count("evaluation.wait_ended") == 1
    with pytest.raises(Conflict, match="over"):
        end_wait(run_id, owner)
    add_up(run_id)
    make_report(run_id)


@one_database
def test_the_wait_of_a_paused_run_can_be_ended_and_people_answer_while_it_is_paused(
    workshop, letters
):
    run_id = begun(workshop, letters)
    owner = workshop.users["owner"]
    with unit_of_work() as session:
        runs.pause_run(session, run_id, actor_id=owner)
    give(run_id, claim(run_id, owner), WRONG, owner)
    letters.deliver()
    assert by_hand(run_id)[0].status == "answered"
    end_wait(run_id, owner)
    assert run_of(run_id).status == "paused", "one answer is not graded yet"
    with unit_of_work() as session:
        runs.resume_run(session, run_id, actor_id=owner)
    letters.deliver()
    assert run_of(run_id).status == "done"


@one_database
def test_people_answer_a_sample_that_the_seed_draws_and_verdicts_are_over_it_alone(
    workshop, letters
):
    run_id = begun(workshop, letters, cases=5, seed=3)
    assert len(by_hand(run_id)) == 5
    evaluation_id = run_of(run_id).evaluation_id
    again = start(workshop, evaluation_id, {"people": {"cases": 5, "seed": 3}}, key="form:2")
    letters.deliver()
    cases = [{one.case_id for one in by_hand(each)} for each in (run_id, again)]
    assert cases[0] == cases[1]
    answer_all(run_id, workshop.users["owner"])
    letters.deliver()
    make_report(run_id)
    with unit_of_work() as session:
        here = opened(session, run_by_id(session, run_id))
    verdict = here.figures.verdict(0, 1)
    assert (verdict.cases, verdict.left_out) == (5, ROWS - 5)
    assert here.notes[1] == "people, 5 cases"


@one_database
def test_what_people_said_takes_part_in_a_later_run_as_a_recording(workshop, letters):
    run_id = begun(workshop, letters)
    answer_all(run_id, workshop.users["owner"])
    letters.deliver()
    row = people_of(run_id)
    later = start(workshop, run_of(run_id).evaluation_id, {"recorded_id": row.id}, key="form:2")
    letters.deliver()
    run = run_of(later)
    (recorded,) = run.contestants
    assert (run.status, recorded.graded, recorded.by_people) == ("done", ROWS, row.by_people)


@one_database
def test_the_pages_show_the_question_alone_and_lead_from_case_to_case(workshop, letters, browser):
    run_id = begun(workshop, letters, cases=2)
    editor, viewer = (browser(workshop.users[who]) for who in ("editor", "viewer"))
    at = f"/evaluation-runs/{run_id}"
    assert "2 answers of people are missing: it waits for nothing else." in editor.get(at).text
    assert 'id="answer"' in editor.get(f"{at}/people").text
    assert 'id="answer"' not in viewer.get(f"{at}/people").text
    place = editor.post(f"{at}/people/next").headers["location"]
    page = editor.get(place).text
    assert re.search(r"Where is parcel \d+\?", page)
    assert "0 of 2 cases answered" in page
    assert not re.search(r"reference|right answer|gpt-4o", page)
    empty = editor.post(place, {"text": "  "}, **HTMX)
    assert (empty.status_code, "Write an answer" in empty.text) == (422, True)
    other = browser(workshop.users["owner"]).get(place).text
    assert "not in your hands" in other
    assert not re.search(r"Where is parcel \d+\?", other)
    after = editor.post(place, {"text": "Here."}, **HTMX)
    assert after.headers["HX-Push-Url"] != place
    assert "1 of 2 cases answered" in after.text
    last = editor.post(after.headers["HX-Push-Url"], {"text": "There."}, **HTMX)
    assert last.headers["HX-Redirect"] == f"{at}/people"
    told = viewer.get(f"{at}/people").text
    assert "2 of 2 cases answered" in told
    assert "Here." not in told
    assert "Here." in editor.get(f"{at}/people").text
    assert "Here." in editor.get(place).text
    letters.deliver()
    make_report(run_id)
    number = place.rpartition("/")[2]
    assert "by editor" in viewer.get(f"{at}/cases/{number}").text.casefold()
    rows = list(csv.DictReader(viewer.get(f"{at}/answers.csv").text.splitlines()))
    people = [one for one in rows if one["contestant"] == "People"]
    assert {one["person"].casefold() for one in people} == {"editor"}
    assert {one["dollars"] for one in people} == {"0.0"}
    assert "The run is over" in editor.get(place).text


@one_database
def test_few_answers_that_repeat_are_labels_to_choose_from(workshop, letters, browser):
    pasted = "\n".join(f"Question {n}?\t{('yes', 'no')[n % 2]}" for n in range(6))
    grader = {"type": "match", "name": "right", "reference": "{{ item.answer }}"}
    prompt = [{"role": "user", "content": "{{ item.question }}"}]
    graders = [add_grader(workshop, grader)]
    evaluation_id = begin(workshop, pasted=pasted, prompt=prompt, graders=graders)
    letters.deliver()
    run_id = start(workshop, evaluation_id, {"people": {}})
    letters.deliver()
    editor = browser(workshop.users["editor"])
    page = editor.get(editor.post(f"/evaluation-runs/{run_id}/people/next").headers["location"])
    assert re.findall(r'name="text" value="(\w+)"[^>]* data-key="(\d)"', page.text) == [
        ("no", "1"),
        ("yes", "2"),
    ]


@one_database
def test_a_script_answers_too_and_a_run_without_people_has_no_such_page(
    workshop, letters, script, browser
):
    run_id = begun(workshop, letters, cases=2)
    ask = script(workshop.users["editor"])
    at = f"/evaluation-runs/{run_id}"
    assert ask.get(at).json()["people_left"] == 2
    found = ask.post(f"{at}/people/next", json={}).json()
    assert found["messages"][-1]["content"].startswith("Where is parcel")
    assert ask.post(f"{at}/people/{found['number']}", json={}).status_code == 422
    told = ask.post(f"{at}/people/{found['number']}", json={"text": "Here."}).json()
    assert (told["given"], told["waiting"], told["people"][0]["cases"]) == (1, 1, 1)
    assert ask.post(f"{at}/people/99", json={"text": "Here."}).status_code == 404
    ended = ask.post(f"{at}/people/end").json()
    assert (ended["given"], ended["waiting"], ended["failed"]) == (1, 0, 1)
    letters.deliver()
    assert run_of(run_id).status == "done"
    other = start(workshop, run_of(run_id).evaluation_id, key="form:2")
    letters.deliver()
    page = browser(workshop.users["owner"]).get(f"/evaluation-runs/{other}/people")
    assert page.status_code == 404
    with unit_of_work() as session, pytest.raises(NotFound):
        service.claim_next(session, other, user_id=workshop.users["owner"])


@one_database
def test_people_are_chosen_in_the_form_with_how_many_cases_they_are_asked(
    workshop, letters, browser
):
    evaluation_id = begin(workshop)
    letters.deliver()
    editor = browser(workshop.users["editor"])
    at = f"/evaluations/{evaluation_id}/runs"
    assert 'name="people"' in editor.get(f"{at}/new").text
    values = {"people": "yes", "people_cases": "many", "nonce": "n"}
    wrong = editor.post(at, values)
    assert (wrong.status_code, 'id="people_cases-error"' in wrong.text) == (422, True)
    assert "nothing" in editor.get(f"{at}/receipt?people=yes&people_cases=7").text
    values["people_cases"] = "7"
    place = editor.post(at, values).headers["location"]
    letters.deliver()
    (row,) = run_of(int(place.rpartition("/")[2])).contestants
    assert (row.name, row.kind, row.expected) == ("People", "people", 7)


@pytest.mark.parametrize(
    ("kinds", "pair"),
    [
        (("tuned", "base", "people"), (0, 1)),
        (("tuned", "people"), (0, 1)),
        (("tuned", "tuned", "people"), (0, 1)),
        (("people", "base", "base"), (1, 2)),
        (("people", "base"), (1, 0)),
    ],
)
def test_a_run_leads_with_models_and_not_with_people_where_there_are_two(kinds, pair):
    entrants = [
        Entrant(place, f"{kind} {place}", kind == "tuned", kind == "people")
        for place, kind in enumerate(kinds)
    ]
    value = {"people": 0.99, "tuned": 0.8, "base": 0.6}
    scores = {
        one.place: Estimate(value[kind] - one.place / 100, None, 40)
        for one, kind in zip(entrants, kinds, strict=True)
    }
    assert leading(entrants, scores) == pair
