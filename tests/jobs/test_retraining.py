"""Retraining a job that came home: a form with its rows and settings, and with what cannot come."""

import html
import re

import pytest
from sqlalchemy import select

from app.catalog import service as catalog
from app.connections.models import Connection
from app.core.database import read_only, unit_of_work
from app.datasets.models import DatasetVersion, VersionStatus
from app.jobs.adopting import RunFile, adopt_run
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from app.providers.base import BaseModelInfo, RunStatus
from tests import make
from tests.stage import one_database

PRACTICE = "practice-small"
DIALS = {"n_epochs": 3, "batch_size": 2, "learning_rate_multiplier": 1.8}


@pytest.fixture
def practice(team):
    """A trainer of the team's own, with one base model that was read just now."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        made = make.make_connection(
            session, project, name="Practice", base_url="https://t.example.org", profile="luthier"
        )
        info = BaseModelInfo(PRACTICE, None, ("supervised",), None, None, None)
        catalog.record_base_models(session, made.id, [info])
        return made.id


@pytest.fixture
def rescued(team):
    """A job that came home, learned from the team's rows: `rescued(method="dpo", …)`."""

    def make_one(*, training=None, validation=None, measures_itself=False, **said):
        with unit_of_work() as session:
            connection = session.get_one(Connection, team.connection_id)
            version = session.get_one(DatasetVersion, team.version_id)
            if measures_itself:
                validation = RunFile("file-v", version.sha256, version)
            report = make.make_report(
                **{
                    "status": RunStatus.SUCCEEDED,
                    "hyperparameters": DIALS,
                    "seed": 7,
                    "suffix": "routing",
                    "training_file_id": "file-rows",
                    **said,
                }
            )
            job = adopt_run(
                session,
                connection,
                report,
                name="routing",
                training=training or RunFile("file-rows", version.sha256, version),
                validation=validation or RunFile(),
            )
            session.flush()
            return job.id

    return make_one


@pytest.fixture
def opened(team, browser):
    """The form as an editor opens it: `opened(job_id, connection_id=…)` gives its text."""
    person = browser(team.users["editor"])

    def read(job_id, **fields):
        words = "&".join(f"{name}={value}" for name, value in {"from": job_id, **fields}.items())
        answer = person.get(f"/projects/{team.project_id}/jobs/new?{words}")
        assert answer.status_code == 200, answer.text
        return html.unescape(answer.text)

    return read


def losses_in(page):
    source = re.search(r'(?s)<div id="source".*?</ul>', page)
    return re.findall(r"<li>(.*?)</li>", source[0]) if source else []


def value_of(page, name):
    field = re.search(rf'<input[^>]*name="{name}"[^>]*?value="([^"]*)"', page)
    return field[1] if field else None


def chosen_in(page, name):
    select_ = re.search(rf'(?s)<select[^>]*name="{name}".*?</select>', page)
    option = re.search(r'<option value="([^"]*)" selected', select_[0])
    return option and option[1]


@one_database
def test_the_page_of_a_rescued_job_offers_it_to_those_who_may(team, browser, rescued):
    job_id = rescued()

    editor = browser(team.users["editor"]).get(f"/jobs/{job_id}").text
    viewer = browser(team.users["viewer"]).get(f"/jobs/{job_id}").text

    assert "Retrain here" in editor
    assert f"/projects/{team.project_id}/jobs/new?from={job_id}" in editor
    assert "Retrain here" not in viewer


def test_its_rows_and_settings_stand_on_the_form_of_a_trainer_here(team, practice, rescued, opened):
    page = opened(rescued())

    assert "From routing, which came from OpenAI" in page
    assert f'id="connection_id-{practice}" value="{practice}" checked' in page
    assert chosen_in(page, "training_version_id") == str(team.version_id)
    assert (value_of(page, "suffix"), value_of(page, "seed")) == ("routing", "7")
    assert [value_of(page, name) for name in DIALS] == ["3", "2", "1.8"]
    assert chosen_in(page, "base_model") == PRACTICE
    assert losses_in(page) == [
        f"Its base, {make.BASE_MODEL}, is not tuned over Practice: {PRACTICE} stands in its place.",
        (
            "learning_rate_multiplier, 1.8, is relative to a rate that each provider chooses for "
            "its own models: the same number is another rate here."
        ),
        "Its seed, 7, comes along; another trainer deals the rows otherwise by it.",
    ]


