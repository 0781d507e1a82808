"""A tuned contestant's worst cases, each beside the rows nearest to it that it learned from."""

import pytest
from sqlalchemy import select

from app.collections.models import CollectionRow
from app.connections.models import Connection
from app.core import storage
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.evaluations.worst import finding, tasks
from app.evaluations.worst.models import WorstCase, WorstList
from app.evaluations.worst.saying import Neighbour, Says, says_of, sentence
from app.projects.models import Project
from tests import make
from tests.evaluations.planted import Player, Question, make_report, plant_evaluation, plant_run
from tests.stage import one_database

MODEL = "ft:gpt-4o-mini-2024-07-18:acme::worst"
ROWS = (
    ("My new card has not arrived yet", "card_arrival"),
    ("Has my new card arrived yet?", "card_arrival"),
    ("The new card did not arrive", "card_arrival"),
    ("I lost my wallet on a train", "lost_card"),
    ("My wallet was lost", "lost_card"),
    ("My wallet is lost, what now", "lost_card"),
    ("Change the pin please", "change_pin"),
    ("Change the pin please", "pin_blocked"),
    ("Which rate for dollars", "exchange_rate"),
    ("How good are your rates", "exchange_rate"),
)
ASKED = (
    Question("Where is my new card, it has not arrived", "card_lost_in_mail"),
    Question("My wallet was lost on a train", "lost_card"),
    Question("Change the pin please", "change_pin"),
    Question("Bonjour tout le monde", "greeting"),
    Question("Has my new card arrived?", "card_arrival"),
)


