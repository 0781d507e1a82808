"""Curves and logs drawn again from events, or from the tables that runs left."""

import base64

import pytest

from app.core.database import unit_of_work
from app.jobs.models import JobEvent
from app.rescue.models import Kind, Outcome
from app.rescue.using import files as using_files
from tests import make
from tests.rescue import bringing
from tests.rescue.bringing import (
    LOG,
    count,
    curve,
    datasets,
    figures,
    found,
    jobs,
    lines,
    models,
)
from tests.stage import one_database

TABLE = b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n"


def test_the_curve_comes_from_the_result_file_where_no_event_has_it(brought):
    table = TABLE + b"1,1.5,0.5,,\n2,0.9,0.6,0.8,0.7\n3,0.4,0.7,0.6,0.8\n"
    brought.run(bringing.job(result_files=["file-result"]), LOG[0])
    result = brought.file("file-result", table, "step_metrics.csv", purpose="fine-tune-results")

    brought.use()

    (job,) = jobs()
    assert curve(job.id) == [(1, 1.5), (2, 0.9), (3, 0.4)]
    assert curve(job.id, "train_mean_token_accuracy") == [(1, 0.5), (2, 0.6), (3, 0.7)]
    assert curve(job.id, "valid_loss") == [(2, 0.8), (3, 0.6)]
    assert job.best_valid_loss == 0.6
    assert models()[0].best_valid_loss == 0.6
    assert found(result).why_raw.startswith("A run's own figures")
    assert datasets()[1:] == []


def test_azures_table_is_read_by_its_own_names(brought):
    header = "step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy,"
    table = f"{header}full_valid_loss,full_valid_mean_token_accuracy\n7,1,0.5,0.9,0.6,0.8,0.7\n"
    brought.file("file-result", b"\xef\xbb\xbf" + table.encode(), purpose="fine-tune-results")
    brought.run(bringing.job(result_files=["file-result"]))

    brought.use()

    (job,) = jobs()
    assert curve(job.id, "valid_mean_token_accuracy") == [(7, 0.6)]
    assert curve(job.id, "full_valid_loss") == [(7, 0.8)]


def test_a_table_that_comes_late_still_draws_the_curve(brought):
    brought.run(bringing.job(result_files=["file-result"]))
    late = brought.file("file-result", None, purpose="fine-tune-results")
    brought.use()
    assert curve(jobs()[0].id) == []

    with unit_of_work() as session:
        one = session.get_one(using_files.RescuedObject, late)
        blob = make.make_blob(TABLE + b"1,1.5,0.5,,\n")
        one.sha256, one.size, one.outcome = blob.sha256, blob.size, Outcome.HOME
    brought.use()

    assert curve(jobs()[0].id) == [(1, 1.5)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\1\2",
        b"not,a,table\n1,2,3\n",
        b'"step\n',
        b"step\nx\n",
        base64.b64encode(b"step,a"),
    ],
    ids=["empty", "bytes", "no step", "quote", "no number", "encoded"],
)
@one_database
def test_a_table_nobody_can_read_leaves_the_job_without_a_curve(brought, content):
    brought.run(bringing.job(result_files=["file-result"]))
    result = brought.file("file-result", content, purpose="fine-tune-results")

    brought.use()

    assert curve(jobs()[0].id) == []
    assert found(result).used_at is not None


@one_database
def test_events_are_told_once_and_in_order_however_their_pages_overlapped(brought):
    brought.run(bringing.job(), LOG[0], LOG[3], LOG[1], LOG[2], LOG[2], LOG[4], LOG[0], LOG[5])

    brought.use()

    (job,) = jobs()
    assert curve(job.id) == [(1, 1.5), (2, 0.9), (3, 0.4), (4, 0.2)]
    assert job.train_loss == 0.2
    assert count(JobEvent) == 2


@one_database
def test_nested_figures_become_series_by_their_path(brought):
    scores = {"train_reward_mean": 0.4, "graders": [{"name": "exact"}]}
    reward = figures(1, step=1, train_mean_reward=0.4, scores=scores, full_valid_mean_reward=None)
    brought.run(bringing.job(method={"type": "reinforcement"}), reward)

    brought.use()

    (job,) = jobs()
    assert job.method == "reinforcement"
    assert curve(job.id, "train_mean_reward") == [(1, 0.4)]
    assert curve(job.id, "scores.train_reward_mean") == [(1, 0.4)]


@one_database
def test_lines_that_are_no_events_are_passed_over(brought):
    run = brought.run(bringing.job())
    strange = b'[]\nnull\n{"id": 7}\n\xff\xfe\n' + lines(*LOG)
    brought.add(Kind.JOB_EVENTS, "ftjob-1", strange, parent_id="ftjob-1")
    nothing = brought.add(Kind.JOB, "ftjob-9", b'{"object": "list"}')

    brought.use()

    (job,) = jobs()
    assert found(run).job_id == job.id
    assert len(curve(job.id)) == 4
    assert found(nothing).why_raw == "This cannot be read as a run."


def test_the_page_draws_the_curve_of_a_rescued_job(brought, team, browser):
    brought.run(bringing.job(), *LOG)
    brought.use()
    (job,) = jobs()
    viewer = browser(team.users["viewer"])

    page = viewer.get(f"/jobs/{job.id}")
    drawn = viewer.get(f"/jobs/{job.id}/metrics").json()
    table = viewer.get(f"/jobs/{job.id}/metrics.csv").text.splitlines()

    assert 'data-measure="loss"' in page.text
    assert drawn["step"] == [1, 2, 3, 4]
    assert drawn["train_loss"] == [1.5, 0.9, 0.4, 0.2]
    assert drawn["full_valid_loss"] == [None, None, 0.3, 0.4]
    assert (drawn["is_final"], drawn["steps_planned"]) == (True, 4)
    assert len(table) == 5


@one_database
def test_a_run_that_learned_from_a_grader_shows_rewards(brought, team, browser, script):
    told = (figures(n, step=n, train_mean_reward=n / 10) for n in (1, 2, 3))
    brought.run(bringing.job(method={"type": "reinforcement"}), *told)
    brought.use()
    (job,) = jobs()
    viewer = browser(team.users["viewer"])

    page = viewer.get(f"/jobs/{job.id}")
    drawn = viewer.get(f"/jobs/{job.id}/metrics").json()
    table = viewer.get(f"/jobs/{job.id}/metrics.csv").text.splitlines()
    given = script(team.users["viewer"]).get(f"/jobs/{job.id}/metrics").json()

    assert 'data-measure="reward"' in page.text
    assert "Training reward" in page.text
    assert drawn["train_mean_reward"] == given["train_mean_reward"] == [0.1, 0.2, 0.3]
    assert table[0] == "step,train_mean_reward,full_valid_mean_reward"
    assert len(table) == 4
