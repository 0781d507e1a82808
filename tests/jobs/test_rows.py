"""What a provider would refuse of a job's rows stops the job there, and nowhere else."""

import json

import pytest

from app.core.database import unit_of_work
from app.projects.models import Project
from tests import make
from tests.stage import one_database

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def file_with(*rows, count=60):
    return make.chat_file(count) + b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def row(content, **more):
    said = [{"role": "user", "content": content}, {"role": "assistant", "content": "refund"}]
    return {"messages": said, **more}


@pytest.fixture
def ask(team, script):
    """Ask for a job on rows, over OpenAI or another provider."""

    def post(content, *, profile="openai", **form):
        with unit_of_work() as session:
            connection_id = team.connection_id
            if profile != "openai":
                other = make.make_connection(
                    session,
                    session.get_one(Project, team.project_id),
                    name=profile,
                    profile=profile,
                )
                connection_id = other.id
            version = make.make_checked_version(
                session, session.get_one(Project, team.project_id), content, name=profile
            )
        body = {
            "connection_id": connection_id,
            "base_model": make.BASE_MODEL,
            "training_version_id": version.id,
            **form,
        }
        return script(team.users["editor"]).post(f"/projects/{team.project_id}/jobs", json=body)

    return post


@one_database
def test_the_row_and_the_cure_stand_at_the_field(ask):
    refused = ask(file_with(row("Where?", mood=1)))
    assert refused.status_code == 422
    (words,) = make.problem_fields(refused).values()
    assert words.startswith("OpenAI would refuse openai, version 1: row 61. ")
    assert '"mood" is not a key of a chat row' in words
    assert words.endswith("or move it out of the training file.")


@one_database
def test_what_one_provider_refuses_another_takes(ask):
    content = file_with(row([IMAGE] * 11))
    assert "11 images" in ask(content).text
    assert ask(content, profile="luthier").status_code == 201


@one_database
def test_rows_that_a_split_leaves_too_few_of_are_refused(ask):
    assert ask(make.chat_file(10)).status_code == 201
    refused = ask(make.chat_file(10), validation_split=0.2)
    assert "8 rows are left to train on after the split" in refused.text


@one_database
def test_the_form_says_what_to_know_of_the_rows_and_what_stops_the_start(team, browser):
    editor = browser(team.users["editor"])
    with unit_of_work() as session:
        few = make.make_checked_version(
            session, session.get_one(Project, team.project_id), make.chat_file(20), name="Few"
        )
        wrong = file_with(row("Where?", mood=1), row("When?", mood=2))
        bad = make.make_checked_version(
            session, session.get_one(Project, team.project_id), wrong, name="Bad"
        )

    def receipt(version):
        fields = {
            "connection_id": str(team.connection_id),
            "base_model": make.BASE_MODEL,
            "training_version_id": str(version.id),
        }
        path = f"/projects/{team.project_id}/jobs/receipt"
        return editor.client.get(path, params=fields, headers=editor.headers).text

    assert "advises to begin with 50 good ones" in receipt(few)
    assert 'aria-disabled="true"' not in receipt(few)
    told = receipt(bad)
    assert "OpenAI would refuse Bad, version 1: rows 61, 62. " in told
    assert 'aria-disabled="true"' in told
