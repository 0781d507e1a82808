"""A run's judges are provisional until people's grades of the same answers bear them out."""

import pytest
from sqlalchemy import update

from app.core.database import unit_of_work
from app.evaluations.calibration import service
from app.evaluations.models import Grade
from app.evaluations.people import queries as people
from app.evaluations.people import service as rounds
from app.evaluations.people.forms import GradeForm
from app.evaluations.queries import run_by_id
from app.grading import service as graders
from app.projects.models import Project
from tests.evaluations.people.rounds import begin
from tests.evaluations.planted import Player, plant_evaluation, plant_run, questions
from tests.stage import one_database

TOLD = [{"role": "user", "content": "Is it kind? {{ sample.output_text }}"}]


def judge(name="kindness", prompt="Is it kind?"):
    told = [{"role": "user", "content": prompt + " {{ sample.output_text }}"}]
    return {
        "type": "label_model",
        "name": name,
        "model": "gpt-4o",
        "input": told,
        "labels": ["kind", "rude"],
        "passing_labels": ["kind"],
    }


@pytest.fixture
def stand(team):
    """The evaluation and its judge, by id."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        made = graders.create_grader(
            session, project_id=project.id, actor_id=team.users["owner"], body=judge()
        )
        evaluation = plant_evaluation(session, project, questions(40), grader=made)
        return evaluation.id, made.id


def plant(session, team, evaluation_id, says=lambda number: number % 2 == 0):
    """A run whose judge says this of the answer to each case."""
    from app.evaluations.models import Case, Evaluation, Result

    evaluation = session.get_one(Evaluation, evaluation_id)
    run = plant_run(session, evaluation, Player("tuned", lambda n, *_: f"answer {n}"))
    for result, number in (
        session.query(Result, Case.number).join(Result.case).filter(Result.run_id == run.id)
    ):
        session.execute(
            update(Grade)
            .where(Grade.result_id == result.id)
            .values(passed=says(number), value=float(says(number)), fault=None)
        )
    return run_by_id(session, run.id)


def graded_by_people(session, team, run, is_good, *, labels_of=None):
    """A closed round in which one person graded everything."""
    owner = team.users["owner"]
    made = begin(session, run, actor_id=owner, cases=100, labels_of=labels_of)
    good, bad = ("kind", "rude") if labels_of is not None else ("right", "wrong")
    for row in people.places_of(session, made.id):
        form = GradeForm(number=row.number, label=good if is_good(row.case) else bad)
        rounds.give(session, made, form, user_id=owner)
    return made


def test_a_judge_is_provisional_until_closed_rounds_bear_it_out(team, stand, browser):
    evaluation_id, _ = stand
    with unit_of_work() as session:
        run = plant(session, team, evaluation_id)
        assert service.provisional_places(session, run.id) == {0: service.NEVER}
        made = graded_by_people(session, team, run, lambda case: case % 2 == 0, labels_of=0)
        service.measure_run(session, run.id)
        assert "0 answers are graded" in service.provisional_places(session, run.id)[0]
        run_id, round_id = run.id, made.id
    owner = browser(team.users["owner"])
    assert owner.post(f"/grading-rounds/{round_id}/close").status_code == 303
    with unit_of_work() as session:
        assert service.provisional_places(session, run_id) == {}
    page = owner.get(f"/evaluation-runs/{run_id}/judges").text
    assert "Calibrated" in page
    assert "40 answers" in page


def test_another_prompt_makes_another_judge(team, stand):
    evaluation_id, grader_id = stand
    with unit_of_work() as session:
        run = plant(session, team, evaluation_id)
        made = graded_by_people(session, team, run, lambda case: case % 2 == 0)
        rounds.close_round(session, made, actor_id=team.users["owner"])
        service.measure_run(session, run.id)
        again = plant(session, team, evaluation_id)
        assert service.provisional_places(session, again.id) == {}

        from app.grading.models import LibraryGrader

        graders.change_grader(
            session,
            session.get_one(LibraryGrader, grader_id),
            actor_id=team.users["owner"],
            after=None,
            body=judge(prompt="Would you like to hear this?"),
        )
        changed = plant(session, team, evaluation_id)
        assert service.provisional_places(session, changed.id) == {0: service.NEVER}
        assert service.provisional_places(session, run.id) == {}


def test_a_generous_judge_is_refused_and_the_page_says_why(team, stand, browser):
    evaluation_id, _ = stand
    with unit_of_work() as session:
        run = plant(session, team, evaluation_id, says=lambda number: number != 2)
        made = graded_by_people(session, team, run, lambda case: case % 2 == 1)
        run_id, round_id = run.id, made.id
    owner = browser(team.users["owner"])
    owner.post(f"/grading-rounds/{round_id}/close")
    page = owner.get(f"/evaluation-runs/{run_id}/judges").text
    assert "Provisional" in page
    assert "It is too generous: it passed 19 answers that people do not" in page
    assert owner.post(f"/evaluation-runs/{run_id}/judges").status_code == 303


@one_database
def test_a_run_without_judges_has_none_to_calibrate(team, browser):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        run = plant_run(
            session, plant_evaluation(session, project), Player("m", lambda *_: "delivery")
        )
        assert service.provisional_places(session, run.id) == {}
        run_id = run.id
    page = browser(team.users["viewer"]).get(f"/evaluation-runs/{run_id}/judges").text
    assert "No grader of this run asks a model" in page
