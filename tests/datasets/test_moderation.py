"""Moderation of a version's rows: asked by a person, done by workers, told by row."""

import json
import re

import pytest

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.datasets import queries as datasets
from app.datasets.moderation import queries, service
from app.datasets.moderation.asking import pieces_of
from app.datasets.moderation.tasks import moderate
from app.projects.models import Project
from app.providers.moderation import MOST_CHARACTERS, MOST_TEXTS
from app.settings import settings
from tests import make
from tests.datasets.saying import said
from tests.stage import one_database
from tests.witness.script import Fault

ROUTE = "POST /v1/moderations"
BAD = {3: "I will hurt you", 40: "How do I pick a lock?", 41: "I will hurt you; pick a lock"}
ROWS = 80


@pytest.fixture
def version_id(workshop):
    """Eighty rows, three of which OpenAI would not like."""
    rows = [make.chat_row(BAD.get(n, f"Where is {n}?"), "There.") for n in range(1, ROWS + 1)]
    with unit_of_work() as session:
        project = session.get_one(Project, workshop.project_id)
        content = b"".join(row.rstrip(b"\n") + b"\n" for row in rows)
        return make.make_checked_version(session, project, content, name="More").id


def ask(workshop, version_id):
    with unit_of_work() as session:
        version = datasets.version_by_id(session, version_id)
        connection = session.get_one(Connection, workshop.connection_id)
        actor = workshop.users["editor"]
        return service.begin(session, version, connection, actor_id=actor).id


def asked(version_id):
    with unit_of_work() as session:
        return queries.moderation_of(session, version_id)


def test_every_row_is_judged_once_and_the_bad_ones_are_named(
    workshop, version_id, witness, letters
):
    ask(workshop, version_id)
    letters.deliver()
    found = asked(version_id)
    assert (found.status, found.n, found.flagged, found.due_at) == ("done", ROWS, 3, None)
    assert [row[0] for row in found.found["rows"]] == sorted(BAD)
    assert found.found["categories"] == {
        "harassment/threatening": 2,
        "violence": 2,
        "illicit": 2,
    }
    sizes = [len(one.body["input"]) for one in witness.journal.read(ROUTE)]
    assert sum(sizes) == ROWS
    assert max(sizes) <= MOST_TEXTS


@one_database
def test_rows_without_a_text_are_passed_by_a_few_at_a_time(workshop, monkeypatch):
    monkeypatch.setenv("LUTHIER_SLICE_SECONDS", "0")
    settings.cache_clear()
    with unit_of_work() as session:
        project = session.get_one(Project, workshop.project_id)
        version_id = make.make_checked_version(session, project, b'{"item": {"n": 1}}\n' * ROWS).id
    moderate(ask(workshop, version_id))
    assert asked(version_id).n == MOST_TEXTS


@one_database
def test_a_provider_that_does_not_answer_is_waited_for_and_no_row_is_judged_twice(
    workshop, version_id, witness, letters, monkeypatch
):
    monkeypatch.setenv("LUTHIER_SLICE_SECONDS", "0")
    settings.cache_clear()
    witness.script(Fault(ROUTE, status=503, body="{}", skip=1))
    row_id = ask(workshop, version_id)
    letters.deliver()
    waiting = asked(version_id)
    assert (waiting.status, waiting.n) == ("asking", MOST_TEXTS)
    assert waiting.due_at is not None
    assert waiting.last_error
    with unit_of_work() as session:  # the wait is over
        row = queries.held_moderation(session, version_id)
        row.due_at = row.created_at
        session.get_one(Connection, workshop.connection_id).not_before = None
    moderate(row_id)
    letters.deliver()
    found = asked(version_id)
    assert (found.status, found.flagged) == ("done", 3)
    answered = [one for one in witness.journal.read(ROUTE) if one.body]
    texts = [text for one in answered for text in one.body["input"]]
    assert len(texts) - len(set(texts)) <= MOST_TEXTS  # only what went unanswered came again


@one_database
def test_a_refusal_ends_it_in_the_providers_words_and_it_can_be_asked_again(
    workshop, version_id, witness, letters
):
    words = "You have no access to this model."
    body = json.dumps({"error": {"message": words, "type": "invalid_request_error"}})
    witness.script(Fault(ROUTE, status=400, body=body))
    ask(workshop, version_id)
    letters.deliver()
    found = asked(version_id)
    assert (found.status, found.due_at) == ("stopped", None)
    assert words in found.last_error
    ask(workshop, version_id)
    letters.deliver()
    assert asked(version_id).status == "done"


@one_database
def test_it_is_asked_for_once_at_a_time_and_only_where_there_is_a_model(
    workshop, version_id, letters
):
    ask(workshop, version_id)
    with pytest.raises(Conflict, match="already"):
        ask(workshop, version_id)
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        connection.profile = "azure"
        version = datasets.version_by_id(session, workshop.version_id)
        with pytest.raises(Conflict, match="no model"):
            service.begin(session, version, connection, actor_id=workshop.users["editor"])


@one_database
def test_a_connection_that_goes_away_ends_it(workshop, version_id, letters):
    row_id = ask(workshop, version_id)
    with unit_of_work() as session:
        queries.moderation_of(session, version_id).connection_id = None
    letters.nudges.clear()
    moderate(row_id)
    assert (asked(version_id).status, asked(version_id).last_error) == ("stopped", service.GONE)
    assert f"version:{version_id}" in letters.nudges


def test_a_long_row_is_judged_by_its_beginning_in_pieces():
    pieces = pieces_of(said(("user", "a" * 30_000), ("assistant", "b" * 200_000)))
    assert sum(map(len, pieces)) == MOST_CHARACTERS
    assert len(pieces) <= MOST_TEXTS
    assert "".join(pieces).startswith("a" * 30_000 + "\nb")


@one_database
def test_the_page_offers_it_to_editors_and_links_each_row(
    workshop, version_id, browser, script, letters
):
    url = f"/dataset-versions/{version_id}/moderation"
    viewer, editor = (browser(workshop.users[role]) for role in ("viewer", "editor"))
    assert "Moderate the rows" not in viewer.get(url).text
    assert "Moderate the rows" in editor.get(url).text
    refused = editor.post(url, {"connection_id": "999999"})
    assert refused.status_code == 422
    assert "no such connection" in refused.text
    assert editor.post(url, {"connection_id": str(workshop.connection_id)}).status_code == 303
    assert "is asked about every row" in viewer.get(url).text
    letters.deliver()
    shown = viewer.get(url).text
    assert "3 rows of 80 fall under a category of OpenAI" in re.sub(r"\s+", " ", shown)
    assert f"/dataset-versions/{version_id}/rows?row=40" in shown
    told = script(workshop.users["viewer"]).get(url).json()
    assert told["status"] == "done"
    assert [row["line"] for row in told["found"]] == sorted(BAD)
