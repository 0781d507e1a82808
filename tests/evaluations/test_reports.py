"""A run's report: the board of its cases and the evidence, made by a worker and kept."""

import pytest
from sqlalchemy import select

from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.evaluations.models import EvaluationRun, RunStatus
from app.evaluations.reports import service, tasks
from app.evaluations.reports.figures import read
from app.evaluations.reports.models import BoardCase, Report
from app.evidence.words import sentence
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
def planted(team):
    """A function that plants a run with these contestants; its id."""

    def plant(*players, asked=None, **how):
        with unit_of_work() as session:
            project = session.get_one(Project, team.project_id)
            evaluation = plant_evaluation(session, project, asked or questions(80))
            return plant_run(session, evaluation, *players, **how).id

    return plant


@pytest.fixture
def connection(team):
    with unit_of_work() as session:
        return session.get_one(Connection, team.connection_id)


def kept(run_id):
    with unit_of_work() as session:
        report = session.scalar(select(Report).where(Report.run_id == run_id))
        board = session.scalars(
            select(BoardCase).where(BoardCase.run_id == run_id).order_by(BoardCase.number)
        ).all()
        return report, board


def right_but(*wrong):
    return lambda number, _repeat, reference: "other" if number in wrong else reference


def test_a_finished_run_has_a_line_a_case_and_a_verdict_on_every_two(planted):
    run_id = planted(
        Player("tuned", right_but(3)),
        Player("base", right_but(*range(1, 21))),
        Player("silent", lambda number, _, reference: None if number < 3 else reference),
    )
    make_report(run_id)
    report, board = kept(run_id)
    figures = read(report.figures)
    assert [line.marks for line in board[:4]] == ["310", "310", "113", "313"]
    assert [line.is_split for line in board[:4]] == [True, True, True, True]
    assert (board[3].right, board[30].marks) == (2, "333")
    assert [(first, second) for first, second, _ in figures.pairs] == [(0, 1), (0, 2), (1, 2)]
    assert [one.passes.value for one in figures.standings] == [79 / 80, 60 / 80, 1.0]
    against_base = figures.verdict(0, 1)
    assert (against_base.kind, against_base.better_on, against_base.worse_on) == ("better", 19, 0)
    assert sentence(against_base).startswith(
        "tuned answers 23.8 points more cases correctly than base"
    )
    assert figures.verdict(1, 0).difference == -against_base.difference
    assert figures.verdict(0, 2).left_out == 2
    assert (report.due_at, report.lease_until) == (None, None)


def test_the_page_leads_with_the_best_tuned_one_against_the_best_other(planted, connection, team):
    with unit_of_work() as session:
        model = make.make_model(
            session,
            session.get_one(Project, team.project_id),
            session.get_one(Connection, team.connection_id),
            session.get_one(DatasetVersion, team.version_id),
            model_name="ft:one",
        )
        job_id = model.job_id
    run_id = planted(
        Player("base", right_in(95)),
        Player("poor", right_in(30)),
        Player("ft:one", right_in(90), connection=connection),
        Player("step 10", right_in(60), job_id=job_id, checkpoint_step=10),
    )
    make_report(run_id)
    assert read(kept(run_id)[0].figures).leading == (2, 0)


def test_answers_are_sorted_by_the_labels_that_the_references_are(planted):
    def confused(number, _repeat, reference):
        return "**Refund.**" if reference == "delivery" else "what?" if number == 1 else reference

    run_id = planted(Player("tuned", confused))
    make_report(run_id)
    report, board = kept(run_id)
    figures = read(report.figures)
    assert figures.labels == ("card_arrival", "change_pin", "delivery", "refund")
    assert {(w, f): n for w, f, n in figures.mixed[0].cells}[3, 4] == 20
    assert board[0].labels == "000"
    assert board[3].labels == "004"  # delivery, answered with **Refund.**


def test_texts_that_are_all_different_are_no_labels(planted):
    asked = [Question(f"Question {n}", f"answer {n}") for n in range(20)]
    run_id = planted(Player("tuned", right_in(100)), asked=asked)
    make_report(run_id)
    report, board = kept(run_id)
    assert read(report.figures).labels == ()
    assert board[0].labels == ""


def test_repeats_are_one_mark_and_say_how_much_one_disagrees_with_itself(planted):
    sometimes = lambda number, repeat, ref: "other" if repeat and number < 5 else ref  # noqa: E731
    run_id = planted(Player("tuned", sometimes), Player("base", right_in(50)), repeats=3)
    make_report(run_id)
    report, board = kept(run_id)
    assert [line.marks[0] for line in board[:6]] == ["2", "2", "2", "2", "3", "3"]
    assert not board[0].is_split or "1" in board[0].marks
    flaky = read(report.figures).standings[0].flakiness
    assert (flaky.cases, flaky.repeats, flaky.disagreeing.value) == (80, 3, 4 / 80)


def test_while_it_runs_there_is_a_board_and_no_verdict_and_it_is_looked_at_again(planted):
    run_id = planted(
        Player("tuned", right_in(90)),
        Player("base", right_in(50)),
        status=RunStatus.RUNNING,
        answered=10,
    )
    make_report(run_id)
    report, board = kept(run_id)
    assert report.figures is None
    assert [line.marks for line in board[9:12]] == [board[9].marks, "00", "00"]
    assert "0" not in board[9].marks
    with unit_of_work() as session:
        assert report.due_at > clock.now(session)


def test_a_run_that_ended_while_its_report_was_made_is_reckoned_at_once(planted):
    run_id = planted(Player("tuned", right_in(90)), status=RunStatus.RUNNING)
    with unit_of_work() as session:
        service.ask(session, run_id)
        report_id = session.scalar(select(Report.id))
        work = service.claim(session, report_id)
    with unit_of_work() as session:
        session.get_one(EvaluationRun, run_id).status = RunStatus.DONE
    with unit_of_work() as session:
        service.record(session, work, None)
    assert tasks.waiting() == [("evaluations.report", report_id)]


def test_a_report_made_again_changes_no_line_that_is_as_it_was(planted, queries):
    run_id = planted(Player("tuned", right_in(90)))
    make_report(run_id)
    before = kept(run_id)[0].figures
    with queries() as seen:
        make_report(run_id)
    assert kept(run_id)[0].figures == before
    assert not [one for one, _ in seen.asked if one.startswith("UPDATE board_cases")]
