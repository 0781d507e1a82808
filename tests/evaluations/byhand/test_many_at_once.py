"""Several people, and one who presses twice, answer at the same moment: on databases that really
commit.
"""

import pytest

from app.core.database import read_only, unit_of_work
from app.evaluations.byhand.models import HandAnswer
from app.evaluations.models import GivenAnswer, RunStatus
from app.projects.models import Project
from tests import make
from tests.evaluations.byhand.byhand import claim, give, wait_for_people
from tests.evaluations.planted import plant_evaluation, plant_run, questions
from tests.stage import make_team, run_together


@pytest.fixture
def waiting(real_database):
    """A team with a run of eight cases that people are to answer: the run's id, four people."""
    team = make_team(make.PUBLIC_URL, "sk-0123456789abcdef")
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        run = plant_run(
            session, plant_evaluation(session, project, questions(8)), status=RunStatus.RUNNING
        )
        wait_for_people(session, run)
        return run.id, [make.make_user(session, f"person{n}").id for n in range(4)]


def test_no_two_people_get_one_case_and_what_is_sent_twice_is_kept_once(waiting):
    run_id, people = waiting
    left, claimed = list(people), {}

    def take():
        person = left.pop()
        claimed[person] = claim(run_id, person)

    run_together(take, len(people))
    assert sorted(claimed.values()) == [1, 2, 3, 4]

    sent = people * 2

    def send():
        person = sent.pop()
        give(run_id, claimed[person], f"person {person} says so", person)

    run_together(send, len(sent))
    with read_only() as session:
        assert sorted(one.text for one in session.query(GivenAnswer)) == sorted(
            f"person {person} says so" for person in people
        )
        assert {one.user_id for one in session.query(HandAnswer)} == set(people)