@pytest.fixture
def run_id(team):
    """A run of these cases: the tuned model knows the last one, the base the second as well."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        content = b"".join(make.chat_row(question, answer) for question, answer in ROWS)
        version = make.make_checked_version(session, project, content, name="Training")
        make.make_model(session, project, connection, version, model_name=MODEL)
        kept = plant_run(
            session,
            plant_evaluation(session, project, ASKED),
            Player(make.BASE_MODEL, _right_in(2, 5), connection=connection),
            Player(MODEL, _right_in(5), connection=connection),
            repeats=2,
        )
        return kept.id


def _right_in(*numbers):
    def says(number, repeat, reference):
        half = number == 4 and repeat == 1
        return reference if number in numbers or half else "something else"

    return says


@pytest.fixture
def found(run_id):
    """The same, its worst cases found."""
    make_report(run_id)
    find()
    return run_id


def find():
    """What the clock finds to be due."""
    while waiting := tasks.waiting():
        for _, row_id in waiting:
            tasks.find(row_id)


def test_the_worst_come_first_each_with_its_nearest_rows_and_what_they_come_to(
    team, browser, found
):
    reads = browser(team.users["viewer"])
    answer = reads.get(f"/evaluation-runs/{found}/worst")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/evaluation-runs/{found}/contestants/2/worst"
    text = reads.get(answer.headers["location"]).text
    assert "got 4 of 5 cases wrong" in text
    at = [text.index(f'id="case-{number}"') for number in (2, 1, 3, 4)]
    assert at == sorted(at), "what the base had right, then the lowest score"
    assert 'id="case-5"' not in text
    for words in (
        "All 3 nearest training rows say card_arrival, the reference says card_lost_in_mail.",
        "nearest training rows say lost_card, as the reference does.",
        "The nearest training rows disagree: 1 says change_pin, 1 says pin_blocked.",
        "No training row is like it",
        "row?line=7",
        "the base had it right",
    ):
        assert words in text, words


def test_filters_stand_in_the_address_and_find_what_they_say(team, script, found):
    reads = script(team.users["viewer"])
    path = f"/evaluation-runs/{found}/contestants/2/worst"

    def numbers(query):
        answer = reads.get(f"{path}?{query}")
        assert answer.status_code == 200, answer.text
        return [one["number"] for one in answer.json()["data"]]

    assert numbers("") == [2, 1, 3, 4]
    assert numbers("sort=case") == [1, 2, 3, 4]
    assert numbers("says=otherwise,split&sort=case") == [1, 3]
    assert numbers("lost=yes") == [2]
    assert numbers("q=bonjour") == [4]
    assert numbers("q=card_lost") == [1]
    assert numbers("case=3") == [3]
    assert numbers("after=2&limit=1") == [1]
    assert reads.get(f"{path}?says=maybe").status_code == 422
    assert reads.get(f"{path}?colour=red").status_code == 422


def test_a_script_gets_the_rows_with_their_likeness(team, script, found):
    reads = script(team.users["viewer"])
    body = reads.get(f"/evaluation-runs/{found}/contestants/2/worst").json()
    assert (body["wrong"], body["cases"], body["looked"], body["is_done"]) == (4, 4, 4, True)
    assert body["rows_looked_through"] == len(ROWS)
    lost = body["data"][0]
    assert lost["base_was_right"] is True
    assert lost["answer"] == "something else"
    near = lost["near"][0]
    assert (near["line"], near["question"], near["is_right"]) == (4, ROWS[3][0], True)
    assert 0.5 < near["likeness"] < 1
    twins = body["data"][2]["near"][:2]
    assert [one["likeness"] for one in twins] == [1, 1]
    assert body["data"][3]["score"] == 0.5


def test_a_contestant_whose_rows_are_not_known_says_so(team, browser, script, found):
    reads = browser(team.users["viewer"])
    text = reads.get(f"/evaluation-runs/{found}/contestants/1/worst").text
    assert "are not known here" in text
    body = script(team.users["viewer"]).get(f"/evaluation-runs/{found}/contestants/1/worst").json()
    assert (body["version_id"], body["data"]) == (None, [])
    assert reads.get(f"/evaluation-runs/{found}/contestants/3/worst").status_code == 404


def test_before_the_rows_are_found_the_cases_stand_there_with_how_far_it_is(team, browser, run_id):
    make_report(run_id)
    reads = browser(team.users["viewer"])
    path = f"/evaluation-runs/{run_id}/contestants/2/worst"
    assert "are being found" in reads.get(path).text
    assert "are being found" in reads.get(f"{path}/standing").text
    find()
    assert "are being found" not in reads.get(f"{path}/standing").text


def test_the_run_and_the_case_lead_to_it(team, browser, found):
    reads = browser(team.users["viewer"])
    assert f"/evaluation-runs/{found}/worst" in reads.get(f"/evaluation-runs/{found}").text
    case = reads.get(f"/evaluation-runs/{found}/cases/1").text
    assert f"/evaluation-runs/{found}/contestants/2/worst?case=1" in case
    right = reads.get(f"/evaluation-runs/{found}/cases/5").text
    assert "/worst?case=" not in right


def test_cases_are_kept_in_a_collection_those_chosen_or_all_that_match(team, browser, found):
    edits = browser(team.users["editor"])
    path = f"/evaluation-runs/{found}/contestants/2/worst/collect"
    for query, chosen, kept in (("", "2", 1), ("?says=split", "", 2), ("", "", 4)):
        answer = edits.post(f"{path}{query}", data={"collection": "To mend", "chosen": chosen})
        assert answer.status_code == 303, answer.text
        with unit_of_work() as session:
            assert len(session.scalars(select(CollectionRow)).all()) == kept


@one_database
def test_a_run_reported_anew_is_drawn_anew(team, found):
    with unit_of_work() as session:
        session.execute(WorstCase.__table__.update().values(says="texts", near=[]))
    make_report(found)
    find()
    with unit_of_work() as session:
        drawn = session.scalars(select(WorstList)).one()
        assert (drawn.looked, drawn.due_at, drawn.base_place) == (4, None, 1)
        says = session.scalars(select(WorstCase.says).order_by(WorstCase.place)).all()
    assert says == [Says.AGREES, Says.OTHERWISE, Says.SPLIT, Says.ABSENT]


@one_database
def test_it_goes_on_where_a_slice_ended(run_id, monkeypatch):
    monkeypatch.setattr(finding, "AT_ONCE", 1)
    monkeypatch.setattr(tasks.settings(), "slice_seconds", -1)
    make_report(run_id)
    ((_, row_id),) = tasks.waiting()
    seen = []
    for _ in range(6):
        tasks.find(row_id)
        with unit_of_work() as session:
            seen.append(session.get_one(WorstList, row_id).looked)
    assert seen == [1, 2, 3, 4, 4, 4]
    assert tasks.waiting() == []


@one_database
def test_a_training_file_that_is_gone_is_said(team, browser, run_id):
    make_report(run_id)
    with unit_of_work() as session:
        drawn = session.scalars(select(WorstList)).one()
        sha256 = session.get_one(DatasetVersion, drawn.version_id).sha256
    finding._rows_of.cache_clear()
    storage.blob_path(sha256).unlink()
    tasks.find(drawn.id)
    assert tasks.waiting() == []
    text = browser(team.users["viewer"]).get(f"/evaluation-runs/{run_id}/contestants/2/worst").text
    assert "missing or damaged" in text


@pytest.mark.parametrize(
    ("answers", "reference", "says", "words"),
    [
        (
            "aaab",
            "a",
            Says.AGREES,
            "3 of the 4 nearest training rows say a, as the reference does.",
        ),
        ("aaab", "b", Says.OTHERWISE, "3 of the 4 nearest training rows say a, the reference says"),
        ("aabb", "c", Says.OTHERWISE, "disagree: 2 say a, 2 say b. The reference"),
        ("aabb", "a", Says.SPLIT, "disagree: 2 say a, 2 say b. The reference"),
        ("a", "b", Says.OTHERWISE, "The nearest training row says a, the reference says b."),
        ("A*", "a", Says.SPLIT, "disagree"),
        ("", "a", Says.ABSENT, "No training row is like it: none at all."),
        ("aa", None, Says.TEXTS, "The nearest training row has a likeness of 0.90."),
        ("aa", "long\nanswer", Says.TEXTS, "likeness"),
    ],
)
def test_what_neighbours_say_in_one_line(answers, reference, says, words):
    near = [Neighbour(n, n, 0.9, answer) for n, answer in enumerate(answers, start=1)]
    assert says_of(near, reference) is says
    assert words in sentence(near, reference)


def test_rows_that_share_only_common_words_have_no_say():
    near = [Neighbour(1, 1, 0.2, "a"), Neighbour(2, 2, 0.1, "b")]
    assert says_of(near, "a") is Says.ABSENT
    assert sentence(near, "a") == "No training row is like it: the nearest has a likeness of 0.20."
