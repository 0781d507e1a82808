"""What a report offers next: a job where somebody trains on such rows, else what makes sense."""

import json

import pytest

from app.core.database import unit_of_work
from app.datasets.titles import TITLES, title_of
from app.datasets.training import is_trained_on
from app.formats.registry import FORMATS
from app.projects.models import Project
from tests import make
from tests.stage import one_database

JOB = "Fine-tune this version"


def lines(*values):
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def checked(team, content, **words):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        return (
            f"/dataset-versions/{make.make_checked_version(session, project, content, **words).id}"
        )


def test_nobody_trains_on_cases_and_on_bare_completions():
    assert {name for name in FORMATS if not is_trained_on(name)} == {"evaluation", "completion"}
    assert not is_trained_on(None)


@one_database
def test_cases_are_held_against_training_rows_and_never_offered_for_a_job(team, browser):
    cases = [{"item": {"question": f"What is {n} + 1?", "answer": n + 1}} for n in range(12)]
    made = checked(team, lines(*cases), name="Cases")
    owner = browser(team.users["owner"])
    report = owner.get(made).text
    assert "No provider that Luthier knows trains on evaluation rows." in report
    assert 'id="measure"' in report
    for page in (report, owner.get(f"{made}/rows").text, owner.get(f"{made}/row?line=1").text):
        assert JOB not in page
    said = owner.get(f"{made}/verdicts").text
    assert "No method that Luthier knows trains on evaluation rows" in said
    assert "Refuses" not in said


@one_database
def test_rows_that_somebody_trains_on_are_offered_for_a_job(team, browser):
    made = checked(team, make.chat_file(), name="Chat")
    owner = browser(team.users["owner"])
    assert all(JOB in owner.get(f"{made}{part}").text for part in ("", "/rows", "/leaks"))
    assert JOB not in browser(team.users["viewer"]).get(made).text


@pytest.mark.parametrize("rule", TITLES)
def test_what_several_rows_break_is_not_called_by_one_of_them(rule):
    assert title_of(rule, "The same row as row 7.", 1) == "The same row as row 7."
    assert title_of(rule, "The same row as row 7.", 2) == TITLES[rule]


def test_a_rule_whose_reason_is_the_same_for_all_rows_keeps_it():
    assert title_of("secret.github_token", "A token stands there.", 9) == "A token stands there."
