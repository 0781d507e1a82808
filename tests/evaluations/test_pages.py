"""The pages of evaluations: the list, an evaluation, a run with its matrix, a case, two runs."""

import json
import re

import pytest
from sqlalchemy import select

from app.collections.models import Collection, CollectionRow
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.evaluations.models import Evaluation, RunStatus
from app.projects.models import Project
from tests import make
from tests.evaluations.planted import (
    Player,
    Question,
    make_report,
    plant_evaluation,
    plant_run,
    questions,
    right_in,
)


@pytest.fixture
def run(team):
    """A finished run of 40 cases with three contestants, reported; ids of run and evaluation."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        evaluation = plant_evaluation(session, project, questions(40))
        kept = plant_run(session, evaluation, *players(session, team))
        ids = kept.id, evaluation.id
    make_report(ids[0])
    return ids


def players(session, team, percent=95):
    connection = session.get_one(Connection, team.connection_id)
    return (
        Player("tuned", right_in(percent, seed=1), connection=connection),
        Player("few-shot", right_in(70, seed=2), shots={"k": 20, "way": "nearest"}, ms=900),
        Player("base", lambda n, _, ref: None if n == 7 else "dunno" if n % 2 else ref, cost=None),
    )


def cases_in(text):
    return [int(one) for one in re.findall(r'id="case-(\d+)"', text)]


def test_the_run_leads_with_the_verdict_and_shows_scores_differences_and_cases(team, browser, run):
    reads = browser(team.users["viewer"])
    text = reads.get(f"/evaluation-runs/{run[0]}").text
    lead = re.search(r'<p class="lead">(.*?)</p>', text).group(1)
    assert "more cases correctly than" in lead
    assert "95 % interval" in lead
    assert cases_in(text) == list(range(1, 21))
    assert "Where tuned is mistaken" in text
    assert "1 without an answer" in text
    assert 'data-topic="evaluation_run' not in text  # it is over: nothing more will come


def test_a_leader_picked_out_of_several_is_told_to_be_flattered(team, browser):
    told = "The two were picked out of 3 by these same cases"
    players = [Player(f"model {n}", right_in(percent)) for n, percent in enumerate((99, 20, 30))]
    for taking_part, is_told in ((players, True), (players[:2], False)):
        with unit_of_work() as session:
            project = session.get_one(Project, team.project_id)
            name = f"Of {len(taking_part)}"
            kept = plant_evaluation(session, project, questions(80), name=name)
            run_id = plant_run(session, kept, *taking_part).id
        make_report(run_id)
        page = browser(team.users["viewer"]).get(f"/evaluation-runs/{run_id}").text
        assert "more cases correctly" in page
        assert (told in page) == is_told


def test_filters_stand_in_the_address_and_find_what_they_say(team, browser, run):
    reads = browser(team.users["viewer"])

    def found(query):
        answer = reads.get(f"/evaluation-runs/{run[0]}?{query}", **{"HX-Request": "true"})
        assert answer.status_code == 200, answer.text
        return cases_in(answer.text)

    assert found("missing=3") == [7]
    assert found("right=3&sort=-case")[:3] == [40, 38, 36]
    assert set(found("wrong=3&right=1")) <= set(range(1, 41, 2))
    assert found("q=Question+12%3A") == [12]
    assert 9 in found("q=dunno&after=6")
    assert found("tag=channel:phone&reference=refund")[0] in range(1, 41)
    assert 1 in found("answered=3:")
    assert found("answered=3:delivery") == found("right=3&reference=delivery") != []
    assert found("disagree=yes") != found("")
    assert len(found("sort=c3")) == 20


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("wrong=9", "wrong"),
        ("answered=1:nothing+known", "answered"),
        ("tag=channel", "tag"),
        ("against=17", "against"),
        ("confusion=x", "confusion"),
        ("sort=price", "sort"),
        ("colour=red", "colour"),
    ],
)
def test_an_address_that_asks_for_what_there_is_not_says_so(team, browser, run, query, field):
    answer = browser(team.users["viewer"]).get(f"/evaluation-runs/{run[0]}?{query}")
    assert answer.status_code == 422
    assert field in answer.text


def test_a_case_has_every_answer_with_its_difference_and_the_way_to_the_next_of_the_list(
    team, browser, run
):
    reads = browser(team.users["viewer"])
    text = reads.get(f"/evaluation-runs/{run[0]}/cases/3?wrong=3").text
    assert "Question 3" in text
    assert "<ins>dunno</ins>" in text
    assert f"/evaluation-runs/{run[0]}/cases/5?wrong=3" in text
    assert f"/evaluation-runs/{run[0]}/cases/1?wrong=3" in text
    assert (
        "did not answer within 60 seconds" in reads.get(f"/evaluation-runs/{run[0]}/cases/7").text
    )
    assert reads.get(f"/evaluation-runs/{run[0]}/cases/41").status_code == 404


def test_a_square_of_the_confusion_leads_to_its_cases(team, browser, run):
    reads = browser(team.users["viewer"])
    text = reads.get(f"/evaluation-runs/{run[0]}/confusion?contestant=3").text
    (url, count) = re.findall(
        r'href="([^"#]*)#cases" aria-label="\d+ of delivery answered delivery">(\d+)<', text
    )[0]
    shown = cases_in(reads.get(url.replace("&amp;", "&")).text)
    assert len(shown) == int(count) == 10
    table = reads.get(f"/evaluation-runs/{run[0]}/confusion.csv?contestant=3").text
    assert "delivery,delivery,10" in table.splitlines()


def test_failures_go_to_a_collection_in_one_click_and_once(team, browser, run):
    edits = browser(team.users["editor"])
    url = f"/evaluation-runs/{run[0]}/collect"
    picked = {"collection": "Failures", "chosen": "3"}
    assert edits.post(url, picked).status_code == 303
    every = edits.post(f"{url}?wrong=3", {"collection": "Failures"})
    assert every.status_code == 303
    with unit_of_work() as session:
        rows = session.scalars(select(CollectionRow)).all()
        assert session.scalar(select(Collection.format)) == "evaluation"
        assert len(rows) == 19
        item = json.loads(rows[0].line)["item"]
    assert item["question"].startswith("Question 3")
    assert item["answer"] == "change_pin"
    assert browser(team.users["viewer"]).post(url, picked).status_code == 403
    assert edits.post(f"{url}?wrong=1&right=3&q=nothing", {"collection": "x"}).status_code == 422


def test_while_it_runs_the_page_says_how_far_it_is_and_asks_again(team, browser):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        evaluation = plant_evaluation(session, project)
        run_id = plant_run(
            session,
            evaluation,
            Player("tuned", right_in(100)),
            status=RunStatus.RUNNING,
            answered=5,
        ).id
    reads = browser(team.users["viewer"])
    text = reads.get(f"/evaluation-runs/{run_id}").text
    assert "5 of 12 answers are in." in text
    assert f'data-topic="evaluation_run:{run_id}"' in text
    assert "The cases are being sorted" in text
    part = reads.get(f"/evaluation-runs/{run_id}/standing").text
    assert part.lstrip().startswith('<div id="run-now"')
    assert "100.0 %" in part


def test_the_list_and_the_evaluation_show_the_latest_verdict_and_its_runs(team, browser, run):
    reads = browser(team.users["viewer"])
    for url in (f"/projects/{team.project_id}/evaluations", f"/evaluations/{run[1]}"):
        text = reads.get(url).text
        assert "more cases correctly than" in text, url
        assert f'href="/evaluation-runs/{run[0]}"' in text


def test_two_runs_are_compared_by_who_took_part_in_both(team, browser, run):
    with unit_of_work() as session:
        evaluation = session.get_one(Evaluation, run[1])
        later = plant_run(session, evaluation, *players(session, team, 100)[:2])
        later_id = later.id
    make_report(later_id)
    reads = browser(team.users["viewer"])
    text = reads.get(f"/evaluations/{run[1]}/compare").text
    assert "Run 2 against run 1" in text
    assert "base (run 1 alone)" in text
    assert "tuned in run 2" in text
    turned = reads.get(f"/evaluations/{run[1]}/compare?first=2&second=1").text
    assert "Run 1 against run 2" in turned
    assert reads.get(f"/evaluations/{run[1]}/compare?first=9").status_code == 422


def test_answers_are_exported_whole_as_csv_and_as_jsonl(team, browser, run):
    reads = browser(team.users["viewer"])
    table = reads.get(f"/evaluation-runs/{run[0]}/answers.csv")
    lines = table.text.splitlines()
    assert len(lines) == 1 + 3 * 40
    assert lines[0].startswith("case,question,reference,contestant,repeat,answer,passed")
    cases = [
        json.loads(one)
        for one in reads.get(f"/evaluation-runs/{run[0]}/answers.jsonl").text.splitlines()
    ]
    assert len(cases) == 40
    assert [one["contestant"] for one in cases[0]["answers"]] == ["tuned", "few-shot", "base"]
    assert cases[1]["answers"][2]["grades"][0]["passed"] is True
    assert cases[6]["answers"][2]["error"]


def test_no_cell_of_a_table_is_a_formula(team, browser):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        asked = [Question("=1+1", "-sum")] * 8 + questions(4)
        evaluation = plant_evaluation(session, project, asked)
        run_id = plant_run(session, evaluation, Player("=name", lambda *_: "-sum")).id
    make_report(run_id)
    reads = browser(team.users["viewer"])
    answers = reads.get(f"/evaluation-runs/{run_id}/answers.csv").text
    assert "1,'=1+1,'-sum,'=name,0,'-sum,True,1.0" in answers
    table = reads.get(f"/evaluation-runs/{run_id}/confusion.csv?contestant=1").text
    assert "'-sum,'-sum,8" in table


def test_nothing_yet_is_a_page_that_teaches(team, browser):
    text = browser(team.users["viewer"]).get(f"/projects/{team.project_id}/evaluations").text
    assert "No evaluation yet" in text
    assert "it may be that examples are all you need" in text


def test_a_run_asks_the_database_as_often_with_one_case_as_with_a_page_of_them(
    team, browser, queries
):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        ids = [
            plant_run(
                session,
                plant_evaluation(session, project, questions(count), name=f"{count} cases"),
                Player("tuned", right_in(90)),
                Player("base", right_in(60)),
            ).id
            for count in (2, 30)
        ]
    reads = browser(team.users["viewer"])
    asked = []
    for run_id in ids:
        make_report(run_id)
        reads.get(f"/evaluation-runs/{run_id}")
        with queries() as seen:
            reads.get(f"/evaluation-runs/{run_id}")
        asked.append(seen.count)
    assert asked[0] == asked[1] <= 20


def test_the_latest_verdict_stands_on_the_pages_of_its_job_and_its_model(team, browser):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        model = make.make_model(session, project, connection, version, model_name="ft:one")
        evaluation = plant_evaluation(session, project, questions(40))
        tuned = Player("ft:one", right_in(99), connection=connection, job_id=model.job_id)
        run_id = plant_run(session, evaluation, tuned, Player("base", right_in(40, 2))).id
        model_id, job_id = model.id, model.job_id
    make_report(run_id)
    reads = browser(team.users["viewer"])
    for path in (f"/models/{model_id}", f"/jobs/{job_id}"):
        assert f'hx-get="{path}/evaluations"' in reads.get(path).text
        assert "ft:one answers" in reads.get(f"{path}/evaluations").text
