"""A grader of the library says under each answer what it is worth."""

import pytest

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.grading import service as grading
from app.projects.models import Project
from tests import make
from tests.graders import making
from tests.stage import one_database

pytestmark = one_database


@pytest.fixture
def at(team):
    """Answered with "You said: Hello"."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        made = make.make_conversation(session, project, connection, "Hello")
        return f"/conversations/{made.id}"


def kept(team, body):
    """The id of a grader of the team's library."""
    with unit_of_work() as session:
        actor_id = team.users["owner"]
        made = grading.create_grader(
            session, project_id=team.project_id, actor_id=actor_id, body=body
        )
        return made.id


@pytest.mark.parametrize(
    ("reference", "verdict"),
    [
        ("You said: Hello", "Passed</span>"),
        ("Goodbye", "Failed</span>"),
        ("", "There is no variable &#39;item.answer&#39;"),
    ],
)
def test_the_verdict_stands_under_the_answer(team, browser, at, reference, verdict):
    grader = kept(team, making.string_check())
    viewer = browser(team.users["viewer"])
    assert verdict not in viewer.get(at).text
    page = viewer.get(f"{at}?grader={grader}&reference={reference}").text
    assert verdict in page


def test_a_grader_knows_the_question_and_how_long_the_answer_took(team, browser, at):
    echo = {**making.string_check("like"), "reference": "{{ item.question }}"}
    soon = {"type": "latency", "name": "soon", "most_seconds": 1}
    both = kept(team, making.multi("same * soon", same=echo, soon=soon))
    page = browser(team.users["owner"]).get(f"{at}?grader={both}").text
    assert "same 1, soon 1" in page


def test_what_cannot_grade_says_why_and_a_strange_grader_is_none(team, browser, at):
    owner = browser(team.users["owner"])
    judge = kept(team, making.score_model())
    assert "ask it on the grader&#39;s own page" in owner.get(f"{at}?grader={judge}").text
    code = kept(team, making.python())
    assert "Code of your own may take its time" in owner.get(f"{at}?grader={code}").text
    assert "The project has no such grader." in owner.get(f"{at}?grader=99").text
