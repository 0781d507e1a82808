"""An import becomes an evaluation: graders in the library, cases, and the run that was."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from app.auth.models import Activity
from app.core.database import read_only, unit_of_work
from app.core.errors import WrongInput
from app.evaluations import tasks
from app.evaluations.imports.forms import HowForm
from app.evaluations.imports.service import take_in
from app.evaluations.models import (
    Case,
    CaseTag,
    Contestant,
    Evaluation,
    EvaluationRun,
    GivenAnswer,
    Grade,
    Result,
    RunGrader,
)
from app.evaluations.reports.models import Report
from app.grading.models import LibraryGrader
from app.projects.models import Project
from tests import make

FILES = Path(__file__).with_name("files")
CONFIG = (FILES / "promptfooconfig.yaml").read_bytes()
RESULTS = (FILES / "results.json").read_bytes()
ROWS = "\n".join(
    json.dumps(
        {
            "run_id": run,
            "item": {
                "question": f"Where {n}?",
                "answer": "refund",
                "channel": "mail" if n % 2 else "phone",
            },
            "sample": {
                "input": [{"role": "user", "content": f"Where {n}?"}],
                "outputs": [{"role": "assistant", "content": "refund" if n else "delivery"}],
                "model": f"model-{run}",
            },
        }
    )
    for run in ("a", "b")
    for n in range(4)
).encode()


def imported(team, content, **how):
    made = take_in(
        project_id=team.project_id,
        actor_id=team.users["owner"],
        content=content,
        how=HowForm(**how),
    )
    with read_only() as session:
        return session.get_one(Evaluation, made)


def rows_of(table, **where):
    with read_only() as session:
        return session.scalars(
            select(table).filter_by(**where).order_by(*table.__table__.primary_key)
        ).all()


def test_a_configuration_is_ready_at_once_with_its_graders_in_the_library(team):
    made = imported(team, CONFIG)
    assert (made.name, made.status, made.cases) == ("Support answers", "ready", 4)
    assert made.tokens > 0
    assert [one.item["topic"] for one in rows_of(Case, evaluation_id=made.id)] == [
        "refund", "pin", "is", "is",
    ]  # fmt: skip
    names = {one.name for one in rows_of(LibraryGrader, project_id=team.project_id)}
    assert {"icontains", "equals", "Each test's own asserts"} <= names
    assert rows_of(EvaluationRun, evaluation_id=made.id) == []
    assert [one.verb for one in rows_of(Activity) if one.subject == f"evaluation:{made.id}"] == [
        "evaluation.imported"
    ]


def test_imported_twice_it_has_another_name_and_the_same_graders(team):
    first, again = imported(team, CONFIG), imported(team, CONFIG)
    assert (first.name, again.name) == ("Support answers", "Support answers 2")
    count = len(rows_of(LibraryGrader, project_id=team.project_id))
    other = CONFIG.replace(b"{{topic}}", b"x{{topic}}")
    imported(team, other)
    found = {one.name for one in rows_of(LibraryGrader, project_id=team.project_id)}
    assert len(found) == count + 1
    assert "icontains 2" in found, "one that means something else does not change the first"
    with pytest.raises(WrongInput) as taken:
        imported(team, CONFIG, name="Support answers")
    assert taken.value.errors[0].field == "name"


def test_results_are_a_run_that_was_with_its_answers_and_grades(team):
    made = imported(team, RESULTS)
    (run,) = rows_of(EvaluationRun, evaluation_id=made.id)
    assert (run.status, run.origin, run.repeats) == ("done", "came with results of promptfoo", 1)
    contestants = {one.name: one for one in rows_of(Contestant, run_id=run.id)}
    echo, broken = contestants["echo"], contestants["Broken"]
    assert (echo.kind, echo.expected, echo.graded, echo.failed) == ("recorded", 4, 4, 0)
    assert (broken.graded, broken.failed, broken.due_at) == (0, 4, None)
    results = rows_of(Result, contestant_id=echo.id)
    assert {one.status for one in results} == {"graded"}
    assert {one.passed for one in results} == {False}
    assert all("Command failed" in one.error for one in rows_of(Result, contestant_id=broken.id))
    places = [one.place for one in rows_of(RunGrader, run_id=run.id)]
    grades = rows_of(Grade, run_id=run.id)
    assert len(grades) == 4 * len(places)
    assert any("Expected output" in one.detail.get("reason", "") for one in grades)
    assert rows_of(Report, run_id=run.id), "its page has numbers"
    times = {one.total_ms for one in rows_of(GivenAnswer)}
    assert None not in times


def test_answers_that_nobody_judged_are_graded_here(team):
    with unit_of_work() as session:
        grader = make.make_grader(session, session.get_one(Project, team.project_id))
        grader_id = grader.id
    made = imported(team, ROWS, graders=[grader_id], name="Rows")
    tags = {(one.field, one.value) for one in rows_of(CaseTag, evaluation_id=made.id)}
    assert tags == {("channel", "mail"), ("channel", "phone")}
    (run,) = rows_of(EvaluationRun, evaluation_id=made.id)
    assert run.status == "running"
    for one in rows_of(Contestant, run_id=run.id):
        tasks.answer(one.id)
    (run,) = rows_of(EvaluationRun, evaluation_id=made.id)
    assert run.status == "done"
    found = rows_of(Contestant, run_id=run.id)
    assert [(one.name, one.graded, one.passed) for one in found] == [
        ("model-a", 4, 3), ("model-b", 4, 3),
    ]  # fmt: skip
    assert {one.total_ms for one in rows_of(GivenAnswer)} == {None}


def test_without_any_grader_it_is_refused_and_says_what_to_choose(team):
    with pytest.raises(WrongInput) as refused:
        imported(team, ROWS)
    assert refused.value.errors[0].field == "graders"
    with pytest.raises(WrongInput) as unknown:
        imported(team, ROWS, graders=[987_654])
    assert "987654" in unknown.value.errors[0].message
    assert rows_of(Evaluation, project_id=team.project_id) == []