@one_database
def test_where_it_was_all_of_it_comes_along(team, practice, rescued, opened):
    with unit_of_work() as session:
        info = BaseModelInfo(make.BASE_MODEL, None, ("supervised",), None, None, None)
        catalog.record_base_models(session, team.connection_id, [info])
    job_id = rescued()

    page = opened(job_id, connection_id=team.connection_id, base_model=make.BASE_MODEL)

    assert losses_in(page) == []
    assert "All of its settings come along." in page


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            {"method": "dpo", "hyperparameters": {"beta": 0.1}},
            ["Its method was preference (dpo); this form does not have it.", "beta, 0.1, has no"],
        ),
        (
            {"method": "reinforcement", "hyperparameters": {"reasoning_effort": "low"}},
            ["Its method was reinforcement; this form does not", "Its grader stays", "low, has no"],
        ),
        ({"hyperparameters": {"n_epochs": 70}}, ["n_epochs, 70, is not taken here: Epochs can"]),
        ({"hyperparameters": {"batch_size": "auto"}}, []),
        ({"suffix": "x" * 64}, []),
        ({"seed": 2**40}, ["Its seed, 1099511627776, is not taken here: Seed can be at most"]),
        ({"seed": None}, ["Its seed is not known."]),
        ({"training": RunFile("file-x")}, ["Its training file, file-x, did not come home."]),
        ({"training": RunFile("file-x", "0" * 64)}, ["file-x, holds rows of a format that is no"]),
        ({"training": RunFile()}, ["Its training file is not known."]),
        ({"validation": RunFile("file-v")}, ["Its validation file, file-v, did not come home."]),
    ],
    ids=str,
)
@one_database
def test_what_cannot_come_along_is_said(practice, rescued, opened, said, words):
    said_on_the_form = " ".join(losses_in(opened(rescued(**said))))

    for one in words:
        assert one in said_on_the_form


@one_database
def test_what_the_place_would_refuse_is_left_to_it(practice, rescued, opened):
    page = opened(rescued(hyperparameters={"n_epochs": 70, "beta": 0.1}, seed=2**40))

    assert value_of(page, "n_epochs") == ""
    assert value_of(page, "seed") == ""
    assert "has no such hyperparameter" not in page


@pytest.mark.parametrize(
    ("status", "words"),
    [(VersionStatus.CHECKING, "are still being checked"), (VersionStatus.REJECTED, "were refused")],
)
@one_database
def test_rows_that_are_not_ready_are_named(team, practice, rescued, opened, status, words):
    job_id = rescued()
    with unit_of_work() as session:
        session.get_one(DatasetVersion, team.version_id).status = status

    assert f"Its training rows, Tickets, version 1, {words}" in losses_in(opened(job_id))[0]


def test_it_is_trained_again_here_and_begins_as_a_job_of_ours(team, practice, rescued, browser):
    job_id = rescued()
    person = browser(team.users["editor"])

    answer = person.post(
        f"/projects/{team.project_id}/jobs",
        {
            "from": str(job_id),
            "nonce": "n-1",
            "connection_id": str(practice),
            "base_model": PRACTICE,
            "method": "supervised",
            "training_version_id": str(team.version_id),
            "validation": "none",
            "n_epochs_mode": "number",
            "n_epochs": "3",
            "suffix": "routing",
        },
    )

    assert answer.status_code in {302, 303}, answer.text
    with read_only() as session:
        made = session.scalars(select(Job).where(Job.rescued_at.is_(None))).one()
    assert (made.status, made.connection_id) == (JobStatus.QUEUED, practice)


@one_database
def test_a_job_of_another_project_gives_nothing_away(team, practice, rescued, browser):
    with unit_of_work() as session:
        outsider = make.make_user(session, "olga")
        theirs = make.make_project(session, outsider, "Elsewhere").id
        person_id = outsider.id
    job_id = rescued()

    page = browser(person_id).get(f"/projects/{theirs}/jobs/new?from={job_id}")

    assert page.status_code == 200
    assert "routing" not in page.text


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30, "1.5", "٣"])
@one_database
def test_a_source_that_is_none_is_no_trouble(practice, opened, number):
    assert 'id="source"' not in opened(number)


@one_database
def test_rows_that_measured_themselves_are_not_chosen_to_measure(practice, rescued, opened):
    page = opened(rescued(measures_itself=True))

    assert losses_in(page)[0].startswith("It was measured on the rows it trained on")
    assert 'id="validation-none" value="none" checked' in page
